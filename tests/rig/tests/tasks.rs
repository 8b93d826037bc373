//! Tasks run on a real master and agent with the built-in allocator.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use apportion_rig::{Framework, FrameworkSpec, Offer, Rig, TaskSpec, TaskState};

const WITHIN: Duration = Duration::from_secs(20);

fn rig() -> Rig {
    Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared")
}

fn first_offer(framework: &mut Framework) -> Offer {
    framework.next_offers(WITHIN).expect("an offer").remove(0)
}

fn variable<'a>(environment: &'a str, name: &str) -> Option<&'a str> {
    environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// Waits for a file that a task writes.
fn wait_for_file(path: &Path) -> String {
    let started = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ => assert!(started.elapsed() < WITHIN, "{} was not written", path.display()),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn command_task_runs_from_offer_to_finished_with_its_own_variables() {
    let rig = rig();
    let master = rig.master().agents(1).resources("cpus:2;mem:512").attributes("rack:a").start().unwrap();
    let spec = FrameworkSpec::new("shell").roles(&["ops"]).labels(&[("team", "ops")]);
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();

    let offer = first_offer(&mut framework);
    assert_eq!(offer.scalar("cpus"), 2.0);
    assert_eq!(offer.attribute("rack"), Some("a"));
    assert_eq!(offer.role.as_deref(), Some("ops"));

    let task = TaskSpec::new("print", "env").variable("COLOUR", "blue green").label("tier", "front");
    framework.launch(&offer, &[task], None).unwrap();
    for state in [TaskState::Starting, TaskState::Running, TaskState::Finished] {
        framework.wait_status("print", state, WITHIN).unwrap();
    }
    let sandbox = master.sandbox(framework.id(), "print").unwrap();
    let environment = fs::read_to_string(sandbox.join("stdout")).unwrap();
    assert_eq!(variable(&environment, "COLOUR"), Some("blue green"), "{environment}");
    assert_eq!(variable(&environment, "MESOS_FRAMEWORK_ID"), Some(framework.id()), "{environment}");

    let state = master.state().unwrap();
    assert_eq!(state["frameworks"][0]["completed_tasks"][0]["labels"][0]["value"], "front");
    framework.teardown().unwrap();
}

#[test]
fn task_with_a_custom_executor_fails_with_its_exit_code() {
    let rig = rig();
    let master = rig.master().agents(1).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("custom")).unwrap();
    let offer = first_offer(&mut framework);
    let task = TaskSpec::new("three", "echo $NUMBER >&2; exit 3")
        .variable("NUMBER", "three")
        .custom_executor("own", rig.executor());
    framework.launch(&offer, &[task], None).unwrap();
    let status = framework.wait_status("three", TaskState::Failed, WITHIN).unwrap();
    assert_eq!(status.text, "Command exited with status 3");
    let sandbox = master.sandbox(framework.id(), "own").unwrap();
    assert!(fs::read_to_string(sandbox.join("stderr")).unwrap().contains("three\n"));
}

#[test]
fn staying_executor_runs_a_later_task_in_the_same_container() {
    let rig = rig();
    let master = rig.master().agents(1).allocation_interval(Duration::from_millis(50)).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("staying")).unwrap();
    let mut sandboxes = Vec::new();
    for task in ["first", "second"] {
        let offer = first_offer(&mut framework);
        let spec = TaskSpec::new(task, &format!("echo {task}")).staying_executor("own", rig.executor());
        framework.launch(&offer, &[spec], Some(0.0)).unwrap();
        framework.wait_status(task, TaskState::Finished, WITHIN).unwrap();
        sandboxes.push(master.sandbox(framework.id(), "own").unwrap());
    }
    assert_eq!(sandboxes[0], sandboxes[1]);
    assert_eq!(fs::read_to_string(sandboxes[0].join("stdout")).unwrap(), "first\nsecond\n");
    framework.teardown().unwrap();
}

#[test]
fn task_that_ignores_sigterm_is_killed_after_its_grace_period() {
    let rig = rig();
    let master = rig.master().agents(1).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("stubborn")).unwrap();
    let offer = first_offer(&mut framework);
    let polite = TaskSpec::new("polite", "trap 'echo bye; exit 0' TERM; echo up > up; sleep 60 & wait");
    let stubborn = TaskSpec::new("stubborn", "trap '' TERM; echo up > up; while :; do sleep 1; done");
    framework.launch(&offer, &[polite, stubborn], None).unwrap();
    for task in ["polite", "stubborn"] {
        framework.wait_status(task, TaskState::Running, WITHIN).unwrap();
        wait_for_file(&master.sandbox(framework.id(), task).unwrap().join("up"));
    }

    let started = Instant::now();
    framework.kill("polite", Some(Duration::from_secs(30))).unwrap();
    framework.wait_status("polite", TaskState::Killed, WITHIN).unwrap();
    framework.kill("stubborn", Some(Duration::from_millis(300))).unwrap();
    let status = framework.wait_status("stubborn", TaskState::Killed, WITHIN).unwrap();
    assert_eq!(status.text, "Command terminated with signal 9");
    assert!(started.elapsed() > Duration::from_millis(300));
}

#[test]
fn declined_resources_come_back_after_refuse_seconds_and_not_before() {
    let rig = rig();
    let master = rig.master().agents(1).allocation_interval(Duration::from_millis(50)).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("choosy")).unwrap();
    let offers = framework.next_offers(WITHIN).unwrap();
    let declined = Instant::now();
    framework.decline(&offers, Some(2.0)).unwrap();
    assert!(framework.offers_during(Duration::from_millis(1500)).unwrap().is_empty());
    framework.next_offers(WITHIN).unwrap();
    assert!(declined.elapsed() >= Duration::from_secs(2));
}

#[test]
fn suppressed_framework_gets_offers_again_when_it_revives() {
    let rig = rig();
    let master = rig.master().agents(1).allocation_interval(Duration::from_millis(50)).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("moody")).unwrap();
    let offers = framework.next_offers(WITHIN).unwrap();
    framework.suppress(&[]).unwrap();
    framework.decline(&offers, Some(0.0)).unwrap();
    assert!(framework.offers_during(Duration::from_millis(500)).unwrap().is_empty());
    framework.revive(&[]).unwrap();
    framework.next_offers(Duration::from_secs(2)).unwrap();
}

#[test]
fn agents_of_their_own_have_their_own_attributes_and_tasks() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let agents = ["a", "b"].map(|rack| {
        rig.agent(master.address()).name(rack).attributes(&format!("rack:{rack}")).start().unwrap()
    });
    master.wait_for_agents(2, WITHIN).unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("two")).unwrap();
    let mut racks = Vec::new();
    while racks.len() < 2 {
        for offer in framework.next_offers(WITHIN).unwrap() {
            let rack = offer.attribute("rack").expect("every agent has a rack").to_owned();
            framework.launch(&offer, &[TaskSpec::new(&rack, &format!("echo {rack}"))], Some(60.0)).unwrap();
            racks.push(rack);
        }
    }
    for (agent, rack) in agents.iter().zip(["a", "b"]) {
        framework.wait_status(rack, TaskState::Finished, WITHIN).unwrap();
        let sandbox = agent.sandbox(framework.id(), rack).unwrap();
        assert_eq!(fs::read_to_string(sandbox.join("stdout")).unwrap(), format!("{rack}\n"));
    }
}
