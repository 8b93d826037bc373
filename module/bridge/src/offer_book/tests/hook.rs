//! The hook that asks the book.

use std::sync::Arc;

use apportion_config::Config;
use apportion_wire::messages::{AgentId, CommandInfo, RawEnvironment, TaskId, TaskInfo, decode, encode};

use super::master::Master;
use super::messages::{allocated, scalar};
use crate::abi::APPORTION_DONE;
use crate::hook::HookModule;

/// A task of role "web" on agent "a".
fn task(cpus: f64, variables: Vec<Vec<u8>>) -> Vec<u8> {
    let environment = Some(RawEnvironment { variables });
    encode(&TaskInfo {
        name: b"t".to_vec(),
        task_id: TaskId { value: b"t".to_vec() },
        agent_id: AgentId { value: b"a".to_vec() },
        resources: vec![allocated(&scalar(b"cpus", cpus), b"web")],
        command: Some(CommandInfo { environment, ..CommandInfo::default() }),
        ..TaskInfo::default()
    })
}

#[test]
fn task_that_no_rule_could_decide_on_keeps_its_share_from_the_next() {
    let mut master = Master::new();
    let rules = "[[hook.rules]]\nname = \"more\"\ntask_resources.minimum = { cpus = 4 }\n";
    let config = Config::from_text(rules).unwrap();
    let book = Arc::clone(&master.book);
    let hook = HookModule::new(&config, None, Arc::default(), book, Arc::default(), &Arc::default()).unwrap();
    master.add_framework(b"f", &[b"web"]);
    master.add_agent(b"a", &[scalar(b"cpus", 4.0)]);
    assert_eq!(master.run().len(), 1, "everything in one offer");

    let unreadable = task(1.5, vec![b"garbage".to_vec()]);
    assert!(hook.master_resources(&unreadable, &[]).is_err());
    let (status, answer) = hook.master_resources(&task(1.0, Vec::new()), &[]).unwrap();
    assert_eq!(status, APPORTION_DONE);
    let changed: TaskInfo = decode(&answer).unwrap();
    assert_eq!(
        changed.resources,
        [allocated(&scalar(b"cpus", 2.5), b"web")],
        "the master still launches the first"
    );
}
