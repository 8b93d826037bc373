//! What several test programs share.

use std::path::Path;
use std::sync::Arc;

use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{
    Base, Controller, GroupName, GroupPath, Groups, Hierarchy, Patience, Placement, Wish,
};

pub(crate) const ENOENT: i32 = 2;
pub(crate) const EACCES: i32 = 13;
pub(crate) const EBUSY: i32 = 16;
pub(crate) const ENOSPC: i32 = 28;

/// The three kinds of hosts.
pub(crate) const ALL: [fn() -> FakeKernel; 3] = [FakeKernel::v1, FakeKernel::v2, FakeKernel::hybrid];

pub(crate) fn wish() -> Wish {
    Wish {
        base: Base::Own,
        name: GroupName::new("containers").unwrap(),
        controllers: Controller::ALL.into_iter().collect(),
    }
}

pub(crate) fn placement(kernel: &FakeKernel) -> Placement {
    let hierarchy = Hierarchy::detect(kernel, Path::new("/")).unwrap();
    hierarchy.place(kernel, &wish()).unwrap()
}

pub(crate) fn open(kernel: &Arc<FakeKernel>) -> Groups {
    Groups::open(kernel.clone(), &placement(kernel), Patience { attempts: 5, ..Patience::default() }).unwrap()
}

pub(crate) fn path(name: &str) -> GroupPath {
    GroupPath::root(name).unwrap()
}
