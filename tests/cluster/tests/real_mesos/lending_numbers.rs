//! What the master tells of lending: its metrics, its page, and who may see it.

use std::fs;
use std::path::PathBuf;

use apportion_cluster_tests::{UNTIL_TOLD, WITHIN, agent, list, master, subscribe, wait_until};
use apportion_rig::{Agent, Framework, FrameworkSpec, Http, Master, Offer, TaskSpec, TaskState};
use serde_json::Value;
use tempfile::TempDir;

const PAGE: &str = "/apportion/lending";
const PRINCIPAL: &str = "operator";
const SECRET: &str = "not to be told";

const RULES: &str = r#"
[lending]
fan_out = 3
min_idle = "0s"
back_off = { conflicts = 1, first = "1m", most = "1m" }
[[lending.lenders]]
roles = ["prod", "prod/**"]
[[lending.borrowers]]
roles = ["batch", "batch/**"]
[lending.limits]
batch = { borrow = { cpus = 50 } }
[eviction]
check_every = "1s"
"#;

fn config(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn ask(http: &Http, method: &str) -> (u16, String) {
    http.answer(method, PAGE, "text/plain", "").unwrap()
}

/// A master and an agent that lend.
struct Cluster {
    master: Master,
    _agent: Agent,
    _folder: TempDir,
}

fn cluster() -> Cluster {
    let (folder, file) = config(RULES);
    let parameters = [("config", file.to_str().unwrap())];
    // The master answers for its metrics twice a second only, unless this variable is empty.
    let unlimited = ("LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT", "");
    let master = master(&parameters).variable(unlimited.0, unlimited.1).start().unwrap();
    let agent = agent(master.address(), &parameters).resources("cpus:4;mem:1024").start().unwrap();
    Cluster { master, _agent: agent, _folder: folder }
}

impl Cluster {
    fn borrower(&self, name: &str, role: &str) -> (Framework, Offer) {
        let spec = FrameworkSpec::new(name).roles(&[role]).capabilities(&["REVOCABLE_RESOURCES"]);
        let mut framework = Framework::subscribe(self.master.address(), spec).unwrap();
        let offer = framework.next_offers(WITHIN).unwrap().remove(0);
        assert_eq!((offer.regular_scalar("cpus"), offer.revocable_scalar("cpus")), (0.0, 4.0));
        (framework, offer)
    }

    fn page(&self) -> Value {
        let (status, text) = ask(self.master.http(), "GET");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until metrics of lending have these numbers.
    fn wait_for_metrics(&self, wanted: &[(&str, f64)]) {
        for (name, number) in wanted {
            wait_until(&format!("{name} to be {number}"), || {
                let found = self.metric(name);
                if found == Some(*number) { Ok(()) } else { Err(format!("{found:?}")) }
            });
        }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let snapshot = self.master.get_json("/metrics/snapshot").unwrap();
        snapshot[format!("allocator/apportion/lending/{name}")].as_f64()
    }
}

fn lent(id: &str, cpus: f64) -> TaskSpec {
    TaskSpec::new(id, UNTIL_TOLD).cpus(cpus).mem_mb(64.0).revocable(&["cpus", "mem"])
}

/// The role of this name on the page.
fn role<'a>(page: &'a Value, name: &str) -> &'a Value {
    let found = list(&page["roles"]).iter().find(|role| role["role"] == name);
    found.unwrap_or_else(|| panic!("no role {name}: {page}"))
}

#[test]
fn a_commit_a_conflict_and_an_eviction_are_in_the_metrics_and_on_the_page() {
    let cluster = cluster();
    let mut owner = subscribe(cluster.master.address(), "owner", &["prod"]);
    let own = owner.next_offers(WITHIN).unwrap().remove(0);
    let (mut first, loan) = cluster.borrower("first", "batch/a");
    let (mut second, stale) = cluster.borrower("second", "batch/b");
    cluster.wait_for_metrics(&[
        ("offers_made", 2.0),
        ("offers_overlapped", 1.0),
        ("commits", 0.0),
        ("conflicts", 0.0),
        ("lent/cpus", 4.0),
        ("borrowed/cpus", 8.0),
        ("roles/prod/lent/cpus", 4.0),
    ]);
    assert_eq!(cluster.metric("conflict_fraction"), None, "before the first commit");

    first.launch(&loan, &[lent("won", 3.0)], Some(600.0)).unwrap();
    first.wait_status("won", TaskState::Running, WITHIN).unwrap();
    second.launch(&stale, &[lent("lost", 2.0)], Some(600.0)).unwrap();
    assert_eq!(second.wait_for_end("lost", WITHIN).unwrap().state, TaskState::Error);
    cluster.wait_for_metrics(&[
        ("commits", 1.0),
        ("conflicts", 1.0),
        ("conflict_fraction", 1.0),
        ("frameworks_backing_off", 1.0),
        ("borrowed/cpus", 3.0),
        ("roles/batch/commits", 1.0),
        ("roles/batch/a/commits", 1.0),
        ("roles/batch/b/conflicts", 1.0),
        ("roles/batch/a/borrowed/cpus", 3.0),
        ("reclaims_for_owners/count", 0.0),
    ]);
    let page = cluster.page();
    assert_eq!((&page["commits"], &page["conflicts"]), (&1.into(), &1.into()), "{page}");
    assert_eq!(page["agents"], serde_json::json!({"lend": 1, "do_not_lend": 0}));
    assert_eq!(page["rules"]["fan_out"], 3);
    let limit = &role(&page, "batch")["borrow_limits"]["cpus"];
    assert_eq!((limit["most"].as_f64(), limit["taken"].as_f64()), (Some(50.0), Some(3.0)), "{page}");
    assert_eq!(role(&page, "batch/b")["conflicts"], 1);
    let loans = list(&page["loans"]);
    assert!(loans.len() == 1 && loans[0]["framework"] == first.id(), "{page}");
    assert_eq!(loans[0]["in_use"]["cpus"], 3.0);
    let waiting = list(&page["waiting_frameworks"]);
    assert!(waiting.len() == 1 && waiting[0]["framework"] == second.id(), "who lost waits: {page}");

    let task = TaskSpec::new("own", UNTIL_TOLD).cpus(2.0).mem_mb(64.0);
    owner.launch(&own, &[task], Some(600.0)).unwrap();
    let evicted = first.wait_for_end("won", WITHIN).unwrap();
    assert_eq!(evicted.reason.as_deref(), Some("REASON_CONTAINER_PREEMPTED"), "{evicted:?}");
    cluster.wait_for_metrics(&[
        ("reclaims_for_owners/count", 1.0),
        ("agents_over_committed", 0.0),
        ("roles/batch/a/borrowed/cpus", 0.0),
        ("unmatched_returns", 0.0),
        ("unattributed_uses", 0.0),
    ]);
    let page = cluster.page();
    let took = page["reclaims_for_owners"]["longest_ms"].as_f64().unwrap();
    assert!(took > 0.0 && took < WITHIN.as_secs_f64() * 1000.0, "{page}");
    assert_eq!(cluster.metric("reclaims_for_owners/longest_ms"), Some(took));
    assert!(list(&page["over_committed"]).is_empty(), "{page}");
}

#[test]
fn without_lending_there_are_no_such_metrics_and_no_page() {
    let master = master(&[]).start().unwrap();
    assert_eq!(ask(master.http(), "GET").0, 404);
    let snapshot = master.get_json("/metrics/snapshot").unwrap();
    let names: Vec<&String> = snapshot.as_object().unwrap().keys().collect();
    assert!(names.iter().any(|name| name.starts_with("allocator/apportion/")));
    assert!(!names.iter().any(|name| name.contains("lending")), "{names:?}");
}

#[test]
fn the_page_is_for_whom_the_master_knows_and_takes_one_method() {
    let (_folder, file) = config(RULES);
    let parameters = [("config", file.to_str().unwrap())];
    let master = master(&parameters).http_authentication(PRINCIPAL, SECRET).start().unwrap();
    let http = master.http();
    assert_eq!(ask(&http.anonymous(), "GET").0, 401, "without a name");
    assert_eq!(ask(&http.anonymous(), "POST").0, 401, "before the method is looked at");
    assert_eq!(ask(&http.authenticated(PRINCIPAL, "a guess"), "GET").0, 401, "with a wrong secret");
    let (status, text) = ask(http, "GET");
    assert_eq!(status, 200, "{text}");
    let (status, text) = ask(http, "POST");
    assert!(status == 405 && text.contains("{ GET }"), "{status}: {text}");
    let (status, help) = http.answer("GET", "/help/apportion/lending", "text/plain", "").unwrap();
    assert!(status == 200 && help.contains("Shows what is lent"), "{status}: {help}");
}
