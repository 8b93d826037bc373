//! Labels of tasks and of their statuses.

use apportion_policy::text;
use apportion_wire::messages::{LabelList, TaskInfo, TaskStatus, decode};

use crate::messages::{agent, arrive, executor, framework, hooks, owned, pairs, raw_labels, status, task};

const TEAM: &str = "[[hook.rules]]\nname = \"team\"\nlabels.set.team = \"{{ framework.role }}\"\n\
                    labels.default.tier = \"none\"\nlabels.remove = [\"tmp.*\"]\n\
                    labels.default.rack = \"{{ agent.attributes.rack }}\"\n";

#[test]
fn labels_are_merged_with_those_that_are_there_in_master_and_agent() {
    let hooks = hooks(TEAM);
    let task =
        TaskInfo { labels: Some(raw_labels(&[("tmp.a", "1"), ("tier", "front"), ("team", "x")])), ..task() };
    let expected = owned(&[("tier", "front"), ("team", "prod/web"), ("rack", "r1")]);
    let in_master = hooks.master_labels(&task, &framework(), &agent()).unwrap().unwrap();
    assert_eq!(pairs(&in_master), expected);
    let in_agent = hooks.agent_labels(&task, &executor(), &framework(), &agent()).unwrap().unwrap();
    assert_eq!(pairs(&in_agent), expected);
    let again = TaskInfo {
        labels: Some(raw_labels(&[("tier", "front"), ("team", "prod/web"), ("rack", "r1")])),
        ..task
    };
    assert_eq!(hooks.master_labels(&again, &framework(), &agent()).unwrap(), None, "nothing to change");
}

#[test]
fn fields_of_labels_that_nobody_knows_here_survive() {
    // A label with a field 9 behind key and value.
    let strange = b"\x0a\x04kept\x12\x01v\x4a\x03abc".to_vec();
    let mut labels = raw_labels(&[("tier", "front")]);
    labels.labels.push(strange.clone());
    let task = TaskInfo { labels: Some(labels), ..task() };
    let changed = hooks(TEAM).master_labels(&task, &framework(), &agent()).unwrap().unwrap().encode();
    assert!(changed.windows(strange.len()).any(|window| window == strange));
}

#[test]
fn labels_that_are_not_utf8_stay_as_they_are_or_go_as_a_whole() {
    let mut list = LabelList::default();
    list.push(b"bad\xff", Some(b"\xfe"));
    list.push(b"tmp.\xff", Some(b"x"));
    let task = TaskInfo { labels: Some(decode(&list.encode()).unwrap()), ..task() };
    let changed = hooks(TEAM).master_labels(&task, &framework(), &agent()).unwrap().unwrap();
    assert_eq!(changed.get(b"bad\xff").unwrap().value, Some(&b"\xfe"[..]));
    assert!(changed.iter().all(|label| !text(label.key).starts_with("tmp.")));
}

#[test]
fn broken_labels_are_an_error_and_change_nothing() {
    let task = TaskInfo {
        labels: Some(apportion_wire::messages::RawLabels { labels: vec![b"\x12\x01v".to_vec()] }),
        ..task()
    };
    let error = hooks(TEAM).master_labels(&task, &framework(), &agent()).unwrap_err();
    assert!(error.to_string().contains("key"), "{error}");
}

#[test]
fn status_has_labels_from_what_was_seen_of_its_task() {
    let hooks = hooks(
        "[[hook.rules]]\nname = \"rack\"\nmatch.role = \"prod/**\"\nstatus_labels.set.rack = \"{{ agent.attributes.rack }}\"\n\
         status_labels.default.task = \"{{ task.name }}\"",
    );
    let running = status(TaskStatus::TASK_RUNNING);
    assert_eq!(hooks.status_labels(b"f", &running).unwrap(), None, "the role is not known yet");
    arrive(&hooks);
    let expected = owned(&[("rack", "r1"), ("task", "web")]);
    assert_eq!(pairs(&hooks.status_labels(b"f", &running).unwrap().unwrap()), expected);
    assert_eq!(hooks.status_labels(b"other", &running).unwrap(), None);
    let with = TaskStatus { labels: Some(raw_labels(&[("task", "own"), ("rack", "x")])), ..running };
    let decorated = hooks.status_labels(b"f", &with).unwrap().unwrap();
    assert_eq!(pairs(&decorated), owned(&[("task", "own"), ("rack", "r1")]));
    let finished = status(TaskStatus::TASK_FINISHED);
    assert_eq!(pairs(&hooks.status_labels(b"f", &finished).unwrap().unwrap()), expected);
    assert_eq!(hooks.status_labels(b"f", &finished).unwrap(), None, "a task that ended is forgotten");
}

#[test]
fn tasks_of_one_executor_are_told_apart_by_their_statuses() {
    let hooks = hooks("[[hook.rules]]\nname = \"name\"\nstatus_labels.set.name = \"{{ task.name }}\"");
    for name in ["one", "two"] {
        let mut task = TaskInfo { name: name.as_bytes().to_vec(), ..task() };
        task.task_id.value = name.as_bytes().to_vec();
        hooks.agent_labels(&task, &executor(), &framework(), &agent()).unwrap();
    }
    for name in ["one", "two"] {
        let mut status = status(TaskStatus::TASK_RUNNING);
        status.task_id.value = name.as_bytes().to_vec();
        let labels = hooks.status_labels(b"f", &status).unwrap().unwrap();
        assert_eq!(pairs(&labels), owned(&[("name", name)]));
    }
}
