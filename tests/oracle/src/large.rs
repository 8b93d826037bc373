//! Histories as large as a real cluster: thousands of agents, hundreds of frameworks, bursts of calls between two runs.
//!
//! A history is made of rounds. In each, frameworks answer what they were offered, something happens to the cluster, and
//! a batch passes, which looks at every agent. All of it follows from a number, and a history that is broken off is the
//! beginning of one that is not. Nothing is shrunk: `cargo test` plays small histories for that.

use std::ops::ControlFlow;

use apportion_core::Order;

use crate::{Action, Cast, Checks, Disagreement, Master, Step, Tally};

/// What histories are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Large {
    /// Agents.
    pub agents: usize,
    /// Frameworks at the same time.
    pub frameworks: usize,
    /// Roles.
    pub roles: usize,
    /// Rounds of a history.
    pub rounds: usize,
    /// Books, numbers and invariants are checked after one of so many runs.
    pub checks_one_in: usize,
}

/// One in so many histories has roles and frameworks in random order.
const RANDOM_ORDER_ONE_IN: usize = 5;
/// The agents register in so many bursts.
const ARRIVALS: usize = 4;
/// Enough dice for an agent of the usual kind; whoever has more has something special.
const PLAIN_DICE: usize = 8;
/// Enough dice for everything.
const ALL_DICE: usize = 48;
/// One agent in so many has something special.
const SPECIAL_ONE_IN: usize = 8;

/// So many suppressions for each framework leave few that want anything.
const QUIET_TIMES: usize = 6;
/// One round in so many is a quiet time.
const QUIET_EVERY: usize = 4;
/// Batches of a quiet time, at most.
const QUIET_BATCHES: usize = 8;
/// The dice for a refusal that lasts longer than any history, and for one of five seconds.
const REFUSE_LONG: u8 = 7;
const REFUSE_FIVE_SECONDS: u8 = 0;

/// What happens to a cluster in a round, besides answers to offers.
#[derive(Debug, Clone, Copy)]
enum Event {
    TasksEnd,
    FrameworksChange,
    FrameworksRevive,
    FrameworksSuppress,
    AgentsAreLost,
    AgentsReconnect,
    AgentsLend,
    Operations,
    Quotas,
    Weights,
    Whitelist,
    Maintenance,
    Rescissions,
    Nothing,
    /// Nearly all frameworks have no work, and the others refuse for long what they are offered: the usual state of a cluster
    /// at night. Then some want something again, few or many at once.
    Quiet,
}

/// How often each comes, but for quiet times: the first ones are what a cluster sees all day.
const EVENTS: [Event; 20] = [
    Event::TasksEnd,
    Event::TasksEnd,
    Event::TasksEnd,
    Event::FrameworksRevive,
    Event::FrameworksRevive,
    Event::FrameworksChange,
    Event::FrameworksChange,
    Event::AgentsAreLost,
    Event::AgentsAreLost,
    Event::AgentsReconnect,
    Event::Quotas,
    Event::Quotas,
    Event::Operations,
    Event::FrameworksSuppress,
    Event::AgentsLend,
    Event::Maintenance,
    Event::Rescissions,
    Event::Weights,
    Event::Whitelist,
    Event::Nothing,
];

impl Event {
    /// Actions, each of them so often.
    fn actions(self, size: &Large) -> Vec<(Action, usize)> {
        use Action as A;
        let agents = |one_in: usize| size.agents.div_ceil(one_in);
        let frameworks = |one_in: usize| size.frameworks.div_ceil(one_in);
        match self {
            Event::TasksEnd => vec![(A::EndTask, agents(20))],
            Event::FrameworksChange => vec![
                (A::DisconnectFramework, frameworks(50)),
                (A::TearDownFramework, frameworks(100)),
                (A::UpdateFramework, frameworks(30)),
                (A::ReconnectFramework, frameworks(40)),
                (A::AddFramework, frameworks(50)),
            ],
            Event::FrameworksRevive => vec![(A::Revive, frameworks(10))],
            Event::FrameworksSuppress => vec![(A::Suppress, frameworks(5))],
            Event::AgentsAreLost => vec![(A::LoseAgent, agents(100)), (A::ReturnAgent, agents(150))],
            Event::AgentsReconnect => vec![
                (A::DisconnectAgent, agents(200)),
                (A::DeactivateAgent, agents(300)),
                (A::ReregisterAgent, agents(100)),
                (A::ReconnectAgent, agents(150)),
                (A::ActivateAgent, agents(200)),
            ],
            Event::AgentsLend => vec![
                (A::Oversubscribe, agents(100)),
                (A::AddProvider, agents(200)),
                (A::RemoveProvider, agents(400)),
            ],
            Event::Operations => vec![
                (A::OperatorOperation, agents(200)),
                (A::ResizeVolume, agents(400)),
                (A::EndOperation, agents(100)),
            ],
            Event::Quotas => vec![(A::SetQuota, 3)],
            Event::Weights => vec![(A::SetWeights, 1)],
            Event::Whitelist => vec![(A::SetWhitelist, 1)],
            Event::Maintenance => vec![
                (A::SetMaintenance, agents(200)),
                (A::AnswerInverseOffer, agents(200)),
                (A::AskStatuses, 1),
            ],
            Event::Rescissions => vec![(A::RescindOffer, agents(50))],
            Event::Nothing | Event::Quiet => Vec::new(),
        }
    }
}

/// Numbers that follow from a first one (splitmix64).
#[derive(Debug, Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        let state = self.0;
        self.0 = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::oracle::splitmix64(state)
    }

    fn below(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % sides).unwrap_or(0)
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn dice(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// One action again and again.
    fn steps(&mut self, action: Action, times: usize) -> impl Iterator<Item = Step> {
        (0..times).map(move |_| {
            let is_plain = action == Action::AddAgent && !self.one_in(SPECIAL_ONE_IN);
            Step { action, dice: self.dice(if is_plain { PLAIN_DICE } else { ALL_DICE }) }
        })
    }
}

impl Large {
    /// Plays the history of a number. `watch` is told after each round what happened in it and what was compared so far, and
    /// may end the history.
    ///
    /// # Errors
    ///
    /// At the first call after which the allocators disagree.
    pub fn play(
        &self,
        number: u64,
        watch: &mut dyn FnMut(&str, Tally) -> ControlFlow<()>,
    ) -> Result<Tally, Box<Disagreement>> {
        let chance = &mut Chance(number);
        let cast = Cast::of(self.agents, self.frameworks, self.roles);
        let order = if chance.one_in(RANDOM_ORDER_ONE_IN) { Order::Random } else { Order::DominantShare };
        let checks = Checks::OneRunIn(self.checks_one_in.max(1));
        let mut master = Master::start_with(cast, checks, &chance.dice(ALL_DICE), order)?;
        master.burst(chance.steps(Action::AddFramework, self.frameworks))?;
        for _ in 0..ARRIVALS {
            master.burst(chance.steps(Action::AddAgent, self.agents.div_ceil(ARRIVALS)))?;
            master.settle()?;
        }
        for round in 1..=self.rounds {
            let event = if round.is_multiple_of(QUIET_EVERY) {
                Event::Quiet
            } else {
                EVENTS[chance.below(EVENTS.len())]
            };
            self.round(&mut master, chance, event)?;
            if watch(&format!("{event:?}"), master.cluster().tally()).is_break() {
                break;
            }
        }
        Ok(master.cluster().tally())
    }

    fn round(&self, master: &mut Master, chance: &mut Chance, event: Event) -> Result<(), Disagreement> {
        let accepted = chance.below(self.agents.div_ceil(10));
        master.burst(chance.steps(Action::Accept, accepted))?;
        // From half of the offers to all of them.
        let offers = master.offers_len();
        let declined = offers / 2 + chance.below(offers.div_ceil(2) + 1);
        master.burst(chance.steps(Action::Decline, declined))?;
        if matches!(event, Event::Quiet) {
            self.quiet(master, chance)?;
        }
        for (action, times) in event.actions(self) {
            master.burst(chance.steps(action, times))?;
        }
        master.settle()?;
        if master.offers_len() < self.agents / 10 && chance.one_in(2) {
            // Work comes in the morning.
            master.burst(chance.steps(Action::Revive, 2 * self.frameworks))?;
        }
        if matches!(event, Event::Whitelist) {
            // Without dice, no whitelist: else the rest of the history would be about nothing.
            master.burst(std::iter::once(Step { action: Action::SetWhitelist, dice: Vec::new() }))?;
        }
        Ok(())
    }

    fn quiet(&self, master: &mut Master, chance: &mut Chance) -> Result<(), Disagreement> {
        master.burst(chance.steps(Action::Suppress, QUIET_TIMES * self.frameworks))?;
        for _ in 0..=chance.below(QUIET_BATCHES) {
            let offers = master.offers_len();
            master.burst((0..offers).map(|_| {
                let [which, ..] = chance.next().to_le_bytes();
                let refusal = if chance.one_in(2) { REFUSE_LONG } else { REFUSE_FIVE_SECONDS };
                Step { action: Action::Decline, dice: vec![which, refusal, refusal] }
            }))?;
            master.settle()?;
        }
        let revived = [0, 1, self.frameworks.div_ceil(20), self.frameworks.div_ceil(4), 2 * self.frameworks];
        let revived = revived[chance.below(revived.len())];
        master.burst(chance.steps(Action::Revive, revived))
    }
}
