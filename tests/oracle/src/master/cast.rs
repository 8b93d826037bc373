//! Who takes part in a history: how many agents and frameworks at the same time, and which roles.

use crate::Name;

/// Roles of every history, simplest first.
const ROLES: [&str; 9] = ["a", "b", "*", "c", "a/x", "a/y", "a/x/1", "b/z", "a-b"];
/// Those with quotas.
const QUOTA_ROLES: [&str; 5] = ["a", "b", "*", "c", "a-b"];
/// The master refuses quotas for roles inside others, but a registry may hold one.
const NESTED_QUOTA_ROLES: [&str; 3] = ["a/x", "a/x/1", "b/z"];
/// Agents and frameworks of small histories.
const FEW: usize = 5;
/// Of the roles that are added to make a history larger, one in so many is inside another.
const NESTED_ONE_IN: usize = 4;

/// Who takes part in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// Agents at the same time, at most.
    pub(super) agents: usize,
    /// Frameworks at the same time, at most.
    pub(super) frameworks: usize,
    /// Roles that frameworks, operators and agents choose from.
    pub(super) roles: Vec<Name>,
    /// Roles at the top that may have a quota.
    pub(super) quota_roles: Vec<Name>,
    /// Roles inside others that may have one.
    pub(super) nested_quota_roles: Vec<Name>,
    /// Quotas are so many times those of a small history.
    pub(super) quota_times: i64,
}

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| Name::from(*name)).collect()
}

impl Default for Cast {
    /// That of small histories.
    fn default() -> Self {
        Cast {
            agents: FEW,
            frameworks: FEW,
            roles: names(&ROLES),
            quota_roles: names(&QUOTA_ROLES),
            nested_quota_roles: names(&NESTED_QUOTA_ROLES),
            quota_times: 1,
        }
    }
}

impl Cast {
    /// So many agents, frameworks and roles; the roles of small histories are always among them.
    #[must_use]
    pub fn of(agents: usize, frameworks: usize, roles: usize) -> Cast {
        let mut cast = Cast { agents, frameworks, ..Cast::default() };
        for number in cast.roles.len()..roles {
            let name = format!("team{number}");
            let nested = number.is_multiple_of(NESTED_ONE_IN);
            let name = if nested { format!("team{}/part", number - 1) } else { name };
            let quota_roles = if nested { &mut cast.nested_quota_roles } else { &mut cast.quota_roles };
            quota_roles.push(name.clone().into_bytes());
            cast.roles.push(name.into_bytes());
        }
        cast.quota_times = i64::try_from(agents / FEW).unwrap_or(i64::MAX).max(1);
        cast
    }
}
