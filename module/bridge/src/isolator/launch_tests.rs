use std::collections::BTreeSet;

use apportion_isolation::{AgentLauncher, Limit, Machine, RlimitKind};
use apportion_wire::messages::{ContainerInfo, TaskInfo, encode};

use super::*;

fn abilities() -> LaunchAbilities {
    LaunchAbilities {
        launcher: AgentLauncher::Linux,
        isolators: BTreeSet::new(),
        last_capability: 37,
        full_bounding_set: true,
        sandbox_in_images: "/mnt/mesos/sandbox".to_owned(),
        machine: Machine::new("amd64", (5, 4)),
    }
}

fn config(shell: bool, words: &[&[u8]]) -> ContainerConfig {
    let command = CommandInfo {
        shell: Some(shell),
        value: Some(words[0].to_vec()),
        arguments: words.iter().map(|word| word.to_vec()).collect(),
        ..CommandInfo::default()
    };
    ContainerConfig { directory: b"/nowhere".to_vec(), command_info: command, ..ContainerConfig::default() }
}

/// The same command as a command task's; the container's own is the executor's.
fn command_task(config: &ContainerConfig) -> ContainerConfig {
    let task = TaskInfo { command: Some(config.command_info.clone()), ..TaskInfo::default() };
    let executor = CommandInfo { value: Some(b"mesos-executor".to_vec()), ..CommandInfo::default() };
    ContainerConfig { task_info: Some(task), command_info: executor, ..config.clone() }
}

fn capabilities_named(names: &[&str]) -> Option<BTreeSet<Capability>> {
    Some(names.iter().map(|name| Capability::named(name).unwrap()).collect())
}

fn umask() -> LaunchSettings {
    LaunchSettings { umask: Some(0o27), ..LaunchSettings::default() }
}

fn arguments(info: &ContainerLaunchInfo) -> Vec<String> {
    let command = info.command.as_ref().unwrap();
    let only_arguments = CommandInfo { arguments: command.arguments.clone(), ..CommandInfo::default() };
    assert_eq!(*command, only_arguments, "the agent ends when anything else is set for a command task");
    command.arguments.iter().map(|argument| String::from_utf8_lossy(argument).into_owned()).collect()
}

#[test]
fn nothing_is_said_without_settings() {
    let info = launch_info(&LaunchSettings::default(), &config(true, &[b"true"]), Ok(&abilities())).unwrap();
    assert_eq!(info, ContainerLaunchInfo::default());
    let unknown = "/proc: hidden".to_owned();
    let info = launch_info(&LaunchSettings::default(), &config(true, &[b"true"]), Err(&unknown)).unwrap();
    assert_eq!(info, ContainerLaunchInfo::default());
    let Refusal(text) = launch_info(&umask(), &config(true, &[b"true"]), Err(&unknown)).unwrap_err();
    assert!(text.ends_with("whose rules ask for it: /proc: hidden"), "{text}");
}

#[test]
fn limits_and_privileges_are_said_for_every_kind_of_container() {
    let settings = LaunchSettings {
        rlimits: vec![
            Rlimit::new(RlimitKind::Nofile, Limit::At(8), Limit::At(9)).unwrap(),
            Rlimit::new(RlimitKind::Core, Limit::Unlimited, Limit::Unlimited).unwrap(),
        ],
        no_new_privileges: Some(true),
        ..LaunchSettings::default()
    };
    let own = config(true, &[b"true"]);
    for config in [&own, &command_task(&own)] {
        let info = launch_info(&settings, config, Ok(&abilities())).unwrap();
        let limit = |kind, numbers: Option<(u64, u64)>| RLimit {
            r#type: Some(kind),
            hard: numbers.map(|both| both.1),
            soft: numbers.map(|both| both.0),
        };
        assert_eq!(
            info.rlimits.unwrap().rlimits,
            [limit(RLimit::NOFILE, Some((8, 9))), limit(RLimit::CORE, None)]
        );
        assert_eq!((info.no_new_privileges, info.command), (Some(true), None));
    }
}

#[test]
fn capabilities_are_numbers_for_the_process_and_names_for_the_executor_of_an_image() {
    let settings = LaunchSettings {
        effective_capabilities: capabilities_named(&["KILL"]),
        bounding_capabilities: capabilities_named(&["KILL", "CHOWN"]),
        ..LaunchSettings::default()
    };
    let own = config(true, &[b"true"]);
    let info = launch_info(&settings, &command_task(&own), Ok(&abilities())).unwrap();
    assert_eq!(info.effective_capabilities.unwrap().capabilities, [1005]);
    assert_eq!(info.bounding_capabilities.unwrap().capabilities, [1000, 1005]);
    assert_eq!(info.command, None);

    let image = ContainerConfig { rootfs: Some(b"/image".to_vec()), ..command_task(&own) };
    let info = launch_info(&settings, &image, Ok(&abilities())).unwrap();
    assert_eq!((&info.effective_capabilities, &info.bounding_capabilities), (&None, &None));
    assert_eq!(
        arguments(&info),
        [
            r#"--bounding_capabilities={"capabilities":["CHOWN","KILL"]}"#,
            r#"--effective_capabilities={"capabilities":["KILL"]}"#
        ]
    );
}

#[test]
fn profile_becomes_a_message() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let profile = r#"{
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 1, "value": 7, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}],
            "includes": {"caps": ["CAP_CHOWN"]}, "excludes": {"caps": ["CAP_KILL"]}}]
    }"#;
    std::fs::write(file.path(), profile).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let settings = LaunchSettings { seccomp: Some(path), ..LaunchSettings::default() };
    let info = launch_info(&settings, &config(true, &[b"true"]), Ok(&abilities())).unwrap();
    let expected = ContainerSeccompProfile {
        default_action: 5,
        architectures: vec![2],
        syscalls: vec![SeccompSyscall {
            names: vec![b"mkdir".to_vec(), b"mkdirat".to_vec()],
            action: 3,
            args: vec![SeccompArg { index: 1, op: 7, value: 7, value_two: 8 }],
            includes: Some(CapabilityInfo { capabilities: vec![1000] }),
            excludes: Some(CapabilityInfo { capabilities: vec![1005] }),
        }],
    };
    assert_eq!(info.seccomp_profile, Some(expected));
}

#[test]
fn mounts_come_with_a_namespace_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let settings = LaunchSettings { tmpfs: [(path.clone(), 65536)].into(), ..LaunchSettings::default() };
    let info = launch_info(&settings, &config(true, &[b"true"]), Ok(&abilities())).unwrap();
    assert_eq!(info.clone_namespaces, [0x20000]);
    let expected = ContainerMountInfo {
        target: path.into_bytes(),
        source: Some(b"tmpfs".to_vec()),
        r#type: Some(b"tmpfs".to_vec()),
        flags: Some(6),
        options: Some(b"size=65536,mode=1777".to_vec()),
    };
    assert_eq!(info.mounts, [expected]);

    let debug =
        ContainerConfig { container_class: Some(ContainerConfig::CLASS_DEBUG), ..config(true, &[b"true"]) };
    let info = launch_info(&settings, &debug, Ok(&abilities())).unwrap();
    assert_eq!(
        info,
        ContainerLaunchInfo { enter_namespaces: vec![0x20000], ..ContainerLaunchInfo::default() }
    );
}

#[test]
fn executor_gets_another_command_for_the_umask() {
    let info = launch_info(&umask(), &config(true, &[b"./run"]), Ok(&abilities())).unwrap();
    let command = info.command.unwrap();
    assert_eq!((command.shell(), command.value.as_deref()), (true, Some(b"umask 0027\n./run".as_slice())));
    let info = launch_info(&umask(), &config(false, &[b"/run", b"a"]), Ok(&abilities())).unwrap();
    let command = info.command.unwrap();
    assert_eq!((command.shell(), command.value.as_deref()), (false, Some(b"/bin/sh".as_slice())));
    assert_eq!(command.arguments, [&b"sh"[..], b"-c", b"umask 0027; exec \"$@\"", b"sh", b"/run", b"a"]);
}

#[test]
fn command_tasks_command_goes_through_its_executors_flag_with_its_variables() {
    let mut config = config(false, &[b"/run", b"a\"b\\c\n\x7f"]);
    let variable = |name: &[u8], value: &[u8]| Variable::plain(name, value);
    let secret = Variable { r#type: Some(Variable::SECRET), ..variable(b"S", b"") };
    let variables = [variable(b"A", b"1"), secret, Variable { r#type: None, ..variable(b"B", b"\t") }];
    config.command_info.environment =
        Some(RawEnvironment { variables: variables.iter().map(encode).collect() });
    let info = launch_info(&umask(), &command_task(&config), Ok(&abilities())).unwrap();
    let [argument] = arguments(&info).try_into().unwrap();
    let json: serde_json::Value =
        serde_json::from_str(argument.strip_prefix("--task_command=").unwrap()).unwrap();
    let expected = serde_json::json!({
        "shell": false,
        "value": "/bin/sh",
        "arguments": ["sh", "-c", "umask 0027; exec \"$@\"", "sh", "/run", "a\"b\\c\n\u{7f}"],
        "environment": {"variables": [
            {"name": "A", "type": "VALUE", "value": "1"},
            {"name": "B", "type": "VALUE", "value": "\t"},
        ]},
    });
    assert_eq!(json, expected);
}

#[test]
fn bytes_that_are_no_text_go_as_they_are() {
    let info =
        launch_info(&umask(), &command_task(&config(true, &[b"echo \xff\xfe"])), Ok(&abilities())).unwrap();
    let argument = &info.command.unwrap().arguments[0];
    let at = argument.windows(7).position(|bytes| bytes == b"echo \xff\xfe");
    assert!(at.is_some(), "{}", String::from_utf8_lossy(argument));
}

#[test]
fn command_that_is_too_long_for_an_argument_is_refused() {
    let long = vec![b'x'; LONGEST_ARGUMENT];
    let own = config(true, &[&long]);
    assert!(
        launch_info(&umask(), &own, Ok(&abilities())).is_ok(),
        "only a command executor has it in an argument"
    );
    let Refusal(text) = launch_info(&umask(), &command_task(&own), Ok(&abilities())).unwrap_err();
    assert!(text.contains("bytes long") && text.contains("of 49152 bytes at most"), "{text}");
}

#[test]
fn refusal_of_a_setting_refuses_the_container() {
    let posix = LaunchAbilities { launcher: AgentLauncher::Posix, ..abilities() };
    let settings = LaunchSettings { read_only: ["/etc".to_owned()].into(), ..LaunchSettings::default() };
    let Refusal(text) = launch_info(&settings, &config(true, &[b"true"]), Ok(&posix)).unwrap_err();
    assert!(text.contains("runs with the posix launcher"), "{text}");
}

#[test]
fn what_a_container_asks_for_itself_is_seen() {
    let limits = RLimitInfo { rlimits: Vec::new() };
    let info = ContainerInfo { rlimit_info: Some(limits), ..ContainerInfo::default() };
    let config =
        ContainerConfig { container_info: Some(info), user: Some(b"me".to_vec()), ..config(true, &[b"x"]) };
    let debug = ContainerConfig { container_class: Some(ContainerConfig::CLASS_DEBUG), ..config.clone() };
    let seen = case(&config).unwrap();
    assert_eq!((seen.asks_for_rlimits, seen.user.as_deref(), seen.kind), (true, Some("me"), LaunchKind::Own));
    assert_eq!(case(&debug).unwrap().kind, LaunchKind::Debug);
    assert_eq!(case(&command_task(&config)).unwrap().kind, LaunchKind::CommandTask);
}
