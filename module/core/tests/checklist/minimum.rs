//! The least an offer must have (items 113 to 119, 298).

use apportion_core::{Minimum, Options};

use crate::cluster::{Cluster, Framework, minimum};

fn with_minimum(alternatives: Vec<Minimum>) -> Cluster {
    Cluster::with(&Options { min_allocatable: alternatives, ..Options::default() })
}

#[test]
fn item_113_an_offer_has_a_hundredth_of_a_cpu_or_32_mem() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("x", "cpus:0.005;mem:16;disk:128"), []);
    assert_eq!(cluster.add_agent("y", "cpus:0.01;mem:16").len(), 1);
    assert_eq!(cluster.add_agent("z", "cpus:0.005;mem:32").len(), 1);
}

#[test]
fn item_114_reserved_and_unreserved_parts_add_up_to_the_least_offer() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offers = cluster.add_agent("x", "cpus:0.005;cpus(r):0.005");
    assert_eq!(cluster.told(&offers), ["f r x cpus:0.005; cpus(r):0.005"]);
    assert_eq!(cluster.add_agent("y", "cpus:0.005;cpus(other):0.005"), []);
}

#[test]
fn item_115_one_alternative_must_be_met_entirely() {
    let mut cluster = with_minimum(vec![
        minimum(&[("cpus", 1.0), ("mem", 100.0)]),
        minimum(&[("disk", 100.0)]),
        minimum(&[("cpus", 1.0), ("ports", 10.0)]),
    ]);
    cluster.add_framework("f", &["r"]);
    for (agent, offered) in [
        ("cpus:1;mem:100", true),
        ("disk:100", true),
        ("cpus:1;ports:[1-10]", true),
        ("cpus:4;mem:99;disk:99;ports:[1-9]", false),
        ("mem:1000;ports:[1-100]", false),
        ("cpus:0.999;mem:100", false),
    ] {
        assert_eq!(cluster.add_agent(agent, agent).len(), usize::from(offered), "{agent}");
    }
}

#[test]
fn item_116_a_framework_replaces_the_least_offer_for_its_role() {
    let one_mem = [minimum(&[("mem", 1.0)])];
    let own: [(&str, &[Minimum]); 1] = [("r", &one_mem)];
    let mut cluster = Cluster::of_master();
    cluster.add(&Framework { minimum: &own, ..Framework::new("f", &["r", "s"]) });
    let offers = cluster.add_agent("x", "mem:1");
    assert_eq!(cluster.told(&offers), ["f r x mem:1"], "in r, not in s");
    assert_eq!(cluster.add_agent("y", "cpus:4")[0].role, "s", "in r there must be mem");
}

#[test]
fn item_116_an_updated_least_offer_counts_in_the_next_run() {
    let one_mem = [minimum(&[("mem", 1.0)])];
    let own: [(&str, &[Minimum]); 1] = [("r", &one_mem)];
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("x", "mem:1"), []);
    cluster.update(&Framework { minimum: &own, ..Framework::new("f", &["r"]) });
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x mem:1"]);
    cluster.rescind(&offers);
    cluster.update(&Framework::new("f", &["r"]));
    assert_eq!(cluster.tick(), [], "the general one counts again");
}

#[test]
fn item_117_an_empty_list_of_its_own_lets_anything_through() {
    let own: [(&str, &[Minimum]); 1] = [("r", &[])];
    let mut cluster = Cluster::of_master();
    cluster.add(&Framework { minimum: &own, ..Framework::new("f", &["r"]) });
    let offers = cluster.add_agent("x", "ports:[7-7]");
    assert_eq!(cluster.told(&offers), ["f r x ports:[7-7]"]);
    assert_eq!(cluster.add_agent("y", ""), [], "but not nothing");
}

#[test]
fn item_118_without_a_list_of_its_own_the_general_one_counts() {
    let own: [(&str, &[Minimum]); 1] = [("s", &[])];
    let mut cluster = Cluster::of_master();
    cluster.add(&Framework { minimum: &own, ..Framework::new("f", &["r", "s"]) });
    cluster.suppress("f", &["s"]);
    assert_eq!(cluster.add_agent("x", "ports:[7-7]"), []);
    assert_eq!(cluster.revive("f", &["s"]).len(), 1);
}

#[test]
fn item_119_an_empty_general_list_lets_anything_through() {
    let mut cluster = with_minimum(Vec::new());
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("x", "cpus:0.001").len(), 1);
    assert_eq!(cluster.add_agent("y", ""), []);
}

#[test]
fn item_298_a_least_offer_of_zero_is_met_by_anything() {
    let nothing = [minimum(&[("cpus", 0.0)])];
    let own: [(&str, &[Minimum]); 1] = [("r", &nothing)];
    let mut cluster = Cluster::of_master();
    cluster.add(&Framework { minimum: &own, ..Framework::new("f", &["r"]) });
    let offers = cluster.add_agent("x", "ports:[7-7]");
    assert_eq!(cluster.told(&offers), ["f r x ports:[7-7]"]);
    assert_eq!(cluster.add_agent("y", ""), []);
}
