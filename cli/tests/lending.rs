//! `apportion lending check` as it is called.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use bench::Bench;
use serde_json::Value;

const RULES: &str =
    "[[lending.lenders]]\nroles = \"prod/**\"\n[[lending.borrowers]]\nroles = \"batch\"\npriority = 7\n";

#[test]
fn rules_and_a_role_are_shown_and_nothing_else_is_said() {
    let bench = Bench::new();
    bench.write("c.toml", RULES);
    let run = bench.run(&["lending", "check", "--config", "c.toml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert!(
        run.out.contains("prod/**  100% of what is offered, reserved, guaranteed, to every borrower"),
        "{}",
        run.out
    );
    assert!(run.out.ends_with("ok: lending is on\n") && !run.out.contains('\u{1b}'), "{:?}", run.out);
    let run = bench.run(&["lending", "check", "--config", "c.toml", "--role", "batch", "--json"]);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (run.code, &found["borrows"]["priority"], &found["lends"]),
        (Some(0), &7.into(), &Value::Null)
    );
}

#[test]
fn lending_that_is_off_is_no_problem() {
    let bench = Bench::new();
    bench.write("c.toml", "");
    let run = bench.run(&["lending", "check", "--config", "c.toml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert!(run.out.contains("\noff: nothing is lent"), "{}", run.out);
    let run = bench.run(&["lending", "check", "--config", "c.toml", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&run.out).unwrap()["on"], false);
}

#[test]
fn problems_of_the_configuration_are_told_with_their_cure() {
    let bench = Bench::new();
    bench.write("c.toml", "[[lending.lenders]]\nroles = \"prod\"\n");
    let run = bench.run(&["lending", "check", "--config", "c.toml"]);
    assert_eq!(run.code, Some(1));
    for part in ["lending.lenders (c.toml:1:", "lenders, but nobody who borrows", "[[lending.borrowers]]"] {
        assert!(run.out.contains(part), "{part:?} in {}", run.out);
    }
    let run = bench.run(&["lending", "check", "--config", "c.toml", "--json"]);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (run.code, &found["ok"], found["problems"].as_array().unwrap().len()),
        (Some(1), &false.into(), 1)
    );
    assert_eq!(bench.run(&["lending", "check", "--config", "none.toml"]).code, Some(2));
}

#[test]
fn usage_is_judged_first() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["lending", "check"]).code, Some(2));
    for role in ["", "/prod", "prod/", "a//b"] {
        let run = bench.run(&["lending", "check", "--config", "none.toml", "--role", role]);
        assert_eq!((run.code, &*run.out), (Some(2), ""));
        assert!(run.err.contains("a role such as prod/web"), "{}", run.err);
    }
    let run = bench.run(&["lending", "check", "--config", "none.toml", "--role", "prod/**"]);
    assert!(run.code == Some(2) && run.err.contains("not a pattern"), "{}", run.err);
}
