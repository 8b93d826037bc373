//! Roles get cluster shares in the ratio of their weights.

use std::time::{Duration, Instant};

use apportion_cluster_tests::{WITHIN, list, master, subscribe};
use apportion_rig::{Framework, Master, TaskSpec};
use serde_json::json;

/// A slot of an agent: a task takes one, an agent of [`AGENT`] has four. All kinds run out together, so that the
/// dominant share is always the share of slots.
fn slot(id: &str) -> TaskSpec {
    TaskSpec::new(id, "sleep 600").cpus(1.0).mem_mb(64.0).disk_mb(1.0)
}

const AGENT: &str = "cpus:4;mem:256;disk:4;ports:[31000-31003]";
const AGENTS: usize = 3;
const SLOTS: usize = 12;

/// A framework that takes one slot of every offer and wants the rest again at once, so that the allocator decides
/// about every slot.
struct Greedy {
    framework: Framework,
    launched: usize,
}

impl Greedy {
    fn subscribe(master: &Master, name: &str, role: &str) -> Greedy {
        Greedy { framework: subscribe(master.address(), name, &[role]), launched: 0 }
    }

    fn take_what_is_offered(&mut self) {
        for offer in self.framework.offers_during(Duration::from_millis(20)).unwrap() {
            if offer.scalar("cpus") < 1.0 {
                self.framework.decline(&[offer], Some(0.0)).unwrap();
                continue;
            }
            self.launched += 1;
            let task = slot(&format!("{}-{}", self.framework.name(), self.launched));
            self.framework.launch(&offer, &[task], Some(0.0)).unwrap();
        }
    }
}

/// Slots each framework uses, by its name, in the order asked for.
fn used<const N: usize>(master: &Master, names: [&str; N]) -> [usize; N] {
    let state = master.state().unwrap();
    names.map(|name| {
        let entry =
            list(&state["frameworks"]).iter().find(|entry| entry["name"] == name).expect("a framework");
        let cpus = entry["used_resources"]["cpus"].as_f64().expect("cpus");
        (0..=SLOTS).find(|slots| cpus == f64::from(u32::try_from(*slots).unwrap())).expect("whole cpus")
    })
}

/// Lets the frameworks take offers until they use all slots; what each uses then.
fn fill<const N: usize>(master: &Master, mut frameworks: [&mut Greedy; N]) -> [usize; N] {
    let started = Instant::now();
    loop {
        for framework in &mut frameworks {
            framework.take_what_is_offered();
        }
        let now = used(master, frameworks.each_ref().map(|greedy| greedy.framework.name()));
        if now.iter().sum::<usize>() == SLOTS {
            return now;
        }
        assert!(started.elapsed() < WITHIN, "the cluster is not filled: {now:?} of {SLOTS} slots");
    }
}

/// Whether two counts differ by one task at most.
fn within_one_task(found: usize, expected: usize) -> bool {
    found.abs_diff(expected) <= 1
}

#[test]
fn roles_with_weights_one_and_two_converge_to_that_share() {
    let master =
        master(&[]).agents(AGENTS).resources(AGENT).flag("weights", "single=1,double=2").start().unwrap();
    let mut single = Greedy::subscribe(&master, "one", "single");
    let mut double = Greedy::subscribe(&master, "two", "double");
    let [one, two] = fill(&master, [&mut single, &mut double]);
    assert!(within_one_task(one, 4) && within_one_task(two, 8), "1:2 of 12 slots, found {one}:{two}");
}

#[test]
fn frameworks_of_one_role_share_its_part_equally() {
    let master =
        master(&[]).agents(AGENTS).resources(AGENT).flag("weights", "single=1,double=2").start().unwrap();
    let mut alone = Greedy::subscribe(&master, "alone", "single");
    let mut first = Greedy::subscribe(&master, "first", "double");
    let mut second = Greedy::subscribe(&master, "second", "double");
    let found = fill(&master, [&mut alone, &mut first, &mut second]);
    assert!(found.iter().all(|slots| within_one_task(*slots, 4)), "4:4:4 of 12 slots, found {found:?}");
}

#[test]
fn cluster_held_by_one_role_moves_to_its_share_as_its_tasks_end() {
    let master = master(&[]).agents(AGENTS).resources(AGENT).start().unwrap();
    let mut early = Greedy::subscribe(&master, "early", "single");
    assert_eq!(fill(&master, [&mut early]), [SLOTS]);

    let weights = json!([{"role": "single", "weight": 1.0}, {"role": "double", "weight": 2.0}]);
    master.call(&json!({"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": weights}})).unwrap();
    let mut late = Greedy::subscribe(&master, "late", "double");
    // Ten tasks of the early framework end: eight slots are to move, the others to come back to it.
    for ended in 1..=10 {
        early.framework.kill(&format!("early-{ended}"), Some(Duration::ZERO)).unwrap();
        let task = format!("early-{ended}");
        early.framework.wait_status(&task, apportion_rig::TaskState::Killed, WITHIN).unwrap();
        fill(&master, [&mut early, &mut late]);
    }
    let [early, late] = used(&master, ["early", "late"]);
    assert!(within_one_task(early, 4) && within_one_task(late, 8), "1:2 of 12 slots, found {early}:{late}");
}
