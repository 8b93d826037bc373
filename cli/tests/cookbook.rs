//! Every recipe of the cookbook, through the command: `apportion check` takes it, and `apportion hooks test` shows what the
//! cookbook says.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Map, Value, json};

/// The folders of the recipes, in their order.
fn recipes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hooks");
    let mut recipes: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    recipes.sort();
    assert!(recipes.len() >= 10, "{recipes:?}");
    recipes
}

fn document(recipe: &Path, name: &str) -> Option<Value> {
    let text = fs::read_to_string(recipe.join(name)).ok()?;
    Some(
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name} of {}: {error}", recipe.display())),
    )
}

fn run(recipe: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apportion")).args(arguments).current_dir(recipe).output().unwrap()
}

/// What the command shows of a recipe: for each point the names that change with their values, or what is set off.
fn rehearsed(recipe: &Path) -> Value {
    let mut arguments: Vec<String> =
        ["hooks", "test", "--json", "--config", "apportion.toml"].map(str::to_owned).into();
    for part in ["task", "framework", "agent", "host"] {
        if recipe.join(format!("{part}.json")).exists() {
            arguments.extend([format!("--{part}"), format!("{part}.json")]);
        }
    }
    if document(recipe, "task.json").is_some() {
        // All of the agent is offered.
        let agent = document(recipe, "agent.json").unwrap();
        let amount = |resource: &Value| {
            format!("{}:{}", resource["name"].as_str().unwrap(), resource["scalar"]["value"])
        };
        let offer: Vec<String> = agent["resources"].as_array().unwrap().iter().map(amount).collect();
        arguments.extend(["--offer".to_owned(), offer.join(";")]);
    }
    let output = run(recipe, &arguments);
    let shown = String::from_utf8(output.stdout).unwrap();
    let document: Value = serde_json::from_str(&shown).unwrap_or_else(|_| {
        panic!("{}: {}{shown}", recipe.display(), String::from_utf8_lossy(&output.stderr))
    });
    assert!(output.status.success(), "{}: {document:#}", recipe.display());
    let points = document["points"].as_array().unwrap().iter();
    Value::Object(points.filter_map(|point| Some((point["at"].as_str()?.to_owned(), done(point)?))).collect())
}

/// What the rules do at a point; nothing if they do nothing.
fn done(point: &Value) -> Option<Value> {
    let rules = point["rules"].as_array()?;
    let all =
        |key: &'static str| rules.iter().flat_map(move |rule| rule[key].as_array().into_iter().flatten());
    let mut changes = Map::new();
    for change in all("changes") {
        changes.insert(change["name"].as_str()?.to_owned(), change["after"].clone());
    }
    for amount in all("amounts") {
        changes.insert(amount["resource"].as_str()?.to_owned(), amount["after"].to_string().into());
    }
    let audits = all("audit").map(|line| json!({ "file": line["file"], "fields": line["fields"] }));
    let commands = all("commands").map(|line| json!({ "argv": line["argv"] }));
    let set_off: Vec<Value> = audits.chain(commands).collect();
    match (changes.is_empty(), set_off.is_empty()) {
        (false, _) => Some(Value::Object(changes)),
        (true, false) => Some(Value::Array(set_off)),
        (true, true) => None,
    }
}

#[test]
fn every_recipe_does_what_the_cookbook_says() {
    for recipe in recipes() {
        let expected = document(&recipe, "expected.json").expect("expected.json");
        assert_eq!(rehearsed(&recipe), expected, "{}", recipe.display());
    }
}

#[test]
fn every_recipe_is_a_good_configuration() {
    for recipe in recipes() {
        let output = run(&recipe, &["check".to_owned(), "apportion.toml".to_owned()]);
        assert!(output.status.success(), "{}: {}", recipe.display(), String::from_utf8_lossy(&output.stdout));
    }
}
