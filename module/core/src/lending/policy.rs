//! What may be lent, by whom, to whom, and how much. Decided by the operator, once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use thiserror::Error;

use crate::amount::{Amount, Weight};
use crate::ids::KindId;

/// The rules of lending. The default lends nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LendingPolicy {
    /// The kinds that lent resources are offered as: unreserved revocable scalars, one for each resource name that may
    /// be lent. Interned before [`crate::Event::Initialize`].
    pub resources: Vec<KindId>,
    /// How many frameworks may see the same capacity at once; nothing is lent with 0.
    pub fan_out: u32,
    /// The most of each name in one offer; a name that is missing is not cut.
    pub slice: Vec<(Box<[u8]>, Amount)>,
    /// How long capacity has to be idle before it is lent.
    pub min_idle: Duration,
    /// How long a framework waits whose launches were turned down.
    pub back_off: BackOff,
    /// Who lends. The first rule that names a role counts for it.
    pub lenders: Vec<LenderRule>,
    /// Who borrows. The first rule that names a role counts for it.
    pub borrowers: Vec<BorrowerRule>,
    /// How much, role by role.
    pub limits: Vec<RoleLimits>,
}

impl LendingPolicy {
    /// Whether anything can be lent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.fan_out > 0
            && !self.resources.is_empty()
            && !self.lenders.is_empty()
            && !self.borrowers.is_empty()
    }
}

/// A framework that loses again and again is offered nothing lent for a while, twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// Launches in a row that are turned down before it waits; 0 means it never does.
    pub conflicts: u32,
    /// How long it waits first.
    pub first: Duration,
    /// How long it waits at most.
    pub most: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { conflicts: 3, first: Duration::from_secs(2), most: Duration::from_secs(60) }
    }
}

/// What some roles lend.
#[derive(Debug, Clone, PartialEq)]
pub struct LenderRule {
    /// Which roles.
    pub roles: RolePatterns,
    /// Which idle capacity of theirs.
    pub sources: Sources,
    /// To which roles; `None` means every borrower.
    pub to: Option<RolePatterns>,
    /// How much of what is idle on an agent, in thousandths.
    pub permille: u32,
}

/// Which idle capacity is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sources {
    /// Offered to the role and not used.
    pub offered: bool,
    /// Reserved to the role, and nobody holds it.
    pub reserved: bool,
    /// Free on the agent, while the role lacks some of its guarantee: as much as it lacks.
    pub guaranteed: bool,
}

/// What some roles may borrow as.
#[derive(Debug, Clone, PartialEq)]
pub struct BorrowerRule {
    /// Which roles.
    pub roles: RolePatterns,
    /// What was borrowed at a lower priority is lent at a higher one.
    pub priority: u32,
    /// Divides the role's share of what is borrowed.
    pub weight: Weight,
}

/// How much a role, with everything inside it, may lend and borrow. A name that is missing has no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleLimits {
    /// The role.
    pub role: Box<[u8]>,
    /// By resource name, what of its capacity may be lent at the same time. No offer goes beyond it; loans that an owner
    /// outran, and that fit again because it let go, can.
    pub lend: Vec<(Box<[u8]>, Bound)>,
    /// By resource name, what it may have borrowed at the same time, offered or in use.
    pub borrow: Vec<(Box<[u8]>, Bound)>,
}

/// An upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// So much.
    Amount(Amount),
    /// Such a part of what all agents have, in thousandths.
    Permille(u32),
}

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{pattern:?} is no pattern of roles: {reason}")]
pub struct BadPattern {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Patterns of role names: `*` stands for one level, `**` for any number, as in the rules of the hook.
///
/// ```
/// use apportion_core::RolePatterns;
/// let patterns = RolePatterns::new(["prod", "batch/**"]).unwrap();
/// assert!(patterns.names(b"prod") && patterns.names(b"batch/night/a"));
/// assert!(!patterns.names(b"prod/a") && !patterns.names(b"batch"));
/// ```
#[derive(Clone)]
pub struct RolePatterns {
    texts: Vec<Box<str>>,
    /// Shared: a copy of it would begin with empty caches.
    set: Arc<GlobSet>,
}

impl fmt::Debug for RolePatterns {
    /// The patterns alone: what is compiled of them changes while it is asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.texts).finish()
    }
}

impl PartialEq for RolePatterns {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl RolePatterns {
    /// Compiles patterns.
    ///
    /// # Errors
    /// The first that is none.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, BadPattern> {
        let mut set = GlobSetBuilder::new();
        let mut texts = Vec::new();
        for pattern in patterns {
            let bad = |error: globset::Error| BadPattern {
                pattern: pattern.to_owned(),
                reason: error.kind().to_string(),
            };
            let glob = GlobBuilder::new(pattern)
                .literal_separator(true)
                .backslash_escape(true)
                .empty_alternates(true)
                .build()
                .map_err(bad)?;
            set.add(glob);
            texts.push(pattern.into());
        }
        let set = set
            .build()
            .map_err(|error| BadPattern { pattern: texts.join(", "), reason: error.kind().to_string() })?;
        Ok(Self { texts, set: Arc::new(set) })
    }

    /// Whether a role is meant. Bytes that are no UTF-8 are matched by wildcards only.
    #[must_use]
    pub fn names(&self, role: &[u8]) -> bool {
        self.set.is_match(&*String::from_utf8_lossy(role))
    }
}
