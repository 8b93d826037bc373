//! Many containers held at the same time, each with a watched group and a process that sleeps.

use std::thread;
use std::time::Duration;

use apportion_isolation::{Cleanup, ContainerId, Containers};
use procfs::process::Process;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::Failure;
use crate::groups::{Parent, Sleeper, asked};
use crate::numbers::{Took, cpu_of_process, median, ms, rounded, timed, us};
use crate::table::Table;

/// Until the watcher has looked at what was taken in last.
const SETTLE: Duration = Duration::from_secs(1);

/// Figures of all containers together.
#[derive(Debug)]
pub(crate) struct Held {
    containers: u32,
    /// Growth of this process.
    memory_kib: u64,
    descriptors: usize,
    idle: Duration,
    idle_cpu: Duration,
    launch: Took,
    usage: Vec<Took>,
    cleanup: Took,
    under_way: usize,
}

/// Size of this process.
struct Size {
    rss_kib: u64,
    descriptors: usize,
}

impl Size {
    fn look() -> Result<Size, Failure> {
        let process = Process::myself()?;
        Ok(Size {
            rss_kib: process.status()?.vmrss.ok_or("this process has no VmRSS")?,
            descriptors: process.fd_count()?,
        })
    }
}

pub(crate) fn measure(containers: u32, idle_seconds: u32) -> Result<Held, Failure> {
    eprintln!("held: {containers} containers, idle for {idle_seconds} s");
    allow_descriptors();
    // The program's own part is there before anything is measured: processes, ids, and pages of what runs once.
    let processes = (0..containers).map(|_| Sleeper::start()).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<ContainerId> =
        (0..containers).map(|number| ContainerId::root(format!("figure-{number}"))).collect();
    let parent = Parent::named("held");
    let before = Size::look()?;

    let isolator = parent.containers()?;
    let (launched, launch) = timed(|| launch_all(&isolator, &ids, &processes));
    launched?;
    thread::sleep(SETTLE);
    let after = Size::look()?;
    let cpu = cpu_of_process();
    let idle = Duration::from_secs(idle_seconds.into());
    thread::sleep(idle);
    let idle_cpu = cpu_of_process().saturating_sub(cpu);
    let usage = usage_of_all(&isolator, &ids)?;

    drop(processes);
    let (cleaned, cleanup) = timed(|| cleanup_all(&isolator, &ids));
    let under_way = cleaned?;
    // Ends the cleanups that went on.
    drop(isolator);
    parent.end()?;
    Ok(Held {
        containers,
        memory_kib: after.rss_kib.saturating_sub(before.rss_kib),
        descriptors: after.descriptors.saturating_sub(before.descriptors),
        idle,
        idle_cpu,
        launch,
        usage,
        cleanup,
        under_way,
    })
}

/// On v1 each watched group takes descriptors.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Refused, it is the kernel's own error at the first descriptor too many that says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn launch_all(isolator: &Containers, ids: &[ContainerId], processes: &[Sleeper]) -> Result<(), Failure> {
    let asked = asked();
    for (id, process) in ids.iter().zip(processes) {
        isolator.prepare(id, &asked)?;
        isolator.watch(id)?;
        isolator.isolate(id, process.pid()?)?;
    }
    Ok(())
}

fn usage_of_all(isolator: &Containers, ids: &[ContainerId]) -> Result<Vec<Took>, Failure> {
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let (usage, took) = timed(|| isolator.usage(id, 0.0));
        let processes = usage?.consumption.processes;
        if processes != 1 {
            return Err(format!("container {id} has {processes} processes instead of one").into());
        }
        all.push(took);
    }
    Ok(all)
}

/// How many cleanups went on after the call.
fn cleanup_all(isolator: &Containers, ids: &[ContainerId]) -> Result<usize, Failure> {
    let mut under_way = 0;
    for id in ids {
        under_way += usize::from(isolator.cleanup(id)? == Cleanup::UnderWay);
    }
    Ok(under_way)
}

impl Held {
    fn usage_all(&self) -> Took {
        self.usage.iter().fold(Took::default(), |sum, took| sum + *took)
    }

    fn usage_median_us(&self) -> f64 {
        median(&self.usage.iter().map(|took| us(took.wall)).collect::<Vec<_>>())
    }

    /// Of one processor, in percent.
    fn idle_percent(&self) -> f64 {
        self.idle_cpu.as_secs_f64() / self.idle.as_secs_f64() * 100.0
    }

    pub(crate) fn json(&self) -> Value {
        let usage = self.usage_all();
        let took = |took: Took| json!({"wall_ms": rounded(ms(took.wall)), "cpu_ms": rounded(ms(took.cpu))});
        json!({
            "containers": self.containers,
            "memory_kib": self.memory_kib,
            "descriptors": self.descriptors,
            "idle_seconds": self.idle.as_secs(),
            "idle_cpu_ms": rounded(ms(self.idle_cpu)),
            "launch_of_all": took(self.launch),
            "usage_of_all": took(usage),
            "usage_median_us": rounded(self.usage_median_us()),
            "cleanup_of_all": took(self.cleanup),
            "cleanups_that_went_on": self.under_way,
        })
    }

    pub(crate) fn table(&self) -> Table {
        let title = format!("{} containers held with their watchers, each with a process", self.containers);
        let mut table = Table::new(title, &["", "all", "each"]);
        let count = f64::from(self.containers);
        let kib = f64::from(u32::try_from(self.memory_kib).unwrap_or(u32::MAX));
        table.line("memory (VmRSS)", [format!("{kib} KiB"), format!("{:.2} KiB", kib / count)]);
        let descriptors = f64::from(u32::try_from(self.descriptors).unwrap_or(u32::MAX));
        table.line("descriptors", [format!("{descriptors}"), format!("{:.2}", descriptors / count)]);
        let idle = format!("CPU in {} idle seconds", self.idle.as_secs());
        let of_one = format!("{:.2} % of one", self.idle_percent());
        table.line(&idle, [format!("{:.1} ms", ms(self.idle_cpu)), of_one]);
        let mut line = |name: &str, took: Took| {
            let all = format!("{:.0} ms, CPU {:.0} ms", ms(took.wall), ms(took.cpu));
            table.line(name, [all, format!("{:.0} µs", us(took.wall) / count)]);
        };
        line("prepare, watch and isolate", self.launch);
        line("usage", self.usage_all());
        line("cleanup", self.cleanup);
        table
    }
}
