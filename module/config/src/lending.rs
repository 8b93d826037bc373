//! Lending and eviction as the modules use them: who lends what to whom, and how borrowers are ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apportion_policy::{Amount, Amounts, Pattern};

use crate::quantities::{MIB, is_size, percentage, size, span};

/// Most frameworks that may see the same capacity at once.
pub const FAN_OUT_MAX: u32 = 64;
/// Highest priority of a borrower.
pub const PRIORITY_MAX: u32 = 1000;

/// Settings of lending, for allocator and hook in the master. The QoS controller reads the borrowers, for their priorities.
///
/// The default lends nothing, as it has neither lenders nor borrowers.
///
/// ```
/// use apportion_config::Config;
///
/// let text = "[[lending.lenders]]\nroles = \"prod/**\"\n[[lending.borrowers]]\nroles = \"batch/**\"\npriority = 10";
/// let lending = Config::from_text(text)?.lending;
/// assert!(lending.is_on());
/// assert_eq!(lending.borrower("batch/night").map(|rule| rule.priority), Some(10));
/// assert_eq!(lending.lender("prod"), None);
/// # Ok::<(), apportion_config::Problems>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LendingConfig {
    /// Names of the scalar resources that may be lent; at least one.
    pub resources: BTreeSet<String>,
    /// How many frameworks see the same capacity at once: 1 to [`FAN_OUT_MAX`].
    pub fan_out: u32,
    /// The most of each resource in one offer, above zero; a name that is missing is not cut. All of them are lent.
    pub slice: Amounts,
    /// How long capacity has to be idle before it is lent.
    pub min_idle: Duration,
    /// How long a framework waits that loses again and again.
    pub back_off: BackOff,
    /// Who lends. The first rule whose patterns match a role counts for it.
    pub lenders: Vec<LenderRule>,
    /// Who borrows. The first rule whose patterns match a role counts for it.
    pub borrowers: Vec<BorrowerRule>,
    /// How much roles lend and borrow, by exact role, each counted with everything inside it.
    pub limits: BTreeMap<String, RoleLimits>,
}

impl Default for LendingConfig {
    fn default() -> Self {
        LendingConfig {
            resources: ["cpus", "mem"].map(str::to_owned).into(),
            fan_out: 2,
            slice: Amounts::new(),
            min_idle: Duration::from_secs(5),
            back_off: BackOff::default(),
            lenders: Vec::new(),
            borrowers: Vec::new(),
            limits: BTreeMap::new(),
        }
    }
}

impl LendingConfig {
    /// Whether anything can be lent at all: somebody lends something, and somebody borrows.
    pub fn is_on(&self) -> bool {
        self.lenders.iter().any(|rule| !rule.lend.is_empty()) && !self.borrowers.is_empty()
    }

    /// The rule by which a role lends, if there is one.
    pub fn lender(&self, role: &str) -> Option<&LenderRule> {
        self.lenders.iter().find(|rule| is_any_of(role, &rule.roles))
    }

    /// The rule by which a role borrows, if there is one.
    pub fn borrower(&self, role: &str) -> Option<&BorrowerRule> {
        self.borrowers.iter().find(|rule| is_any_of(role, &rule.roles))
    }

    /// The limits that count for a role, innermost first: its own, and those of the roles that it is inside of.
    pub fn limits_of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = (&'a str, &'a RoleLimits)> {
        let outer = std::iter::successors(Some(role), |inner| inner.rsplit_once('/').map(|(outer, _)| outer));
        outer.filter_map(|role| self.limits.get(role).map(|limits| (role, limits)))
    }
}

/// Whether one of the patterns matches a role.
fn is_any_of(role: &str, patterns: &[Pattern]) -> bool {
    patterns.iter().any(|pattern| pattern.matches(role))
}

/// A framework whose launches are turned down again and again is offered nothing lent for a while, twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// Launches in a row that are turned down before it waits; 0: it never does.
    pub conflicts: u32,
    /// How long it waits first; above zero, at most `most`.
    pub first: Duration,
    /// How long it waits at most.
    pub most: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        BackOff { conflicts: 3, first: Duration::from_secs(2), most: Duration::from_secs(60) }
    }
}

/// What idle capacity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdleSource {
    /// Offered to a framework of the role, and not used.
    Offered,
    /// Reserved to the role, and nobody holds it.
    Reserved,
    /// Guaranteed to the role, and nobody holds it.
    Guaranteed,
}

impl IdleSource {
    /// All of them.
    pub const ALL: [IdleSource; 3] = [IdleSource::Offered, IdleSource::Reserved, IdleSource::Guaranteed];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            IdleSource::Offered => "offered",
            IdleSource::Reserved => "reserved",
            IdleSource::Guaranteed => "guaranteed",
        }
    }
}

/// What some roles lend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LenderRule {
    /// Patterns of the roles that it counts for: text and globs, no regular expressions; at least one.
    pub roles: Vec<Pattern>,
    /// Which idle capacity they lend; none: nothing, whatever later rules say.
    pub lend: BTreeSet<IdleSource>,
    /// Patterns of the roles that they lend to; `None` stands for every borrower.
    pub to: Option<Vec<Pattern>>,
    /// How much of what is idle on an agent, in thousandths: 1 to 1000.
    pub part_permille: u32,
}

/// As what some roles borrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BorrowerRule {
    /// Patterns of the roles that it counts for: text and globs, no regular expressions; at least one.
    pub roles: Vec<Pattern>,
    /// What was borrowed at a lower priority is lent at a higher one: 0 to [`PRIORITY_MAX`].
    pub priority: u32,
    /// Divides the share of a role among borrowers, in thousandths: 1 to 1,000,000,000.
    pub weight_thousandths: u64,
}

/// How much a role lends and borrows together with everything inside it. A resource that is missing has no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleLimits {
    /// By resource, how much of its capacity may be lent at the same time.
    pub lend: BTreeMap<String, LendingBound>,
    /// By resource, how much it may have borrowed at the same time.
    pub borrow: BTreeMap<String, LendingBound>,
}

/// The most of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LendingBound {
    /// So much; zero is nothing at all.
    Amount(Amount),
    /// Such a part of what all agents have, in thousandths: 0 to 1000.
    Permille(u32),
}

impl LendingBound {
    /// The bound as the configuration writes that of a resource.
    pub fn written(self, resource: &str) -> String {
        match self {
            LendingBound::Amount(most) => written_amount(resource, most),
            LendingBound::Permille(permille) => percentage(permille.into()),
        }
    }
}

/// An amount as the configuration writes that of a resource: memory and disk as a size, in whole MiB; others as a number.
///
/// ```
/// use apportion_config::written_amount;
/// use apportion_policy::Amount;
///
/// let amount = Amount::from_thousandths(8_192_000);
/// assert_eq!((written_amount("mem", amount), written_amount("cpus", amount)), ("8GiB".into(), "8192".into()));
/// ```
pub fn written_amount(resource: &str, amount: Amount) -> String {
    if !is_size(resource) {
        return amount.to_string();
    }
    let mib = u64::try_from(amount.thousandths() / 1000).unwrap_or_default();
    size(mib.saturating_mul(MIB))
}

/// A duration as the configuration writes it, in the largest unit of which it is a whole number, down to milliseconds.
pub fn written_duration(duration: Duration) -> String {
    span(duration)
}

/// Settings of eviction, for the QoS controller in the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvictionConfig {
    /// How long an executor without a label may go on; at most `grace_most`.
    pub grace: Duration,
    /// Key of the label that gives an executor's task another time.
    pub grace_label: String,
    /// The most that a label may ask for.
    pub grace_most: Duration,
    /// How often the agent is looked at even if nobody asked for it.
    pub check_every: Duration,
}

impl Default for EvictionConfig {
    fn default() -> Self {
        EvictionConfig {
            grace: Duration::ZERO,
            grace_label: "apportion_grace".to_owned(),
            grace_most: Duration::from_secs(60),
            check_every: Duration::from_secs(15),
        }
    }
}
