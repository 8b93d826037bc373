use super::*;
use crate::launch::Machine;
use crate::rlimit::{Limit, RlimitKind};

/// An agent with the linux launcher on a kernel before 5.8.
fn old_host() -> LaunchAbilities {
    LaunchAbilities {
        launcher: AgentLauncher::Linux,
        isolators: BTreeSet::new(),
        last_capability: MESOS_LAST,
        full_bounding_set: true,
        sandbox_in_images: "/mnt/mesos/sandbox".to_owned(),
        machine: Machine::new("amd64", (5, 4)),
    }
}

fn case() -> LaunchCase {
    LaunchCase {
        kind: LaunchKind::Own,
        command: CommandLine { shell: true, value: Some(b"true".to_vec()), arguments: Vec::new() },
        variables: Vec::new(),
        user: None,
        rootfs: None,
        sandbox: "/nowhere/box".into(),
        asks_for_rlimits: false,
    }
}

fn capabilities(names: &[&str]) -> Option<BTreeSet<Capability>> {
    Some(names.iter().map(|name| Capability::named(name).unwrap()).collect())
}

fn with_isolator(name: &str) -> LaunchAbilities {
    LaunchAbilities { isolators: BTreeSet::from([name.to_owned()]), ..old_host() }
}

fn refusal(settings: &LaunchSettings, case: &LaunchCase, abilities: &LaunchAbilities) -> String {
    settings.plan(case, abilities).unwrap_err().to_string()
}

#[test]
fn nothing_is_asked_for_without_settings() {
    let plan = LaunchSettings::default().plan(&case(), &old_host()).unwrap();
    assert_eq!(plan, LaunchPlan::default());
    let allowed = LaunchSettings { no_new_privileges: Some(false), ..LaunchSettings::default() };
    assert_eq!(allowed.plan(&case(), &old_host()).unwrap(), LaunchPlan::default());
    let forbidden = LaunchSettings { no_new_privileges: Some(true), ..LaunchSettings::default() };
    assert!(forbidden.plan(&case(), &old_host()).unwrap().no_new_privileges);
}

#[test]
fn effective_capabilities_alone_are_the_bound_too() {
    let settings =
        LaunchSettings { effective_capabilities: capabilities(&["KILL"]), ..LaunchSettings::default() };
    let plan = settings.plan(&case(), &old_host()).unwrap().capabilities.unwrap();
    assert_eq!(plan.effective.as_ref(), Some(&plan.bounding));
    assert_eq!(plan.holder, CapabilityHolder::FirstProcess);
    let bound = LaunchSettings { bounding_capabilities: capabilities(&[]), ..LaunchSettings::default() };
    let plan = bound.plan(&case(), &old_host()).unwrap().capabilities.unwrap();
    assert_eq!((plan.effective, plan.bounding), (None, BTreeSet::new()));
}

#[test]
fn command_executor_keeps_its_capabilities_where_it_has_to_enter_an_image() {
    let settings =
        LaunchSettings { effective_capabilities: capabilities(&["KILL"]), ..LaunchSettings::default() };
    let holder = |kind, rootfs: Option<&str>| {
        let case = LaunchCase { kind, rootfs: rootfs.map(PathBuf::from), ..case() };
        settings.plan(&case, &old_host()).unwrap().capabilities.unwrap().holder
    };
    assert_eq!(holder(LaunchKind::CommandTask, Some("/image")), CapabilityHolder::Task);
    assert_eq!(holder(LaunchKind::CommandTask, None), CapabilityHolder::FirstProcess);
    assert_eq!(holder(LaunchKind::Own, Some("/image")), CapabilityHolder::FirstProcess);
}

#[test]
fn capabilities_that_cannot_be_passed_on_are_refused() {
    let settings = LaunchSettings {
        effective_capabilities: capabilities(&["KILL", "CHOWN"]),
        bounding_capabilities: capabilities(&["KILL"]),
        ..LaunchSettings::default()
    };
    let text = refusal(&settings, &case(), &old_host());
    assert_eq!(text, "capabilities.effective has CHOWN, which capabilities.bounding has not");
    let newer = LaunchSettings { bounding_capabilities: capabilities(&["BPF"]), ..LaunchSettings::default() };
    let text = refusal(&newer, &case(), &old_host());
    assert!(text.starts_with("capabilities.bounding: Mesos 1.11 has no number for BPF"), "{text}");
    let none = LaunchSettings { bounding_capabilities: capabilities(&[]), ..LaunchSettings::default() };
    let limited = LaunchAbilities { full_bounding_set: false, ..old_host() };
    let user = |user: &str| LaunchCase { user: Some(user.to_owned()), ..case() };
    let text = refusal(&none, &user("nobody"), &limited);
    assert!(text.contains("for the user nobody: the agent's own bounding set is not full"), "{text}");
    assert!(none.plan(&user("root"), &limited).is_ok());
    assert!(none.plan(&user("nobody"), &old_host()).is_ok());
}

#[test]
fn kernel_that_mesos_does_not_know_gets_neither_capabilities_nor_filters() {
    let new = LaunchAbilities { last_capability: 40, ..old_host() };
    let none = LaunchSettings { bounding_capabilities: capabilities(&[]), ..LaunchSettings::default() };
    let text = refusal(&none, &case(), &new);
    assert!(
        text.starts_with(
            "capabilities cannot be set on this host: its kernel has capabilities up to number 40"
        )
    );
    assert!(text.contains("more than number 37") && text.contains("no_new_privileges"), "{text}");
    let filter = LaunchSettings { seccomp: Some("/nowhere".to_owned()), ..LaunchSettings::default() };
    assert!(refusal(&filter, &case(), &new).starts_with("seccomp cannot be set on this host"));
    let text = refusal(&filter, &case(), &old_host());
    assert!(text.starts_with("seccomp profile /nowhere: cannot be read: No such file"), "{text}");
}

#[test]
fn what_an_isolator_of_mesos_sets_too_is_refused() {
    let filter = LaunchSettings { seccomp: Some("/nowhere".to_owned()), ..LaunchSettings::default() };
    let text = refusal(&filter, &case(), &with_isolator("linux/seccomp"));
    assert!(text.starts_with("seccomp is set by a rule, and the agent's isolator linux/seccomp sets it too"));
    let none = LaunchSettings { bounding_capabilities: capabilities(&[]), ..LaunchSettings::default() };
    assert!(
        refusal(&none, &case(), &with_isolator("linux/capabilities")).starts_with("capabilities is set by")
    );
    let files = Rlimit::new(RlimitKind::Nofile, Limit::At(1), Limit::At(2)).unwrap();
    let rlimits = LaunchSettings { rlimits: vec![files], ..LaunchSettings::default() };
    let asking = LaunchCase { asks_for_rlimits: true, ..case() };
    assert!(
        refusal(&rlimits, &asking, &with_isolator("posix/rlimits")).starts_with("rlimits is set by a rule")
    );
    assert_eq!(rlimits.plan(&case(), &with_isolator("posix/rlimits")).unwrap().rlimits, [files]);
    assert_eq!(rlimits.plan(&asking, &old_host()).unwrap().rlimits, [files]);
}

#[test]
fn mounts_need_the_linux_launcher_and_are_not_for_a_look_into_another_container() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let posix = LaunchAbilities { launcher: AgentLauncher::Posix, ..old_host() };
    let debug = LaunchCase { kind: LaunchKind::Debug, ..case() };
    let fixed = LaunchSettings { read_only: BTreeSet::from([path.clone()]), ..LaunchSettings::default() };
    let tmpfs = LaunchSettings { tmpfs: [(path, 4096)].into(), ..LaunchSettings::default() };
    for (settings, setting, mounts) in [(&fixed, "read_only", 2), (&tmpfs, "tmpfs", 1)] {
        let text = refusal(settings, &case(), &posix);
        assert!(text.starts_with(&format!("{setting} needs a mount namespace")), "{text}");
        assert!(
            text.contains("runs with the posix launcher. Start the agent with --launcher=linux"),
            "{text}"
        );
        assert_eq!(settings.plan(&case(), &old_host()).unwrap().mounts.len(), mounts);
        assert_eq!(settings.plan(&debug, &posix).unwrap(), LaunchPlan::default());
        let entering = LaunchPlan { enters_mounts: true, ..LaunchPlan::default() };
        assert_eq!(settings.plan(&debug, &old_host()).unwrap(), entering);
    }
}

#[test]
fn umask_needs_a_shell_that_keeps_everything() {
    let settings = LaunchSettings { umask: Some(0o27), ..LaunchSettings::default() };
    let program = CommandLine { shell: false, value: Some(b"/a".to_vec()), arguments: Vec::new() };
    let image = tempfile::tempdir().unwrap();
    let inside = LaunchCase { command: program.clone(), rootfs: Some(image.path().into()), ..case() };
    let text = refusal(&settings, &inside, &old_host());
    assert_eq!(
        text,
        "umask cannot be set for this command: there is no /bin/sh in its image, which would have to set it"
    );
    fs::create_dir(image.path().join("bin")).unwrap();
    fs::write(image.path().join("bin/sh"), "").unwrap();
    assert!(settings.plan(&inside, &old_host()).unwrap().command.is_some());
    let odd = LaunchCase { command: program, variables: vec![b"A".to_vec(), b"a.b".to_vec()], ..case() };
    assert!(refusal(&settings, &odd, &old_host()).contains("would drop its variable a.b"));
    let script = LaunchCase { variables: odd.variables, ..case() };
    let wrapped = settings.plan(&script, &old_host()).unwrap().command.unwrap();
    assert_eq!(wrapped.value.as_deref(), Some(b"umask 0027\ntrue".as_slice()));
}
