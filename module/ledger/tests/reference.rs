//! Random histories, beside a reference that keeps a plain list of everything and adds it up for each answer.
#![forbid(unsafe_code)]

use apportion_core::Amount;
use apportion_ledger::{Launch, Ledger, Portion, Priority, Scalars};
use proptest::prelude::*;

const AGENTS: [&[u8]; 2] = [b"a", b"b"];
const NAMES: [&[u8]; 2] = [b"cpus", b"mem"];
const ROLES: [(&[u8], Priority); 3] = [(b"low", 1), (b"high", 2), (b"also high", 2)];
const FRAMEWORKS: [&[u8]; 3] = [b"f", b"g", b"h"];

/// What a task wants: thousandths of each name, lent or not.
type Wants = [i64; 2];

#[derive(Debug, Clone)]
enum Step {
    Accept { agent: usize, framework: usize, role: usize, tasks: Vec<(bool, Wants, bool)> },
    End { at: usize },
    Decline { agent: usize },
    Total { agent: usize, total: Wants },
    Publish { agent: usize, lendable: Wants },
    Leave { agent: usize },
}

/// Something in use or claimed.
#[derive(Debug, Clone)]
struct Entry {
    agent: usize,
    framework: usize,
    role: usize,
    lent: bool,
    amounts: Wants,
}

#[derive(Debug, Default)]
struct Reference {
    entries: Vec<Entry>,
    totals: [Wants; 2],
    lendable: [Wants; 2],
}

impl Reference {
    fn sum(&self, claims: &[Entry], agent: usize, name: usize, which: impl Fn(&Entry) -> bool) -> i64 {
        let all = self.entries.iter().chain(claims);
        all.filter(|entry| entry.agent == agent && which(entry)).map(|entry| entry.amounts[name]).sum()
    }

    fn admits(&self, claims: &[Entry], wanted: &Entry) -> bool {
        let above = |entry: &Entry| entry.lent && ROLES[entry.role].1 >= ROLES[wanted.role].1;
        !wanted.lent
            || (0..NAMES.len()).all(|name| {
                let amount = wanted.amounts[name];
                let owners = self.sum(claims, wanted.agent, name, |entry| !entry.lent);
                let loans = self.sum(claims, wanted.agent, name, above);
                amount == 0
                    || owners + loans + amount <= self.totals[wanted.agent][name]
                        && loans + amount <= self.lendable[wanted.agent][name]
            })
    }
}

fn scalars(amounts: Wants) -> Scalars {
    NAMES.into_iter().zip(amounts).map(|(name, amount)| (name, Amount::thousandths(amount))).collect()
}

fn portion(role: usize, lent: bool, amounts: Wants) -> Portion<'static> {
    let (role, priority) = ROLES[role];
    let (regular, lent) =
        if lent { (Scalars::new(), scalars(amounts)) } else { (scalars(amounts), Scalars::new()) };
    Portion { role, priority, regular, lent }
}

fn wants(most: i64) -> impl Strategy<Value = Wants> {
    [0..=most, 0..=most]
}

fn step() -> impl Strategy<Value = Step> {
    let agent = 0..AGENTS.len();
    prop_oneof![
        4 => (
            agent.clone(),
            0..FRAMEWORKS.len(),
            0..ROLES.len(),
            prop::collection::vec((any::<bool>(), wants(1500), any::<bool>()), 1..4)
        )
            .prop_map(|(agent, framework, role, tasks)| Step::Accept { agent, framework, role, tasks }),
        3 => (0..100_usize).prop_map(|at| Step::End { at }),
        1 => agent.clone().prop_map(|agent| Step::Decline { agent }),
        1 => (agent.clone(), wants(6000)).prop_map(|(agent, total)| Step::Total { agent, total }),
        2 => (agent.clone(), wants(6000)).prop_map(|(agent, lendable)| Step::Publish { agent, lendable }),
        1 => agent.prop_map(|agent| Step::Leave { agent }),
    ]
}

/// One ACCEPT through both; they have to agree on every task.
fn accept(ledger: &mut Ledger, reference: &mut Reference, step: &Step) -> Result<(), TestCaseError> {
    let Step::Accept { agent, framework, role, tasks } = step else { return Ok(()) };
    let (mut claims, mut launched) = (Vec::new(), Vec::new());
    for (lent, amounts, valid) in tasks {
        let entry =
            Entry { agent: *agent, framework: *framework, role: *role, lent: *lent, amounts: *amounts };
        let wants = portion(*role, *lent, *amounts);
        let launch = Launch { agent: AGENTS[*agent], task: b"t", wants, executor: None, gang: None };
        let outcome = ledger.claim(&launch);
        prop_assert_eq!(
            outcome.is_ok(),
            reference.admits(&claims, &entry),
            "{:?} after {:?}",
            outcome,
            claims
        );
        if outcome.is_ok() {
            claims.push(entry.clone());
            launched.extend(valid.then_some(entry));
        }
    }
    let mut used: Vec<Portion<'_>> = Vec::new();
    for entry in &launched {
        ledger.launching(AGENTS[*agent], FRAMEWORKS[*framework], b"t");
        used.push(portion(*role, entry.lent, entry.amounts));
    }
    ledger.returned(0, FRAMEWORKS[*framework], AGENTS[*agent], &[portion(*role, true, [1, 1])], false);
    if !used.is_empty() {
        let attributed = ledger.used(0, AGENTS[*agent], &used);
        prop_assert_eq!(attributed.as_deref(), Some(FRAMEWORKS[*framework]));
    }
    reference.entries.append(&mut launched);
    Ok(())
}

fn perform(ledger: &mut Ledger, reference: &mut Reference, step: &Step) -> Result<(), TestCaseError> {
    match step {
        Step::Accept { .. } => accept(ledger, reference, step)?,
        Step::End { at } if !reference.entries.is_empty() => {
            let ended = reference.entries.swap_remove(at % reference.entries.len());
            let ended_portion = portion(ended.role, ended.lent, ended.amounts);
            ledger.returned(0, FRAMEWORKS[ended.framework], AGENTS[ended.agent], &[ended_portion], true);
        }
        Step::End { .. } => {}
        Step::Decline { agent } => {
            ledger.returned(0, b"f", AGENTS[*agent], &[portion(0, true, [500, 500])], false);
        }
        Step::Total { agent, total } => {
            reference.totals[*agent] = *total;
            ledger.agent_changed(0, AGENTS[*agent], true, Some(scalars(*total)));
        }
        Step::Publish { agent, lendable } => {
            reference.lendable[*agent] = *lendable;
            ledger.publish(AGENTS[*agent], scalars(*lendable));
        }
        Step::Leave { agent } => {
            ledger.agent_removed(AGENTS[*agent]);
            let (gone, stay) = reference.entries.drain(..).partition(|entry| entry.agent == *agent);
            reference.entries = stay;
            let gone: Vec<Entry> = gone;
            for entry in gone {
                let returned = portion(entry.role, entry.lent, entry.amounts);
                ledger.returned(0, FRAMEWORKS[entry.framework], AGENTS[*agent], &[returned], true);
            }
            reference.lendable[*agent] = [0, 0];
            ledger.agent_added(AGENTS[*agent], true, scalars(reference.totals[*agent]), &[]);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_admits_what_adding_everything_up_admits(steps in prop::collection::vec(step(), 1..60)) {
        let mut ledger = Ledger::new();
        let mut reference = Reference { totals: [[4000, 4000]; 2], ..Reference::default() };
        for agent in AGENTS {
            ledger.agent_added(agent, true, scalars([4000, 4000]), &[]);
        }
        for step in &steps {
            perform(&mut ledger, &mut reference, step)?;
            for (at, agent) in AGENTS.iter().enumerate() {
                for (name, resource) in NAMES.iter().enumerate() {
                    let regular = ledger.regular_in_use(agent).unwrap().get(resource).in_thousandths();
                    prop_assert_eq!(regular, reference.sum(&[], at, name, |entry| !entry.lent));
                    let loans = ledger.loans().filter(|loan| loan.agent == *agent);
                    let lent: i64 = loans.map(|loan| loan.lent.get(resource).in_thousandths()).sum();
                    prop_assert_eq!(lent, reference.sum(&[], at, name, |entry| entry.lent));
                }
            }
        }
        prop_assert_eq!(ledger.numbers().unmatched_returns, 0);
    }
}
