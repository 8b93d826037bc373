//! Memory: who takes more than it may is ended, and told why; nobody else is.

use apportion_rig::{TaskSpec, TaskState, TaskStatus};

use super::{Setup, WITHIN};
use crate::{UNTIL_TOLD, let_finish};

/// Takes 200 MiB at once. The kernel ends `dd`; the task would go on without it. Limits are to be well above 60 MiB: so
/// much of Mesos' library has the launch helper mapped, and the kernel ends the largest process.
pub(crate) const HOG: &str = "dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 600";

/// What a framework is told of a container that wanted more memory than `limit_mib`.
///
/// # Panics
/// When it is told something else.
pub(crate) fn check_message(status: &TaskStatus, limit_mib: u32) {
    assert_eq!(status.reason.as_deref(), Some("REASON_CONTAINER_LIMITATION_MEMORY"), "{status:?}");
    // The killed process is gone; the largest of the others are named.
    let limit = format!("its limit of {limit_mib} MiB");
    for part in ["Out of memory", &limit, "In use now: ", "rig-executor (pid "] {
        assert!(status.text.contains(part), "{part} in: {}", status.text);
    }
}

/// A hog beside a quiet neighbour.
///
/// # Panics
/// When the wrong one ends, or for another reason, or without saying so.
pub fn memory_hog_is_ended_with_a_message_and_its_neighbour_goes_on(setup: Setup) {
    let mut stage = setup.start();
    let quiet = stage.run_one("quiet", TaskSpec::new("quiet", UNTIL_TOLD).mem_mb(32.0));
    stage.launch(&[TaskSpec::new("hog", HOG).mem_mb(96.0)]);
    let failed = stage.framework().wait_status("hog", TaskState::Failed, WITHIN);
    check_message(&failed.unwrap_or_else(|error| panic!("{error}")), 128);

    assert!(!stage.has_ended("quiet"));
    assert_eq!(stage.groups.exists(&[&quiet]), Ok(true));
    let_finish(&stage.sandbox("quiet"));
    let finished = stage.framework().wait_status("quiet", TaskState::Finished, WITHIN);
    finished.unwrap_or_else(|error| panic!("{error}"));
    stage.wait_until_gone(&[&quiet]);
    stage.end();
}
