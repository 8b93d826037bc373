//! What is kept from the hook that sees a task for the hooks that see only its executor or its id.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use apportion_policy::{Entries, HookCall};

/// Most launches remembered at once by [`Remembered::default`].
pub const REMEMBERED_MAX: usize = 20_000;

/// Most bytes of names and values in all of them together: what frameworks write into labels and environments has no bound.
pub const REMEMBERED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Framework id, and the id of an executor or a task, as the host's bytes.
type Key = (Vec<u8>, Vec<u8>);

/// Launches by framework id and the id of an executor or a task, bounded in number and in bytes.
///
/// Filled in `slaveRunTaskLabelDecorator`, read when the executor's environment and containers are prepared and when its
/// task has news, and emptied in `slaveRemoveExecutorHook`. An executor that never starts is never removed by the host,
/// hence the bound: when it is reached, the entry written longest ago goes. Several tasks of one executor share the
/// executor's entry; the task seen last stands in it.
///
/// Can be shared between threads; each call holds a lock for a map look-up only.
///
/// ```
/// use std::sync::Arc;
///
/// use apportion_hook::Remembered;
/// use apportion_policy::{Entries, HookCall};
///
/// let remembered = Remembered::with_bound(2);
/// remembered.remember(b"framework", b"executor", Arc::new(HookCall::default()));
/// assert!(remembered.recall(b"framework", b"executor").is_some());
/// remembered.forget(b"framework", b"executor");
/// assert!(remembered.recall(b"framework", b"executor").is_none());
/// ```
#[derive(Debug)]
pub struct Remembered {
    bound: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// With the number of their writing.
    entries: BTreeMap<Key, (u64, Arc<HookCall>)>,
    /// Bytes of all of them.
    bytes: usize,
    /// Keys by the number of their writing: the first one is the oldest.
    by_age: BTreeMap<u64, Key>,
    written: u64,
    evicted: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Remembered::with_bound(REMEMBERED_MAX)
    }
}

impl Remembered {
    /// An empty table for at most `bound` launches (at least one).
    pub fn with_bound(bound: usize) -> Remembered {
        Remembered { bound: bound.max(1), table: Mutex::default() }
    }

    /// Keeps a launch under an executor's or a task's id, in place of what may be there.
    pub fn remember(&self, framework_id: &[u8], id: &[u8], launch: Arc<HookCall>) {
        let key = (framework_id.to_vec(), id.to_vec());
        let mut table = self.table.lock();
        table.written += 1;
        let number = table.written;
        table.bytes += bytes_of(&launch);
        if let Some((old, before)) = table.entries.insert(key.clone(), (number, launch)) {
            table.bytes -= bytes_of(&before);
            table.by_age.remove(&old);
        }
        table.by_age.insert(number, key);
        while table.entries.len() > self.bound || table.bytes > REMEMBERED_BYTES_MAX {
            let Some((_, oldest)) = table.by_age.pop_first() else { break };
            if let Some((_, launch)) = table.entries.remove(&oldest) {
                table.bytes -= bytes_of(&launch);
            }
            table.evicted += 1;
        }
    }

    /// What is kept under an id, if anything.
    pub fn recall(&self, framework_id: &[u8], id: &[u8]) -> Option<Arc<HookCall>> {
        let key = (framework_id.to_vec(), id.to_vec());
        self.table.lock().entries.get(&key).map(|(_, launch)| Arc::clone(launch))
    }

    /// Drops what is kept under an id; unknown ones are fine.
    pub fn forget(&self, framework_id: &[u8], id: &[u8]) {
        let key = (framework_id.to_vec(), id.to_vec());
        let mut table = self.table.lock();
        if let Some((number, launch)) = table.entries.remove(&key) {
            table.bytes -= bytes_of(&launch);
            table.by_age.remove(&number);
        }
    }

    /// How many launches are remembered now.
    pub fn len(&self) -> usize {
        self.table.lock().entries.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries had to go because the bound was reached, since the beginning.
    pub fn evicted(&self) -> u64 {
        self.table.lock().evicted
    }
}

/// Bytes of names and values that a launch keeps, but for the fields that Mesos itself bounds.
fn bytes_of(launch: &HookCall) -> usize {
    let facts = &launch.facts;
    let (framework, task) = (facts.framework.as_ref(), facts.task.as_ref());
    let (executor, agent) = (facts.executor.as_ref(), facts.agent.as_ref());
    let maps = [
        framework.and_then(|part| part.labels.as_ref()),
        task.and_then(|part| part.labels.as_ref()),
        task.and_then(|part| part.resources.as_ref()),
        executor.and_then(|part| part.labels.as_ref()),
        executor.and_then(|part| part.resources.as_ref()),
        agent.and_then(|part| part.attributes.as_ref()),
        agent.and_then(|part| part.resources.as_ref()),
    ];
    let mapped = maps.into_iter().flatten().flatten().map(|(name, value)| name.len() + value.len());
    let environments = [&launch.task_environment, &launch.executor_environment];
    let command = executor.and_then(|part| part.command.as_ref()).map_or(0, String::len);
    size_of::<HookCall>()
        + command
        + mapped.sum::<usize>()
        + environments.into_iter().flatten().map(Entries::bytes).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use apportion_policy::{Facts, TaskFacts};

    use super::*;

    fn launch(label_bytes: usize) -> Arc<HookCall> {
        let labels = BTreeMap::from([("a".to_owned(), "x".repeat(label_bytes))]);
        let task = TaskFacts { labels: Some(labels), ..TaskFacts::default() };
        Arc::new(HookCall { facts: Facts { task: Some(task), ..Facts::default() }, ..HookCall::default() })
    }

    #[test]
    fn oldest_launch_is_forgotten_first_when_there_are_too_many() {
        let remembered = Remembered::with_bound(3);
        for id in [b"a", b"b", b"c"] {
            remembered.remember(b"f", id, launch(1));
        }
        remembered.remember(b"f", b"a", launch(2));
        remembered.remember(b"f", b"d", launch(1));
        assert!(remembered.recall(b"f", b"b").is_none());
        assert!(remembered.recall(b"f", b"a").is_some_and(|call| bytes_of(&call) == bytes_of(&launch(2))));
        assert_eq!((remembered.len(), remembered.evicted()), (3, 1));
        remembered.forget(b"f", b"a");
        remembered.forget(b"f", b"a");
        assert!(remembered.recall(b"f", b"a").is_none());
        assert!(remembered.recall(b"other", b"c").is_none());
    }

    #[test]
    fn oldest_launches_are_forgotten_when_their_labels_take_too_much() {
        let remembered = Remembered::default();
        let third = REMEMBERED_BYTES_MAX / 3;
        for id in [b"a", b"b", b"c"] {
            remembered.remember(b"f", id, launch(third));
        }
        assert_eq!((remembered.len(), remembered.evicted()), (2, 1));
        remembered.forget(b"f", b"b");
        remembered.remember(b"f", b"d", launch(third));
        assert_eq!((remembered.len(), remembered.evicted()), (2, 1), "there is room again");
        remembered.remember(b"f", b"e", launch(REMEMBERED_BYTES_MAX));
        assert!(remembered.is_empty(), "too much by itself");
        assert_eq!(remembered.table.lock().bytes, 0);
    }
}
