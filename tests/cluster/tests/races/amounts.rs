//! Cpus and memory, as tasks and offers have them.

use std::iter::Sum;
use std::ops::{Add, Sub};

use apportion_rig::{Offer, SimulatedTask};
use serde_json::Value;

/// Mesos counts in thousandths: less than half of one is an error of the sum.
const ERROR: f64 = 0.0005;

/// So many cpus, and so much memory in MB.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Amounts {
    pub(crate) cpus: f64,
    pub(crate) mem: f64,
}

impl Amounts {
    fn of(amount: impl Fn(&str) -> f64) -> Amounts {
        Amounts { cpus: amount("cpus"), mem: amount("mem") }
    }

    /// What is lent of an offer.
    pub(crate) fn lent_of(offer: &Offer) -> Amounts {
        Amounts::of(|name| offer.revocable_scalar(name))
    }

    /// What is not lent of an offer.
    pub(crate) fn regular_of(offer: &Offer) -> Amounts {
        Amounts::of(|name| offer.regular_scalar(name))
    }

    /// What a task uses that was lent.
    pub(crate) fn lent_to(task: &SimulatedTask) -> Amounts {
        Amounts::of(|name| task.revocable_scalar(name))
    }

    /// What a task uses that was not lent.
    pub(crate) fn own_of(task: &SimulatedTask) -> Amounts {
        Amounts::of(|name| task.regular_scalar(name))
    }

    /// What is lent of resources as state pages sum them up.
    pub(crate) fn lent_in(sums: &Value) -> Amounts {
        Amounts::of(|name| sums[format!("{name}_revocable")].as_f64().unwrap_or_default())
    }

    /// What is not lent of resources as state pages sum them up.
    pub(crate) fn regular_in(sums: &Value) -> Amounts {
        Amounts::of(|name| sums[name].as_f64().unwrap_or_default())
    }

    /// Whether there is so much of each in `there`.
    pub(crate) fn fits(self, there: Amounts) -> bool {
        self.cpus <= there.cpus + ERROR && self.mem <= there.mem + ERROR
    }

    /// Whether they are the same, but for errors of sums.
    pub(crate) fn same(self, other: Amounts) -> bool {
        self.fits(other) && other.fits(self)
    }

    /// Whether there is something of each.
    pub(crate) fn has_both(self) -> bool {
        self.cpus > ERROR && self.mem > ERROR
    }
}

impl Add for Amounts {
    type Output = Amounts;

    fn add(self, other: Amounts) -> Amounts {
        Amounts { cpus: self.cpus + other.cpus, mem: self.mem + other.mem }
    }
}

impl Sub for Amounts {
    type Output = Amounts;

    fn sub(self, other: Amounts) -> Amounts {
        Amounts { cpus: self.cpus - other.cpus, mem: self.mem - other.mem }
    }
}

impl Sum for Amounts {
    fn sum<All: Iterator<Item = Amounts>>(all: All) -> Amounts {
        all.fold(Amounts::default(), Add::add)
    }
}
