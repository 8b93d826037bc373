//! What must hold after a run, whoever decided it and in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{Instant, Text};

use crate::quantities::{Limits, Quantities};
use crate::resources::{Resources, is_nested, is_under_quota};
use crate::{Answer, Name, Oracle};

/// The books before a run.
#[derive(Debug)]
pub(crate) struct Before {
    available: BTreeMap<Name, Resources>,
    consumed: BTreeMap<Name, Quantities>,
    candidates: Vec<Name>,
    /// Framework, role and agent of which the framework refuses something.
    refused: BTreeSet<(Name, Name, Name)>,
}

impl Before {
    /// As the books are now.
    #[must_use]
    pub(crate) fn of(oracle: &Oracle, now: Instant) -> Before {
        Before {
            available: oracle.agent_names().map(|agent| (agent.clone(), oracle.available(agent))).collect(),
            consumed: oracle.quotas().keys().map(|role| (role.clone(), oracle.consumed(role))).collect(),
            candidates: oracle.candidates().cloned().collect(),
            refused: oracle.refused(now),
        }
    }
}

/// Checks what a run did.
///
/// # Errors
///
/// What does not hold.
pub(crate) fn after_run(oracle: &Oracle, before: &Before, answer: &Answer) -> Result<(), String> {
    nothing_is_offered_twice(oracle, before, answer)?;
    limits_are_kept(oracle, before, answer)?;
    guarantees_are_met_where_feasible(oracle, before)
}

/// Offers of one agent fit together into what was free of it; what is shared is in one of them at most.
fn nothing_is_offered_twice(oracle: &Oracle, before: &Before, answer: &Answer) -> Result<(), String> {
    let mut free = before.available.clone();
    for ((framework, role, agent), resources) in &answer.offers {
        let place = || format!("offer {}({})@{}", Text(framework), Text(role), Text(agent));
        let free = free.get_mut(agent).ok_or_else(|| format!("{}: no such agent", place()))?;
        if resources.is_empty() {
            return Err(format!("{} is empty", place()));
        }
        if !free.contains(resources) {
            return Err(format!("{} is not free, or twice in this run", place()));
        }
        if *resources != resources.shared_once() {
            return Err(format!("{} has several copies of a shared resource", place()));
        }
        free.subtract(resources);
    }
    for (agent, mut free) in free {
        free = free.only(|kind| !oracle.kinds()[&kind].shared);
        let now_free = oracle.available(&agent).only(|kind| !oracle.kinds()[&kind].shared);
        if free != now_free {
            return Err(format!("agent {}: what was free is neither offered nor free", Text(&agent)));
        }
    }
    Ok(())
}

/// What a run gives a role stays within what its limits left: unreserved, not revocable, in the role itself.
fn limits_are_kept(oracle: &Oracle, before: &Before, answer: &Answer) -> Result<(), String> {
    for (role, quota) in oracle.quotas() {
        let given = answer.offers.iter().filter(|((_, to, _), _)| to == role);
        let given = given.fold(Quantities::default(), |sum, (_, resources)| {
            let counted = resources.only(|kind| is_under_quota(&oracle.kinds()[&kind]));
            sum.plus(&counted.quantities(oracle.kinds()))
        });
        for (name, room) in Limits::of(&quota.limits).minus(&before.consumed[role]).iter() {
            if given.get(name) > room {
                let (role, given, name) = (Text(role), given.get(name), Text(name));
                return Err(format!("role {role} gets {given} of {name}, limits leave {room}"));
            }
        }
    }
    Ok(())
}

/// A guarantee that is not met after a run could not be met.
///
/// Let role r (not inside another) be guaranteed more of name n than it consumes after the run. Then no agent that the
/// run looked at has any of n left that is unreserved, not revocable and can be cut, if there is a framework f that
/// takes offers in r, refuses nothing there, is not kept from the agent by constraints, capabilities, GPUs or region,
/// and for which any offer that is not empty is large enough.
///
/// Proof: what is unmet and what is free only shrink during a run, so both were there when the first stage came to f
/// on this agent, and the stage did not leave r before f, for something was unmet. f was then given of n what was
/// unmet or what was free, whichever was less; the first contradicts that n is unmet, the second that n is left.
fn guarantees_are_met_where_feasible(oracle: &Oracle, before: &Before) -> Result<(), String> {
    for (role, quota) in oracle.quotas().iter().filter(|(role, _)| !is_nested(role)) {
        let unmet = Quantities::of(&quota.guarantees).minus(&oracle.consumed(role));
        for agent in before.candidates.iter().filter(|_| !unmet.is_empty()) {
            let left =
                oracle.available(agent).only(|id| is_under_quota(&oracle.kinds()[&id]) && !id.is_whole());
            let left = left.quantities(oracle.kinds());
            let Some((name, amount)) = unmet.iter().find(|(name, _)| left.get(name) > 0) else { continue };
            if let Some(framework) = oracle.one_without_obstacle(role, agent, &before.refused) {
                let left = left.get(name);
                let (role, framework, name, agent) = (Text(role), Text(&framework), Text(name), Text(agent));
                return Err(format!(
                    "role {role} is owed {amount} of {name}, {left} is left on {agent}, {framework} would take it"
                ));
            }
        }
    }
    Ok(())
}
