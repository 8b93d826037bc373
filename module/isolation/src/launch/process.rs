//! What is set by writing to files of the container's first process.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::LaunchSettings;

/// How long the process may take to execute its program. It takes a few milliseconds.
const EXECUTES_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// A setting of a process that the kernel did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} = {value} cannot be set for process {pid}: {path}: {reason}")]
pub struct ProcessSettingError {
    setting: &'static str,
    value: String,
    pid: i32,
    path: String,
    reason: String,
}

impl LaunchSettings {
    /// Sets what the kernel takes for a running process: which mappings its core dumps hold, and how readily it is
    /// killed when the host is out of memory. Both are inherited by everything the process starts.
    ///
    /// `pid` is the container's first process, a child of this one. It has started nothing yet, but it may still be
    /// about to execute its program: with `core_filter` that is waited for, some milliseconds.
    ///
    /// # Errors
    ///
    /// The kernel refuses: the process has gone, or the agent lacks `CAP_SYS_RESOURCE`, which a score below its own
    /// needs. Or the process does not execute its program.
    pub fn apply_to_process(&self, pid: i32) -> Result<(), ProcessSettingError> {
        if let Some(bits) = self.core_filter {
            // The filter belongs to the memory of a process. While it executes a program it has two: the new one got
            // its filter before, and is not in force yet.
            let apply =
                |path: &str, value: &str| wait_until_executed(pid).and_then(|()| fs::write(path, value));
            set("core_filter", pid, "coredump_filter", format!("{bits:#x}"), apply)?;
        }
        if let Some(score) = self.oom_score_adjustment {
            set("oom_score_adjustment", pid, "oom_score_adj", score.to_string(), |path, value| {
                fs::write(path, value)
            })?;
        }
        Ok(())
    }
}

fn set(
    setting: &'static str,
    pid: i32,
    file: &str,
    value: String,
    apply: impl Fn(&str, &str) -> io::Result<()>,
) -> Result<(), ProcessSettingError> {
    let path = format!("/proc/{pid}/{file}");
    apply(&path, &value).map_err(|error| ProcessSettingError {
        setting,
        value,
        pid,
        path,
        reason: error.to_string(),
    })
}

/// Waits until a process that this one has made has a command line of its own, which it gets with its program.
fn wait_until_executed(pid: i32) -> io::Result<()> {
    let own = fs::read("/proc/self/cmdline")?;
    let started = Instant::now();
    loop {
        let line = fs::read(format!("/proc/{pid}/cmdline"))?;
        // It is empty in between.
        if !line.is_empty() && line != own {
            return Ok(());
        }
        if started.elapsed() > EXECUTES_WITHIN {
            return Err(io::Error::other(format!(
                "it has not executed its program within {} s",
                EXECUTES_WITHIN.as_secs()
            )));
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn what_a_process_starts_has_its_core_filter_and_score() {
        let script = "read go; cat /proc/self/coredump_filter /proc/self/oom_score_adj";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let settings = LaunchSettings {
            core_filter: Some(0x31),
            oom_score_adjustment: Some(789),
            ..LaunchSettings::default()
        };
        settings.apply_to_process(i32::try_from(child.id()).unwrap()).unwrap();
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "00000031\n789\n");
    }

    #[test]
    fn process_that_has_gone_is_named() {
        let nothing = LaunchSettings::default();
        assert_eq!(nothing.apply_to_process(i32::MAX), Ok(()));
        let settings = LaunchSettings { oom_score_adjustment: Some(1), ..nothing };
        let error = settings.apply_to_process(i32::MAX).unwrap_err().to_string();
        assert_eq!(
            error,
            "oom_score_adjustment = 1 cannot be set for process 2147483647: /proc/2147483647/oom_score_adj: No such \
             file or directory (os error 2)"
        );
    }
}
