//! What a task and its executor need, in the allocator's terms.

use apportion_core::{Amount, Holding, Item, KindId, Value, ValueType};
use apportion_wire::resource::{comparison_key, split};

use super::NoRoom;
use super::kinds::{Kinds, Substance};
use crate::allocator::core_value;

/// One resource that is needed.
#[derive(Debug)]
struct Need {
    /// What the host compares of its identity.
    key: Vec<u8>,
    substance: Substance,
    value: Value,
    /// Whether any number of tasks may use the same.
    shared: bool,
}

/// What a task needs, with its executor.
#[derive(Debug)]
pub(super) struct Needs {
    role: Vec<u8>,
    task: Vec<Need>,
    /// Whether it is there already is not known.
    executor: Vec<Need>,
}

impl Needs {
    /// Reads serialised resources.
    pub(super) fn read(task: &[Vec<u8>], executor: &[Vec<u8>]) -> Result<Needs, NoRoom> {
        let mut role = None;
        let task = task.iter().map(|bytes| read(bytes, &mut role)).collect::<Result<_, _>>()?;
        let executor = executor.iter().map(|bytes| read(bytes, &mut role)).collect::<Result<_, _>>()?;
        Ok(Needs { role: role.ok_or(NoRoom::NotOneRole)?, task, executor })
    }

    /// The role that all of it is allocated to.
    pub(super) fn role(&self) -> &[u8] {
        &self.role
    }

    /// What the accepted offers must hold at least: the task without its executor, by substance. Shared volumes are
    /// left out, as tasks may use more copies than were offered.
    pub(super) fn least(&self) -> Vec<(&Substance, Value)> {
        let mut sums: Vec<(&Substance, Value)> = Vec::with_capacity(self.task.len());
        for need in self.task.iter().filter(|need| !need.shared) {
            match sums.iter_mut().find(|(substance, _)| *substance == &need.substance) {
                Some((_, sum)) => sum.add(&need.value),
                None => sums.push((&need.substance, need.value.clone())),
            }
        }
        sums
    }

    /// Everything that can be taken twice, task and executor: amounts of kinds that were offered.
    pub(super) fn countable(&self, kinds: &Kinds) -> Holding {
        let amounts = self.all().filter_map(|need| {
            let kind = kinds.find(&need.key).filter(|kind| !kind.is_whole() && !kind.is_shared())?;
            Some(Item::scalar(kind, need.value.scalar()?))
        });
        Holding::new(amounts)
    }

    /// Whether the host lets a task have this next to what it has: either all or nothing of one name is revocable.
    pub(super) fn goes_with(&self, wanted: &Substance) -> bool {
        let mut same_name = self.all().filter(|need| need.substance.name == wanted.name).peekable();
        if wanted.revocable && same_name.peek().is_none() {
            return false;
        }
        same_name.all(|need| need.substance.revocable == wanted.revocable)
    }

    fn all(&self) -> impl Iterator<Item = &Need> {
        self.task.iter().chain(&self.executor)
    }
}

/// Reads one resource, whose role has to be that of those before.
fn read(bytes: &[u8], role: &mut Option<Vec<u8>>) -> Result<Need, NoRoom> {
    let unreadable = |error: &dyn std::fmt::Display| NoRoom::Unreadable(error.to_string());
    let parts = split(bytes).map_err(|error| unreadable(&error))?;
    let own = parts.allocation_role.ok_or(NoRoom::NotOneRole)?;
    if role.get_or_insert_with(|| own.to_vec()) != own {
        return Err(NoRoom::NotOneRole);
    }
    let facts = &parts.facts;
    Ok(Need {
        key: comparison_key(&parts.identity).map_err(|error| unreadable(&error))?,
        substance: Substance {
            name: facts.name.into(),
            value_type: match facts.value_type {
                apportion_wire::ValueType::Scalar => ValueType::Scalar,
                apportion_wire::ValueType::Ranges => ValueType::Ranges,
                apportion_wire::ValueType::Set => ValueType::Set,
            },
            revocable: facts.revocable,
            provider: facts.provider_id.map(Box::from),
        },
        value: core_value(&parts.value).map_err(|error| unreadable(&error))?,
        shared: facts.shared,
    })
}

/// How much of a kind there is; nothing for ranges and sets.
pub(super) fn amount_of(resources: &Holding, kind: KindId) -> Amount {
    let own = resources.items().iter().find(|item| item.kind == kind);
    own.and_then(Item::scalar_quantity).unwrap_or(Amount::ZERO)
}
