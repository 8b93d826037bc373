//! Resources as operators write them: objects of Mesos, plain text, or as a `/state` page shows them.

use apportion_policy::{Amount, Amounts};
use apportion_wire::resource::{ResourceParts, split};
use apportion_wire::text::{self, TextError};
use apportion_wire::{Scalar, Value as Held};
use serde_json::{Map, Value};

use super::document::Found;

/// What has to stand where resources stand.
pub(super) const EXPECTED: &str = "an array of objects, Resource, or text such as \"cpus:2;mem:512\"";

/// The resources; mistakes are noted.
pub(super) fn read(value: &Value, path: &str, found: &mut Found) -> Vec<ResourceParts> {
    let written = match value {
        Value::Array(_) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Object(amounts) => match plain(amounts) {
            Ok(text) => text,
            Err(name) => {
                found.add(
                    &format!("{path}.{name}"),
                    "neither number nor text",
                    "an amount, or a text such as \"[31000-31005]\"",
                );
                return Vec::new();
            }
        },
        other => {
            found.unexpected(path, other, EXPECTED);
            return Vec::new();
        }
    };
    match text::read(&written, "*") {
        Ok(resources) => resources,
        // It names its own path below this one.
        Err(TextError::Member { path: below, found: what, expected }) => {
            let below = below.strip_prefix("resources").unwrap_or(&below);
            found.add(&format!("{path}{below}"), what, expected);
            Vec::new()
        }
        Err(error) => {
            found.add(path, error.to_string(), EXPECTED);
            Vec::new()
        }
    }
}

/// The form of `/state` pages, `{"cpus": 2, "ports": "[1-2]"}`, as plain text; else the name that has no amount.
fn plain(amounts: &Map<String, Value>) -> Result<String, &str> {
    let one = |(name, value): (&String, &Value)| match value {
        Value::Number(number) => Some(format!("{name}:{number}")),
        Value::String(text) => Some(format!("{name}:{text}")),
        _ => None,
    };
    let parts = amounts.iter().map(|pair| one(pair).ok_or(pair.0.as_str()));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(";"))
}

/// Allocates to a role what is not allocated yet; whether anything was not.
pub(super) fn allocate(resources: &mut [Vec<u8>], role: &[u8]) -> bool {
    let mut changed = false;
    for bytes in resources {
        let Ok(resource) = split(bytes) else { continue };
        if resource.allocation_role.is_none() {
            let parts = ResourceParts { allocation_role: Some(role.to_vec()), ..resource.into_parts() };
            *bytes = parts.to_bytes();
            changed = true;
        }
    }
    changed
}

/// The resources with other amounts, for what comes after. The first resource of a name has all of it: rules see sums.
pub(super) fn with_amounts(resources: &[Vec<u8>], before: &Amounts, after: &Amounts) -> Vec<Vec<u8>> {
    let role = resources.iter().find_map(|bytes| Some(split(bytes).ok()?.allocation_role?.to_vec()));
    let changed = |name: &str| after.get(name) != before.get(name);
    let mut pending: Amounts = after
        .iter()
        .filter(|(name, _)| changed(name))
        .map(|(name, amount)| (name.clone(), *amount))
        .collect();
    let mut all = Vec::new();
    for bytes in resources {
        let Ok(resource) = split(bytes) else { continue };
        let name = apportion_policy::text(resource.facts.name);
        if !matches!(resource.value, Held::Scalar(_)) || !changed(&name) {
            all.push(bytes.clone());
        } else if let Some(amount) = pending.remove(&name) {
            all.extend(of_amount(resource.into_parts(), amount));
        }
    }
    for (name, amount) in pending {
        let read = text::read(&format!("{name}:{amount}"), "*").unwrap_or_default();
        all.extend(
            read.into_iter().map(|parts| ResourceParts { allocation_role: role.clone(), ..parts }.to_bytes()),
        );
    }
    all
}

fn of_amount(parts: ResourceParts, amount: Amount) -> Option<Vec<u8>> {
    let scalar = Scalar::from_thousandths(amount.thousandths()).ok().filter(|_| !amount.is_zero())?;
    Some(ResourceParts { value: Held::Scalar(scalar), ..parts }.to_bytes())
}
