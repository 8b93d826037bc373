use std::sync::Arc;

use apportion_config::Config;
use apportion_core::Amount;
use apportion_ledger::RoleNumbers;
use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, RawLabels, TaskId,
    TaskInfo, TextValue, decode, encode,
};
use apportion_wire::resource::{facts, join, outline, plain_scalar, split};
use apportion_wire::{Range, Scalar, Value};

use super::{Commits, Fault, OpenLedger};
use crate::abi::{APPORTION_DONE, APPORTION_UNCHANGED};
use crate::hook::HookModule;

const AGENT: &[u8] = b"agent";

/// So many units of a scalar, allocated to a role.
fn scalar(name: &[u8], units: i64, role: &[u8]) -> Vec<u8> {
    let plain = plain_scalar(name, Scalar::ZERO);
    let value = Value::Scalar(Scalar::from_thousandths(units * 1000).unwrap());
    join(&split(&plain).unwrap().identity, &value, Some(role))
}

/// An empty message as field 9, 10 or 12: protobuf merges what is put together.
fn with(resource: Vec<u8>, field: u8, message: &[u8]) -> Vec<u8> {
    [resource, vec![field << 3 | 2, u8::try_from(message.len()).unwrap()], message.to_vec()].concat()
}

fn regular(units: i64) -> Vec<u8> {
    scalar(b"cpus", units, b"prod")
}

fn lent(units: i64) -> Vec<u8> {
    with(scalar(b"cpus", units, b"batch"), 9, b"")
}

fn agent_info(reclaims: bool) -> AgentInfo {
    let attribute = Attribute {
        name: b"apportion_reclaim".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: b"v1".to_vec() }),
        ..Attribute::default()
    };
    AgentInfo { attributes: reclaims.then_some(attribute).into_iter().collect(), ..AgentInfo::default() }
}

fn task(resources: Vec<Vec<u8>>) -> TaskInfo {
    TaskInfo {
        task_id: TaskId { value: b"t".to_vec() },
        agent_id: AgentId { value: AGENT.to_vec() },
        resources,
        ..TaskInfo::default()
    }
}

/// What a hook, made of these rules, answers about a task: the resources, or none for "unchanged".
fn decorated(hook: &HookModule, task: &TaskInfo) -> Option<Vec<Vec<u8>>> {
    let (status, answer) = hook.master_resources(&encode(task), &[]).unwrap();
    if status == APPORTION_UNCHANGED {
        return None;
    }
    assert_eq!(status, APPORTION_DONE);
    let changed: TaskInfo = decode(&answer).unwrap();
    Some(changed.resources)
}

fn hook(commits: &Arc<Commits>, rules: &str) -> HookModule {
    let config = Config::from_text(rules).unwrap();
    HookModule::new(&config, None, Arc::default(), Arc::default(), Arc::default(), commits)
        .unwrap()
}

/// An agent of 4 cpus that lends all of them.
fn lending() -> (Arc<Commits>, OpenLedger) {
    let commits: Arc<Commits> = Arc::default();
    let open = commits.open(Box::new(|role| if role == b"urgent" { 7 } else { 0 }));
    let total = [scalar(b"cpus", 4, b"*")];
    open.agent_added(AGENT, &agent_info(true), &views(&total), &[]).unwrap();
    publish(&open, 4);
    (commits, open)
}

fn publish(open: &OpenLedger, cpus: i64) {
    open.publish(AGENT, [(&b"cpus"[..], Amount::whole(cpus))].into_iter());
}

fn views(resources: &[Vec<u8>]) -> Vec<&[u8]> {
    resources.iter().map(Vec::as_slice).collect()
}

/// The explanation in the resources by which a task is turned down; the task's own come first.
fn explanation(task: &TaskInfo, resources: &[Vec<u8>]) -> String {
    let (last, own) = resources.split_last().unwrap();
    assert_eq!(own, task.resources);
    let said = outline(last).unwrap();
    assert_eq!(said.value, Value::Scalar(Scalar::from_thousandths(1000).unwrap()));
    let role = outline(&task.resources[0]).ok().and_then(|first| first.allocation_role);
    assert_eq!(said.allocation_role, role, "the master takes it for a resource of the task");
    assert!(!facts(last).unwrap().revocable);
    String::from_utf8(said.name.to_vec()).unwrap()
}

#[test]
fn the_second_task_on_the_same_capacity_gets_a_resource_that_explains_and_that_no_agent_has() {
    let (commits, open) = lending();
    let hook = hook(&commits, "");
    let first = task(vec![lent(3)]);
    assert_eq!(decorated(&hook, &first), None);
    let framework =
        FrameworkInfo { id: Some(FrameworkId { value: b"f".to_vec() }), ..FrameworkInfo::default() };
    hook.master_labels(&encode(&first), &encode(&framework), &encode(&agent_info(true))).unwrap();
    let attributed = open.used(1, AGENT, &views(&first.resources)).unwrap();
    assert_eq!(attributed.as_deref(), Some(&b"f"[..]));

    let second = task(vec![lent(2)]);
    let said = explanation(&second, &decorated(&hook, &second).unwrap());
    assert!(said.starts_with("[not launched: ") && said.ends_with(']'), "{said}");
    assert!(said.contains("2 wanted and 1 left"), "{said}");

    open.returned(2, b"f", AGENT, &views(&first.resources), true).unwrap();
    assert_eq!(decorated(&hook, &second), None);
    let numbers = open.with(|ledger| ledger.numbers().all_roles()).unwrap();
    assert_eq!(numbers, RoleNumbers { commits: 1, conflicts: 1, refusals: 0 });
}

#[test]
fn a_task_without_lent_resources_passes_on_a_full_agent() {
    let (commits, open) = lending();
    let hook = hook(&commits, "");
    open.used(1, AGENT, &views(&[lent(4)])).unwrap();
    assert_eq!(decorated(&hook, &task(vec![regular(4)])), None);
    assert!(decorated(&hook, &task(vec![lent(1)])).is_some());
}

#[test]
fn what_a_rule_adds_to_a_task_is_claimed_as_well_or_not_added() {
    let (commits, _open) = lending();
    let hook = hook(&commits, "[[hook.rules]]\nname = \"more\"\ntask_resources.minimum = { cpus = 4 }\n");
    // The offers of the agent are not known here, so nothing can be added; the claim is made all the same.
    let asked = task(vec![lent(5)]);
    let said = explanation(&asked, &decorated(&hook, &asked).unwrap());
    assert!(said.contains("5 wanted and 4 left"), "{said}");
}

#[test]
fn agents_that_cannot_end_borrowers_turn_nothing_down() {
    let (commits, open) = lending();
    let hook = hook(&commits, "");
    open.agent_changed(1, AGENT, &agent_info(false), None).unwrap();
    assert_eq!(decorated(&hook, &task(vec![lent(100)])), None);
    open.agent_changed(2, AGENT, &agent_info(true), None).unwrap();
    assert!(decorated(&hook, &task(vec![lent(1)])).is_some(), "nothing is published for it");
    publish(&open, 4);
    assert_eq!(decorated(&hook, &task(vec![lent(4)])), None);
}

#[test]
fn a_lent_resource_that_cannot_be_read_is_not_launched_on_and_a_regular_one_is_left_to_the_master() {
    let (commits, _open) = lending();
    let hook = hook(&commits, "");
    for unreadable in [b"garbage".to_vec(), with(vec![0x0a, 1, b'x'], 9, b"")] {
        for resources in [vec![lent(1), unreadable.clone()], vec![unreadable.clone()]] {
            let broken = task(resources);
            let said = explanation(&broken, &decorated(&hook, &broken).unwrap());
            assert!(said.contains("cannot be read"), "{said}");
        }
    }
    let no_amount = task(vec![plain_scalar(b"cpus", Scalar::ZERO)[..8].to_vec()]);
    assert!(split(&no_amount.resources[0]).is_err() && facts(&no_amount.resources[0]).is_ok());
    assert_eq!(decorated(&hook, &no_amount), None);
}

#[test]
fn executors_and_gangs_are_read_from_the_task() {
    let (commits, open) = lending();
    let hook = hook(&commits, "");
    let executor = ExecutorInfo {
        executor_id: ExecutorId { value: b"e".to_vec() },
        framework_id: Some(FrameworkId { value: b"f".to_vec() }),
        resources: vec![lent(1)],
        ..ExecutorInfo::default()
    };
    let on_executor = TaskInfo { executor: Some(executor), ..task(vec![lent(4)]) };
    assert!(decorated(&hook, &on_executor).is_some(), "4 and 1 for the executor");
    assert_eq!(decorated(&hook, &TaskInfo { resources: vec![lent(3)], ..on_executor.clone() }), None);
    let mixed = TaskInfo { resources: vec![regular(1)], ..on_executor };
    let said = explanation(&mixed, &decorated(&hook, &mixed).unwrap());
    assert!(said.contains("another executor id"), "{said}");

    open.returned(1, b"f", AGENT, &[], false).unwrap();
    // Label of key `apportion_gang` and a value.
    let label = |value: &[u8]| {
        let text =
            |field: u8, text: &[u8]| [&[field << 3 | 2, u8::try_from(text.len()).unwrap()], text].concat();
        Some(RawLabels { labels: vec![[text(1, b"apportion_gang"), text(2, value)].concat()] })
    };
    let gang = TaskInfo { labels: label(b"ring:3"), ..task(vec![lent(2)]) };
    let said = explanation(&gang, &decorated(&hook, &gang).unwrap());
    assert!(said.contains("6 wanted and 4 left"), "{said}");
    let wrong = TaskInfo { labels: label(b"ring\n"), ..task(vec![lent(1)]) };
    let said = explanation(&wrong, &decorated(&hook, &wrong).unwrap());
    assert!(said.contains(r"ring\n") && !said.contains('\n'), "{said}");
}

#[test]
fn the_priority_of_a_role_decides_what_is_in_its_way() {
    let (commits, open) = lending();
    open.used(1, AGENT, &views(&[lent(4)])).unwrap();
    let urgent = with(scalar(b"cpus", 4, b"urgent"), 9, b"");
    assert_eq!(commits.claim(&task(vec![urgent.clone()]), &[urgent]), Ok(()));
    assert!(commits.claim(&task(vec![lent(1)]), &[lent(1)]).is_err());
}

#[test]
fn what_is_not_the_agents_own_capacity_is_left_out_and_ports_are_counted() {
    let provided = with(scalar(b"cpus", 9, b"prod"), 12, &[0x0a, 1, b'p']);
    let ports = {
        let plain = plain_scalar(b"ports", Scalar::ZERO);
        // The type, field 2, once more: the last one counts.
        let identity = [split(&plain).unwrap().identity, vec![0x10, 1]].concat();
        let identity =
            split(&join(&identity, &Value::Ranges(vec![Range { begin: 1, end: 1 }]), None)).unwrap().identity;
        join(&identity, &Value::Ranges(vec![Range { begin: 10, end: 19 }]), Some(b"prod"))
    };
    let nobody: super::Priorities = Box::new(|_| 0);
    let resources = [regular(1), provided, ports, lent(2)];
    let read = super::portions::read(&resources, &nobody).unwrap();
    assert_eq!(read.len(), 2);
    let of_prod: Vec<_> = read[0].regular.iter().collect();
    assert_eq!(of_prod, [(&b"cpus"[..], Amount::whole(1)), (b"ports", Amount::whole(10))]);
    assert_eq!(read[1].lent.get(b"cpus"), Amount::whole(2));
}

#[test]
fn a_use_that_cannot_be_read_breaks_the_ledger_and_nothing_is_lent_any_more() {
    let (commits, open) = lending();
    let hook = hook(&commits, "");
    let fault = open.used(1, AGENT, &[b"garbage"]).unwrap_err();
    assert!(matches!(&fault, Fault::Broken(text) if text.contains("cannot be read")), "{fault:?}");
    assert_eq!(open.agent_removed(b"other"), Err(fault), "the next call of the master is told as well");
    let refused = task(vec![lent(1)]);
    let said = explanation(&refused, &decorated(&hook, &refused).unwrap());
    assert!(said.contains("cannot tell what is left"), "{said}");
    assert_eq!(decorated(&hook, &task(vec![regular(1)])), None);
}

#[test]
fn other_input_that_cannot_be_read_is_refused_and_changes_nothing() {
    let (commits, open) = lending();
    let garbage: &[&[u8]] = &[b"garbage"];
    assert!(matches!(open.agent_added(b"b", &agent_info(true), garbage, &[]), Err(Fault::Refused(_))));
    assert!(matches!(open.agent_changed(1, AGENT, &agent_info(true), Some(garbage)), Err(Fault::Refused(_))));
    assert!(matches!(open.returned(1, b"f", AGENT, garbage, true), Err(Fault::Refused(_))));
    assert_eq!(open.returned(1, b"f", AGENT, garbage, false), Ok(()), "what was offered only is not read");
    assert_eq!(commits.claim(&task(Vec::new()), &[lent(4)]), Ok(()));
}

#[test]
fn a_panic_in_a_claim_turns_lent_tasks_down_and_stops_the_allocator() {
    let commits: Arc<Commits> = Arc::default();
    let open = commits.open(Box::new(|role| if role == b"batch" { panic!("a rule") } else { 0 }));
    open.agent_added(AGENT, &agent_info(true), &views(&[scalar(b"cpus", 4, b"*")]), &[]).unwrap();
    publish(&open, 4);
    assert!(commits.claim(&task(Vec::new()), &[lent(1)]).is_err());
    assert_eq!(commits.claim(&task(Vec::new()), &[regular(1)]), Ok(()));
    let fault = open.framework_removed(b"f").unwrap_err();
    assert!(matches!(&fault, Fault::Broken(text) if text.contains("a claim panicked")), "{fault:?}");
}

#[test]
fn nothing_is_turned_down_after_the_allocator_is_gone() {
    let (commits, open) = lending();
    assert!(commits.claim(&task(Vec::new()), &[lent(5)]).is_err());
    drop(open);
    assert_eq!(commits.claim(&task(Vec::new()), &[lent(5)]), Ok(()));
}

#[test]
fn a_hook_counts_while_it_lives() {
    let commits: Arc<Commits> = Arc::default();
    assert!(!commits.is_attended());
    let hook = hook(&commits, "");
    assert!(commits.is_attended());
    drop(hook);
    assert!(!commits.is_attended());
}

#[test]
fn a_long_explanation_is_cut_between_characters() {
    let said = super::impossible_resource(&"größe ".repeat(200), &[regular(1)]);
    let name = String::from_utf8(outline(&said).unwrap().name.to_vec()).unwrap();
    assert!(name.len() < 610 && name.ends_with("...]"), "{name}");
}
