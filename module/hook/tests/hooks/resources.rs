//! Resources of tasks, never more than their offer holds, and of agents.

use apportion_hook::Room;
use apportion_policy::Amounts;
use apportion_wire::messages::{AgentInfo, TaskInfo};

use crate::messages::{agent, amounts, hooks, parts, resources, task};

const SIZES: &str = "[[hook.rules]]\nname = \"sizes\"\ntask_resources.default.disk = 64\n\
    task_resources.minimum.mem = 1024\ntask_resources.maximum.cpus = 1.5\ntask_resources.round.mem = 512\n";

/// What becomes of a task beside which its offer has something left.
fn decorated(rules: &str, task_resources: &[Vec<u8>], left: &str) -> Option<String> {
    let task = TaskInfo { resources: task_resources.to_vec(), ..task() };
    let room = Room::for_task(task_resources, &parts(left, "prod/web"));
    let changed = hooks(rules).master_resources(&task, &agent().resources, &room).unwrap();
    for bytes in changed.iter().flatten() {
        let role = apportion_wire::resource::split(bytes).unwrap().allocation_role.map(<[u8]>::to_vec);
        assert_eq!(role.as_deref(), Some(&b"prod/web"[..]), "each is allocated to the offer's role");
    }
    changed.map(|resources| amounts(&resources))
}

fn usual() -> Vec<Vec<u8>> {
    resources("cpus:2;mem:512;ports:[31000-31001]", Some("prod/web"))
}

#[test]
fn task_grows_and_shrinks_as_the_rules_say() {
    let expected = Some("cpus:1.5;disk:64;mem:1024".to_owned());
    assert_eq!(decorated(SIZES, &usual(), "cpus:6;mem:2000;disk:500"), expected);
}

#[test]
fn task_never_grows_beyond_its_offer() {
    let found = decorated(SIZES, &usual(), "cpus:6;mem:300;disk:10");
    assert_eq!(found.as_deref(), Some("cpus:1.5;disk:10;mem:512"), "1024 would round up, 812 rounds down");
    assert_eq!(decorated(SIZES, &usual(), "cpus:6").as_deref(), Some("cpus:1.5;mem:512"));
}

#[test]
fn without_a_known_offer_a_task_only_shrinks() {
    let task = TaskInfo { resources: usual(), ..task() };
    let hooks = hooks(SIZES);
    let changed = hooks.master_resources(&task, &agent().resources, &Room::default()).unwrap();
    assert_eq!(changed.map(|resources| amounts(&resources)).as_deref(), Some("cpus:1.5;mem:512"));
}

#[test]
fn revocable_and_other_resources_of_a_name_are_not_mixed() {
    let left = r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":4},"revocable":{}},
                   {"name":"mem","type":"SCALAR","scalar":{"value":100}}]"#;
    let rule = "[[hook.rules]]\nname = \"more\"\ntask_resources.minimum = { cpus = 3, mem = 600 }\n";
    assert_eq!(decorated(rule, &usual(), left).as_deref(), Some("cpus:2;mem:600"));
    let mut revocable = resources(
        r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":2},"revocable":{}}]"#,
        Some("prod/web"),
    );
    revocable.extend(resources("mem:512", Some("prod/web")));
    assert_eq!(decorated(rule, &revocable, left).as_deref(), Some("cpus:3;mem:600"));
}

#[test]
fn volumes_and_mounted_disks_are_not_touched() {
    let volume = r#"[{"name":"disk","type":"SCALAR","scalar":{"value":100},
        "reservations":[{"type":"STATIC","role":"prod/web"}],
        "disk":{"persistence":{"id":"v"},"volume":{"container_path":"d","mode":"RW"}}},
        {"name":"disk","type":"SCALAR","scalar":{"value":50}}]"#;
    let rule = "[[hook.rules]]\nname = \"less\"\ntask_resources.maximum.disk = 20\n";
    let with_volume = resources(volume, Some("prod/web"));
    assert_eq!(
        decorated(rule, &with_volume, "cpus:1").as_deref(),
        Some("disk:100"),
        "the volume stays whole"
    );
    let grow = "[[hook.rules]]\nname = \"more\"\ntask_resources.default.disk = 20\n";
    let mounted = r#"[{"name":"disk","type":"SCALAR","scalar":{"value":50},
        "disk":{"source":{"type":"MOUNT","mount":{"root":"/d"}}}}]"#;
    assert_eq!(decorated(grow, &usual(), mounted), None, "a mounted disk is taken whole or not at all");
    let elsewhere = mounted.replace("MOUNT", "PATH").replace("mount", "path");
    assert_eq!(
        decorated(grow, &usual(), &elsewhere),
        None,
        "which disk a task uses is its framework's choice"
    );
}

#[test]
fn task_grows_in_the_kinds_it_has_before_it_takes_others() {
    let reserved = r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":1},
        "reservations":[{"type":"STATIC","role":"prod/web"}]}]"#;
    let mut left = parts("cpus:4", "prod/web");
    left.extend(parts(reserved, "prod/web"));
    let mine = resources(reserved, Some("prod/web"));
    let room = Room::for_task(&mine, &left);
    assert_eq!(room.amounts().get("cpus").map(ToString::to_string).as_deref(), Some("5"));
    let rule = "[[hook.rules]]\nname = \"more\"\ntask_resources.minimum.cpus = 2\n";
    let task = TaskInfo { resources: mine, ..task() };
    let changed = hooks(rule).master_resources(&task, &[], &room).unwrap().unwrap();
    assert_eq!(changed.len(), 1, "all of it reserved");
    let rule = "[[hook.rules]]\nname = \"more\"\ntask_resources.minimum.cpus = 2.5\n";
    let changed = hooks(rule).master_resources(&task, &[], &room).unwrap().unwrap();
    assert_eq!((changed.len(), amounts(&changed)), (2, "cpus:2.5".to_owned()));
}

#[test]
fn unreadable_resources_are_no_room_and_an_error_in_a_task() {
    let mut left = parts("cpus:4", "prod/web");
    left[0].identity = b"\xff".to_vec();
    assert_eq!(Room::for_task(&usual(), &left).amounts(), Amounts::new());
    let task = TaskInfo { resources: vec![b"\xff".to_vec()], ..task() };
    assert!(hooks(SIZES).master_resources(&task, &[], &Room::default()).is_err());
}

#[test]
fn agent_keeps_a_share_for_the_system() {
    let hooks = hooks("[[hook.rules]]\nname = \"system\"\nagent.reserve = { cpus = 0.5, mem = \"5%\" }\n");
    let kept = hooks.agent_resources(&agent()).unwrap().unwrap();
    assert_eq!(amounts(&kept), "cpus:7.5;disk:1000;mem:15564.8");
    assert_eq!(kept.len(), agent().resources.len(), "its ports too");
    let reserved = r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":4},
        "reservations":[{"type":"STATIC","role":"db"}]},{"name":"cpus","type":"SCALAR","scalar":{"value":0.25}}]"#;
    let agent = AgentInfo { resources: resources(reserved, None), ..agent() };
    let kept = hooks.agent_resources(&agent).unwrap().unwrap();
    assert_eq!((kept.len(), amounts(&kept)), (1, "cpus:3.75".to_owned()), "unreserved resources go first");
}
