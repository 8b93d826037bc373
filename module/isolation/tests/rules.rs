//! What rules about containers decide: which count, what wins, and what a refused one reads.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::collections::{BTreeMap, BTreeSet};

use apportion_cgroups::{
    Base, Bound, Controller, Device, DeviceLimits, GroupName, PageSize, Protection, SwapPolicy, Wish,
};
use apportion_isolation::{
    Breaches, Capability, ContainerRule, CorePlacement, Decision, DeviceChanges, GroupPolicy, GroupSettings,
    LaunchSettings, Limit, LimitChanges, REASON_BYTES_MAX, Rlimit, RlimitKind, Settings,
};
use apportion_policy::{
    AttributeTest, Condition, ContainerFacts, ContainerType, ExecutorFacts, Facts, FrameworkFacts, HookCall,
    Matcher, Presence, ResourceTest, RuleSet, TaskFacts, Template, TextField,
};
use proptest::prelude::*;

fn settings(rules: Vec<ContainerRule>) -> Settings {
    let wish = Wish {
        base: Base::Own,
        name: GroupName::new("apportion").unwrap(),
        controllers: BTreeSet::from([Controller::Cpu]),
    };
    Settings {
        environment: RuleSet::environment("isolator.environment", []),
        rlimits: vec![files(1024), Rlimit::new(RlimitKind::Core, Limit::At(0), Limit::At(0)).unwrap()],
        groups: Some(GroupSettings {
            wish,
            policy: GroupPolicy { pids: Bound::At(4096), ..GroupPolicy::default() },
        }),
        rules,
    }
}

fn files(number: u64) -> Rlimit {
    Rlimit::new(RlimitKind::Nofile, Limit::At(number), Limit::At(number)).unwrap()
}

fn named(name: &str) -> ContainerRule {
    ContainerRule { name: name.to_owned(), enabled: true, ..ContainerRule::default() }
}

fn refusing(name: &str, reason: &str) -> ContainerRule {
    let refuse = Some(Template::compile(reason, Matcher::facts()).unwrap());
    ContainerRule { refuse, ..named(name) }
}

fn with_pids(name: &str, pids: u64) -> ContainerRule {
    let limits = LimitChanges { pids: Some(Bound::At(pids)), ..LimitChanges::default() };
    ContainerRule { limits, ..named(name) }
}

fn launching(name: &str, launch: LaunchSettings) -> ContainerRule {
    ContainerRule { launch, ..named(name) }
}

fn when(condition: Condition, rule: ContainerRule) -> ContainerRule {
    ContainerRule { condition, ..rule }
}

fn role(pattern: &str) -> Condition {
    Condition::text(TextField::Role, &[pattern]).unwrap()
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn call() -> HookCall {
    let labels = BTreeMap::from([("tier".to_owned(), "front".to_owned())]);
    let resources = |cpus: &str| Some(BTreeMap::from([("cpus".to_owned(), cpus.to_owned())]));
    HookCall {
        facts: Facts {
            framework: Some(FrameworkFacts {
                name: Some("marathon".to_owned()),
                role: Some("batch/a".to_owned()),
                ..FrameworkFacts::default()
            }),
            task: Some(TaskFacts {
                name: Some("web-1".to_owned()),
                labels: Some(labels),
                resources: resources("1"),
                ..TaskFacts::default()
            }),
            executor: Some(ExecutorFacts { id: Some("web-1".to_owned()), ..ExecutorFacts::default() }),
            agent: None,
            container: Some(ContainerFacts {
                user: Some("root".to_owned()),
                resources: resources("1.1"),
                ..ContainerFacts::default()
            }),
        },
        container_type: Some(ContainerType::Docker),
        image: Some("shop:3".to_owned()),
        task_environment: Some([("DEBUG", Some("1"))].into_iter().collect()),
        ..HookCall::default()
    }
}

fn decide(rules: Vec<ContainerRule>) -> Decision {
    settings(rules).decide(&call())
}

#[test]
fn without_rules_a_container_gets_what_all_get() {
    let decision = decide(Vec::new());
    assert_eq!(decision.policy, GroupPolicy { pids: Bound::At(4096), ..GroupPolicy::default() });
    assert_eq!(decision.launch.rlimits.len(), 2);
    assert_eq!((decision.refusal, decision.faults), (None, Vec::new()));
    let bare = Settings { groups: None, rlimits: Vec::new(), ..settings(Vec::new()) };
    assert_eq!(bare.decide(&call()), Decision::default());
}

#[test]
fn every_matching_rule_counts_and_a_later_one_wins_key_by_key() {
    let both = LimitChanges { io_weight: Some(500), ..with_pids("", 100).limits };
    let decision = decide(vec![
        ContainerRule { limits: both, ..named("all") },
        when(role("batch/**"), with_pids("batch", 512)),
        when(role("prod/**"), with_pids("prod", 9)),
    ]);
    assert_eq!((decision.policy.pids, decision.policy.io.weight), (Bound::At(512), Some(500)));
    let swapped = decide(vec![when(role("batch/**"), with_pids("batch", 512)), with_pids("all", 100)]);
    assert_eq!(swapped.policy.pids, Bound::At(100));
}

#[test]
fn a_rule_that_is_switched_off_or_whose_condition_is_not_known_does_not_count() {
    let off = ContainerRule { enabled: false, ..with_pids("off", 1) };
    let rack = Condition::Attribute(AttributeTest::parse("rack = 3").unwrap());
    let unknown = [when(rack.clone(), with_pids("rack", 2)), when(not(rack), with_pids("no rack", 3))];
    let [a, b] = unknown;
    assert_eq!(decide(vec![off, a, b]).policy.pids, Bound::At(4096));
}

#[test]
fn conditions_see_task_image_type_labels_environment_and_the_containers_own_resources() {
    let patterns = |text: &str| Presence::Matches(vec![apportion_policy::Pattern::parse(text).unwrap()]);
    let conditions = [
        Condition::text(TextField::Task, &["web-*"]).unwrap(),
        Condition::text(TextField::Framework, &["marathon"]).unwrap(),
        Condition::text(TextField::ExecutorId, &["web-1"]).unwrap(),
        Condition::text(TextField::Image, &["shop:*"]).unwrap(),
        Condition::Container(vec![ContainerType::Docker]),
        Condition::Label("tier".to_owned(), patterns("front")),
        Condition::Variable("DEBUG".to_owned(), patterns("1")),
        Condition::Resource(ResourceTest::parse("cpus > 1").unwrap()),
    ];
    for condition in conditions {
        let text = condition.to_string();
        let decision = decide(vec![when(condition.clone(), with_pids("r", 7))]);
        assert_eq!(decision.policy.pids, Bound::At(7), "{text}");
        assert_eq!(
            decide(vec![when(not(condition), with_pids("r", 7))]).policy.pids,
            Bound::At(4096),
            "{text}"
        );
    }
}

#[test]
fn the_user_is_the_one_that_the_container_runs_as_not_its_frameworks() {
    let root = Condition::text(TextField::User, &["root"]).unwrap();
    let rules = settings(vec![when(root, refusing("r", "not as {{ container.user }}"))]);
    let mut call = call();
    call.facts.framework.as_mut().unwrap().user = Some("web".to_owned());
    assert_eq!(rules.decide(&call).refusal.as_deref(), Some("not as root"));
    call.facts.container.as_mut().unwrap().user = None;
    assert_eq!(rules.decide(&call).refusal, None);
    call.facts.framework.as_mut().unwrap().user = Some("root".to_owned());
    assert_eq!(rules.decide(&call).refusal.as_deref(), Some("refused by the rule \"r\""));
}

#[test]
fn a_nested_container_has_the_facts_of_the_one_around_it_but_for_its_own() {
    let container = ContainerFacts { user: Some("web".to_owned()), ..ContainerFacts::default() };
    let nested =
        HookCall { facts: Facts { container: Some(container), ..Facts::default() }, ..HookCall::default() };
    let rules = settings(vec![
        when(Condition::text(TextField::Task, &["web-*"]).unwrap(), with_pids("task", 7)),
        when(Condition::text(TextField::Image, &["shop:*"]).unwrap(), with_pids("image", 8)),
        when(
            Condition::Resource(ResourceTest::parse("cpus = 1").unwrap()),
            launching("cpus", LaunchSettings { umask: Some(0o27), ..LaunchSettings::default() }),
        ),
    ]);
    assert_eq!(rules.decide(&nested).policy.pids, Bound::At(4096));
    let decision = rules.decide(&nested.within(&call()));
    assert_eq!((decision.policy.pids, decision.launch.umask), (Bound::At(7), Some(0o27)));
}

#[test]
fn the_first_refusal_ends_it_with_its_reason() {
    let decision = decide(vec![
        named("before"),
        when(role("prod/**"), refusing("prod", "not prod")),
        refusing("first", "{{ framework.role }} may not run {{ container.image }} as {{ container.user }}"),
        refusing("second", "no"),
        with_pids("later", 1),
    ]);
    assert_eq!(decision.refusal.as_deref(), Some("batch/a may not run shop:3 as root"));
    assert_eq!(decision.rules, ["before", "first"]);
    assert_eq!((decision.policy.pids, decision.faults), (Bound::At(4096), Vec::new()));
}

#[test]
fn a_reason_that_cannot_be_made_refuses_all_the_same_and_names_the_rule() {
    let decision = decide(vec![refusing("no racks", "not in {{ agent.attributes.rack }}")]);
    assert_eq!(decision.refusal.as_deref(), Some("refused by the rule \"no racks\""));
    let [fault] = &decision.faults[..] else { panic!("{:?}", decision.faults) };
    assert_eq!(
        fault,
        "rule \"no racks\": its reason to refuse cannot be made: `agent.attributes.rack` is not known here"
    );
}

#[test]
fn a_reason_with_what_stands_in_a_file_is_not_told() {
    let secret = apportion_policy::FileContents::text("s3cret-token\n");
    let host = apportion_policy::HostFacts {
        files: BTreeMap::from([("/etc/token".to_owned(), secret)]),
        ..apportion_policy::HostFacts::default()
    };
    let mut call = HookCall { host: std::sync::Arc::new(host), ..call() };
    let labels = BTreeMap::from([("token".to_owned(), "s3cret-token".to_owned())]);
    call.facts.task.as_mut().unwrap().labels = Some(labels);
    let decision = settings(vec![refusing("r", "not with {{ task.labels.token }}")]).decide(&call);
    assert_eq!(decision.refusal.as_deref(), Some("refused by the rule \"r\""));
    assert!(!format!("{decision:?}").contains("s3cret"), "{decision:?}");
}

#[test]
fn every_limit_can_be_changed_and_what_is_not_named_stays() {
    let device = |minor| Device { major: 8, minor };
    let pages = |name| PageSize::new(name).unwrap();
    let first = LimitChanges {
        limit_cpus_to_request: Some(true),
        cpu_period_us: Some(50_000),
        cpu_burst_permille: Some(200),
        memory_floor_bytes: Some(64 << 20),
        memory_protection: Some(Protection::Min),
        memory_high_permille: Some(Some(900)),
        swap: Some(SwapPolicy::None),
        pids: Some(Bound::At(512)),
        io_weight: Some(500),
        io: BTreeMap::from([(
            device(0),
            DeviceChanges {
                read_bytes: Some(Bound::At(1)),
                reads: Some(Bound::At(2)),
                ..DeviceChanges::default()
            },
        )]),
        cores: Some(CorePlacement::OneNode),
        hugepages: BTreeMap::from([(pages("2MB"), Bound::At(2 << 20))]),
        ends_on: Some(Breaches { memory: false, pids: true }),
    };
    let mut policy = GroupPolicy::default();
    first.apply(&mut policy);
    let before = policy.clone();
    LimitChanges::default().apply(&mut policy);
    assert_eq!(policy, before);
    assert!(LimitChanges::default().is_empty() && !first.is_empty());

    let second = LimitChanges {
        memory_high_permille: Some(None),
        io: BTreeMap::from([
            (
                device(0),
                DeviceChanges {
                    reads: Some(Bound::Unlimited),
                    writes: Some(Bound::At(3)),
                    ..DeviceChanges::default()
                },
            ),
            (device(16), DeviceChanges { write_bytes: Some(Bound::At(4)), ..DeviceChanges::default() }),
        ]),
        hugepages: BTreeMap::from([(pages("1GB"), Bound::At(1 << 30))]),
        ..LimitChanges::default()
    };
    second.apply(&mut policy);
    assert_eq!((policy.sizing.high_permille, policy.sizing.burst_permille), (None, 200));
    assert_eq!((policy.sizing.period_us, policy.sizing.memory_floor_bytes), (50_000, 64 << 20));
    assert_eq!((policy.sizing.protection, policy.sizing.swap), (Protection::Min, SwapPolicy::None));
    assert!(policy.sizing.limit_cpus_to_request && policy.ends_on == Breaches { memory: false, pids: true });
    assert_eq!(
        (policy.pids, policy.cores, policy.io.weight),
        (Bound::At(512), CorePlacement::OneNode, Some(500))
    );
    let merged = DeviceLimits { read_bytes: Bound::At(1), writes: Bound::At(3), ..DeviceLimits::default() };
    let added = DeviceLimits { write_bytes: Bound::At(4), ..DeviceLimits::default() };
    assert_eq!(policy.io.devices, BTreeMap::from([(device(0), merged), (device(16), added)]));
    assert_eq!(policy.hugepages.len(), 2);
}

fn set(names: &[&str]) -> Option<BTreeSet<Capability>> {
    Some(names.iter().map(|name| Capability::named(name).unwrap()).collect())
}

fn paths(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn security_settings_of_rules_are_laid_over_each_other() {
    let first = LaunchSettings {
        rlimits: vec![files(64)],
        no_new_privileges: Some(true),
        seccomp: Some("/a".to_owned()),
        effective_capabilities: set(&["KILL"]),
        bounding_capabilities: set(&["KILL", "CHOWN"]),
        read_only: paths(&["/etc"]),
        tmpfs: BTreeMap::from([("/tmp".to_owned(), 1)]),
        umask: Some(0o77),
        core_filter: Some(1),
        oom_score_adjustment: Some(5),
    };
    let second = LaunchSettings {
        rlimits: vec![files(128)],
        no_new_privileges: Some(false),
        effective_capabilities: set(&[]),
        read_only: paths(&["/usr"]),
        tmpfs: BTreeMap::from([("/tmp".to_owned(), 2), ("/run".to_owned(), 3)]),
        ..LaunchSettings::default()
    };
    let launch = decide(vec![launching("a", first), launching("b", second)]).launch;
    let core = Rlimit::new(RlimitKind::Core, Limit::At(0), Limit::At(0)).unwrap();
    let expected = LaunchSettings {
        rlimits: vec![core, files(128)],
        no_new_privileges: Some(false),
        seccomp: Some("/a".to_owned()),
        effective_capabilities: set(&[]),
        bounding_capabilities: set(&["KILL", "CHOWN"]),
        read_only: paths(&["/etc", "/usr"]),
        tmpfs: BTreeMap::from([("/tmp".to_owned(), 2), ("/run".to_owned(), 3)]),
        umask: Some(0o77),
        core_filter: Some(1),
        oom_score_adjustment: Some(5),
    };
    assert_eq!(launch, expected);
}

#[test]
fn of_the_two_things_to_do_with_a_path_the_later_counts() {
    let read_only =
        |path| launching("r", LaunchSettings { read_only: paths(&[path]), ..LaunchSettings::default() });
    let tmpfs = |path: &str| {
        let tmpfs = BTreeMap::from([(path.to_owned(), 1)]);
        launching("t", LaunchSettings { tmpfs, ..LaunchSettings::default() })
    };
    let launch = decide(vec![read_only("/a"), tmpfs("/b"), tmpfs("/a"), read_only("/b")]).launch;
    assert_eq!(launch.read_only, paths(&["/b"]));
    assert_eq!(launch.tmpfs.into_keys().collect::<Vec<_>>(), ["/a"]);
}

#[test]
fn effective_capabilities_of_one_rule_stay_within_the_bounding_set_of_another() {
    let effective =
        LaunchSettings { effective_capabilities: set(&["KILL", "NET_ADMIN"]), ..LaunchSettings::default() };
    let bounding = LaunchSettings { bounding_capabilities: set(&["KILL"]), ..LaunchSettings::default() };
    let decision = decide(vec![launching("a", effective), launching("b", bounding)]);
    assert_eq!(decision.launch.effective_capabilities, set(&["KILL"]));
    let [fault] = &decision.faults[..] else { panic!("{:?}", decision.faults) };
    assert!(fault.ends_with("left out: NET_ADMIN"), "{fault}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_matching_rule_gives_the_number_and_the_first_refusal_the_reason(
        rules in prop::collection::vec((any::<bool>(), any::<bool>(), prop::option::of(1_u64..100)), 0..8)
    ) {
        let built = rules.iter().enumerate().map(|(number, (enabled, matches, pids))| {
            let rule = match pids {
                Some(pids) => with_pids("r", *pids),
                None => refusing("r", &format!("reason {number}")),
            };
            let condition = role(if *matches { "batch/*" } else { "prod" });
            ContainerRule { enabled: *enabled, ..when(condition, rule) }
        });
        let decision = decide(built.collect());
        let counting = || rules.iter().enumerate().filter(|(_, (enabled, matches, _))| *enabled && *matches);
        let refusal = counting().find(|(_, (.., pids))| pids.is_none()).map(|(number, _)| number);
        prop_assert_eq!(&decision.refusal, &refusal.map(|number| format!("reason {number}")));
        let last = counting().take_while(|(_, (.., pids))| pids.is_some()).last();
        prop_assert_eq!(decision.policy.pids, Bound::At(last.and_then(|(_, (.., pids))| *pids).unwrap_or(4096)));
    }

    #[test]
    fn no_text_of_a_framework_makes_a_reason_of_several_lines_or_without_end(image in "\\PC{0,40}|[\\x00-\\x20]{0,9}|ä{900}") {
        let call = HookCall { image: Some(image), ..call() };
        let decision = settings(vec![refusing("r", "{{ container.image }}")]).decide(&call);
        let reason = decision.refusal.unwrap();
        prop_assert!(!reason.is_empty() && reason.len() <= REASON_BYTES_MAX && !reason.contains(char::is_control));
    }
}
