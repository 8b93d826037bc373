//! Seccomp profiles in Docker's notation, as far as Mesos 1.11 can carry them.
//!
//! Mesos' message knows five actions, one error number (`EPERM`) and names of system calls, which the libseccomp inside
//! Mesos turns into numbers: 2.3.3 in the published build, which knows the calls of Linux 4.15. A profile that wants
//! more is refused where leaving that out would let through what it forbids.

mod notation;

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use super::Capability;

pub(crate) use notation::parse;

/// Names that libseccomp 2.3.3 knows, of all architectures.
static KNOWN_CALLS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("seccomp/known_calls.txt").lines().collect());

/// `EPERM`, the only error number that Mesos' filters answer.
const EPERM: u32 = 1;

/// What happens at a system call. Numbers are those of Mesos' `ContainerSeccompProfile.Syscall.Action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeccompAction {
    /// The thread is killed.
    Kill,
    /// The thread gets `SIGSYS`.
    Trap,
    /// The call fails with `EPERM`.
    Errno,
    /// A tracer is told.
    Trace,
    /// The call is made.
    Allow,
}

impl SeccompAction {
    /// Number in Mesos' message.
    pub fn mesos_number(self) -> i32 {
        match self {
            SeccompAction::Kill => 1,
            SeccompAction::Trap => 2,
            SeccompAction::Errno => 3,
            SeccompAction::Trace => 4,
            SeccompAction::Allow => 5,
        }
    }
}

/// Architectures by their names for libseccomp (`SCMP_` in front) and for Go, with the number in Mesos' message.
const ARCHITECTURES: [(&str, &str, i32); 16] = [
    ("ARCH_X86", "x86", 1),
    ("ARCH_X86_64", "amd64", 2),
    ("ARCH_X32", "x32", 3),
    ("ARCH_ARM", "arm", 4),
    ("ARCH_AARCH64", "arm64", 5),
    ("ARCH_MIPS", "mips", 6),
    ("ARCH_MIPSEL", "mipsel", 7),
    ("ARCH_MIPS64", "mips64", 8),
    ("ARCH_MIPSEL64", "mipsel64", 9),
    ("ARCH_MIPS64N32", "mips64n32", 10),
    ("ARCH_MIPSEL64N32", "mipsel64n32", 11),
    ("ARCH_PPC", "ppc", 12),
    ("ARCH_PPC64", "ppc64", 13),
    ("ARCH_PPC64LE", "ppc64le", 14),
    ("ARCH_S390", "s390", 15),
    ("ARCH_S390X", "s390x", 16),
];

/// How an argument of a call is compared. Name for libseccomp without `SCMP_`, number in Mesos' message.
const COMPARISONS: [(&str, i32); 7] = [
    ("CMP_NE", 1),
    ("CMP_LT", 2),
    ("CMP_LE", 3),
    ("CMP_EQ", 4),
    ("CMP_GE", 5),
    ("CMP_GT", 6),
    ("CMP_MASKED_EQ", 7),
];

/// What a profile may ask about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Number of its architecture in Mesos' message; `None` if Mesos has none for it.
    architecture: Option<i32>,
    /// First two numbers of the kernel's version.
    kernel: (u32, u32),
}

impl Machine {
    /// A machine with this architecture, by its name for Go (`amd64`), and kernel (`6.1`).
    pub fn new(architecture: &str, kernel: (u32, u32)) -> Machine {
        let known = ARCHITECTURES.iter().find(|(_, go, _)| *go == architecture);
        Machine { architecture: known.map(|(_, _, number)| *number), kernel }
    }

    /// The machine this process runs on.
    pub(crate) fn this() -> Machine {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            other => other,
        };
        let release = rustix::system::uname();
        Machine::new(architecture, version(&release.release().to_string_lossy()).unwrap_or((0, 0)))
    }
}

/// The first two numbers of a version, as `6.1` in `6.1.0-13-amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.splitn(3, '.');
    let minor = numbers.by_ref().nth(1)?;
    let major = text.split('.').next()?;
    let digits = minor.split(|character: char| !character.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, digits.parse().ok()?))
}

/// A comparison of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeccompArgument {
    /// Which argument, from 0 to 5.
    pub index: u32,
    /// Number of the comparison in Mesos' message.
    pub comparison: i32,
    /// What it is compared with; with a masked comparison the mask.
    pub value: u64,
    /// With a masked comparison what has to remain.
    pub value_two: u64,
}

/// What happens at some calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeccompRule {
    /// Names of the calls, at least one.
    pub names: Vec<String>,
    /// What happens.
    pub action: SeccompAction,
    /// Only if all of these hold.
    pub arguments: Vec<SeccompArgument>,
    /// Only if the container's bounding set has all of these.
    pub with_capabilities: Vec<Capability>,
    /// Only if the container's bounding set has none of these.
    pub without_capabilities: Vec<Capability>,
}

/// A seccomp profile as Mesos can carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeccompProfile {
    /// What happens at calls that no rule is about.
    pub default_action: SeccompAction,
    /// Numbers of architectures in Mesos' message; the machine's own is always allowed for.
    pub architectures: Vec<i32>,
    /// The rules.
    pub rules: Vec<SeccompRule>,
    /// Calls that the profile allows and libseccomp 2.3.3 does not know: the default applies to them.
    pub left_out: BTreeSet<String>,
}

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeccompError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The text is no profile.
    #[error("is no seccomp profile in Docker's notation: {0}")]
    Malformed(String),
    /// A word that has no meaning at its place.
    #[error("{place}: found '{found}', expected {expected}")]
    Unknown {
        /// Where, such as `syscalls[3].action`.
        place: String,
        /// What is there.
        found: String,
        /// What could be there.
        expected: &'static str,
    },
    /// Mesos answers one error number only.
    #[error(
        "{place}: Mesos 1.11 can only let a call fail with EPERM (1), not with {found}; remove the number or the rule"
    )]
    ErrorNumber {
        /// Where.
        place: String,
        /// Number found.
        found: u32,
    },
    /// A call whose name the libseccomp inside Mesos does not know, in a rule that restricts it.
    #[error(
        "{place}: the libseccomp inside Mesos 1.11.0 (2.3.3) does not know the system call {name} and cannot restrict \
         it; remove it, or make a profile whose default action does"
    )]
    UnknownCall {
        /// Where.
        place: String,
        /// Name of the call.
        name: String,
    },
}

impl SeccompProfile {
    /// Reads a file in Docker's notation.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no profile, or wants what Mesos cannot carry.
    pub fn read(path: &str, machine: &Machine) -> Result<SeccompProfile, SeccompError> {
        let text = fs::read_to_string(path).map_err(|error| SeccompError::Unreadable(error.to_string()))?;
        parse(&text, machine)
    }
}

#[cfg(test)]
#[path = "seccomp_tests.rs"]
mod tests;
