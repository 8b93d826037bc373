//! What a tree of processes uses, from `/proc`.
//!
//! A container's processes are the descendants of its first process and every process of its session: Mesos starts
//! a container's first process as a session leader, so children whose parent ended early are still found. A process
//! that leaves both tree and session is not; only control groups could hold it.

use std::collections::{BTreeMap, BTreeSet};

use procfs::process::{Stat, all_processes};
use procfs::{ProcError, ProcResult};

/// A process that cannot be mistaken for a later one with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessIdentity {
    /// Process id, as the agent's host sees it.
    pub pid: i32,
    /// Start of the process in clock ticks after boot, or `None` if it had ended when it was looked at.
    pub started_ticks: Option<u64>,
}

impl ProcessIdentity {
    /// Looks at the process that has this pid now.
    pub fn of(pid: i32) -> ProcessIdentity {
        let stat = procfs::process::Process::new(pid).and_then(|process| process.stat());
        ProcessIdentity { pid, started_ticks: stat.ok().map(|stat| stat.starttime) }
    }
}

/// What the processes of a container use, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consumption {
    /// CPU time in user mode, in seconds, with that of children that ended and were waited for.
    pub cpu_user_seconds: f64,
    /// CPU time in kernel mode, in seconds, with that of children that ended and were waited for.
    pub cpu_system_seconds: f64,
    /// Resident memory, in bytes. Pages shared between processes are counted for each.
    pub rss_bytes: u64,
    /// Processes.
    pub processes: u32,
    /// Threads, at least one for each process.
    pub threads: u32,
}

impl Consumption {
    /// What a group and all groups in it use, with so many processes.
    pub(crate) fn of_group(usage: &apportion_cgroups::Usage, processes: usize) -> Consumption {
        let cpu = usage.cpu.unwrap_or_default();
        Consumption {
            cpu_user_seconds: seconds_of(cpu.user_us),
            cpu_system_seconds: seconds_of(cpu.system_us),
            rss_bytes: usage.memory.map_or(0, |memory| memory.anonymous),
            processes: u32::try_from(processes).unwrap_or(u32::MAX),
            threads: usage.pids.map_or(0, |pids| u32::try_from(pids.current).unwrap_or(u32::MAX)),
        }
    }
}

/// Microseconds as seconds.
fn seconds_of(microseconds: u64) -> f64 {
    std::time::Duration::from_micros(microseconds).as_secs_f64()
}

/// Adds up what the tree and session of a process use now.
///
/// A process that has ended gives zeros, as does a pid that belongs to another process by now.
///
/// # Errors
///
/// `/proc` itself cannot be read.
pub fn measure(root: ProcessIdentity) -> ProcResult<Consumption> {
    let Some(started) = root.started_ticks else { return Ok(Consumption::default()) };
    let mut stats = BTreeMap::new();
    for process in all_processes()? {
        match process.and_then(|process| process.stat()) {
            Ok(stat) => {
                stats.insert(stat.pid, stat);
            }
            // Processes come and go during the walk, and some belong to others.
            Err(ProcError::NotFound(_) | ProcError::PermissionDenied(_) | ProcError::Incomplete(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if stats.get(&root.pid).is_none_or(|stat| stat.starttime != started) {
        return Ok(Consumption::default());
    }
    let members = members(root.pid, &stats);
    let sum = |of: fn(&Stat) -> u64| -> u64 {
        members.iter().filter_map(|pid| stats.get(pid)).map(of).fold(0, u64::saturating_add)
    };
    Ok(Consumption {
        cpu_user_seconds: seconds(sum(|stat| stat.utime.saturating_add(not_negative(stat.cutime)))),
        cpu_system_seconds: seconds(sum(|stat| stat.stime.saturating_add(not_negative(stat.cstime)))),
        rss_bytes: sum(|stat| stat.rss).saturating_mul(procfs::page_size()),
        processes: u32::try_from(members.len()).unwrap_or(u32::MAX),
        threads: u32::try_from(sum(|stat| not_negative(stat.num_threads))).unwrap_or(u32::MAX),
    })
}

/// The process, its descendants, and if it leads a session, that session and its descendants.
fn members(root: i32, stats: &BTreeMap<i32, Stat>) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for stat in stats.values() {
        children.entry(stat.ppid).or_default().push(stat.pid);
    }
    let mut open = vec![root];
    if stats.get(&root).is_some_and(|stat| stat.session == root) {
        open.extend(stats.values().filter(|stat| stat.session == root).map(|stat| stat.pid));
    }
    let mut members = BTreeSet::new();
    while let Some(pid) = open.pop() {
        if members.insert(pid) {
            open.extend(children.get(&pid).into_iter().flatten());
        }
    }
    members
}

/// The kernel's signed counters are never negative in a healthy process.
fn not_negative(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Clock ticks as seconds.
fn seconds(ticks: u64) -> f64 {
    let per_second = procfs::ticks_per_second().max(1);
    let whole = u32::try_from(ticks / per_second).unwrap_or(u32::MAX);
    let rest = u32::try_from(ticks % per_second).unwrap_or(0);
    f64::from(whole) + f64::from(rest) / f64::from(u32::try_from(per_second).unwrap_or(u32::MAX))
}
