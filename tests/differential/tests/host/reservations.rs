//! Reservations by the operator and by frameworks, on one agent.
//!
//! Where the operator takes offers back, the master refuses their resources for a while in the framework's name.

use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{SimulatedSpec, TaskSpec, TaskState, scalar};
use serde_json::{Value, json};

use crate::resources::{agents, allocated, reserve, reserved, unreserve};

/// One agent with a static reservation besides its unreserved resources.
fn solo() -> SimulatedSpec {
    let further = vec![("cpus".to_owned(), "fixed".to_owned(), 1.0)];
    SimulatedSpec { further, ..agents("solo", 1) }
}

fn post(cluster: &mut Cluster, what: &str, path: &str, resources: &[Value]) {
    let agent = cluster.agent_id("solo-1");
    cluster.post_form(what, path, &[("slaveId", &agent), ("resources", &json!(resources).to_string())]);
}

fn call(cluster: &mut Cluster, what: &str, name: &str, fields: &Value) {
    let mut fields = fields.clone();
    fields["agent_id"] = json!({"value": cluster.agent_id("solo-1")});
    cluster.call(what, &json!({"type": name, (name.to_lowercase()): fields}));
}

#[test]
fn operator_reserves_and_unreserves() {
    compare("operator reservations", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(solo());
        let first = [reserved("cpus", 2.0, &["db"]), reserved("mem", 512.0, &["db"])];
        post(cluster, "reserve idle resources", "/reserve", &first);
        cluster.step("reserved for a role that nobody has");
        cluster.subscribe_in("web", &["web"]);
        cluster.step("the rest goes to another role");
        cluster.subscribe_in("db", &["db"]);
        cluster.step("the reservation goes to its role");
        cluster.framework("db").suppress(&[]).unwrap();
        cluster.decline("db", 0.0);
        post(cluster, "reserve offered resources", "/reserve", &[reserved("cpus", 1.0, &["db"])]);
        cluster.step("an offer was taken back");
        cluster.framework("web").revive(&[]).unwrap();
        cluster.step("what is left of it is offered again");
        post(cluster, "refine", "/reserve", &[reserved("cpus", 1.0, &["db", "db/replica"])]);
        cluster.subscribe_in("replica", &["db/replica"]);
        cluster.step("refined for a role below");
        let refined = [reserved("cpus", 1.0, &["db", "db/replica"])];
        cluster.framework("replica").suppress(&[]).unwrap();
        post(cluster, "unreserve one level", "/unreserve", &refined);
        cluster.step("back to the role above");
        post(cluster, "unreserve the rest", "/unreserve", &first);
        cluster.step("one cpu is still reserved");
        let other = json!({
            "source": [reserved("cpus", 1.0, &["db"])], "resources": [reserved("cpus", 1.0, &["web"])],
        });
        call(cluster, "from one role to another", "RESERVE_RESOURCES", &other);
        cluster.step("reserved for the other role");
        cluster.framework("web").revive(&[]).unwrap();
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("all is offered");
    });
}

#[test]
fn operators_impossible_reservations_are_refused_alike() {
    compare("refused reservations", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(solo());
        cluster.subscribe_in("web", &["web"]);
        cluster.launch_on_each("web", "task", 7.0, 1024.0, LONG);
        let tries: [(&str, &str, Vec<Value>); 9] = [
            ("more than is free", "/reserve", vec![reserved("cpus", 2.0, &["db"])]),
            ("more than there is", "/reserve", vec![reserved("cpus", 99.0, &["db"])]),
            ("an unknown resource", "/reserve", vec![reserved("bananas", 1.0, &["db"])]),
            ("without a reservation", "/reserve", vec![scalar("cpus", 1.0)]),
            ("an invalid role", "/reserve", vec![reserved("cpus", 1.0, &["a//b"])]),
            ("the role *", "/reserve", vec![reserved("cpus", 1.0, &["*"])]),
            ("not below", "/reserve", vec![reserved("cpus", 1.0, &["db", "web"])]),
            ("not reserved", "/unreserve", vec![reserved("cpus", 0.5, &["db"])]),
            (
                "a static reservation",
                "/unreserve",
                vec![json!({
                    "name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0},
                    "reservations": [{"type": "STATIC", "role": "fixed"}],
                })],
            ),
        ];
        for (what, path, resources) in tries {
            post(cluster, what, path, &resources);
        }
        let agent = cluster.agent_id("solo-1");
        cluster.post_form("no resources", "/reserve", &[("slaveId", &agent)]);
        cluster.post_form("no agent", "/reserve", &[("resources", "[]")]);
        cluster.post_form("no JSON", "/reserve", &[("slaveId", &agent), ("resources", "{")]);
        cluster.post_form("unknown agent", "/reserve", &[("slaveId", "nobody"), ("resources", "[]")]);
        call(cluster, "nothing to reserve", "RESERVE_RESOURCES", &json!({"resources": []}));
        let wrong =
            json!({"source": [reserved("cpus", 1.0, &["db"])], "resources": [reserved("cpus", 1.0, &["a"])]});
        call(cluster, "from a source that is not there", "RESERVE_RESOURCES", &wrong);
        cluster.step("nothing has changed");
        let fitting = [reserved("cpus", 0.5, &["db"]), reserved("mem", 99_999.0, &["db"])];
        post(cluster, "one of two fits", "/reserve", &fitting);
        cluster.step("nothing has changed still");
        post(cluster, "what fits", "/reserve", &[reserved("cpus", 1.0, &["db"])]);
        cluster.step("the last free cpu is reserved");
    });
}

#[test]
fn frameworks_reserve_refine_use_and_unreserve() {
    compare("framework reservations", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(solo());
        cluster.subscribe_in("db", &["db/main"]);
        let own = allocated(reserved("cpus", 2.0, &["db/main"]), "db/main");
        cluster.accept("db", vec![reserve(std::slice::from_ref(&own))], 0.0);
        cluster.step("two cpus are reserved");
        let above = allocated(reserved("mem", 512.0, &["db"]), "db/main");
        cluster.accept("db", vec![reserve(&[above])], 0.0);
        cluster.step("a reservation for the role above is dropped");
        let foreign = allocated(reserved("cpus", 1.0, &["web"]), "db/main");
        let huge = allocated(reserved("cpus", 99.0, &["db/main"]), "db/main");
        let more = allocated(reserved("cpus", 1.0, &["db/main"]), "db/main");
        cluster.accept(
            "db",
            vec![reserve(&[foreign]), reserve(&[huge]), reserve(std::slice::from_ref(&more))],
            0.0,
        );
        cluster.step("of three the possible one is done");
        let agent = cluster.agent_id("solo-1");
        let offers = cluster.offers("db");
        let mem = allocated(scalar("mem", 64.0), "db/main");
        let task = TaskSpec::new("on reserved", "simulated").resources(vec![own.clone(), mem]);
        cluster.framework("db").launch(&offers[0], &[task], Some(0.0)).unwrap();
        cluster
            .framework("db")
            .wait_status("on reserved", TaskState::Running, apportion_cluster_tests::WITHIN)
            .unwrap();
        cluster.step("a task uses two reserved cpus");
        cluster.accept("db", vec![unreserve(std::slice::from_ref(&own))], 0.0);
        cluster.step("what is in use cannot be unreserved");
        cluster.accept("db", vec![unreserve(std::slice::from_ref(&more))], 0.0);
        cluster.step("what is free can");
        cluster.framework("db").kill("on reserved", None).unwrap();
        cluster
            .framework("db")
            .wait_status("on reserved", TaskState::Killed, apportion_cluster_tests::WITHIN)
            .unwrap();
        cluster.step("all is offered again");
        cluster.post_form(
            "the operator undoes it",
            "/unreserve",
            &[("slaveId", &agent), ("resources", &json!([reserved("cpus", 2.0, &["db/main"])]).to_string())],
        );
        cluster.step("nothing is reserved dynamically");
    });
}
