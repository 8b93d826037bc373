//! Settings of one file each: processes, CPUs and memory nodes, huge pages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, PlanError, Write, or_max, or_minus_one};
use crate::controller::{Controller, Version};
use crate::limits::{Bound, CpuSet, PageSize};

impl Draft<'_> {
    pub(super) fn pids(&mut self, old: Bound, new: Bound) -> Result<(), PlanError> {
        if old != new {
            self.version(Controller::Pids, "pids")?;
            self.push(vec![Write::new(Controller::Pids, "pids.max", or_max(new))]);
        }
        Ok(())
    }

    /// On v1 an empty list cannot be written once there are processes; a group gets those of the group above when it
    /// is made, so a change to "leave it" is left out there.
    pub(super) fn cpuset(&mut self, old: &CpuSet, new: &CpuSet) -> Result<(), PlanError> {
        let files = [("cpuset.cpus", &old.cpus, &new.cpus), ("cpuset.mems", &old.mems, &new.mems)];
        for (file, _, after) in files.into_iter().filter(|(_, before, after)| before != after) {
            let version = self.version(Controller::CpuSet, file)?;
            if version == Version::V2 && after.0.is_empty() {
                // An empty line, because a write of no bytes is no write.
                self.push(vec![Write::new(Controller::CpuSet, file, "\n")]);
            } else if !after.0.is_empty() {
                self.push(vec![Write::new(Controller::CpuSet, file, after)]);
            }
        }
        Ok(())
    }

    pub(super) fn hugetlb(
        &mut self,
        old: &BTreeMap<PageSize, Bound>,
        new: &BTreeMap<PageSize, Bound>,
    ) -> Result<(), PlanError> {
        let sizes: BTreeSet<&PageSize> = old.keys().chain(new.keys()).collect();
        for size in sizes {
            let bound = |of: &BTreeMap<PageSize, Bound>| of.get(size).copied().unwrap_or_default();
            if bound(old) == bound(new) {
                continue;
            }
            let write = match self.version(Controller::HugeTlb, "hugetlb")? {
                Version::V1 => Write::new(
                    Controller::HugeTlb,
                    format!("hugetlb.{size}.limit_in_bytes"),
                    or_minus_one(bound(new)),
                ),
                Version::V2 => {
                    Write::new(Controller::HugeTlb, format!("hugetlb.{size}.max"), or_max(bound(new)))
                }
            };
            self.push(vec![write]);
        }
        Ok(())
    }
}
