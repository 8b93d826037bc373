//! Where configurations come from: the sample, files of every kind, module parameters, arbitrary bytes.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use apportion_config::{Config, ENTRY_POINTS, FILE_BYTES_MAX, Kind, schema_keys};
use apportion_isolation::{Limit, RlimitKind};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../apportion.sample.toml");

fn parameters(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

#[test]
fn sample_checks_clean() {
    let config = Config::from_text(SAMPLE).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.hook.labels.len(), 2);
    assert_eq!(config.isolator.rlimits.len(), 4);
    assert_eq!(config.hook.rules.len(), 5);
    assert!(config.lending.is_on());
    assert_eq!((config.lending.lenders.len(), config.lending.limits.len()), (2, 3));
}

#[test]
fn sample_mentions_every_key_of_the_schema() {
    let mut table = String::new();
    let mut mentioned = Vec::new();
    for line in SAMPLE.lines().map(|line| line.trim_start_matches(['#', ' '])) {
        if line.starts_with('[') && line.ends_with(']') {
            let header = line.trim_matches(['[', ']']);
            table = header.to_owned();
            mentioned.push(table.clone());
            mentioned.extend(header.split_once('.').map(|(above, _)| above.to_owned()));
        } else if let Some((key, _)) = line.split_once(" = ") {
            mentioned.push(format!("{table}.{key}"));
        }
    }
    // Tables whose keys are those of another one.
    let twins = [
        ("isolator.rules.match.", "hook.rules.match."),
        ("isolator.rules.limits.", "isolator.limits."),
        ("isolator.rules.rlimits.", "isolator.rlimits."),
    ];
    let is_mentioned = |key: &String| {
        let twin = twins.iter().find_map(|(own, other)| Some(format!("{other}{}", key.strip_prefix(own)?)));
        mentioned.contains(key) || twin.is_some_and(|twin| mentioned.contains(&twin))
    };
    // These stand in a line of their table.
    let inline = |key: &String| {
        key.starts_with("isolator.rules.capabilities.") || key.starts_with("lending.back_off.")
    };
    let missing: Vec<_> =
        schema_keys().into_iter().filter(|key| !is_mentioned(key) && !inline(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn sample_with_its_commented_limits_checks_clean() {
    let text: String = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(limit)
                if limit.split_once(" = ").is_some_and(|(key, value)| {
                    RlimitKind::named(key).is_some() && !value.contains("refused")
                }) =>
            {
                format!("{limit}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let config = Config::from_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.isolator.rlimits.len(), RlimitKind::all().count());
}

#[test]
fn sample_lists_every_fact_and_filter() {
    for root in apportion_policy::ROOTS {
        let line = SAMPLE.lines().find(|line| line.contains(&format!(" {}.id .", root.name))).unwrap();
        for field in root.all_fields() {
            assert!(line.contains(&format!(".{field}")), "{}.{field}", root.name);
        }
    }
    for fact in apportion_policy::FURTHER_FACTS {
        let behind = if fact.map { ".<name>" } else { " " };
        assert!(SAMPLE.contains(&format!(" {}{behind}", fact.name)), "{}", fact.name);
    }
}

#[test]
fn sample_lists_every_point_with_its_name_in_mesos() {
    for point in apportion_policy::HookPoint::HOOKS {
        let lines = SAMPLE.lines().filter(|line| line.starts_with(&format!("#   {} ", point.key())));
        let lines: Vec<&str> = lines.collect();
        assert!(matches!(lines[..], [line] if line.ends_with(&format!(" {}", point.name()))), "{lines:?}");
    }
}

#[test]
fn empty_configuration_gives_the_defaults() {
    assert_eq!(Config::from_text("").unwrap(), Config::default());
    assert_eq!(Config::from_parameters(&[]).unwrap(), Config::default());
}

#[test]
fn parameters_and_file_give_the_same_settings() {
    let text = "[allocator]\nseed = 9\nexplain_offers = false\norder = \"random\"\n[hook]\nendpoint = \"agent\"\n[hook.labels]\n\"a.b\" = \"x=y\"\n\
                [isolator.rlimits]\nnofile = \"1:2\"\ncore = { soft = 0, hard = 0 }\nstack = \"unlimited\"\n\
                [drill]\npanic_in = [\"allocator.pause\", \"isolator.usage\"]";
    let inline = parameters(&[
        ("allocator.seed", "9"),
        ("allocator.explain_offers", "false"),
        ("allocator.order", "random"),
        ("hook.endpoint", "agent"),
        ("hook.labels.a.b", "x=y"),
        ("isolator.rlimits.nofile", "1:2"),
        ("isolator.rlimits.core.soft", "0"),
        ("isolator.rlimits.core.hard", "0"),
        ("isolator.rlimits.stack", "unlimited"),
        ("drill.panic_in", "isolator.usage, allocator.pause"),
    ]);
    let config = Config::from_text(text).unwrap();
    assert_eq!(Config::from_parameters(&inline).unwrap(), config);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, text).unwrap();
    assert_eq!(Config::from_file(&file).unwrap(), config);
    let named = parameters(&[("config", file.to_str().unwrap())]);
    assert_eq!(Config::from_parameters(&named).unwrap(), config);
}

#[test]
fn problems_of_a_file_named_by_a_parameter_carry_its_path_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, "[allocator]\n\n  seed = -1\n").unwrap();
    let problems = Config::from_parameters(&parameters(&[("config", file.to_str().unwrap())])).unwrap_err();
    let place = problems.iter().next().unwrap().place.clone().unwrap();
    assert_eq!((Path::new(&place.file), place.line, place.column), (&*file, 3, 10));
    assert!(
        problems.to_string().contains(&format!("allocator.seed ({}:3:10)", file.display())),
        "{problems}"
    );
}

#[test]
fn file_and_inline_keys_together_tell_the_mistakes_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, "[hook]\nlabel = 1\n").unwrap();
    let both = parameters(&[("config", file.to_str().unwrap()), ("allocator.sed", "1")]);
    let problems = Config::from_parameters(&both).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
    assert_eq!(paths, ["config", "allocator.sed", "hook.label"]);
}

#[test]
fn file_named_twice_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, "").unwrap();
    let path = file.to_str().unwrap();
    let problems = Config::from_parameters(&parameters(&[("config", path), ("config", path)])).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [Kind::Duplicate]);
}

#[test]
fn bytes_that_are_not_utf8_are_problems() {
    let key = Config::from_parameters(&[(b"hook.\xff".to_vec(), b"x".to_vec())]).unwrap_err();
    assert!(key.to_string().contains("a key that is not UTF-8: \"hook.\\xff\""), "{key}");
    let value = Config::from_parameters(&[(b"allocator.seed".to_vec(), b"\xfe1".to_vec())]).unwrap_err();
    assert_eq!(value.iter().next().unwrap().path, "allocator.seed");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, b"# one\n[hook.labels]\na = \"\xc3\x28\"\n").unwrap();
    let problems = Config::from_file(&file).unwrap_err();
    let place = problems.iter().next().unwrap().place.clone().unwrap();
    assert_eq!((place.line, place.column), (3, 6));
    assert!(!problems.is_unreadable());
}

#[test]
fn files_that_cannot_be_read_are_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path, reason: &str| {
        let problems = Config::from_file(path).unwrap_err();
        assert!(problems.is_unreadable(), "{problems}");
        assert!(problems.to_string().contains(reason), "{problems}");
        assert!(problems.to_string().contains(&path.display().to_string()), "{problems}");
    };
    told(&folder.path().join("missing.toml"), "No such file");
    told(folder.path(), "a directory");
    told(Path::new("/dev/zero"), "not a regular file");
    let nul = Config::from_file(folder.path().join("x\0y")).unwrap_err().to_string();
    assert!(nul.contains("x\\u{0}y") && !nul.contains('\0'), "{nul}");
    let large = folder.path().join("large.toml");
    std::fs::write(&large, vec![b'#'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]).unwrap();
    told(&large, "1048577 bytes or more");
    let exact = folder.path().join("exact.toml");
    std::fs::write(&exact, vec![b'#'; usize::try_from(FILE_BYTES_MAX).unwrap()]).unwrap();
    assert_eq!(Config::from_file(&exact).unwrap(), Config::default());
    // A file of /proc says it is empty and is not; it is read and is not TOML.
    assert!(!Config::from_file("/proc/self/status").unwrap_err().is_unreadable());
    let locked = folder.path().join("locked.toml");
    std::fs::write(&locked, "").unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything; for anybody else the reason is the permission.
    if std::fs::File::open(&locked).is_err() {
        told(&locked, "ermission");
    }
}

#[test]
fn every_entry_point_can_be_drilled() {
    let config = Config::from_text(&format!("[drill]\npanic_in = {ENTRY_POINTS:?}")).unwrap();
    assert!(ENTRY_POINTS.iter().all(|name| config.drill.panics_in(name)));
    assert_eq!(ENTRY_POINTS.len(), 14 + 14 + 7 + 34 + 7);
}

#[test]
fn a_thousand_mistakes_are_counted_and_the_first_ones_described() {
    let text: String = (0..1000).map(|number| format!("wrong{number} = 1\n")).collect();
    let problems = Config::from_text(&text).unwrap_err();
    assert_eq!((problems.len(), problems.iter().len()), (1000, 200));
    assert!(problems.to_string().ends_with("and 800 more"));
}

#[test]
fn deep_nesting_is_a_problem_and_no_crash() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("x = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(Config::from_text(&text).is_err());
    }
    let key = format!("allocator.{}", "a.".repeat(100_000));
    assert!(Config::from_parameters(&parameters(&[(&key, "1")])).is_err());
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    assert!(Config::from_text(&dotted).is_err());
    assert!(Config::from_text(&format!("[{}a]", "a.".repeat(100_000))).is_err());
}

#[test]
fn largest_files_full_of_mistakes_are_examined_and_told_in_short() {
    // Work that is quadratic in the mistakes would take hours here.
    let full = |line: &str| line.repeat(usize::try_from(FILE_BYTES_MAX).unwrap() / line.len());
    let keys = |between: &str| (0..60_000).map(|key| format!("k{key}=1{between}")).collect::<String>();
    let texts = [
        full("a = \n"),
        full("a = 1\n"),
        full("[a]\n"),
        full("= \""),
        full("[[[{{{"),
        keys("\n"),
        format!("[hook]\nenvironment = {{{}}}", keys(",").trim_end_matches(',')),
        format!("x ==\n[hook]\nenvironment = {{{}}}", keys(",").trim_end_matches(',')),
        format!("[isolator.rlimits]\n{} = 1", "x".repeat(1_000_000)),
        full("[[hook.rules]]\n"),
        format!("[hook]\nrules = [{}]", full("{match={role=5,x=[]},labels={}},").trim_end_matches(',')),
        format!("[[hook.rules]]\nmatch.task = [{}]", full("\"/(a{90}){9}/\",").trim_end_matches(',')),
        format!("[[hook.rules]]\nmatch.all = [{}]", full("{any=[{}]},").trim_end_matches(',')),
        format!("[[hook.rules]]\nenvironment.unset = [{}]", full("\"L*\",").trim_end_matches(',')),
        format!("[drill]\npanic_in = [{}]", full("1,").trim_end_matches(',')),
        format!(
            "[[lending.borrowers]]\nroles = [{}]",
            (0..80_000).map(|n| format!("\"a{n}*\",")).collect::<String>()
        ),
        format!(
            "[lending]\nresources = [{}]\nslice = {{{}}}",
            (0..40_000).map(|n| format!("\"r{n}\",")).collect::<String>(),
            (0..40_000).map(|n| format!("s{n}=1,")).collect::<String>().trim_end_matches(',')
        ),
        format!("[lending.limits]\n{}", keys("\n")),
        full("[[lending.lenders]]\nroles=\"a\"\n"),
    ];
    for text in texts {
        let problems = Config::from_text(&text).unwrap_err();
        assert!(problems.to_string().len() < 300_000, "{}", problems.to_string().len());
    }
}

#[test]
fn limits_come_in_the_order_of_mesos_and_rules_in_that_of_their_names() {
    let config = Config::from_text(
        "[isolator.rlimits]\nstack = 1\nas = \"unlimited\"\ncpu = { soft = 1, hard = 2 }\n[hook.labels]\nb = \"\"\na = \"\"",
    )
    .unwrap();
    let kinds: Vec<_> = config.isolator.rlimits.iter().map(|limit| limit.kind().name()).collect();
    assert_eq!(kinds, ["as", "cpu", "stack"]);
    assert_eq!(config.isolator.rlimits[0].soft(), Limit::Unlimited);
    assert_eq!(config.hook.labels.iter().map(|rule| &*rule.name).collect::<Vec<_>>(), ["a", "b"]);
}

/// Settings that are right, as a text.
fn good_text() -> impl Strategy<Value = String> {
    let name = "[A-Za-z_][A-Za-z0-9_]{0,12}";
    let value = prop_oneof!["[a-z \"\\\\\n\t#=]{0,20}", Just("{{ framework.role }}".to_owned())];
    let rules = prop::collection::btree_map(name, value, 0..4);
    let limits = prop::collection::btree_map(0_usize..16, (0_u64..20, 20_u64..40), 0..4);
    let drills = prop::sample::subsequence(ENTRY_POINTS.to_vec(), 0..4);
    let order = prop::sample::select(vec!["dominant_share", "random"]);
    let endpoint = prop::sample::select(vec!["auto", "off", "master", "agent"]);
    let single = (any::<u64>(), any::<bool>(), order, endpoint);
    (single, rules, limits, drills).prop_map(|((seed, explain, order, endpoint), rules, limits, drills)| {
        let mut text =
            format!("[allocator]\nseed = {seed}\nexplain_offers = {explain}\norder = \"{order}\"\n");
        text.push_str(&format!("[hook]\nendpoint = \"{endpoint}\"\n"));
        for table in ["hook.environment", "hook.labels", "isolator.environment"] {
            text.push_str(&format!("[{table}]\n"));
            for (name, value) in &rules {
                text.push_str(&format!("{name} = {}\n", toml::Value::String(value.clone())));
            }
        }
        text.push_str("[isolator.rlimits]\n");
        for (at, (soft, hard)) in limits {
            let kind = RlimitKind::all().nth(at).unwrap();
            text.push_str(&format!("{} = {{ soft = {soft}, hard = {hard} }}\n", kind.name()));
        }
        format!("{text}[drill]\npanic_in = {drills:?}\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn good_configuration_written_out_and_read_again_is_the_same(text in good_text()) {
        let config = Config::from_text(&text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let written = config.to_string();
        let again = Config::from_text(&written).unwrap_or_else(|problems| panic!("{problems}\n{written}"));
        prop_assert_eq!(again, config);
    }

    #[test]
    fn arbitrary_bytes_in_a_file_give_a_configuration_or_a_problem(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, bytes).unwrap();
        let _ = Config::from_file(&file).map_err(refusal_is_shown);
    }

    #[test]
    fn arbitrary_parameters_give_a_configuration_or_a_problem(
        pairs in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..5)
    ) {
        let _ = Config::from_parameters(&pairs).map_err(refusal_is_shown);
    }

    #[test]
    fn damaged_sample_gives_a_configuration_or_a_problem(at in 0..SAMPLE.len(), length in 0_usize..40, put in ".{0,12}") {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, put.into_bytes());
        let text = String::from_utf8_lossy(&bytes);
        let _ = Config::from_text(&text).map_err(refusal_is_shown);
    }

    #[test]
    fn arbitrary_toml_gives_a_configuration_or_a_problem(
        lines in prop::collection::vec("(\\[\\[?)?(allocator|hook|isolator|drill|x|environment|labels|rlimits|seed|nofile|\\.|\"| ){1,4}( ?= ?)?(1|-1|\\[|\\]|\\{|\\}|\"|'''|true|1:2|soft|hard|,|\\{\\{|\\}\\}|%|\\|){0,5}\\]?", 0..10)
    ) {
        let _ = Config::from_text(&lines.join("\n")).map_err(refusal_is_shown);
    }
}

/// A refusal names at least one problem and can be shown.
fn refusal_is_shown(problems: apportion_config::Problems) {
    assert!(problems.len() > 0 && problems.iter().len() > 0);
    for problem in &problems {
        assert!(!problem.found.is_empty() && !problem.expected.is_empty(), "{problem}");
        assert!(problem.to_string().chars().all(|c| c == '\n' || !c.is_control()), "{problem:?}");
    }
    assert!(serde_json::to_string(&problems.iter().collect::<Vec<_>>()).is_ok());
}

#[test]
fn a_line_that_only_looks_like_a_header_is_told_without_its_control_characters() {
    let long = format!("[{}\n x", "\u{8}".repeat(500));
    for text in ["\u{1a}[\u{8}}\n\u{8}\t", "[\u{1b}[31m\n x\n", long.as_str()] {
        let problems = Config::from_text(text).unwrap_err();
        for problem in problems.iter() {
            assert!(!problem.path.chars().any(char::is_control), "{problem:?}");
            assert!(problem.path.len() <= 8 * 80, "{problem:?}");
        }
    }
}
