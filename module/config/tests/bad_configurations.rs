//! Every kind of mistake gives a problem at its own key, and leaves the rest of the configuration alone.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::collections::BTreeSet;

use apportion_config::{Config, Examination, Problem};

const TABLE: &str = include_str!("bad_configurations.txt");

/// One bad configuration of the table.
#[derive(Debug, Default)]
struct Case {
    name: String,
    at: String,
    /// Path of the problem; `-` for a problem of the whole input.
    path: String,
    says: String,
    /// Number of problems; `None` for any but zero.
    count: Option<usize>,
    text: String,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for block in TABLE.split("\n== ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let mut case = Case { name: name.to_owned(), count: Some(1), ..Case::default() };
        for line in rest.lines() {
            match line.split_once(": ") {
                Some(("at", value)) if case.text.is_empty() => case.at = value.to_owned(),
                Some(("path", value)) if case.text.is_empty() => case.path = value.to_owned(),
                Some(("says", value)) if case.text.is_empty() => case.says = value.to_owned(),
                Some(("count", value)) if case.text.is_empty() => case.count = value.parse().ok(),
                _ if line.is_empty() => {}
                _ => case.text = format!("{}{line}\n", case.text),
            }
        }
        assert!(!case.path.is_empty() && !case.says.is_empty() && !case.text.is_empty(), "{case:?}");
        cases.push(case);
    }
    cases
}

/// The good configuration: a value for every kind of key, none of them the default.
const GOOD: [(&str, &[(&str, &str)]); 9] = [
    ("allocator", &[("seed", "7"), ("explain_offers", "false"), ("order", "\"random\"")]),
    ("hook", &[("endpoint", "\"off\"")]),
    ("hook.environment", &[("GOOD_ROLE", "\"{{ framework.role }}\"")]),
    ("hook.labels", &[("good_rack", "\"{{ agent.attributes.rack | default('none') }}\"")]),
    ("isolator.environment", &[("GOOD_ID", "\"{{ container.id }}\"")]),
    ("isolator.rlimits", &[("nofile", "\"1024:4096\"")]),
    ("lending", &[("fan_out", "3"), ("borrowers", "[{ roles = \"good\" }]")]),
    ("eviction", &[("grace", "\"5s\"")]),
    ("drill", &[("panic_in", "[\"isolator.usage\"]")]),
];

/// The good configuration with the case's text in its place; without a case, the good one.
fn document(case: Option<&Case>) -> String {
    let at = case.map_or("", |case| &case.at);
    let text = case.map_or("", |case| &case.text);
    let replaced = at.strip_prefix("replace ").unwrap_or("");
    let inside = |key: &str| key == replaced || key.starts_with(&format!("{replaced}."));
    let mut document = String::new();
    if at == "top"
        || GOOD.iter().any(|(table, _)| !replaced.is_empty() && table.split('.').next() == Some(replaced))
    {
        document.push_str(text);
    }
    for (table, entries) in GOOD {
        if !replaced.is_empty() && inside(table) {
            // A replaced table inside another: its text goes into the one above.
            if let Some((above, _)) = table.split_once('.')
                && replaced.contains('.')
            {
                document = with_lines_in(&document, above, text);
            }
            continue;
        }
        document.push_str(&format!("[{table}]\n"));
        for (key, value) in entries {
            if !replaced.is_empty() && inside(&format!("{table}.{key}")) {
                document.push_str(text);
            } else {
                document.push_str(&format!("{key} = {value}\n"));
            }
        }
        if at == table {
            document.push_str(text);
        }
    }
    if at == "isolator" {
        document.push_str(&format!("[isolator]\n{text}"));
    }
    if at == "end" {
        document.push_str(text);
    }
    document
}

/// The document with lines at the beginning of a table, which is added if it is not there.
fn with_lines_in(document: &str, table: &str, lines: &str) -> String {
    let header = format!("[{table}]\n");
    if document.contains(&header) {
        document.replacen(&header, &format!("{header}{lines}"), 1)
    } else {
        format!("{document}{header}{lines}")
    }
}

/// The good settings as module parameters, and the case's behind them.
fn parameters(case: &Case) -> Vec<(Vec<u8>, Vec<u8>)> {
    let good = ["isolator.rlimits.nofile=1024:4096", "hook.environment.GOOD_ROLE={{ framework.role }}"];
    let lines = good.into_iter().chain(case.text.lines()).map(|line| line.split_once('=').unwrap());
    lines.map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn examine(case: &Case) -> Examination {
    if case.at == "parameters" {
        return Config::examine_parameters(&parameters(case));
    }
    Config::examine_text(&document(Some(case)), "apportion.toml")
}

/// What must be left of the good settings.
fn remaining(case: &Case, good: &Config) -> Config {
    let mut expected = good.clone();
    if case.at == "parameters" {
        expected = Config::default();
        if case.path != "config" || !case.text.starts_with("config=/") {
            expected.isolator.rlimits.clone_from(&good.isolator.rlimits);
            expected.hook.environment.clone_from(&good.hook.environment);
        }
        return expected;
    }
    let default = Config::default();
    match case.at.strip_prefix("replace ").unwrap_or("") {
        "allocator" => expected.allocator = default.allocator,
        "allocator.seed" => expected.allocator.seed = default.allocator.seed,
        "allocator.explain_offers" => expected.allocator.explain_offers = default.allocator.explain_offers,
        "allocator.order" => expected.allocator.order = default.allocator.order,
        "hook" => expected.hook = default.hook,
        "hook.endpoint" => expected.hook.endpoint = default.hook.endpoint,
        "hook.environment" => expected.hook.environment.clear(),
        "hook.labels" => expected.hook.labels.clear(),
        "isolator" => expected.isolator = default.isolator,
        "isolator.environment" => expected.isolator.environment.clear(),
        "isolator.rlimits" => expected.isolator.rlimits.clear(),
        "lending" => expected.lending = default.lending,
        "lending.borrowers" => expected.lending.borrowers.clear(),
        "eviction" => expected.eviction = default.eviction,
        "drill" => expected.drill = default.drill,
        "drill.panic_in" if !case.text.contains("isolator.usage") => expected.drill = default.drill,
        _ => {}
    }
    expected
}

/// The first difference between what a case should give and what it gives.
fn failure(case: &Case, good: &Config) -> Option<String> {
    let Examination { mut config, problems } = examine(case);
    let Some(problems) = problems else { return Some("no problem".into()) };
    let text = problems.to_string();
    let fits = |problem: &&Problem| {
        problem.path == case.path.trim_matches('-') && problem.to_string().contains(&case.says)
    };
    let Some(problem) = problems.iter().find(fits) else { return Some(format!("other problems: {text}")) };
    if case.count.is_some_and(|count| count != problems.len()) {
        return Some(format!("another number of problems: {text}"));
    }
    if case.at != "parameters" && problem.place.is_none() {
        return Some("no place in the file".into());
    }
    if !text.contains(case.path.trim_matches('-')) || !text.contains(&case.says) {
        return Some(format!("the block does not show it: {text}"));
    }
    // Of a rule that stands twice the first one counts; it is no part of the good configuration.
    let good_names = |name: &str| name.starts_with("GOOD") || name.starts_with("good");
    config.hook.environment.retain(|rule| good_names(&rule.name));
    config.hook.labels.retain(|rule| good_names(&rule.name));
    config.isolator.environment.retain(|rule| good_names(&rule.name));
    config.isolator.rlimits.retain(|limit| limit.kind().name() == "nofile");
    let expected = remaining(case, good);
    (config != expected).then(|| format!("left {config:#?}\nexpected {expected:#?}\n{text}"))
}

#[test]
fn the_good_configuration_has_no_problem_and_no_default() {
    let good = Config::from_text(&document(None)).unwrap();
    let default = Config::default();
    assert_ne!(good.allocator.seed, default.allocator.seed);
    assert_ne!(good.allocator.explain_offers, default.allocator.explain_offers);
    assert_ne!(good.allocator.order, default.allocator.order);
    assert_ne!(good.hook.endpoint, default.hook.endpoint);
    assert_eq!((good.hook.environment.len(), good.hook.labels.len()), (1, 1));
    assert_eq!((good.isolator.environment.len(), good.isolator.rlimits.len()), (1, 1));
    assert_ne!(good.lending.fan_out, default.lending.fan_out);
    assert_ne!((good.lending.borrowers, good.eviction), (default.lending.borrowers, default.eviction));
    assert!(good.drill.panics_in("isolator.usage"));
}

#[test]
fn every_bad_configuration_names_its_key_and_spares_the_rest() {
    let good = Config::from_text(&document(None)).unwrap();
    let failures: Vec<String> = cases()
        .iter()
        .filter_map(|case| {
            failure(case, &good)
                .map(|failure| format!("== {}\n{failure}\n{}", case.name, document(Some(case))))
        })
        .collect();
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn there_are_more_than_a_hundred_distinct_bad_configurations() {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    let texts: BTreeSet<_> = cases.iter().map(|case| (&case.at, &case.text)).collect();
    assert!(names.len() > 100, "{}", names.len());
    assert_eq!((names.len(), texts.len()), (cases.len(), cases.len()));
}

#[test]
fn all_problems_are_told_at_once() {
    // Every case that adds a line of its own and is valid TOML, in one document.
    let mut document = String::new();
    let mut paths = BTreeSet::new();
    let mut names = BTreeSet::new();
    for name in ["allocator", "hook.environment", "hook.labels", "isolator.environment", "isolator.rlimits"] {
        document.push_str(&format!("[{name}]\n"));
        for case in cases().into_iter().filter(|case| case.at == name) {
            let syntax_is_fine = Config::examine_text(&format!("[{name}]\n{}", case.text), "one")
                .problems
                .unwrap()
                .iter()
                .all(|problem| problem.excerpt.is_none());
            let key = case.text.split(['=', '.']).next().unwrap().trim().to_owned();
            if syntax_is_fine && case.text.lines().count() == 1 && names.insert((name, key)) {
                document.push_str(&case.text);
                paths.insert(case.path);
            }
        }
    }
    let problems = Config::from_text(&document).unwrap_err();
    let told: BTreeSet<String> = problems.iter().map(|problem| problem.path.clone()).collect();
    assert!(paths.len() > 60, "{}", paths.len());
    assert!(paths.is_subset(&told), "{:#?}", paths.difference(&told).collect::<Vec<_>>());
}
