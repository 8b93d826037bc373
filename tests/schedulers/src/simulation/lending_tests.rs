//! Lending as the modules do it.

use std::cell::RefCell;
use std::rc::Rc;

use apportion_core::Effects;
use apportion_ledger::Numbers;

use super::tests::{SLOW, arriving_tasks, assert_within, busy, in_use, setup};
use super::*;
use crate::modules::LendingSpec;

/// The modules, and their ledger's counters for whoever looks on.
#[derive(Debug)]
struct Watched(Rc<RefCell<Modules>>);

impl Lending for Watched {
    fn hear(&mut self, effects: &Effects, now: Instant) {
        self.0.borrow_mut().hear(effects, now);
    }

    fn admits(&mut self, launch: &TaskUse, now: Instant) -> Admission {
        self.0.borrow_mut().admits(launch, now)
    }

    fn begins(&mut self, used: &TaskUse, now: Instant) {
        self.0.borrow_mut().begins(used, now);
    }

    fn ends(&mut self, used: &TaskUse, now: Instant) {
        self.0.borrow_mut().ends(used, now);
    }

    fn evicts(&mut self, agent: usize, now: Instant) -> Vec<u64> {
        self.0.borrow_mut().evicts(agent, now)
    }
}

/// A small cluster that lends, with more work than it can do, measured from its beginning.
fn lending(spec: LendingSpec) -> Setup {
    let mut setup = Setup { warm_up: Duration::ZERO, ..setup(&busy(10, SLOW)) };
    setup.cluster.lending = Some(spec);
    setup
}

fn watched(setup: &Setup) -> (Simulation, Rc<RefCell<Modules>>) {
    let modules = Rc::new(RefCell::new(Modules::new(&setup.cluster, &setup.schedulers)));
    let watched = Box::new(Watched(Rc::clone(&modules)));
    (Simulation::new(setup, watched).unwrap(), modules)
}

#[test]
fn borrowers_and_owners_together_never_run_beyond_what_an_agent_has() {
    let setup = lending(LendingSpec { fan_out: 4, ..LendingSpec::default() });
    let (mut simulation, _) = watched(&setup);
    let mut shared = 0;
    while simulation.step().unwrap() {
        let (owners, mut together) = (in_use(&simulation, false), in_use(&simulation, true));
        shared += u32::from(!together.is_empty());
        for (agent, used) in owners {
            let of_agent = together.entry(agent).or_default();
            *of_agent = *of_agent + used;
        }
        assert_within(&together, setup.cluster.agent);
    }
    assert!(shared > 100, "borrowers ran at {shared} times");
    simulation.cluster.check().unwrap();
}

#[test]
fn with_lending_every_task_has_ended_or_runs_or_is_still_to_be_launched() {
    let setup = lending(LendingSpec::default());
    let (mut simulation, _) = watched(&setup);
    while simulation.step().unwrap() {}
    let left: usize = simulation.schedulers.iter().map(Scheduler::tasks_left).sum();
    let found = left as u64 + simulation.ended + simulation.running.len() as u64;
    assert_eq!(found, arriving_tasks(&setup) as u64);
    assert!(simulation.tally.evictions > 0 && simulation.tally.conflicts > 0);
}

#[test]
fn the_ledger_counts_what_the_simulation_counts() {
    let setup = lending(LendingSpec::default());
    let (mut simulation, modules) = watched(&setup);
    while simulation.step().unwrap() {}
    let Numbers { reclaims_for_owners, unmatched_returns, unattributed_uses, .. } =
        modules.borrow().ledger_numbers().clone();
    let counted = modules.borrow().ledger_numbers().all_roles();
    let outcome = simulation.outcome();
    assert!(
        outcome.evictions > outcome.evictions_for_batch && outcome.evictions_for_batch > 0,
        "{outcome:?}"
    );
    assert!(outcome.commits > 100 && outcome.conflicts > 10, "{outcome:?}");
    assert_eq!(
        (counted.commits, counted.conflicts, counted.refusals),
        (outcome.commits, outcome.conflicts, 0)
    );
    assert_eq!((unmatched_returns, unattributed_uses), (0, 0));
    assert!(reclaims_for_owners.count > 0, "{reclaims_for_owners:?}");
    assert_eq!(reclaims_for_owners.longest_ns, 0, "evictions without grace take no simulated time");
}

#[test]
fn lending_uses_what_slow_decisions_keep_idle() {
    let regular = setup(&busy(20, SLOW));
    let mut lending = regular.clone();
    lending.cluster.lending = Some(LendingSpec::default());
    let (regular, lending) = (regular.run().unwrap(), lending.run().unwrap());
    assert_eq!((regular.batch.jobs, regular.service.jobs), (lending.batch.jobs, lending.service.jobs));
    assert!(lending.lent > 0.01, "{lending:?}");
    assert!(lending.utilisation > regular.utilisation, "{} and {}", lending.utilisation, regular.utilisation);
    assert!(lending.batch.wait_mean < regular.batch.wait_mean, "{lending:?}");
}

#[test]
fn the_more_see_the_same_capacity_the_more_conflicts_there_are() {
    let fraction = |fan_out| {
        let outcome = lending(LendingSpec { fan_out, ..LendingSpec::default() }).run().unwrap();
        outcome.conflict_fraction().unwrap()
    };
    let (one, four) = (fraction(1), fraction(4));
    assert!(four > one, "{one} conflicts for each commit if one sees it, {four} if four do");
}

#[test]
fn what_is_not_idle_for_long_enough_is_not_lent() {
    let spec = LendingSpec { min_idle: Duration::from_secs(3600), ..LendingSpec::default() };
    let outcome = lending(spec).run().unwrap();
    assert_eq!((outcome.commits, outcome.conflicts, outcome.evictions), (0, 0, 0));
}

#[test]
fn a_borrower_that_has_used_a_slice_is_offered_another_of_the_same_agent() {
    let (mut simulation, _) =
        watched(&lending(LendingSpec { slice_cpus: Some(1), ..LendingSpec::default() }));
    let mut most = 0;
    while simulation.step().unwrap() {
        let lent = simulation.running.values().filter(|task| task.used.is_lent);
        let mut slices: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        lent.for_each(|task| *slices.entry((task.used.scheduler, task.used.agent)).or_default() += 1);
        most = most.max(slices.into_values().max().unwrap_or_default());
    }
    // All of its tasks have one cpu.
    assert!(most > 1, "{most} at the same time");
}

#[test]
fn schedulers_that_lose_again_and_again_have_to_wait() {
    let (mut simulation, _) = watched(&lending(LendingSpec { fan_out: 4, ..LendingSpec::default() }));
    let mut waiting = 0;
    while simulation.step().unwrap() {
        waiting += usize::from(simulation.cluster.backing_off(simulation.now) > 0);
    }
    assert!(waiting > 0, "nobody ever had to wait");
}
