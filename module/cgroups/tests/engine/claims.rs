//! A parent group belongs to one agent.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use apportion_cgroups::{Controller, GroupError, Groups, LiveKernel, Patience, Place, Placement, Version};

/// A folder that looks like a v2 group.
fn groups_in(root: &Path) -> Groups {
    let parent = root.join("containers");
    std::fs::create_dir_all(&parent).unwrap();
    for folder in [root, &parent] {
        std::fs::write(folder.join("cgroup.subtree_control"), "memory").unwrap();
    }
    let place = Place {
        version: Version::V2,
        controllers: BTreeSet::from([Controller::Memory]),
        base: root.to_owned(),
        parent,
        moves: Vec::new(),
    };
    let placement = Placement { places: vec![place], findings: Vec::new() };
    Groups::open(Arc::new(LiveKernel), &placement, Patience::default()).unwrap()
}

#[test]
fn a_second_agent_is_refused_until_the_first_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let (first, second) = (groups_in(root.path()), groups_in(root.path()));
    let claim = first.claim().unwrap();
    let error = second.claim().unwrap_err();
    assert!(matches!(error, GroupError::Claimed { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another agent"), "{error}");
    drop(claim);
    second.claim().unwrap();
}
