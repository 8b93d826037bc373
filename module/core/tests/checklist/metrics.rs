//! The numbers behind metrics and the debug endpoint (items 237 to 241, 243, 245).

use apportion_core::{Allocator, Options};

use crate::cluster::{Cluster, Framework, amount, text, told_amounts};

/// Total and held of some names.
fn resources(allocator: &Allocator) -> Vec<(f64, f64)> {
    let names: [&[u8]; 3] = [b"cpus", b"mem", b"disk"];
    names.iter().map(|name| (allocator.total_of(name).to_f64(), allocator.held_of(name).to_f64())).collect()
}

#[test]
fn item_237_before_initialize_all_resources_read_zero() {
    assert_eq!(resources(&Allocator::new()), [(0.0, 0.0); 3]);
    assert_eq!(Allocator::new().runs(), 0);
}

#[test]
fn item_238_totals_and_holdings_of_the_cluster_follow_its_agents() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:2;mem:1024");
    assert_eq!(resources(&cluster.allocator), [(2.0, 0.0), (1024.0, 0.0), (0.0, 0.0)]);
    cluster.add_framework("f", &["r"]);
    assert_eq!(resources(&cluster.allocator), [(2.0, 2.0), (1024.0, 1024.0), (0.0, 0.0)]);
    cluster.remove_agent("x");
    assert_eq!(resources(&cluster.allocator), [(0.0, 0.0); 3]);
    cluster.add_agent_using("y", "cpus:2;mem:64", &[("absent", "s", "cpus:1")]);
    assert_eq!(cluster.allocator.held_of(b"cpus"), amount(2.0), "by frameworks to come as well");
}

#[test]
fn item_239_a_quota_shows_what_it_names_and_nothing_else() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("r", "cpus:1", "mem:1024");
    let told = |cluster: &Cluster| {
        let numbers = cluster.numbers("r");
        [&numbers.guarantees, &numbers.limits, &numbers.offered_or_allocated].map(told_amounts)
    };
    assert_eq!(told(&cluster), ["cpus:1", "mem:1024", "cpus:0; mem:0"]);
    cluster.set_quota("r", "cpus:2", "mem:2048;disk:0");
    assert_eq!(told(&cluster), ["cpus:2", "disk:0; mem:2048", "cpus:0; disk:0; mem:0"]);
    cluster.set_quota("r", "", "");
    assert_eq!(told(&cluster), ["", "", ""]);
}

#[test]
fn item_240_the_dominant_share_of_a_role_is_there_as_long_as_its_frameworks() {
    let mut cluster = Cluster::of_master();
    cluster.set_weights(&[("r", 2.0)]);
    assert_eq!(cluster.numbers("r").dominant_share, None);
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:4;mem:64").remove(0);
    cluster.accept(&offer, "cpus:1;mem:32");
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.25), "half of the mem at weight 2");
    cluster.end_task(("f", "r", "x"), "cpus:1;mem:32");
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.0));
    cluster.remove_framework("f");
    assert_eq!(cluster.numbers("r").dominant_share, None);
}

#[test]
fn item_241_the_dominant_share_leaves_excluded_names_out() {
    let fairness_excluded = vec![b"mem".as_slice().into()];
    let mut cluster = Cluster::with(&Options { fairness_excluded, ..Options::default() });
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:4;mem:64").remove(0);
    cluster.accept(&offer, "cpus:1;mem:32");
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.25));
}

#[test]
fn item_243_whether_a_role_is_suppressed_follows_suppress_and_revive() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let suppressed = |cluster: &Cluster| {
        let roles = cluster.allocator.subscriptions(b"f");
        roles.into_iter().map(|(_, suppressed)| suppressed).collect::<Vec<_>>()
    };
    assert_eq!(suppressed(&cluster), [false]);
    cluster.suppress("f", &[]);
    assert_eq!(suppressed(&cluster), [true]);
    cluster.revive("f", &[]);
    assert_eq!(suppressed(&cluster), [false]);
    cluster.remove_framework("f");
    assert_eq!(suppressed(&cluster), [] as [bool; 0]);
}

#[test]
fn item_245_suppressed_roles_and_excluded_agents_are_told_by_framework() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:1");
    cluster.add_agent("y", "cpus:1");
    let framework = Framework::new("f", &["r", "s"]);
    cluster.add(&Framework { suppressed: &["s"], excluded: &[("r", &["y", "x", "gone"])], ..framework });
    let roles = cluster.allocator.subscriptions(b"f");
    let told = roles.into_iter().map(|(role, suppressed)| {
        let name = text(cluster.allocator.role_name(role));
        let excluded = cluster.allocator.excluded_agents(b"f", role);
        format!("{name} {suppressed} {:?}", excluded.into_iter().map(text).collect::<Vec<_>>())
    });
    let told: Vec<String> = told.collect();
    assert_eq!(told, [r#"r false ["x", "y"]"#, "s true []"]);
}
