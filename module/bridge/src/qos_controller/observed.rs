//! What an agent says of itself, as evictions want it.

use std::borrow::Cow;

use apportion_eviction::{Agent, Amounts, Executor, Holding, Task};
use apportion_wire::messages::{ExecutorInfo, ExecutorUsage, ResourceUsage, TaskUsage};
use apportion_wire::resource::{Facts, SplitResource, split};
use apportion_wire::{Value, WireError};

/// What the agent adds to the executor that it makes for a command: thousandths of cpus, and of megabytes of memory. The
/// master does not count it, so an agent full of commands has more allocated than there is, and nobody is to end for it.
const COMMAND_CPUS: i64 = 100;
const COMMAND_MEM: i64 = 32_000;

/// # Errors
/// A resource cannot be read: without it nothing could be said of what is too much.
pub(super) fn agent(usage: &ResourceUsage) -> Result<Agent, WireError> {
    let total = holding(&usage.total)?;
    let executors = usage.executors.iter().map(executor).collect::<Result<_, _>>()?;
    Ok(Agent { total: total.regular, executors })
}

fn executor(usage: &ExecutorUsage) -> Result<Executor, WireError> {
    let info = &usage.executor_info;
    let (mut own, mut allocated) = (holding(&info.resources)?, holding(&usage.allocated)?);
    let is_for_command = is_for_command(info, &usage.tasks);
    if is_for_command {
        let allowance = Amounts::of([(&b"cpus"[..], COMMAND_CPUS), (b"mem", COMMAND_MEM)]);
        // Not more than it has itself, so that nobody hides anything behind such a name.
        let mut beyond = own.regular.clone();
        beyond.take_all(&allowance);
        let mut allowed = own.regular.clone();
        allowed.take_all(&beyond);
        own.regular.take_all(&allowed);
        allocated.regular.take_all(&allowed);
    }
    Ok(Executor {
        framework: info.framework_id.as_ref().map(|id| id.value.clone()).unwrap_or_default(),
        executor: info.executor_id.value.clone(),
        container: usage.container_id.value.clone(),
        roles: usage
            .allocated
            .iter()
            .map(|resource| split(resource))
            .filter_map(|resource| {
                resource.ok().filter(|it| it.facts.revocable)?.allocation_role.map(<[u8]>::to_vec)
            })
            .collect(),
        own,
        allocated,
        tasks: usage.tasks.iter().map(task).collect::<Result<_, _>>()?,
        single_task: is_for_command,
    })
}

/// Whether the agent made this executor for the command of one task, whose id it has.
fn is_for_command(info: &ExecutorInfo, tasks: &[TaskUsage]) -> bool {
    let id = &info.executor_id.value;
    let has_type = matches!(info.r#type, Some(ExecutorInfo::DEFAULT | ExecutorInfo::CUSTOM));
    !has_type
        && info.source.as_ref() == Some(id)
        && info.name.as_ref().is_some_and(|name| name.starts_with(b"Command Executor "))
        && tasks.len() <= 1
        && tasks.iter().all(|task| task.id.value == *id)
}

fn task(usage: &TaskUsage) -> Result<Task, WireError> {
    let labels = usage.labels.as_ref().map(|labels| labels.read()).transpose()?.unwrap_or_default();
    let labels =
        labels.iter().map(|label| (label.key.to_vec(), label.value.unwrap_or_default().to_vec())).collect();
    Ok(Task { holding: holding(&usage.resources)?, labels })
}

/// Amounts of all kinds. Of what is not a scalar it only matters whether there is any: it counts by members.
fn holding(resources: &[Vec<u8>]) -> Result<Holding, WireError> {
    let mut holding = Holding::default();
    for resource in resources {
        let resource = split(resource)?;
        let amounts = if resource.facts.revocable { &mut holding.lent } else { &mut holding.regular };
        amounts.add(&name(&resource.facts), thousandths(&resource));
    }
    Ok(holding)
}

/// The name, but a different one for what is never lent and would make up for what is too much of the other.
fn name<'a>(facts: &Facts<'a>) -> Cow<'a, [u8]> {
    let has_source = facts.disk.as_ref().is_some_and(|disk| disk.source.is_some());
    if has_source || facts.shared || facts.provider_id.is_some() {
        Cow::Owned([facts.name, b" (shared, with a source or of a provider)"].concat())
    } else {
        Cow::Borrowed(facts.name)
    }
}

fn thousandths(resource: &SplitResource<'_>) -> i64 {
    let whole = |members: u64| i64::try_from(members).unwrap_or(i64::MAX).saturating_mul(1000);
    match &resource.value {
        Value::Scalar(amount) => amount.thousandths(),
        Value::Ranges(ranges) => ranges
            .iter()
            .map(|range| whole(range.end.saturating_sub(range.begin).saturating_add(1)))
            .fold(0, i64::saturating_add),
        Value::Set(items) => whole(items.len() as u64),
    }
}
