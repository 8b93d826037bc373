//! A workload: how a cluster is made ready, what is measured, and what must come of it.

use std::fmt;
use std::rc::Rc;

use apportion_core::{Effects, Offer};

use crate::cluster::Cluster;
use crate::shape::Size;

/// Something to measure, at any size.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// What it is called on command lines and in tables.
    pub name: &'static str,
    /// What is measured, in a line.
    pub about: &'static str,
    /// What its cost is divided by: an offer, an agent, a call.
    pub unit: &'static str,
    /// The size at which its instructions are counted: seconds under an emulator.
    pub size: Size,
    pub(crate) prepare: fn(Size) -> Prepared,
}

impl Workload {
    /// Does everything that is not measured.
    #[must_use]
    pub fn prepare(&self, size: Size) -> Prepared {
        (self.prepare)(size)
    }
}

/// What came of the measured part.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The offers of all runs, in order. They are kept, so that giving their memory back is not measured.
    pub offers: Vec<Offer>,
    /// How many agents all runs looked at.
    pub agents_visited: u64,
    /// What was computed where there are no runs, so that it is not left out as unused.
    pub computed: u64,
}

impl Outcome {
    /// Takes what an event led to.
    pub fn add(&mut self, mut effects: Effects) {
        self.agents_visited += effects.run.map_or(0, |run| u64::from(run.agents_visited));
        if self.offers.is_empty() {
            self.offers = effects.offers;
        } else {
            self.offers.append(&mut effects.offers);
        }
    }
}

/// The measured part did not lead to what it must lead to: it was not the work that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What was counted.
    pub what: &'static str,
    /// How many there were.
    pub found: u64,
    /// How many there must be.
    pub expected: u64,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} instead of {}", self.found, self.what, self.expected)
    }
}

impl std::error::Error for Wrong {}

/// What is measured: what it needs besides the cluster it brings along, already made.
type Part = Rc<dyn Fn(&mut Cluster) -> Outcome>;

/// A workload whose cluster is ready. A copy can be measured again and again, each on a cluster of its own.
///
/// A copy shares lists of resources with its original until one of them changes its own, and its tables have no room
/// to spare: what is measured on copies is a little dearer than what a master sees.
#[derive(Clone)]
pub struct Prepared {
    cluster: Cluster,
    part: Part,
    units: u64,
    offers: u64,
    computed: Option<u64>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("units", &self.units)
            .field("offers", &self.offers)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    /// Measures `part`, which does so many units of work and leads to so many offers.
    pub(crate) fn new(
        cluster: Cluster,
        (units, offers): (usize, usize),
        part: impl Fn(&mut Cluster) -> Outcome + 'static,
    ) -> Self {
        let (units, offers) = (units as u64, offers as u64);
        Self { cluster, part: Rc::new(part), units, offers, computed: None }
    }

    /// What must have been computed besides.
    pub(crate) fn computing(self, computed: u64) -> Self {
        Self { computed: Some(computed), ..self }
    }

    /// Does the measured part.
    pub fn measure(&mut self) -> Outcome {
        measured_part(self)
    }

    /// Into how many units the cost is divided.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The cluster, as it is now.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Whether the measured part led to what it must lead to.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn check(&self, outcome: &Outcome) -> Result<(), Wrong> {
        let expect = |what, found, expected| {
            if found == expected { Ok(()) } else { Err(Wrong { what, found, expected }) }
        };
        expect("offers", outcome.offers.len() as u64, self.offers)?;
        self.computed.map_or(Ok(()), |computed| expect("results", outcome.computed, computed))
    }
}

/// What is counted when instructions are: the emulator starts counting where this function is entered, by its name, and
/// stops where it is left.
#[inline(never)]
fn measured_part(prepared: &mut Prepared) -> Outcome {
    let part = Rc::clone(&prepared.part);
    part(&mut prepared.cluster)
}
