//! Whether a task is admitted to an agent that lends.

use apportion_core::Amount;

use crate::accept::{Claimed, ExecutorKey, Waiting};
use crate::agent::Agent;
use crate::executors::{Certainty, Shape, What};
use crate::gang::Standing;
use crate::ledger::{ExecutorOfTask, Launch};
use crate::{Gang, Priority, Scalars, TurnedDown};

/// Admits a task into what is claimed on an agent, or tells why not: then nothing is claimed.
pub(crate) fn admit(agent: &Agent, claimed: &mut Claimed, launch: &Launch<'_>) -> Result<(), TurnedDown> {
    let what = if launch.wants.lent.is_empty() { What::RegularTask } else { What::LentTask };
    let gang = match launch.gang.map(Gang::read).transpose() {
        Err(reason) if what == What::LentTask => return Err(reason),
        // What a regular task says of itself wrongly binds nobody.
        Err(_) => None,
        Ok(gang) => gang,
    };
    let admitted = admit_member(agent, claimed, launch, what, gang);
    if let (Err(_), Some(gang)) = (&admitted, gang) {
        claimed.gangs.insert(gang.name.into(), Standing::TurnedDown);
    }
    admitted
}

/// As [`admit`], with its gang.
fn admit_member(
    agent: &Agent,
    claimed: &mut Claimed,
    launch: &Launch<'_>,
    what: What,
    gang: Option<Gang<'_>>,
) -> Result<(), TurnedDown> {
    let standing = gang.and_then(|gang| claimed.gangs.get(gang.name));
    if let (Some(Standing::TurnedDown), Some(gang)) = (standing, gang) {
        return Err(TurnedDown::Gang { gang: gang.name.into() });
    }
    let counts = what == What::LentTask && standing.is_none();
    let executor = launch.executor.as_ref();
    let executor = executor.map(|one| -> (_, ExecutorKey) { (one, (one.framework.into(), one.id.into())) });
    let (mut regular, mut lent) = (launch.wants.regular.clone(), launch.wants.lent.clone());
    let mut starts = None;
    if let Some((executor, key)) = &executor {
        unmixed(agent, claimed, what, executor, key)?;
        if !claimed.executors.contains(key)
            && agent.executors.runs(executor.framework, executor.id, What::Executor) != Certainty::Surely
        {
            regular.add_all(&executor.resources.regular);
            lent.add_all(&executor.resources.lent);
            starts = Some(key.clone());
        }
    }
    if what == What::LentTask {
        claim(agent, claimed, launch.wants.priority, &regular, &lent, gang)?;
    }
    claimed.regular.add_all(&regular);
    claimed.executors.extend(starts);
    claimed.waiting.push(Waiting {
        task: launch.task.into(),
        what,
        role: launch.wants.role.into(),
        shape: Shape::of(&launch.wants),
        executor: executor.map(|(executor, key)| (key, Shape::of(&executor.resources))),
        counts,
    });
    Ok(())
}

/// Keeps tasks of both sorts out of one executor. An executor that itself uses lent resources is for lent tasks only.
fn unmixed(
    agent: &Agent,
    claimed: &Claimed,
    what: What,
    executor: &ExecutorOfTask<'_>,
    key: &ExecutorKey,
) -> Result<(), TurnedDown> {
    let runs = |other| agent.executors.runs(executor.framework, executor.id, other);
    if what == What::LentTask {
        let may_be_mixed = claimed.runs(key, What::RegularTask) || runs(What::RegularTask) != Certainty::No;
        return if may_be_mixed { Err(TurnedDown::ExecutorIsRegular) } else { Ok(()) };
    }
    let would_be_mixed = !executor.resources.lent.is_empty()
        || claimed.runs(key, What::LentTask)
        || runs(What::LentTask) == Certainty::Surely;
    if would_be_mixed { Err(TurnedDown::ExecutorIsLent) } else { Ok(()) }
}

/// Claims lent resources: of what the gang has claimed already, for all of it, or for the task alone.
fn claim(
    agent: &Agent,
    claimed: &mut Claimed,
    priority: Priority,
    regular: &Scalars,
    lent: &Scalars,
    gang: Option<Gang<'_>>,
) -> Result<(), TurnedDown> {
    let Some(gang) = gang else {
        fits(agent, claimed, priority, regular, lent)?;
        claimed.lent.add_all(lent);
        return Ok(());
    };
    if let Some(Standing::Admitted { lent: left }) = claimed.gangs.get_mut(gang.name) {
        let short = lent.iter().find(|(name, wanted)| *wanted > left.get(name));
        if let Some((resource, wanted)) = short {
            let (gang, left) = (gang.name.into(), left.get(resource));
            return Err(TurnedDown::BeyondGang { gang, resource: resource.into(), wanted, left });
        }
        left.take_all(lent);
        return Ok(());
    }
    let for_all = lent.times(gang.tasks);
    fits(agent, claimed, priority, &regular.times(gang.tasks), &for_all)?;
    claimed.lent.add_all(&for_all);
    let mut left = for_all;
    left.take_all(lent);
    claimed.gangs.insert(gang.name.into(), Standing::Admitted { lent: left });
    Ok(())
}

/// Whether so much can be lent; see the rule at [`Ledger`](crate::Ledger). `regular` is what comes into use with it.
fn fits(
    agent: &Agent,
    claimed: &Claimed,
    priority: Priority,
    regular: &Scalars,
    lent: &Scalars,
) -> Result<(), TurnedDown> {
    for (resource, wanted) in lent.iter() {
        let owners = agent.regular.get(resource) + claimed.regular.get(resource) + regular.get(resource);
        let loans = agent.lent_from(priority, resource) + claimed.lent.get(resource);
        let lendable = agent.lendable.get(resource);
        let there = agent.total.get(resource).minus_floored(owners).min(lendable);
        let left: Amount = there.minus_floored(loans);
        if wanted > left {
            return Err(TurnedDown::NotLeft {
                resource: resource.into(),
                wanted,
                left,
                owners,
                loans,
                lendable,
            });
        }
    }
    Ok(())
}
