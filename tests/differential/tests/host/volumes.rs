//! Persistent volumes, shared ones too, by the operator and by frameworks.

use apportion_cluster_tests::WITHIN;
use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{FrameworkSpec, TaskSpec, TaskState, scalar};
use serde_json::{Value, json};

use crate::resources::{agents, allocated, create, destroy, reserve, reserved, shared, unreserve, volume};

/// Disk alone is no offer without this. A shared volume is offered again in each run while it is in use, so it has to
/// stay below the minimum.
const DISK: Setting = Setting::with_flags(&[("min_allocatable_resources", "cpus:0.01|mem:32|disk:500")]);

fn post(cluster: &mut Cluster, what: &str, path: &str, field: &str, resources: &[Value]) {
    let agent = cluster.agent_id("solo-1");
    cluster.post_form(what, path, &[("slaveId", &agent), (field, &json!(resources).to_string())]);
}

fn call(cluster: &mut Cluster, what: &str, name: &str, fields: &Value) {
    let mut fields = fields.clone();
    fields["agent_id"] = json!({"value": cluster.agent_id("solo-1")});
    cluster.call(what, &json!({"type": name, (name.to_lowercase()): fields}));
}

#[test]
fn operator_makes_resizes_and_destroys_volumes() {
    compare("operator volumes", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("solo", 1));
        let books = volume("books", 1000.0, "db");
        post(cluster, "no reservation yet", "/create-volumes", "volumes", std::slice::from_ref(&books));
        post(cluster, "reserve", "/reserve", "resources", &[reserved("disk", 2000.0, &["db"])]);
        post(cluster, "create", "/create-volumes", "volumes", std::slice::from_ref(&books));
        post(cluster, "create again", "/create-volumes", "volumes", std::slice::from_ref(&books));
        post(cluster, "too large", "/create-volumes", "volumes", &[volume("big", 5000.0, "db")]);
        post(cluster, "unreserve the volume", "/unreserve", "resources", std::slice::from_ref(&books));
        cluster.step("a volume and reserved disk");
        cluster.subscribe_in("db", &["db"]);
        cluster.step("both are offered");
        let more = json!({"volume": books, "addition": reserved("disk", 500.0, &["db"])});
        call(cluster, "grow", "GROW_VOLUME", &more);
        cluster.step("grown");
        let larger = volume("books", 1500.0, "db");
        call(cluster, "shrink", "SHRINK_VOLUME", &json!({"volume": larger, "subtract": {"value": 900.0}}));
        let gone = json!({"volume": larger, "subtract": {"value": 900.0}});
        call(cluster, "shrink what is no longer there", "SHRINK_VOLUME", &gone);
        cluster.step("shrunk");
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("offered as it is now");
        post(cluster, "destroy", "/destroy-volumes", "volumes", &[volume("books", 600.0, "db")]);
        post(cluster, "destroy again", "/destroy-volumes", "volumes", &[volume("books", 600.0, "db")]);
        post(cluster, "unreserve", "/unreserve", "resources", &[reserved("disk", 2000.0, &["db"])]);
        cluster.step("as it was");
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("all is offered");
    });
}

#[test]
fn frameworks_make_use_and_destroy_volumes() {
    compare("framework volumes", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("solo", 1));
        cluster.subscribe_in("db", &["db"]);
        let disk = allocated(reserved("disk", 1000.0, &["db"]), "db");
        let books = allocated(volume("books", 1000.0, "db"), "db");
        cluster.accept(
            "db",
            vec![reserve(std::slice::from_ref(&disk)), create(std::slice::from_ref(&books))],
            0.0,
        );
        cluster.step("a volume");
        let twice = allocated(volume("books", 100.0, "db"), "db");
        let unreserved =
            vec![reserve(&[allocated(reserved("disk", 100.0, &["db"]), "db")]), create(&[twice])];
        cluster.accept("db", unreserved, 0.0);
        cluster.step("a second volume of that id is dropped");
        let offers = cluster.offers("db");
        let used =
            vec![books.clone(), allocated(scalar("cpus", 1.0), "db"), allocated(scalar("mem", 64.0), "db")];
        let task = TaskSpec::new("writer", "simulated").resources(used);
        cluster.framework("db").launch(&offers[0], &[task], Some(0.0)).unwrap();
        cluster.framework("db").wait_status("writer", TaskState::Running, WITHIN).unwrap();
        cluster.step("a task uses the volume");
        post(
            cluster,
            "destroy what is in use",
            "/destroy-volumes",
            "volumes",
            &[volume("books", 1000.0, "db")],
        );
        cluster.framework("db").kill("writer", None).unwrap();
        cluster.framework("db").wait_status("writer", TaskState::Killed, WITHIN).unwrap();
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("it survives the task");
        cluster.accept("db", vec![destroy(&[books]), unreserve(&[disk])], 0.0);
        cluster.step("destroyed");
    });
}

#[test]
fn shared_volume_is_used_by_two_tasks() {
    compare("shared volume", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("solo", 1));
        let spec = |name: &str| FrameworkSpec::new(name).roles(&["db"]);
        let capable = ["RESERVATION_REFINEMENT", "SHARED_RESOURCES"];
        cluster.subscribe(spec("able").capabilities(&capable));
        let disk = allocated(reserved("disk", 100.0, &["db"]), "db");
        let books = allocated(shared(volume("books", 100.0, "db")), "db");
        cluster.accept("able", vec![reserve(&[disk]), create(std::slice::from_ref(&books))], 0.0);
        cluster.step("a shared volume");
        let offers = cluster.offers("able");
        let task = |id: &str| {
            TaskSpec::new(id, "simulated").resources(vec![
                books.clone(),
                allocated(scalar("cpus", 1.0), "db"),
                allocated(scalar("mem", 64.0), "db"),
            ])
        };
        cluster.framework("able").launch(&offers[0], &[task("one"), task("two")], Some(0.0)).unwrap();
        for id in ["one", "two"] {
            cluster.framework("able").wait_status(id, TaskState::Running, WITHIN).unwrap();
        }
        cluster.step("two tasks use it, and it is offered still");
        cluster.framework("able").suppress(&[]).unwrap();
        cluster.decline("able", LONG);
        cluster.subscribe(spec("unable").capabilities(&["RESERVATION_REFINEMENT"]));
        cluster.step("who cannot share gets the rest");
        cluster.framework("unable").suppress(&[]).unwrap();
        cluster.decline("unable", LONG);
        cluster.subscribe(spec("also able").capabilities(&capable));
        cluster.step("another that can gets all of it");
        cluster.accept("also able", vec![destroy(std::slice::from_ref(&books))], 0.0);
        cluster.step("what is in use is not destroyed");
        cluster.framework("able").kill("one", None).unwrap();
        cluster.framework("able").wait_status("one", TaskState::Killed, WITHIN).unwrap();
        cluster.step("one of two tasks has ended");
        cluster.framework("able").kill("two", None).unwrap();
        cluster.framework("able").wait_status("two", TaskState::Killed, WITHIN).unwrap();
        cluster.step("both have");
        cluster.decline("also able", 0.0);
        cluster.step("all is in one offer");
        cluster.accept("also able", vec![destroy(&[books])], 0.0);
        cluster.step("destroyed");
    });
}
