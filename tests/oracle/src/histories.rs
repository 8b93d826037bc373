//! Random histories: which actions, how often, and how to run one.

use std::fmt;

use apportion_core::Order;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;

use crate::{Action, Disagreement, Master, Step, Tally};

/// What histories are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Everything at once.
    Everything,
    /// Few agents and frameworks, many offers and quotas.
    Quota,
    /// Reservations, volumes and pending operations.
    Operations,
    /// Agents and frameworks that come and go.
    Churn,
    /// Maintenance windows and inverse offers.
    Maintenance,
}

impl Theme {
    /// All of them.
    pub const ALL: [Theme; 5] =
        [Theme::Everything, Theme::Quota, Theme::Operations, Theme::Churn, Theme::Maintenance];

    /// How often each action comes, simplest actions first.
    fn weights(self) -> Vec<(usize, Action)> {
        use Action::{
            Accept, ActivateAgent, AddAgent, AddFramework, AddProvider, AnswerInverseOffer, AskStatuses,
            DeactivateAgent, Decline, DisconnectAgent, DisconnectFramework, EndOperation, EndTask, LoseAgent,
            OperatorOperation, Oversubscribe, ReconnectAgent, ReconnectFramework, RemoveProvider,
            ReregisterAgent, RescindOffer, ResizeVolume, ReturnAgent, Revive, SetMaintenance, SetQuota,
            SetWeights, SetWhitelist, Suppress, TearDownFramework, UpdateFramework, Wait,
        };
        let times = |theme: Theme, more: usize| if self == theme { more } else { 1 };
        let churn = times(Theme::Churn, 3);
        let operations = times(Theme::Operations, 4);
        let maintenance = times(Theme::Maintenance, 6);
        let mut weights = vec![
            (8, Wait),
            (6, AddAgent),
            (6, AddFramework),
            (10, Decline),
            (6 * operations, Accept),
            (2 * operations, ResizeVolume),
            (4, EndTask),
            (2, RescindOffer),
            (2, Suppress),
            (3, Revive),
            (2 * churn, UpdateFramework),
            (churn, DisconnectFramework),
            (2 * churn, ReconnectFramework),
            (churn, TearDownFramework),
            (churn, LoseAgent),
            (churn, ReturnAgent),
            (churn, DisconnectAgent),
            (2 * churn, ReconnectAgent),
            (2 * churn, ReregisterAgent),
            (1, DeactivateAgent),
            (2, ActivateAgent),
            (1, Oversubscribe),
            (operations, AddProvider),
            (1, RemoveProvider),
            (operations, EndOperation),
            (2 * operations, OperatorOperation),
            (1, SetWeights),
            (1, SetWhitelist),
            (maintenance, SetMaintenance),
            (2 * maintenance, AnswerInverseOffer),
            (maintenance, AskStatuses),
            (2 * times(Theme::Quota, 5), SetQuota),
        ];
        if self == Theme::Quota {
            weights.retain(|(_, action)| {
                !matches!(action, SetMaintenance | AnswerInverseOffer | AskStatuses | SetWhitelist)
            });
        }
        weights
    }
}

/// A history: the order of roles and frameworks and dice for the start, then the steps.
#[derive(Clone)]
pub struct History {
    start: Vec<u8>,
    order: Order,
    steps: Vec<Step>,
}

impl fmt::Debug for History {
    /// Order and actions only: what came of them is told call by call when a history fails.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.order)?;
        f.debug_list().entries(self.steps.iter().map(|step| step.action)).finish()
    }
}

impl History {
    /// Plays the history to both allocators.
    ///
    /// # Errors
    ///
    /// At the first call after which they disagree.
    pub fn play(&self) -> Result<Tally, Box<Disagreement>> {
        let mut master = Master::start(&self.start, self.order)?;
        for step in &self.steps {
            master.step(step)?;
        }
        master.settle()?;
        Ok(master.cluster().tally())
    }
}

/// Histories about a theme, of about so many steps at most.
pub fn histories(theme: Theme, steps: usize) -> impl Strategy<Value = History> {
    let weights = theme.weights();
    let actions: Vec<Action> =
        weights.into_iter().flat_map(|(times, action)| std::iter::repeat_n(action, times)).collect();
    let dice = || vec(any::<u8>(), 0..40);
    let step = (select(actions), dice()).prop_map(|(action, dice)| Step { action, dice });
    // Something to offer and somebody to take it, so that no history is about nothing.
    let cast = (select(&[Action::AddAgent, Action::AddFramework]), dice());
    let cast = cast.prop_map(|(action, dice)| Step { action, dice });
    let order = select(&[
        Order::DominantShare,
        Order::DominantShare,
        Order::DominantShare,
        Order::DominantShare,
        Order::Random,
    ]);
    let parts = (vec(any::<u8>(), 0..16), vec(cast, 0..8), vec(step, 1..steps), order);
    parts.prop_map(|(start, mut cast, steps, order)| {
        cast.extend(steps);
        History { start, order, steps: cast }
    })
}
