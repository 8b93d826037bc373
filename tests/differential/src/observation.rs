//! What an operator can see of allocations, with everything taken out that may differ between two runs of one script.
//!
//! Taken out, and why:
//!
//! * ids, times, addresses: they are made up anew in each run. Ids become the names the script gave.
//! * which of several equal agents it is: both allocators visit agents in a random order. Agents are compared as a
//!   collection, each by the group it belongs to; so are offers.
//! * the order of resources in a list: it is the order in which they happened to be added up.
//!
//! Where a role gets a part of an agent, as under a limit, the order of agents also decides how its total is divided
//! among offers; so does a batch that falls between two offers that come back. After such steps only totals are
//! compared, see [`Cluster::step_of_totals`](crate::Cluster::step_of_totals).

use std::collections::BTreeMap;

use apportion_cluster_tests::list;
use apportion_rig::Master;
use serde_json::{Map, Value, json};

use crate::metrics;
use crate::names::Names;

/// One look at a master.
#[derive(Debug)]
pub(crate) struct Observation(Value);

impl Observation {
    /// Reads everything.
    pub(crate) fn read(master: &Master, names: &Names) -> Observation {
        let call = |name: &str| {
            let answer =
                master.call(&json!({"type": name})).unwrap_or_else(|error| panic!("{name}: {error}"));
            answer[name.to_lowercase()].clone()
        };
        let page = |path: &str| master.get_json(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let constraints = page("/allocator/offer_constraints_debug");
        Observation(json!({
            "roles": roles(&call("GET_ROLES"), &page("/roles"), names),
            "frameworks": frameworks(&call("GET_FRAMEWORKS"), names),
            "agents": agents(&call("GET_AGENTS")),
            "quota": sorted(list(&call("GET_QUOTA")["status"]["configs"]).iter().map(canonical)),
            "weights": sorted(list(&call("GET_WEIGHTS")["weight_infos"]).iter().map(canonical)),
            "maintenance": maintenance(&call("GET_MAINTENANCE_STATUS"), names),
            "constraints": by_name(&constraints["frameworks"], names),
            "metrics": metrics::compared(&page("/metrics/snapshot"), names),
        }))
    }

    /// Everything that was seen, but totals in place of single offers and agents.
    pub(crate) fn totals(self) -> Observation {
        let mut seen = self.0;
        for (_, framework) in seen["frameworks"].as_object_mut().into_iter().flatten() {
            framework["offers"] = Value::Null;
        }
        let agents = list(&seen["agents"]["registered"]);
        let total = |field: &str| sum(agents.iter().flat_map(|agent| list(&agent[field])).map(text));
        let totals = json!({
            "count": agents.len(),
            "total": total("total"),
            "allocated": total("allocated"),
            "offered": total("offered"),
        });
        seen["agents"]["registered"] = totals;
        if let Some(metrics) = seen["metrics"].as_object_mut() {
            metrics.retain(|name, _| !metrics::counts_offers(name));
        }
        Observation(seen)
    }

    pub(crate) fn into_json(self) -> Value {
        self.0
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

/// Adds up the scalars among resources as [`resource`] shows them. Others are listed once: ports of two agents do not
/// add up to anything.
fn sum<'a>(resources: impl Iterator<Item = &'a str>) -> Value {
    let mut sums: BTreeMap<&str, Option<f64>> = BTreeMap::new();
    for line in resources {
        let scalar =
            line.rsplit_once(": ").and_then(|(kind, amount)| Some((kind, amount.parse::<f64>().ok()?)));
        match scalar {
            Some((kind, amount)) => *sums.entry(kind).or_default().get_or_insert(0.0) += amount,
            None => drop(sums.insert(line, None)),
        }
    }
    let shown = sums.into_iter().map(|(kind, amount)| match amount {
        Some(amount) => json!(format!("{kind}: {amount:.3}")),
        None => json!(kind),
    });
    Value::Array(shown.collect())
}

/// A value as text with the fields of objects in the order of their names: Mesos shows maps in any order.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, String> =
                fields.iter().map(|(name, value)| (name, canonical(value))).collect();
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A resource on one line: name, role it is allocated to, all else it consists of, amount.
pub fn resource(resource: &Value) -> String {
    let mut rest = resource.as_object().cloned().unwrap_or_default();
    let name = rest.shift_remove("name").unwrap_or_default();
    // The old form of a reservation repeats the new one.
    for field in ["type", "role", "reservation"] {
        rest.shift_remove(field);
    }
    let amount =
        ["scalar", "ranges", "set"].iter().find_map(|kind| rest.shift_remove(*kind)).unwrap_or_default();
    let role = rest.shift_remove("allocation_info").unwrap_or_default();
    let mut line = text(&name).to_owned();
    if let Some(role) = role["role"].as_str() {
        line += &format!(" for {role}");
    }
    if !rest.is_empty() {
        line += &format!(" {}", canonical(&Value::Object(rest)));
    }
    format!("{line}: {}", amount_text(&amount))
}

fn amount_text(amount: &Value) -> String {
    match amount["value"].as_f64() {
        Some(value) => format!("{value:.3}"),
        None => canonical(amount),
    }
}

/// Resources, each on a line, in the order of the lines.
pub(crate) fn resources(of: &[Value]) -> Vec<String> {
    sorted(of.iter().map(resource))
}

/// The group of an agent: its host name without the number.
fn group(hostname: &Value) -> &str {
    let hostname = text(hostname);
    hostname.rsplit_once('-').map_or(hostname, |(group, _)| group)
}

fn roles(operator: &Value, page: &Value, names: &Names) -> Value {
    let mut roles = Map::new();
    for role in list(&page["roles"]) {
        let mut shown = role.as_object().cloned().unwrap_or_default();
        let frameworks = sorted(list(&role["frameworks"]).iter().map(|id| names.of(text(id)).to_owned()));
        shown.insert("frameworks".into(), json!(frameworks));
        shown.shift_remove("name");
        roles.insert(text(&role["name"]).to_owned(), Value::Object(shown));
    }
    for role in list(&operator["roles"]) {
        let entry = roles.entry(text(&role["name"])).or_insert(json!({}));
        let frameworks = list(&role["frameworks"]).iter();
        entry["operator"] = json!({
            "weight": role["weight"],
            "frameworks": sorted(frameworks.map(|id| names.of(text(&id["value"])).to_owned())),
            "resources": resources(list(&role["resources"])),
        });
    }
    Value::Object(roles)
}

fn frameworks(answer: &Value, names: &Names) -> Value {
    let mut shown = Map::new();
    for (kind, list_name) in [("present", "frameworks"), ("completed", "completed_frameworks")] {
        for framework in list(&answer[list_name]) {
            let info = &framework["framework_info"];
            let offer = |offer: &Value| {
                let role = text(&offer["allocation_info"]["role"]);
                let unavailable = if offer["unavailability"].is_null() { "" } else { " unavailable" };
                let resources = resources(list(&offer["resources"])).join("; ");
                format!("{role} on {}{unavailable}: {resources}", group(&offer["hostname"]))
            };
            let inverse = |offer: &Value| {
                let agent = names.of(text(&offer["agent_id"]["value"]));
                format!(
                    "{agent}: {} {}",
                    offer["unavailability"],
                    resources(list(&offer["resources"])).join("; ")
                )
            };
            let entry = json!({
                "kind": kind,
                "active": framework["active"],
                "connected": framework["connected"],
                "recovered": framework["recovered"],
                "roles": info["roles"],
                "suppressed": framework["suppressed_roles"],
                "constraints": framework["offer_constraints"],
                "allocated": resources(list(&framework["allocated_resources"])),
                "offered": resources(list(&framework["offered_resources"])),
                "offers": sorted(list(&framework["offers"]).iter().map(offer)),
                "inverse_offers": sorted(list(&framework["inverse_offers"]).iter().map(inverse)),
            });
            shown.insert(text(&info["name"]).to_owned(), entry);
        }
    }
    Value::Object(shown)
}

fn agents(answer: &Value) -> Value {
    let agent = |agent: &Value| {
        json!({
            "group": group(&agent["agent_info"]["hostname"]),
            "active": agent["active"],
            "deactivated": agent["deactivated"],
            "total": resources(list(&agent["total_resources"])),
            "allocated": resources(list(&agent["allocated_resources"])),
            "offered": resources(list(&agent["offered_resources"])),
        })
    };
    json!({
        "registered": in_order(list(&answer["agents"]).iter().map(agent)),
        "recovered": list(&answer["recovered_agents"]).len(),
    })
}

/// Values in the order of their texts: a collection without an order of its own.
fn in_order(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_cached_key(Value::to_string);
    values
}

fn maintenance(answer: &Value, names: &Names) -> Value {
    let status = &answer["status"];
    let draining = list(&status["draining_machines"]).iter().map(|machine| {
        let statuses = list(&machine["statuses"]).iter();
        let answers = statuses.map(|status| {
            format!("{}: {}", names.of(text(&status["framework_id"]["value"])), text(&status["status"]))
        });
        json!({"machine": machine["id"]["hostname"], "statuses": sorted(answers)})
    });
    json!({
        "draining": in_order(draining),
        "down": sorted(list(&status["down_machines"]).iter().map(canonical)),
    })
}

/// What the allocator's own page says of each framework.
fn by_name(frameworks: &Value, names: &Names) -> Value {
    let entries = frameworks.as_object().into_iter().flatten().map(|(id, entry)| {
        let suppressed = sorted(list(&entry["suppressed_roles"]).iter().map(|role| text(role).to_owned()));
        let excluded = entry["excluded_by_attribute_constraints"].as_object().into_iter().flatten();
        let excluded: Map<String, Value> = excluded
            .map(|(role, agents)| {
                let agents = list(agents).iter().map(|id| names.of(text(id)).to_owned());
                (role.clone(), json!(sorted(agents)))
            })
            .collect();
        (names.of(id).to_owned(), json!({"suppressed": suppressed, "excluded": excluded}))
    });
    Value::Object(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_shows_everything_but_the_old_form() {
        let shown = resource(&json!({
            "name": "disk", "type": "SCALAR", "scalar": {"value": 1.5}, "role": "a",
            "allocation_info": {"role": "a/b"}, "reservations": [{"role": "a"}], "revocable": {},
        }));
        assert_eq!(shown, r#"disk for a/b {reservations:[{role:"a"}],revocable:{}}: 1.500"#);
    }

    #[test]
    fn totals_add_up_scalars_of_one_kind() {
        let found =
            sum(["cpus for a: 1.500", "cpus for a: 2.000", "cpus for b: 1.000", "ports {x}"].into_iter());
        assert_eq!(found, json!(["cpus for a: 3.500", "cpus for b: 1.000", "ports {x}"]));
    }

    #[test]
    fn agents_are_compared_by_their_groups() {
        assert_eq!((group(&json!("left-12")), group(&json!("alone"))), ("left", "alone"));
    }
}
