//! Evictions for people, in the agent's log.

use std::fmt;

use apportion_eviction::{Decision, Ending, ExecutorKey, Reminder};

/// Tells all that happened.
pub(super) fn log(decision: &Decision) {
    for reminder in &decision.reminders {
        match reminder {
            Reminder::UnreadableGrace { .. } => tracing::warn!("QoS controller: {}", Told(reminder)),
            _ => tracing::info!("QoS controller: {}", Told(reminder)),
        }
    }
    for ending in &decision.end {
        tracing::info!("QoS controller: {}", Ended(ending));
    }
}

/// Why somebody has to go, and what it had.
struct Ended<'a>(&'a Ending);

impl fmt::Display for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ending { key, roles, priority, has, need, waited } = self.0;
        let roles: Vec<String> = roles.iter().map(|role| role.escape_ascii().to_string()).collect();
        let (who, roles) = (Name(key), roles.join(", "));
        write!(
            f,
            "{who} is ended: owners need {need} back; it had {has}, lent to {roles} with priority {priority}, "
        )?;
        if waited.is_zero() { f.write_str("and no grace") } else { write!(f, "and {waited:.1?} of grace") }
    }
}

struct Told<'a>(&'a Reminder);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reminder::Noticed { key, grace, need } => {
                write!(f, "{} has to go within {grace:?}: owners need {need} back", Name(key))
            }
            Reminder::Withdrawn { key } => {
                write!(f, "{} may stay: nobody needs its room any more", Name(key))
            }
            Reminder::StillThere { key, again: true } => {
                write!(f, "{} is still there: the agent is told again to end it", Name(key))
            }
            Reminder::StillThere { key, again: false } => {
                write!(f, "{} is still there, and may stay: nobody needs its room any more", Name(key))
            }
            Reminder::UnreadableGrace { key, value } => write!(
                f,
                "a task of {} asks for '{}' of grace, which is no time as 30s or 1m 30s are: it gets what tasks get \
                 that do not ask",
                Name(key),
                value.escape_ascii()
            ),
        }
    }
}

struct Name<'a>(&'a ExecutorKey);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExecutorKey { framework, executor, container } = self.0;
        write!(
            f,
            "executor '{}' of framework {} (container {})",
            executor.escape_ascii(),
            framework.escape_ascii(),
            container.escape_ascii()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apportion_eviction::{Amounts, Ending, ExecutorKey};

    use super::Ended;

    #[test]
    fn eviction_is_told_in_words() {
        let ending = Ending {
            key: ExecutorKey {
                framework: b"f-1".to_vec(),
                executor: b"sleep".to_vec(),
                container: b"c-1".to_vec(),
            },
            roles: [b"batch".to_vec()].into(),
            priority: 10,
            has: Amounts::of([(&b"cpus"[..], 2000), (b"mem", 256_000)]),
            need: Amounts::of([(&b"cpus"[..], 1500)]),
            waited: Duration::from_millis(30_040),
        };
        assert_eq!(
            Ended(&ending).to_string(),
            "executor 'sleep' of framework f-1 (container c-1) is ended: owners need cpus 1.5 back; it had cpus 2, \
             mem 256, lent to batch with priority 10, and 30.0s of grace"
        );
    }
}
