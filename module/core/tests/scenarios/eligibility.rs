//! Which resources and agents a framework can be offered at all.

use apportion_core::{
    AgentCapabilities, AgentInfo, Event, FrameworkCapabilities, FrameworkInfo, MinimumForRole, Notice,
    Options,
};

use crate::cluster::{ABLE_AGENT, ABLE_FRAMEWORK, Cluster, minimum};

#[test]
fn reservations_go_to_their_role_and_its_descendants_only() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["eng/web"]);
    let offers = cluster.add_agent("a", "cpus:1;cpus(eng):2;cpus(eng/web):3;cpus(eng/db):4;cpus(engine):5");
    assert_eq!(cluster.told(&offers), ["f eng/web a cpus:1; cpus(eng):2; cpus(eng/web):3"]);
    assert_eq!(cluster.available("a"), "cpus(eng/db):4; cpus(engine):5");
    let offers = cluster.add_framework("g", &["eng"]);
    assert_eq!(offers, [], "a role gets nothing reserved to its descendants");
    let offers = cluster.add_framework("h", &["eng/db/backup"]);
    assert_eq!(cluster.told(&offers), ["h eng/db/backup a cpus(eng/db):4"]);
}

#[test]
fn one_agent_can_serve_several_roles_in_one_run() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    let offers = cluster.add_agent("x", "cpus:4;disk(b):7");
    assert_eq!(cluster.told(&offers), ["f a x cpus:4", "g b x disk(b):7"]);
}

#[test]
fn refined_reservations_go_only_to_frameworks_that_know_them() {
    let mut cluster = Cluster::new();
    let capabilities = FrameworkCapabilities { reservation_refinement: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("old", &["eng/web"], capabilities);
    let offers = cluster.add_agent("a", "cpus:1;cpus(eng,eng/web):2");
    assert_eq!(cluster.told(&offers), ["old eng/web a cpus:1"]);
    let offers = cluster.add_framework("new", &["eng/web"]);
    assert_eq!(cluster.told(&offers), ["new eng/web a cpus(eng/web):2"]);
}

#[test]
fn revocable_resources_go_only_to_frameworks_that_know_them() {
    let mut cluster = Cluster::new();
    let capabilities = FrameworkCapabilities { revocable_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("old", &["r"], capabilities);
    let offers = cluster.add_agent("a", "cpus:1;cpus{REV}:2");
    assert_eq!(cluster.told(&offers), ["old r a cpus:1"]);
    let offers = cluster.add_framework("new", &["r"]);
    assert_eq!(cluster.told(&offers), ["new r a cpus{REV}:2"]);
}

#[test]
fn a_shared_volume_is_offered_once_a_run_even_while_in_use() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    let capabilities = FrameworkCapabilities { shared_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("old", &["r"], capabilities);
    let first = cluster.add_agent("a", "cpus:1;disk(r){SHARED:v}:10");
    assert_eq!(cluster.told(&first), ["f r a cpus:1; disk(r)[v]:10"]);
    let second = cluster.tick();
    assert_eq!(cluster.told(&second), ["g r a disk(r)[v]:10"], "still available, to one framework");
    cluster.recover(&first[0], &first[0].resources, None, false);
    cluster.recover(&second[0], &second[0].resources, None, false);
    assert_eq!(cluster.available("a"), "cpus:1; disk(r)[v]:10");
}

#[test]
fn agents_with_gpus_are_kept_for_frameworks_that_use_them() {
    let plain = FrameworkCapabilities { gpu_resources: false, ..ABLE_FRAMEWORK };
    let mut cluster = Cluster::new();
    cluster.add_framework_with("plain", &["r"], plain);
    assert_eq!(cluster.add_agent("a", "cpus:4;gpus:1"), []);
    assert_eq!(cluster.add_agent("b", "cpus:4").len(), 1);
    assert_eq!(cluster.add_framework("gpu", &["r"]).len(), 1);

    let mut open = Cluster::with(&Options { filter_gpu_resources: false, ..Options::default() });
    open.add_framework_with("plain", &["r"], plain);
    assert_eq!(open.add_agent("a", "cpus:4;gpus:1").len(), 1);
}

#[test]
fn agents_in_other_regions_go_only_to_frameworks_that_are_aware_of_regions() {
    let options = Options { region: Some(b"north".as_slice().into()), ..Options::default() };
    let mut cluster = Cluster::with(&options);
    let capabilities = FrameworkCapabilities { region_aware: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("local", &["r"], capabilities);
    let in_region = |region| AgentInfo { region, ..AgentInfo::default() };
    assert_eq!(cluster.add_agent_with("a", "cpus:1", &[], in_region(Some(b"south")), ABLE_AGENT), []);
    assert_eq!(cluster.add_agent_with("b", "cpus:1", &[], in_region(Some(b"north")), ABLE_AGENT).len(), 1);
    assert_eq!(cluster.add_agent_with("c", "cpus:1", &[], in_region(None), ABLE_AGENT).len(), 1);
    let offers = cluster.add_framework("aware", &["r"]);
    assert_eq!(cluster.told(&offers), ["aware r a cpus:1"]);
}

#[test]
fn agents_that_cannot_handle_several_or_nested_roles_are_not_offered_to_them() {
    let mut cluster = Cluster::new();
    cluster.add_framework("multi", &["r"]);
    let single = FrameworkCapabilities { multi_role: false, ..ABLE_FRAMEWORK };
    let add = |cluster: &mut Cluster, name: &str, capabilities| {
        cluster.add_agent_with(name, "cpus:1", &[], AgentInfo::default(), capabilities)
    };
    let only_nested = AgentCapabilities { multi_role: false, hierarchical_role: true };
    assert_eq!(add(&mut cluster, "a", only_nested), []);
    assert!(matches!(cluster.notices[..], [Notice::AgentLacksMultiRole { .. }]));
    assert_eq!(cluster.add_framework_with("single", &["r"], single).len(), 1);

    let mut cluster = Cluster::new();
    cluster.add_framework_with("nested", &["r/s"], single);
    let only_multi = AgentCapabilities { multi_role: true, hierarchical_role: false };
    assert_eq!(add(&mut cluster, "a", only_multi), []);
    assert!(matches!(cluster.notices[..], [Notice::AgentLacksHierarchicalRole { .. }]));
    assert_eq!(cluster.add_framework_with("flat", &["r"], single).len(), 1);
}

#[test]
fn only_whitelisted_hosts_are_offered() {
    let mut cluster = Cluster::new();
    cluster.add_agent("a", "cpus:1");
    cluster.add_agent("b", "cpus:1");
    let list: [&[u8]; 1] = [b"b"];
    cluster.send(&Event::UpdateWhitelist { hostnames: Some(&list) });
    let offers = cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.told(&offers), ["f r b cpus:1"]);
    cluster.send(&Event::UpdateWhitelist { hostnames: Some(&[]) });
    assert_eq!(cluster.notices, [Notice::EmptyWhitelist]);
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.send(&Event::UpdateWhitelist { hostnames: None }), []);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r a cpus:1"]);
}

#[test]
fn offers_below_every_alternative_of_the_least_offer_are_not_made() {
    let alternatives = vec![minimum(&[("cpus", 1.0), ("mem", 100.0)]), minimum(&[("ports", 3.0)])];
    let mut cluster = Cluster::with(&Options { min_allocatable: alternatives, ..Options::default() });
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("a", "cpus:8;mem:99;ports:[1-2]"), []);
    assert_eq!(cluster.add_agent("b", "cpus:1;mem:100").len(), 1);
    assert_eq!(cluster.add_agent("c", "ports:[1-3]").len(), 1);
    assert_eq!(cluster.add_agent("d", "cpus:0.5;cpus(r):0.5;mem:100").len(), 1, "reserved ones count");
    assert_eq!(cluster.add_agent("e", "cpus(other):8;mem:500"), [], "others' reservations do not");
}

#[test]
fn a_framework_can_have_a_least_offer_of_its_own() {
    let global = vec![minimum(&[("cpus", 4.0)])];
    let mut cluster = Cluster::with(&Options { min_allocatable: global, ..Options::default() });
    cluster.add_agent("a", "cpus:2");
    let own = [minimum(&[("cpus", 1.0)])];
    let override_for = |role, alternatives| [MinimumForRole { role, alternatives }];
    let subscribe = |cluster: &mut Cluster, name: &str, min_allocatable: &[MinimumForRole<'_>]| {
        let capabilities = ABLE_FRAMEWORK;
        let info =
            FrameworkInfo { roles: &[b"r"], capabilities, min_allocatable, ..FrameworkInfo::default() };
        cluster.send(&Event::AddFramework { framework: name.as_bytes(), info, used: &[], active: true })
    };
    assert_eq!(subscribe(&mut cluster, "global", &[]), []);
    let offers = subscribe(&mut cluster, "own", &override_for(b"r", &own));
    assert_eq!(cluster.told(&offers), ["own r a cpus:2"]);
    cluster.add_agent("b", "cpus:0.1");
    let offers = subscribe(&mut cluster, "any", &override_for(b"r", &[]));
    assert_eq!(cluster.told(&offers), ["any r b cpus:0.1"], "an empty list asks for nothing");
}

#[test]
fn what_is_left_without_unusable_resources_must_be_worth_an_offer_too() {
    let options = Options { min_allocatable: vec![minimum(&[("cpus", 2.0)])], ..Options::default() };
    let mut cluster = Cluster::with(&options);
    let capabilities = FrameworkCapabilities { revocable_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("f", &["r"], capabilities);
    assert_eq!(cluster.add_agent("a", "cpus:1;cpus{REV}:8"), []);
    let update = |capabilities| {
        let info = FrameworkInfo { roles: &[b"r"], capabilities, ..FrameworkInfo::default() };
        Event::UpdateFramework { framework: b"f", info }
    };
    cluster.send(&update(ABLE_FRAMEWORK));
    assert_eq!(cluster.tick().len(), 1);
}
