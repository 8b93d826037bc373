//! What a container may use, from its resources and limits to settings of its group.

use std::collections::{BTreeMap, BTreeSet};

use apportion_cgroups::{Bound, Ceilings, Controller, Limits, PageSize, Requests};

use crate::settings::GroupPolicy;

/// Scalar resources by name, as the host's bytes, in Mesos' units (CPUs; memory and disk in MiB).
///
/// A limit may be infinite.
pub type Amounts = BTreeMap<Vec<u8>, f64>;

/// What a container may use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Demand {
    /// Its resources.
    pub requests: Amounts,
    /// Limits above the requests; what is not named is limited to its request, CPUs as the policy says.
    pub limits: Amounts,
    /// Whether some of its CPUs are revocable: it then yields to all others.
    pub revocable_cpus: bool,
}

/// An amount that cannot be one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{amount} of resource {name} is no amount: a number of at least 0 is expected")]
pub struct AmountError {
    /// Name of the resource.
    pub name: String,
    /// What was found.
    pub amount: f64,
}

const BYTES_PER_MEBIBYTE: f64 = 1_048_576.0;
const MILLI_PER_CPU: f64 = 1000.0;

/// Resources that a group's setting is taken from, beside cpus and mem. Each wins over the policy.
const PIDS: &str = "pids";
const IO_WEIGHT: &str = "io_weight";
const HUGE_PAGES: &str = "hugepages_";

impl Demand {
    /// The finite limit of a resource, else its request.
    pub(crate) fn ceiling(&self, name: &str) -> Option<f64> {
        let finite = |amounts: &Amounts| amounts.get(name.as_bytes()).copied().filter(|it| it.is_finite());
        finite(&self.limits).or_else(|| finite(&self.requests))
    }

    /// Settings of the group. What no controller is there for is left out.
    ///
    /// # Errors
    ///
    /// An amount is negative or no number.
    pub(crate) fn group_limits(
        &self,
        policy: &GroupPolicy,
        controllers: &BTreeSet<Controller>,
    ) -> Result<Limits, AmountError> {
        let requested = |name: &str, factor| match self.requests.get(name.as_bytes()) {
            None => Ok(0),
            Some(amount) => Ok(match scaled(name, *amount, factor)? {
                Bound::At(amount) => amount,
                Bound::Unlimited => u64::MAX,
            }),
        };
        let limited = |name: &str, factor| {
            let amount = self.limits.get(name.as_bytes());
            amount.map(|amount| scaled(name, *amount, factor)).transpose()
        };
        let requests = Requests {
            cpus_milli: requested("cpus", MILLI_PER_CPU)?,
            revocable: self.revocable_cpus,
            memory_bytes: requested("mem", BYTES_PER_MEBIBYTE)?,
        };
        let ceilings = Ceilings {
            cpus_milli: limited("cpus", MILLI_PER_CPU)?,
            memory_bytes: limited("mem", BYTES_PER_MEBIBYTE)?,
        };
        let sized = Limits::for_container(requests, ceilings, &policy.sizing);
        let mut limits = Limits::default();
        if controllers.contains(&Controller::Cpu) {
            limits.cpu = sized.cpu;
        }
        if controllers.contains(&Controller::Memory) {
            limits.memory = sized.memory;
        }
        if controllers.contains(&Controller::Pids) {
            limits.pids = self.custom(PIDS, 1.0)?.unwrap_or(policy.pids);
        }
        if controllers.contains(&Controller::Io) {
            limits.io = policy.io.clone();
            if let Some(Bound::At(weight)) = self.custom(IO_WEIGHT, 1.0)? {
                limits.io.weight = Some(u32::try_from(weight.clamp(1, 10_000)).unwrap_or(10_000));
            }
        }
        if controllers.contains(&Controller::HugeTlb) {
            limits.hugetlb = policy.hugepages.clone();
            for size in self.page_sizes() {
                if let Some(bound) = self.custom(&format!("{HUGE_PAGES}{size}"), BYTES_PER_MEBIBYTE)? {
                    limits.hugetlb.insert(size, bound);
                }
            }
        }
        Ok(limits)
    }

    /// CPUs that are asked for, in thousandths; none where the amount is no number.
    pub(crate) fn cpus_milli(&self) -> u64 {
        let amount = self.requests.get(b"cpus".as_slice());
        match amount.map(|amount| scaled("cpus", *amount, MILLI_PER_CPU)) {
            Some(Ok(Bound::At(milli))) => milli,
            _ => 0,
        }
    }

    /// A resource of the operator's own: its limit, else its request.
    fn custom(&self, name: &str, factor: f64) -> Result<Option<Bound>, AmountError> {
        let amount = self.limits.get(name.as_bytes()).or_else(|| self.requests.get(name.as_bytes()));
        amount.map(|amount| scaled(name, *amount, factor)).transpose()
    }

    /// Sizes of huge pages that the resources name.
    fn page_sizes(&self) -> BTreeSet<PageSize> {
        let names = self.requests.keys().chain(self.limits.keys());
        names
            .filter_map(|name| std::str::from_utf8(name).ok()?.strip_prefix(HUGE_PAGES))
            .filter_map(PageSize::new)
            .collect()
    }
}

/// An amount in whole numbers of a smaller unit, rounded; beyond what can be counted it is unlimited.
fn scaled(name: &str, amount: f64, factor: f64) -> Result<Bound, AmountError> {
    if amount.is_nan() || amount < 0.0 {
        return Err(AmountError { name: name.to_owned(), amount });
    }
    Ok(whole(amount * factor).map_or(Bound::Unlimited, Bound::At))
}

/// Bytes of an amount in MiB; `None` for what cannot be an amount of memory.
pub(crate) fn bytes(mebibytes: f64) -> Option<u64> {
    whole(mebibytes * BYTES_PER_MEBIBYTE)
}

fn whole(number: f64) -> Option<u64> {
    if !(0.0..9.0e15).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, see above")]
    Some(number.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Controller; 5] =
        [Controller::Cpu, Controller::Memory, Controller::Pids, Controller::Io, Controller::HugeTlb];

    fn demand(requests: &[(&str, f64)], limits: &[(&str, f64)]) -> Demand {
        let amounts = |pairs: &[(&str, f64)]| {
            pairs.iter().map(|(name, amount)| (name.as_bytes().to_vec(), *amount)).collect()
        };
        Demand { requests: amounts(requests), limits: amounts(limits), revocable_cpus: false }
    }

    #[test]
    fn resources_and_limits_become_settings() {
        let demand = demand(&[("cpus", 0.5), ("mem", 64.0)], &[("cpus", 1.5), ("mem", 128.0)]);
        let limits = demand.group_limits(&GroupPolicy::default(), &ALL.into()).unwrap();
        assert_eq!((limits.cpu.shares, limits.cpu.quota_us), (512, Bound::At(150_000)));
        assert_eq!((limits.memory.low, limits.memory.max), (64 << 20, Bound::At(128 << 20)));
        assert_eq!(limits.pids, Bound::Unlimited);
    }

    #[test]
    fn an_infinite_limit_is_none() {
        let demand =
            demand(&[("cpus", 1.0), ("mem", 64.0)], &[("cpus", f64::INFINITY), ("mem", f64::INFINITY)]);
        let limits = demand.group_limits(&GroupPolicy::default(), &ALL.into()).unwrap();
        assert_eq!((limits.cpu.quota_us, limits.memory.max), (Bound::Unlimited, Bound::Unlimited));
    }

    #[test]
    fn resources_of_the_operators_own_win_over_the_policy() {
        let mut policy = GroupPolicy { pids: Bound::At(10), ..GroupPolicy::default() };
        policy.io.weight = Some(7);
        let two = PageSize::new("2MB").unwrap();
        policy.hugepages.insert(two.clone(), Bound::At(0));
        let own = [("pids", 100.0), ("io_weight", 300.0), ("hugepages_2MB", 4.0), ("hugepages_odd", 1.0)];
        let limits = demand(&own, &[("pids", 200.0)]).group_limits(&policy, &ALL.into()).unwrap();
        assert_eq!((limits.pids, limits.io.weight), (Bound::At(200), Some(300)));
        assert_eq!(limits.hugetlb, [(two, Bound::At(4 << 20))].into());
    }

    #[test]
    fn what_no_controller_is_there_for_is_left_out() {
        let policy = GroupPolicy { pids: Bound::At(10), ..GroupPolicy::default() };
        let demand = demand(&[("cpus", 1.0), ("mem", 64.0), ("io_weight", 5.0)], &[]);
        assert_eq!(demand.group_limits(&policy, &BTreeSet::new()).unwrap(), Limits::default());
        let memory = demand.group_limits(&policy, &BTreeSet::from([Controller::Memory])).unwrap();
        assert_eq!((memory.memory.max, memory.pids), (Bound::At(64 << 20), Bound::Unlimited));
    }

    #[test]
    fn an_amount_that_cannot_be_is_refused_by_name() {
        for amount in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            let error = demand(&[("mem", amount)], &[]).group_limits(&GroupPolicy::default(), &ALL.into());
            assert!(error.unwrap_err().to_string().contains("of resource mem is no amount"));
        }
    }
}
