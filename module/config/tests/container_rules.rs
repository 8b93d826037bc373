//! `[isolator]` read as it is meant, and written out again.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use apportion_cgroups::{
    Base, Bound, Controller, Device, DeviceLimits, PageSize, Protection, SizingPolicy, SwapPolicy,
};
use apportion_config::{Config, IsolatorConfig, schema_keys};
use apportion_isolation::{
    Breaches, Capability, ContainerRule, CorePlacement, GroupPolicy, Limit, Rlimit, RlimitKind,
};
use apportion_policy::{Condition, ContainerFacts, Facts, FrameworkFacts, HookCall, TextField};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../apportion.sample.toml");

const ALL: &str =
    "[isolator.cgroups]\ncontrollers = [\"cpu\", \"memory\", \"pids\", \"io\", \"cpuset\", \"hugetlb\"]\n";

fn read(text: &str) -> IsolatorConfig {
    Config::from_text(text).unwrap_or_else(|problems| panic!("{problems}\n{text}")).isolator
}

/// The one rule of a text that stands below its header and name.
fn rule(text: &str) -> ContainerRule {
    let mut config = read(&format!("{ALL}[[isolator.rules]]\nname = \"r\"\n{text}"));
    assert_eq!(config.rules.len(), 1);
    config.rules.remove(0)
}

fn policy(limits: &str) -> GroupPolicy {
    let settings = read(&format!("{ALL}[isolator.limits]\n{limits}")).settings();
    settings.groups.unwrap().policy
}

fn capabilities(names: &[&str]) -> Option<BTreeSet<Capability>> {
    Some(names.iter().map(|name| Capability::named(name).unwrap()).collect())
}

#[test]
fn without_a_table_there_are_no_control_groups_and_an_empty_one_has_a_default_for_everything() {
    assert!(read("[isolator]").settings().groups.is_none());
    let groups = read("[isolator.cgroups]").settings().groups.unwrap();
    assert_eq!(groups.policy, GroupPolicy::default());
    assert_eq!((groups.wish.base, groups.wish.name.to_string()), (Base::Own, "apportion".to_owned()));
    let usual = [Controller::Cpu, Controller::Memory, Controller::Pids];
    assert_eq!(groups.wish.controllers, BTreeSet::from(usual));
}

#[test]
fn control_groups_are_where_the_file_says() {
    let text = "[isolator.cgroups]\nname = \"tasks\"\nbelow = \"/mesos.slice\"\ncontrollers = [\"io\"]";
    let wish = read(text).cgroups.unwrap();
    assert_eq!(
        (wish.base, wish.name.to_string()),
        (Base::At(PathBuf::from("/mesos.slice")), "tasks".to_owned())
    );
    assert_eq!(wish.controllers, BTreeSet::from([Controller::Io]));
    assert_eq!(read("[isolator.cgroups]\nbelow = \"/\"").cgroups.unwrap().base, Base::At(PathBuf::from("/")));
}

#[test]
fn every_limit_becomes_what_it_says() {
    let text = "cpu_limit = \"request\"\ncpu_period_us = 50000\ncpu_burst = \"12.5%\"\nmemory_floor = \"64MiB\"\n\
        memory_protection = \"min\"\nmemory_high = \"90%\"\nswap = \"150%\"\npids = 4096\nio_weight = 500\n\
        io = { \"8:16\" = { read_bytes = \"10MiB\", writes = 100 } }\ncpus = \"one_node\"\n\
        hugepages = { \"2MB\" = \"64MiB\", \"1GB\" = \"unlimited\" }\nends_on = [\"pids\"]";
    let found = policy(text);
    let expected = SizingPolicy {
        period_us: 50_000,
        limit_cpus_to_request: true,
        burst_permille: 125,
        memory_floor_bytes: 64 << 20,
        protection: Protection::Min,
        high_permille: Some(900),
        swap: SwapPolicy::Permille(1500),
    };
    assert_eq!(found.sizing, expected);
    assert_eq!(
        (found.pids, found.io.weight, found.cores),
        (Bound::At(4096), Some(500), CorePlacement::OneNode)
    );
    let device =
        DeviceLimits { read_bytes: Bound::At(10 << 20), writes: Bound::At(100), ..DeviceLimits::default() };
    assert_eq!(found.io.devices.into_iter().collect::<Vec<_>>(), [(Device { major: 8, minor: 16 }, device)]);
    let pages = |name| PageSize::new(name).unwrap();
    assert_eq!(
        found.hugepages.into_iter().collect::<Vec<_>>(),
        [(pages("1GB"), Bound::Unlimited), (pages("2MB"), Bound::At(64 << 20))]
    );
    assert_eq!(found.ends_on, Breaches { memory: false, pids: true });
}

#[test]
fn words_for_no_limit_are_no_limit() {
    let text = "cpu_burst = \"none\"\nmemory_high = \"none\"\nmemory_protection = \"none\"\npids = \"unlimited\"\n\
        io = { \"8:0\" = { reads = \"unlimited\" } }\nends_on = []";
    let found = policy(text);
    assert_eq!((found.sizing.burst_permille, found.sizing.high_permille), (0, None));
    assert_eq!((found.sizing.protection, found.pids), (Protection::None, Bound::Unlimited));
    assert_eq!(found.ends_on, Breaches { memory: false, pids: false });
    assert_eq!(policy("swap = \"none\"").sizing.swap, SwapPolicy::None);
    assert_eq!(policy("swap = \"unlimited\"").sizing.swap, SwapPolicy::Unlimited);
}

#[test]
fn module_parameters_set_groups_and_limits() {
    let pairs = [
        ("isolator.cgroups.name", "tasks"),
        ("isolator.cgroups.controllers", "cpu, memory,pids,io"),
        ("isolator.limits.pids", "512"),
        ("isolator.limits.swap", "none"),
        ("isolator.limits.memory_floor", "64MiB"),
        ("isolator.limits.io.8:0.read_bytes", "10MiB"),
        ("isolator.limits.io.8:0.reads", "100"),
        ("isolator.limits.ends_on", "memory"),
    ];
    let pairs = pairs.map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let config = Config::from_parameters(&pairs).unwrap_or_else(|problems| panic!("{problems}"));
    let file = "[isolator.cgroups]\nname = \"tasks\"\ncontrollers = [\"cpu\", \"memory\", \"pids\", \"io\"]\n\
        [isolator.limits]\npids = 512\nswap = \"none\"\nmemory_floor = \"64MiB\"\nends_on = [\"memory\"]\n\
        io = { \"8:0\" = { read_bytes = \"10MiB\", reads = 100 } }";
    assert_eq!(config.isolator, read(file));
}

#[test]
fn every_setting_of_a_rule_becomes_what_it_says() {
    let found = rule(
        "enabled = false\nmatch = { role = \"batch/**\" }\nlimits = { pids = 512 }\nrlimits = { nofile = 1024 }\n\
         no_new_privileges = true\nseccomp = \"/etc/seccomp.json\"\nread_only = [\"/etc\", \"/usr\"]\numask = \"027\"\n\
         capabilities = { effective = [\"cap_kill\"], bounding = [\"KILL\", \"NET_BIND_SERVICE\"] }\n\
         tmpfs = { \"/tmp\" = \"64MiB\" }\ncore_filter = \"0x33\"\noom_score_adjustment = -500",
    );
    assert_eq!((found.enabled, found.refuse), (false, None));
    assert_eq!(found.condition, Condition::text(TextField::Role, &["batch/**"]).unwrap());
    assert_eq!(found.limits.pids, Some(Bound::At(512)));
    let launch = found.launch;
    let files = Rlimit::new(RlimitKind::Nofile, Limit::At(1024), Limit::At(1024)).unwrap();
    assert_eq!((launch.rlimits, launch.no_new_privileges), (vec![files], Some(true)));
    assert_eq!(launch.seccomp.as_deref(), Some("/etc/seccomp.json"));
    assert_eq!(launch.effective_capabilities, capabilities(&["KILL"]));
    assert_eq!(launch.bounding_capabilities, capabilities(&["KILL", "NET_BIND_SERVICE"]));
    assert_eq!(launch.read_only, BTreeSet::from(["/etc", "/usr"].map(str::to_owned)));
    assert_eq!(launch.tmpfs.into_iter().collect::<Vec<_>>(), [("/tmp".to_owned(), 64 << 20)]);
    assert_eq!(
        (launch.umask, launch.core_filter, launch.oom_score_adjustment),
        (Some(0o27), Some(0x33), Some(-500))
    );
}

#[test]
fn digits_of_other_bases_may_be_numbers_of_the_file() {
    let found = rule("umask = 0o027\ncore_filter = 0x33").launch;
    assert_eq!((found.umask, found.core_filter), (Some(0o27), Some(0x33)));
    assert_eq!(rule("umask = \"0o77\"").launch.umask, Some(0o77));
}

#[test]
fn no_capabilities_at_all_can_be_said() {
    let launch = rule("capabilities = { effective = [], bounding = [] }").launch;
    assert_eq!(
        (launch.effective_capabilities, launch.bounding_capabilities),
        (capabilities(&[]), capabilities(&[]))
    );
}

#[test]
fn a_rule_without_settings_beside_its_name_and_reason_applies_to_every_container() {
    let found = rule("refuse = \"not here\"");
    assert_eq!((found.enabled, found.condition), (true, Condition::default()));
    assert!(found.limits.is_empty() && found.launch == apportion_isolation::LaunchSettings::default());
}

#[test]
fn settings_carry_rules_and_limits_to_where_containers_are_decided_on() {
    let text = "[isolator.cgroups]\n[isolator.limits]\npids = 4096\n[isolator.rlimits]\ncore = 0\n\
        [[isolator.rules]]\nname = \"batch\"\nmatch = { role = \"batch/**\" }\nlimits = { pids = 512 }\n\
        [[isolator.rules]]\nname = \"no root\"\nmatch = { role = \"batch/wild\" }\n\
        refuse = \"{{ framework.role }} may not run {{ container.command }}\"";
    let settings = read(text).settings();
    let call = |role: &str| HookCall {
        facts: Facts {
            framework: Some(FrameworkFacts { role: Some(role.to_owned()), ..FrameworkFacts::default() }),
            container: Some(ContainerFacts {
                command: Some("rm -r".to_owned()),
                ..ContainerFacts::default()
            }),
            ..Facts::default()
        },
        ..HookCall::default()
    };
    assert_eq!(settings.decide(&call("prod")).policy.pids, Bound::At(4096));
    let batch = settings.decide(&call("batch/a"));
    assert_eq!((batch.policy.pids, batch.refusal, batch.launch.rlimits.len()), (Bound::At(512), None, 1));
    assert_eq!(settings.decide(&call("batch/wild")).refusal.as_deref(), Some("batch/wild may not run rm -r"));
}

#[test]
fn sample_written_out_and_read_again_has_the_same_settings_of_the_isolator() {
    let config = Config::from_text(SAMPLE).unwrap();
    assert!(config.isolator.cgroups.is_some() && !config.isolator.limits.is_empty());
    assert!(config.isolator.rules.len() > 1);
    assert_eq!(Config::from_text(&config.to_string()).unwrap().isolator, config.isolator, "{config}");
}

/// Lines of a rule, of which a few in any order make one.
const SETTINGS: [&str; 16] = [
    "limits.cpu_burst = \"0.5%\"",
    "limits.memory_floor = \"5GiB\"",
    "limits.memory_high = \"none\"",
    "limits.swap = \"12.5%\"",
    "limits.pids = \"unlimited\"",
    "limits.io = { \"8:0\" = { read_bytes = \"1B\", write_bytes = \"unlimited\", reads = 1, writes = 2 } }",
    "limits.hugepages = { \"2MB\" = \"unlimited\", \"64KB\" = \"64KiB\" }",
    "limits.ends_on = []",
    "rlimits = { nofile = \"1:2\", core = \"unlimited\" }",
    "capabilities = { effective = [] }",
    "capabilities.bounding = [\"CAP_CHOWN\"]",
    "read_only = [\"/a b\", \"/ä\"]",
    "tmpfs = { \"/t\" = \"4097B\" }",
    "umask = \"0\"",
    "core_filter = \"0x0\"",
    "oom_score_adjustment = -1000",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_written_out_and_read_again_are_the_same(
        lines in prop::sample::subsequence(SETTINGS.to_vec(), 1..SETTINGS.len()).prop_shuffle(),
        matches in any::<bool>(),
    ) {
        let both = lines.iter().filter(|line| line.starts_with("capabilities")).count() > 1;
        let lines: Vec<&str> = lines.into_iter().filter(|line| !both || !line.starts_with("capabilities =")).collect();
        let condition = if matches { "match = { any = [{ role = \"a\" }, { not = { task = \"/b/\" } }] }\n" } else { "" };
        let text = format!("{ALL}[[isolator.rules]]\nname = \"r\"\n{condition}{}", lines.join("\n"));
        let config = Config::from_text(&text).unwrap();
        prop_assert_eq!(&Config::from_text(&config.to_string()).unwrap(), &config, "{}", config);
    }

    #[test]
    fn what_remains_of_any_value_can_be_written_out_and_read_again(value in value()) {
        for key in isolator_keys() {
            let path = key.strip_prefix("isolator.rules.").unwrap_or(&key);
            let head = if path == key { "" } else { "[[isolator.rules]]\n" };
            remains_as_written(&format!("{head}{path} = {value}"))?;
        }
    }
}

/// What is left of settings with mistakes is complete in itself.
fn remains_as_written(text: &str) -> Result<(), TestCaseError> {
    let examined = Config::examine_text(text, "apportion.toml");
    let written = examined.config.to_string();
    let read = Config::from_text(&written);
    prop_assert_eq!(
        read.as_ref().ok(),
        Some(&examined.config),
        "{}\n{}\n{:?}",
        text,
        written,
        read.as_ref().err()
    );
    Ok(())
}

#[test]
fn limits_without_their_groups_do_not_remain() {
    for text in [
        "isolator.limits.cpu_burst = \"1%\"",
        "isolator.limits.pids = 5\nisolator.cgroups.name = 7",
        "isolator.cgroups.below = 1\n[[isolator.rules]]\nname = \"r\"\nlimits.pids = 5",
    ] {
        remains_as_written(text).unwrap();
        assert_eq!(
            Config::examine_text(text, "apportion.toml").config.isolator,
            Default::default(),
            "{text}"
        );
    }
}

fn isolator_keys() -> Vec<String> {
    schema_keys().into_iter().filter(|key| key.starts_with("isolator.")).collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9]{1,20}(B|KiB|MiB|GiB|TiB|%|)".prop_map(|text| format!("{text:?}")),
        "/[a-z./]{0,8}".prop_map(|text| format!("{text:?}")),
        "[0-7x]{1,4}".prop_map(|text| format!("{text:?}")),
        prop::sample::select(vec!["true", "{}", "[]", "{ a = 1 }", "[1]", "[\"cpu\"]", "{ \"8:0\" = {} }"])
            .prop_map(str::to_owned),
        "\\PC{0,12}".prop_map(|text| format!("{:?}", text.replace('\\', ""))),
    ]
}
