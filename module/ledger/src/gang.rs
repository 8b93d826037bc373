//! Tasks that are launched together or not at all.

use crate::{Scalars, TurnedDown};

/// Several tasks of one ACCEPT that pass or are turned down as one.
///
/// A task belongs to a gang by its label `apportion_gang`, whose value is a name and the number of tasks, as in `ring:4`.
/// The first task of the name claims what it wants itself, with an executor of its own, as many times; the others draw on
/// that. If the first is turned down, so are all that follow.
///
/// # Limits
///
/// * A gang is known within one ACCEPT. Tasks of the same name in another call are another gang.
/// * The ledger sees one task after the other and cannot take back what it admitted. So the first task must be the
///   largest, and the number must be that of all tasks: a later one that wants more than is left is turned down, and with
///   it those that follow, but not those before.
/// * The same goes for a later task that breaks the rule of unmixed executors, or that the master turns down for a reason
///   of its own.
/// * Executors are claimed for every task, although tasks may share one: a gang whose tasks do is turned down while
///   there is less than that. A task group (`LAUNCH_GROUP`) needs no label: the master launches it whole or not at all.
/// * A task without lent resources falls with its gang only. It is never turned down because a gang is too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gang<'a> {
    /// Name, of any bytes but none; the same for all its tasks.
    pub name: &'a [u8],
    /// How many tasks it has, from 1 to [`Gang::MOST_TASKS`].
    pub tasks: u32,
}

impl<'a> Gang<'a> {
    /// The key of the label of a task by which it belongs to a gang.
    pub const LABEL: &'static [u8] = b"apportion_gang";

    /// The most tasks that a gang can have.
    pub const MOST_TASKS: u32 = 10_000;

    /// Reads the value of the label.
    ///
    /// # Errors
    /// [`TurnedDown::NotAGang`].
    pub fn read(label: &'a [u8]) -> Result<Gang<'a>, TurnedDown> {
        let read = || {
            let colon = label.iter().rposition(|byte| *byte == b':')?;
            let (name, count) = (label.get(..colon)?, label.get(colon + 1..)?);
            let digits_only = !count.is_empty() && count.iter().all(u8::is_ascii_digit);
            let tasks: u32 = std::str::from_utf8(count).ok().filter(|_| digits_only)?.parse().ok()?;
            let possible = !name.is_empty() && (1..=Gang::MOST_TASKS).contains(&tasks);
            possible.then_some(Gang { name, tasks })
        };
        read().ok_or_else(|| TurnedDown::NotAGang { label: label.into() })
    }
}

/// How a gang stands within its ACCEPT.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    /// Admitted; its lent resources that are claimed and not drawn yet.
    Admitted { lent: Scalars },
    /// One of its tasks was turned down.
    TurnedDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gang_is_a_name_a_colon_and_the_number_of_its_tasks() {
        assert_eq!(Gang::read(b"ring:4"), Ok(Gang { name: b"ring", tasks: 4 }));
        assert_eq!(Gang::read(b"a:b:1"), Ok(Gang { name: b"a:b", tasks: 1 }));
        assert_eq!(Gang::read(b"r:10000"), Ok(Gang { name: b"r", tasks: 10_000 }));
    }

    #[test]
    fn what_is_no_gang_is_told_apart() {
        for label in
            [&b""[..], b"ring", b"ring:", b":4", b"ring:0", b"ring:10001", b"ring:+4", b"ring: 4", b"r:x"]
        {
            assert!(matches!(Gang::read(label), Err(TurnedDown::NotAGang { .. })), "{label:?}");
        }
        let said = Gang::read(b"ring\n").unwrap_err().to_string();
        assert!(said.contains(r"`ring\n`") && said.contains("ring:4"), "{said}");
    }
}
