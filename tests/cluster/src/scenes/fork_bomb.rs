//! A container whose very first act is to fork, and whose children do nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use apportion_rig::{TaskSpec, TaskState};

use super::{Setup, WITHIN, wait_until};

/// Processes that a container may have here.
const PIDS_MAX: usize = 60;

/// Each process has two children, for seven generations, and says before that where it is. What cannot fork any more waits,
/// so that the bomb stays until it is ended. `MARK` is in the command lines of all of them, and of nothing else.
const BOMB: &str = r#"#!/bin/sh
bomb() {
  where=
  while read -r line; do where="$where$line
"; done < /proc/self/cgroup
  printf '%s--\n' "$where" >> "$MESOS_SANDBOX/where"
  # Seven generations at most, some 250 processes: harmless where nothing limits it.
  if [ "$1" -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi
  exec sleep MARK
}
bomb 6 & bomb 6 &
exec sleep MARK
"#;

/// Looks at all processes of the machine again and again: memberships of those that carry the mark, by process id.
struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<i32, Vec<String>>>,
}

impl Watch {
    fn begin(mark: String) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut seen: BTreeMap<i32, Vec<String>> = BTreeMap::new();
            while !told.load(Ordering::Relaxed) {
                for (pid, membership) in marked(&mark) {
                    let memberships = seen.entry(pid).or_default();
                    if !memberships.contains(&membership) {
                        memberships.push(membership);
                    }
                }
                thread::sleep(Duration::from_millis(1));
            }
            seen
        });
        Watch { over, thread }
    }

    fn end(self) -> BTreeMap<i32, Vec<String>> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("a thread that only reads")
    }
}

/// Processes whose command line holds the mark, with their groups.
fn marked(mark: &str) -> Vec<(i32, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let look = |pid: i32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let is_marked = command.windows(mark.len()).any(|part| part == mark.as_bytes());
        // Read in between, so that the group is that of a process which carries the mark before and after.
        let membership =
            is_marked.then(|| fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()).flatten()?;
        let still = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        (still.windows(mark.len()).any(|part| part == mark.as_bytes())).then_some((pid, membership))
    };
    pids.filter_map(look).collect()
}

/// The bomb is the executor itself: nothing of Mesos or ours comes before it in the container but the launch helper.
///
/// # Panics
/// When a process of it is seen outside of its group, or anything of it is left.
pub fn bomb_that_forks_at_once_never_leaves_its_group_and_ends_by_the_limit_of_processes(setup: Setup) {
    let mark = format!("3{:09}", std::process::id());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bomb = folder.path().join(format!("bomb-{mark}"));
    fs::write(&bomb, BOMB.replace("MARK", &mark)).expect("a script");
    fs::set_permissions(&bomb, fs::Permissions::from_mode(0o755)).expect("a script that may run");

    let mut stage = setup.limits(&format!("pids = {PIDS_MAX}")).start();
    let watch = Watch::begin(mark.clone());
    stage.launch(&[TaskSpec::new("bomb", "true").custom_executor("bomb", &bomb)]);
    let failed = stage.framework().wait_status("bomb", TaskState::Failed, WITHIN);
    let failed = failed.unwrap_or_else(|error| panic!("{error}"));
    let where_file = stage.sandbox("bomb").join("where");
    wait_until("the end of the bomb", || {
        let left = marked(&mark);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    let seen = watch.end();

    let id = where_file
        .parent()
        .and_then(|sandbox| sandbox.file_name())
        .expect("a folder named after the container");
    let id = id.to_str().expect("an id that is text");
    // How many a look meets is a matter of time: the container ends with the first process that is refused.
    assert!(seen.len() > PIDS_MAX / 6, "only {} processes of the bomb were seen", seen.len());
    for (pid, memberships) in &seen {
        let outside = memberships.iter().find(|membership| !stage.groups.holds(&[id], membership));
        assert_eq!(outside, None, "process {pid} was outside of {id}");
    }
    let told = fs::read_to_string(&where_file).expect("what the processes say themselves");
    let told: Vec<&str> = told.split("--\n").filter(|membership| !membership.is_empty()).collect();
    assert!(told.len() > PIDS_MAX / 3, "only {} processes of the bomb told", told.len());
    let outside = told.iter().find(|membership| !stage.groups.holds(&[id], membership));
    assert_eq!(outside, None, "a process of the bomb says so itself");
    let reason = failed.reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("REASON_CONTAINER_LIMITATION"), "{failed:?}");
    for part in ["process", &PIDS_MAX.to_string()] {
        assert!(failed.text.contains(part), "{part} in: {}", failed.text);
    }
    stage.wait_until_gone(&[id]);
    stage.end();
}
