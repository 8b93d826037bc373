//! Masters and agents refuse to start with a bad configuration, and say everything that is wrong with it.

use std::fmt::Debug;
use std::fs;

use apportion_cluster_tests::{HOOK, ISOLATOR, QOS_CONTROLLER, agent, library, master, rig};
use apportion_rig::RigError;
use serde_json::json;

/// The log of a process that refuses to start; its exit code must not be zero.
fn refusal<T: Debug>(outcome: Result<T, RigError>) -> String {
    match outcome.expect_err("the process refuses to start") {
        RigError::EndedEarly { log, status, .. } => {
            assert_eq!(status, "exit status: 1", "{log}");
            log
        }
        other => panic!("{other}"),
    }
}

/// All of these texts are in the log, in this order.
fn require_block(log: &str, expected: &[&str]) {
    let mut rest = log;
    for wanted in expected {
        let found = rest.find(wanted);
        let at = found.unwrap_or_else(|| panic!("'{wanted}' is not in, or not at its place in:\n{log}"));
        rest = &rest[at + wanted.len()..];
    }
}

#[test]
fn master_names_every_problem_of_its_modules_json_with_the_nearest_key() {
    let parameters = [
        ("allocator.sead", "1"),
        ("hook.environment.ROLE", "{{ framework.rolle }}"),
        ("isolator.rlimits.nofile", "9:1"),
        ("drill.panic_in", "allocator.tock"),
    ];
    let log = refusal(master(&parameters).start());
    require_block(
        &log,
        &[
            "org_apportion_",
            " is not created: 4 problems in the configuration (module parameters):\n",
            "1. allocator.sead\n",
            "did you mean `allocator.seed`?\n",
            "2. hook.environment.ROLE\n",
            "framework.rolle",
            "did you mean `framework.role`?\n",
            "3. isolator.rlimits.nofile\n",
            "4. drill.panic_in[0]\n",
            "allocator.tock",
        ],
    );
}

#[test]
fn master_names_every_problem_of_its_file_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(
        &file,
        "[allocator]\nseed = -1\nexplain_ofers = true\n\n[hook.labels]\nrack = 3\n\n[isolator.rlimits]\nnofiles = 1\n",
    )
    .unwrap();
    let path = file.to_str().unwrap();
    let log = refusal(master(&[("config", path)]).start());
    require_block(&log, &[&format!("4 problems in the configuration ({path}):"), "1. ", "2. ", "3. ", "4. "]);
    for expected in [
        &*format!("allocator.seed ({path}:2:8)"),
        &*format!("({path}:3:1)"),
        "did you mean `allocator.explain_offers`?",
        &*format!("hook.labels.rack ({path}:6:8)"),
        &*format!("({path}:9:1)"),
        "did you mean `isolator.rlimits.nofile`?",
    ] {
        assert!(log.contains(expected), "'{expected}' is not in:\n{log}");
    }
}

#[test]
fn unknown_parameter_key_is_refused_with_the_nearest_one() {
    let log = refusal(master(&[("confg", "/etc/apportion.toml")]).start());
    require_block(&log, &["1 problem in the configuration (module parameters):", "confg", "`config`"]);
}

#[test]
fn missing_file_is_named() {
    let log = refusal(master(&[("config", "/nowhere/apportion.toml")]).start());
    require_block(&log, &["1 problem in the configuration", "/nowhere/apportion.toml"]);
    assert!(log.contains("No such file"), "{log}");
}

#[test]
fn agent_refuses_a_bad_hook_configuration() {
    let master = master(&[]).start().unwrap();
    let bad = [("hook.enviroment.ROLE", "x"), ("hook.labels.rack", "{{ agent.attributes.rack")];
    let log = refusal(agent(master.address(), &bad).start());
    require_block(&log, &["is not created: 2 problems in the configuration (module parameters):"]);
    for expected in ["hook.enviroment", "did you mean `hook.environment`?", "hook.labels.rack"] {
        assert!(log.contains(expected), "'{expected}' is not in:\n{log}");
    }
    assert!(master.state().is_ok(), "the master is not concerned");
}

/// A bad part refuses the module even when it is another module's part: a file is right or it is not.
#[test]
fn each_module_of_an_agent_refuses_a_bad_configuration_by_itself() {
    let master = master(&[]).start().unwrap();
    for (name, parameter) in
        [(HOOK, "hook.unknown"), (ISOLATOR, "isolator.unknown"), (QOS_CONTROLLER, "drill.unknown")]
    {
        let modules = json!({"libraries": [{"file": library(), "modules": [
            {"name": name, "parameters": [{"key": parameter, "value": "1"}]},
        ]}]});
        let builder = rig().agent(master.address()).modules(modules);
        let log = refusal(match name {
            HOOK => builder.hooks(&[name]).start(),
            ISOLATOR => builder.isolation(name).start(),
            _ => builder.qos_controller(name).start(),
        });
        require_block(&log, &[&format!("{name} is not created: 1 problem in the configuration"), parameter]);
    }
}
