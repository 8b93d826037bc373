//! What is said of rules of all kinds.

use apportion_config::Config;
use serde_json::json;

use super::view::{RoleView, findings};
use super::{as_json, show};

const RULES: &str = "[lending]\nresources = [\"cpus\", \"mem\", \"gpus\"]\nfan_out = 4\nslice = { cpus = 4.5, mem = \"8GiB\" }\n\
    min_idle = \"30s\"\nback_off = { conflicts = 5, most = \"5m\" }\n\
    [lending.limits]\nprod = { lend = { cpus = 100, mem = \"10%\" }, borrow = { gpus = 0 } }\n\
    \"prod/web\" = { lend = { mem = \"2.5%\" } }\nbatch = { borrow = { mem = \"1TiB\" } }\n\
    [[lending.lenders]]\nroles = \"prod/db\"\nlend = []\n\
    [[lending.lenders]]\nroles = [\"prod\", \"prod/**\"]\nlend = [\"offered\", \"guaranteed\"]\nto = [\"batch/**\"]\npart = \"12.5%\"\n\
    [[lending.borrowers]]\nroles = \"batch/**\"\npriority = 10\nweight = 2.5\n\
    [eviction]\ngrace = \"10s\"\n";

fn config(text: &str) -> Config {
    Config::from_text(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

fn text(write: impl FnOnce(&mut anstream::StripStream<Vec<u8>>) -> std::io::Result<()>) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    write(&mut out).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

fn of_role(config: &Config, role: &str) -> String {
    text(|out| show::role(out, &config.lending, &RoleView::of(&config.lending, role)))
}

#[test]
fn rules_are_shown_as_they_are_read() {
    let expected = "lending

  resources  cpus, gpus, mem
  fan-out    4 frameworks at once
  slice      at most cpus 4.5, mem 8GiB
  idle for   30s
  back-off   after 5 lost in a row for 2s, up to 5m

lenders, of which the first that matches a role counts
  prod/db        nothing
  prod, prod/**  12.5% of what is offered, guaranteed, to batch/**

borrowers, of which the first that matches a role counts
  batch/**  priority 10, weight 2.5

limits, each with everything inside the role
  batch     borrows at most mem 1TiB
  prod      lends at most cpus 100, mem 10%; borrows at most gpus 0
  prod/web  lends at most mem 2.5%

eviction, on agents
  grace  10s, or what label apportion_grace says up to 1m
  looks  every 15s

ok: lending is on
";
    assert_eq!(text(|out| show::rules(out, &config(RULES))), expected);
}

#[test]
fn a_role_is_shown_with_its_rules_and_the_limits_up_the_tree() {
    let config = config(RULES);
    let web = "role prod/web/api

  lends    12.5% of what is offered, guaranteed, to batch/**  by lending.lenders[1]: prod, prod/**
  borrows  nothing: no rule of lending.borrowers matches

limits, all of which count
  prod/web  lends at most mem 2.5%
  prod      lends at most cpus 100, mem 10%; borrows at most gpus 0

ok: lending is on
";
    assert_eq!(of_role(&config, "prod/web/api"), web);
    let night = of_role(&config, "batch/night");
    assert!(
        night.contains("borrows  priority 10, weight 2.5  by lending.borrowers[0]: batch/**\n"),
        "{night}"
    );
    assert!(night.contains("lends    nothing: no rule of lending.lenders matches\n"), "{night}");
    assert!(of_role(&config, "prod/db").contains("lends    nothing  by lending.lenders[0]: prod/db\n"));
    assert!(!of_role(&config, "prodigy").contains("limits"));
}

#[test]
fn the_defaults_are_shown_and_said_to_lend_nothing() {
    let shown = text(|out| show::rules(out, &config("")));
    for part in [
        "  resources  cpus, mem\n",
        "  slice      everything free\n",
        "  back-off   after 3 lost in a row for 2s, up to 1m\n",
        "  grace  0s, or what label apportion_grace says up to 1m\n",
        "\noff: nothing is lent without a lender",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    assert!(!shown.contains("lenders") && !shown.contains("limits"), "{shown}");
    let never = text(|out| show::rules(out, &config("lending.back_off.conflicts = 0\nlending.fan_out = 1")));
    assert!(never.contains("back-off   never\n") && never.contains("1 framework at once"), "{never}");
}

#[test]
fn a_role_that_is_lent_to_by_name_and_does_not_borrow_is_a_risk() {
    let config = config(&format!(
        "{RULES}[[lending.lenders]]\nroles = \"x\"\nto = [\"batch\", \"batch/a\", \"other/*\"]\n"
    ));
    let expected = "lending.lenders[2] lends to role batch, which no rule of lending.borrowers matches: it is offered nothing";
    assert_eq!(findings(&config.lending), [expected]);
    let shown = text(|out| show::rules(out, &config));
    assert!(shown.contains(&format!("\nrisk: {expected}\nok: lending is on\n")), "{shown}");
    assert_eq!(as_json::rules(&config)["findings"], json!([expected]));
}

#[test]
fn a_pattern_whose_roles_an_earlier_rule_matches_is_a_risk() {
    let found = |lenders: &[&str], borrowers: &[&str]| {
        let rules = |list: &str, roles: &[&str]| -> String {
            roles.iter().map(|roles| format!("[[lending.{list}]]\nroles = {roles}\n")).collect()
        };
        findings(&config(&format!("{}{}", rules("lenders", lenders), rules("borrowers", borrowers))).lending)
    };
    assert_eq!(
        found(&["'**'", "'prod/payments'"], &["'batch/**'", "['night', 'batch/urgent/*']"]),
        [
            "lending.lenders[1] never counts for prod/payments, because ** in lending.lenders[0] matches first: \
             exceptions go before it",
            "lending.borrowers[1] never counts for batch/urgent/*, because batch/** in lending.borrowers[0] matches \
             first: exceptions go before it",
        ]
    );
    // In the right order, or not the same roles, or perhaps not.
    let right = ["'prod/payments'", "'prod/*/x'", "'prod/**'", "['prod', 'product/**']", "'**'"];
    assert_eq!(found(&right, &["'*'"]), [""; 0]);
    assert_eq!(found(&["'p*/**'", "'prod/a/*'"], &["'batch'"]), [""; 0]);
}

#[test]
fn a_pattern_that_is_lent_to_and_matches_no_borrower_is_a_risk() {
    let rules = |borrowers: &str| {
        config(&format!(
            "[[lending.lenders]]\nroles = \"prod\"\nto = \"night/**\"\n[[lending.borrowers]]\nroles = {borrowers}"
        ))
    };
    let expected = "lending.lenders[0] lends to night/**, and no role in lending.borrowers is one of these: they are offered nothing";
    assert_eq!(findings(&rules("['batch', 'night']").lending), [expected]);
    assert_eq!(findings(&rules("['batch', 'night/shift']").lending), [""; 0]);
    assert_eq!(findings(&rules("['batch', 'n*/*']").lending), [""; 0]);
}

#[test]
fn json_has_numbers_in_the_units_of_mesos() {
    let config = config(RULES);
    let found = as_json::rules(&config);
    assert_eq!((&found["ok"], &found["on"], &found["findings"]), (&json!(true), &json!(true), &json!([])));
    assert_eq!(found["slice"], json!({ "cpus": 4.5, "mem": 8192 }));
    assert_eq!(found["back_off"], json!({ "conflicts": 5, "first_ms": 2000, "most_ms": 300_000 }));
    let prod = json!({
        "rule": 1, "roles": ["prod", "prod/**"], "lend": ["offered", "guaranteed"], "to": ["batch/**"], "part_permille": 125
    });
    assert_eq!(found["lenders"][1], prod);
    let batch = json!({ "rule": 0, "roles": ["batch/**"], "priority": 10, "weight": 2.5 });
    assert_eq!(found["borrowers"], json!([batch]));
    let limits = json!({
        "role": "prod",
        "lend": { "cpus": { "amount": 100 }, "mem": { "permille": 100 } },
        "borrow": { "gpus": { "amount": 0 } },
    });
    assert_eq!(found["limits"][1], limits);
    let eviction = json!({
        "grace_ms": 10_000, "grace_label": "apportion_grace", "grace_most_ms": 60_000, "check_every_ms": 15_000
    });
    assert_eq!(found["eviction"], eviction);
    assert_eq!((&found["min_idle_ms"], &found["fan_out"]), (&json!(30_000), &json!(4)));

    let found = as_json::role(&config.lending, &RoleView::of(&config.lending, "prod/web"));
    assert_eq!(
        (&found["role"], &found["lends"], &found["borrows"]),
        (&json!("prod/web"), &prod, &json!(null))
    );
    let of: Vec<_> =
        found["limits"].as_array().unwrap().iter().map(|limits| limits["role"].clone()).collect();
    assert_eq!(of, ["prod/web", "prod"]);
}

#[test]
fn the_guide_shows_what_is_printed_for_its_example() {
    const GUIDE: &str = include_str!("../../../docs/lending.md");
    let block = |kind: &str| {
        GUIDE.split_once(&format!("```{kind}\n")).unwrap().1.split_once("```").unwrap().0.to_owned()
    };
    assert_eq!(of_role(&config(&block("toml")), "prod/web"), block("text"));
}
