//! An agent that is killed and started again, with a task that goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use apportion_rig::{TaskSpec, TaskState};
use serde_json::Value;

use super::memory::{HOG, check_message};
use super::{Groups, Setup, Stage, WITHIN, wait_until};

/// Uses some CPU time, waits without another process, and takes too much memory when it is told to.
fn task() -> TaskSpec {
    let busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
    TaskSpec::new("lasting", &format!("{busy}; mkfifo now; : > busy; read -r word < now; {HOG}")).mem_mb(96.0)
}

/// A process in a group that was made by hand.
struct Stranger {
    process: Child,
    groups: Groups,
    path: PathBuf,
}

impl Stranger {
    fn in_group(stage: &Stage, path: &Path) -> Stranger {
        let process = Command::new("sleep").arg("600").spawn().expect("a process");
        stage.groups.make_by_hand(path, process.id());
        Stranger { process, groups: stage.groups.clone(), path: path.to_owned() }
    }

    fn runs(&mut self) -> bool {
        self.process.try_wait().expect("a child").is_none()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.groups.remove_by_hand(&self.path);
    }
}

/// # Panics
/// When the task, its group or its accounts do not last, an orphan does, or somebody else's group does not.
pub fn killed_agent_finds_its_containers_again_and_touches_nobody_elses(setup: Setup) {
    let name = setup.name().to_owned();
    let mut stage = setup.start();
    let id = stage.run_one("lasting", task());
    let busy = stage.sandbox("lasting").join("busy");
    wait_until("some use of CPU time", || if busy.exists() { Ok(()) } else { Err("none yet".to_owned()) });
    let processes = stage.groups.processes(&[&id]);
    let settings = stage.groups.settings(&[&id]);
    let before = statistics(&stage);

    stage.agent.kill().expect("a running agent");
    let orphan = Path::new(&name).join("container-left-behind");
    let neighbour = Path::new(&format!("{name}-of-others")).to_owned();
    let mut left_behind = Stranger::in_group(&stage, &orphan);
    let mut others = Stranger::in_group(&stage, &neighbour);
    stage.agent.restart().unwrap_or_else(|error| panic!("{error}"));

    wait_until("the end of the orphan", || {
        let there = stage.groups.exists(&["left-behind"])?;
        if !there && !left_behind.runs() { Ok(()) } else { Err("its group or its process".to_owned()) }
    });
    assert!(others.runs(), "the process in {} was ended", neighbour.display());
    assert!(!stage.groups.processes_by_hand(&neighbour).is_empty(), "it was moved");

    assert_eq!(stage.container("lasting"), id);
    assert_eq!(stage.groups.settings(&[&id]), settings);
    assert_eq!(stage.groups.processes(&[&id]), processes);
    assert!(!stage.has_ended("lasting"));
    let after = statistics(&stage);
    for account in ["cpus_user_time_secs", "cpus_system_time_secs"] {
        assert!(after[account].as_f64() >= before[account].as_f64(), "{account}: {before} {after}");
    }
    assert!(before["cpus_user_time_secs"].as_f64() > Some(0.0), "{before}");

    fs::write(stage.sandbox("lasting").join("now"), "go\n").expect("a reader of the pipe");
    let failed = stage.framework().wait_status("lasting", TaskState::Failed, WITHIN);
    check_message(&failed.unwrap_or_else(|error| panic!("{error}")), 128);
    stage.wait_until_gone(&[&id]);
    drop(others);
    stage.end();
}

/// What the container has used, once the agent knows.
fn statistics(stage: &Stage) -> Value {
    wait_until("use of the container", || {
        let used = stage.entry("/monitor/statistics", "lasting")["statistics"].clone();
        if used["cpus_user_time_secs"].as_f64() > Some(0.0) { Ok(used) } else { Err(used.to_string()) }
    })
}
