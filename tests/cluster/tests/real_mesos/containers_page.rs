//! The isolator's page of the agent: who is let in, and what it has beside the hook's.

use apportion_cluster_tests::{ISOLATOR, agent, master, modules, modules_named, rig};
use apportion_rig::Http;
use serde_json::{Value, json};

const PAGE: &str = "/apportion/containers";
const PRINCIPAL: &str = "operator";
const SECRET: &str = "not to be told";

fn ask(http: &Http, method: &str, path: &str) -> (u16, String) {
    http.answer(method, path, "text/plain", "").unwrap()
}

fn require_page(http: &Http) {
    let (status, text) = ask(http, "GET", PAGE);
    assert_eq!(status, 200, "{text}");
    let page: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&page["containers"], &page["totals"]["containers"]), (&json!([]), &json!(0)), "{page}");
}

#[test]
fn isolator_and_hook_of_an_agent_have_their_pages_below_one_name() {
    let master = master(&[]).start().unwrap();
    let agent = agent(master.address(), &[("hook.endpoint", "agent")]).start().unwrap();
    require_page(agent.http());
    assert_eq!(ask(agent.http(), "GET", "/apportion/hooks").0, 200);
    let (status, text) = ask(agent.http(), "POST", PAGE);
    assert_eq!(status, 405, "{text}");
    let (status, text) = ask(agent.http(), "GET", "/help/apportion/containers");
    assert!(status == 200 && text.contains("AUTHENTICATION"), "{status}: {text}");
}

#[test]
fn agent_with_http_authentication_shows_the_page_to_whom_it_knows() {
    let master = rig().master().start().unwrap();
    let guarded = || {
        let modules = modules_named(&[ISOLATOR], &[]);
        rig()
            .agent(master.address())
            .modules(modules)
            .isolation(ISOLATOR)
            .http_authentication(PRINCIPAL, SECRET)
    };
    let agent = guarded().start().unwrap();
    assert_eq!(ask(&agent.http().anonymous(), "GET", PAGE).0, 401, "without a name");
    assert_eq!(ask(&agent.http().anonymous(), "POST", PAGE).0, 401, "before the method is looked at");
    assert_eq!(ask(&agent.http().authenticated(PRINCIPAL, "a guess"), "GET", PAGE).0, 401, "a wrong secret");
    require_page(agent.http());
    drop(agent);
    // It is guarded like what reads.
    let agent = guarded().flag("authenticate_http_readonly", "false").start().unwrap();
    assert_eq!(ask(&agent.http().anonymous(), "GET", PAGE).0, 200);
}

#[test]
fn page_of_an_agent_that_runs_beside_its_master_is_guarded_too() {
    let master = rig()
        .master()
        .modules(modules(&[]))
        .isolation(ISOLATOR)
        .agents(1)
        .http_authentication(PRINCIPAL, SECRET)
        .start()
        .unwrap();
    assert_eq!(ask(&master.http().anonymous(), "GET", PAGE).0, 401);
    require_page(master.http());
}
