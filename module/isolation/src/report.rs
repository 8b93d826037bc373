//! What is known of each container, for a person or a program that asks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use apportion_cgroups::{Controller, GroupPath, Limits, Usage, Version};

use crate::books::Books;
use crate::container_id::ContainerId;
use crate::containers::{Containers, Totals};
use crate::host::{HostGroups, container_of};
use crate::limitation::Limitation;
use crate::record::{Membership, OwnGroup, Record};
use crate::settings::GroupPolicy;

/// All containers, and the numbers over all of them. The containers are of one moment; what they use is read one after
/// the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// By id.
    pub containers: Vec<ContainerReport>,
    /// Controllers that groups are used with; none without groups.
    pub controllers: BTreeSet<Controller>,
    /// Numbers over all.
    pub totals: Totals,
}

/// What is known of one container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerReport {
    /// Its id.
    pub id: ContainerId,
    /// Its first process, once there is one.
    pub pid: Option<i32>,
    /// Whether it outlived an agent process.
    pub is_recovered: bool,
    /// Names of the rules that count for it, in their order.
    pub rules: Vec<String>,
    /// What its group gets beside what its resources say, after these rules.
    pub policy: GroupPolicy,
    /// Where its processes are.
    pub place: GroupReport,
    /// Which limit it broke, if it has to end for that.
    pub limitation: Option<Limitation>,
    /// Why it was given up, if it was: it can only be cleaned up.
    pub given_up: Option<String>,
}

/// Where the processes of a container are.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupReport {
    /// In no group of ours.
    None,
    /// In the group of this container, which it is nested in: what is used there is told there.
    Within(ContainerId),
    /// In a group of its own.
    Own(Box<OwnGroupReport>),
}

/// A group of a container's own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnGroupReport {
    /// Its folder for each controller, by the controller's name in that hierarchy.
    pub folders: BTreeMap<&'static str, PathBuf>,
    /// Settings in force; `None` if they cannot be read.
    pub settings: Option<Limits>,
    /// What it uses; `None` if that cannot be read.
    pub usage: Option<Usage>,
    /// What could not be read: the group may just have been removed.
    pub faults: Vec<String>,
}

impl Containers {
    /// What is known of all containers. Reads some ten files for each group, with no lock held: calls for containers do
    /// not wait for it.
    pub fn report(&self) -> Report {
        let books = self.books();
        let all = books.all();
        Report {
            containers: all.into_iter().map(|(id, record)| container(books, id, &record)).collect(),
            controllers: books.groups.as_ref().map(|groups| groups.controllers.clone()).unwrap_or_default(),
            totals: self.totals(),
        }
    }
}

fn container(books: &Books, id: ContainerId, record: &parking_lot::Mutex<Record>) -> ContainerReport {
    let (mut report, membership) = {
        let record = record.lock();
        let report = ContainerReport {
            id,
            pid: record.process.map(|process| process.pid),
            is_recovered: record.is_recovered,
            rules: record.rules.clone(),
            policy: record.policy.clone(),
            place: GroupReport::None,
            limitation: record.limitation.clone(),
            given_up: record.poisoned.clone(),
        };
        (report, record.membership.clone())
    };
    report.place = match (&books.groups, membership) {
        (Some(groups), Membership::Own(own)) => {
            GroupReport::Own(Box::new(own_group(groups, &own, &report.policy)))
        }
        (_, Membership::Within(path)) => GroupReport::Within(container_of(&path)),
        _ => GroupReport::None,
    };
    report
}

fn own_group(groups: &HostGroups, own: &OwnGroup, policy: &GroupPolicy) -> OwnGroupReport {
    let mut faults = Vec::new();
    let usage = groups.quick.usage(&own.path).map_err(|error| faults.push(error.to_string())).ok();
    let settings = groups.settings_of(own, policy).map_err(|error| faults.push(error.to_string())).ok();
    OwnGroupReport { folders: folders(groups, &own.path), settings, usage, faults }
}

fn folders(groups: &HostGroups, path: &GroupPath) -> BTreeMap<&'static str, PathBuf> {
    let places = groups.quick.places().iter();
    let named = places.flat_map(|place| {
        // What v2 has in every group is no controller there.
        let there = place.controllers.iter().filter(|it| place.version == Version::V1 || !it.is_core_on_v2());
        there.filter_map(|it| Some((it.name(place.version), groups.quick.folder(path, *it)?)))
    });
    named.collect()
}
