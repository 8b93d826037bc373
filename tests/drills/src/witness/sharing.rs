//! Whether an offer keeps to the quotas: within the role's limits, and leaving what guarantees still need.
//!
//! What was offered or used counts from when the master had certainly given it until it may have been given back, and
//! reservations count while they were certainly there. So a role has at least what is counted here, and there is at
//! most as much free; an offer that is too much even so was too much.

use std::collections::{BTreeMap, BTreeSet};

use super::allowance::Allowance;
use super::claims::Claim;
use crate::error::DrillError;
use crate::program::{MARKED_CPUS, MARKED_MEM_MB};
use crate::quota::{Consumption, NAMES, Quotas};
use crate::resources::Holdings;

const TOLERANCE: f64 = 1e-6;

/// How many offers were compared with a limit, or with what has to be kept back.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Checks {
    pub(crate) limits: usize,
    pub(crate) guarantees: usize,
}

/// Reservations, agents and quotas, as time goes on.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// The role of each framework.
    roles: Vec<String>,
    pub(super) allowance: Allowance,
    /// Agent and role of each reservation that is certainly there, by mark.
    reserved: BTreeMap<String, (String, String)>,
    /// Marks that may have been given up since the last agreement.
    given_up: BTreeSet<String>,
    /// Agents that the master may have told the allocator of.
    present: BTreeSet<String>,
    /// Agents that the allocator has offered something of, so that it knows what is used there.
    known: BTreeSet<String>,
    pub(super) checks: Checks,
}

impl Sharing {
    pub(super) fn new(roles: Vec<String>) -> Sharing {
        Sharing { roles, allowance: Allowance::settled(Quotas::default()), ..Sharing::default() }
    }

    /// Takes what all agree on: the totals, that is all agents and the reservations on them.
    pub(super) fn settle(&mut self, totals: &BTreeMap<String, Holdings>) {
        self.given_up.clear();
        self.present = totals.keys().cloned().collect();
        self.known = self.present.clone();
        let marks = totals
            .iter()
            .flat_map(|(agent, total)| total.marks().map(|(mark, role)| (mark, (agent.clone(), role))));
        self.reserved = marks.collect();
    }

    /// The master is gone, and its allocator with it: the next one hears of the agents one by one.
    pub(super) fn restart(&mut self) {
        self.present.clear();
        self.known.clear();
        self.allowance.forget_offers();
    }

    /// An agent is back.
    pub(super) fn register(&mut self, agent: String) {
        self.present.insert(agent);
    }

    /// A reservation was made. One that may have been given up meanwhile does not count.
    pub(super) fn reserve(&mut self, mark: String, agent: String, framework_or_role: Owner) {
        let role = match framework_or_role {
            Owner::Role(role) => role,
            Owner::Framework(framework) => self.role_of(framework).to_owned(),
        };
        if !self.given_up.contains(&mark) {
            self.reserved.insert(mark, (agent, role));
        }
    }

    /// A reservation may be given up from here on.
    pub(super) fn give_up(&mut self, mark: String) {
        self.reserved.remove(&mark);
        self.given_up.insert(mark);
    }

    pub(super) fn role_of(&self, framework: usize) -> &str {
        self.roles.get(framework).map_or("", String::as_str)
    }

    /// Requires that an offer beside these claims keeps to the quotas.
    pub(super) fn require_share(
        &mut self,
        offer: &Claim,
        others: &[&Claim],
        totals: &BTreeMap<String, Holdings>,
    ) -> Result<(), DrillError> {
        self.present.insert(offer.agent.clone());
        self.known.insert(offer.agent.clone());
        let role = self.role_of(offer.framework).to_owned();
        for name in NAMES {
            let given = offer.holdings.unreserved(name);
            if given > TOLERANCE {
                self.require_below_limit(&role, name, given, others)?;
                self.require_headroom(&role, name, given, others, totals)?;
            }
        }
        Ok(())
    }

    fn require_below_limit(
        &mut self,
        role: &str,
        name: &str,
        given: f64,
        others: &[&Claim],
    ) -> Result<(), DrillError> {
        let limit = self.allowance.highest_limit(role, name);
        if limit.is_infinite() {
            return Ok(());
        }
        self.checks.limits += 1;
        let consumed = self.consumption(name, &self.known, others).of_role(role);
        if consumed + given <= limit + TOLERANCE {
            return Ok(());
        }
        Err(DrillError::finding(format!(
            "role {role} has a limit of {limit} {name}, consumes {consumed} and is offered {given} more"
        )))
    }

    fn require_headroom(
        &mut self,
        role: &str,
        name: &str,
        given: f64,
        others: &[&Claim],
        totals: &BTreeMap<String, Holdings>,
    ) -> Result<(), DrillError> {
        let mut state = self.consumption(name, &self.present, others);
        let present = totals.iter().filter(|(agent, _)| self.present.contains(*agent));
        state.free += present.map(|(_, total)| total.by_name().unreserved(name)).sum::<f64>();
        let (_, highest) = self.allowance.guarantees(role, name);
        let beyond_guarantee = given - state.lacks(role, highest);
        state.free -= given;
        *state.by_role.entry(role.to_owned()).or_default() += given;
        let lacking = |role: &String| state.lacks(role, self.allowance.guarantees(role, name).0);
        let required: f64 = self.allowance.roles().iter().map(lacking).sum();
        if beyond_guarantee <= TOLERANCE || required <= TOLERANCE {
            return Ok(());
        }
        self.checks.guarantees += 1;
        if state.free + TOLERANCE >= required {
            return Ok(());
        }
        Err(DrillError::finding(format!(
            "role {role} is offered {given} {name}, {beyond_guarantee} of it beyond its guarantee, and {} is left of {required} \
             that guarantees still need",
            state.free
        )))
    }

    /// What claims and reservations on these agents take. What is free is what is missing to it: it is below zero.
    fn consumption(&self, name: &str, agents: &BTreeSet<String>, claims: &[&Claim]) -> Consumption {
        let of_claims = claims
            .iter()
            .filter(|claim| agents.contains(&claim.agent))
            .map(|claim| (self.role_of(claim.framework), claim.holdings.unreserved(name)));
        let mark = if name == "cpus" { MARKED_CPUS } else { MARKED_MEM_MB };
        let of_marks = self
            .reserved
            .values()
            .filter(|(agent, _)| agents.contains(agent))
            .map(|(_, role)| (role.as_str(), mark));
        let mut sums = Consumption::default();
        for (role, amount) in of_claims.chain(of_marks) {
            *sums.by_role.entry(role.to_owned()).or_default() += amount;
            sums.free -= amount;
        }
        sums
    }
}

/// Whom a reservation is for.
#[derive(Debug, Clone)]
pub(super) enum Owner {
    /// The role of a framework.
    Framework(usize),
    /// A role.
    Role(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::quota::Quota;
    use crate::resources::amount;

    /// Framework 0 is in role red, framework 1 in role blue; two agents of 4 cpus.
    fn sharing(role: &str, guarantee: f64, limit: Option<f64>) -> Sharing {
        let mut sharing = Sharing::new(vec!["red".to_owned(), "blue".to_owned()]);
        let amounts =
            |amount: Option<f64>| amount.map(|amount| ("cpus".to_owned(), amount)).into_iter().collect();
        let quota = Quota { guarantees: amounts(Some(guarantee)), limits: amounts(limit) };
        sharing.allowance = Allowance::settled(Quotas::default().updated(&[(role.to_owned(), quota)]));
        sharing.settle(&totals());
        sharing
    }

    fn totals() -> BTreeMap<String, Holdings> {
        let total = || Holdings::of(&json!([amount("cpus", 4.0, "red")]));
        BTreeMap::from([("one".to_owned(), total()), ("two".to_owned(), total())])
    }

    fn claim(framework: usize, agent: &str, cpus: f64) -> Claim {
        let holdings = Holdings::of(&json!([amount("cpus", cpus, "red")]));
        Claim { framework, agent: agent.to_owned(), holdings, is_offer: true }
    }

    fn check(sharing: &mut Sharing, offer: &Claim, others: &[&Claim]) -> Result<(), String> {
        sharing.require_share(offer, others, &totals()).map_err(|error| error.to_string())
    }

    #[test]
    fn offer_beyond_a_limit_is_found_and_reservations_count() {
        let mut red = sharing("red", 0.0, Some(2.0));
        let held = claim(0, "one", 1.5);
        check(&mut red, &claim(0, "two", 0.5), &[&held]).unwrap();
        check(&mut red, &claim(1, "two", 4.0), &[&held]).unwrap();
        let found = check(&mut red, &claim(0, "two", 0.75), &[&held]).unwrap_err();
        assert!(
            found.contains("role red has a limit of 2 cpus, consumes 1.5 and is offered 0.75"),
            "{found}"
        );
        red.reserve("mark".to_owned(), "one".to_owned(), Owner::Framework(0));
        assert!(check(&mut red, &claim(0, "two", 0.5), &[&held]).is_err());
        red.give_up("mark".to_owned());
        check(&mut red, &claim(0, "two", 0.5), &[&held]).unwrap();
        red.reserve("mark".to_owned(), "one".to_owned(), Owner::Role("red".to_owned()));
        check(&mut red, &claim(0, "two", 0.5), &[&held]).unwrap();
        assert_eq!((red.checks.limits, red.checks.guarantees), (5, 0));
    }

    #[test]
    fn offer_of_what_a_guarantee_needs_is_found_unless_it_serves_one() {
        let mut green = sharing("green", 3.0, None);
        let held = claim(0, "one", 4.0);
        check(&mut green, &claim(1, "two", 1.0), &[&held]).unwrap();
        let found = check(&mut green, &claim(1, "two", 1.25), &[&held]).unwrap_err();
        assert!(found.contains("2.75 is left of 3"), "{found}");
        let mut blue = sharing("blue", 3.0, None);
        check(&mut blue, &claim(1, "two", 3.0), &[&held]).unwrap();
        assert!(check(&mut blue, &claim(0, "two", 1.25), &[&held]).is_err());
    }

    #[test]
    fn agents_that_a_new_master_has_not_back_are_neither_free_nor_used() {
        let mut red = sharing("red", 0.0, Some(2.0));
        let task = claim(0, "one", 2.0);
        red.restart();
        check(&mut red, &claim(0, "two", 2.0), &[&task]).unwrap();
        assert!(check(&mut red, &claim(0, "one", 0.25), &[&task]).is_err());
        let mut green = sharing("green", 3.0, None);
        green.restart();
        green.register("two".to_owned());
        assert!(check(&mut green, &claim(1, "two", 1.25), &[]).is_err());
        green.register("one".to_owned());
        check(&mut green, &claim(1, "two", 1.25), &[]).unwrap();
    }
}
