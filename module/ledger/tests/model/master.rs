//! The master of a small world: its calls, in its order.

use std::rc::Rc;

use apportion_core::Amount;
use apportion_ledger::{Launch, Ledger, Portion, Scalars, TurnedDown};

use crate::explorer::Way;
use crate::world::{AGENT, Action, CPUS, Framework, Running, State, Wish, World, executor, portion, units};

/// Names of the tasks of one ACCEPT.
const TASKS: [&[u8]; 2] = [b"first", b"second"];

impl State {
    /// Does it and tells the ledger.
    pub(crate) fn perform(&mut self, world: &World, action: &Action, way: &Option<Rc<Way>>) {
        match action {
            Action::Offer { framework, lent } => self.offered[*framework][usize::from(*lent)] += 1,
            Action::Decline { framework, lent } => {
                self.offered[*framework][usize::from(*lent)] -= 1;
                self.give_back(&world.frameworks[*framework], *lent, 1, false);
            }
            Action::Publish { units: published } => {
                self.published = *published;
                assert!(self.ledger.publish(AGENT, units(*published)));
            }
            Action::Accept { framework, wishes, as_group } => {
                self.accept(world, *framework, wishes, *as_group, way);
            }
            Action::TaskEnds { at } => {
                let task = self.tasks.remove(*at);
                self.give_back(&world.frameworks[task.framework], task.lent, 1, true);
            }
            Action::ExecutorEnds { framework } => {
                if let Some(lent) = self.executors[*framework].take() {
                    self.give_back(&world.frameworks[*framework], lent, self.executor_units, true);
                }
            }
            Action::AgentLeaves => self.agent_leaves(world),
            Action::AgentComes => {
                self.there = true;
                self.ledger.agent_added(AGENT, true, units(world.units), &[]);
            }
            Action::MasterFailsOver => self.fail_over(world),
        }
        if self.tasks.is_empty() && self.executors.iter().all(Option::is_none) {
            self.inherited = false;
        }
    }

    fn give_back(&mut self, framework: &Framework, lent: bool, count: i64, in_use: bool) {
        let portions = [portion(framework, lent, count)];
        self.ledger.returned(0, framework.name.as_bytes(), AGENT, &portions, in_use);
    }

    /// First the agent is removed, then everything on it is returned.
    fn agent_leaves(&mut self, world: &World) {
        self.there = false;
        self.published = 0;
        self.ledger.agent_removed(AGENT);
        for task in std::mem::take(&mut self.tasks) {
            self.give_back(&world.frameworks[task.framework], task.lent, 1, true);
        }
        for (at, framework) in world.frameworks.iter().enumerate() {
            if let Some(lent) = self.executors[at].take() {
                self.give_back(framework, lent, self.executor_units, true);
            }
            for lent in [false, true] {
                let offered = std::mem::take(&mut self.offered[at][usize::from(lent)]);
                self.give_back(framework, lent, offered, false);
            }
        }
    }

    /// Another master learns from the agent what is in use there; offers are gone.
    fn fail_over(&mut self, world: &World) {
        self.published = 0;
        self.offered = vec![[0, 0]; world.frameworks.len()];
        self.inherited = true;
        self.ledger = Ledger::new();
        let mut used: Vec<(&[u8], Portion<'_>)> = Vec::new();
        for (at, framework) in world.frameworks.iter().enumerate() {
            for lent in [false, true] {
                let count = self.in_use(lent, |of| of == at);
                used.push((framework.name.as_bytes(), portion(framework, lent, count)));
            }
        }
        self.ledger.agent_added(AGENT, true, units(world.units), &used);
    }

    /// One ACCEPT: all offers of the framework, with one task or two.
    fn accept(&mut self, world: &World, at: usize, wishes: &[Wish], as_group: bool, way: &Option<Rc<Way>>) {
        let framework = &world.frameworks[at];
        // An executor is described as it runs, or of lent resources if any of its tasks is.
        let own =
            self.executors[at].unwrap_or_else(|| wishes.iter().any(|wish| wish.on_executor && wish.lent));
        let admitted = self.show(world, at, wishes, own, way);
        let mut left = std::mem::take(&mut self.offered[at]);
        let mut used = Portion { role: framework.role.as_bytes(), ..portion(framework, true, 0) };
        // A group is launched whole or not at all.
        let wanted = |lent: bool| {
            let tasks = wishes.iter().filter(|wish| wish.lent == lent).count();
            let starts = self.executors[at].is_none() && own == lent;
            i64::try_from(tasks).unwrap() + i64::from(starts) * self.executor_units
        };
        let group_fits = [false, true].iter().all(|lent| wanted(*lent) <= left[usize::from(*lent)]);
        let group_is_valid = wishes.iter().zip(&admitted).all(|(wish, admitted)| wish.valid && *admitted);
        for (position, (wish, admitted)) in wishes.iter().zip(admitted).enumerate() {
            let starts = wish.on_executor && self.executors[at].is_none();
            let mut needs = [0, 0];
            needs[usize::from(wish.lent)] += 1;
            needs[usize::from(own)] += i64::from(starts) * self.executor_units;
            let fits = needs.iter().zip(&left).all(|(needed, left)| needed <= left);
            let is_launched =
                if as_group { group_fits && group_is_valid } else { fits && wish.valid && admitted };
            if !is_launched {
                continue;
            }
            if starts {
                self.executors[at] = Some(own);
            }
            self.tasks.push(Running { framework: at, lent: wish.lent, on_executor: wish.on_executor });
            for (lent, needed) in [false, true].into_iter().zip(needs) {
                left[usize::from(lent)] -= needed;
                let sum: &mut Scalars = if lent { &mut used.lent } else { &mut used.regular };
                sum.add(CPUS, Amount::whole(needed));
            }
            self.ledger.launching(AGENT, framework.name.as_bytes(), TASKS[position]);
        }
        self.tasks.sort_unstable();
        for lent in [false, true] {
            if left[usize::from(lent)] > 0 {
                self.give_back(framework, lent, left[usize::from(lent)], false);
            }
        }
        if !used.regular.is_empty() || !used.lent.is_empty() {
            let attributed = self.ledger.used(0, AGENT, &[used]);
            assert_eq!(attributed.as_deref(), Some(framework.name.as_bytes()), "{way:?}");
        }
    }

    /// Shows the tasks to the ledger; which of them are admitted.
    fn show(
        &mut self,
        world: &World,
        at: usize,
        wishes: &[Wish],
        own: bool,
        way: &Option<Rc<Way>>,
    ) -> Vec<bool> {
        let framework = &world.frameworks[at];
        let mut claimed = 0;
        let mut admitted: Vec<bool> = Vec::new();
        let mut gang_fell = false;
        for (position, wish) in wishes.iter().enumerate() {
            let launch = Launch {
                agent: AGENT,
                task: TASKS[position],
                wants: portion(framework, wish.lent, 1),
                executor: wish.on_executor.then(|| executor(framework, own, self.executor_units)),
                gang: wish.in_gang.then_some(b"gang:2"),
            };
            let outcome = self.ledger.claim(&launch);
            let context = || format!("{wish:?} at {position}: {outcome:?}; {way:?}");
            let before = &wishes[..position];
            self.check_sorts(at, wish, own, before, &admitted, &outcome, &context());
            if wish.in_gang {
                assert!(outcome.is_err() || !gang_fell, "a gang fell, and {}", context());
                gang_fell |= outcome.is_err();
            }
            if outcome.is_ok() && wish.lent {
                // Without an executor of its own; whether that counts is the ledger's doubt.
                claimed += 1;
                assert!(self.room(world, at, claimed - 1) >= 1, "more is admitted than fits: {}", context());
                self.check_started_executor(world, at, wish, own, claimed, &context());
            }
            if outcome.is_err() && wish.lent && !wish.in_gang && !wish.on_executor {
                let is_full = self.room(world, at, claimed_at_most(wishes, position)) < 1;
                assert!(is_full, "turned down although there is room: {}", context());
            }
            admitted.push(outcome.is_ok());
        }
        admitted
    }

    /// A new executor fits as well, with the first task that it is for.
    fn check_started_executor(
        &self,
        world: &World,
        at: usize,
        wish: &Wish,
        own: bool,
        claimed: i64,
        context: &str,
    ) {
        if wish.on_executor && own && self.executors[at].is_none() && self.executor_units > 0 {
            assert!(
                self.room(world, at, claimed - 1) >= 2,
                "an executor is admitted that does not fit: {context}"
            );
        }
    }

    /// A regular task is turned down only over what its executor surely runs, or over its gang; a lent one never gets to
    /// an executor with regular tasks.
    #[expect(clippy::too_many_arguments, reason = "all that an answer may depend on")]
    fn check_sorts(
        &self,
        at: usize,
        wish: &Wish,
        own: bool,
        before: &[Wish],
        admitted: &[bool],
        outcome: &Result<(), TurnedDown>,
        context: &str,
    ) {
        let runs = |lent: bool| {
            let running =
                self.tasks.iter().any(|task| task.framework == at && task.on_executor && task.lent == lent);
            let claimed = before
                .iter()
                .zip(admitted)
                .any(|(one, admitted)| *admitted && one.on_executor && one.lent == lent);
            running || claimed
        };
        match outcome {
            Err(TurnedDown::ExecutorIsLent) => {
                assert!(!wish.lent && (runs(true) || own && self.executor_units > 0), "{context}");
            }
            Err(TurnedDown::ExecutorIsRegular) => assert!(wish.lent, "{context}"),
            Err(TurnedDown::Gang { .. }) => assert!(wish.in_gang, "{context}"),
            Err(_) => assert!(wish.lent, "a regular launch is turned down: {context}"),
            Ok(()) if wish.lent && wish.on_executor && !self.inherited => {
                assert!(!runs(false), "a mixed executor: {context}");
            }
            Ok(()) => {}
        }
    }
}

/// What earlier tasks of the same ACCEPT may have claimed: themselves, an executor each, and gangs of two.
fn claimed_at_most(wishes: &[Wish], position: usize) -> i64 {
    let claims = |wish: &Wish| {
        let one = 1 + i64::from(wish.on_executor);
        if wish.in_gang { 2 * one } else { one }
    };
    wishes[..position].iter().map(claims).sum()
}
