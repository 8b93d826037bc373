//! Fair share: weights, roles below roles, several frameworks in one role.
//!
//! All agents of a script have the same free at any time, so that the number each framework gets is determined. It is
//! also if a batch falls between two offers that come back: the smaller share goes first, whoever holds the rest.

use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{FrameworkSpec, SimulatedSpec};

use crate::resources::{agents, weights};

#[test]
fn equal_agents_are_shared_by_weight() {
    compare("weights", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 6));
        cluster.call("weight of a role that nobody has", &weights(&[("double", 2.0)]));
        cluster.step("agents without frameworks");
        cluster.subscribe_in("one", &["single"]);
        cluster.step("the first framework has all");
        cluster.subscribe_in("two", &["double"]);
        cluster.step("nothing is left for the second");
        cluster.decline("one", 0.0);
        cluster.step("what comes back is shared by weight");
        cluster.call("equal weights", &weights(&[("double", 1.0)]));
        cluster.step("shared anew");
        cluster.call("weight of zero", &weights(&[("double", 0.0)]));
        cluster.call("weight of an invalid role", &weights(&[("a//b", 2.0)]));
        cluster.call("no weights", &weights(&[]));
        cluster.step("refused weights change nothing");
        cluster.launch_on_each("one", "left", 4.0, 8192.0, LONG);
        cluster.launch_on_each("two", "right", 4.0, 8192.0, LONG);
        cluster.step_of_totals("half of everything is in use, the rest refused");
        cluster.framework("one").revive(&[]).unwrap();
        cluster.framework("two").revive(&[]).unwrap();
        cluster.step_of_totals("the rest is offered");
        cluster.call("two to one", &weights(&[("single", 2.0)]));
        cluster.step_of_totals("the rest is shared by weight");
        cluster.decline("two", LONG);
        cluster.step_of_totals("what the second refuses goes to the first");
    });
}

#[test]
fn subtrees_of_roles_share_before_the_roles_in_them() {
    compare(
        "hierarchy",
        Setting::with_flags(&[("weights", "eng=3,eng/db=2")]),
        &[],
        |cluster: &mut Cluster| {
            cluster.agents(agents("node", 8));
            cluster.subscribe_in("web", &["eng/web"]);
            cluster.subscribe_in("ops", &["ops"]);
            cluster.decline("web", 0.0);
            cluster.step("three to one between the subtrees");
            cluster.subscribe_in("db", &["eng/db"]);
            cluster.decline("web", 0.0);
            cluster.decline("ops", 0.0);
            cluster.step("one to two inside the subtree");
            cluster.call("equal in the subtree", &weights(&[("eng/db", 1.0)]));
            cluster.step("three to three inside the subtree");
            cluster.framework("web").suppress(&[]).unwrap();
            cluster.decline("web", 0.0);
            cluster.step("the sibling takes what a suppressed role gives back");
            cluster.subscribe_in("chief", &["eng"]);
            cluster.step("a framework in the inner role itself");
            cluster.take_framework("ops").teardown().unwrap();
            cluster.step("the other subtree goes");
        },
    );
}

#[test]
fn frameworks_of_one_role_share_its_part() {
    compare("one role", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 6));
        for name in ["first", "second", "third"] {
            cluster.subscribe_in(name, &["pool"]);
        }
        cluster.decline("first", 0.0);
        cluster.step("two for each");
        cluster.subscribe_in("other", &["elsewhere"]);
        for name in ["first", "second", "third"] {
            cluster.decline(name, 0.0);
        }
        cluster.step("three for the other role, one for each in this one");
        cluster.decline("first", LONG);
        cluster.step("a refused agent goes to the others of the role");
        cluster.framework("first").revive(&[]).unwrap();
        cluster.decline("second", LONG);
        cluster.step("it comes back to who revives");
    });
}

#[test]
fn excluded_resource_does_not_make_a_share() {
    let flags = &[("fair_sharing_excluded_resource_names", "gpus"), ("filter_gpu_resources", "false")];
    compare("excluded", Setting::with_flags(flags), &[], |cluster: &mut Cluster| {
        let gpus = vec![("gpus".to_owned(), "*".to_owned(), 4.0)];
        cluster.agents(SimulatedSpec { further: gpus, cpus: 2.0, ..agents("gpu", 1) });
        cluster.subscribe(FrameworkSpec::new("trainer").roles(&["ml"]).capabilities(&["GPU_RESOURCES"]));
        cluster.step("all gpus are with the first");
        cluster.subscribe_in("web", &["web"]);
        cluster.agents(agents("plain", 1));
        cluster.step("the first agent without gpus");
        cluster.agents(agents("more", 1));
        cluster.step("shares go by the other resources");
    });
}
