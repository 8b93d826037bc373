//! Lending seen from outside: metrics and the report, after offers, commits, conflicts and reclaims.

use apportion_bridge::abi::{APPORTION_DONE, APPORTION_UNCHANGED};
use apportion_wire::messages::{AgentId, AgentInfo, Attribute, TaskInfo, TextValue, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::arguments::{Arguments, plain_options};
use crate::border::{Module, answered, call, view};
use crate::calls::{add_framework, cycle, none};
use crate::messages::{agent, agent_capabilities, allocated, framework, lent, scalar, task};
use crate::shim::{SECOND, Shim};

/// Nobody else in this process has it: hooks ask all ledgers.
const AGENT: &[u8] = b"the agent that lends";

const RULES: &str = r#"
[allocator]
explain_offers = false
[lending]
resources = ["cpus"]
fan_out = 2
min_idle = "0s"
back_off = { conflicts = 1, first = "5s" }
[[lending.lenders]]
roles = ["prod", "prod/**"]
part = "50%"
[[lending.borrowers]]
roles = "batch/**"
priority = 7
[lending.limits]
prod = { lend = { cpus = "75%" } }
batch = { borrow = { cpus = 100 } }
"#;

/// A master's allocator and hook.
struct Lends {
    shim: Shim,
    hook: Module,
    _folder: TempDir,
}

fn reclaiming(id: &[u8]) -> AgentInfo {
    let mut info = agent(id, b"r1");
    info.attributes.push(Attribute {
        name: b"apportion_reclaim".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: b"v1".to_vec() }),
        ..Attribute::default()
    });
    info
}

fn cpus(amount: f64, role: &[u8]) -> Vec<u8> {
    allocated(&scalar(b"cpus", amount), role)
}

/// An owner that holds the regular offer of an agent of 8 cpus, and two borrowers that hold the lent ones, of 4 each.
fn lends() -> Lends {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, RULES).unwrap();
    let parameters = [("config", file.to_str().unwrap())];
    let hook = Module::hook(&parameters);
    let mut shim = Shim::new(&parameters);
    shim.done(|h, now, out| call!(allocator_publish_metrics(h, now, out)));
    let options = plain_options();
    shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
    let mut lends = Lends { shim, hook, _folder: folder };
    lends.add_agent();
    add_framework(&mut lends.shim, b"owner", &[b"prod"]);
    assert_eq!(cycle(&mut lends.shim).offers.len(), 1);
    for (id, role) in [(&b"first"[..], &b"batch/a"[..]), (b"second", b"batch/b")] {
        add_framework(&mut lends.shim, id, &[role]);
        let offers = cycle(&mut lends.shim).offers;
        assert!(offers.len() == 1 && offers[0].framework == id, "{id:?} is offered what is lent: {offers:?}");
    }
    lends
}

impl Lends {
    fn add_agent(&mut self) {
        let (info, total) = (encode(&reclaiming(AGENT)), vec![scalar(b"cpus", 8.0)]);
        let mut arguments = Arguments::good();
        let total_of_ledger = arguments.messages("total", total.clone());
        let told = answered(|out| {
            let h = self.shim.module.handle();
            let none = crate::arguments::no_holdings();
            call!(allocator_commit_add_slave(h, view(AGENT), view(&info), total_of_ledger, none, out))
        });
        told.expect(APPORTION_DONE);
        let capabilities = arguments.messages("capabilities", agent_capabilities());
        let total = arguments.messages("total", total);
        let (window, used) = (std::ptr::null(), crate::arguments::no_holdings());
        let excluded = crate::arguments::from_nothing();
        self.shim.done(|h, now, out| {
            call!(allocator_add_slave(
                h,
                now,
                view(AGENT),
                view(&info),
                capabilities,
                window,
                total,
                used,
                excluded,
                out
            ))
        });
    }

    /// A framework launches a task with one resource. Says whether the hook lets it.
    fn launch(&mut self, id: &[u8], resource: &[u8]) -> bool {
        let info = TaskInfo {
            agent_id: AgentId { value: AGENT.to_vec() },
            resources: vec![resource.to_vec()],
            ..task(id)
        };
        let info = encode(&info);
        let h = self.hook.handle();
        let asked =
            answered(|out| call!(hook_master_launch_task_resource_decorator(h, view(&info), none(), out)));
        if asked.status != APPORTION_UNCHANGED {
            self.returned(id, resource, false);
            return false;
        }
        let of = encode(&framework(id, &[b"any"]));
        let info_of_agent = encode(&reclaiming(AGENT));
        answered(|out| {
            call!(hook_master_launch_task_label_decorator(
                h,
                view(&info),
                view(&of),
                view(&info_of_agent),
                out
            ))
        });
        let mut arguments = Arguments::good();
        let resources = arguments.messages("resources", vec![resource.to_vec()]);
        let (h, now) = (self.shim.module.handle(), self.shim.now);
        let used = answered(|out| call!(allocator_commit_transition(h, now, view(AGENT), resources, out)));
        assert_eq!((used.status, &*used.bytes), (APPORTION_DONE, id));
        self.shim.done(|h, now, out| {
            call!(allocator_transition_offered_to_allocated(h, now, view(id), view(AGENT), resources, out))
        });
        true
    }

    /// What a framework used, or was offered, comes back.
    fn returned(&mut self, framework: &[u8], resource: &[u8], in_use: bool) {
        let mut arguments = Arguments::good();
        let resources = arguments.messages("resources", vec![resource.to_vec()]);
        let (h, now, in_use) = (self.shim.module.handle(), self.shim.now, u8::from(in_use));
        let told = answered(|out| {
            call!(allocator_commit_recover(h, now, view(framework), view(AGENT), resources, in_use, out))
        });
        told.expect(APPORTION_DONE);
        let filters = std::ptr::null();
        self.shim.done(|h, now, out| {
            call!(allocator_recover_resources(
                h,
                now,
                view(framework),
                view(AGENT),
                resources,
                filters,
                in_use,
                out
            ))
        });
    }

    /// A number of lending; `None` if there is no such metric, or it has no number.
    fn metric(&self, name: &str) -> Option<f64> {
        self.shim.snapshot(0).get(&format!("allocator/apportion/lending/{name}")).copied()
    }

    #[track_caller]
    fn metrics(&self, wanted: &[(&str, f64)]) {
        for (name, number) in wanted {
            assert_eq!(self.metric(name), Some(*number), "{name}");
        }
    }

    fn report(&self) -> Value {
        let answer =
            answered(|out| call!(allocator_lending_report(self.shim.module.handle(), self.shim.now, out)));
        answer.expect(APPORTION_DONE);
        serde_json::from_slice(&answer.bytes).unwrap()
    }
}

#[test]
fn without_lending_there_are_neither_metrics_nor_a_report() {
    let mut shim = Shim::new(&[("allocator.explain_offers", "false")]);
    shim.done(|h, now, out| call!(allocator_publish_metrics(h, now, out)));
    assert!(shim.snapshot(0).keys().all(|name| !name.contains("lending")));
    let answer = answered(|out| call!(allocator_lending_report(shim.module.handle(), shim.now, out)));
    assert_eq!((answer.status, answer.bytes.len()), (APPORTION_UNCHANGED, 0));
}

#[test]
fn offers_of_what_is_lent_are_counted_and_shown_by_role_and_agent() {
    let lends = lends();
    lends.metrics(&[
        ("offers_made", 2.0),
        ("offers_overlapped", 1.0),
        ("commits", 0.0),
        ("lent/cpus", 4.0),
        ("borrowed/cpus", 8.0),
        ("roles/prod/lent/cpus", 4.0),
        ("roles/batch/borrowed/cpus", 8.0),
        ("roles/batch/a/borrowed/cpus", 4.0),
        ("roles/batch/commits", 0.0),
    ]);
    for absent in ["conflict_fraction", "reclaims_for_owners/mean_ms", "roles/prod/borrowed/cpus"] {
        assert_eq!(lends.metric(absent), None, "{absent}");
    }
    let page = lends.report();
    assert_eq!(page["rules"]["lenders"][0]["roles"], json!(["prod", "prod/**"]));
    assert_eq!(page["agents"], json!({"lend": 1, "do_not_lend": 0}));
    assert_eq!((&page["lent"], &page["borrowed"]), (&json!({"cpus": 4.0}), &json!({"cpus": 8.0})));
    let role = |name: &str| {
        let roles = page["roles"].as_array().unwrap();
        roles.iter().find(|role| role["role"] == name).unwrap_or_else(|| panic!("{name}: {page}"))
    };
    assert_eq!(role("prod")["lend_limits"], json!({"cpus": {"most": 6.0, "taken": 4.0}}));
    assert_eq!(role("batch")["borrow_limits"], json!({"cpus": {"most": 100.0, "taken": 8.0}}));
    assert_eq!(role("batch/a")["borrowed"], json!({"cpus": 4.0}));
    let loans = page["loans"].as_array().unwrap();
    let wanted = json!({
        "agent": "the agent that lends", "framework": "first", "role": "batch/a", "priority": 7,
        "offered": {"cpus": 4.0}, "in_use": {}
    });
    assert!(loans.len() == 2 && loans.contains(&wanted), "{page}");
    assert_eq!(page["loans_left_out"], 0);
}

#[test]
fn a_commit_a_conflict_and_who_waits_for_having_lost_are_told() {
    let mut lends = lends();
    assert!(lends.launch(b"first", &lent(&cpus(4.0, b"batch/a"))));
    assert!(!lends.launch(b"second", &lent(&cpus(4.0, b"batch/b"))));
    cycle(&mut lends.shim);
    lends.metrics(&[
        ("commits", 1.0),
        ("conflicts", 1.0),
        ("refusals", 0.0),
        ("conflict_fraction", 1.0),
        ("frameworks_backing_off", 1.0),
        ("unmatched_returns", 0.0),
        ("unattributed_uses", 0.0),
        ("roles/batch/commits", 1.0),
        ("roles/batch/conflicts", 1.0),
        ("roles/batch/a/conflicts", 0.0),
        ("roles/batch/b/conflicts", 1.0),
    ]);
    let page = lends.report();
    assert_eq!((&page["commits"], &page["conflicts"]), (&json!(1), &json!(1)));
    assert_eq!(page["conflict_fraction"], json!(1.0));
    assert_eq!(page["loans"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["loans"][0]["in_use"], json!({"cpus": 4.0}));
    assert_eq!(page["waiting_frameworks"], json!([{"framework": "second", "until": 1005.0}]));
}

#[test]
fn an_owner_that_waits_for_its_capacity_is_shown_until_it_is_free_and_timed() {
    let mut lends = lends();
    assert!(lends.launch(b"first", &lent(&cpus(4.0, b"batch/a"))));
    assert!(lends.launch(b"owner", &cpus(6.0, b"prod")));
    lends.metrics(&[("agents_over_committed", 1.0), ("reclaims_for_owners/count", 0.0)]);
    let wanted = json!([{
        "agent": "the agent that lends", "owner_waits_since": 1000.0, "borrower_waits_since": null,
        "excess": {"cpus": 2.0}
    }]);
    assert_eq!(lends.report()["over_committed"], wanted);
    lends.shim.now += SECOND / 4;
    lends.returned(b"first", &lent(&cpus(4.0, b"batch/a")), true);
    lends.metrics(&[
        ("agents_over_committed", 0.0),
        ("reclaims_for_owners/count", 1.0),
        ("reclaims_for_owners/latest_ms", 250.0),
        ("reclaims_for_owners/longest_ms", 250.0),
        ("reclaims_for_owners/mean_ms", 250.0),
        ("reclaims_by_priority/count", 0.0),
        ("borrowed/cpus", 4.0),
        ("roles/batch/a/borrowed/cpus", 0.0),
    ]);
    let page = lends.report();
    assert_eq!(page["over_committed"], json!([]));
    assert_eq!(page["reclaims_for_owners"]["mean_ms"], json!(250.0));
}
