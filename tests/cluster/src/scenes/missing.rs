//! Hosts that lack something: the agent does not start, and says what would help.

use std::path::Path;

use apportion_rig::RigError;

use super::{Groups, Setup, Version, WITHIN, text};
use crate::master;

/// What an agent says that refuses to start.
///
/// # Panics
/// When it starts.
pub fn refusal(setup: &Setup) -> String {
    let (_folder, file) = setup.write_configuration();
    let master = master(&[]).ready_within(WITHIN).start().unwrap_or_else(|error| panic!("{error}"));
    match setup.agent(master.address(), &file).start() {
        Err(RigError::EndedEarly { log, status, .. }) => {
            assert_eq!(status, "exit status: 1", "{log}");
            log
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the agent has started"),
    }
}

/// Controllers that an operator may ask for, by the names that v1 has for them and v2.
const CONTROLLERS: [(&str, &str); 6] = [
    ("cpu", "cpu"),
    ("memory", "memory"),
    ("pids", "pids"),
    ("blkio", "io"),
    ("cpuset", "cpuset"),
    ("hugetlb", "hugetlb"),
];

/// All controllers are asked for. A host that has them all does not keep the agent from starting.
///
/// # Panics
/// When the agent starts without them, or says something else, or leaves something behind.
pub fn controllers_that_are_nowhere_keep_the_agent_from_starting(setup: Setup) {
    let names: Vec<String> = CONTROLLERS.iter().map(|(_, name)| format!("\"{name}\"")).collect();
    let setup = setup.groups(&format!("controllers = [{}]", names.join(", ")));
    let groups = Groups::here(setup.name());
    let top = Path::new("/sys/fs/cgroup");
    let missing: Vec<String> = match groups.version() {
        Version::V1 => {
            // What no v1 hierarchy has taken, the one of v2 may have.
            let others = std::fs::read_to_string(top.join("unified/cgroup.controllers")).unwrap_or_default();
            let there = |name: &str, other: &str| {
                top.join(name).is_dir() || others.split_whitespace().any(|found| found == other)
            };
            let legacy = CONTROLLERS.iter().filter(|(name, other)| !there(name, other));
            legacy.map(|(name, _)| format!("mount -t cgroup -o {name} ")).collect()
        }
        Version::V2 => {
            let there = text(&top.join("cgroup.controllers"));
            let absent = |name: &str| !there.split_whitespace().any(|found| found == name);
            let absent = CONTROLLERS.iter().filter(|(_, name)| absent(name));
            absent.map(|(_, name)| format!("remove cgroup_disable={name} from")).collect()
        }
    };
    if missing.is_empty() {
        setup.start().end();
        return;
    }
    let log = refusal(&setup);
    for part in ["org_apportion_Isolator"].into_iter().chain(missing.iter().map(String::as_str)) {
        assert!(log.contains(part), "{part} in:\n{log}");
    }
    assert!(groups.left().is_empty());
    groups.remove_parent().unwrap_or_else(|error| panic!("{error}"));
}
