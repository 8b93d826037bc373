//! Serialised resources as the ledger counts them.

use apportion_ledger::{Portion, Scalars};
use apportion_wire::resource::{Facts, facts, split};

use super::Priorities;
use crate::allocator::core_value;

/// Whether the ledger counts with something. Not with what several tasks may use at once, nor with what never is part of
/// the agent's own capacity: disks with a source, and what providers bring and take away again.
fn counts(facts: &Facts<'_>) -> bool {
    let has_source = facts.disk.as_ref().is_some_and(|disk| disk.source.is_some());
    !facts.shared && !has_source && facts.provider_id.is_none()
}

/// Resources by the role that they are allocated to. Of ranges and sets it is counted how many there are; those that are
/// revocable are left out, as they are never lent.
///
/// # Errors
/// Which resource cannot be read, and why.
pub(super) fn read<'a, R: AsRef<[u8]>>(
    resources: &'a [R],
    priorities: &Priorities,
) -> Result<Vec<Portion<'a>>, String> {
    let mut portions: Vec<Portion<'a>> = Vec::with_capacity(1);
    for bytes in resources {
        let parts = split(bytes.as_ref()).map_err(|error| error.to_string())?;
        let role = parts.allocation_role.unwrap_or_default();
        let at = portions.iter().position(|portion| portion.role == role).unwrap_or_else(|| {
            let priority = priorities(role);
            portions.push(Portion { role, priority, ..Portion::default() });
            portions.len() - 1
        });
        let Some(portion) = portions.get_mut(at).filter(|_| counts(&parts.facts)) else { continue };
        let value = core_value(&parts.value).map_err(|error| error.to_string())?;
        match value.scalar() {
            Some(amount) if parts.facts.revocable => portion.lent.add(parts.facts.name, amount),
            _ if parts.facts.revocable => {}
            _ => portion.regular.add(parts.facts.name, value.quantity()),
        }
    }
    Ok(portions)
}

/// As [`read`], for a task or an executor: all of it is for one role, or the master refuses it.
///
/// # Errors
/// As [`read`].
pub(super) fn read_one<'a, R: AsRef<[u8]>>(
    resources: &'a [R],
    priorities: &Priorities,
) -> Result<Portion<'a>, String> {
    let mut portions = read(resources, priorities)?.into_iter();
    let mut sum = portions.next().unwrap_or_default();
    for further in portions {
        sum.regular.add_all(&further.regular);
        sum.lent.add_all(&further.lent);
    }
    Ok(sum)
}

/// What an agent has that is not revocable.
///
/// # Errors
/// As [`read`].
pub(super) fn total(resources: &[&[u8]]) -> Result<Scalars, String> {
    let nobody: Priorities = Box::new(|_| 0);
    Ok(read_one(resources, &nobody)?.regular)
}

/// Whether something may be lent: it says so, or cannot be read at all.
pub(super) fn may_be_lent(resources: &[Vec<u8>]) -> bool {
    resources.iter().any(|bytes| facts(bytes).map_or(true, |facts| facts.revocable))
}
