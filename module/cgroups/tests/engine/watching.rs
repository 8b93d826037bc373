//! The watcher on plain files, which call as the kernel's do when they change.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use apportion_cgroups::{
    Controller, Event, EventKind, GroupPath, Groups, LiveKernel, Patience, Place, Placement, Version, Watcher,
};

use crate::support::path;

const SOON: Duration = Duration::from_secs(20);

/// Folders that look like v2 groups; nothing here needs a right.
fn groups_in(root: &Path, names: &[String]) -> Groups {
    let parent = root.join("containers");
    let files = [
        ("cgroup.events", "populated 1\nfrozen 0\n"),
        ("memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n"),
        ("pids.events", "max 0\n"),
    ];
    for name in names {
        let folder = parent.join(format!("container-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        for (file, content) in files {
            std::fs::write(folder.join(file), content).unwrap();
        }
    }
    std::fs::write(root.join("cgroup.subtree_control"), "memory pids").unwrap();
    std::fs::create_dir_all(&parent).unwrap();
    std::fs::write(parent.join("cgroup.subtree_control"), "memory pids").unwrap();
    let place = Place {
        version: Version::V2,
        controllers: BTreeSet::from([Controller::Memory, Controller::Pids]),
        base: root.to_owned(),
        parent,
        moves: Vec::new(),
    };
    let placement = Placement { places: vec![place], findings: Vec::new() };
    Groups::open(Arc::new(LiveKernel), &placement, Patience::default()).unwrap()
}

fn change(groups: &Groups, group: &GroupPath, file: &str, content: &str) {
    rewrite(&groups.folder(group, Controller::Memory).unwrap().join(file), content);
}

/// As the kernel does it: the content is new before the call, and never nothing in between.
fn rewrite(file: &Path, content: &str) {
    let open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    std::io::Write::write_all(&mut &open, content.as_bytes()).unwrap();
}

fn watcher() -> (Watcher, Receiver<Event>) {
    let (send, receive) = channel();
    let callback = move |event: Event| {
        if event.group == path("panics") {
            panic!("on purpose");
        }
        send.send(event).unwrap();
    };
    let thread = |name, body| std::thread::Builder::new().name(name).spawn(body);
    (Watcher::start(callback, thread).unwrap(), receive)
}

#[test]
fn news_are_told_once_and_what_was_before_is_not() {
    let root = tempfile::tempdir().unwrap();
    let groups = groups_in(root.path(), &["a".to_owned()]);
    let (watcher, events) = watcher();
    let before = watcher.watch(&groups, &path("a")).unwrap();
    assert_eq!((before.out_of_memory, before.killed, before.limit_hits), (1, 1, 3));
    assert_eq!(watcher.watch(&groups, &path("a")).unwrap(), before);

    change(&groups, &path("a"), "memory.events", "low 0\nhigh 0\nmax 4\noom 2\noom_kill 3\n");
    let kinds: Vec<EventKind> = (0..2).map(|_| events.recv_timeout(SOON).unwrap().kind).collect();
    assert_eq!(kinds, [EventKind::OutOfMemory { times: 1 }, EventKind::Killed { processes: 2 }]);
    change(&groups, &path("a"), "pids.events", "max 7\n");
    let event = events.recv_timeout(SOON).unwrap();
    assert_eq!((event.kind, event.counts.out_of_pids), (EventKind::OutOfPids { times: 7 }, 7));
    change(&groups, &path("a"), "cgroup.events", "populated 0\n");
    assert_eq!(events.recv_timeout(SOON).unwrap().kind, EventKind::Emptied);

    watcher.unwatch(&path("a"));
    watcher.unwatch(&path("a"));
    assert!(watcher.is_empty());
    change(&groups, &path("a"), "pids.events", "max 8\n");
    assert!(events.recv_timeout(Duration::from_millis(200)).is_err(), "no longer watched");
}

#[test]
fn one_thread_watches_thousands_of_groups() {
    let root = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..3000).map(|number| format!("g{number}")).collect();
    let groups = groups_in(root.path(), &names);
    let (watcher, events) = watcher();
    for name in &names {
        watcher.watch(&groups, &path(name)).unwrap();
    }
    assert_eq!(watcher.len(), 3000);
    for name in names.iter().step_by(7) {
        change(&groups, &path(name), "pids.events", "max 1\n");
    }
    let expected: BTreeSet<GroupPath> = names.iter().step_by(7).map(|name| path(name)).collect();
    let told: BTreeSet<GroupPath> =
        expected.iter().map(|_| events.recv_timeout(SOON).unwrap().group).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_panic_in_the_callback_is_counted_and_the_thread_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let groups = groups_in(root.path(), &["panics".to_owned(), "a".to_owned()]);
    let (watcher, events) = watcher();
    for name in ["panics", "a"] {
        watcher.watch(&groups, &path(name)).unwrap();
    }
    change(&groups, &path("panics"), "pids.events", "max 1\n");
    while watcher.faults() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    change(&groups, &path("a"), "pids.events", "max 1\n");
    assert_eq!(events.recv_timeout(SOON).unwrap().group, path("a"));
    assert!(watcher.is_running());
    assert_eq!(watcher.faults(), 1);
}

#[test]
fn a_group_that_is_not_there_cannot_be_watched() {
    let root = tempfile::tempdir().unwrap();
    let groups = groups_in(root.path(), &[]);
    let (watcher, _events) = watcher();
    let error = watcher.watch(&groups, &path("a")).unwrap_err().to_string();
    assert!(error.contains("cannot watch") && error.contains("container-a/cgroup.events"), "{error}");
    assert!(watcher.is_empty());
}

#[test]
fn what_happens_to_a_nested_container_is_told_of_it_alone() {
    let root = tempfile::tempdir().unwrap();
    // The container's group, the one that its own processes are in, and that of a nested container.
    let groups = groups_in(root.path(), &["a", "a/processes", "a/container-b"].map(str::to_owned));
    let (outer, nested) = (path("a"), path("a").child("b").unwrap());
    let folder = groups.folder(&outer, Controller::Memory).unwrap();
    std::fs::write(folder.join("pids.events.local"), "max 0\n").unwrap();
    let (watcher, events) = watcher();
    for group in [&outer, &nested] {
        watcher.watch(&groups, group).unwrap();
    }
    let next = || {
        let event = events.recv_timeout(SOON).unwrap();
        (event.group, event.kind)
    };

    let killed = "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n";
    change(&groups, &outer, "memory.events", killed);
    change(&groups, &outer, "pids.events", "max 1\n");
    change(&groups, &nested, "memory.events", killed);
    assert_eq!(next(), (nested, EventKind::Killed { processes: 1 }));
    change(&groups, &outer, "pids.events.local", "max 1\n");
    assert_eq!(next(), (outer.clone(), EventKind::OutOfPids { times: 1 }));
    rewrite(&folder.join("processes/memory.events"), killed);
    assert_eq!(next(), (outer, EventKind::Killed { processes: 1 }));
}
