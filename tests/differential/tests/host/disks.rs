//! Disks besides an agent's root disk: mounted ones, that are given away whole, and directories, that are divided.

use apportion_cluster_tests::WITHIN;
use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{DiskSource, FrameworkSpec, SimulatedDisk, SimulatedSpec, TaskSpec, TaskState, scalar};
use serde_json::{Value, json};

use crate::resources::{
    agents, allocated, create, destroy, quota, reserve, reserved, shared, unreserve, volume,
};

/// Disk alone is no offer without this.
const DISK: Setting = Setting::with_flags(&[("min_allocatable_resources", "cpus:0.01|mem:32|disk:500")]);

fn mount(root: &str, mb: f64) -> SimulatedDisk {
    SimulatedDisk::new(DiskSource::Mount, mb).root(root)
}

fn directory(root: &str, mb: f64) -> SimulatedDisk {
    SimulatedDisk::new(DiskSource::Path, mb).root(root)
}

/// Two mounted disks of one size, a larger one, and a directory.
fn storage(hosts: &str) -> SimulatedSpec {
    let disks = vec![
        mount("/one", 1000.0),
        mount("/two", 1000.0),
        mount("/three", 3000.0),
        directory("/dir", 2000.0),
    ];
    SimulatedSpec { disks, ..agents(hosts, 1) }
}

/// The resource on a mounted disk instead of the root disk.
fn mounted(mut resource: Value, root: &str) -> Value {
    resource["disk"]["source"] = json!({"type": "MOUNT", "mount": {"root": root}});
    resource
}

/// The resource in a directory instead of on the root disk.
fn inside(mut resource: Value, root: &str) -> Value {
    resource["disk"]["source"] = json!({"type": "PATH", "path": {"root": root}});
    resource
}

fn post(cluster: &mut Cluster, what: &str, path: &str, resource: &Value) {
    let agent = cluster.agent_id("solo-1");
    let field = if path.ends_with("volumes") { "volumes" } else { "resources" };
    cluster.post_form(what, path, &[("slaveId", &agent), (field, &json!([resource]).to_string())]);
}

fn launch(cluster: &mut Cluster, framework: &str, task: &str, volume: &Value) {
    let role = volume["allocation_info"]["role"].as_str().unwrap().to_owned();
    let used =
        vec![volume.clone(), allocated(scalar("cpus", 1.0), &role), allocated(scalar("mem", 64.0), &role)];
    let offers = cluster.offers(framework);
    let wanted = TaskSpec::new(task, "simulated").resources(used);
    cluster.framework(framework).launch(&offers[0], &[wanted], Some(0.0)).unwrap();
    cluster.framework(framework).wait_status(task, TaskState::Running, WITHIN).unwrap();
}

fn kill(cluster: &mut Cluster, framework: &str, task: &str) {
    cluster.framework(framework).kill(task, None).unwrap();
    cluster.framework(framework).wait_status(task, TaskState::Killed, WITHIN).unwrap();
}

#[test]
fn operator_reserves_a_mounted_disk_as_a_whole_only() {
    compare("operator mount", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(SimulatedSpec { disks: vec![mount("/one", 1000.0)], ..agents("solo", 1) });
        let disk = |mb: f64, root: &str| mounted(reserved("disk", mb, &["db"]), root);
        let books = |mb: f64| mounted(volume("books", mb, "db"), "/one");
        post(cluster, "a volume without a reservation", "/create-volumes", &books(1000.0));
        post(cluster, "a part of a disk", "/reserve", &disk(400.0, "/one"));
        post(cluster, "more than the disk", "/reserve", &disk(2000.0, "/one"));
        post(cluster, "a disk that is not there", "/reserve", &disk(1000.0, "/two"));
        post(
            cluster,
            "the root disk under its name",
            "/reserve",
            &inside(reserved("disk", 10.0, &["db"]), "/"),
        );
        post(cluster, "a disk", "/reserve", &disk(1000.0, "/one"));
        post(cluster, "the same again", "/reserve", &disk(1000.0, "/one"));
        cluster.step("a disk is reserved");
        post(cluster, "a volume smaller than its disk", "/create-volumes", &books(400.0));
        post(cluster, "a volume larger than its disk", "/create-volumes", &books(2000.0));
        post(cluster, "a part of the disk", "/unreserve", &disk(400.0, "/one"));
        post(cluster, "a volume", "/create-volumes", &books(1000.0));
        post(cluster, "the volume again", "/create-volumes", &books(1000.0));
        post(cluster, "the disk below the volume", "/unreserve", &disk(1000.0, "/one"));
        cluster.step("a volume");
        post(cluster, "a part of the volume", "/destroy-volumes", &books(400.0));
        post(cluster, "destroy", "/destroy-volumes", &books(1000.0));
        post(cluster, "destroy again", "/destroy-volumes", &books(1000.0));
        post(cluster, "unreserve", "/unreserve", &disk(1000.0, "/one"));
        cluster.step("as it was");
    });
}

#[test]
fn operator_reserves_two_of_several_mounted_disks() {
    compare("operator mounts", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(storage("solo"));
        let disk = |root: &str| mounted(reserved("disk", 1000.0, &["db"]), root);
        let books = mounted(volume("books", 1000.0, "db"), "/one");
        post(cluster, "a disk", "/reserve", &disk("/one"));
        post(cluster, "its twin", "/reserve", &disk("/two"));
        post(cluster, "a volume", "/create-volumes", &books);
        cluster.step("two disks are reserved, one has a volume");
        cluster.subscribe_in("db", &["db"]);
        cluster.subscribe_in("other", &["other"]);
        cluster.step("all disks are offered to whom they are reserved for");
        post(cluster, "destroy it while it is offered", "/destroy-volumes", &books);
        post(cluster, "unreserve the twin while it is offered", "/unreserve", &disk("/two"));
        cluster.step("one disk is reserved still");
        cluster.decline("db", LONG);
        cluster.decline("other", LONG);
        cluster.step("nobody wants anything");
        post(cluster, "unreserve", "/unreserve", &disk("/one"));
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("as it was");
    });
}

#[test]
fn framework_takes_one_of_several_mounted_disks() {
    compare("one of several mounts", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(storage("solo"));
        cluster.subscribe_in("db", &["db"]);
        let disk = allocated(mounted(reserved("disk", 1000.0, &["db"]), "/one"), "db");
        let books = allocated(mounted(volume("books", 1000.0, "db"), "/one"), "db");
        let part = allocated(mounted(reserved("disk", 400.0, &["db"]), "/two"), "db");
        cluster.accept("db", vec![reserve(&[part])], 0.0);
        cluster.step("a part of a disk cannot be reserved");
        cluster.accept(
            "db",
            vec![reserve(std::slice::from_ref(&disk)), create(std::slice::from_ref(&books))],
            0.0,
        );
        cluster.step("a volume on one of two equal disks");
        launch(cluster, "db", "writer", &books);
        cluster.step("a task uses it");
        cluster.decline("db", LONG);
        cluster.subscribe_in("other", &["other"]);
        cluster.step("another gets the other disks");
        let whole = allocated(mounted(scalar("disk", 1000.0), "/two"), "other");
        launch(cluster, "other", "scratch", &whole);
        cluster.step("it uses the twin without a volume");
        post(
            cluster,
            "destroy what is in use",
            "/destroy-volumes",
            &mounted(volume("books", 1000.0, "db"), "/one"),
        );
        post(
            cluster,
            "reserve what is in use",
            "/reserve",
            &mounted(reserved("disk", 1000.0, &["db"]), "/two"),
        );
        kill(cluster, "db", "writer");
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("the volume survives its task");
        kill(cluster, "other", "scratch");
        cluster.step("the twin is free");
        cluster.accept("db", vec![destroy(&[books]), unreserve(&[disk])], 0.0);
        cluster.decline("other", 0.0);
        cluster.step_of_totals("all disks are free");
    });
}

#[test]
fn agent_returns_with_volumes_on_its_disks() {
    compare("mounts of a lost agent", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(storage("solo"));
        cluster.agents(storage("more"));
        for (what, path, resource) in [
            ("reserve a disk", "/reserve", mounted(reserved("disk", 3000.0, &["db"]), "/three")),
            ("create", "/create-volumes", mounted(volume("books", 3000.0, "db"), "/three")),
            ("reserve a part of the directory", "/reserve", inside(reserved("disk", 700.0, &["db"]), "/dir")),
        ] {
            post(cluster, what, path, &resource);
        }
        cluster.subscribe(FrameworkSpec::new("db").roles(&["db"]).capabilities(&["RESERVATION_REFINEMENT"]));
        cluster.step("all is offered");
        cluster.group("solo").disconnect();
        cluster.wait_for_state("it to be gone", |state| state["activated_slaves"] == 1.0);
        cluster.step("its disks are gone");
        cluster.group("solo").reconnect();
        cluster.group("solo").wait_until_registered(WITHIN).unwrap();
        cluster.wait_for_state("it to be back", |state| state["activated_slaves"] == 2.0);
        cluster.step("the volume is there again");
    });
}

#[test]
fn volumes_in_a_directory_grow_and_shrink_but_not_on_a_mounted_disk() {
    compare("resized disks", DISK, &[], |cluster: &mut Cluster| {
        cluster.agents(storage("solo"));
        cluster.subscribe_in("db", &["db"]);
        let on = |mb: f64| allocated(inside(reserved("disk", mb, &["db"]), "/dir"), "db");
        let logs = |mb: f64| allocated(inside(volume("logs", mb, "db"), "/dir"), "db");
        let disk = allocated(mounted(reserved("disk", 1000.0, &["db"]), "/one"), "db");
        let books = allocated(mounted(volume("books", 1000.0, "db"), "/one"), "db");
        let twin = allocated(mounted(reserved("disk", 1000.0, &["db"]), "/two"), "db");
        cluster.accept("db", vec![reserve(&[on(1500.0), disk, twin.clone()])], 0.0);
        cluster.step("a part of the directory and two disks");
        cluster.accept("db", vec![create(&[logs(600.0), books.clone()])], 0.0);
        cluster.step("a volume on each");
        let grow = |volume: Value, addition: Value| json!({"type": "GROW_VOLUME", "grow_volume": {"volume": volume, "addition": addition}});
        let shrink = |volume: Value, mb: f64| json!({"type": "SHRINK_VOLUME", "shrink_volume": {"volume": volume, "subtract": {"value": mb}}});
        cluster.accept("db", vec![grow(logs(600.0), on(300.0))], 0.0);
        cluster.step("grown");
        cluster.accept("db", vec![shrink(logs(900.0), 700.0)], 0.0);
        cluster.step("shrunk");
        cluster.accept("db", vec![grow(books.clone(), twin)], 0.0);
        cluster.settle();
        cluster.accept("db", vec![shrink(books, 500.0)], 0.0);
        cluster.step("a mounted disk keeps its size");
    });
}

/// A shared volume is offered again in each run while it is in use, so it has to stay below the minimum.
#[test]
fn shared_volume_on_a_mounted_disk_is_offered_while_it_is_used() {
    compare("shared mount", DISK, &[], |cluster: &mut Cluster| {
        let disks = vec![mount("/one", 400.0), mount("/two", 400.0)];
        cluster.agents(SimulatedSpec { disks, ..agents("solo", 1) });
        let capable = ["RESERVATION_REFINEMENT", "SHARED_RESOURCES"];
        cluster.subscribe(FrameworkSpec::new("able").roles(&["db"]).capabilities(&capable));
        let disk = allocated(mounted(reserved("disk", 400.0, &["db"]), "/one"), "db");
        let books = allocated(shared(mounted(volume("books", 400.0, "db"), "/one")), "db");
        cluster.accept(
            "able",
            vec![reserve(std::slice::from_ref(&disk)), create(std::slice::from_ref(&books))],
            0.0,
        );
        cluster.step("a shared volume");
        for task in ["one", "two"] {
            launch(cluster, "able", task, &books);
            cluster.step(task);
        }
        cluster.accept("able", vec![destroy(std::slice::from_ref(&books))], 0.0);
        cluster.step("what is in use is not destroyed");
        kill(cluster, "able", "one");
        kill(cluster, "able", "two");
        cluster.decline("able", 0.0);
        cluster.step("no longer used");
        cluster.accept("able", vec![destroy(&[books]), unreserve(&[disk])], 0.0);
        cluster.step("as it was");
    });
}

/// Whichever disk is looked at first, the small one fits and the large one does not.
#[test]
fn limit_takes_the_mounted_disks_that_fit_in_it() {
    compare("limit on mounts", DISK, &[], |cluster: &mut Cluster| {
        let disks = vec![mount("/small", 1000.0), mount("/large", 3000.0)];
        cluster.agents(SimulatedSpec { disks, disk_mb: 200.0, ..agents("solo", 1) });
        cluster.call("a limit", &quota("a", &[], &[("disk", 1500.0)], false));
        cluster.subscribe_in("limited", &["a"]);
        cluster.step("the small disk and the root disk");
        cluster.subscribe_in("free", &["b"]);
        cluster.step("the large one goes to another");
        let small = allocated(mounted(reserved("disk", 1000.0, &["a"]), "/small"), "a");
        cluster.accept("limited", vec![reserve(std::slice::from_ref(&small))], 0.0);
        cluster.step("a reservation counts although it is not in use");
        cluster.decline("free", LONG);
        cluster.call("a larger limit", &quota("a", &[], &[("disk", 4200.0)], false));
        cluster.step("room for all");
        cluster.decline("limited", 0.0);
        cluster.call("a smaller limit than is reserved", &quota("a", &[], &[("disk", 500.0)], false));
        cluster.call("forced", &quota("a", &[], &[("disk", 500.0)], true));
        cluster.step("the reservation is offered, and nothing unreserved");
        cluster.accept("limited", vec![unreserve(&[small])], 0.0);
        cluster.step("only the root disk is below the limit");
    });
}

/// A mounted disk is not cut to what a guarantee lacks.
#[test]
fn guarantee_of_disk_is_kept_on_mounted_disks() {
    compare("guarantee on mounts", DISK, &[], |cluster: &mut Cluster| {
        let disks = vec![mount("/only", 1000.0)];
        cluster.agents(SimulatedSpec { disks, disk_mb: 100.0, ..agents("solo", 3) });
        cluster.call("a guarantee", &quota("kept", &[("disk", 1500.0)], &[], true));
        cluster.subscribe_in("greedy", &["b"]);
        cluster.step_of_totals("what a mounted disk cannot lend");
        cluster.subscribe_in("owner", &["kept"]);
        cluster.step_of_totals("the guarantee is served");
        cluster.framework("greedy").suppress(&[]).unwrap();
        cluster.decline("greedy", 0.0);
        cluster.step_of_totals("the rest as well");
        cluster.call("limit and guarantee", &quota("kept", &[("disk", 1200.0)], &[("disk", 1200.0)], true));
        cluster.decline("owner", 0.0);
        cluster.framework("greedy").revive(&[]).unwrap();
        cluster.step_of_totals("one mounted disk and two root disks");
    });
}

/// Disks that are equal in everything, since none says where it is mounted.
#[test]
fn mounted_disks_that_cannot_be_told_apart_are_taken_one_by_one() {
    compare("equal mounts", DISK, &[], |cluster: &mut Cluster| {
        let anonymous = SimulatedDisk::new(DiskSource::Mount, 1000.0);
        let disks = vec![anonymous.clone(), anonymous.clone(), anonymous];
        cluster.agents(SimulatedSpec { disks, ..agents("solo", 1) });
        cluster.subscribe_in("db", &["db"]);
        cluster.step("three disks");
        let mut disk = allocated(reserved("disk", 1000.0, &["db"]), "db");
        disk["disk"] = json!({"source": {"type": "MOUNT"}});
        cluster.accept("db", vec![reserve(std::slice::from_ref(&disk))], 0.0);
        cluster.step("one of them is reserved");
        cluster.accept("db", vec![reserve(&[disk.clone(), disk.clone()])], 0.0);
        cluster.step("the others are");
        cluster.accept("db", vec![unreserve(&[disk])], 0.0);
        cluster.step("one of them no longer");
    });
}
