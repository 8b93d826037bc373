//! How much time a victim gets.

use std::time::Duration;

use crate::agent::Executor;
use crate::policy::Settings;

/// What an executor's tasks ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Grace {
    /// The longest of them, within the bound.
    pub(crate) time: Duration,
    /// Values of the label that are no time, in their order.
    pub(crate) unreadable: Vec<Vec<u8>>,
}

impl Grace {
    /// A task without the label, or with a value that is no time, gets what everybody gets. An executor goes as a whole, so
    /// the task that asks for most decides.
    pub(crate) fn of(executor: &Executor, settings: &Settings) -> Grace {
        let mut grace = Grace::default();
        if executor.tasks.is_empty() {
            grace.time = settings.grace;
        }
        for task in &executor.tasks {
            let label = task.labels.iter().find(|(key, _)| *key == settings.grace_label);
            let asked = label.and_then(|(_, value)| {
                let time = read(value);
                if time.is_none() {
                    grace.unreadable.push(value.clone());
                }
                time
            });
            grace.time = grace.time.max(asked.unwrap_or(settings.grace));
        }
        grace.time = grace.time.min(settings.grace_most);
        grace
    }
}

fn read(value: &[u8]) -> Option<Duration> {
    humantime::parse_duration(std::str::from_utf8(value).ok()?.trim()).ok()
}

/// Nanoseconds, as time is counted here.
pub(crate) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
