use super::*;

fn amd64() -> Machine {
    Machine::new("amd64", (5, 4))
}

fn read(text: &str) -> Result<SeccompProfile, SeccompError> {
    parse(text, &amd64())
}

fn rules(rules: &str) -> Result<Vec<SeccompRule>, SeccompError> {
    let text = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{rules}]}}"#);
    read(&text).map(|profile| profile.rules)
}

fn refusal(profile: &str) -> String {
    read(profile).unwrap_err().to_string()
}

#[test]
fn profile_with_everything_in_it_is_read() {
    let profile = read(
        r#"{
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
            "archMap": [
                {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}
            ],
            "syscalls": [
                {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": null, "comment": "", "includes": {}},
                {"name": "clone", "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 2114060288, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}],
                 "includes": {"caps": ["CAP_SYS_ADMIN"]}, "excludes": {"caps": ["CAP_BPF", "CAP_CHOWN"]}}
            ]
        }"#,
    )
    .unwrap();
    assert_eq!(profile.default_action, SeccompAction::Errno);
    assert_eq!(profile.architectures, [2, 1, 3]);
    let first = SeccompRule {
        names: vec!["read".into(), "write".into()],
        action: SeccompAction::Allow,
        arguments: Vec::new(),
        with_capabilities: Vec::new(),
        without_capabilities: Vec::new(),
    };
    let masked = SeccompArgument { index: 0, comparison: 7, value: 2_114_060_288, value_two: 1 };
    let second = SeccompRule {
        names: vec!["clone".into()],
        arguments: vec![masked],
        with_capabilities: vec![Capability::named("SYS_ADMIN").unwrap()],
        without_capabilities: vec![Capability::named("CHOWN").unwrap()],
        ..first.clone()
    };
    assert_eq!(profile.rules, [first, second]);
}

#[test]
fn rules_for_other_machines_are_left_out() {
    let kept = |filters: &str| {
        let rule = format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", {filters}}}"#);
        rules(&rule).unwrap().len() == 1
    };
    assert!(kept(r#""includes": {"arches": ["amd64", "arm64"]}"#));
    assert!(!kept(r#""includes": {"arches": ["s390x"]}"#));
    assert!(!kept(r#""excludes": {"arches": ["amd64"]}"#));
    assert!(kept(r#""excludes": {"arches": ["s390x"]}"#));
    assert!(kept(r#""includes": {"minKernel": "4.8"}"#));
    assert!(kept(r#""includes": {"minKernel": "5.4"}"#));
    assert!(!kept(r#""includes": {"minKernel": "5.10"}"#));
    assert!(!kept(r#""includes": {"minKernel": "4.8", "arches": ["arm"]}"#));
    assert!(!kept(r#""includes": {"caps": ["CAP_BPF"]}"#));
}

#[test]
fn unknown_calls_are_left_out_only_where_that_forbids_more() {
    let with = |default: &str, action: &str| {
        read(&format!(
            r#"{{"defaultAction": "{default}", "syscalls": [{{"names": ["openat2", "open"], "action": "{action}"}}]}}"#
        ))
    };
    let allowed = with("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW").unwrap();
    assert_eq!(allowed.rules[0].names, ["open"]);
    assert_eq!(allowed.left_out.into_iter().collect::<Vec<_>>(), ["openat2"]);
    assert_eq!(with("SCMP_ACT_ERRNO", "SCMP_ACT_ERRNO").unwrap().rules[0].names, ["open"]);
    for (default, action) in [("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"), ("SCMP_ACT_ERRNO", "SCMP_ACT_KILL")] {
        let error = with(default, action).unwrap_err().to_string();
        assert!(error.starts_with("syscalls[0].names: ") && error.contains("system call openat2"), "{error}");
    }
}

#[test]
fn what_mesos_cannot_carry_is_refused_with_its_place() {
    for (profile, expected) in [
        (
            r#"{"defaultAction": "SCMP_ACT_LOG"}"#,
            "defaultAction: found 'SCMP_ACT_LOG', expected SCMP_ACT_KILL",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38}"#,
            "defaultErrnoRet: Mesos 1.11 can only let a call fail with EPERM (1), not with 38",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}"#,
            "syscalls[0].errnoRet: Mesos 1.11 can only",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}"#,
            "syscalls[0].action: found 'SCMP_ACT_NOTIFY'",
        ),
        (r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["x86"]}"#, "architectures: found 'x86'"),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_RISCV64"}]}"#,
            "archMap: found 'SCMP_ARCH_RISCV64'",
        ),
    ] {
        let error = refusal(profile);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn mistakes_in_rules_are_named_with_their_place() {
    for (rule, expected) in [
        (
            r#""args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]"#,
            "syscalls[0].args[0].index: found '6'",
        ),
        (r#""args": [{"index": 0, "value": 0, "op": "=="}]"#, "syscalls[0].args[0].op: found '=='"),
        (r#""includes": {"caps": ["ALL"]}"#, "syscalls[0].includes.caps: found 'ALL'"),
        (r#""excludes": {"arches": ["x"]}"#, "syscalls[0].excludes.arches: found 'x'"),
        (r#""includes": {"minKernel": "new"}"#, "syscalls[0].includes.minKernel: found 'new'"),
    ] {
        let error = rules(&format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", {rule}}}"#));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn text_that_is_no_profile_is_refused_with_line_and_column() {
    assert!(refusal("").starts_with("is no seccomp profile in Docker's notation: EOF"));
    assert!(refusal(r#"{"syscalls": []}"#).contains("missing field `defaultAction`"));
    let misspelt = refusal("{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n \"sycalls\": []}");
    assert!(misspelt.contains("unknown field `sycalls`") && misspelt.contains("line 2"), "{misspelt}");
    let missing = SeccompProfile::read("/nowhere/profile.json", &amd64()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot be read: No such file"), "{missing}");
}

#[test]
fn names_of_calls_are_there_and_in_order() {
    let names: Vec<_> = include_str!("seccomp/known_calls.txt").lines().collect();
    assert!(names.is_sorted() && names.len() == KNOWN_CALLS.len());
    for name in ["read", "clone", "statx", "socketcall", "breakpoint"] {
        assert!(KNOWN_CALLS.contains(name), "{name}");
    }
    assert!(!KNOWN_CALLS.contains("clone3"));
}

#[test]
fn version_of_a_kernel_is_read_from_its_release() {
    assert_eq!(version("6.1.0-13-amd64"), Some((6, 1)));
    assert_eq!(version("5.10-rc3"), Some((5, 10)));
    assert_eq!(version("4.8"), Some((4, 8)));
    assert_eq!([version("six"), version("6"), version("6.x")], [None; 3]);
    assert_eq!(Machine::this().kernel.0.max(3), Machine::this().kernel.0);
}
