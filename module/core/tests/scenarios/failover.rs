//! A new master learns who uses what from agents and frameworks, in any order: nothing may count twice or get lost.

use std::collections::BTreeMap;

use apportion_core::{
    AgentInfo, Allocated, Allocator, Amount, Event, FrameworkInfo, Holding, Instant, Item, Kind, KindId,
    Options, UsedByFramework, UsedOnAgent,
};
use proptest::prelude::*;

use crate::cluster::{ABLE_AGENT, ABLE_FRAMEWORK};

const AGENTS: [&str; 3] = ["a1", "a2", "a3"];
const FRAMEWORKS: [&str; 3] = ["f1", "f2", "f3"];
const ROLES: [&str; 3] = ["r", "r/s", "t"];

/// Whole cpus in use by (agent, framework, role), as positions in the lists above.
type Tasks = BTreeMap<(usize, usize, usize), u8>;

/// Who registers next: an agent or a framework, by position.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Registration {
    Agent(usize),
    Framework(usize),
}

fn orders() -> impl Strategy<Value = Vec<Registration>> {
    let agents = (0..AGENTS.len()).map(Registration::Agent);
    let all: Vec<Registration> = agents.chain((0..FRAMEWORKS.len()).map(Registration::Framework)).collect();
    Just(all).prop_shuffle()
}

fn tasks() -> impl Strategy<Value = Tasks> {
    prop::collection::btree_map((0..AGENTS.len(), 0..FRAMEWORKS.len(), 0..ROLES.len()), 1..4_u8, 0..12)
}

fn cpus(kind: KindId, count: u8) -> Holding {
    Holding::new([Item::scalar(kind, Amount::whole(i64::from(count)))])
}

/// Registers an agent with everything tasks use there.
fn add_agent(allocator: &mut Allocator, kind: KindId, agent: usize, tasks: &Tasks) {
    let there = tasks.iter().filter(|((at, ..), _)| *at == agent);
    let parts: Vec<_> =
        there.map(|((_, framework, role), count)| (*framework, *role, cpus(kind, *count))).collect();
    let groups: Vec<_> = parts
        .iter()
        .map(|(_, role, resources)| [Allocated { role: Some(ROLES[*role].as_bytes()), resources }])
        .collect();
    let used: Vec<_> = parts
        .iter()
        .zip(&groups)
        .map(|((framework, ..), used)| UsedByFramework { framework: FRAMEWORKS[*framework].as_bytes(), used })
        .collect();
    let event = Event::AddAgent {
        agent: AGENTS[agent].as_bytes(),
        info: AgentInfo::default(),
        capabilities: ABLE_AGENT,
        unavailability: None,
        total: &cpus(kind, 100),
        used: &used,
    };
    allocator.apply(&event, Instant::default()).unwrap();
}

/// Registers a framework with everything its tasks use on the agents known so far, as the master does.
fn add_framework(allocator: &mut Allocator, kind: KindId, framework: usize, tasks: &Tasks, known: &[usize]) {
    let own = tasks.iter().filter(|((agent, of, _), _)| *of == framework && known.contains(agent));
    let parts: Vec<_> = own.map(|((agent, _, role), count)| (*agent, *role, cpus(kind, *count))).collect();
    let groups: Vec<_> = parts
        .iter()
        .map(|(_, role, resources)| [Allocated { role: Some(ROLES[*role].as_bytes()), resources }])
        .collect();
    let used: Vec<_> = parts
        .iter()
        .zip(&groups)
        .map(|((agent, ..), used)| UsedOnAgent { agent: AGENTS[*agent].as_bytes(), used })
        .collect();
    let info = FrameworkInfo { roles: &[b"r"], capabilities: ABLE_FRAMEWORK, ..FrameworkInfo::default() };
    let event =
        Event::AddFramework { framework: FRAMEWORKS[framework].as_bytes(), info, used: &used, active: false };
    allocator.apply(&event, Instant::default()).unwrap();
}

proptest! {
    #[test]
    fn whatever_the_order_of_registration_each_task_counts_once(order in orders(), tasks in tasks()) {
        let mut allocator = Allocator::new();
        let kind = allocator.intern_kind(Kind::scalar(b"cpus")).unwrap();
        allocator.apply(&Event::Initialize { options: &Options::default() }, Instant::default()).unwrap();
        let mut known = Vec::new();
        for registration in order {
            match registration {
                Registration::Agent(agent) => {
                    add_agent(&mut allocator, kind, agent, &tasks);
                    known.push(agent);
                }
                Registration::Framework(framework) => {
                    add_framework(&mut allocator, kind, framework, &tasks, &known);
                }
            }
            allocator.check_all().unwrap();
            for agent in &known {
                let used: u8 = tasks.iter().filter(|((at, ..), _)| at == agent).map(|(_, count)| *count).sum();
                prop_assert_eq!(allocator.available(AGENTS[*agent].as_bytes()), Some(&cpus(kind, 100 - used)));
            }
        }
        // All tasks end; each must be found in use by its framework, exactly once.
        for ((agent, framework, role), count) in &tasks {
            let resources = cpus(kind, *count);
            let group = [Allocated { role: Some(ROLES[*role].as_bytes()), resources: &resources }];
            let event = Event::RecoverResources {
                framework: FRAMEWORKS[*framework].as_bytes(),
                agent: AGENTS[*agent].as_bytes(),
                resources: &group,
                refuse_seconds: None,
                allocated: true,
            };
            allocator.apply(&event, Instant::default()).unwrap();
            allocator.check_all().unwrap();
        }
        for agent in AGENTS {
            prop_assert_eq!(allocator.available(agent.as_bytes()), Some(&cpus(kind, 100)));
        }
    }
}

#[test]
fn what_a_framework_not_yet_added_gives_back_as_unused_is_not_used_when_it_comes() {
    let mut cluster = crate::cluster::Cluster::new();
    cluster.add_agent_using("x", "cpus:4", &[("f", "r", "cpus:3")]);
    cluster.give_back(("f", "r", "x"), "cpus:2");
    assert_eq!(cluster.available("x"), "cpus:3");
    cluster.add_framework_using("f", &["r"], &[("x", "r", "cpus:1")]);
    cluster.end_task(("f", "r", "x"), "cpus:1");
}

#[test]
fn what_tasks_used_and_comes_back_as_unused_is_used_no_more() {
    let mut cluster = crate::cluster::Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offers = cluster.add_agent("x", "cpus:4");
    let all = offers[0].resources.clone();
    cluster.launch(&offers[0], &all);
    cluster.give_back(("f", "r", "x"), "cpus:3");
    let [(name, amount)] = &cluster.numbers("r").consumed[..] else { panic!("one name is consumed") };
    assert_eq!((&**name, amount.to_f64()), (b"cpus".as_slice(), 1.0));
}
