//! Agents with resource providers: storage that comes, changes and goes, and disks made of it.
//!
//! When a provider has more than before, the master tells the allocator, which looks at the agent at once, and then takes
//! back what was offered of providers. Whether the first is done before it hears of the second decides whether what is new
//! is an offer of its own, and could decide whose: only totals are compared then, and one framework only takes offers.

use apportion_cluster_tests::{WITHIN, list, wait_until};
use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{
    DiskSource, OperationAnswer, SimulatedDisk, SimulatedProvider, SimulatedSpec, TaskSpec, TaskState, scalar,
};
use serde_json::{Value, json};

use crate::resources::{agents, allocated, create, destroy, quota, reserve, reserved, unreserve, volume};

/// Disk alone is no offer without this.
const DISK: Setting = Setting::with_flags(&[("min_allocatable_resources", "cpus:0.01|mem:32|disk:100")]);

/// A provider with raw storage of one profile.
fn store(mb: f64) -> SimulatedProvider {
    let disks = vec![SimulatedDisk::new(DiskSource::Raw, mb).profile("fast")];
    SimulatedProvider { name: "store".to_owned(), disks }
}

/// Another, with two disks that exist already.
fn shelf() -> SimulatedProvider {
    let disk = |id: &str| SimulatedDisk::new(DiskSource::Raw, 500.0).id(id);
    SimulatedProvider { name: "shelf".to_owned(), disks: vec![disk("left"), disk("right")] }
}

/// One agent with these providers, once the master knows what they have.
fn start(cluster: &mut Cluster, providers: Vec<SimulatedProvider>) {
    let expected = providers.iter().flat_map(|provider| &provider.disks).map(|disk| disk.mb).sum();
    cluster.agents(SimulatedSpec { providers: Some(providers), ..agents("solo", 1) });
    wait_for_provided(cluster, expected);
}

/// These are the providers now, and the master knows.
fn provide(cluster: &Cluster, providers: &[SimulatedProvider]) {
    cluster.group("solo").provide(providers);
    let disks = providers.iter().flat_map(|provider| &provider.disks);
    wait_for_provided(cluster, disks.map(|disk| disk.mb).sum());
}

/// What the providers of all agents have in the master's books.
fn provided(cluster: &Cluster) -> Result<Vec<Value>, String> {
    let answer = cluster.master().call(&json!({"type": "GET_AGENTS"})).map_err(|error| error.to_string())?;
    let agents = list(&answer["get_agents"]["agents"]).iter();
    let total = agents.flat_map(|agent| list(&agent["total_resources"]));
    Ok(total.filter(|resource| !resource["provider_id"].is_null()).cloned().collect())
}

/// Waits until all providers together have so much.
fn wait_for_provided(cluster: &Cluster, expected: f64) {
    wait_until("what the providers have", || {
        let provided = provided(cluster)?;
        let found: f64 = provided.iter().filter_map(|resource| resource["scalar"]["value"].as_f64()).sum();
        if found == expected { Ok(()) } else { Err(format!("{found} instead of {expected}")) }
    });
}

fn wait_until_nothing_is_reserved(cluster: &Cluster) {
    wait_until("no reservation of a provider's resources", || {
        let provided = provided(cluster)?;
        let reserved = provided.iter().any(|resource| !resource["reservations"].is_null());
        if reserved { Err(format!("{provided:?}")) } else { Ok(()) }
    });
}

/// Waits until so many operations are in the master's books.
fn wait_for_operations(cluster: &Cluster, expected: usize) {
    wait_until("operations", || {
        let answer =
            cluster.master().call(&json!({"type": "GET_OPERATIONS"})).map_err(|error| error.to_string())?;
        let found = list(&answer["get_operations"]["operations"]).len();
        if found == expected { Ok(()) } else { Err(answer.to_string()) }
    });
}

/// Accepts with operations on what providers have, and waits until they have ended or were dropped.
fn accept(cluster: &mut Cluster, framework: &str, operations: Vec<Value>) {
    let expected = operations_so_far(cluster, "total") + operations.len() as f64;
    cluster.accept(framework, operations, 0.0);
    wait_until("the end of the operations", || {
        let (total, pending) = (operations_so_far(cluster, "total"), operations_so_far(cluster, "pending"));
        if total == expected && pending == 0.0 { Ok(()) } else { Err(format!("{pending} of {total}")) }
    });
}

/// How many operations there are in a state; the master counts them while there is a provider.
fn operations_so_far(cluster: &Cluster, state: &str) -> f64 {
    let metrics = cluster.master().get_json("/metrics/snapshot").expect("the metrics");
    metrics[format!("master/operations/{state}")].as_f64().unwrap_or_default()
}

/// A part of the raw storage of [`store`], reserved for a role and allocated to it.
fn raw(mb: f64, role: &str) -> Value {
    let mut disk = allocated(reserved("disk", mb, &[role]), role);
    disk["disk"] = json!({"source": {"type": "RAW", "profile": "fast"}});
    disk["provider_id"] = json!({"value": "store-1"});
    disk
}

/// The same without a reservation.
fn free(mut disk: Value) -> Value {
    disk.as_object_mut().unwrap().remove("reservations");
    disk
}

/// What becomes of a part of the raw storage. The provider numbers its disks by its operations.
fn made(mut disk: Value, kind: &str, id: &str) -> Value {
    disk["disk"]["source"]["type"] = json!(kind);
    disk["disk"]["source"]["id"] = json!(id);
    disk
}

/// A persistent volume on a disk.
fn on(disk: &Value) -> Value {
    let mut disk = disk.clone();
    let books = volume("books", 0.0, "db")["disk"].clone();
    for field in ["persistence", "volume"] {
        disk["disk"][field] = books[field].clone();
    }
    disk
}

fn create_disk(source: &Value, kind: &str) -> Value {
    json!({"type": "CREATE_DISK", "create_disk": {"source": source, "target_type": kind}})
}

fn destroy_disk(source: &Value) -> Value {
    json!({"type": "DESTROY_DISK", "destroy_disk": {"source": source}})
}

fn launch(cluster: &mut Cluster, framework: &str, role: &str, disk: &Value) {
    let used = vec![disk.clone(), allocated(scalar("cpus", 1.0), role), allocated(scalar("mem", 64.0), role)];
    let task = TaskSpec::new("task", "simulated").resources(used);
    let offers = cluster.offers(framework);
    let has_disk = |offer: &&apportion_rig::Offer| {
        offer.resources().iter().any(|resource| resource["disk"] == disk["disk"])
            && offer.scalar("cpus") >= 1.0
    };
    let offer = offers.iter().find(has_disk).expect("an offer with the disk").clone();
    cluster.framework(framework).launch(&offer, &[task], Some(0.0)).unwrap();
    cluster.framework(framework).wait_status("task", TaskState::Running, WITHIN).unwrap();
}

fn kill(cluster: &mut Cluster, framework: &str) {
    cluster.framework(framework).kill("task", None).unwrap();
    cluster.framework(framework).wait_status("task", TaskState::Killed, WITHIN).unwrap();
}

#[test]
fn providers_appear_change_and_vanish_while_offered_and_refused() {
    compare("providers", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, Vec::new());
        cluster.subscribe_in("db", &["db"]);
        cluster.step("no provider yet");
        provide(cluster, &[store(1000.0)]);
        cluster.step("storage is offered besides the rest");
        provide(cluster, &[store(1000.0), shelf()]);
        cluster.step_of_totals("a second provider");
        provide(cluster, &[store(3000.0), shelf()]);
        cluster.step_of_totals("the first grows");
        provide(cluster, &[store(400.0), shelf()]);
        cluster.step_of_totals("it shrinks while it is offered");
        cluster.decline("db", 0.0);
        cluster.step("all in one offer");
        cluster.decline("db", LONG);
        cluster.step("all of it is refused");
        provide(cluster, &[store(300.0), shelf()]);
        cluster.step("less than was refused");
        provide(cluster, &[store(2000.0), shelf()]);
        cluster.step("more than was refused");
        provide(cluster, &[shelf()]);
        cluster.step("the first vanishes while it is offered");
        cluster.decline("db", LONG);
        cluster.subscribe_in("other", &["other"]);
        cluster.step("another gets what is left");
        provide(cluster, &[]);
        cluster.step("none is left");
        cluster.framework("db").suppress(&[]).unwrap();
        provide(cluster, &[store(1000.0), shelf()]);
        cluster.step_of_totals("both are back");
    });
}

#[test]
fn framework_makes_a_disk_of_raw_storage_and_gives_it_back() {
    compare("disk of a provider", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0), shelf()]);
        cluster.subscribe_in("db", &["db"]);
        cluster.step("raw storage");
        let part = raw(400.0, "db");
        accept(cluster, "db", vec![reserve(std::slice::from_ref(&part))]);
        cluster.step("a part is reserved");
        accept(cluster, "db", vec![create_disk(&part, "MOUNT")]);
        cluster.step("a mounted disk");
        let disk = made(part.clone(), "MOUNT", "disk-2");
        let books = on(&disk);
        accept(cluster, "db", vec![create(std::slice::from_ref(&books))]);
        cluster.step("a volume on it");
        launch(cluster, "db", "db", &books);
        cluster.step("a task uses it");
        accept(cluster, "db", vec![create_disk(&free(raw(900.0, "db")), "MOUNT")]);
        cluster.step("more than there is, is dropped");
        kill(cluster, "db");
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step("it survives the task");
        accept(cluster, "db", vec![destroy_disk(&disk)]);
        cluster.step("a disk with a volume is not destroyed");
        accept(cluster, "db", vec![destroy(&[books])]);
        cluster.settle();
        accept(cluster, "db", vec![destroy_disk(&disk)]);
        cluster.step("raw storage again");
        accept(cluster, "db", vec![unreserve(&[part])]);
        cluster.step("as it was");
        accept(cluster, "db", vec![create_disk(&free(raw(1000.0, "db")), "BLOCK")]);
        cluster.step("all of it is a block device, of nobody");
        cluster.subscribe_in("other", &["other"]);
        cluster.decline("db", LONG);
        cluster.step("which another gets");
    });
}

#[test]
fn operator_reserves_storage_of_a_provider() {
    compare("operator and provider", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0)]);
        let part = |mb: f64| {
            let mut part = raw(mb, "db");
            part.as_object_mut().unwrap().remove("allocation_info");
            part
        };
        let post = |cluster: &mut Cluster, what: &str, path: &str, resource: &Value| {
            let agent = cluster.agent_id("solo-1");
            let resources = json!([resource]).to_string();
            cluster.post_form(what, path, &[("slaveId", &agent), ("resources", &resources)]);
            wait_for_operations(cluster, 0);
        };
        post(cluster, "more than there is", "/reserve", &part(2000.0));
        post(cluster, "reserve", "/reserve", &part(600.0));
        cluster.step("reserved");
        cluster.subscribe_in("db", &["db"]);
        cluster.subscribe_in("other", &["other"]);
        cluster.step("offered");
        post(cluster, "unreserve while it is offered", "/unreserve", &part(600.0));
        cluster.step("not reserved any more");
    });
}

#[test]
fn provider_vanishes_while_its_disk_is_used() {
    compare("used provider", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0), shelf()]);
        cluster.subscribe_in("db", &["db"]);
        let part = raw(400.0, "db");
        accept(cluster, "db", vec![reserve(std::slice::from_ref(&part)), create_disk(&part, "MOUNT")]);
        cluster.settle();
        let disk = made(part, "MOUNT", "disk-2");
        launch(cluster, "db", "db", &disk);
        cluster.step("a task uses a disk");
        provide(cluster, &[shelf()]);
        cluster.step("its provider is gone");
        cluster.subscribe_in("other", &["other"]);
        cluster.decline("db", LONG);
        cluster.framework("db").suppress(&[]).unwrap();
        cluster.step("another gets the rest");
        provide(cluster, &[store(1000.0), shelf()]);
        cluster.step_of_totals("the provider is back");
        provide(cluster, &[store(300.0), shelf()]);
        cluster.step_of_totals("with less than is in use");
        kill(cluster, "db");
        cluster.framework("db").revive(&[]).unwrap();
        cluster.step_of_totals("the task has ended");
        cluster.framework("db").suppress(&[]).unwrap();
        provide(cluster, &[store(2000.0)]);
        cluster.step_of_totals("more, and the other provider is gone");
    });
}

#[test]
fn task_ends_while_the_provider_of_its_disk_is_away() {
    compare("absent provider", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0)]);
        cluster.subscribe_in("db", &["db"]);
        let part = raw(400.0, "db");
        accept(cluster, "db", vec![reserve(std::slice::from_ref(&part)), create_disk(&part, "MOUNT")]);
        cluster.settle();
        launch(cluster, "db", "db", &made(part, "MOUNT", "disk-2"));
        provide(cluster, &[]);
        kill(cluster, "db");
        cluster.step("nothing of it is left");
        provide(cluster, &[store(1000.0)]);
        cluster.step("the disk is free");
    });
}

#[test]
fn pending_operation_keeps_its_storage_from_others() {
    compare("pending operation", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0)]);
        cluster.group("solo").answer_operations(OperationAnswer::Wait);
        cluster.subscribe_in("db", &["db"]);
        cluster.accept("db", vec![create_disk(&free(raw(400.0, "db")), "MOUNT")], 0.0);
        wait_for_operations(cluster, 1);
        cluster.step("an operation is pending");
        cluster.subscribe_in("other", &["other"]);
        cluster.decline("db", LONG);
        cluster.step("another gets the rest");
        cluster.group("solo").answer_operations(OperationAnswer::Finish);
        wait_for_operations(cluster, 0);
        cluster.step("the disk is offered");
        cluster.group("solo").answer_operations(OperationAnswer::Fail);
        cluster.framework("db").revive(&[]).unwrap();
        cluster.framework("other").suppress(&[]).unwrap();
        cluster.decline("other", LONG);
        cluster.settle();
        let offers = cluster.offers("db");
        assert!(!offers.is_empty());
        accept(cluster, "db", vec![create_disk(&free(raw(300.0, "db")), "MOUNT")]);
        cluster.step("an operation fails");
        accept(cluster, "db", vec![reserve(&[raw(300.0, "db")])]);
        wait_until_nothing_is_reserved(cluster);
        cluster.step("a reservation fails, which the master had taken for done");
    });
}

#[test]
fn provider_leaves_with_a_pending_operation() {
    compare("lost operation", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0), shelf()]);
        cluster.group("solo").answer_operations(OperationAnswer::Wait);
        cluster.subscribe_in("db", &["db"]);
        cluster.accept("db", vec![create_disk(&free(raw(400.0, "db")), "MOUNT")], 0.0);
        wait_for_operations(cluster, 1);
        cluster.step("an operation is pending");
        provide(cluster, &[shelf()]);
        cluster.step("its provider is gone");
        provide(cluster, &[store(1000.0), shelf()]);
        cluster.step("and back");
        cluster.group("solo").answer_operations(OperationAnswer::Finish);
        wait_for_operations(cluster, 0);
        cluster.step("the operation has ended");
    });
}

#[test]
fn framework_leaves_with_a_pending_operation() {
    compare("orphaned operation", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0)]);
        cluster.group("solo").answer_operations(OperationAnswer::Wait);
        cluster.subscribe_in("db", &["db"]);
        cluster.subscribe_in("other", &["other"]);
        cluster.accept("db", vec![create_disk(&free(raw(400.0, "db")), "MOUNT")], 0.0);
        wait_for_operations(cluster, 1);
        cluster.step("an operation is pending");
        cluster.take_framework("db").teardown().unwrap();
        cluster.wait_for_state("the framework to be gone", |state| list(&state["frameworks"]).len() == 2);
        cluster.step("its framework is gone");
        cluster.group("solo").answer_operations(OperationAnswer::Finish);
        wait_for_operations(cluster, 0);
        cluster.step("the disk it made is offered");
    });
}

#[test]
fn agent_is_lost_with_its_providers_and_returns() {
    compare("lost providers", DISK, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0)]);
        cluster.subscribe_in("db", &["db"]);
        let part = raw(400.0, "db");
        accept(cluster, "db", vec![reserve(std::slice::from_ref(&part)), create_disk(&part, "MOUNT")]);
        let agent = cluster.agent_id("solo-1");
        let cpus = json!([reserved("cpus", 2.0, &["db"])]).to_string();
        cluster.post_form("a reservation", "/reserve", &[("slaveId", &agent), ("resources", &cpus)]);
        wait_for_operations(cluster, 0);
        cluster.step("a disk and a reservation");
        cluster.group("solo").disconnect();
        cluster.wait_for_state("it to be gone", |state| state["activated_slaves"] == 0.0);
        cluster.step("gone");
        cluster.group("solo").reconnect();
        cluster.group("solo").wait_until_registered(WITHIN).unwrap();
        cluster.wait_for_state("it to be back", |state| state["activated_slaves"] == 1.0);
        wait_for_provided(cluster, 1000.0);
        cluster.step_of_totals("all is there again");
        cluster.group("solo").unregister();
        cluster.wait_for_state("it to leave", |state| state["activated_slaves"] == 0.0);
        cluster.step("gone for good");
    });
}

#[test]
fn agent_returns_with_its_providers_to_a_restarted_master() {
    const KEPT: Setting = Setting::with_flags(&[
        ("registry", "replicated_log"),
        ("min_allocatable_resources", "cpus:0.01|mem:32|disk:100"),
    ]);
    compare("restart with providers", KEPT, &[], |cluster: &mut Cluster| {
        start(cluster, vec![store(1000.0), shelf()]);
        cluster.subscribe_in("db", &["db"]);
        let part = raw(400.0, "db");
        accept(cluster, "db", vec![reserve(std::slice::from_ref(&part)), create_disk(&part, "MOUNT")]);
        cluster.step("a disk");
        cluster.restart_master();
        let address = cluster.master().address().to_owned();
        cluster.framework("db").resubscribe(&address).unwrap();
        cluster.group("solo").reconnect();
        cluster.group("solo").wait_until_registered(WITHIN).unwrap();
        wait_for_provided(cluster, 2000.0);
        cluster.step_of_totals("it is there again");
        let disk = made(part, "MOUNT", "disk-2");
        cluster.decline("db", 0.0);
        cluster.settle();
        accept(cluster, "db", vec![destroy_disk(&disk)]);
        cluster.step("raw storage again");
    });
}

/// There is no other disk: which of several is cut to a limit would be left to chance.
#[test]
fn storage_of_providers_counts_for_quotas() {
    compare("quota and providers", DISK, &[], |cluster: &mut Cluster| {
        cluster.call("a limit", &quota("db", &[], &[("disk", 600.0)], false));
        cluster.agents(SimulatedSpec {
            providers: Some(vec![store(1000.0)]),
            disk_mb: 0.0,
            ..agents("solo", 1)
        });
        wait_for_provided(cluster, 1000.0);
        cluster.subscribe_in("db", &["db"]);
        cluster.step("storage is cut to the limit");
        let part = raw(400.0, "db");
        accept(cluster, "db", vec![reserve(std::slice::from_ref(&part))]);
        cluster.step("a reservation counts");
        accept(cluster, "db", vec![create_disk(&part, "MOUNT")]);
        cluster.step("so does a disk");
        provide(cluster, &[store(2000.0)]);
        cluster.step_of_totals("more storage, the same limit");
        cluster.call("no room", &quota("db", &[], &[("disk", 300.0)], true));
        cluster.decline("db", 0.0);
        cluster.step("nothing but the disk");
        cluster.subscribe_in("other", &["other"]);
        cluster.step("the rest goes to another");
        cluster.call("a guarantee", &quota("kept", &[("disk", 1500.0)], &[], true));
        cluster.decline("other", 0.0);
        cluster.step("what a guarantee leaves");
        cluster.subscribe_in("kept", &["kept"]);
        cluster.step("the guarantee is served");
        for name in ["db", "kept"] {
            cluster.framework(name).suppress(&[]).unwrap();
        }
        provide(cluster, &[]);
        cluster.step_of_totals("the guarantee cannot be served any more");
    });
}
