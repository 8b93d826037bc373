//! What is set by writing to files of the container's first process.

use std::fs;

use super::LaunchSettings;

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
    /// `pid` is the container's first process, which waits and has started nothing yet.
    ///
    /// # Errors
    ///
    /// The kernel refuses: the process has gone, or the agent lacks `CAP_SYS_RESOURCE`, which a score below its own
    /// needs.
    pub fn apply_to_process(&self, pid: i32) -> Result<(), ProcessSettingError> {
        let core_filter =
            self.core_filter.map(|bits| ("core_filter", "coredump_filter", format!("{bits:#x}")));
        let score = self
            .oom_score_adjustment
            .map(|score| ("oom_score_adjustment", "oom_score_adj", score.to_string()));
        for (setting, file, value) in core_filter.into_iter().chain(score) {
            let path = format!("/proc/{pid}/{file}");
            fs::write(&path, &value).map_err(|error| ProcessSettingError {
                setting,
                value,
                pid,
                path,
                reason: error.to_string(),
            })?;
        }
        Ok(())
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
