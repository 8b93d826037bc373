//! Rules that are read again while the host runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use apportion_config::Config;
use apportion_hook::{Hooks, Remembered};

use crate::messages::{agent, framework, hooks, owned, pairs, task};

fn start(file: &Path) -> Hooks {
    let config = Config::from_file(file).unwrap();
    Hooks::start(&config.hook, Some(file.to_owned()), Arc::new(Remembered::default())).unwrap()
}

fn label(value: &str) -> String {
    format!("[[hook.rules]]\nname = \"only\"\nlabels.set.only = \"{value}\"\n")
}

fn now(hooks: &Hooks) -> Vec<(String, String)> {
    let labels = hooks.master_labels(&task(), &framework(), &agent()).unwrap();
    labels.map(|labels| pairs(&labels)[1..].to_vec()).unwrap_or_default()
}

/// Waits for what the watch does once a second.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn changed_file_is_followed_and_a_bad_one_keeps_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(&file, label("one")).unwrap();
    let hooks = start(&file);
    assert_eq!(now(&hooks), owned(&[("only", "one")]));
    fs::write(&file, label("two")).unwrap();
    wait_until("the second rules", || now(&hooks) == owned(&[("only", "two")]));

    fs::write(&file, "[[hook.rules]]\nname = \"only\"\nlabel.set.only = \"three\"\n").unwrap();
    wait_until("the refusal", || hooks.report()["reloads"]["failed"] == 1);
    assert_eq!(now(&hooks), owned(&[("only", "two")]));
    let problem = hooks.report()["reloads"]["last"]["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("did you mean") && problem.contains(":3:1"), "{problem}");

    fs::remove_file(&file).unwrap();
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(now(&hooks), owned(&[("only", "two")]), "a file that is gone changes nothing");
    fs::write(&file, label("four")).unwrap();
    wait_until("the fourth rules", || now(&hooks) == owned(&[("only", "four")]));
    assert_eq!(hooks.report()["reloads"]["succeeded"], 2);
}

#[test]
fn reload_on_request_says_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(&file, label("{{ executor.id }}")).unwrap();
    let hooks = start(&file);
    for _ in 0..20 {
        assert_eq!(now(&hooks), []);
    }
    let row = |hooks: &Hooks| hooks.report()["rules"][0].clone();
    assert_eq!(
        (row(&hooks)["faults"].clone(), row(&hooks)["switched_off"].clone()),
        (10.into(), true.into())
    );
    assert!(row(&hooks)["last_fault"].as_str().unwrap().contains("executor.id"));
    assert_eq!(hooks.reload().unwrap()["rules"], 1);
    assert_eq!(row(&hooks)["switched_off"], false, "another chance");
    fs::write(&file, "[hook").unwrap();
    assert!(hooks.reload().unwrap_err().contains("1 problem"));
}

#[test]
fn rules_of_the_modules_json_cannot_be_read_again() {
    let refusal = hooks("[hook.labels]\nx = \"1\"").reload().unwrap_err();
    assert!(refusal.contains("modules JSON") && refusal.contains("`config`"), "{refusal}");
}

#[test]
fn file_of_a_value_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (file, value) = (folder.path().join("apportion.toml"), folder.path().join("value"));
    fs::write(&file, label(&format!("file:{}", value.display()))).unwrap();
    let hooks = start(&file);
    for _ in 0..20 {
        assert_eq!(now(&hooks), [], "switched off after ten faults");
    }
    fs::write(&value, "one\n").unwrap();
    wait_until("the first value", || now(&hooks) == owned(&[("only", "one")]));
    fs::write(&value, "two").unwrap();
    wait_until("the second value", || now(&hooks) == owned(&[("only", "two")]));
}

#[test]
fn audit_file_of_a_rule_that_is_gone_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let (file, audit) = (folder.path().join("apportion.toml"), folder.path().join("audit"));
    fs::write(&file, format!("[[hook.rules]]\nname = \"a\"\naudit.file = {audit:?}\n")).unwrap();
    let hooks = start(&file);
    hooks.agent_lost(&agent());
    fs::write(&file, label("x")).unwrap();
    hooks.reload().unwrap();
    hooks.agent_lost(&agent());
    assert_eq!(hooks.report()["audit"].as_array().unwrap().len(), 0);
    wait_until("the line written before", || {
        fs::read_to_string(&audit).is_ok_and(|text| text.lines().count() == 1)
    });
}

#[test]
fn calls_go_on_while_rules_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(&file, label("0")).unwrap();
    let hooks = start(&file);
    thread::scope(|scope| {
        let callers: Vec<_> =
            (0..2).map(|_| scope.spawn(|| (0..2000).all(|_| now(&hooks).len() == 1))).collect();
        for number in 0..20 {
            fs::write(&file, label(&number.to_string())).unwrap();
            hooks.reload().unwrap();
        }
        assert!(callers.into_iter().all(|caller| caller.join().unwrap()));
    });
}
