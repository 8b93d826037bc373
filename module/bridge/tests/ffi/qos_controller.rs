//! Whom the QoS controller ends, who wakes it, and what agents say of it.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};

use apportion_bridge::abi::{APPORTION_DONE, APPORTION_FAILED, APPORTION_UNCHANGED};
use apportion_wire::messages::{
    AgentInfo, Attribute, ContainerConfig, ExecutorUsage, QosCorrection, TextValue, decode, encode,
};
use serde_json::Value;

use crate::border::{Answer, CONTROLLERS, Module, answered, call, view};
use crate::messages::{
    agent, allocated, container_config, container_id, executor_usage, lent, overcommitted_usage, scalar,
    usage,
};

const SECOND: i64 = 1_000_000_000;

/// A controller of an agent of which something may be lent.
fn of_a_lending_agent() -> Module {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, "[[lending.borrowers]]\nroles = \"batch\"\n").unwrap();
    Module::qos_controller(&[("config", file.to_str().unwrap())])
}

/// What a look answers: status, names of the executors to end, and when to look again in seconds.
fn look(controller: &Module, now: i64, usage: &[u8]) -> (i32, Vec<String>, i64) {
    let mut next = 0;
    let answer = answered(|out| {
        call!(qos_controller_corrections(controller.handle(), now, view(usage), &raw mut next, out))
    });
    let mut names = Vec::new();
    let mut rest = &answer.bytes[..];
    while answer.status == APPORTION_DONE && !rest.is_empty() {
        let (size, after) = rest.split_first_chunk::<4>().unwrap();
        let (correction, after) = after.split_at(u32::from_le_bytes(*size) as usize);
        let correction: QosCorrection = decode(correction).unwrap();
        assert_eq!(correction.r#type, QosCorrection::KILL);
        let kill = correction.kill.unwrap();
        let executor = kill.executor_id.unwrap().value;
        assert_eq!(kill.framework_id.unwrap().value, b"f");
        assert_eq!(kill.container_id.unwrap().value, [b"c-", &executor[..]].concat());
        names.push(String::from_utf8(executor).unwrap());
        rest = after;
    }
    (i32::try_from(answer.status).unwrap(), names, next / SECOND)
}

fn status(status: u32) -> i32 {
    i32::try_from(status).unwrap()
}

fn report(controller: &Module) -> Value {
    let answer = answered(|out| call!(qos_controller_report(controller.handle(), out)));
    answer.expect(APPORTION_DONE);
    serde_json::from_slice(&answer.bytes).unwrap()
}

fn metric(controller: &Module, name: &str) -> f64 {
    let names = answered(|out| call!(qos_controller_metrics(controller.handle(), out)));
    let names = String::from_utf8(names.bytes).unwrap();
    let slot = names.lines().position(|line| line == format!("apportion/eviction/{name}")).unwrap();
    let mut value = f64::NAN;
    let slot = u32::try_from(slot).unwrap();
    answered(|out| call!(qos_controller_metric(controller.handle(), slot, &raw mut value, out)))
        .expect(APPORTION_DONE);
    value
}

#[test]
fn borrower_is_ended_once_and_again_if_it_is_still_there() {
    let _alone = CONTROLLERS.write();
    let controller = of_a_lending_agent();
    let full = overcommitted_usage();
    assert_eq!(look(&controller, 0, &full), (status(APPORTION_DONE), vec!["borrower".to_owned()], 10));
    assert_eq!(look(&controller, 4 * SECOND, &full), (status(APPORTION_UNCHANGED), vec![], 6));
    assert_eq!(
        look(&controller, 10 * SECOND, &full),
        (status(APPORTION_DONE), vec!["borrower".to_owned()], 10)
    );
    assert_eq!(look(&controller, 11 * SECOND, &usage(vec![])), (status(APPORTION_UNCHANGED), vec![], 15));
    assert_eq!((metric(&controller, "evictions"), metric(&controller, "told_again")), (1.0, 1.0));
    assert_eq!((metric(&controller, "looks"), metric(&controller, "ending")), (4.0, 0.0));
    let report = report(&controller);
    assert_eq!(report["evictions_by_role"]["batch"], 1);
    assert_eq!(report["last_need"]["cpus"], 1.0);
}

#[test]
fn controller_that_knows_no_borrowers_need_not_ask_and_ends_nobody() {
    let _alone = CONTROLLERS.write();
    let initialize = |controller: &Module| {
        answered(|out| call!(qos_controller_initialize(controller.handle(), out))).status
    };
    assert_eq!(initialize(&of_a_lending_agent()), APPORTION_DONE);
    // What is revocable on such an agent is what its resource estimator found, and more than the agent has.
    let controller = Module::qos_controller(&[]);
    assert_eq!(initialize(&controller), APPORTION_UNCHANGED);
    assert_eq!(look(&controller, 0, &overcommitted_usage()), (status(APPORTION_UNCHANGED), vec![], 15));
    assert_eq!((metric(&controller, "looks"), metric(&controller, "evictions")), (0.0, 0.0));
}

#[test]
fn borrower_with_a_label_gets_its_time() {
    let _alone = CONTROLLERS.write();
    let controller = of_a_lending_agent();
    let borrower = lent(&allocated(&scalar(b"cpus", 5.0), b"batch"));
    let full = usage(vec![executor_usage(b"borrower", &[borrower], &[(b"apportion_grace", b"12s")])]);
    assert_eq!(look(&controller, 0, &full), (status(APPORTION_UNCHANGED), vec![], 12));
    let notice = report(&controller)["under_notice"][0].clone();
    assert_eq!((&notice["executor"], &notice["deadline"]), (&"borrower".into(), &12.0.into()));
    assert_eq!(look(&controller, 12 * SECOND, &full).1, ["borrower"]);
    assert_eq!(metric(&controller, "wait_most_seconds"), 12.0);
}

#[test]
fn what_agents_add_to_commands_is_not_too_much() {
    let _alone = CONTROLLERS.write();
    let command = |id: &[u8], own: f64| -> ExecutorUsage {
        let borrowed = lent(&allocated(&scalar(b"cpus", 2.0), b"batch"));
        let own = allocated(&scalar(b"cpus", own), b"batch");
        let mut usage = executor_usage(id, &[borrowed], &[]);
        usage.allocated.push(own.clone());
        usage.tasks[0].id.value = id.to_vec();
        usage.executor_info.resources = vec![own];
        usage.executor_info.source = Some(id.to_vec());
        usage.executor_info.name = Some([b"Command Executor (Task: ", id, b")"].concat());
        usage.executor_info.r#type = None;
        usage
    };
    let controller = of_a_lending_agent();
    assert!(look(&controller, 0, &usage(vec![command(b"a", 0.1), command(b"b", 0.1)])).1.is_empty());
    // Not more than that, whatever the executor is called.
    assert_eq!(look(&controller, 0, &usage(vec![command(b"a", 0.1), command(b"b", 0.2)])).1.len(), 1);
    let mut named = command(b"b", 0.1);
    named.executor_info.r#type = Some(apportion_wire::messages::ExecutorInfo::CUSTOM);
    let other = of_a_lending_agent();
    assert_eq!(look(&other, 0, &usage(vec![command(b"a", 0.1), named])).1.len(), 1);
}

#[test]
fn failed_usage_is_told_once_a_minute_and_asked_for_soon() {
    let _alone = CONTROLLERS.write();
    let controller = of_a_lending_agent();
    let mut next = 0;
    for now in [0, 5, 10] {
        answered(|out| {
            let reason = view(b"no statistics");
            call!(qos_controller_usage_failed(controller.handle(), now * SECOND, reason, &raw mut next, out))
        })
        .expect(APPORTION_UNCHANGED);
        assert_eq!(next, 5 * SECOND);
    }
    assert_eq!(metric(&controller, "failed_looks"), 3.0);
}

#[test]
fn usage_with_a_broken_resource_ends_nobody() {
    let _alone = CONTROLLERS.write();
    let controller = of_a_lending_agent();
    let broken = usage(vec![executor_usage(b"borrower", &[lent(b"garbage")], &[])]);
    assert_eq!(look(&controller, 0, &broken), (status(APPORTION_FAILED), vec![], 15));
}

unsafe extern "C" fn count(context: *mut c_void) {
    // SAFETY: the test passes a counter that outlives the module.
    unsafe { &*context.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
}

fn prepare(isolator: &Module, id: &[u8], resource: Vec<u8>) -> Answer {
    let (id, config) =
        (container_id(&[id]), ContainerConfig { resources: vec![resource], ..container_config() });
    let config = encode(&config);
    answered(|out| call!(isolator_prepare(isolator.handle(), view(&id), view(&config), out)))
}

#[test]
fn isolator_of_the_same_process_wakes_the_controller() {
    let _alone = CONTROLLERS.write();
    let woken = AtomicU32::new(0);
    let count_of = || woken.load(Ordering::SeqCst);
    let isolator = Module::isolator(&[]);
    let controller = of_a_lending_agent();
    let context = (&raw const woken).cast_mut().cast();
    answered(|out| call!(qos_controller_listen(controller.handle(), context, Some(count), out)))
        .expect(APPORTION_DONE);
    prepare(&isolator, b"owner", scalar(b"cpus", 1.0)).expect(APPORTION_UNCHANGED);
    // Containers of other tests may come, too.
    let after_prepare = count_of();
    assert!(after_prepare >= 1);
    let (id, resource) = (container_id(&[b"owner"]), scalar(b"cpus", 2.0));
    let (views, none) =
        ([view(&resource)], apportion_bridge::abi::apportion_quantities { data: std::ptr::null(), size: 0 });
    let requests = apportion_bridge::abi::apportion_bytes_list { data: views.as_ptr(), size: 1 };
    answered(|out| call!(isolator_update(isolator.handle(), view(&id), requests, none, out)))
        .expect(APPORTION_DONE);
    assert!(count_of() > after_prepare);
    drop(controller);
    let at_the_end = count_of();
    prepare(&isolator, b"another", lent(&scalar(b"cpus", 1.0))).expect(APPORTION_UNCHANGED);
    assert_eq!(count_of(), at_the_end);
}

#[test]
fn agent_has_the_attribute_while_a_controller_is_there() {
    let _alone = CONTROLLERS.write();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, "[[lending.borrowers]]\nroles = \"batch\"\n").unwrap();
    let (hook, without_borrowers) = (Module::hook(&[("config", file.to_str().unwrap())]), Module::hook(&[]));
    let attributes_by = |hook: &Module, agent: &AgentInfo| {
        let agent = encode(agent);
        answered(|out| call!(hook_slave_attributes_decorator(hook.handle(), view(&agent), out)))
    };
    let attributes = |agent: &AgentInfo| attributes_by(&hook, agent);
    let plain = agent(b"a", b"r1");
    assert_eq!(attributes(&plain).status, APPORTION_UNCHANGED);
    let ours = Attribute {
        name: b"apportion_reclaim".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: b"v1".to_vec() }),
        ..Attribute::default()
    };
    let mut pretending = plain.clone();
    pretending.attributes.push(ours.clone());
    let answer = attributes(&pretending);
    answer.expect(APPORTION_DONE);
    assert_eq!(answer.message::<AgentInfo>().attributes, plain.attributes);
    let ends_nobody = Module::qos_controller(&[]);
    assert_eq!(attributes(&plain).status, APPORTION_UNCHANGED);
    drop(ends_nobody);
    let controller = of_a_lending_agent();
    let answer = attributes(&plain);
    answer.expect(APPORTION_DONE);
    assert_eq!(answer.message::<AgentInfo>().attributes, pretending.attributes);
    assert_eq!(attributes(&pretending).status, APPORTION_UNCHANGED);
    assert_eq!(attributes_by(&without_borrowers, &plain).status, APPORTION_UNCHANGED);
    drop(controller);
    assert_eq!(attributes(&plain).status, APPORTION_UNCHANGED);
}
