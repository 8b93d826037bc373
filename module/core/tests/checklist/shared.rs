//! Shared volumes (items 127 to 130, 262, 263).

use apportion_core::FrameworkCapabilities;

use crate::cluster::{ABLE_FRAMEWORK, Cluster, Offered};

const VOLUME: &str = "disk(r){SHARED:v}:10";

/// A cluster with frameworks `f` and `g` in role `r` and an agent with a shared volume, all of it offered to `f`.
fn offered() -> (Cluster, Offered) {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    let mut offers = cluster.add_agent("x", &format!("cpus:2;mem:64;{VOLUME}"));
    assert_eq!(cluster.told(&offers), ["f r x cpus:2; mem:64; disk(r)[v]:10"]);
    (cluster, offers.remove(0))
}

#[test]
fn item_127_a_volume_in_use_is_offered_along_with_what_is_free() {
    let (mut cluster, offer) = offered();
    cluster.accept(&offer, &format!("cpus:1;{VOLUME}"));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g r x cpus:1; mem:64; disk(r)[v]:10"]);
}

#[test]
fn item_128_one_framework_a_run_is_offered_a_shared_volume() {
    let (mut cluster, first) = offered();
    // The volume alone is worth an offer here: without a rule of its own, both would get it.
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g r x disk(r)[v]:10"]);
    cluster.rescind(&[first, offers[0].clone()]);
    let offers = cluster.tick();
    assert_eq!(offers.len(), 1, "all of it to one of them");
    assert_eq!(cluster.tick().len(), 1, "and the volume again in a later run");
}

#[test]
fn item_128_nor_two_roles_in_one_run() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r/s"]);
    let offers = cluster.add_agent("x", &format!("cpus:2;{VOLUME}"));
    assert_eq!(offers.len(), 1, "{offers:?}");
}

#[test]
fn item_128_nor_the_two_stages_of_a_run() {
    let mut cluster = Cluster::new();
    cluster.set_quota("r", "cpus:1", "cpus:1");
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    cluster.add_framework("h", &["r/s"]);
    let offers = cluster.add_agent("x", &format!("cpus:3;mem:64;{VOLUME}"));
    assert_eq!(cluster.told(&offers), ["f r x cpus:1; mem:64; disk(r)[v]:10", "h r/s x cpus:2"]);
    assert!(offers.iter().all(|offer| offer.resources.items().iter().all(|item| item.copies == 1)));
}

#[test]
fn item_129_no_offer_has_more_than_one_copy() {
    let (mut cluster, _) = offered();
    for _ in 0..6 {
        for offer in cluster.tick() {
            assert!(offer.resources.items().iter().all(|item| item.copies == 1), "{offer:?}");
        }
    }
    let held = cluster.resources(VOLUME);
    assert!(cluster.allocator.available(b"x").unwrap() == &held, "as often as the agent has it: once");
}

#[test]
fn item_130_a_volume_two_frameworks_hold_counts_once_against_the_quota() {
    let (mut cluster, offer) = offered();
    cluster.set_quota("r", "", "disk:30");
    cluster.accept(&offer, &format!("cpus:2;mem:64;{VOLUME}"));
    assert_eq!(cluster.tick()[0].framework, "g");
    let offers = cluster.add_agent("y", "disk:100");
    assert_eq!(offers.len(), 1);
    assert_eq!(cluster.describe(&offers[0]).rsplit_once(' ').unwrap().1, "disk:20");
}

#[test]
fn item_262_who_cannot_share_loses_sight_of_the_volume_it_made() {
    let mut cluster = Cluster::of_master();
    let unable = FrameworkCapabilities { shared_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("f", &["r"], unable);
    let offer = cluster.add_agent("x", "cpus:4;disk(r):10").remove(0);
    let create = cluster.conversion("disk(r):10", VOLUME);
    let made = cluster.convert(&offer, &[create]);
    cluster.rescind(&[made]);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
    cluster.rescind(&offers);
    let offers = cluster.add_framework("g", &["r"]);
    assert_eq!(cluster.told(&offers), ["g r x cpus:4; disk(r)[v]:10"]);
}

#[test]
fn item_263_a_role_below_its_guarantee_is_offered_the_rest_with_the_volume_in_one_entry() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("r", "cpus:10", "");
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", &format!("cpus:4;mem:64;{VOLUME}")).remove(0);
    cluster.accept(&offer, &format!("cpus:1;{VOLUME}"));
    let offers = cluster.add_framework("g", &["r"]);
    assert_eq!(cluster.told(&offers), ["g r x cpus:3; mem:64; disk(r)[v]:10"]);
}
