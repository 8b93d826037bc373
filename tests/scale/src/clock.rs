//! What is measured by: the processor time of this thread, and the memory of this process.

use std::time::Duration;

use procfs::WithCurrentSystemInfo;
use procfs::process::Process;
use rustix::time::{ClockId, clock_gettime};

/// Processor time that this thread has used. Other programs on the machine delay it, and hardly add to it.
#[must_use]
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Does something, and tells the milliseconds of processor time it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = thread_time();
    let done = work();
    (done, thread_time().saturating_sub(begun).as_secs_f64() * 1000.0)
}

/// Bytes of memory that this process has in use.
///
/// # Errors
/// When the system does not say.
pub fn resident_bytes() -> Result<u64, String> {
    let stat = Process::myself().and_then(|process| process.stat());
    let stat = stat.map_err(|error| format!("cannot read the memory in use: {error}"))?;
    Ok(stat.rss_bytes().get())
}

/// The middle one of some values; 0 if there are none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_memory() {
        let before = resident_bytes().unwrap();
        let (held, ms) = timed(|| vec![1_u8; 64 << 20]);
        assert!(ms > 0.0);
        assert!(resident_bytes().unwrap() > before + (32 << 20), "{}", held.len());
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[])), (2.0, 0.0));
    }
}
