//! Why a container has to end, as a person reads it in the task's status.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use apportion_cgroups::{Bound, Pid, Usage};

/// What a container ran out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// Memory: the kernel killed so many of its processes.
    Memory {
        /// Processes killed.
        killed: u64,
    },
    /// Processes and threads: so many could not be started.
    Pids {
        /// Refused by the kernel.
        refused: u64,
    },
}

/// A container broke a limit and has to end.
#[derive(Debug, Clone, PartialEq)]
pub struct Limitation {
    /// What it ran out of.
    pub exhausted: Exhausted,
    /// Its limit in the unit of the resource (MiB; pieces); `None` if it has none of its own.
    pub limit: Option<f64>,
    /// What happened, for people.
    pub message: String,
}

impl Limitation {
    /// Name of the resource.
    pub fn resource(&self) -> &'static str {
        match self.exhausted {
            Exhausted::Memory { .. } => "mem",
            Exhausted::Pids { .. } => "pids",
        }
    }
}

/// A process as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) resident_bytes: u64,
    pub(crate) threads: u64,
}

impl Process {
    /// Looks at a process; `None` if it has ended.
    pub(crate) fn look(pid: Pid) -> Option<Process> {
        let stat = procfs::process::Process::new(i32::try_from(pid.get()).ok()?).ok()?.stat().ok()?;
        Some(Process {
            pid: pid.get(),
            name: stat.comm,
            resident_bytes: stat.rss.saturating_mul(procfs::page_size()),
            threads: u64::try_from(stat.num_threads).unwrap_or(1),
        })
    }
}

/// Processes that a message names.
const NAMED_MAX: usize = 5;

/// The limitation, with what the group uses and its processes now.
pub(crate) fn limitation(
    container: &str,
    exhausted: Exhausted,
    memory_max: Bound,
    pids_max: Bound,
    usage: &Usage,
    processes: Vec<Process>,
) -> Limitation {
    let (message, limit) = match exhausted {
        Exhausted::Memory { killed } => {
            (out_of_memory(container, killed, memory_max, usage, processes), in_mebibytes(memory_max))
        }
        Exhausted::Pids { refused } => {
            (out_of_pids(container, refused, pids_max, usage, &processes), pieces(pids_max))
        }
    };
    Limitation { exhausted, limit, message }
}

fn out_of_memory(
    container: &str,
    killed: u64,
    max: Bound,
    usage: &Usage,
    mut processes: Vec<Process>,
) -> String {
    let peak = usage.memory.as_ref().and_then(|memory| memory.peak);
    let cause = match max {
        // Far below its own limit: somebody else ran out.
        Bound::At(bytes) if peak.is_some_and(|peak| peak < bytes - bytes / 10) => format!(
            "the host, or what container {container} is nested in, had no memory left. The container, with a limit of \
             {}, is not to blame, but",
            size(bytes)
        ),
        Bound::At(bytes) => format!("container {container} reached its limit of {}, and", size(bytes)),
        Bound::Unlimited => format!("container {container} reached a limit above its own, and"),
    };
    let mut text = format!("Out of memory: {cause} the kernel killed {killed} of its processes.");
    if let Some(memory) = &usage.memory {
        let peak = memory.peak.map(|peak| format!(", {} at most", size(peak))).unwrap_or_default();
        let _ = write!(
            text,
            " In use now: {}{peak} (anonymous {}, files {}, of these shared memory {}; kernel {}; swap {}).",
            size(memory.current),
            size(memory.anonymous),
            size(memory.file),
            size(memory.shared),
            size(memory.kernel),
            size(memory.swap),
        );
    }
    processes.sort_by(|a, b| b.resident_bytes.cmp(&a.resident_bytes).then(a.pid.cmp(&b.pid)));
    let named =
        processes.iter().map(|it| format!("{} (pid {}) {}", it.name, it.pid, size(it.resident_bytes)));
    text.push_str(&list("Largest of those that are left", named, processes.len()));
    text
}

fn out_of_pids(container: &str, refused: u64, max: Bound, usage: &Usage, processes: &[Process]) -> String {
    let limit = match max {
        Bound::At(most) => format!("its limit of {most} processes and threads"),
        Bound::Unlimited => "a limit of processes and threads above its own".to_owned(),
    };
    let mut text = format!(
        "Out of processes: container {container} reached {limit}; the kernel refused {refused} more."
    );
    if let Some(pids) = usage.pids {
        let _ = write!(text, " There are {} now.", pids.current);
    }
    let mut by_name: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for process in processes {
        let (count, threads) = by_name.entry(&process.name).or_default();
        *count += 1;
        *threads += process.threads;
    }
    let mut names: Vec<(&str, (u64, u64))> = by_name.into_iter().collect();
    names.sort_by(|(a, (_, most)), (b, (_, least))| least.cmp(most).then(a.cmp(b)));
    let number = names.len();
    let named = names.into_iter().map(|(name, (count, threads))| {
        let threads = if threads > count { format!(" with {threads} threads") } else { String::new() };
        format!("{name} ×{count}{threads}")
    });
    text.push_str(&list("Most of them", named, number));
    text
}

fn list(head: &str, items: impl Iterator<Item = String>, number: usize) -> String {
    if number == 0 {
        return String::new();
    }
    let named: Vec<String> = items.take(NAMED_MAX).collect();
    let more = if number > NAMED_MAX { format!(" and {} more", number - NAMED_MAX) } else { String::new() };
    format!(" {head}: {}{more}.", named.join(", "))
}

/// An amount of memory with a unit that keeps it short.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = bytes.saturating_mul(10) >> 10;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if tenths < 10 * 1024 {
            break;
        }
        tenths >>= 10;
        unit = larger;
    }
    if tenths.is_multiple_of(10) {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

fn in_mebibytes(bound: Bound) -> Option<f64> {
    match bound {
        Bound::Unlimited => None,
        #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52 bytes")]
        Bound::At(bytes) => Some(bytes as f64 / 1_048_576.0),
    }
}

fn pieces(bound: Bound) -> Option<f64> {
    match bound {
        Bound::Unlimited => None,
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 processes")]
        Bound::At(most) => Some(most as f64),
    }
}

#[cfg(test)]
mod tests {
    use apportion_cgroups::{MemoryUsage, PidsUsage};

    use super::*;

    const MIB: u64 = 1 << 20;

    fn process(pid: u32, name: &str, resident_bytes: u64, threads: u64) -> Process {
        Process { pid, name: name.to_owned(), resident_bytes, threads }
    }

    #[test]
    fn out_of_memory_names_limit_use_and_the_largest_processes() {
        let memory = MemoryUsage {
            current: 63 * MIB + MIB / 2,
            peak: Some(64 * MIB),
            anonymous: 60 * MIB,
            file: 3 * MIB,
            kernel: 300 << 10,
            ..MemoryUsage::default()
        };
        let usage = Usage { memory: Some(memory), ..Usage::default() };
        let processes = (1..=7).map(|pid| process(pid, "worker", u64::from(pid) * MIB, 1)).collect();
        let told = limitation(
            "pod.web",
            Exhausted::Memory { killed: 1 },
            Bound::At(64 * MIB),
            Bound::Unlimited,
            &usage,
            processes,
        );
        assert_eq!(
            told.message,
            "Out of memory: container pod.web reached its limit of 64 MiB, and the kernel killed 1 of its processes. \
             In use now: 63.5 MiB, 64 MiB at most (anonymous 60 MiB, files 3 MiB, of these shared memory 0 KiB; \
             kernel 300 KiB; swap 0 KiB). Largest of those that are left: worker (pid 7) 7 MiB, worker (pid 6) 6 MiB, \
             worker (pid 5) 5 MiB, worker (pid 4) 4 MiB, worker (pid 3) 3 MiB and 2 more."
        );
        assert_eq!((told.resource(), told.limit), ("mem", Some(64.0)));
    }

    #[test]
    fn a_container_far_below_its_limit_is_not_blamed() {
        let memory = MemoryUsage { current: MIB, peak: Some(2 * MIB), ..MemoryUsage::default() };
        let told = limitation(
            "c",
            Exhausted::Memory { killed: 1 },
            Bound::At(64 * MIB),
            Bound::Unlimited,
            &Usage { memory: Some(memory), ..Usage::default() },
            Vec::new(),
        );
        let expected = "Out of memory: the host, or what container c is nested in, had no memory left. The container, \
                        with a limit of 64 MiB, is not to blame, but the kernel killed 1 of its processes. In use now";
        assert!(told.message.starts_with(expected), "{}", told.message);
    }

    #[test]
    fn out_of_pids_counts_processes_by_name() {
        let usage =
            Usage { pids: Some(PidsUsage { current: 12, max: Some(Bound::At(12)) }), ..Usage::default() };
        let mut processes: Vec<Process> = (1..=4).map(|pid| process(pid, "sh", 1, 1)).collect();
        processes.push(process(9, "java", 1, 8));
        let told = limitation(
            "c",
            Exhausted::Pids { refused: 3 },
            Bound::Unlimited,
            Bound::At(12),
            &usage,
            processes,
        );
        assert_eq!(
            told.message,
            "Out of processes: container c reached its limit of 12 processes and threads; the kernel refused 3 more. \
             There are 12 now. Most of them: java ×1 with 8 threads, sh ×4."
        );
        assert_eq!((told.resource(), told.limit), ("pids", Some(12.0)));
    }

    #[test]
    fn without_a_limit_of_its_own_or_anything_left_the_message_still_reads_well() {
        let told = limitation(
            "c",
            Exhausted::Memory { killed: 2 },
            Bound::Unlimited,
            Bound::Unlimited,
            &Usage::default(),
            Vec::new(),
        );
        assert_eq!(
            told.message,
            "Out of memory: container c reached a limit above its own, and the kernel killed 2 of its processes."
        );
        assert_eq!(told.limit, None);
    }

    #[test]
    fn sizes_have_the_unit_that_keeps_them_short() {
        let cases = [(0, "0 KiB"), (1536, "1.5 KiB"), (MIB, "1 MiB"), (5 << 30, "5 GiB"), (3 << 40, "3 TiB")];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }
}
