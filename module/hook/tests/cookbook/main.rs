//! The recipes under `examples/hooks`: each does to its task and agent exactly what its `expected.json` says.
//!
//! A recipe is a folder with `apportion.toml`, `expected.json`, and what the rules meet: `task.json` and
//! `framework.json`, `agent.json`, and `host.json` for facts, files and variables of the host. The agent's resources are
//! what the task's offer holds.

#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod messages;
mod rehearsal;

use std::path::{Path, PathBuf};

use apportion_config::Config;
use apportion_hook::question::{self, Question};
use apportion_policy::{Entry, HookPoint, Rulebook};
use serde_json::{Map, Value, json};

use rehearsal::Rehearsal;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hooks")
}

fn recipes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut recipes: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    recipes.sort();
    recipes
}

fn rules(recipe: &Path) -> Rulebook {
    let config = Config::from_file(recipe.join("apportion.toml"));
    let config = config.unwrap_or_else(|problems| panic!("{}: {problems}", recipe.display()));
    Rulebook::new(config.hook.rules_in_order()).unwrap()
}

/// A JSON file of a recipe, if it is there.
fn document(recipe: &Path, file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(recipe.join(file)).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}/{file}: {error}", recipe.display())))
}

#[test]
fn there_are_the_ten_things_operators_do() {
    let names: Vec<String> =
        recipes().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.len() >= 10, "{names:?}");
    for (number, name) in names.iter().enumerate() {
        assert!(name.starts_with(&format!("{:02}-", number + 1)), "{name}");
    }
}

#[test]
fn every_recipe_does_what_it_says() {
    let mut wrong = Vec::new();
    for recipe in recipes() {
        let expected = document(&recipe, "expected.json").unwrap_or_default();
        let found = Rehearsal::of(&recipe).run(&rules(&recipe));
        if found != expected {
            let found = serde_json::to_string_pretty(&found).unwrap();
            wrong.push(format!("{}: its rules do this\n{found}", recipe.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_a_recipe_acts_or_says_why_not() {
    for recipe in recipes() {
        let rules = rules(&recipe);
        Rehearsal::of(&recipe).run(&rules);
        let report = rules.report();
        assert!(report.iter().any(|line| line.hits > 0), "{}", recipe.display());
        for line in report {
            assert_eq!(line.faults, 0, "{}: {:?}", recipe.display(), line.last_fault);
        }
    }
}

#[test]
fn heaps_of_the_recipe_leave_no_gap_and_fit_their_memory() {
    let recipe = folder().join("04-jvm-heap");
    let rules = rules(&recipe);
    for mebibytes in (512..12_000).step_by(61).chain([1023, 1024, 2047, 2048, 4095, 4096, 8191, 8192]) {
        let found = Rehearsal::of(&recipe).with_memory(mebibytes).run(&rules);
        let options =
            found["docker"]["JAVA_OPTS"].as_str().unwrap_or_else(|| panic!("{mebibytes} MiB: {found}"));
        let heaps: Vec<&str> =
            options.split_whitespace().filter(|option| option.starts_with("-Xmx")).collect();
        // The task's own, and one of the rules behind it.
        assert!(matches!(heaps[..], ["-Xmx16g", _]), "{mebibytes} MiB: {options}");
        let heap: u32 = heaps[1].trim_start_matches("-Xmx").trim_end_matches('m').parse().unwrap();
        assert!(heap * 4 <= mebibytes * 3 && heap * 8 >= mebibytes * 3, "{mebibytes} MiB: {heap}");
    }
    let small = Rehearsal::of(&recipe).with_memory(511).run(&rules);
    assert_eq!(small, json!({}), "below the smallest size nothing is said of the heap");
}

#[test]
fn every_role_of_the_recipe_has_one_team() {
    let recipe = folder().join("02-team-labels");
    let rules = rules(&recipe);
    let cases = [
        ("payments", "payments"),
        ("payments/ledger/eu", "payments"),
        ("search/index", "search"),
        ("paymentsx", "none"),
        ("ops/payments", "none"),
    ];
    for (role, team) in cases {
        let found = Rehearsal::of(&recipe).with_role(role).run(&rules);
        assert_eq!(found["agent_labels"]["example.com/team"], team, "{role}");
        assert_eq!(found["agent_labels"]["example.com/role"], role.replace('/', "."));
    }
}

#[test]
fn the_secret_of_the_recipe_is_for_its_role_alone() {
    let recipe = folder().join("10-secrets");
    let found = Rehearsal::of(&recipe).with_role("payments").run(&rules(&recipe));
    assert_eq!(found, json!({}));
}

#[test]
fn the_secret_of_a_recipe_reaches_the_executor_and_nobody_else() {
    let recipe = folder().join("10-secrets");
    let rehearsal = Rehearsal::of(&recipe);
    let rules = rules(&recipe);
    let executor = rehearsal.executor();
    let launch = rehearsal.launched();
    let question = question::executor_environment(&executor, Some(&launch), &rehearsal.host).unwrap();
    let decoration = rules.decorate(question.point, &question.call, rehearsal::entries(&question));
    let password = decoration.entries.get("DB_PASSWORD").and_then(|entry| entry.value.as_deref());
    assert_eq!(password, Some("correct horse battery"));
    let shown =
        format!("{decoration:?} {:?}", rules.explain(question.point, &question.call, &question.subject));
    assert!(!shown.contains("correct horse"), "{shown}");
}

/// What rules changed, by name; a secret is shown as what stands for it.
fn changes(question: &Question, rules: &Rulebook) -> Value {
    let decoration = rules.decorate(question.point, &question.call, rehearsal::entries(question));
    let shown = |entry: &Entry| Value::from(entry.shown().unwrap_or_default());
    let changes = decoration.changes.iter();
    let changes: Map<String, Value> = changes
        .map(|change| (change.name.to_string(), change.after.as_ref().map_or(Value::Null, shown)))
        .collect();
    Value::Object(changes)
}

/// Resources with another amount.
fn amounts(question: &Question, rules: &Rulebook) -> Value {
    let apportion_policy::Subject::Amounts { amounts, ceiling } = &question.subject else {
        return json!({});
    };
    let decided = rules.resources(question.point, &question.call, amounts.clone(), ceiling.as_ref());
    let changed = decided.amounts.iter().filter(|(name, amount)| amounts.get(*name) != Some(amount));
    Value::Object(changed.map(|(name, amount)| (name.clone(), amount.to_string().into())).collect())
}

/// Lines and commands.
fn reactions(question: &Question, rules: &Rulebook) -> Value {
    let reactions = rules.react(question.point, &question.call);
    let fields = |fields: Vec<(String, String)>| -> Map<String, Value> {
        fields.into_iter().map(|(name, value)| (name, value.into())).collect()
    };
    let audits =
        reactions.audits.into_iter().map(|line| json!({ "file": line.file, "fields": fields(line.fields) }));
    let commands = reactions.commands.into_iter().map(|command| json!({ "argv": command.argv }));
    Value::Array(audits.chain(commands).collect())
}

/// Notes what a point makes, unless it makes nothing.
fn note(question: &Question, rules: &Rulebook, found: &mut Map<String, Value>) {
    use HookPoint::{
        MasterLaunchTaskResources, MasterSlaveLost, SlavePostFetch, SlaveRemoveExecutor, SlaveResources,
    };
    let made = match question.point {
        MasterLaunchTaskResources | SlaveResources => amounts(question, rules),
        SlaveRemoveExecutor | SlavePostFetch | MasterSlaveLost => reactions(question, rules),
        _ => changes(question, rules),
    };
    let is_nothing =
        made.as_object().is_some_and(Map::is_empty) || made.as_array().is_some_and(Vec::is_empty);
    if !is_nothing {
        found.insert(question.point.key().to_owned(), made);
    }
}
