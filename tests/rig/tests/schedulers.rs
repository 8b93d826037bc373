//! What tests of schedulers need, shown with a real master and the built-in allocator: slow decisions, revocable
//! resources, several offers and tasks in one call, executors that tasks share, many frameworks at once.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use apportion_rig::{
    Framework, FrameworkSpec, Master, Offer, Rig, RigError, SimulatedAgents, SimulatedSpec, TaskSpec,
    TaskState,
};
use serde_json::Value;

const WITHIN: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(50);
/// Cpus of a simulated agent.
const CPUS: f64 = 8.0;
/// Cpus it lends besides, in tests that want some.
const LENT_CPUS: f64 = 3.0;

fn rig() -> Rig {
    Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared")
}

fn simulated_agents(master: &Master, agents: usize) -> SimulatedAgents {
    let spec = SimulatedSpec { agents, cpus: CPUS, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).expect("agents");
    agents.wait_until_registered(WITHIN).expect("registered agents");
    agents
}

/// A framework that takes revocable resources.
fn borrower(name: &str) -> FrameworkSpec {
    FrameworkSpec::new(name).capabilities(&["REVOCABLE_RESOURCES", "PARTITION_AWARE"])
}

fn first_offer(framework: &mut Framework) -> Offer {
    framework.next_offers(WITHIN).expect("an offer").remove(0)
}

/// What tasks of a framework take of a resource of an agent, as the master counts it.
fn used(master: &Master, framework: &str, resource: &str) -> f64 {
    let state = master.state().expect("the master's state");
    let of_framework = |candidate: &&Value| candidate["name"] == framework;
    let found =
        state["frameworks"].as_array().and_then(|all| all.iter().find(of_framework)).expect("the framework");
    found["used_resources"][resource].as_f64().unwrap_or_default()
}

/// Offers of the regular and of the lent cpus of the only agent, in two parts.
fn offers_of_both_sorts(framework: &mut Framework, agents: &SimulatedAgents) -> [Offer; 2] {
    let regular = first_offer(framework);
    agents.lend_cpus(LENT_CPUS);
    [regular, first_offer(framework)]
}

#[test]
fn framework_in_several_roles_tells_the_revocable_part_of_an_offer() {
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).start().unwrap();
    let agents = simulated_agents(&master, 1);
    agents.lend_cpus(LENT_CPUS);
    master.wait_for_log("oversubscribed", WITHIN).unwrap();

    let mut plain = Framework::subscribe(master.address(), FrameworkSpec::new("plain")).unwrap();
    let offer = first_offer(&mut plain);
    assert_eq!((offer.regular_scalar("cpus"), offer.revocable_scalar("cpus")), (CPUS, 0.0));
    plain.teardown().unwrap();

    let roles = ["batch/day", "batch/night"];
    let mut framework = Framework::subscribe(master.address(), borrower("both").roles(&roles)).unwrap();
    let offer = first_offer(&mut framework);
    assert_eq!((offer.regular_scalar("cpus"), offer.revocable_scalar("cpus")), (CPUS, LENT_CPUS));
    assert_eq!(offer.scalar("cpus"), CPUS + LENT_CPUS);
    let state = master.state().unwrap();
    let info = &state["frameworks"][0];
    assert_eq!(info["roles"], serde_json::json!(roles));
    let capabilities = info["capabilities"].as_array().unwrap();
    for wanted in ["MULTI_ROLE", "REVOCABLE_RESOURCES", "PARTITION_AWARE"] {
        assert!(capabilities.iter().any(|capability| capability == wanted), "{wanted}: {capabilities:?}");
    }

    framework.suppress(&[offer.role.as_deref().unwrap()]).unwrap();
    framework.decline(std::slice::from_ref(&offer), Some(0.0)).unwrap();
    let other = first_offer(&mut framework);
    assert_ne!(other.role, offer.role, "the suppressed role gets nothing, the other everything");
}

#[test]
fn one_call_takes_two_offers_of_an_agent_for_a_regular_and_a_lent_task() {
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).start().unwrap();
    let agents = simulated_agents(&master, 1);
    let mut framework = Framework::subscribe(master.address(), borrower("both")).unwrap();
    let offers = offers_of_both_sorts(&mut framework, &agents);
    assert_eq!((offers[0].regular_scalar("cpus"), offers[0].revocable_scalar("cpus")), (CPUS, 0.0));
    assert_eq!((offers[1].regular_scalar("cpus"), offers[1].revocable_scalar("cpus")), (0.0, LENT_CPUS));

    let tasks = [
        TaskSpec::new("regular", "never run").cpus(CPUS),
        TaskSpec::new("lent", "never run").cpus(LENT_CPUS).revocable(&["cpus"]),
    ];
    framework.launch_on_all(&offers, &tasks, Some(3600.0)).unwrap();
    for task in ["regular", "lent"] {
        framework.wait_status(task, TaskState::Running, WITHIN).unwrap();
        let ended = framework.wait_for_end(task, WITHIN).unwrap();
        assert_eq!((ended.state, ended.source.as_deref()), (TaskState::Finished, Some("SOURCE_AGENT")));
    }
}

#[test]
fn task_and_its_executor_take_the_same_resources_from_the_revocable_part() {
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).start().unwrap();
    let agents = simulated_agents(&master, 1);
    let mut framework = Framework::subscribe(master.address(), borrower("both")).unwrap();
    let offers = offers_of_both_sorts(&mut framework, &agents);
    let task = TaskSpec::new("lent", "never run").cpus(1.0).revocable(&["cpus"]);
    let task = task.custom_executor("own", rig.executor());
    framework.launch_on_all(&offers, &[task], Some(3600.0)).unwrap();
    framework.wait_for_end("lent", WITHIN).unwrap();
    // The simulated agent never ends an executor.
    assert_eq!((used(&master, "both", "cpus"), used(&master, "both", "cpus_revocable")), (0.0, 0.1));
}

#[test]
fn what_is_taken_beyond_a_part_of_the_offer_is_told_by_the_master() {
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).start().unwrap();
    let agents = simulated_agents(&master, 1);
    let mut framework = Framework::subscribe(master.address(), borrower("greedy")).unwrap();
    let offers = offers_of_both_sorts(&mut framework, &agents);
    // The regular part would do.
    let task = TaskSpec::new("much", "never run").cpus(LENT_CPUS + 1.0).revocable(&["cpus"]);
    framework.launch_on_all(&offers, &[task, TaskSpec::new("modest", "never run")], None).unwrap();
    let status = framework.wait_for_end("much", WITHIN).unwrap();
    assert_eq!(status.state, TaskState::Error);
    assert_eq!(status.reason.as_deref(), Some("REASON_TASK_INVALID"));
    assert_eq!(status.source.as_deref(), Some("SOURCE_MASTER"));
    assert!(status.text.contains("more than available"), "{}", status.text);
    assert_eq!(framework.statuses("much").len(), 1);
    framework.wait_status("modest", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn offers_of_two_agents_are_not_accepted_together() {
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).start().unwrap();
    let _agents = simulated_agents(&master, 2);
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("confused")).unwrap();
    let mut offers = framework.next_offers(WITHIN).unwrap();
    while offers.len() < 2 {
        offers.extend(framework.next_offers(WITHIN).unwrap());
    }
    let task = [TaskSpec::new("nowhere", "never run")];
    for wrong in [&offers[..], &[]] {
        let refused = framework.launch_on_all(wrong, &task, None);
        assert!(matches!(refused, Err(RigError::Setting { setting: "offers", .. })), "{refused:?}");
    }
    framework.launch(&offers[0], &task, None).unwrap();
    framework.wait_status("nowhere", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn tasks_of_one_call_and_of_a_later_one_share_an_executor() {
    let rig = rig();
    let master = rig.master().agents(1).allocation_interval(INTERVAL).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("sharing")).unwrap();
    let shared = |task: &str, command: &str| {
        TaskSpec::new(task, &format!("echo {task}; {command}")).custom_executor("own", rig.executor())
    };
    let offer = first_offer(&mut framework);
    let until_told = "while [ ! -e go ]; do sleep 0.05; done";
    let alone = TaskSpec::new("alone", "sleep 60");
    framework
        .launch(&offer, &[shared("first", until_told), shared("second", until_told), alone], Some(0.0))
        .unwrap();
    for task in ["first", "second", "alone"] {
        framework.wait_status(task, TaskState::Running, WITHIN).unwrap();
    }
    let offer = first_offer(&mut framework);
    framework.launch(&offer, &[shared("third", until_told)], Some(0.0)).unwrap();
    framework.wait_status("third", TaskState::Running, WITHIN).unwrap();

    let sandbox = master.sandbox(framework.id(), "own").unwrap();
    assert_ne!(master.sandbox(framework.id(), "alone").unwrap(), sandbox);
    fs::write(sandbox.join("go"), "").unwrap();
    for task in ["first", "second", "third"] {
        let ended = framework.wait_for_end(task, WITHIN).unwrap();
        assert_eq!((ended.state, ended.source.as_deref()), (TaskState::Finished, Some("SOURCE_EXECUTOR")));
    }
    let printed = fs::read_to_string(sandbox.join("stdout")).unwrap();
    assert_eq!(printed.lines().collect::<HashSet<_>>(), HashSet::from(["first", "second", "third"]));
    framework.teardown().unwrap();
}

#[test]
fn task_group_starts_in_the_executor_of_its_first_task() {
    let rig = rig();
    let master = rig.master().agents(1).allocation_interval(INTERVAL).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("gang")).unwrap();
    let offer = first_offer(&mut framework);
    let tasks = [
        TaskSpec::new("left", "echo left").custom_executor("own", rig.executor()),
        TaskSpec::new("right", "echo right"),
    ];
    let without = framework.launch_group(std::slice::from_ref(&offer), &tasks[1..], None);
    assert!(matches!(without, Err(RigError::Setting { setting: "tasks", .. })), "{without:?}");
    framework.launch_group(&[offer], &tasks, None).unwrap();
    for task in ["left", "right"] {
        framework.wait_status(task, TaskState::Finished, WITHIN).unwrap();
    }
    let printed = fs::read_to_string(master.sandbox(framework.id(), "own").unwrap().join("stdout")).unwrap();
    assert_eq!(printed.lines().collect::<HashSet<_>>(), HashSet::from(["left", "right"]));
}

#[test]
fn one_task_of_a_group_that_is_refused_takes_the_others_with_it() {
    let rig = rig();
    let master = rig.master().agents(1).allocation_interval(INTERVAL).start().unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("gang")).unwrap();
    let offer = first_offer(&mut framework);
    let tasks = [
        TaskSpec::new("modest", "true").custom_executor("own", rig.executor()),
        TaskSpec::new("much", "true").cpus(1000.0),
    ];
    framework.launch_group(&[offer], &tasks, None).unwrap();
    for task in ["modest", "much"] {
        let status = framework.wait_for_end(task, WITHIN).unwrap();
        assert_eq!(status.state, TaskState::Error, "{}", status.text);
        assert_eq!(status.source.as_deref(), Some("SOURCE_MASTER"));
        assert!(status.text.contains("more than available"), "{}", status.text);
    }
}

#[test]
fn offer_that_is_taken_back_is_not_thought_over_to_the_end() {
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).start().unwrap();
    let agents = simulated_agents(&master, 1);
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("slow")).unwrap();
    let thinking = Duration::from_millis(600);
    let offers = framework.offers_thought_over(thinking, WITHIN).unwrap();
    assert!(offers[0].held_for() >= thinking, "{:?}", offers[0].held_for());
    framework.decline(&offers, Some(0.0)).unwrap();

    // The next one is at hand, and lost before it is thought over.
    let too_short = framework.offers_thought_over(Duration::from_secs(60), Duration::from_millis(500));
    assert!(matches!(too_short, Err(RigError::Deadline { .. })), "{too_short:?}");
    agents.disconnect();
    master.wait_for_agents(0, WITHIN).unwrap();
    let lost = framework.offers_thought_over(thinking, Duration::from_secs(2));
    assert!(matches!(lost, Err(RigError::Deadline { .. })), "{lost:?}");
    agents.reconnect();
    framework.offers_thought_over(thinking, WITHIN).unwrap();
}

#[test]
fn one_of_twenty_frameworks_thinks_long_and_holds_up_nobody_else() {
    const FRAMEWORKS: usize = 20;
    let rig = rig();
    let master = rig.master().allocation_interval(INTERVAL).logging_level("WARNING").start().unwrap();
    let specs = (0..FRAMEWORKS).map(|number| FrameworkSpec::new(&format!("f{number}")));
    let mut frameworks = Framework::subscribe_all(master.address(), specs).unwrap();
    // Everybody is there when the agents come, so that everybody is offered one.
    let _agents = simulated_agents(&master, FRAMEWORKS);

    let thinking = Duration::from_secs(4);
    let started = Instant::now();
    let ran = Framework::side_by_side(&mut frameworks, |framework| {
        let is_slow = framework.name() == "f7";
        let (own_thinking, task) = if is_slow { (thinking, "slow") } else { (Duration::ZERO, "quick") };
        let offers = framework.offers_thought_over(own_thinking, WITHIN).unwrap();
        framework.launch(&offers[0], &[TaskSpec::new(task, "never run")], None).unwrap();
        framework.wait_for_end(task, WITHIN).unwrap();
        (is_slow, started.elapsed())
    });
    assert_eq!(ran.len(), FRAMEWORKS);
    assert_eq!(
        ran.iter().position(|(is_slow, _)| *is_slow),
        Some(7),
        "outcomes are in the frameworks' order"
    );
    for (is_slow, elapsed) in ran {
        assert_eq!(elapsed >= thinking, is_slow, "{elapsed:?}");
    }
}
