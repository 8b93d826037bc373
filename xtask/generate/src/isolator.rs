//! The reference of the isolator: its keys, what is written where for them, what is known of containers.

use std::path::Path;

use apportion_config::ISOLATOR_SCHEMA;
use apportion_isolation::{Capability, REASON_BYTES_MAX, RlimitKind};
use apportion_policy::RULE_NAME_BYTES_MAX;

use crate::hooks::{known, tables};
use crate::page::{Parts, bytes, code, table};
use crate::{Failure, Generated};

/// Text of the reference, with places for its tables.
const REFERENCE: &str = include_str!("isolator/reference.md");

/// What the engine writes, as its own test found it.
const SETTINGS: &str = include_str!("../../../module/cgroups/settings.md");

/// `docs/isolator-reference.md`.
pub(crate) fn reference(root: &Path) -> Result<Generated, Failure> {
    let mut parts = Parts::default();
    for schema in ISOLATOR_SCHEMA {
        parts.add(schema.path, tables::keys(schema.path)?);
    }
    parts.add("settings", SETTINGS);
    parts.add("known", known::of_containers()?);
    let names = |names: Vec<String>| names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
    parts.add("rlimits", names(RlimitKind::all().map(|kind| kind.name().to_owned()).collect()));
    let in_mesos = Capability::all().filter(|capability| capability.mesos_number().is_some());
    parts.add("capabilities", names(in_mesos.map(Capability::name).collect()));
    let limits = [
        ("rules about containers", apportion_config::HOOK_RULES_MAX.to_string()),
        ("name of a rule", bytes(RULE_NAME_BYTES_MAX)),
        ("reason of a refusal, as a framework reads it", bytes(REASON_BYTES_MAX)),
    ];
    parts.add("limits", table(["what", "at most"], limits.map(|(what, most)| [what.to_owned(), most])));
    let text = parts.into_page(REFERENCE, "xtask/generate/src/isolator/reference.md")?;
    Ok(Generated { path: root.join("docs/isolator-reference.md"), text })
}
