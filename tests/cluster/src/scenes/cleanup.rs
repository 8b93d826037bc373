//! Processes that do not want to end.

use apportion_rig::TaskSpec;

use super::nested::{mark, wait_for_process};
use super::{Setup, wait_until};

/// One process ignores every signal that can be ignored, and one has a session of its own and no parent that is left: a
/// launcher that goes by sessions and parents does not find it.
///
/// # Panics
/// When one of them is left, or their group.
pub fn processes_that_ignore_signals_or_left_their_session_are_gone_afterwards(setup: Setup) {
    let mut stage = setup.start();
    let (stubborn, escaped) = (mark(6), mark(7));
    let ignore = "trap '' HUP INT QUIT TERM USR1 USR2";
    let command = format!(
        "{ignore}; (setsid /bin/sh -c \"{ignore}; sleep {escaped} & exit\" &); sleep {stubborn}; sleep 600"
    );
    let id = stage.run_one("stubborn", TaskSpec::new("stubborn", &command));
    let pids = [&stubborn, &escaped].map(|mark| wait_for_process(mark));
    for (pid, membership) in &pids {
        assert!(stage.groups.holds(&[&id], membership), "{pid}: {membership}");
    }
    let parent = parent_of(pids[1].0);
    assert!(!stage.groups.processes(&[&id]).contains(&parent), "{parent} is its parent, it has not left");

    stage.framework().kill("stubborn", Some(std::time::Duration::from_millis(200))).expect("a kill");
    stage.wait_until_gone(&[&id]);
    wait_until("the end of both processes", || {
        let left: Vec<i32> = pids.iter().map(|(pid, _)| *pid).filter(|pid| runs(*pid)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    stage.end();
}

/// The third field after the name, which itself may hold anything.
fn stat_fields(pid: i32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn parent_of(pid: i32) -> i32 {
    stat_fields(pid).and_then(|fields| fields.get(1)?.parse().ok()).expect("a running process")
}

/// One that has ended but is not waited for counts as gone.
fn runs(pid: i32) -> bool {
    stat_fields(pid).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z" && state != "X"))
}
