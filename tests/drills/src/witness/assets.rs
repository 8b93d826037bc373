//! Reservations and volumes: which ones have to be there, and which ones must not.

use std::collections::BTreeMap;

use crate::error::DrillError;
use crate::journal::{Change, OperationEntry};
use crate::program::{MARKED_CPUS, MARKED_DISK_MB, MARKED_MEM_MB};
use crate::resources::Holdings;

const AMOUNTS: [(&str, f64); 3] = [("cpus", MARKED_CPUS), ("mem", MARKED_MEM_MB), ("disk", MARKED_DISK_MB)];

/// What is known of a reservation, or of the volume on it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Its making was acknowledged.
    There,
    /// It was never made, or its end was acknowledged.
    Gone,
    /// This operation on it is not acknowledged: it may be either.
    Open(String),
}

/// A reservation with its mark, and a volume perhaps.
#[derive(Debug)]
struct Asset {
    agent: String,
    reservation: Standing,
    volume: Standing,
}

/// Every reservation and volume of a drill, by mark.
#[derive(Debug, Default)]
pub(super) struct Assets {
    assets: BTreeMap<String, Asset>,
    /// The mark and the change of each operation that is not acknowledged.
    open: BTreeMap<String, (String, Change)>,
    /// Operations that were acknowledged.
    pub(super) acknowledged: usize,
}

impl Assets {
    /// A framework is about to ask for an operation.
    pub(super) fn ask(&mut self, agent: &str, operation: &OperationEntry) {
        let asset = self.assets.entry(operation.mark.clone()).or_insert_with(|| Asset {
            agent: agent.to_owned(),
            reservation: Standing::Gone,
            volume: Standing::Gone,
        });
        *asset.standing(operation.change) = Standing::Open(operation.id.clone());
        self.open.insert(operation.id.clone(), (operation.mark.clone(), operation.change));
    }

    /// An operation's state was reported.
    pub(super) fn report(&mut self, operation: &str, state: &str, text: &str) -> Result<(), DrillError> {
        match state {
            "OPERATION_FINISHED" => {}
            // The offer was void already, as its agent was gone.
            "OPERATION_ERROR" if text.contains("invalid offers") => return Ok(()),
            "OPERATION_ERROR" | "OPERATION_FAILED" => {
                let asked = self.open.get(operation);
                return Err(DrillError::finding(format!("{operation} ({asked:?}) became {state}: {text}")));
            }
            // Whether it was carried out stays open until the books are looked at.
            _ => return Ok(()),
        }
        let Some((mark, change)) = self.open.remove(operation) else { return Ok(()) };
        self.acknowledged += 1;
        if let Some(asset) = self.assets.get_mut(&mark) {
            let standing = asset.standing(change);
            // A later operation on the same thing may have been asked for meanwhile.
            if *standing == Standing::Open(operation.to_owned()) {
                *standing = match change {
                    Change::Reserve | Change::Create => Standing::There,
                    Change::Unreserve | Change::Destroy => Standing::Gone,
                };
            }
        }
        Ok(())
    }

    /// Compares with the totals of all agents, which nothing is under way to change. What was open is settled by what
    /// is found.
    pub(super) fn check(&mut self, totals: &BTreeMap<String, Holdings>) -> Result<(), DrillError> {
        let mut findings = Vec::new();
        for (mark, asset) in &mut self.assets {
            for (agent, total) in totals {
                let found = AMOUNTS.map(|(name, _)| total.marked(name, mark));
                let whole = AMOUNTS.iter().zip(found).all(|((_, wanted), found)| same(*wanted, found));
                let none = found.iter().all(|amount| same(*amount, 0.0));
                let volume = total.has_volume(mark);
                if *agent != asset.agent {
                    if !none || volume {
                        findings
                            .push(format!("{mark} of agent {} is on agent {agent}: {total}", asset.agent));
                    }
                    continue;
                }
                if !whole && !none {
                    findings.push(format!("reservation {mark} is there in part: {found:?} of {AMOUNTS:?}"));
                }
                findings.extend(settle(
                    &mut asset.reservation,
                    whole,
                    &format!("reservation {mark} on {agent}"),
                ));
                findings.extend(settle(&mut asset.volume, volume, &format!("volume {mark} on {agent}")));
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(DrillError::finding(findings.join("\n"))) }
    }

    /// Agent and mark of every volume that has to be there.
    pub(super) fn volumes(&self) -> impl Iterator<Item = (&str, &str)> {
        let there = self.assets.iter().filter(|(_, asset)| asset.volume == Standing::There);
        there.map(|(mark, asset)| (asset.agent.as_str(), mark.as_str()))
    }

    /// How many reservations have to be there.
    pub(super) fn reservations(&self) -> usize {
        self.assets.values().filter(|asset| asset.reservation == Standing::There).count()
    }
}

impl Asset {
    fn standing(&mut self, change: Change) -> &mut Standing {
        match change {
            Change::Reserve | Change::Unreserve => &mut self.reservation,
            Change::Create | Change::Destroy => &mut self.volume,
        }
    }
}

fn settle(standing: &mut Standing, found: bool, what: &str) -> Option<String> {
    match (&standing, found) {
        (Standing::There, false) => Some(format!("{what} was acknowledged and is lost")),
        (Standing::Gone, true) => Some(format!("{what} was given up and is back")),
        (Standing::Open(_), found) => {
            *standing = if found { Standing::There } else { Standing::Gone };
            None
        }
        _ => None,
    }
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{reserved, volume};

    fn entry(id: &str, change: Change) -> OperationEntry {
        OperationEntry { id: id.to_owned(), change, mark: "m".to_owned() }
    }

    fn totals(with_volume: Option<bool>) -> BTreeMap<String, Holdings> {
        let disk = |with| if with { volume(8.0, "red", "m") } else { reserved("disk", 8.0, "red", "m") };
        let amounts =
            |disk| json!([reserved("cpus", 0.25, "red", "m"), reserved("mem", 32.0, "red", "m"), disk]);
        let holdings = with_volume.map_or_else(Holdings::default, |with| Holdings::of(&amounts(disk(with))));
        BTreeMap::from([("agent".to_owned(), holdings), ("other".to_owned(), Holdings::default())])
    }

    fn acknowledged(steps: &[(&str, Change)]) -> Assets {
        let mut assets = Assets::default();
        for (id, change) in steps {
            assets.ask("agent", &entry(id, *change));
            assets.report(id, "OPERATION_FINISHED", "").unwrap();
        }
        assets
    }

    #[test]
    fn acknowledged_reservation_and_volume_have_to_be_there() {
        let mut assets = acknowledged(&[("1", Change::Reserve), ("2", Change::Create)]);
        assets.check(&totals(Some(true))).unwrap();
        let lost = assets.check(&totals(Some(false))).unwrap_err().to_string();
        assert!(lost.contains("volume m on agent was acknowledged and is lost"), "{lost}");
        let lost = assets.check(&totals(None)).unwrap_err().to_string();
        assert!(lost.contains("reservation m on agent was acknowledged and is lost"), "{lost}");
    }

    #[test]
    fn what_was_given_up_must_not_come_back() {
        let steps = [("1", Change::Reserve), ("2", Change::Create), ("3", Change::Destroy)];
        let back = acknowledged(&steps).check(&totals(Some(true))).unwrap_err().to_string();
        assert!(back.contains("volume m on agent was given up and is back"), "{back}");
    }

    #[test]
    fn open_operation_may_have_happened_or_not_and_is_settled_by_the_first_look() {
        for happened in [None, Some(false)] {
            let mut assets = Assets::default();
            assets.ask("agent", &entry("1", Change::Reserve));
            assets.check(&totals(happened)).unwrap();
            let other = if happened.is_some() { None } else { Some(false) };
            assert!(assets.check(&totals(other)).is_err());
        }
    }

    #[test]
    fn report_of_an_earlier_operation_says_nothing_of_a_later_one() {
        let mut assets = acknowledged(&[("1", Change::Reserve)]);
        assets.ask("agent", &entry("2", Change::Create));
        assets.ask("agent", &entry("3", Change::Destroy));
        assets.report("2", "OPERATION_FINISHED", "").unwrap();
        assets.check(&totals(Some(true))).unwrap();
    }

    #[test]
    fn reservation_in_part_or_on_another_agent_is_a_finding() {
        let mut assets = acknowledged(&[("1", Change::Reserve)]);
        let part = Holdings::of(&json!([reserved("cpus", 0.25, "red", "m")]));
        let found = assets.check(&BTreeMap::from([("agent".to_owned(), part)])).unwrap_err().to_string();
        assert!(found.contains("in part"), "{found}");
        let mut elsewhere = totals(Some(false));
        if let Some(holdings) = elsewhere.remove("agent") {
            elsewhere.insert("other".to_owned(), holdings);
        }
        assert!(assets.check(&elsewhere).unwrap_err().to_string().contains("is on agent other"));
    }
}
