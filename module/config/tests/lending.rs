//! `[lending]` and `[eviction]` read as they are meant, and written out again.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use apportion_config::{
    BackOff, Config, EvictionConfig, FAN_OUT_MAX, IdleSource, LENT_MAX, LenderRule, LendingBound,
    LendingConfig, PRIORITY_MAX, schema_keys,
};
use apportion_policy::{Amount, Pattern};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../apportion.sample.toml");

const GUIDE: &str = include_str!("../../../docs/lending.md");
const REFERENCE: &str = include_str!("../../../docs/lending-reference.md");

const LENDER: &str = "[[lending.lenders]]\nroles = \"prod\"\n";
const BORROWER: &str = "[[lending.borrowers]]\nroles = \"batch\"\n";

fn config(text: &str) -> Config {
    Config::from_text(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

fn read(text: &str) -> LendingConfig {
    config(text).lending
}

/// The one lender of a text that stands below its header and roles.
fn lender(text: &str) -> LenderRule {
    let mut lending = read(&format!("{BORROWER}{LENDER}{text}"));
    assert_eq!(lending.lenders.len(), 1);
    lending.lenders.remove(0)
}

fn patterns(sources: &[&str]) -> Vec<Pattern> {
    sources.iter().map(|source| Pattern::parse_role(source).unwrap()).collect()
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

#[test]
fn without_tables_nothing_is_lent_and_everything_has_its_default() {
    let config = config("");
    assert!(!config.lending.is_on());
    assert_eq!((&config.lending, &config.eviction), (&LendingConfig::default(), &EvictionConfig::default()));
    let lending = read("[lending]\n[lending.back_off]\n[lending.limits]\n");
    assert_eq!(lending, LendingConfig::default());
    assert_eq!(lending.resources, BTreeSet::from(["cpus", "mem"].map(str::to_owned)));
    assert_eq!((lending.fan_out, lending.min_idle), (2, Duration::from_secs(5)));
    assert!(lending.slice.is_empty() && lending.limits.is_empty());
    let back_off = BackOff { conflicts: 3, first: Duration::from_secs(2), most: Duration::from_secs(60) };
    assert_eq!(lending.back_off, back_off);
}

#[test]
fn lending_is_on_with_a_lender_that_lends_and_a_borrower() {
    assert!(read(&format!("{LENDER}{BORROWER}")).is_on());
    assert!(!read(BORROWER).is_on());
    let nothing = format!("{LENDER}lend = []\n{BORROWER}");
    assert!(!read(&nothing).is_on());
    assert!(read(&format!("{nothing}[[lending.lenders]]\nroles = \"a\"\n")).is_on());
}

#[test]
fn every_setting_becomes_what_it_says() {
    let lending = read(
        "[lending]\nresources = [\"mem\", \"cpus\", \"disk\", \"gpus\"]\nfan_out = 64\nmin_idle = \"1500ms\"\n\
         slice = { cpus = 4.5, mem = \"8GiB\", disk = \"1MiB\", gpus = 2 }\n\
         back_off = { conflicts = 0, first = \"1ms\", most = \"24h\" }",
    );
    assert_eq!(lending.resources.iter().collect::<Vec<_>>(), ["cpus", "disk", "gpus", "mem"]);
    assert_eq!((lending.fan_out, lending.min_idle), (FAN_OUT_MAX, Duration::from_millis(1500)));
    let slice: Vec<(&str, i64)> =
        lending.slice.iter().map(|(name, most)| (name.as_str(), most.thousandths())).collect();
    assert_eq!(slice, [("cpus", 4500), ("disk", 1000), ("gpus", 2000), ("mem", 8_192_000)]);
    let day = Duration::from_secs(86_400);
    let back_off = BackOff { conflicts: 0, first: Duration::from_millis(1), most: day };
    assert_eq!(lending.back_off, back_off);
}

#[test]
fn a_lender_lends_everything_to_everybody_unless_it_says_otherwise() {
    let all = LenderRule {
        roles: patterns(&["prod"]),
        lend: BTreeSet::from(IdleSource::ALL),
        to: None,
        part_permille: 1000,
    };
    assert_eq!(lender(""), all);
    let some = LenderRule {
        lend: BTreeSet::from([IdleSource::Guaranteed, IdleSource::Offered]),
        to: Some(patterns(&["batch/**", "test"])),
        part_permille: 125,
        ..all
    };
    let text = "lend = [\"guaranteed\", \"offered\"]\nto = [\"batch/**\", \"test\"]\npart = \"12.5%\"";
    assert_eq!(lender(text), some);
    assert_eq!(lender("to = \"test\"").to, Some(patterns(&["test"])));
}

#[test]
fn a_borrower_has_the_lowest_priority_and_weight_one_unless_it_says_otherwise() {
    let numbers = |text: &str| {
        let lending = read(&format!("{BORROWER}{text}"));
        (lending.borrowers[0].priority, lending.borrowers[0].weight_thousandths)
    };
    assert_eq!(numbers(""), (0, 1000));
    assert_eq!(numbers("priority = 1000\nweight = 2.5"), (PRIORITY_MAX, 2500));
    assert_eq!(numbers("weight = 1_000_000"), (0, 1_000_000_000));
    assert_eq!(numbers("weight = 0.001"), (0, 1));
}

#[test]
fn the_first_rule_that_matches_a_role_counts() {
    let lending = read(
        "[[lending.lenders]]\nroles = \"prod/db\"\nlend = []\n\
         [[lending.lenders]]\nroles = [\"prod\", \"prod/**\"]\npart = \"50%\"\n\
         [[lending.borrowers]]\nroles = \"batch/night\"\npriority = 5\n\
         [[lending.borrowers]]\nroles = \"batch/*\"\npriority = 1",
    );
    let part = |role: &str| lending.lender(role).map(|rule| (rule.lend.len(), rule.part_permille));
    assert_eq!((part("prod/db"), part("prod/web/api")), (Some((0, 1000)), Some((3, 500))));
    assert_eq!((part("prod"), part("production")), (Some((3, 500)), None));
    let priority = |role: &str| lending.borrower(role).map(|rule| rule.priority);
    assert_eq!((priority("batch/night"), priority("batch/day")), (Some(5), Some(1)));
    assert_eq!((priority("batch"), priority("batch/night/late")), (None, None));
}

#[test]
fn limits_are_amounts_or_parts_and_count_up_the_tree() {
    let lending = read(
        "[lending.limits]\n\"*\" = { borrow = { cpus = 0, mem = \"0MiB\" } }\nprod = { lend = { cpus = 100, mem = \"10%\" } }\n\
         \"prod/web/api\" = { lend = { cpus = \"0%\" }, borrow = { mem = \"1TiB\" } }\n\"prod/we\" = { lend = { cpus = 1 } }",
    );
    let nothing = LendingBound::Amount(Amount::ZERO);
    assert_eq!(lending.limits["*"].borrow.values().copied().collect::<Vec<_>>(), [nothing, nothing]);
    let prod = &lending.limits["prod"].lend;
    assert_eq!(
        (prod["cpus"], prod["mem"]),
        (LendingBound::Amount(amount("100")), LendingBound::Permille(100))
    );
    let api = &lending.limits["prod/web/api"];
    assert_eq!(api.lend["cpus"], LendingBound::Permille(0));
    assert_eq!(api.borrow["mem"], LendingBound::Amount(amount("1048576")));
    let of = |role| lending.limits_of(role).map(|(role, _)| role.to_owned()).collect::<Vec<_>>();
    assert_eq!(of("prod/web/api"), ["prod/web/api", "prod"]);
    assert_eq!(of("prod/web"), ["prod"]);
    assert_eq!((of("prodigy"), of("*")), (Vec::new(), vec!["*".to_owned()]));
}

#[test]
fn the_table_of_eviction_is_read_as_it_says() {
    let found = config(
        "[eviction]\ngrace = \"90s\"\ngrace_label = \"site.example/grace\"\ngrace_most = \"90s\"\ncheck_every = \"1h\"",
    );
    let expected = EvictionConfig {
        grace: Duration::from_secs(90),
        grace_label: "site.example/grace".to_owned(),
        grace_most: Duration::from_secs(90),
        check_every: Duration::from_secs(3600),
    };
    assert_eq!(found.eviction, expected);
}

#[test]
fn module_parameters_set_everything_but_rules() {
    let pairs = [
        ("lending.resources", "cpus, mem,disk"),
        ("lending.fan_out", "3"),
        ("lending.slice.cpus", "4.5"),
        ("lending.slice.mem", "8GiB"),
        ("lending.min_idle", "1m"),
        ("lending.back_off.conflicts", "5"),
        ("lending.back_off.most", "2h"),
        ("lending.limits.batch.borrow.cpus", "50"),
        ("lending.limits.batch.borrow.mem", "2.5%"),
        ("lending.limits.a.lend.b/c.d.lend.disk", "64GiB"),
        ("lending.limits.x.lend.y.borrow.cpus", "0"),
        ("eviction.grace", "5s"),
        ("eviction.grace_label", "g"),
    ];
    let pairs = pairs.map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let found = Config::from_parameters(&pairs).unwrap_or_else(|problems| panic!("{problems}"));
    let file = "[lending]\nresources = [\"cpus\", \"mem\", \"disk\"]\nfan_out = 3\nmin_idle = \"60s\"\n\
        slice = { cpus = 4.5, mem = \"8GiB\" }\nback_off = { conflicts = 5, most = \"120m\" }\n\
        [lending.limits]\nbatch = { borrow = { cpus = 50, mem = \"2.5%\" } }\n\
        \"a.lend.b/c.d\" = { lend = { disk = \"64GiB\" } }\n\"x.lend.y\" = { borrow = { cpus = 0 } }\n[eviction]\ngrace = \"5s\"\ngrace_label = \"g\"";
    assert_eq!(found, config(file));
}

#[test]
fn sample_written_out_and_read_again_lends_the_same() {
    let config = config(SAMPLE);
    assert_eq!(self::config(&config.to_string()), config, "{config}");
}

#[test]
fn more_than_a_host_can_take_is_refused_at_its_place() {
    let list = |count: usize| (0..count).map(|number| format!("\"r{number}*\",")).collect::<String>();
    let problem = |text: &str| {
        let problems = Config::from_text(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems}");
        let problem = problems.iter().next().unwrap();
        format!("{}: {}", problem.path, problem.found)
    };
    let all = format!("{LENDER}to = [{}]\n[[lending.borrowers]]\nroles = [{}]\n", list(500), list(499));
    assert!(read(&all).is_on());
    let found = problem(&all.replacen("\"r0*\",", "\"r0*\", \"x\",", 1));
    assert!(found.ends_with(": more than 1000 patterns in all rules"), "{found}");
    assert_eq!(read(&format!("lending.resources = [{}]", list(LENT_MAX))).resources.len(), LENT_MAX);
    let found = problem(&format!("lending.resources = [{}]", list(LENT_MAX + 1)));
    assert_eq!(found, "lending.resources[100]: 101 resources");
    let limits =
        |count: usize| (0..count).map(|number| format!("r{number}.lend.cpus = 1\n")).collect::<String>();
    assert_eq!(read(&format!("[lending.limits]\n{}", limits(1000))).limits.len(), 1000);
    assert_eq!(
        problem(&format!("[lending.limits]\n{}", limits(1001))),
        "lending.limits: 1001 roles with limits"
    );
}

#[test]
fn examples_of_the_pages_are_whole_files_that_lend() {
    let examples = |page: &'static str| {
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((examples(GUIDE).len(), examples(REFERENCE).len()), (4, 1));
    for example in [examples(GUIDE), examples(REFERENCE)].concat() {
        assert!(read(example).is_on(), "{example}");
    }
}

#[test]
fn what_needs_something_that_is_wrong_does_not_remain() {
    for text in [
        "lending.lenders = [{ roles = \"a\" }]\nlending.borrowers = [{ roles = 5 }]",
        "lending.resources = [5]\nlending.slice = { disk = \"1GiB\" }",
        "lending.resources = [\"ports\"]\nlending.limits.a.lend.gpus = 1",
        "lending.back_off = { first = \"2m\", most = 5 }",
        "lending.back_off = { first = \"2m\" }",
    ] {
        remains_as_written(text).unwrap();
        let remains = Config::examine_text(text, "apportion.toml").config.lending;
        assert_eq!(remains, LendingConfig::default(), "{text}");
    }
    for text in ["eviction.grace = \"2m\"", "eviction = { grace = \"2m\", grace_most = 5 }"] {
        remains_as_written(text).unwrap();
        let remains = Config::examine_text(text, "apportion.toml").config.eviction;
        assert_eq!(remains, EvictionConfig::default(), "{text}");
    }
}

/// Lines that are right, with any others of them left out.
const SETTINGS: [&str; 9] = [
    "lending.resources = [\"cpus\", \"gpus\", \"disk\", \"mem\"]",
    "lending.slice = { mem = \"1025MiB\", cpus = 0.001 }",
    "lending.min_idle = \"0s\"",
    "lending.back_off = { first = \"999ms\", conflicts = 1000 }",
    "lending.limits = { \"a/b.c/ä\" = { lend = { cpus = 0.5 }, borrow = { mem = \"0.1%\" } }, \"*\" = { lend = { cpus = 0 } } }",
    "lending.borrowers = [{ roles = \"[!x]*\", weight = 0.5, priority = 999 }, { roles = \"\\\"\" }]\n\
     lending.lenders = [{ roles = [\"a\", \"{b,c}/**\"], lend = [], part = \"0.1%\" }, { roles = \"**\", to = \"d?\" }]",
    "eviction.grace = \"59s\"",
    "eviction.check_every = \"61s\"",
    "eviction.grace_label = \" a\\\"b \"",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settings_written_out_and_read_again_are_the_same(
        lines in prop::sample::subsequence(SETTINGS.to_vec(), 0..SETTINGS.len()).prop_shuffle(),
    ) {
        let config = config(&lines.join("\n"));
        prop_assert_eq!(&Config::from_text(&config.to_string()).unwrap(), &config, "{}", config);
    }

    #[test]
    fn what_remains_of_any_value_can_be_written_out_and_read_again(value in value()) {
        for key in keys() {
            let (head, path) = match key.strip_prefix("lending.lenders.") {
                Some(path) => (format!("{BORROWER}[[lending.lenders]]\n"), path),
                None => match key.strip_prefix("lending.borrowers.") {
                    Some(path) => ("[[lending.borrowers]]\n".to_owned(), path),
                    None => (String::new(), &*key),
                },
            };
            let role = if head.is_empty() || path == "roles" { "" } else { "roles = \"r\"\n" };
            remains_as_written(&format!("{head}{role}{path} = {value}"))?;
        }
    }

    #[test]
    fn any_duration_in_its_range_is_read_and_written_as_the_same(millis in 0_u64..=86_400_000) {
        let found = read(&format!("lending.min_idle = \"{millis}ms\""));
        prop_assert_eq!(found.min_idle, Duration::from_millis(millis));
        prop_assert_eq!(read(&Config { lending: found.clone(), ..Config::default() }.to_string()), found);
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

/// Every key of the new tables, and those below roles and resources of the operator's own choosing.
fn keys() -> Vec<String> {
    let own = [
        "lending.slice.cpus",
        "lending.slice.mem",
        "lending.slice.other",
        "lending.limits.prod",
        "lending.limits.prod.lend",
        "lending.limits.prod.borrow.cpus",
        "lending.limits.prod.lend.mem",
        "lending.limits.\"-x\".lend.mem",
    ];
    let of_schema = schema_keys().into_iter().filter(|key| {
        ["lending", "eviction"].iter().any(|table| key == table || key.starts_with(&format!("{table}.")))
    });
    of_schema.chain(own.map(str::to_owned)).collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| toml::Value::Float(number).to_string()),
        (0_u32..2000).prop_map(|number| number.to_string()),
        "[0-9]{1,3}\\.[0-9]{1,4}",
        "[0-9]{1,20}(B|KiB|MiB|GiB|TiB|%|ms|s|m|h|secs|)".prop_map(|text| format!("{text:?}")),
        "[0-9]{1,3}(MiB|GiB|%|ms|s|m|h)".prop_map(|text| format!("{text:?}")),
        "[a-c/*?{},.-]{0,8}".prop_map(|text| format!("{text:?}")),
        prop::sample::select(vec![
            "true",
            "{}",
            "[]",
            "{ a = 1 }",
            "[1]",
            "[\"cpus\"]",
            "[\"disk\"]",
            "[\"offered\", \"reserved\"]",
            "{ cpus = 1, mem = \"1GiB\" }",
            "{ first = \"2m\" }",
            "{ most = \"1ms\", conflicts = 3 }",
            "{ lend = { cpus = 1 } }",
            "{ prod = { lend = { cpus = \"3%\" }, borrow = { disk = \"1GiB\" } } }",
            "[{ roles = \"a\" }, { roles = [\"a\", \"b\"] }]",
            "{ grace = \"2m\", grace_most = \"1m\" }",
            "{ resources = [\"disk\"], lenders = [{ roles = \"a\" }] }",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}".prop_map(|text| toml::Value::String(text).to_string()),
    ]
}
