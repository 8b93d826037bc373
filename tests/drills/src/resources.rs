//! Resources as the drills compare them: amounts by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

/// Anything real is larger: all amounts of the drills are multiples of 0.25.
const TOLERANCE: f64 = 1e-6;
/// Key of the label that tells the reservations of the drills apart.
const MARK: &str = "mark";

/// What makes resources different beside their amount. The role they are allocated to is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) name: String,
    /// Role and mark of the reservation.
    pub(crate) reserved: Option<(String, String)>,
    /// Persistence id of the volume.
    pub(crate) volume: Option<String>,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        if let Some((role, mark)) = &self.reserved {
            write!(out, "({role} {mark})")?;
        }
        self.volume.iter().try_for_each(|id| write!(out, "[volume {id}]"))
    }
}

/// Amounts of scalars, and elements of ranges, by kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holdings {
    scalars: BTreeMap<Kind, f64>,
    ranges: BTreeMap<Kind, BTreeSet<u64>>,
}

impl Holdings {
    /// Reads a list of JSON `Resource` messages.
    pub(crate) fn of(resources: &Value) -> Holdings {
        let mut holdings = Holdings::default();
        for resource in resources.as_array().into_iter().flatten() {
            let kind = kind(resource);
            if let Some(amount) = resource["scalar"]["value"].as_f64() {
                *holdings.scalars.entry(kind).or_default() += amount;
            } else {
                holdings.ranges.entry(kind).or_default().extend(elements(resource));
            }
        }
        holdings
    }

    pub(crate) fn add(&mut self, other: &Holdings) {
        for (kind, amount) in &other.scalars {
            *self.scalars.entry(kind.clone()).or_default() += amount;
        }
        for (kind, elements) in &other.ranges {
            self.ranges.entry(kind.clone()).or_default().extend(elements);
        }
    }

    /// What is here and not in `other`.
    pub(crate) fn beyond(&self, other: &Holdings) -> Holdings {
        let mut rest = Holdings::default();
        for (kind, amount) in &self.scalars {
            let more = amount - other.scalars.get(kind).copied().unwrap_or(0.0);
            if more > TOLERANCE {
                rest.scalars.insert(kind.clone(), more);
            }
        }
        for (kind, elements) in &self.ranges {
            let theirs = other.ranges.get(kind);
            let more: BTreeSet<u64> = elements
                .iter()
                .filter(|element| !theirs.is_some_and(|theirs| theirs.contains(element)))
                .copied()
                .collect();
            if !more.is_empty() {
                rest.ranges.insert(kind.clone(), more);
            }
        }
        rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scalars.values().all(|amount| *amount <= TOLERANCE)
            && self.ranges.values().all(BTreeSet::is_empty)
    }

    /// The part whose kinds are in `other` too, in whatever amount.
    pub(crate) fn of_kinds_in(&self, other: &Holdings) -> Holdings {
        let mut part = self.clone();
        part.scalars.retain(|kind, _| other.scalars.contains_key(kind));
        part.ranges.retain(|kind, _| other.ranges.contains_key(kind));
        part
    }

    /// What is one of a kind and in both: elements of ranges, and volumes.
    pub(crate) fn in_common(&self, other: &Holdings) -> Holdings {
        let mut common = Holdings::default();
        for (kind, amount) in &self.scalars {
            if kind.volume.is_some() && other.scalars.contains_key(kind) {
                common.scalars.insert(kind.clone(), *amount);
            }
        }
        for (kind, elements) in &self.ranges {
            let theirs = other.ranges.get(kind);
            let both: BTreeSet<u64> = elements
                .iter()
                .filter(|one| theirs.is_some_and(|theirs| theirs.contains(one)))
                .copied()
                .collect();
            if !both.is_empty() {
                common.ranges.insert(kind.clone(), both);
            }
        }
        common
    }

    /// The same amounts by name alone: operations change kinds, but no sum of a name.
    pub(crate) fn by_name(&self) -> Holdings {
        let mut names = Holdings::default();
        let bare = |kind: &Kind| Kind { name: kind.name.clone(), reserved: None, volume: None };
        for (kind, amount) in &self.scalars {
            *names.scalars.entry(bare(kind)).or_default() += amount;
        }
        for (kind, elements) in &self.ranges {
            names.ranges.entry(bare(kind)).or_default().extend(elements);
        }
        names
    }

    /// Whether both are the same.
    pub(crate) fn equals(&self, other: &Holdings) -> bool {
        self.beyond(other).is_empty() && other.beyond(self).is_empty()
    }

    /// Amount of a name reserved under a mark, as disk or as a volume on it.
    pub(crate) fn marked(&self, name: &str, mark: &str) -> f64 {
        let same =
            |kind: &Kind| kind.name == name && kind.reserved.as_ref().is_some_and(|(_, found)| found == mark);
        self.sum(same)
    }

    /// Amount of a name that is reserved for nobody.
    pub(crate) fn unreserved(&self, name: &str) -> f64 {
        self.sum(|kind| kind.name == name && kind.reserved.is_none())
    }

    /// Amount of a name that is reserved for a role.
    pub(crate) fn reserved_for(&self, role: &str, name: &str) -> f64 {
        self.sum(|kind| kind.name == name && kind.reserved.as_ref().is_some_and(|(owner, _)| owner == role))
    }

    fn sum(&self, is_meant: impl Fn(&Kind) -> bool) -> f64 {
        self.scalars.iter().filter(|(kind, _)| is_meant(kind)).map(|(_, amount)| amount).sum()
    }

    /// Mark and role of each reservation that is here.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (String, String)> {
        let cpus = self.scalars.iter().filter(|(kind, amount)| kind.name == "cpus" && **amount > TOLERANCE);
        cpus.filter_map(|(kind, _)| kind.reserved.clone()).map(|(role, mark)| (mark, role))
    }

    /// What is not of these names without a reservation.
    pub(crate) fn beside_unreserved(&self, names: &[&str]) -> Holdings {
        let is_meant = |kind: &Kind| kind.reserved.is_none() && names.contains(&kind.name.as_str());
        let mut rest = self.clone();
        rest.scalars.retain(|kind, _| !is_meant(kind));
        rest.ranges.retain(|kind, _| !is_meant(kind));
        rest
    }

    /// Whether a volume of this persistence id is here.
    pub(crate) fn has_volume(&self, id: &str) -> bool {
        self.scalars.keys().any(|kind| kind.volume.as_deref() == Some(id))
    }
}

impl fmt::Display for Holdings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scalars = self.scalars.iter().map(|(kind, amount)| format!("{kind}:{amount}"));
        let ranges = self.ranges.iter().map(|(kind, elements)| format!("{kind}:{elements:?}"));
        let parts: Vec<String> = scalars.chain(ranges).collect();
        if parts.is_empty() { out.write_str("nothing") } else { out.write_str(&parts.join("; ")) }
    }
}

fn kind(resource: &Value) -> Kind {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reserved = resource["reservations"].as_array().and_then(|stack| stack.last()).map(|last| {
        let mark = &last["labels"]["labels"][0]["value"];
        (text(&last["role"]), text(mark))
    });
    let volume = resource["disk"]["persistence"]["id"].as_str().map(str::to_owned);
    Kind { name: text(&resource["name"]), reserved, volume }
}

/// Elements of a `Resource` of ranges.
pub(crate) fn elements(resource: &Value) -> BTreeSet<u64> {
    let ranges = resource["ranges"]["range"].as_array().into_iter().flatten();
    ranges
        .flat_map(|range| range["begin"].as_u64().unwrap_or(1)..=range["end"].as_u64().unwrap_or(0))
        .collect()
}

/// An amount, allocated to a role.
pub(crate) fn amount(name: &str, value: f64, role: &str) -> Value {
    json!({"name": name, "type": "SCALAR", "scalar": {"value": value}, "allocation_info": {"role": role}})
}

/// Single ports, allocated to a role.
pub(crate) fn ports(elements: &[u64], role: &str) -> Value {
    let ranges: Vec<Value> = elements.iter().map(|port| json!({"begin": port, "end": port})).collect();
    json!({"name": "ports", "type": "RANGES", "ranges": {"range": ranges}, "allocation_info": {"role": role}})
}

/// An amount dynamically reserved for a role under a mark.
pub(crate) fn reserved(name: &str, value: f64, role: &str, mark: &str) -> Value {
    let mut resource = amount(name, value, role);
    let labels = json!({"labels": [{"key": MARK, "value": mark}]});
    resource["reservations"] = json!([{"type": "DYNAMIC", "role": role, "labels": labels}]);
    resource
}

/// A volume on disk reserved under a mark; the mark is its persistence id too.
pub(crate) fn volume(size_mb: f64, role: &str, mark: &str) -> Value {
    let mut resource = reserved("disk", size_mb, role, mark);
    resource["disk"] =
        json!({"persistence": {"id": mark}, "volume": {"container_path": "data", "mode": "RW"}});
    resource
}

/// Resources as the operator's calls want them: allocated to nobody.
pub(crate) fn without_allocation(mut resources: Value) -> Value {
    for resource in resources.as_array_mut().into_iter().flatten() {
        if let Some(fields) = resource.as_object_mut() {
            fields.remove("allocation_info");
        }
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holdings(resources: &[Value]) -> Holdings {
        Holdings::of(&json!(resources))
    }

    #[test]
    fn allocation_makes_no_other_kind_but_a_mark_does() {
        let one = holdings(&[amount("cpus", 1.0, "red")]);
        assert!(one.equals(&holdings(&[amount("cpus", 0.5, "blue"), amount("cpus", 0.5, "red")])));
        let marked = holdings(&[reserved("cpus", 1.0, "red", "a")]);
        assert!(!marked.equals(&holdings(&[reserved("cpus", 1.0, "red", "b")])));
        assert_eq!(one.beyond(&marked).to_string(), "cpus:1");
        assert!(marked.by_name().equals(&one));
    }

    #[test]
    fn ports_and_volumes_are_found_in_common_and_amounts_are_not() {
        let volume = || volume(8.0, "red", "a");
        let one = holdings(&[ports(&[1, 2], "red"), amount("cpus", 1.0, "red"), volume()]);
        let other = holdings(&[ports(&[2, 3], "blue"), amount("cpus", 1.0, "blue"), volume()]);
        assert_eq!(one.in_common(&other).to_string(), "disk(red a)[volume a]:8; ports:{2}");
        let plain = holdings(&[reserved("disk", 8.0, "red", "a")]);
        assert!(one.in_common(&plain).is_empty());
    }

    #[test]
    fn sums_tell_reservations_from_the_rest() {
        let one = holdings(&[
            amount("cpus", 1.0, "red"),
            reserved("cpus", 0.25, "red", "a"),
            reserved("cpus", 0.5, "blue", "b"),
            ports(&[1], "red"),
        ]);
        assert!((one.unreserved("cpus") - 1.0).abs() < TOLERANCE);
        assert!((one.reserved_for("blue", "cpus") - 0.5).abs() < TOLERANCE);
        let marks: Vec<(String, String)> = one.marks().collect();
        assert_eq!(
            marks,
            [("b", "blue"), ("a", "red")].map(|(mark, role)| (mark.to_owned(), role.to_owned()))
        );
        let rest = one.beside_unreserved(&["cpus", "ports"]);
        assert_eq!(rest.to_string(), "cpus(blue b):0.5; cpus(red a):0.25");
        assert!(without_allocation(json!([amount("cpus", 1.0, "red")]))[0]["allocation_info"].is_null());
    }

    #[test]
    fn disk_under_a_volume_still_counts_for_its_reservation() {
        let one = holdings(&[volume(8.0, "red", "a"), reserved("cpus", 0.25, "red", "a")]);
        assert!((one.marked("disk", "a") - 8.0).abs() < TOLERANCE && one.has_volume("a"));
        assert!(one.marked("disk", "b").abs() < TOLERANCE && !one.has_volume("b"));
    }
}
