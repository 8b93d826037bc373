//! Rules together: order, points, faults, the index, reactions, and what is reported.

use apportion_policy::{
    AuditAction, CommandAction, Condition, Entries, FAULTS_MAX, HookCall, HookPoint, Rule, Rulebook, Subject,
    TextField, Verdict,
};
use proptest::prelude::*;

use crate::scenes::{SECRET, assigned, book, call, entries, pairs, sets, value, when};

const POINT: HookPoint = HookPoint::SlaveExecutorEnvironment;

fn names(entries: &Entries) -> Vec<String> {
    pairs(entries).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn later_rules_win_and_defaults_do_not() {
    let mut late = Rule::named("late default");
    late.environment.default = assigned(&[("A", "3"), ("B", "3")]);
    let rules = book(vec![sets("first", &[("A", "1")]), sets("second", &[("A", "2")]), late]);
    let decoration = rules.decorate(POINT, &call(), Entries::default());
    assert_eq!(decoration.entries, entries(&[("A", "2"), ("B", "3")]));
}

#[test]
fn every_action_decides_where_a_rule_acts() {
    assert!(Rule::named("nothing").points().is_empty());
    let environment = sets("environment", &[("A", "1")]);
    assert_eq!(
        environment.points(),
        [HookPoint::SlaveExecutorEnvironment, HookPoint::SlavePreLaunchDockerTaskExecutor]
    );
    let only = Rule { at: Some(vec![HookPoint::SlavePreLaunchDockerTaskExecutor]), ..environment };
    let rules = book(vec![only]);
    assert!(rules.is_idle(POINT) && !rules.is_idle(HookPoint::SlavePreLaunchDockerTaskExecutor));
    assert!(rules.decorate(POINT, &call(), Entries::default()).entries.is_empty());
    let subject = Subject::Entries(Entries::default());
    assert_eq!(rules.explain(POINT, &call(), &subject)[0].verdict, Verdict::NotHere);
}

#[test]
fn a_rule_with_enabled_false_does_nothing_and_says_so() {
    let rules = book(vec![Rule { enabled: false, ..sets("off", &[("A", "1")]) }]);
    assert!(rules.decorate(POINT, &call(), Entries::default()).changes.is_empty() && rules.is_idle(POINT));
    let explained = rules.explain(POINT, &call(), &Subject::Entries(Entries::default()));
    assert_eq!(explained[0].to_string(), "rule `off` is switched off by `enabled = false`");
}

#[test]
fn a_fault_voids_the_whole_rule_and_no_other() {
    let rules = book(vec![
        sets("bad", &[("A", "1"), ("B", "{{ host.cloud }}")]),
        sets("nul", &[("A", "{{ task.name }}\0")]),
        sets("good", &[("C", "3")]),
    ]);
    let decoration = rules.decorate(POINT, &call(), Entries::default());
    assert_eq!(decoration.entries, entries(&[("C", "3")]));
    let told: Vec<String> = decoration.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "rule bad at slaveExecutorEnvironmentDecorator: `B`: `host.cloud` is not known here",
            "rule nul at slaveExecutorEnvironmentDecorator: `A`: the value contains a NUL character"
        ]
    );
}

#[test]
fn ten_faults_in_a_row_switch_a_rule_off_at_that_point_only() {
    let rules = book(vec![sets("rack", &[("RACK", "{{ agent.attributes.rack }}")])]);
    let (known, unknown) = (call(), HookCall::default());
    let faults = |call: &HookCall| rules.decorate(POINT, call, Entries::default()).faults;
    for _ in 1..FAULTS_MAX {
        assert!(!faults(&unknown)[0].disabled);
    }
    assert!(faults(&known).is_empty(), "which begins a new row");
    for number in 1..=FAULTS_MAX {
        let fault = faults(&unknown).remove(0);
        assert_eq!(fault.disabled, number == FAULTS_MAX, "{fault}");
    }
    assert!(faults(&unknown).is_empty() && faults(&known).is_empty());
    let explained = rules.explain(POINT, &known, &Subject::Entries(Entries::default()));
    assert_eq!(explained[0].verdict, Verdict::SwitchedOff);
    let docker = rules.decorate(HookPoint::SlavePreLaunchDockerTaskExecutor, &known, Entries::default());
    assert_eq!(docker.entries, entries(&[("RACK", "3")]));

    let report = rules.report();
    assert_eq!((report[0].hits, report[0].faults, report[0].switched_off), (1, 19, true));
    assert_eq!(report[0].last_fault.as_deref(), Some("`RACK`: `agent.attributes.rack` is not known here"));
    assert_eq!((report[1].hits, report[1].faults, report[1].switched_off), (1, 0, false));
    assert_eq!(report[1].last_fault, None);
}

#[test]
fn rehearsal_counts_nothing() {
    let rules = book(vec![sets("bad", &[("A", "{{ host.cloud }}")]), sets("good", &[("B", "1")])]);
    for _ in 0..20 {
        let explained = rules.explain(POINT, &call(), &Subject::Entries(Entries::default()));
        assert_eq!(
            explained[0].to_string(),
            "rule `bad` matches, but does nothing: `A`: `host.cloud` is not known here"
        );
        assert_eq!(explained[1].changes.len(), 1);
    }
    assert!(rules.report().iter().all(|report| report.hits == 0 && report.faults == 0));
}

#[test]
fn rules_for_roles_and_tasks_are_found_in_their_order() {
    let role = |patterns: &[&str]| Condition::text(TextField::Role, patterns).unwrap();
    let task = |patterns: &[&str]| Condition::text(TextField::Task, patterns).unwrap();
    let rules = book(vec![
        when(role(&["prod/web", "prod/web"]), sets("0", &[("ROLE", "1")])),
        when(role(&["prod/**", "dev"]), sets("1", &[("BELOW", "1")])),
        sets("2", &[("ALWAYS", "1")]),
        when(Condition::All(vec![task(&["web-1"]), role(&["/web/"])]), sets("3", &[("TASK", "1")])),
        when(role(&["dev/**"]), sets("4", &[("OTHER", "1")])),
        when(role(&["prod/api", "prod/web"]), sets("5", &[("TWO", "1")])),
        when(task(&["web-2"]), sets("6", &[("OTHER", "1")])),
        when(role(&["*/web"]), sets("7", &[("GLOB", "1")])),
        when(Condition::Any(vec![role(&["x"]), task(&["web-1"])]), sets("8", &[("ANY", "1")])),
        when(Condition::Not(Box::new(role(&["dev"]))), sets("9", &[("NOT", "1")])),
    ]);
    let decoration = rules.decorate(POINT, &call(), Entries::default());
    assert_eq!(names(&decoration.entries), ["ROLE", "BELOW", "ALWAYS", "TASK", "TWO", "GLOB", "ANY", "NOT"]);
    let nothing = rules.decorate(POINT, &HookCall::default(), Entries::default());
    assert_eq!(names(&nothing.entries), ["ALWAYS"]);
}

#[test]
fn reactions_are_rendered_and_say_nothing_of_files() {
    let mut rule = Rule::named("gone");
    rule.audit = Some(AuditAction {
        file: "/var/log/audit.jsonl".into(),
        fields: assigned(&[("host", "{{ agent.hostname }}"), ("token", "{{ task.environment.TOKEN }}")]),
    });
    rule.command = Some(CommandAction {
        argv: vec![value("/usr/bin/notify"), value("{{ executor.id }}")],
        timeout_seconds: 30,
    });
    let rules = book(vec![rule.clone()]);
    let mut call = call();
    call.task_environment = Some(entries(&[("TOKEN", "t")]));
    let reactions = rules.react(HookPoint::SlaveRemoveExecutor, &call);
    assert_eq!(reactions.commands[0].argv, ["/usr/bin/notify", "t-1"]);
    let fields = &reactions.audits[0].fields;
    assert_eq!(fields[0], ("host".to_owned(), "n7.r3.example".to_owned()));
    assert_eq!(fields[1].1, "t");

    // The same with a value that an earlier decoration took from a file.
    let secret = book(vec![sets("secret", &[("TOKEN", "file:/etc/secret")])]);
    call.task_environment = Some(secret.decorate(POINT, &call, Entries::default()).entries);
    let reactions = rules.react(HookPoint::SlaveRemoveExecutor, &call);
    assert!(!format!("{reactions:?}").contains(SECRET));
    assert_eq!(reactions.audits[0].fields[1].1, "(from a file, not shown)");
    let mut shown = rule.clone();
    shown.audit = None;
    shown.command.as_mut().unwrap().argv.push(value("{{ task.environment.TOKEN }}"));
    let reactions = book(vec![shown]).react(HookPoint::SlaveRemoveExecutor, &call);
    assert!(reactions.commands.is_empty());
    assert!(reactions.faults[0].reason.contains("a value from a file"), "{:?}", reactions.faults);
    let lost = rules.react(HookPoint::MasterSlaveLost, &HookCall::default());
    assert!(lost.audits.is_empty() && lost.commands.is_empty() && lost.faults.len() == 1);
}

#[test]
fn wrong_rules_are_refused_with_their_place() {
    let mut rule = sets("bad\n", &[("A=B", "1"), ("", "2")]);
    rule.at = Some(vec![HookPoint::MasterSlaveLost]);
    rule.audit = Some(AuditAction { file: "audit.jsonl".into(), fields: assigned(&[("a", "file:/etc/x")]) });
    rule.command = Some(CommandAction { argv: vec![value("notify")], timeout_seconds: 0 });
    let refused = Rulebook::new(vec![Rule::named("empty"), rule, sets("empty", &[("A", "1")])]).unwrap_err();
    let told: Vec<String> =
        refused.problems.iter().map(|(number, problem)| format!("{number} {}", problem.place)).collect();
    assert_eq!(
        told,
        [
            "0 ",
            "1 name",
            "1 environment.set.A=B",
            "1 environment.set.",
            "1 audit.file",
            "1 audit.fields.a",
            "1 command.argv",
            "1 command.timeout_seconds",
            "2 name"
        ]
    );
    let mut nowhere = sets("nowhere", &[("A", "1")]);
    nowhere.at = Some(vec![HookPoint::MasterSlaveLost]);
    assert_eq!(
        nowhere.problems()[0].to_string(),
        "at: found the point `agent_lost`, where no action of this rule takes effect, \
         expected an action that does (audit or command), or not this point"
    );
    nowhere.at = Some(Vec::new());
    assert_eq!(nowhere.problems()[0].to_string(), "at: found no point, expected at least one, or no `at`");
}

#[test]
fn threads_share_rules_and_lose_no_count() {
    let rules = book(vec![sets("one", &[("A", "1")]), sets("bad", &[("B", "{{ host.cloud }}")])]);
    let call = call();
    let last_chances: usize = std::thread::scope(|scope| {
        let worker = || {
            let calls = (0..50).map(|_| rules.decorate(POINT, &call, Entries::default()));
            calls.flat_map(|decoration| decoration.faults).filter(|fault| fault.disabled).count()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((last_chances, rules.report()[0].hits), (1, 200));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn index_finds_what_a_look_at_every_rule_finds(
        asked in proptest::collection::vec((any::<bool>(), proptest::collection::vec("[ab]{0,1}(/[ab*]|/\\*\\*|\\*){0,2}", 1..3)), 1..12),
        role in proptest::option::of("[ab](/[ab]){0,2}"), task in proptest::option::of("[ab*/]{1,3}")
    ) {
        let rule = |(number, (of_role, patterns)): (usize, (bool, Vec<String>))| {
            let field = if of_role { TextField::Role } else { TextField::Task };
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let condition = Condition::text(field, &patterns).ok()?;
            Some(when(condition, sets(&number.to_string(), &[(&format!("V{number}"), "1")])))
        };
        let rules = book(asked.into_iter().enumerate().filter_map(rule).collect());
        let mut call = call();
        call.facts.framework.as_mut().unwrap().role = role;
        call.facts.task.as_mut().unwrap().name = task;
        let decoration = rules.decorate(POINT, &call, Entries::default());
        // The rehearsal looks at every rule.
        let explained = rules.explain(POINT, &call, &Subject::Entries(Entries::default()));
        let matched = explained.iter().filter(|one| one.verdict == Verdict::Matched).map(|one| format!("V{}", one.rule));
        prop_assert_eq!(names(&decoration.entries), matched.collect::<Vec<_>>());
    }
}
