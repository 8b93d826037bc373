//! Resource limits of a process, under the names Mesos and the kernel give them.

use std::fmt;

/// Which resource is limited.
///
/// Numbers and names are those of Mesos' `RLimitInfo.RLimit.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RlimitKind {
    /// Address space, in bytes.
    As,
    /// Size of a core file, in bytes.
    Core,
    /// CPU time, in seconds.
    Cpu,
    /// Data segment, in bytes.
    Data,
    /// Size of a written file, in bytes.
    Fsize,
    /// File locks.
    Locks,
    /// Locked memory, in bytes.
    Memlock,
    /// POSIX message queues, in bytes.
    Msgqueue,
    /// Ceiling of the nice value, as 20 - nice: 1 to 40.
    Nice,
    /// Open files, as one more than the largest descriptor.
    Nofile,
    /// Processes and threads of the user.
    Nproc,
    /// Resident set, in bytes; Linux accepts and ignores it.
    Rss,
    /// Ceiling of the real-time priority.
    Rtprio,
    /// CPU time of a real-time thread without a blocking call, in microseconds.
    Rttime,
    /// Queued signals of the user.
    Sigpending,
    /// Stack, in bytes.
    Stack,
}

/// Kind, name in the configuration, number in Mesos' message.
const KINDS: [(RlimitKind, &str, i32); 16] = [
    (RlimitKind::As, "as", 1),
    (RlimitKind::Core, "core", 2),
    (RlimitKind::Cpu, "cpu", 3),
    (RlimitKind::Data, "data", 4),
    (RlimitKind::Fsize, "fsize", 5),
    (RlimitKind::Locks, "locks", 6),
    (RlimitKind::Memlock, "memlock", 7),
    (RlimitKind::Msgqueue, "msgqueue", 8),
    (RlimitKind::Nice, "nice", 9),
    (RlimitKind::Nofile, "nofile", 10),
    (RlimitKind::Nproc, "nproc", 11),
    (RlimitKind::Rss, "rss", 12),
    (RlimitKind::Rtprio, "rtprio", 13),
    (RlimitKind::Rttime, "rttime", 14),
    (RlimitKind::Sigpending, "sigpending", 15),
    (RlimitKind::Stack, "stack", 16),
];

impl RlimitKind {
    /// Every kind, in the order of Mesos' numbers.
    pub fn all() -> impl Iterator<Item = RlimitKind> {
        KINDS.iter().map(|(kind, _, _)| *kind)
    }

    /// The kind of this name (`nofile`), or `None`.
    pub fn named(name: &str) -> Option<RlimitKind> {
        KINDS.iter().find(|(_, known, _)| *known == name).map(|(kind, _, _)| *kind)
    }

    /// Name in the configuration, for example `nofile`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Number in Mesos' `RLimitInfo.RLimit.Type`; `RLMT_NOFILE` is 10.
    pub fn mesos_number(self) -> i32 {
        self.row().2
    }

    fn row(self) -> &'static (RlimitKind, &'static str, i32) {
        // Variants and rows stand in the same order; a test compares them.
        &KINDS[self as usize]
    }

    /// The largest number the kernel can make sense of.
    ///
    /// `nice` ends at 40 and `rtprio` at 99. Everything else is a number of bytes, seconds, or things; beyond
    /// `i64::MAX` Linux means "unlimited", which should be written as such.
    pub fn largest(self) -> u64 {
        match self {
            RlimitKind::Nice => 40,
            RlimitKind::Rtprio => 99,
            _ => i64::MAX.unsigned_abs(),
        }
    }
}

/// A limit: a number or none.
///
/// Numbers are less than no limit, so limits can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// At most so much, in the unit of the [`RlimitKind`].
    At(u64),
    /// No limit.
    Unlimited,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::At(number) => number.fmt(f),
            Limit::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// Why a resource limit cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RlimitError {
    /// The soft limit is above the hard one.
    #[error("the soft limit {soft} of {} is above the hard limit {hard}", kind.name())]
    SoftAboveHard {
        /// Resource.
        kind: RlimitKind,
        /// Soft limit.
        soft: Limit,
        /// Hard limit.
        hard: Limit,
    },
    /// A number the kernel cannot make sense of.
    #[error("{number} is too large for {}; the largest is {}", kind.name(), kind.largest())]
    TooLarge {
        /// Resource.
        kind: RlimitKind,
        /// Number found.
        number: u64,
    },
    /// Mesos takes either both limits or none.
    #[error("{} has one limit and one \"unlimited\"; Mesos takes two numbers, or \"unlimited\" for both", kind.name())]
    HalfUnlimited {
        /// Resource.
        kind: RlimitKind,
    },
}

/// A resource limit of a container's processes.
///
/// ```
/// use apportion_isolation::{Limit, Rlimit, RlimitKind};
///
/// let files = Rlimit::new(RlimitKind::Nofile, Limit::At(1024), Limit::At(4096))?;
/// assert_eq!(files.to_string(), "nofile=1024:4096");
/// assert!(Rlimit::new(RlimitKind::Nofile, Limit::At(2), Limit::At(1)).is_err());
/// # Ok::<(), apportion_isolation::RlimitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rlimit {
    kind: RlimitKind,
    soft: Limit,
    hard: Limit,
}

impl Rlimit {
    /// A limit that Mesos and the kernel accept.
    ///
    /// # Errors
    ///
    /// Soft above hard, a number above [`RlimitKind::largest`], or only one of the two unlimited: Mesos' message has
    /// optional `soft` and `hard`, and refuses a limit that carries one without the other.
    pub fn new(kind: RlimitKind, soft: Limit, hard: Limit) -> Result<Rlimit, RlimitError> {
        for limit in [soft, hard] {
            if let Limit::At(number) = limit
                && number > kind.largest()
            {
                return Err(RlimitError::TooLarge { kind, number });
            }
        }
        if soft > hard {
            return Err(RlimitError::SoftAboveHard { kind, soft, hard });
        }
        if (soft == Limit::Unlimited) != (hard == Limit::Unlimited) {
            return Err(RlimitError::HalfUnlimited { kind });
        }
        Ok(Rlimit { kind, soft, hard })
    }

    /// Which resource.
    pub fn kind(&self) -> RlimitKind {
        self.kind
    }

    /// The limit a process starts with; it may raise it up to the hard one.
    pub fn soft(&self) -> Limit {
        self.soft
    }

    /// The limit a process cannot raise without privilege.
    pub fn hard(&self) -> Limit {
        self.hard
    }

    /// Soft and hard limit as numbers, or `None` if unlimited (Mesos' message then carries neither).
    pub fn numbers(&self) -> Option<(u64, u64)> {
        match (self.soft, self.hard) {
            (Limit::At(soft), Limit::At(hard)) => Some((soft, hard)),
            _ => None,
        }
    }
}

impl fmt::Display for Rlimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.numbers() {
            Some((soft, hard)) => write!(f, "{}={soft}:{hard}", self.kind.name()),
            None => write!(f, "{}=unlimited", self.kind.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_row_name_and_number() {
        assert_eq!(RlimitKind::all().count(), 16);
        for (at, kind) in RlimitKind::all().enumerate() {
            assert_eq!(kind as usize, at);
            assert_eq!(kind.mesos_number(), i32::try_from(at).unwrap() + 1);
            assert_eq!(RlimitKind::named(kind.name()), Some(kind));
        }
        assert_eq!(RlimitKind::Nofile.mesos_number(), 10);
        assert_eq!(RlimitKind::named("NOFILE"), None);
    }

    #[test]
    fn soft_limit_above_hard_limit_is_refused() {
        let error = Rlimit::new(RlimitKind::Stack, Limit::At(9), Limit::At(8)).unwrap_err();
        assert_eq!(error.to_string(), "the soft limit 9 of stack is above the hard limit 8");
        assert!(Rlimit::new(RlimitKind::Stack, Limit::Unlimited, Limit::At(8)).is_err());
    }

    #[test]
    fn one_unlimited_side_is_refused_as_mesos_would() {
        let error = Rlimit::new(RlimitKind::Core, Limit::At(0), Limit::Unlimited).unwrap_err();
        assert_eq!(error, RlimitError::HalfUnlimited { kind: RlimitKind::Core });
        let both = Rlimit::new(RlimitKind::Core, Limit::Unlimited, Limit::Unlimited).unwrap();
        assert_eq!(both.numbers(), None);
        assert_eq!(both.to_string(), "core=unlimited");
    }

    #[test]
    fn numbers_the_kernel_cannot_hold_are_refused() {
        assert!(Rlimit::new(RlimitKind::Nice, Limit::At(40), Limit::At(40)).is_ok());
        assert!(Rlimit::new(RlimitKind::Nice, Limit::At(40), Limit::At(41)).is_err());
        assert!(Rlimit::new(RlimitKind::Rtprio, Limit::At(100), Limit::At(100)).is_err());
        let error = Rlimit::new(RlimitKind::As, Limit::At(0), Limit::At(u64::MAX)).unwrap_err();
        assert!(error.to_string().contains("too large for as"), "{error}");
    }
}
