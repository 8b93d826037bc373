//! The hook's HTTP endpoint: its two paths, and who is let in.

use std::fs;

use apportion_cluster_tests::{HOOK, WITHIN, agent, master, modules, only_offer, rig, subscribe};
use apportion_rig::{AgentBuilder, Http, MasterBuilder, TaskSpec, TaskState};
use serde_json::Value;

const REPORT: &str = "/apportion/hooks";
const RELOAD: &str = "/apportion/hooks/reload";

const PRINCIPAL: &str = "operator";
const SECRET: &str = "not to be told";

/// Status and text of the answer to a request without a body.
fn ask(http: &Http, method: &str, path: &str) -> (u16, String) {
    http.answer(method, path, "text/plain", "").unwrap()
}

/// Whoever may read gets the report as JSON.
fn require_report(http: &Http) {
    let (status, text) = ask(http, "GET", REPORT);
    assert_eq!(status, 200, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert!(report["rules"].is_array(), "{report}");
}

/// Whoever may write reaches the library: it has no file to read again, and says so.
fn require_reload(http: &Http) {
    let (status, text) = ask(http, "POST", RELOAD);
    assert_eq!(status, 409, "{text}");
    assert!(text.contains("modules JSON") && text.contains("`config`"), "{text}");
}

/// Statuses of a GET of the report and a POST to reload.
fn statuses(http: &Http) -> (u16, u16) {
    (ask(http, "GET", REPORT).0, ask(http, "POST", RELOAD).0)
}

/// Nobody gets anything without the right secret, and whoever has it gets both.
fn require_authentication(http: &Http) {
    assert_eq!(statuses(&http.anonymous()), (401, 401), "without a name");
    assert_eq!(statuses(&http.authenticated(PRINCIPAL, "a guess")), (401, 401), "with a wrong secret");
    assert_eq!(ask(&http.anonymous(), "GET", RELOAD).0, 401, "before the method is looked at");
    require_report(http);
    require_reload(http);
}

/// A master with our hook alone.
fn hook_master(endpoint: &str) -> MasterBuilder<'static> {
    rig().master().modules(modules(&[("hook.endpoint", endpoint)])).hooks(&[HOOK])
}

/// A master with our hook alone that lets nobody in without a secret.
fn guarded_master(endpoint: &str) -> MasterBuilder<'static> {
    hook_master(endpoint).http_authentication(PRINCIPAL, SECRET)
}

/// An agent with our hook alone that lets nobody in without a secret.
fn guarded_agent(master: &str, endpoint: &str) -> AgentBuilder<'static> {
    let modules = modules(&[("hook.endpoint", endpoint)]);
    rig().agent(master).modules(modules).hooks(&[HOOK]).http_authentication(PRINCIPAL, SECRET)
}

#[test]
fn master_reports_and_reloads() {
    let master = master(&[("hook.endpoint", "master"), ("hook.labels.rack", "r1")]).start().unwrap();
    require_report(master.http());
    require_reload(master.http());
}

#[test]
fn agent_reports_and_reloads() {
    let master = master(&[]).start().unwrap();
    let agent = agent(master.address(), &[("hook.endpoint", "agent")]).start().unwrap();
    require_report(agent.http());
    require_reload(agent.http());
}

#[test]
fn report_counts_what_rules_did_and_a_reload_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    let rules = "[hook]\nendpoint = \"master\"\n[[hook.rules]]\nname = \"team\"\nlabels.set.team = \"{{ framework.role }}\"\n\
                 [[hook.rules]]\nname = \"fault\"\nat = [\"master_labels\"]\nlabels.set.x = \"{{ task.labels.none }}\"\n";
    fs::write(&file, rules).unwrap();
    let parameters = [("config", file.to_str().unwrap())];
    let master = master(&parameters).agents(1).start().unwrap();
    let mut framework = subscribe(master.address(), "counted", &["*"]);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("t", "true")], Some(600.0)).unwrap();
    framework.wait_status("t", TaskState::Finished, WITHIN).unwrap();
    let report = || -> Value { serde_json::from_str(&ask(master.http(), "GET", REPORT).1).unwrap() };
    let rows = report()["rules"].as_array().unwrap().clone();
    let row = |rule: &str, at: &str| {
        rows.iter()
            .find(|row| row["rule"] == rule && row["at"] == at)
            .unwrap_or_else(|| panic!("{rows:?}"))
            .clone()
    };
    for at in ["master_labels", "agent_labels"] {
        assert_eq!((&row("team", at)["hits"], &row("team", at)["faults"]), (&1.into(), &0.into()), "{at}");
    }
    let fault = row("fault", "master_labels");
    assert_eq!((&fault["hits"], &fault["faults"]), (&0.into(), &1.into()));
    assert!(fault["last_fault"].as_str().unwrap().contains("task.labels.none"), "{fault}");

    assert_eq!(ask(master.http(), "POST", RELOAD), (200, "{\"reloaded\":true,\"rules\":2}".to_owned()));
    assert_eq!(report()["rules"][0]["hits"], 0);
    fs::write(&file, "[hook]\nendpint = \"master\"\n").unwrap();
    let (status, text) = ask(master.http(), "POST", RELOAD);
    assert_eq!(status, 409, "{text}");
    assert!(text.contains("did you mean `hook.endpoint`?") && text.contains(":2:1"), "{text}");
    assert_eq!(report()["reloads"]["failed"], 1);
}

#[test]
fn wrong_method_is_told_the_right_one() {
    let master = hook_master("master").start().unwrap();
    for (method, path, allowed) in
        [("POST", REPORT, "GET"), ("PUT", REPORT, "GET"), ("GET", RELOAD, "POST"), ("DELETE", RELOAD, "POST")]
    {
        let (status, text) = ask(master.http(), method, path);
        assert_eq!(status, 405, "{method} {path}: {text}");
        assert!(text.contains(&format!("{{ {allowed} }}")), "{method} {path}: {text}");
    }
}

#[test]
fn both_paths_have_a_help_page() {
    let master = hook_master("master").start().unwrap();
    for (page, says) in
        [("/help/apportion/hooks", "what the rules"), ("/help/apportion/hooks/reload", "409 CONFLICT")]
    {
        let (status, text) = ask(master.http(), "GET", page);
        assert_eq!(status, 200, "{page}: {text}");
        assert!(text.contains(says) && text.contains("AUTHENTICATION"), "{page}: {text}");
    }
}

#[test]
fn endpoint_that_is_off_is_not_there() {
    let master = hook_master("off").start().unwrap();
    assert_eq!(statuses(master.http()), (404, 404));
    assert!(!master.log().contains("no HTTP endpoint"), "what was asked for needs no word");
}

#[test]
fn program_whose_name_says_nothing_has_no_endpoint_and_says_so() {
    // The rig's program is neither mesos-master nor mesos-agent.
    let master = hook_master("auto").start().unwrap();
    assert_eq!(statuses(master.http()), (404, 404));
    let log = master.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("no HTTP endpoint")).collect();
    assert!(
        matches!(lines[..], [line] if line.contains("launcher") && line.contains("set hook.endpoint")),
        "{lines:?}"
    );
}

#[test]
fn master_with_http_authentication_lets_in_whom_it_knows() {
    let master = guarded_master("master").start().unwrap();
    require_authentication(master.http());
}

#[test]
fn agent_with_http_authentication_lets_in_whom_it_knows() {
    let master = rig().master().start().unwrap();
    let agent = guarded_agent(master.address(), "agent").start().unwrap();
    require_authentication(agent.http());
}

#[test]
fn report_is_guarded_like_what_reads_and_reload_like_what_writes() {
    for (flag, report, reload) in
        [("authenticate_http_readonly", false, true), ("authenticate_http_readwrite", true, false)]
    {
        let master = guarded_master("master").flag(flag, "false").start().unwrap();
        let (read, written) = statuses(&master.http().anonymous());
        assert_eq!((read == 401, written == 401), (report, reload), "without {flag}: {read}, {written}");
    }
}

#[test]
fn realm_of_the_other_kind_of_process_guards_nothing_so_it_is_never_guessed() {
    let master = guarded_master("agent").start().unwrap();
    assert_eq!(ask(&master.http().anonymous(), "GET", "/state").0, 401, "the master's own pages are guarded");
    require_report(&master.http().anonymous());
}
