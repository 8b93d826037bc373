//! The rules of lending: what is configured becomes the core's policy.

use apportion_config::{IdleSource, LendingBound, LendingConfig};
use apportion_core::{
    Allocator, Amount, BackOff, BadPattern, BorrowerRule, Bound, LenderRule, LendingPolicy, RoleLimits,
    RolePatterns, Sources, Weight,
};
use apportion_policy::Pattern;

use super::Trouble;
use super::intern::Resources;

/// The core's rules of lending. Without any nothing is interned, so that kinds are numbered as ever.
///
/// # Errors
/// If a pattern or a resource of the configuration is none, which its check should have found.
pub(super) fn policy(
    config: &LendingConfig,
    resources: &mut Resources,
    core: &mut Allocator,
) -> Result<LendingPolicy, Trouble> {
    if !config.is_on() {
        return Ok(LendingPolicy::default());
    }
    let lent = config.resources.iter().map(|name| resources.lent(core, name.as_bytes()));
    let bad = |error: BadPattern| Trouble::Refused(error.to_string());
    Ok(LendingPolicy {
        resources: lent.collect::<Result<_, _>>()?,
        fan_out: config.fan_out,
        slice: config.slice.iter().map(|(name, most)| (name.as_bytes().into(), amount(*most))).collect(),
        min_idle: config.min_idle,
        back_off: BackOff {
            conflicts: config.back_off.conflicts,
            first: config.back_off.first,
            most: config.back_off.most,
        },
        lenders: config.lenders.iter().map(lender).collect::<Result<_, _>>().map_err(bad)?,
        borrowers: config.borrowers.iter().map(borrower).collect::<Result<_, _>>().map_err(bad)?,
        limits: config.limits.iter().map(|(role, limits)| role_limits(role, limits)).collect(),
    })
}

fn lender(rule: &apportion_config::LenderRule) -> Result<LenderRule, BadPattern> {
    Ok(LenderRule {
        roles: patterns(&rule.roles)?,
        sources: Sources {
            offered: rule.lend.contains(&IdleSource::Offered),
            reserved: rule.lend.contains(&IdleSource::Reserved),
            guaranteed: rule.lend.contains(&IdleSource::Guaranteed),
        },
        to: rule.to.as_deref().map(patterns).transpose()?,
        permille: rule.part_permille,
    })
}

fn borrower(rule: &apportion_config::BorrowerRule) -> Result<BorrowerRule, BadPattern> {
    Ok(BorrowerRule {
        roles: patterns(&rule.roles)?,
        priority: rule.priority,
        weight: Weight::from_thousandths(rule.weight_thousandths),
    })
}

fn role_limits(role: &str, limits: &apportion_config::RoleLimits) -> RoleLimits {
    let bounds = |bounds: &std::collections::BTreeMap<String, LendingBound>| {
        let bound = |bound: &LendingBound| match *bound {
            LendingBound::Amount(most) => Bound::Amount(amount(most)),
            LendingBound::Permille(permille) => Bound::Permille(permille),
        };
        bounds.iter().map(|(name, most)| (name.as_bytes().into(), bound(most))).collect()
    };
    RoleLimits { role: role.as_bytes().into(), lend: bounds(&limits.lend), borrow: bounds(&limits.borrow) }
}

fn patterns(patterns: &[Pattern]) -> Result<RolePatterns, BadPattern> {
    RolePatterns::new(patterns.iter().map(Pattern::source))
}

fn amount(amount: apportion_policy::Amount) -> Amount {
    Amount::thousandths(amount.thousandths())
}

#[cfg(test)]
mod tests {
    use apportion_config::Config;

    use super::*;

    const RULES: &str = r#"
        [lending]
        resources = ["cpus", "mem"]
        fan_out = 3
        slice = { cpus = 1.5, mem = "1GiB" }
        min_idle = "7s"
        [[lending.lenders]]
        roles = ["prod", "prod/**"]
        lend = ["reserved"]
        to = "batch/**"
        part = "80%"
        [[lending.borrowers]]
        roles = "batch/**"
        priority = 9
        weight = 2.5
        [lending.limits]
        prod = { lend = { cpus = 100, mem = "10%" } }
    "#;

    #[test]
    fn every_rule_reaches_the_core() {
        let config = Config::from_text(RULES).unwrap().lending;
        let (mut resources, mut core) = (Resources::default(), Allocator::new());
        let policy = policy(&config, &mut resources, &mut core).unwrap();
        let names: Vec<_> = policy.resources.iter().map(|kind| core.kind(*kind)).collect();
        assert!(names.iter().all(|kind| kind.revocable && kind.reservations.is_empty()));
        assert_eq!(names.iter().map(|kind| &*kind.name).collect::<Vec<_>>(), [&b"cpus"[..], b"mem"]);
        let slice = [(&b"cpus"[..], 1_500), (b"mem", 1_024_000)];
        let slice = slice.map(|(name, most)| (Box::from(name), Amount::thousandths(most)));
        assert_eq!((policy.fan_out, &policy.slice[..], policy.min_idle.as_secs()), (3, &slice[..], 7));
        let lender = &policy.lenders[0];
        assert_eq!(lender.sources, Sources { reserved: true, ..Sources::default() });
        assert_eq!(lender.permille, 800);
        assert!(lender.roles.names(b"prod/a") && lender.to.as_ref().unwrap().names(b"batch/a"));
        let borrower = &policy.borrowers[0];
        assert_eq!((borrower.priority, borrower.weight.in_millionths()), (9, 2_500_000));
        let bounds: Vec<Bound> = policy.limits[0].lend.iter().map(|(_, bound)| *bound).collect();
        assert_eq!(bounds, [Bound::Amount(Amount::whole(100)), Bound::Permille(100)]);
    }

    #[test]
    fn without_rules_nothing_is_lent_and_no_kind_is_numbered() {
        let (mut resources, mut core) = (Resources::default(), Allocator::new());
        let policy = policy(&LendingConfig::default(), &mut resources, &mut core).unwrap();
        assert!(!policy.is_on());
        assert_eq!(resources.kinds_len(), 0);
    }
}
