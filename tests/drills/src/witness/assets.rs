//! Reservations and volumes: which ones have to be there, and which ones must not.

use std::collections::BTreeMap;

use crate::error::DrillError;
use crate::journal::{Change, OperationEntry};
use crate::program::{MARKED_CPUS, MARKED_DISK_MB, MARKED_MEM_MB};
use crate::resources::Holdings;

const AMOUNTS: [(&str, f64); 3] = [("cpus", MARKED_CPUS), ("mem", MARKED_MEM_MB), ("disk", MARKED_DISK_MB)];

/// Who asks for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    Framework,
    Operator,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// Nothing has changed.
    Refused,
}

/// An operation on a reservation or volume.
#[derive(Debug)]
struct Asked {
    id: String,
    asker: Asker,
    /// Whether the thing is there after it; `None` before it is known to be done.
    outcome: Option<bool>,
}

/// What is known of a reservation, or of the volume on it.
///
/// Operations count in the order in which they were asked for. Frameworks take turns, as they act on offers, and the
/// operator waits for its answers. What a framework has asked for before the operator and what was done, was done before:
/// afterwards its offer would have been taken back. Only what it asks for while the operator waits may come before or
/// after.
#[derive(Debug, Default)]
struct Standing {
    is_there: bool,
    /// What was asked for since then: it may be either.
    asked: Vec<Asked>,
    /// The order of two operations is not known: it may be either.
    contested: bool,
}

impl Standing {
    fn ask(&mut self, id: &str, asker: Asker) {
        self.asked.push(Asked { id: id.to_owned(), asker, outcome: None });
    }

    fn report(&mut self, id: &str, asker: Asker, outcome: Outcome, is_there: bool) {
        let place = self.asked.iter().position(|asked| asked.id == id);
        match (place, outcome) {
            (Some(place), Outcome::Refused) => {
                self.asked.remove(place);
            }
            (Some(place), Outcome::Done) => self.asked[place].outcome = Some(is_there),
            (None, Outcome::Done) if asker == Asker::Operator => self.contested = true,
            (None, _) => {}
        }
        let Some((Asked { asker, outcome: Some(is_there), .. }, earlier)) = self.asked.split_last() else {
            return;
        };
        self.contested |=
            *asker == Asker::Framework && earlier.iter().any(|one| one.asker == Asker::Operator);
        self.is_there = *is_there;
        self.asked.clear();
    }

    /// Compares with what is found; what was open is settled by it.
    fn settle(&mut self, found: bool, what: &str) -> Option<String> {
        let is_open = self.contested || !self.asked.is_empty();
        let finding = match (self.is_there, found) {
            (true, false) if !is_open => Some(format!("{what} was acknowledged and is lost")),
            (false, true) if !is_open => Some(format!("{what} was given up and is back")),
            _ => None,
        };
        *self = Standing { is_there: found, ..Standing::default() };
        finding
    }
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
    /// What each operation that is not acknowledged is about.
    open: BTreeMap<String, (String, Change, Asker)>,
    /// Operations of frameworks that were acknowledged.
    pub(super) acknowledged: usize,
}

impl Assets {
    /// Somebody is about to ask for an operation.
    pub(super) fn ask(&mut self, agent: &str, operation: &OperationEntry, asker: Asker) {
        let asset = self.assets.entry(operation.mark.clone()).or_insert_with(|| Asset {
            agent: agent.to_owned(),
            reservation: Standing::default(),
            volume: Standing::default(),
        });
        asset.standing(operation.change).ask(&operation.id, asker);
        self.open.insert(operation.id.clone(), (operation.mark.clone(), operation.change, asker));
    }

    /// A framework was told an operation's state.
    pub(super) fn report(&mut self, operation: &str, state: &str, text: &str) -> Result<(), DrillError> {
        let outcome = match state {
            "OPERATION_FINISHED" => Outcome::Done,
            // The offer was void already, as its agent was gone or the operator had needed it.
            "OPERATION_ERROR" if text.contains("invalid offers") => Outcome::Refused,
            "OPERATION_ERROR" | "OPERATION_FAILED" => {
                let asked = self.open.get(operation);
                return Err(DrillError::finding(format!("{operation} ({asked:?}) became {state}: {text}")));
            }
            // Whether it was carried out stays open until the books are looked at.
            _ => return Ok(()),
        };
        self.acknowledged += usize::from(outcome == Outcome::Done && self.open.contains_key(operation));
        self.close(operation, outcome);
        Ok(())
    }

    /// What became of an operation is known.
    pub(super) fn close(&mut self, operation: &str, outcome: Outcome) {
        let Some((mark, change, asker)) = self.open.remove(operation) else { return };
        let is_there = matches!(change, Change::Reserve | Change::Create);
        if let Some(asset) = self.assets.get_mut(&mark) {
            asset.standing(change).report(operation, asker, outcome, is_there);
        }
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
                findings.extend(asset.reservation.settle(whole, &format!("reservation {mark} on {agent}")));
                findings.extend(asset.volume.settle(volume, &format!("volume {mark} on {agent}")));
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(DrillError::finding(findings.join("\n"))) }
    }

    /// Agent and mark of every volume that has to be there.
    pub(super) fn volumes(&self) -> impl Iterator<Item = (&str, &str)> {
        let there = self.assets.iter().filter(|(_, asset)| asset.volume.is_there);
        there.map(|(mark, asset)| (asset.agent.as_str(), mark.as_str()))
    }

    /// How many reservations have to be there.
    pub(super) fn reservations(&self) -> usize {
        self.assets.values().filter(|asset| asset.reservation.is_there).count()
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
            assets.ask("agent", &entry(id, *change), Asker::Framework);
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
            assets.ask("agent", &entry("1", Change::Reserve), Asker::Framework);
            assets.check(&totals(happened)).unwrap();
            let other = if happened.is_some() { None } else { Some(false) };
            assert!(assets.check(&totals(other)).is_err());
        }
    }

    #[test]
    fn report_of_an_earlier_operation_says_nothing_of_a_later_one() {
        let mut assets = acknowledged(&[("1", Change::Reserve)]);
        assets.ask("agent", &entry("2", Change::Create), Asker::Framework);
        assets.ask("agent", &entry("3", Change::Destroy), Asker::Framework);
        assets.report("2", "OPERATION_FINISHED", "").unwrap();
        assets.check(&totals(Some(true))).unwrap();
    }

    #[test]
    fn refused_operation_leaves_what_was_known() {
        let mut assets = acknowledged(&[("1", Change::Reserve), ("2", Change::Create)]);
        assets.ask("agent", &entry("call", Change::Destroy), Asker::Operator);
        assets.close("call", Outcome::Refused);
        assert!(assets.check(&totals(Some(false))).is_err());
        let mut assets = acknowledged(&[("1", Change::Reserve), ("2", Change::Create)]);
        assets.ask("agent", &entry("3", Change::Destroy), Asker::Framework);
        assets.report("3", "OPERATION_ERROR", "Operation attempted with invalid offers: x").unwrap();
        assert!(assets.check(&totals(Some(false))).is_err());
        assert!(assets.report("4", "OPERATION_ERROR", "another reason").is_err());
    }

    #[test]
    fn operator_is_believed_like_a_framework_and_what_it_overtook_is_not() {
        let mut assets = acknowledged(&[("1", Change::Reserve)]);
        assets.ask("agent", &entry("2", Change::Create), Asker::Framework);
        assets.ask("agent", &entry("call", Change::Destroy), Asker::Operator);
        assets.close("call", Outcome::Done);
        assets.report("2", "OPERATION_FINISHED", "").unwrap();
        assert!(assets.check(&totals(Some(true))).is_err());
    }

    #[test]
    fn framework_and_operator_at_once_may_come_in_either_order() {
        for operator_first in [true, false] {
            let mut assets = acknowledged(&[("1", Change::Reserve)]);
            assets.ask("agent", &entry("call", Change::Create), Asker::Operator);
            assets.ask("agent", &entry("2", Change::Destroy), Asker::Framework);
            if operator_first {
                assets.close("call", Outcome::Done);
                assets.report("2", "OPERATION_FINISHED", "").unwrap();
            } else {
                assets.report("2", "OPERATION_FINISHED", "").unwrap();
                assets.close("call", Outcome::Done);
            }
            assets.check(&totals(Some(operator_first))).unwrap();
            assert!(assets.check(&totals(Some(!operator_first))).is_err(), "settled by the first look");
        }
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
