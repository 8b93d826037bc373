//! What is lent, by whom and to whom, as JSON for the master's HTTP server.
//!
//! Amounts are in the unit of Mesos, moments in seconds since the epoch. Lists are cut; beside each stands how many are
//! left out.

use std::collections::{BTreeMap, BTreeSet};

use apportion_config::{LendingBound, LendingConfig};
use apportion_core::{Allocator, Amount, Amounts, Instant, LoanNumbers};
use apportion_ledger::{Ledger, Numbers, OverCommittedAgent, Reclaims, RoleNumbers};
use apportion_policy::text;
use serde_json::{Map, Value, json};

use super::metrics::Offers;
use crate::commits::OpenLedger;

/// The most entries of one list.
const SHOWN_MAX: usize = 1000;

/// What the page is read off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) rules: &'a LendingConfig,
    pub(super) core: &'a Allocator,
    pub(super) commits: &'a OpenLedger,
    pub(super) offers: Offers,
    pub(super) now: Instant,
}

impl Report<'_> {
    /// The whole page.
    pub(super) fn json(self) -> Value {
        // Launches wait for this lock, so no more is done under it than to look.
        let look = |ledger: &mut Ledger| {
            let waiting = ledger.over_committed().count();
            let shown: Vec<Value> = ledger.over_committed().take(SHOWN_MAX).map(over_committed).collect();
            (ledger.numbers().clone(), shown, waiting)
        };
        let (numbers, over_committed, over_committed_len) = self.commits.with(look).unwrap_or_default();
        let (roles, roles_left_out) = self.roles(&numbers);
        let agents_that_lend = self.core.agents_that_lend();
        let loans: Vec<Value> = self.core.loans().take(SHOWN_MAX).map(|one| loan(&one)).collect();
        let backing_off = self.core.backing_off(self.now);
        let waiting: Vec<Value> = backing_off
            .take(SHOWN_MAX)
            .map(
                |(framework, until)| json!({ "framework": text(framework), "until": seconds(until.nanos()) }),
            )
            .collect();
        let in_all = |of: fn(&Allocator, &[u8]) -> Amount| -> Map<String, Value> {
            let names = self.rules.resources.iter();
            names.map(|name| (name.clone(), json!(of(self.core, name.as_bytes()).to_f64()))).collect()
        };
        let mut page = json!({
            "rules": self.rules.to_json(),
            "lent": in_all(Allocator::lent_in_all),
            "borrowed": in_all(Allocator::borrowed_in_all),
            "offers_made": self.offers.made,
            "offers_overlapped": self.offers.overlapped,
            "roles": roles,
            "roles_left_out": roles_left_out,
            "loans_left_out": self.core.loans_len() - loans.len(),
            "loans": loans,
            "agents": { "lend": agents_that_lend, "do_not_lend": self.core.agents_len() - agents_that_lend },
            "over_committed_left_out": over_committed_len - over_committed.len(),
            "over_committed": over_committed,
            "waiting_frameworks_left_out": self.core.frameworks_backing_off(self.now) - waiting.len(),
            "waiting_frameworks": waiting,
            "reclaims_for_owners": reclaims(&numbers.reclaims_for_owners),
            "reclaims_by_priority": reclaims(&numbers.reclaims_by_priority),
            "unmatched_returns": numbers.unmatched_returns,
            "unattributed_uses": numbers.unattributed_uses,
        });
        put_launches(&mut page, &numbers.all_roles());
        page
    }

    /// The roles that have lent or borrowed anything, and those with limits; how many are left out.
    fn roles(&self, numbers: &Numbers) -> (Vec<Value>, usize) {
        let limited = self.rules.limits.keys().map(String::as_bytes);
        let active = self.core.lending_roles().map(|role| self.core.role_name(role));
        let roles: BTreeSet<&[u8]> = limited.chain(active).collect();
        let shown: Vec<Value> =
            roles.iter().take(SHOWN_MAX).map(|role| self.role(role, &numbers.within(role))).collect();
        let left_out = roles.len() - shown.len();
        (shown, left_out)
    }

    fn role(&self, name: &[u8], launches: &RoleNumbers) -> Value {
        let numbers = self.core.find_role(name).map(|role| self.core.lending_numbers(role));
        let numbers = numbers.unwrap_or_default();
        let limits = std::str::from_utf8(name).ok().and_then(|name| self.rules.limits.get(name));
        let mut role = json!({
            "role": text(name),
            "lent": amounts(&numbers.lent),
            "borrowed": amounts(&numbers.borrowed),
            "lend_limits": limits.map(|limits| self.limits(&limits.lend, &numbers.lent)).unwrap_or_default(),
            "borrow_limits":
                limits.map(|limits| self.limits(&limits.borrow, &numbers.borrowed)).unwrap_or_default(),
        });
        put_launches(&mut role, launches);
        role
    }

    /// Each limit as an amount, and how much of it is taken.
    fn limits(&self, limits: &BTreeMap<String, LendingBound>, taken: &Amounts) -> Map<String, Value> {
        let limits = limits.iter().map(|(name, bound)| {
            let most = match bound {
                LendingBound::Amount(most) => Amount::thousandths(most.thousandths()),
                LendingBound::Permille(permille) => self.core.total_of(name.as_bytes()).part(*permille),
            };
            let taken = taken.iter().find(|(taken, _)| **taken == *name.as_bytes());
            let taken = taken.map_or(Amount::ZERO, |(_, amount)| *amount);
            (name.clone(), json!({ "most": most.to_f64(), "taken": taken.to_f64() }))
        });
        limits.collect()
    }
}

/// What became of launches.
fn put_launches(of: &mut Value, launches: &RoleNumbers) {
    of["commits"] = launches.commits.into();
    of["conflicts"] = launches.conflicts.into();
    of["refusals"] = launches.refusals.into();
    of["conflict_fraction"] = json!(launches.conflict_fraction());
}

fn loan(of: &LoanNumbers<'_>) -> Value {
    json!({
        "agent": text(of.agent),
        "framework": of.framework.map(text),
        "role": text(of.role),
        "priority": of.priority,
        "offered": amounts(&of.offered),
        "in_use": amounts(&of.used),
    })
}

fn over_committed(of: OverCommittedAgent<'_>) -> Value {
    let excess = of.excess.iter().filter(|(_, amount)| !amount.is_zero());
    let excess: Map<String, Value> =
        excess.map(|(name, amount)| (text(name), json!(amount.to_f64()))).collect();
    json!({
        "agent": text(of.agent),
        "owner_waits_since": of.owner_since.map(seconds),
        "borrower_waits_since": of.borrower_since.map(seconds),
        "excess": excess,
    })
}

fn reclaims(of: &Reclaims) -> Value {
    let mean = of.mean_ns();
    json!({
        "count": of.count,
        "latest_ms": mean.map(|_| milliseconds(of.latest_ns)),
        "longest_ms": mean.map(|_| milliseconds(of.longest_ns)),
        "mean_ms": mean.map(milliseconds),
    })
}

fn amounts(of: &Amounts) -> Map<String, Value> {
    of.iter().map(|(name, amount)| (text(name), json!(amount.to_f64()))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "to a microsecond")]
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[expect(clippy::cast_precision_loss, reason = "for show")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
