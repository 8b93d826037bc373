//! What frameworks and agents must be able to handle (items 120 to 126, 261).

use apportion_core::{AgentCapabilities, AgentInfo, FrameworkCapabilities, Options};

use crate::cluster::{ABLE_AGENT, ABLE_FRAMEWORK, Agent, Cluster};

const NO_GPUS: FrameworkCapabilities = FrameworkCapabilities { gpu_resources: false, ..ABLE_FRAMEWORK };
const SINGLE_ROLE: FrameworkCapabilities = FrameworkCapabilities { multi_role: false, ..ABLE_FRAMEWORK };
const ONLY_HIERARCHICAL: AgentCapabilities = AgentCapabilities { multi_role: false, ..ABLE_AGENT };
const ONLY_MULTI: AgentCapabilities = AgentCapabilities { hierarchical_role: false, ..ABLE_AGENT };

#[test]
fn item_120_agents_with_gpus_are_kept_from_frameworks_that_cannot_use_them() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework_with("plain", &["r"], NO_GPUS);
    cluster.add_framework("able", &["s"]);
    cluster.suppress("able", &[]);
    assert_eq!(cluster.add_agent("x", "cpus:4;gpus:1"), []);
    let used = [("able", "s", "cpus:1;gpus:1")];
    assert_eq!(cluster.add_agent_using("y", "cpus:4;gpus:1", &used), [], "even when all GPUs are in use");
    assert_eq!(cluster.add_agent("z", "cpus:4").len(), 1);
}

#[test]
fn item_120_unless_the_master_says_otherwise() {
    let mut cluster = Cluster::with(&Options { filter_gpu_resources: false, ..Options::default() });
    cluster.add_framework_with("plain", &["r"], NO_GPUS);
    let offers = cluster.add_agent("x", "cpus:4;gpus:1");
    assert_eq!(cluster.told(&offers), ["plain r x cpus:4; gpus:1"]);
}

#[test]
fn item_121_agents_in_other_regions_need_frameworks_that_are_aware_of_regions() {
    let mut cluster =
        Cluster::with(&Options { region: Some(b"north".as_slice().into()), ..Options::default() });
    let unaware = FrameworkCapabilities { region_aware: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("local", &["r"], unaware);
    let mut add = |name, region, zone: &'static [u8]| {
        let info = AgentInfo { region, other: zone, ..AgentInfo::default() };
        cluster.register(&Agent { info, ..Agent::new(name, "cpus:1") }).len()
    };
    assert_eq!(add("far", Some(b"south".as_slice()), b"zone 1"), 0);
    assert_eq!(add("near", Some(b"north".as_slice()), b"zone 1"), 1);
    assert_eq!(add("other zone", Some(b"north".as_slice()), b"zone 2"), 1);
    assert_eq!(add("anywhere", None, b""), 1);
    let offers = cluster.add_framework("aware", &["r"]);
    assert_eq!(cluster.told(&offers), ["aware r far cpus:1"]);
}

#[test]
fn item_121_also_when_an_agent_tells_its_region_later() {
    let mut cluster =
        Cluster::with(&Options { region: Some(b"north".as_slice().into()), ..Options::default() });
    let unaware = FrameworkCapabilities { region_aware: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("local", &["r"], unaware);
    let offers = cluster.add_agent("x", "cpus:1");
    assert_eq!(cluster.told(&offers), ["local r x cpus:1"]);
    cluster.rescind(&offers);
    let info = AgentInfo { hostname: b"x", region: Some(b"south"), ..AgentInfo::default() };
    assert_eq!(cluster.update_agent("x", info, None, None), []);
    let info = AgentInfo { hostname: b"x", region: Some(b"north"), ..AgentInfo::default() };
    assert_eq!(cluster.update_agent("x", info, None, None).len(), 1);
}

#[test]
fn item_122_revocable_resources_need_frameworks_that_take_them() {
    let mut cluster = Cluster::of_master();
    let unable = FrameworkCapabilities { revocable_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("f", &["r"], unable);
    let offers = cluster.add_agent("x", "cpus:1;mem:64;cpus{REV}:2");
    assert_eq!(cluster.told(&offers), ["f r x cpus:1; mem:64"]);
    let offers = cluster.add_framework("g", &["r"]);
    assert_eq!(cluster.told(&offers), ["g r x cpus{REV}:2"]);
}

#[test]
fn item_123_shared_volumes_need_frameworks_that_share() {
    let mut cluster = Cluster::of_master();
    let unable = FrameworkCapabilities { shared_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("f", &["r"], unable);
    let first = cluster.add_agent("x", "cpus:1;disk(r){SHARED:v}:10");
    assert_eq!(cluster.told(&first), ["f r x cpus:1"]);
    assert_eq!(cluster.add_framework("g", &["r"]), [], "a volume alone is no offer by default");
    cluster.rescind(&first);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g r x cpus:1; disk(r)[v]:10"]);
}

#[test]
fn item_124_who_cannot_handle_refined_reservations_is_passed_over() {
    let mut cluster = Cluster::of_master();
    let unable = FrameworkCapabilities { reservation_refinement: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("f", &["a/b"], unable);
    cluster.add_framework("g", &["a/b"]);
    let offers = cluster.add_agent("x", "cpus(a,a/b):2");
    assert_eq!(cluster.told(&offers), ["g a/b x cpus(a/b):2"]);
}

#[test]
fn item_125_an_agent_serves_multi_role_frameworks_once_it_can() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let agent = Agent { capabilities: ONLY_HIERARCHICAL, ..Agent::new("x", "cpus:1") };
    assert_eq!(cluster.register(&agent), []);
    assert_eq!(cluster.tick(), []);
    let offers = cluster.update_agent("x", agent.info, None, Some(ABLE_AGENT));
    assert_eq!(cluster.told(&offers), ["f r x cpus:1"]);
}

#[test]
fn item_126_an_agent_that_knows_no_hierarchy_serves_top_level_roles_only() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a/b"]);
    let agent = Agent { capabilities: ONLY_MULTI, ..Agent::new("x", "cpus:1") };
    assert_eq!(cluster.register(&agent), []);
    let offers = cluster.add_framework("g", &["a"]);
    assert_eq!(cluster.told(&offers), ["g a x cpus:1"]);
}

#[test]
fn item_261_a_framework_with_one_role_is_offered_agents_of_both_sorts() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework_with("f", &["r"], SINGLE_ROLE);
    let offers = cluster.add_agent("x", "cpus:1");
    assert_eq!(cluster.told(&offers), ["f r x cpus:1"]);
    let agent = Agent { capabilities: ONLY_HIERARCHICAL, ..Agent::new("y", "cpus:1") };
    let offers = cluster.register(&agent);
    assert_eq!(cluster.told(&offers), ["f r y cpus:1"]);
}
