//! Facts kept from the hook that sees a task for the hook that sees only its executor.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::facts::Facts;

/// Most executors remembered at once by [`Remembered::default`].
pub const REMEMBERED_MAX: usize = 10_000;

/// Framework id and executor id, as the host's bytes.
type Key = (Vec<u8>, Vec<u8>);

/// Facts by framework id and executor id, bounded in number.
///
/// Filled in `slaveRunTaskLabelDecorator`, read when the executor's environment and containers are prepared, and
/// emptied in `slaveRemoveExecutorHook`. An executor that never starts is never removed by the host, hence the bound:
/// when it is reached, the entry written longest ago goes. Several tasks of one executor share an entry; the task
/// seen last stands in it.
///
/// Can be shared between threads; each call holds a lock for a map look-up only.
///
/// ```
/// use apportion_policy::{Facts, Remembered};
///
/// let remembered = Remembered::with_bound(2);
/// remembered.remember(b"framework", b"executor", Facts::default());
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
    entries: BTreeMap<Key, (u64, Arc<Facts>)>,
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
    /// An empty table for at most `bound` executors (at least one).
    pub fn with_bound(bound: usize) -> Remembered {
        Remembered { bound: bound.max(1), table: Mutex::default() }
    }

    /// Keeps facts for an executor, in place of those it may have.
    pub fn remember(&self, framework_id: &[u8], executor_id: &[u8], facts: Facts) {
        let key = (framework_id.to_vec(), executor_id.to_vec());
        let mut table = self.table.lock();
        table.written += 1;
        let number = table.written;
        if let Some((old, _)) = table.entries.insert(key.clone(), (number, Arc::new(facts))) {
            table.by_age.remove(&old);
        }
        table.by_age.insert(number, key);
        while table.entries.len() > self.bound {
            let Some((_, oldest)) = table.by_age.pop_first() else { break };
            table.entries.remove(&oldest);
            table.evicted += 1;
        }
    }

    /// The facts kept for an executor, if any.
    pub fn recall(&self, framework_id: &[u8], executor_id: &[u8]) -> Option<Arc<Facts>> {
        let key = (framework_id.to_vec(), executor_id.to_vec());
        self.table.lock().entries.get(&key).map(|(_, facts)| Arc::clone(facts))
    }

    /// Drops what is kept for an executor; unknown ones are fine.
    pub fn forget(&self, framework_id: &[u8], executor_id: &[u8]) {
        let key = (framework_id.to_vec(), executor_id.to_vec());
        let mut table = self.table.lock();
        if let Some((number, _)) = table.entries.remove(&key) {
            table.by_age.remove(&number);
        }
    }

    /// How many executors are remembered now.
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
