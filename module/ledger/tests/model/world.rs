//! What there is besides the ledger, and what may happen next.

use std::collections::BTreeMap;
use std::rc::Rc;

use apportion_core::Amount;
use apportion_ledger::{Books, ExecutorOfTask, Launch, Ledger, Portion, Priority, Scalars};

use crate::explorer::Way;

pub(crate) const AGENT: &[u8] = b"agent";
pub(crate) const EXECUTOR: &[u8] = b"executor";
pub(crate) const CPUS: &[u8] = b"cpus";

/// A framework, and what it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framework {
    pub(crate) name: &'static str,
    pub(crate) role: &'static str,
    pub(crate) priority: Priority,
    /// It is offered regular resources, and launches tasks on them.
    pub(crate) regular: bool,
    /// It is offered lent resources, and launches tasks on them.
    pub(crate) lent: bool,
    /// It has one executor, made of what its first task is made of.
    pub(crate) executors: bool,
    /// It launches gangs.
    pub(crate) gangs: bool,
}

/// A world of one agent.
#[derive(Debug)]
pub(crate) struct World {
    /// What the agent has.
    pub(crate) units: i64,
    pub(crate) frameworks: Vec<Framework>,
    /// Whether the master can be followed by another.
    pub(crate) failover: bool,
    /// Whether all is published to be lendable or nothing, and no part of it.
    pub(crate) few_amounts: bool,
    /// What an executor itself uses.
    pub(crate) executor_units: i64,
}

/// A task that a framework asks for, of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) lent: bool,
    pub(crate) on_executor: bool,
    pub(crate) in_gang: bool,
    /// Whether the master finds nothing else wrong with it.
    pub(crate) valid: bool,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Offer {
        framework: usize,
        lent: bool,
    },
    Decline {
        framework: usize,
        lent: bool,
    },
    Publish {
        units: i64,
    },
    /// All offers of the framework are accepted together.
    Accept {
        framework: usize,
        wishes: Vec<Wish>,
        as_group: bool,
    },
    TaskEnds {
        at: usize,
    },
    ExecutorEnds {
        framework: usize,
    },
    AgentLeaves,
    AgentComes,
    MasterFailsOver,
}

/// A task that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Running {
    pub(crate) framework: usize,
    pub(crate) lent: bool,
    pub(crate) on_executor: bool,
}

/// All of a world at a moment.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) ledger: Ledger,
    pub(crate) there: bool,
    pub(crate) published: i64,
    /// Units offered and not accepted yet, by framework: regular, lent.
    pub(crate) offered: Vec<[i64; 2]>,
    /// In order.
    pub(crate) tasks: Vec<Running>,
    /// Whether each framework's executor runs, and whether on lent resources.
    pub(crate) executors: Vec<Option<bool>>,
    /// Whether a master before this one started something that runs.
    pub(crate) inherited: bool,
    pub(crate) executor_units: i64,
}

/// What distinguishes states.
type Key = (Books, bool, i64, Vec<[i64; 2]>, Vec<Running>, Vec<Option<bool>>, bool);

impl State {
    pub(crate) fn new(world: &World) -> State {
        let mut ledger = Ledger::new();
        ledger.agent_added(AGENT, true, units(world.units), &[]);
        State {
            ledger,
            there: true,
            published: 0,
            offered: vec![[0, 0]; world.frameworks.len()],
            tasks: Vec::new(),
            executors: vec![None; world.frameworks.len()],
            inherited: false,
            executor_units: world.executor_units,
        }
    }

    pub(crate) fn key(&self) -> Key {
        (
            after_accept(&self.ledger).books().clone(),
            self.there,
            self.published,
            self.offered.clone(),
            self.tasks.clone(),
            self.executors.clone(),
            self.inherited,
        )
    }

    /// Units in use of a sort by some frameworks, executors included.
    pub(crate) fn in_use(&self, lent: bool, by: impl Fn(usize) -> bool) -> i64 {
        let tasks = self.tasks.iter().filter(|task| task.lent == lent && by(task.framework)).count();
        let executors = self
            .executors
            .iter()
            .enumerate()
            .filter(|(at, executor)| **executor == Some(lent) && by(*at))
            .count();
        i64::try_from(tasks).unwrap() + i64::try_from(executors).unwrap() * self.executor_units
    }

    /// Everything that may happen now.
    pub(crate) fn actions(&self, world: &World) -> Vec<Action> {
        if !self.there {
            return vec![Action::AgentComes];
        }
        let mut actions = vec![Action::AgentLeaves];
        if world.failover {
            actions.push(Action::MasterFailsOver);
        }
        // Any amount at any time: late, early, skipped or wrong, a decision of the allocator is one of these.
        let published = (0..=world.units)
            .filter(|units| *units != self.published)
            .filter(|units| !world.few_amounts || [0, world.units].contains(units));
        actions.extend(published.map(|units| Action::Publish { units }));
        actions.extend((0..self.tasks.len()).map(|at| Action::TaskEnds { at }));
        let regular_held =
            self.in_use(false, |_| true) + self.offered.iter().map(|[regular, _]| regular).sum::<i64>();
        for (at, framework) in world.frameworks.iter().enumerate() {
            if self.executors[at].is_some()
                && !self.tasks.iter().any(|task| task.framework == at && task.on_executor)
            {
                actions.push(Action::ExecutorEnds { framework: at });
            }
            for lent in [false, true] {
                let offered = self.offered[at][usize::from(lent)];
                let more =
                    if lent { framework.lent } else { framework.regular && regular_held < world.units };
                if more && offered < 2 {
                    actions.push(Action::Offer { framework: at, lent });
                }
                if offered > 0 {
                    actions.push(Action::Decline { framework: at, lent });
                }
            }
            self.accepts(at, framework, &mut actions);
        }
        actions
    }

    /// Every ACCEPT with one or two tasks.
    fn accepts(&self, at: usize, framework: &Framework, actions: &mut Vec<Action>) {
        if self.offered[at] == [0, 0] || self.tasks.len() >= 3 {
            return;
        }
        let mut wishes = Vec::new();
        for bits in 0..16_u8 {
            let [lent, on_executor, in_gang, valid] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let offered = self.offered[at][usize::from(lent)] > 0;
            if offered && (framework.executors || !on_executor) && (framework.gangs || !in_gang) {
                wishes.push(Wish { lent, on_executor, in_gang, valid });
            }
        }
        for first in &wishes {
            actions.push(Action::Accept { framework: at, wishes: vec![*first], as_group: false });
            for second in &wishes {
                let wishes = vec![*first, *second];
                if first.on_executor && second.on_executor && !first.in_gang && !second.in_gang {
                    actions.push(Action::Accept { framework: at, wishes: wishes.clone(), as_group: true });
                }
                actions.push(Action::Accept { framework: at, wishes, as_group: false });
            }
        }
    }

    /// What has to hold in every state.
    pub(crate) fn check(&self, world: &World, way: &Option<Rc<Way>>) {
        if !self.there {
            assert_eq!(self.ledger.loans().count(), 0, "{way:?}");
            return;
        }
        let regular = self.ledger.regular_in_use(AGENT).unwrap().get(CPUS);
        assert_eq!(regular, Amount::whole(self.in_use(false, |_| true)), "regular use; {way:?}");
        let mut loans = BTreeMap::new();
        for loan in self.ledger.loans() {
            loans.insert(loan.framework.unwrap().to_vec(), loan.lent.get(CPUS));
        }
        for (at, framework) in world.frameworks.iter().enumerate() {
            let booked = loans.remove(framework.name.as_bytes()).unwrap_or(Amount::ZERO);
            assert_eq!(booked, Amount::whole(self.in_use(true, |of| of == at)), "loans of {at}; {way:?}");
            if framework.lent {
                self.check_room(world, at, way);
            }
        }
        assert!(loans.is_empty(), "{loans:?}; {way:?}");
        assert_eq!(self.ledger.numbers().unmatched_returns, 0, "{way:?}");
        assert_eq!(self.ledger.numbers().unattributed_uses, 0, "{way:?}");
        self.check_that_nothing_stays(world, way);
    }

    /// Between two ACCEPTs no claim is left: exactly what the rule leaves can be claimed.
    fn check_room(&self, world: &World, at: usize, way: &Option<Rc<Way>>) {
        let left = self.room(world, at, 0);
        for (wanted, passes) in [(left, true), (left + 1, false)] {
            let framework = &world.frameworks[at];
            let mut ledger = self.ledger.clone();
            let wants = portion(framework, true, wanted);
            let probe = Launch { agent: AGENT, task: b"probe", wants, executor: None, gang: None };
            assert_eq!(ledger.claim(&probe).is_ok(), passes, "{wanted} with {left} left for {at}; {way:?}");
        }
    }

    /// What the rule leaves for a framework beside `claimed` units.
    pub(crate) fn room(&self, world: &World, at: usize, claimed: i64) -> i64 {
        let priority = world.frameworks[at].priority;
        let loans = self.in_use(true, |other| world.frameworks[other].priority >= priority) + claimed;
        (world.units - self.in_use(false, |_| true)).max(0).min(self.published).saturating_sub(loans).max(0)
    }

    /// When everything has ended, the books are those of an agent on which nothing ever ran.
    fn check_that_nothing_stays(&self, world: &World, way: &Option<Rc<Way>>) {
        let mut after = self.clone();
        while !after.tasks.is_empty() {
            after.perform(world, &Action::TaskEnds { at: 0 }, way);
        }
        for framework in 0..world.frameworks.len() {
            if after.executors[framework].is_some() {
                after.perform(world, &Action::ExecutorEnds { framework }, way);
            }
        }
        let mut fresh = State::new(world).ledger;
        fresh.publish(AGENT, units(self.published));
        assert_eq!(after_accept(&after.ledger).books(), after_accept(&fresh).books(), "{way:?}");
    }
}

/// The ledger when the next ACCEPT begins: what was claimed before is dropped by its first claim.
fn after_accept(ledger: &Ledger) -> Ledger {
    let mut ledger = ledger.clone();
    ledger.returned(0, b"somebody", AGENT, &[], false);
    let nothing =
        Launch { agent: b"elsewhere", task: b"", wants: Portion::default(), executor: None, gang: None };
    ledger.claim(&nothing).unwrap();
    ledger
}

pub(crate) fn units(count: i64) -> Scalars {
    [(CPUS, Amount::whole(count))].into_iter().collect()
}

/// So many units of a sort, for a framework's role.
pub(crate) fn portion<'a>(framework: &Framework, lent: bool, count: i64) -> Portion<'a> {
    let (regular, lent) = if lent { (Scalars::new(), units(count)) } else { (units(count), Scalars::new()) };
    Portion { role: framework.role.as_bytes(), priority: framework.priority, regular, lent }
}

/// The executor of a framework.
pub(crate) fn executor<'a>(framework: &Framework, lent: bool, own_units: i64) -> ExecutorOfTask<'a> {
    ExecutorOfTask {
        framework: framework.name.as_bytes(),
        id: EXECUTOR,
        resources: portion(framework, lent, own_units),
    }
}
