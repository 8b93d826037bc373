//! Numbers over all containers, in the host's list of metrics.

use std::time::{Duration, Instant};

use apportion_cgroups::{Pressure, Usage};
use apportion_isolation::{Containers, Totals};
use parking_lot::Mutex;

/// How long numbers are kept: a snapshot asks for all of them, one by one, and should get those of one moment.
const KEPT: Duration = Duration::from_millis(200);

/// Before each name.
const PREFIX: &str = "apportion/isolator/";

type Number = fn(&Totals) -> Option<f64>;

/// What is published: without groups only the first ones have a value.
const METRICS: [(&str, Number); 28] = [
    ("containers", |totals| Some(count(totals.containers as u64))),
    ("refused", |totals| Some(count(totals.refused))),
    ("limited_memory", |totals| Some(count(totals.out_of_memory))),
    ("limited_pids", |totals| Some(count(totals.out_of_pids))),
    ("resizes", |totals| Some(count(totals.resizes))),
    ("cleanup_failures", |totals| Some(count(totals.cleanup_failures))),
    ("orphans_destroyed", |totals| Some(count(totals.orphans))),
    ("groups_waiting", |totals| Some(count(totals.chores as u64))),
    ("cpu_user_seconds", |totals| Some(seconds(usage(totals)?.cpu?.user_us))),
    ("cpu_system_seconds", |totals| Some(seconds(usage(totals)?.cpu?.system_us))),
    ("memory_bytes", |totals| Some(count(usage(totals)?.memory?.current))),
    ("memory_anonymous_bytes", |totals| Some(count(usage(totals)?.memory?.anonymous))),
    ("memory_file_bytes", |totals| Some(count(usage(totals)?.memory?.file))),
    ("memory_kernel_bytes", |totals| Some(count(usage(totals)?.memory?.kernel))),
    ("memory_swap_bytes", |totals| Some(count(usage(totals)?.memory?.swap))),
    ("memory_major_faults", |totals| Some(count(usage(totals)?.memory?.major_faults))),
    ("pids", |totals| Some(count(usage(totals)?.pids?.current))),
    ("io_read_bytes", |totals| io(totals, |device| device.read_bytes)),
    ("io_write_bytes", |totals| io(totals, |device| device.write_bytes)),
    ("io_reads", |totals| io(totals, |device| device.reads)),
    ("io_writes", |totals| io(totals, |device| device.writes)),
    ("pressure_cpu_some_percent", |totals| some(usage(totals)?.pressure.cpu)),
    ("pressure_cpu_full_percent", |totals| full(usage(totals)?.pressure.cpu)),
    ("pressure_memory_some_percent", |totals| some(usage(totals)?.pressure.memory)),
    ("pressure_memory_full_percent", |totals| full(usage(totals)?.pressure.memory)),
    ("pressure_io_some_percent", |totals| some(usage(totals)?.pressure.io)),
    ("pressure_io_full_percent", |totals| full(usage(totals)?.pressure.io)),
    ("pressure_memory_stalled_seconds", |totals| {
        Some(seconds(usage(totals)?.pressure.memory?.full.total_us))
    }),
];

fn usage(totals: &Totals) -> Option<&Usage> {
    totals.usage.as_ref()
}

#[expect(clippy::cast_precision_loss, reason = "the host's metrics are doubles")]
fn count(number: u64) -> f64 {
    number as f64
}

fn seconds(microseconds: u64) -> f64 {
    Duration::from_micros(microseconds).as_secs_f64()
}

fn io(totals: &Totals, of: fn(&apportion_cgroups::IoUsage) -> u64) -> Option<f64> {
    let devices = usage(totals)?.io.as_ref()?;
    Some(count(devices.values().map(of).fold(0, u64::saturating_add)))
}

/// Part of the last ten seconds, in percent.
fn some(pressure: Option<Pressure>) -> Option<f64> {
    Some(f64::from(pressure?.some.avg10) / 100.0)
}

fn full(pressure: Option<Pressure>) -> Option<f64> {
    Some(f64::from(pressure?.full.avg10) / 100.0)
}

/// The numbers of one moment.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    kept: Mutex<Option<(Instant, Totals)>>,
}

impl Metrics {
    /// All names, one in each line.
    pub(crate) fn names() -> String {
        METRICS.iter().map(|(name, _)| format!("{PREFIX}{name}\n")).collect()
    }

    /// The number in a slot; not a number if there is none now.
    pub(crate) fn read(&self, slot: u32, containers: &Containers) -> f64 {
        let metric = usize::try_from(slot).ok().and_then(|slot| METRICS.get(slot));
        let Some((_, number)) = metric else { return f64::NAN };
        let mut kept = self.kept.lock();
        let (at, totals) = kept.get_or_insert_with(|| (Instant::now(), containers.totals()));
        if at.elapsed() > KEPT {
            (*at, *totals) = (Instant::now(), containers.totals());
        }
        number(totals).unwrap_or(f64::NAN)
    }
}
