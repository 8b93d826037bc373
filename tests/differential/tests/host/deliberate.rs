//! Where ours does something else on purpose, as far as a master can be brought to show it.

use apportion_differential_tests::{Cluster, Explained, Setting, compare};

use crate::resources::{agents, weights};
use crate::upkeep::schedule;

const fn explained(step: &'static str, path: &'static str, row: &'static str) -> Explained {
    Explained { step, path, row }
}

#[test]
fn new_weight_of_an_inner_role_counts_at_once() {
    const STEP: &str = "three to one between the subtrees";
    let row = "inner-role-weight";
    let differences =
        ["/roles/", "/frameworks/", "/agents/", "/metrics/"].map(|path| explained(STEP, path, row));
    compare("inner role weight", Setting::PLAIN, &differences, |cluster: &mut Cluster| {
        cluster.agents(agents("node", 8));
        cluster.subscribe_in("web", &["eng/web"]);
        cluster.subscribe_in("ops", &["ops"]);
        cluster.decline("web", 0.0);
        cluster.step_of_totals("one to one");
        cluster.call("a weight for a role that only has roles in it", &weights(&[("eng", 3.0)]));
        // The master takes offers back only for weights of roles that have frameworks.
        cluster.decline("web", 0.0);
        cluster.decline("ops", 0.0);
        cluster.step_of_totals(STEP);
    });
}

#[test]
fn framework_is_asked_to_leave_an_agent_that_was_deactivated_before() {
    const STEP: &str = "active again";
    let differences = [explained(STEP, "/frameworks/tenant/inverse_offers", "inverse-offer-deactivated")];
    compare("inverse offer", Setting::PLAIN, &differences, |cluster: &mut Cluster| {
        cluster.agents(agents("left", 1));
        cluster.subscribe_in("tenant", &["a"]);
        cluster.launch_on_each("tenant", "task", 1.0, 64.0, 0.0);
        cluster.framework("tenant").suppress(&[]).unwrap();
        let deactivate = crate::agents::on_agent(cluster, "DEACTIVATE_AGENT", "left-1");
        cluster.call("deactivate", &deactivate);
        cluster.call("schedule", &schedule(&[(&["left-1"], 10)]));
        cluster.step("nobody can be asked");
        let reactivate = crate::agents::on_agent(cluster, "REACTIVATE_AGENT", "left-1");
        cluster.call("reactivate", &reactivate);
        cluster.wait_for_state("it to be active", |state| state["activated_slaves"] == 1.0);
        cluster.step(STEP);
    });
}
