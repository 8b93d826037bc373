//! What fairness means where it can be said exactly: equal agents, frameworks that take everything, no quota.
//!
//! Weighted max-min fairness of things that come in equal pieces: no node of the role tree could lose a piece and still
//! be ahead of a sibling, measured by share and weight. In other words (n − 1) / w of each is at most n / w of each
//! other. This is checked on what both allocators offer, with arithmetic of its own.
//!
//! Where lots decide, who comes first how often is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_core::{AgentCapabilities, Amount, FrameworkCapabilities, Holding, Item, Kind, Options, Order};
use apportion_oracle::call::{Call, Registration, Subscription, Use};
use apportion_oracle::{Answer, Cluster};
use proptest::prelude::*;

/// Roles and their weights in halves; a role may lie inside another.
fn roles() -> impl Strategy<Value = BTreeMap<&'static str, u32>> {
    let names = ["a", "b", "c", "d", "a/x", "a/y", "b/x", "a/x/1"].as_slice();
    proptest::collection::btree_map(proptest::sample::select(names), 1_u32..8, 1..6)
}

/// Says something to both allocators.
fn say(cluster: &mut Cluster, call: Call) -> Answer {
    cluster.call(call).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn add_framework(cluster: &mut Cluster, name: &str, role: &str) {
    let capabilities = FrameworkCapabilities { multi_role: true, ..FrameworkCapabilities::default() };
    let info = Subscription { roles: vec![role.into()], capabilities, ..Subscription::default() };
    say(cluster, Call::AddFramework { framework: name.into(), info, used: Vec::new(), active: true });
}

fn add_agent(cluster: &mut Cluster, name: &str) {
    let cpus = cluster.intern_kind(&Kind::scalar(b"cpus"));
    say(
        cluster,
        Call::AddAgent {
            agent: name.into(),
            info: Registration::default(),
            capabilities: AgentCapabilities { multi_role: true, hierarchical_role: true },
            unavailability: None,
            total: Holding::new([Item::scalar(cpus, Amount::whole(3))]),
            used: Vec::new(),
        },
    );
}

/// How many agents each role gets when so many equal ones are free at once.
fn shares(roles: &BTreeMap<&'static str, u32>, agents: usize, seed: u64) -> BTreeMap<String, u32> {
    let mut cluster = Cluster::default();
    say(&mut cluster, Call::Initialize { options: Options { seed, ..Options::default() } });
    let weights = roles.iter().map(|(role, halves)| ((*role).into(), f64::from(*halves) / 2.0));
    say(&mut cluster, Call::UpdateWeights { weights: weights.collect() });
    for role in roles.keys() {
        add_framework(&mut cluster, &format!("framework of {role}"), role);
    }
    for number in 0..agents {
        add_agent(&mut cluster, &format!("agent{number}"));
    }
    cluster.wait_until(cluster.now().after(Duration::from_secs(1)));
    let offers = say(&mut cluster, Call::Cycle).offers;
    assert_eq!(offers.len(), agents, "somebody takes every agent");
    let mut shares = BTreeMap::new();
    for (_, role, _) in offers.keys() {
        *shares.entry(String::from_utf8_lossy(role).into_owned()).or_default() += 1;
    }
    shares
}

/// The nodes right below `parent`: path, halves of weight, agents in the subtree. A role with roles inside competes with
/// them as a node of weight 1.
fn siblings(
    parent: &str,
    roles: &BTreeMap<&'static str, u32>,
    shares: &BTreeMap<String, u32>,
) -> Vec<(String, u32, u32)> {
    let prefix = if parent.is_empty() { String::new() } else { format!("{parent}/") };
    let mut nodes: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for role in roles.keys().filter(|role| role.starts_with(&prefix)) {
        let first = role[prefix.len()..].split('/').next().unwrap_or_default();
        let path = format!("{prefix}{first}");
        let weight = roles.get(path.as_str()).copied().unwrap_or(2);
        let node = nodes.entry(path).or_insert((weight, 0));
        node.1 += shares.get(*role).copied().unwrap_or(0);
    }
    if roles.contains_key(parent) {
        nodes.insert(format!("{parent}/."), (2, shares.get(parent).copied().unwrap_or(0)));
    }
    nodes.into_iter().map(|(path, (weight, agents))| (path, weight, agents)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_ahead_by_more_than_one_agent(roles in roles(), agents in 1_usize..24, seed in 0_u64..9) {
        let shares = shares(&roles, agents, seed);
        let parents = roles.keys().flat_map(|role| role.match_indices('/').map(|(at, _)| &role[..at]));
        for parent in std::iter::once("").chain(parents) {
            let nodes = siblings(parent, &roles, &shares);
            for (path, weight, agents) in &nodes {
                for (other, other_weight, other_agents) in &nodes {
                    let without_one = agents.saturating_sub(1) * other_weight;
                    prop_assert!(
                        without_one <= other_agents * weight,
                        "{path} has {agents} agents at weight {weight}, {other} {other_agents} at {other_weight}"
                    );
                }
            }
        }
    }
}

/// How often of 1000 times a framework is offered the only agent when lots decide.
fn firsts(frameworks: &[(&str, &str)], weights: &[(&str, f64)]) -> BTreeMap<String, u32> {
    let mut cluster = Cluster::default();
    say(
        &mut cluster,
        Call::Initialize { options: Options { order: Order::Random, seed: 7, ..Options::default() } },
    );
    let weights = weights.iter().map(|(role, weight)| ((*role).into(), *weight)).collect();
    say(&mut cluster, Call::UpdateWeights { weights });
    for (framework, role) in frameworks {
        add_framework(&mut cluster, framework, role);
    }
    add_agent(&mut cluster, "agent");
    let mut firsts = BTreeMap::new();
    for _ in 0..1000 {
        for ((framework, role, agent), resources) in say(&mut cluster, Call::Cycle).offers {
            *firsts.entry(String::from_utf8_lossy(&framework).into_owned()).or_default() += 1;
            let what = Use { role: Some(role), resources: resources.to_holding() };
            let (refuse_seconds, allocated) = (None, false);
            say(&mut cluster, Call::RecoverResources { framework, agent, what, refuse_seconds, allocated });
        }
        say(&mut cluster, Call::Tick);
    }
    firsts
}

/// Whether each count is within four hundredths of its part of 1000: two and a half standard deviations at least.
fn assert_parts(firsts: &BTreeMap<String, u32>, parts: &[(&str, f64)]) {
    assert_eq!(firsts.values().sum::<u32>(), 1000, "somebody comes first each time");
    for (name, part) in parts {
        let first = f64::from(firsts[*name]) / 1000.0;
        assert!((first - part).abs() < 0.04, "{name} comes first {first} of the times, expected {part}");
    }
}

#[test]
fn lots_put_roles_first_as_often_as_weights_say() {
    let frameworks = [("in a", "a"), ("in a/b", "a/b"), ("in c/d", "c/d"), ("in c/e", "c/e")];
    let firsts = firsts(&frameworks, &[("a/b", 2.0), ("c", 2.0), ("c/e", 2.0)]);
    let ninth = 1.0 / 9.0;
    let parts = [("in a", ninth), ("in a/b", 2.0 * ninth), ("in c/d", 2.0 * ninth), ("in c/e", 4.0 * ninth)];
    assert_parts(&firsts, &parts);
}

#[test]
fn lots_put_frameworks_of_a_role_first_equally_often() {
    let firsts = firsts(&[("f", "a"), ("g", "a"), ("h", "a"), ("i", "a")], &[("a", 3.0)]);
    assert_parts(&firsts, &[("f", 0.25), ("g", 0.25), ("h", 0.25), ("i", 0.25)]);
}
