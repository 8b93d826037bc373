//! Masters and agents start, stop and leave nothing behind.

use std::time::{Duration, Instant};

use apportion_rig::{Framework, FrameworkSpec, Rig, TaskSpec, TaskState};

const WITHIN: Duration = Duration::from_secs(20);

#[test]
fn master_with_agents_stops_on_sigterm_with_code_zero() {
    let rig = Rig::prepare(|line| eprintln!("{line}")).unwrap();
    let mut master = rig.master().agents(2).start().unwrap();
    assert_eq!(master.terminate().unwrap().code(), Some(0));
}

#[test]
fn agent_of_its_own_stops_on_sigterm_with_code_zero() {
    let rig = Rig::prepare(|line| eprintln!("{line}")).unwrap();
    let mut master = rig.master().start().unwrap();
    let mut agent = rig.agent(master.address()).start().unwrap();
    assert_eq!(agent.terminate().unwrap().code(), Some(0));
    assert_eq!(master.terminate().unwrap().code(), Some(0));
}

#[test]
fn dropped_cluster_leaves_no_process_and_no_folder() {
    let rig = Rig::prepare(|line| eprintln!("{line}")).unwrap();
    let master = rig.master().agents(1).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("leaver")).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    let task =
        TaskSpec::new("stubborn", "trap '' TERM; setsid sleep 600 & echo $$ $! > pids; wait; sleep 600");
    framework.launch(&offer, &[task], None).unwrap();
    framework.wait_status("stubborn", TaskState::Running, WITHIN).unwrap();
    let file = master.sandbox(framework.id(), "stubborn").unwrap().join("pids");
    let started = Instant::now();
    let pids = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let pids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if pids.len() == 2 {
            break pids;
        }
        assert!(started.elapsed() < WITHIN, "the task has not written its process ids");
    };
    let folder = master.folder().to_owned();
    assert!(pids.iter().all(|pid| runs(pid)));

    drop(master);
    assert!(!folder.exists());
    let left: Vec<&String> = pids.iter().filter(|pid| runs(pid)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Whether a process runs; one that has ended but was not waited for does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn restarted_master_and_agents_keep_address_and_log() {
    let rig = Rig::prepare(|line| eprintln!("{line}")).unwrap();
    let mut master = rig.master().agents(1).start().unwrap();
    let address = master.address().to_owned();
    master.kill().unwrap();
    assert!(master.state().is_err());
    assert!(master.terminate().is_err(), "there is nothing to stop");
    master.restart().unwrap();
    assert_eq!(master.address(), address);
    assert_eq!(master.log().matches("Elected as the leading master").count(), 2);
}
