//! Who had what, and when: no instant may find more given away than there is.

use std::collections::BTreeMap;

use super::allowance::QuotaTurn;
use super::sharing::{Owner, Sharing};
use crate::error::DrillError;
use crate::journal::Micros;
use crate::resources::Holdings;

/// An offer that is out, or a task that runs.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) framework: usize,
    pub(super) agent: String,
    pub(super) holdings: Holdings,
    pub(super) is_offer: bool,
}

/// Something that happens to claims.
#[derive(Debug)]
pub(super) enum Turn {
    /// The claim of this name is over.
    Close(String),
    /// All offers that this concerns are over.
    Void(Victim),
    /// A claim of this name begins.
    Open(String, Claim),
    /// Something happens to quotas.
    Quota(QuotaTurn),
    /// A reservation of this mark is certainly there, on this agent.
    Reserved(String, String, Owner),
    /// A reservation of this mark may be given up.
    GivenUp(String),
    /// An agent is registered with a new master.
    Registered(String),
}

/// Whose end voids offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The master: all offers.
    Master,
    /// An agent, by its id.
    Agent(String),
    /// A framework, by its number.
    Framework(usize),
}

impl Victim {
    /// Whether an offer dies with it.
    pub(super) fn concerns(&self, claim: &Claim) -> bool {
        match self {
            Victim::Master => true,
            Victim::Agent(agent) => claim.agent == *agent,
            Victim::Framework(framework) => claim.framework == *framework,
        }
    }
}

/// The claims in force.
#[derive(Debug, Default)]
pub(super) struct Claims {
    open: BTreeMap<String, Claim>,
    pub(super) sharing: Sharing,
    /// How many were checked against the others.
    pub(super) checked: usize,
}

impl Claims {
    /// No claims yet.
    pub(super) fn new(sharing: Sharing) -> Claims {
        Claims { sharing, ..Claims::default() }
    }

    /// Plays turns in the order of their times; what ends at an instant ends before anything begins.
    pub(super) fn play(
        &mut self,
        mut turns: Vec<(Micros, Turn)>,
        totals: &BTreeMap<String, Holdings>,
    ) -> Result<(), DrillError> {
        turns.sort_by_key(|(at, turn)| (*at, matches!(turn, Turn::Open(..))));
        for (at, turn) in turns {
            match turn {
                Turn::Close(name) => {
                    self.open.remove(&name);
                }
                Turn::Void(victim) => {
                    self.open.retain(|_, claim| !claim.is_offer || !victim.concerns(claim));
                    if victim == Victim::Master {
                        self.sharing.restart();
                    }
                }
                Turn::Quota(turn) => self.sharing.allowance.take(turn),
                Turn::Reserved(mark, agent, owner) => self.sharing.reserve(mark, agent, owner),
                Turn::GivenUp(mark) => self.sharing.give_up(mark),
                Turn::Registered(agent) => self.sharing.register(agent),
                Turn::Open(name, claim) => {
                    self.require_room(at, &name, &claim, totals)?;
                    if claim.is_offer {
                        let others: Vec<&Claim> = self.open.values().collect();
                        let share = self.sharing.require_share(&claim, &others, totals);
                        share.map_err(|error| {
                            DrillError::finding(format!("at {at} µs, in {name}: {error}"))
                        })?;
                    }
                    self.open.insert(name, claim);
                }
            }
        }
        Ok(())
    }

    /// Takes what is known to be in force in place of what was played.
    pub(super) fn replace(&mut self, claims: BTreeMap<String, Claim>, totals: &BTreeMap<String, Holdings>) {
        self.open = claims;
        self.sharing.settle(totals);
    }

    fn require_room(
        &mut self,
        at: Micros,
        name: &str,
        new: &Claim,
        totals: &BTreeMap<String, Holdings>,
    ) -> Result<(), DrillError> {
        self.checked += 1;
        let others = || self.open.iter().filter(|(other, claim)| claim.agent == new.agent && *other != name);
        let mut sum = new.holdings.by_name();
        for (other, claim) in others() {
            let both = claim.holdings.in_common(&new.holdings);
            if !both.is_empty() {
                return Err(DrillError::finding(format!(
                    "at {at} µs {name} of framework {} is given {both}, which {other} of framework {} has",
                    new.framework, claim.framework
                )));
            }
            sum.add(&claim.holdings.by_name());
        }
        let Some(total) = totals.get(&new.agent) else {
            return Err(DrillError::finding(format!("{name} is on agent {}, which nobody knows", new.agent)));
        };
        let excess = sum.beyond(&total.by_name());
        if excess.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = others()
            .map(|(other, claim)| format!("  {other} of framework {}: {}", claim.framework, claim.holdings))
            .collect();
        Err(DrillError::finding(format!(
            "at {at} µs {excess} more is given away of agent {} than there is, with\n  {name} of framework {}: {}\n{}",
            new.agent,
            new.framework,
            new.holdings,
            list.join("\n")
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{amount, ports, volume};

    fn claim(framework: usize, resources: &[serde_json::Value], is_offer: bool) -> Claim {
        let holdings = Holdings::of(&json!(resources));
        Claim { framework, agent: "agent".to_owned(), holdings, is_offer }
    }

    fn open(at: Micros, name: &str, framework: usize, cpus: f64) -> (Micros, Turn) {
        let is_offer = name.starts_with("offer");
        (at, Turn::Open(name.to_owned(), claim(framework, &[amount("cpus", cpus, "red")], is_offer)))
    }

    fn totals() -> BTreeMap<String, Holdings> {
        let total =
            json!([amount("cpus", 4.0, "red"), ports(&[1, 2, 3], "red"), amount("disk", 99.0, "red")]);
        BTreeMap::from([("agent".to_owned(), Holdings::of(&total))])
    }

    fn play(turns: Vec<(Micros, Turn)>) -> Result<(), DrillError> {
        Claims::default().play(turns, &totals())
    }

    #[test]
    fn two_offers_of_the_same_are_found_and_one_after_the_other_is_well() {
        let close = || (2, Turn::Close("offer 1".to_owned()));
        play(vec![open(1, "offer 1", 0, 4.0), open(2, "offer 2", 1, 4.0), close()]).unwrap();
        let found =
            play(vec![open(1, "offer 1", 0, 4.0), open(2, "offer 2", 1, 4.0)]).unwrap_err().to_string();
        assert!(found.contains("at 2 µs cpus:4 more") && found.contains("offer 1 of framework 0"), "{found}");
        assert!(
            play(vec![
                (3, Turn::Close("offer 1".to_owned())),
                open(2, "offer 2", 1, 4.0),
                open(1, "offer 1", 0, 4.0)
            ])
            .is_err()
        );
    }

    #[test]
    fn end_of_a_master_voids_offers_and_leaves_tasks() {
        let void = |victim| (2, Turn::Void(victim));
        play(vec![open(1, "offer 1", 0, 4.0), void(Victim::Master), open(3, "offer 2", 1, 4.0)]).unwrap();
        assert!(
            play(vec![open(1, "task 1", 0, 0.25), void(Victim::Master), open(3, "offer 2", 1, 4.0)]).is_err()
        );
        let other = Victim::Framework(1);
        assert!(play(vec![open(1, "offer 1", 0, 4.0), void(other), open(3, "offer 2", 1, 4.0)]).is_err());
        let other = Victim::Agent("other".to_owned());
        assert!(play(vec![open(1, "offer 1", 0, 4.0), void(other), open(3, "offer 2", 1, 4.0)]).is_err());
    }

    #[test]
    fn same_port_or_volume_twice_is_found_though_the_sum_would_fit() {
        for resource in [ports(&[2], "red"), volume(8.0, "red", "m")] {
            let turn = |at, name: &str| {
                (at, Turn::Open(name.to_owned(), claim(0, std::slice::from_ref(&resource), true)))
            };
            let found = play(vec![turn(1, "offer 1"), turn(2, "offer 2")]).unwrap_err().to_string();
            assert!(found.contains("which offer 1 of framework 0 has"), "{found}");
        }
    }
}
