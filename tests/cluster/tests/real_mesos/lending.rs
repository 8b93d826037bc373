//! Idle capacity offered to many at once: the first launch wins, and the owner always wins.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use apportion_cluster_tests::{
    ALLOCATOR, HOOK, QOS_CONTROLLER, UNTIL_TOLD, WITHIN, agent, master, modules_named, rig, subscribe,
};
use apportion_rig::{Agent, Framework, FrameworkSpec, Master, Offer, TaskSpec, TaskState, TaskStatus};
use tempfile::TempDir;

pub(crate) const AGENT_RESOURCES: &str = "cpus:4;mem:1024;disk:1024;ports:[31000-31009]";

/// `prod` lends what it is offered and does not use, and what is reserved to it.
pub(crate) const RULES: &str = r#"
[lending]
fan_out = 3
min_idle = "0s"

[[lending.lenders]]
roles = ["prod", "prod/**"]
lend = ["offered", "reserved"]

[[lending.borrowers]]
roles = ["batch", "batch/**"]

[[lending.borrowers]]
roles = "night"
priority = 10

[eviction]
check_every = "1s"
"#;

/// A master and an agent that lend by [`RULES`].
pub(crate) struct Cluster {
    pub(crate) master: Master,
    agent: Agent,
    _folder: TempDir,
}

fn config(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn cluster() -> Cluster {
    Cluster::that_lends(RULES, AGENT_RESOURCES)
}

impl Cluster {
    pub(crate) fn that_lends(rules: &str, resources: &str) -> Cluster {
        let (folder, file) = config(rules);
        let parameters = [("config", file.to_str().unwrap())];
        let master = master(&parameters).start().unwrap();
        let agent = agent(master.address(), &parameters).resources(resources).start().unwrap();
        Cluster { master, agent, _folder: folder }
    }

    /// A framework of a lender that holds the regular offer of the only agent.
    pub(crate) fn owner(&self) -> (Framework, Offer) {
        let mut owner = subscribe(self.master.address(), "owner", &["prod"]);
        let offer = owner.next_offers(WITHIN).unwrap().remove(0);
        assert_eq!((offer.regular_scalar("cpus"), offer.revocable_scalar("cpus")), (4.0, 0.0));
        (owner, offer)
    }

    pub(crate) fn borrower(&self, name: &str, role: &str) -> Framework {
        let spec = FrameworkSpec::new(name).roles(&[role]).capabilities(&["REVOCABLE_RESOURCES"]);
        Framework::subscribe(self.master.address(), spec).unwrap()
    }

    pub(crate) fn require_health(&mut self) {
        assert_eq!(self.master.state().unwrap()["activated_slaves"], 1.0);
        assert!(self.agent.state().is_ok());
    }
}

/// The next offer of a framework; all of it is lent.
pub(crate) fn lent_offer(framework: &mut Framework) -> Offer {
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    assert_eq!(offer.regular_scalar("cpus"), 0.0, "{offer:?}");
    assert!(offer.revocable_scalar("cpus") > 0.0, "{offer:?}");
    offer
}

pub(crate) fn lent(id: &str, cpus: f64) -> TaskSpec {
    TaskSpec::new(id, UNTIL_TOLD).cpus(cpus).mem_mb(64.0).revocable(&["cpus", "mem"])
}

pub(crate) fn regular(id: &str, cpus: f64) -> TaskSpec {
    TaskSpec::new(id, UNTIL_TOLD).cpus(cpus).mem_mb(64.0)
}

pub(crate) fn ended(framework: &mut Framework, task: &str) -> TaskStatus {
    framework.wait_for_end(task, WITHIN).unwrap()
}

#[test]
fn two_hold_the_same_capacity_and_the_first_launch_wins() {
    let mut cluster = cluster();
    let _owner = cluster.owner();
    let mut first = cluster.borrower("first", "batch");
    let mut second = cluster.borrower("second", "batch/b");
    let offers = [lent_offer(&mut first), lent_offer(&mut second)];
    for offer in &offers {
        assert_eq!((offer.revocable_scalar("cpus"), offer.revocable_scalar("mem")), (4.0, 1024.0));
    }
    first.launch(&offers[0], &[lent("won", 3.0)], Some(0.0)).unwrap();
    first.wait_status("won", TaskState::Running, WITHIN).unwrap();
    // With the filter that every call has unless it says otherwise.
    second.launch(&offers[1], &[lent("lost", 2.0)], None).unwrap();
    let lost = ended(&mut second, "lost");
    assert_eq!(
        (lost.state, lost.source.as_deref()),
        (TaskState::Error, Some("SOURCE_MASTER")),
        "{}",
        lost.text
    );
    assert!(
        lost.text.contains('2') && lost.text.contains('1'),
        "what it asked for and what was left: {}",
        lost.text
    );
    for name in ["first", "won", "prod"] {
        assert!(!lost.text.contains(name), "nobody is named: {}", lost.text);
    }
    let corrected = lent_offer(&mut second);
    assert_eq!(corrected.revocable_scalar("cpus"), 1.0);
    second.launch(&corrected, &[lent("fits", 1.0)], None).unwrap();
    second.wait_status("fits", TaskState::Running, WITHIN).unwrap();
    cluster.require_health();
}

#[test]
fn an_owner_that_launches_gets_what_it_lent_and_only_as_many_borrowers_go_as_must() {
    let mut cluster = cluster();
    let (mut owner, offer) = cluster.owner();
    let mut borrower = cluster.borrower("borrower", "batch");
    let loan = lent_offer(&mut borrower);
    borrower.launch(&loan, &[lent("older", 2.0), lent("newer", 1.0)], Some(600.0)).unwrap();
    for task in ["older", "newer"] {
        borrower.wait_status(task, TaskState::Running, WITHIN).unwrap();
    }
    owner.launch(&offer, &[regular("own", 2.0)], Some(600.0)).unwrap();
    owner.wait_status("own", TaskState::Running, WITHIN).unwrap();
    let evicted = ended(&mut borrower, "newer");
    assert_eq!(evicted.reason.as_deref(), Some("REASON_CONTAINER_PREEMPTED"), "{evicted:?}");
    assert!(borrower.statuses("older").iter().all(|status| !status.state.is_terminal()));
    cluster.require_health();
}

#[test]
fn a_borrower_of_higher_priority_takes_what_one_of_lower_borrowed() {
    let mut cluster = cluster();
    let _owner = cluster.owner();
    let mut low = cluster.borrower("low", "batch");
    let loan = lent_offer(&mut low);
    low.launch(&loan, &[lent("low", 4.0)], Some(600.0)).unwrap();
    low.wait_status("low", TaskState::Running, WITHIN).unwrap();
    let mut high = cluster.borrower("high", "night");
    let loan = lent_offer(&mut high);
    assert_eq!(loan.revocable_scalar("cpus"), 4.0);
    high.launch(&loan, &[lent("high", 3.0)], Some(600.0)).unwrap();
    high.wait_status("high", TaskState::Running, WITHIN).unwrap();
    let evicted = ended(&mut low, "low");
    assert_eq!(evicted.reason.as_deref(), Some("REASON_CONTAINER_PREEMPTED"), "{evicted:?}");
    cluster.require_health();
}

#[test]
fn tasks_of_one_accept_are_admitted_one_by_one_or_as_a_gang_all_or_none() {
    let mut cluster = cluster();
    let _owner = cluster.owner();
    let mut first = cluster.borrower("first", "batch");
    let mut second = cluster.borrower("second", "batch");
    let mut third = cluster.borrower("third", "batch");
    let offers = [&mut first, &mut second, &mut third].map(lent_offer);
    first.launch(&offers[0], &[lent("won", 2.0)], Some(600.0)).unwrap();
    first.wait_status("won", TaskState::Running, WITHIN).unwrap();
    let gang = ["g1", "g2", "g3"].map(|id| lent(id, 1.0).label("apportion_gang", "g:3"));
    second.launch(&offers[1], &gang, Some(600.0)).unwrap();
    for task in ["g1", "g2", "g3"] {
        assert_eq!(ended(&mut second, task).state, TaskState::Error);
    }
    third.launch(&offers[2], &["t1", "t2", "t3"].map(|id| lent(id, 1.0)), Some(600.0)).unwrap();
    for task in ["t1", "t2"] {
        third.wait_status(task, TaskState::Running, WITHIN).unwrap();
    }
    assert_eq!(ended(&mut third, "t3").state, TaskState::Error);
    cluster.require_health();
}

#[test]
fn a_launch_that_the_master_finds_invalid_leaves_no_claim() {
    let mut cluster = cluster();
    let _owner = cluster.owner();
    let mut first = cluster.borrower("first", "batch");
    let mut second = cluster.borrower("second", "batch");
    let offers = [lent_offer(&mut first), lent_offer(&mut second)];
    let wrong = TaskSpec::new("wrong", "true").cpus(4.0).revocable(&["cpus"]).field(
        "command",
        serde_json::json!({
            "value": "true", "user": 7
        }),
    );
    let _ = first.launch(&offers[0], &[wrong, lent("more than offered", 5.0)], Some(600.0));
    second.launch(&offers[1], &[lent("all", 4.0)], Some(600.0)).unwrap();
    second.wait_status("all", TaskState::Running, WITHIN).unwrap();
    cluster.require_health();
}

#[test]
fn nothing_is_lent_of_an_agent_without_the_qos_controller() {
    let (_folder, file) = config(RULES);
    let parameters = [("config", file.to_str().unwrap())];
    let master = master(&parameters).start().unwrap();
    let modules = modules_named(&[HOOK], &parameters);
    let _agent = rig()
        .agent(master.address())
        .modules(modules)
        .hooks(&[HOOK])
        .resources(AGENT_RESOURCES)
        .start()
        .unwrap();
    let mut owner = subscribe(master.address(), "owner", &["prod"]);
    let _offer = owner.next_offers(WITHIN).unwrap();
    let spec = FrameworkSpec::new("b").roles(&["batch"]).capabilities(&["REVOCABLE_RESOURCES"]);
    let mut borrower = Framework::subscribe(master.address(), spec).unwrap();
    assert!(borrower.offers_during(Duration::from_secs(2)).unwrap().is_empty());
}

#[test]
fn an_agent_that_can_evict_says_so_and_nobody_can_pretend() {
    let (_folder, file) = config(RULES);
    let parameters = [("config", file.to_str().unwrap())];
    let master = master(&parameters).start().unwrap();
    let with = agent(master.address(), &parameters).start().unwrap();
    let attributes = |agent: &Agent| agent.state().unwrap()["attributes"].clone();
    assert_eq!(attributes(&with)["apportion_reclaim"], "v1");
    let modules = modules_named(&[HOOK], &parameters);
    let pretends = rig()
        .agent(master.address())
        .modules(modules)
        .hooks(&[HOOK])
        .attributes("apportion_reclaim:v1")
        .start()
        .unwrap();
    assert!(attributes(&pretends).get("apportion_reclaim").is_none(), "{}", attributes(&pretends));
}

#[test]
fn a_master_without_our_hook_does_not_start_lending() {
    let (_folder, file) = config(RULES);
    let parameters = [("config", file.to_str().unwrap())];
    let modules = modules_named(&[ALLOCATOR, QOS_CONTROLLER], &parameters);
    let refused = rig().master().modules(modules).allocator(ALLOCATOR).start();
    let Err(refused) = refused else { panic!("the master started") };
    let told = refused.to_string();
    assert!(told.contains(HOOK), "it names what is missing: {told}");
}
