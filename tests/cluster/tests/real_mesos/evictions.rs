//! Agents that can end borrowers: what they say of themselves, and that they look at what runs.

use apportion_cluster_tests::{
    HOOK, QOS_CONTROLLER, WITHIN, agent, list, master, modules_named, only_offer, rig, subscribe, wait_until,
};
use apportion_rig::{Agent, Master, TaskSpec, TaskState};
use serde_json::Value;

/// The page of an agent's QoS controller.
fn page(agent: &Agent) -> Result<Value, String> {
    let (status, text) = agent
        .http()
        .answer("GET", "/apportion/evictions", "text/plain", "")
        .map_err(|error| error.to_string())?;
    if status != 200 {
        return Err(text);
    }
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Attributes of the only agent, as its master knows them.
fn attributes(master: &Master) -> Value {
    wait_until("the agent registers", || {
        let state = master.state().map_err(|error| error.to_string())?;
        match list(&state["slaves"]) {
            [agent] => Ok(agent["attributes"].clone()),
            other => Err(format!("{other:?}")),
        }
    })
}

/// The configuration of an agent of which something may be lent.
fn with_borrowers() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, "[[lending.borrowers]]\nroles = \"batch\"\n").unwrap();
    (folder, file.to_str().unwrap().to_owned())
}

#[test]
fn agent_of_which_nothing_is_lent_says_nothing() {
    let master = master(&[]).start().unwrap();
    let _agent = agent(master.address(), &[]).attributes("rack:r1").start().unwrap();
    assert_eq!(attributes(&master), serde_json::json!({"rack": "r1"}));
}

#[test]
fn agent_with_a_qos_controller_says_so_and_looks_at_what_runs() {
    let master = master(&[]).start().unwrap();
    let (_folder, file) = with_borrowers();
    let agent = agent(master.address(), &[("config", &file)]).attributes("rack:r1").start().unwrap();
    assert_eq!(attributes(&master), serde_json::json!({"rack": "r1", "apportion_reclaim": "v1"}));
    let looks_of = |least: u64| {
        wait_until("a look", || {
            let page = page(&agent)?;
            if page["looks"].as_u64() >= Some(least) { Ok(page) } else { Err(page.to_string()) }
        })
    };
    let before = looks_of(1)["looks"].as_u64().unwrap();
    // A container wakes it: the periodic look comes much later than this.
    let mut framework = subscribe(master.address(), "owner", &["prod"]);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("task", "sleep 3")], Some(0.0)).unwrap();
    framework.wait_status("task", TaskState::Running, WITHIN).unwrap();
    let after = looks_of(before + 1);
    assert_eq!((after["failed_looks"].as_u64(), after["evictions"].as_u64()), (Some(0), Some(0)));
    framework.wait_status("task", TaskState::Finished, WITHIN).unwrap();
    assert!(!agent.log().contains("Failed to get corrections"), "the future stays pending");
}

#[test]
fn agent_without_a_qos_controller_cannot_pretend() {
    let master = master(&[]).start().unwrap();
    let (_folder, file) = with_borrowers();
    let agent = rig()
        .agent(master.address())
        .modules(modules_named(&[HOOK], &[("config", &file)]))
        .hooks(&[HOOK])
        .attributes("rack:r1;apportion_reclaim:v1")
        .start()
        .unwrap();
    assert_eq!(attributes(&master), serde_json::json!({"rack": "r1"}));
    let line = agent.wait_for_log("apportion_reclaim is left out", WITHIN).unwrap();
    assert!(line.starts_with('W') && line.contains(QOS_CONTROLLER), "{line}");
}
