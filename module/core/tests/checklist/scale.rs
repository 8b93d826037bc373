//! Many calls at once, and large clusters of many kinds (items 293, 294).

use std::collections::BTreeMap;

use apportion_core::{Event, Holding};

use crate::cluster::{Cluster, Framework, Offered};

const AGENTS: usize = 2000;
const FRAMEWORKS: usize = 200;
const ROLES: [&str; 4] = ["r0", "r1", "r2", "r3"];

#[test]
fn item_293_a_backlog_of_revives_is_served_by_one_run() {
    let mut cluster = Cluster::of_master();
    let names: Vec<String> = (0..100).map(|number| format!("f{number:02}")).collect();
    for name in &names {
        cluster.add(&Framework { suppressed: &["r"], ..Framework::new(name, &["r"]) });
    }
    for number in 0..100 {
        cluster.add_agent(&format!("x{number:02}"), "cpus:1");
    }
    let before = cluster.runs();
    let mut requested = 0;
    for name in &names {
        let revive = Event::ReviveOffers { framework: name.as_bytes(), roles: &[] };
        requested += u32::from(cluster.apply(&revive).cycle_requested);
    }
    assert_eq!(requested, 1);
    let effects = cluster.apply(&Event::Cycle);
    assert_eq!(cluster.runs(), before + 1);
    let mut served: Vec<String> = cluster.named(&effects).into_iter().map(|offer| offer.framework).collect();
    served.sort();
    assert_eq!(served, names, "an agent for each who asked");
}

/// What an agent has: reservations with labels of their own, volumes of three sorts, or many ranges of ports.
fn total(number: usize) -> String {
    let role = ROLES[number % ROLES.len()];
    let own = match number % 5 {
        0 => format!("cpus({role}){{LABEL:{number}}}:2;mem({role}){{LABEL:{number}}}:64"),
        1 => format!("disk({role}){{VOLUME:v{number}}}:10;disk({role}){{VOLUME:w{number}}}:20"),
        2 => format!("disk({role}){{SHARED:s{number}}}:10"),
        3 => format!("disk({role}){{SHARED:s{number}}}:10;disk({role}){{VOLUME:v{number}}}:20"),
        _ => {
            let ranges: Vec<String> = (0..50).map(|at| format!("{}-{}", at * 10, at * 10 + 4)).collect();
            format!("ports:[{}]", ranges.join(","))
        }
    };
    format!("cpus:4;mem:1024;{own}")
}

fn without_shared(resources: &Holding) -> Holding {
    resources.filtered(|item| !item.kind.is_shared())
}

/// Adds up the offers by agent, and expects that everything not shared is in them, once.
fn expect_all_offered_once(cluster: &Cluster, offers: &[Offered]) {
    let mut by_agent: BTreeMap<&str, Holding> = BTreeMap::new();
    for offer in offers {
        by_agent.entry(&offer.agent).or_default().add(&without_shared(&offer.resources));
    }
    assert_eq!(by_agent.len(), AGENTS);
    for (agent, offered) in by_agent {
        let total = without_shared(cluster.allocator.total(agent.as_bytes()).unwrap());
        assert_eq!(offered, total, "{agent}");
        assert!(without_shared(cluster.allocator.available(agent.as_bytes()).unwrap()).is_empty(), "{agent}");
    }
}

#[test]
fn item_294_in_a_large_cluster_of_many_kinds_everything_is_offered_once() {
    let mut cluster = Cluster::new();
    cluster.checks = false;
    for number in 0..FRAMEWORKS {
        let roles = [ROLES[number % ROLES.len()]];
        let framework = format!("f{number}");
        let suppressed = if number < 20 { [].as_slice() } else { roles.as_slice() };
        cluster.add(&Framework { suppressed, ..Framework::new(&framework, &roles) });
    }
    let mut offers = Vec::new();
    for number in 0..AGENTS {
        offers.extend(cluster.add_agent(&format!("x{number}"), &total(number)));
    }
    expect_all_offered_once(&cluster, &offers);
    for number in 0..AGENTS {
        let more = format!("{};mem{{LABEL:new}}:32", total(number));
        offers.extend(cluster.update_total(&format!("x{number}"), &more));
    }
    expect_all_offered_once(&cluster, &offers);
    let reserve: Vec<_> = ROLES
        .iter()
        .map(|role| cluster.conversion("mem{LABEL:new}:32", &format!("mem({role}){{LABEL:new}}:32")))
        .collect();
    for offer in &mut offers {
        let at = ROLES.iter().position(|role| *role == offer.role).unwrap();
        if offer.resources.contains(&reserve[at].consumed) {
            *offer = cluster.convert(offer, &reserve[at..=at]);
        }
    }
    expect_all_offered_once(&cluster, &offers);
    cluster.allocator.check_all().unwrap();
    cluster.rescind(&offers);
    let offers = cluster.tick();
    expect_all_offered_once(&cluster, &offers);
    cluster.allocator.check_all().unwrap();
}
