//! Master and agent with the library's four modules, inside the machine.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{
    ALLOCATOR, HOOK, ISOLATOR, QOS_CONTROLLER, agent, library, master, only_offer, subscribe,
};
use apportion_machine::{Scenario, inside};
use apportion_rig::{TaskSpec, TaskState};

use crate::machine;

/// Where the library is in the machine.
const LIBRARY: &str = "/lib/libapportion.so";
/// Time for a start, with software emulation on a loaded machine.
const WITHIN: Duration = Duration::from_secs(90);

#[test]
fn agent_with_the_four_modules_registers_and_runs_a_task() {
    if !inside() {
        let scenario = Scenario::this_test("mesos::agent_with_the_four_modules_registers_and_runs_a_task")
            .unwrap()
            .file(LIBRARY, &library())
            .variable("APPORTION_LIBRARY", LIBRARY)
            .within(4 * WITHIN);
        let outcome = machine().run(&scenario).unwrap().require_success().unwrap();
        assert_eq!(outcome.text("task-cgroup").unwrap(), "0::/\n");
        eprintln!(
            "{:?}: files {} MB, program started after {:.1} s, agent registered {:.1} s later, all over after {:.1} s",
            machine().acceleration(),
            outcome.files_bytes / 1_000_000,
            outcome.boot.as_secs_f64(),
            outcome.text("registered").unwrap().parse::<f64>().unwrap(),
            outcome.total.as_secs_f64(),
        );
        return;
    }
    let started = Instant::now();
    let mut master = master(&[]).ready_within(WITHIN).start().unwrap();
    let mut agent = agent(master.address(), &[]).ready_within(WITHIN).start().unwrap();
    fs::write("/results/registered", started.elapsed().as_secs_f64().to_string()).unwrap();

    let modules = agent.state().unwrap()["flags"].clone();
    assert_eq!(modules["isolation"], ISOLATOR);
    assert_eq!(modules["qos_controller"], QOS_CONTROLLER);
    assert_eq!(modules["hooks"], HOOK);
    assert_eq!(master.state().unwrap()["flags"]["allocator"], ALLOCATOR);

    let mut framework = subscribe(master.address(), "inside", &["ops"]);
    let offer = only_offer(&mut framework);
    let task = TaskSpec::new("look", "cat /proc/self/cgroup > /results/task-cgroup; echo done");
    framework.launch(&offer, &[task], None).unwrap();
    framework.wait_status("look", TaskState::Finished, WITHIN).unwrap();
    let sandbox = agent.sandbox(framework.id(), "look").unwrap();
    assert!(fs::read_to_string(sandbox.join("stdout")).unwrap().contains("done"));
    framework.teardown().unwrap();
    agent.terminate().unwrap();
    master.terminate().unwrap();
    assert!(Path::new("/sys/fs/cgroup/cgroup.controllers").is_file());
}
