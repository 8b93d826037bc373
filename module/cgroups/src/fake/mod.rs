//! A model of a control group file system that fails on demand, for tests.
//!
//! It holds to the kernel's rules that matter here: a group with processes or children is not removed, v2 groups have
//! either processes or divided children, controllers go from above downwards, a v1 group without CPUs takes no process,
//! memory and swap together are no less than memory, burst is no more than the quota, a v1 limit is not lowered below
//! what is in use. What it does not model is shown on real kernels.

mod files;
mod model;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use crate::controller::Version;
use crate::kernel::{Kernel, Pid};
use model::Model;

/// The fake. Its files are in memory; no path of the machine is touched.
#[derive(Debug)]
pub struct FakeKernel {
    model: Mutex<Model>,
}

impl FakeKernel {
    /// A host with one v2 hierarchy. The agent runs as process 100 in a delegated service.
    pub fn v2() -> FakeKernel {
        let mut model = Model::default();
        model.mount("/sys/fs/cgroup", Version::V2, &["cpu", "cpuset", "memory", "io", "pids", "hugetlb"]);
        for path in ["/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/system.slice/agent.service"] {
            let above = Path::new(path).parent().unwrap_or(Path::new("/"));
            model.hand_down_all(above);
            model.make(Path::new(path)).expect("the model takes a first group");
        }
        model.delegated.insert("/sys/fs/cgroup/system.slice/agent.service".into());
        model.join(100, Path::new("/sys/fs/cgroup/system.slice/agent.service"));
        model.plain("/proc/self/cgroup", "0::/system.slice/agent.service\n");
        model.plain(
            "/proc/self/mountinfo",
            "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
        );
        FakeKernel { model: Mutex::new(model) }
    }

    /// A host with a v1 hierarchy for each controller. The agent runs as process 100 in the topmost groups.
    pub fn v1() -> FakeKernel {
        FakeKernel { model: Mutex::new(Model::legacy(&[])) }
    }

    /// As [`FakeKernel::v1`], with huge pages on a v2 hierarchy beside.
    pub fn hybrid() -> FakeKernel {
        let mut model = Model::legacy(&["hugetlb"]);
        model.mount("/sys/fs/cgroup/unified", Version::V2, &["hugetlb"]);
        model.join(100, Path::new("/sys/fs/cgroup/unified"));
        model.append("/proc/self/cgroup", "0::/\n");
        model.append("/proc/self/mountinfo", "60 23 0:60 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
        FakeKernel { model: Mutex::new(model) }
    }

    /// Lets the operation with this number fail, counted from the next one as zero, with an error of the system.
    pub fn fail_at(&self, operation: usize, errno: i32) {
        self.fail(operation..operation + 1, errno);
    }

    /// Lets all operations from this number on fail: what is done by then is what a crash leaves behind.
    pub fn crash_at(&self, operation: usize) {
        self.fail(operation..usize::MAX, Errno::IO.raw_os_error());
    }

    fn fail(&self, operations: Range<usize>, errno: i32) {
        let mut model = self.model.lock();
        model.operations = 0;
        model.fails = Some((operations, errno));
    }

    /// No more failures; returns whether the one asked for came.
    pub fn heal(&self) -> bool {
        let mut model = self.model.lock();
        model.fails.take().is_none_or(|(operations, _)| operations.start < model.operations)
    }

    /// Operations since the last [`FakeKernel::fail_at`].
    pub fn operations(&self) -> usize {
        self.model.lock().operations
    }

    /// Starts a process where the agent is; it is in all hierarchies.
    pub fn spawn(&self, pid: u32) {
        let mut model = self.model.lock();
        for group in model.groups_of(100) {
            model.join(pid, &group);
        }
    }

    /// Ends a process.
    pub fn exit(&self, pid: u32) {
        self.model.lock().exit(pid);
    }

    /// Makes a process survive SIGKILL, as one that waits for a device does.
    pub fn make_stubborn(&self, pid: u32) {
        let mut model = self.model.lock();
        model.stubborn.insert(pid);
        let stat = format!("{pid} (hangs (nfs)) D 1 1\n");
        model.plain(&format!("/proc/{pid}/stat"), &stat);
    }

    /// Memory of a group that the kernel cannot reclaim, in bytes.
    pub fn use_memory(&self, group: &Path, bytes: u64) {
        self.model.lock().in_use.insert(group.to_owned(), bytes);
    }

    /// Takes the mark of delegation away.
    pub fn undelegate(&self) {
        self.model.lock().delegated.clear();
    }

    /// Replaces a file of `/proc`, or another plain file.
    pub fn put(&self, path: &str, content: &str) {
        self.model.lock().plain(path, content);
    }

    /// Replaces the content of a group's file without any rule.
    pub fn set(&self, path: &Path, content: &str) {
        self.model.lock().store(path, content);
    }

    /// Takes a file away, as an older kernel does not have it.
    pub fn lacks(&self, file: &str) {
        self.model.lock().lacks.insert(file.to_owned());
    }

    /// Content of a file, without counting as an operation.
    pub fn text(&self, path: &Path) -> Option<String> {
        self.model.lock().read(path).ok()
    }

    /// All groups, in all hierarchies.
    pub fn groups(&self) -> Vec<PathBuf> {
        self.model.lock().groups.keys().cloned().collect()
    }

    /// All processes.
    pub fn processes(&self) -> BTreeSet<u32> {
        self.model.lock().groups.values().flat_map(|group| group.processes.clone()).collect()
    }

    /// Groups of a process.
    pub fn groups_of(&self, pid: u32) -> Vec<PathBuf> {
        self.model.lock().groups_of(pid)
    }

    fn counted<T>(&self, act: impl FnOnce(&mut Model) -> Result<T, i32>) -> io::Result<T> {
        let mut model = self.model.lock();
        let number = model.operations;
        model.operations += 1;
        if let Some((operations, errno)) = &model.fails
            && operations.contains(&number)
        {
            return Err(io::Error::from_raw_os_error(*errno));
        }
        act(&mut model).map_err(io::Error::from_raw_os_error)
    }
}

impl Kernel for FakeKernel {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.counted(|model| model.read(path).map(String::into_bytes))
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        self.counted(|model| model.write(path, text))
    }

    fn make_group(&self, path: &Path) -> io::Result<()> {
        self.counted(|model| model.make(path))
    }

    fn remove_group(&self, path: &Path) -> io::Result<()> {
        self.counted(|model| model.remove(path))
    }

    fn child_groups(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.counted(|model| model.children(path))
    }

    fn has(&self, path: &Path) -> io::Result<bool> {
        self.counted(|model| Ok(model.has(path)))
    }

    fn is_delegated(&self, path: &Path) -> bool {
        self.model.lock().delegated.contains(path)
    }

    fn kill(
        &self,
        pids: &BTreeSet<Pid>,
        members: &mut dyn FnMut() -> io::Result<BTreeSet<Pid>>,
    ) -> io::Result<()> {
        self.counted(|_| Ok(()))?;
        let still = members()?;
        let mut model = self.model.lock();
        for pid in pids.intersection(&still) {
            model.kill(pid.get());
        }
        Ok(())
    }

    fn claim(&self, _: &Path) -> io::Result<Option<OwnedFd>> {
        self.counted(|_| Ok(None))
    }

    fn pause(&self, _: Duration) {}
}
