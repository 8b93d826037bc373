//! `apportion hooks explain` and `apportion hooks reload` against answers of the hook module itself, over real HTTP.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use apportion_config::Config;
use apportion_hook::{Hooks, Remembered};
use apportion_wire::messages::{AgentInfo, FrameworkInfo, TaskInfo};
use bench::Bench;
use serde_json::Value;

/// What a test's master or agent answers to a request.
type Answerer = dyn Fn(&str) -> String + Send + Sync;

/// A master or agent as far as the command sees it: it keeps the heads of requests.
struct Host {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let answer: Box<Answerer> = Box::new(answer);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let answer = answer(&head);
                kept.lock().unwrap().push(head);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Host { address, requests }
    }

    /// One that always gives this answer.
    fn answering(status: &str, body: &str) -> Host {
        let answer = http(status, body);
        Host::start(move |_| answer.clone())
    }

    fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// The hook module with rules that were asked a few times: one matched, one faulted until it was switched off.
fn hooks(folder: &Path) -> (Hooks, std::path::PathBuf) {
    let file = folder.join("rules.toml");
    let rules = "[[hook.rules]]\nname = \"team\"\nlabels.set.team = \"{{ framework.role }}\"\n\
        [[hook.rules]]\nname = \"rack\"\nat = [\"master_labels\"]\nlabels.set.rack = \"{{ agent.attributes.rack }}\"\n\
        [[hook.rules]]\nname = \"off\"\nenabled = false\nat = [\"agent_lost\"]\naudit.file = \"/tmp/never-written.jsonl\"\n\
        [[hook.rules]]\nname = \"token\"\nenvironment.set.TOKEN = \"file:/no/such/token\"\n";
    std::fs::write(&file, rules).unwrap();
    let config = Config::from_file(&file).unwrap().hook;
    let hooks = Hooks::start(&config, Some(file.clone()), Arc::new(Remembered::default())).unwrap();
    let (task, framework) = (TaskInfo::default(), FrameworkInfo::default());
    for _ in 0..12 {
        hooks.master_labels(&task, &framework, &AgentInfo::default()).unwrap();
    }
    (hooks, file)
}

#[test]
fn explain_shows_each_rule_with_its_numbers_state_and_last_fault() {
    let bench = Bench::new();
    let (hooks, file) = hooks(bench.folder());
    std::fs::write(&file, "[hook]\nrulez = 1\n").unwrap();
    hooks.reload().unwrap_err();
    let host = Host::answering("200 OK", &hooks.report().to_string());
    let run = bench.run(&["hooks", "explain", &format!("http://{}/", host.address)]);
    assert_eq!((run.code, &*run.err), (Some(1), ""), "{run:?}");
    assert!(host.last_request().starts_with("GET /apportion/hooks HTTP/1.1\r\n"), "{}", host.last_request());
    assert!(!host.last_request().to_lowercase().contains("authorization"), "{}", host.last_request());
    let parts = [
        &format!("rules of {}, in force since ", file.display()),
        "refused: 1 times",
        "the last reload was refused, the rules before are in force:\n",
        "hook.rulez",
        "RULE   AT                    HITS  FAULTS  STATE\n",
        "team   master_labels           12       0  on\n",
        "rack   master_labels            0      10  off: too many faults\n  last fault: ",
        "`agent.attributes.rack`",
        "off    agent_lost               0       0  disabled\n",
        "file /no/such/token cannot be read: ",
    ];
    for part in parts {
        assert!(run.out.contains(part), "{part} is missing in\n{}", run.out);
    }
}

#[test]
fn explain_of_rules_that_fare_well_ends_with_nought_and_json_is_the_answer() {
    let bench = Bench::new();
    let file = bench.write("a.toml", "[hook.labels]\na = \"1\"\n");
    let config = Config::from_file(&file).unwrap().hook;
    let hooks = Hooks::start(&config, Some(file), Arc::new(Remembered::default())).unwrap();
    let report = hooks.report();
    let host = Host::answering("200 OK", &report.to_string());
    let run = bench.run(&["hooks", "explain", &host.address]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert!(run.out.contains("not read again since"), "{}", run.out);
    let json = bench.run(&["hooks", "explain", &host.address, "--json"]);
    assert_eq!(json.code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap(), report);
}

#[test]
fn principal_is_sent_and_its_secret_shown_nowhere() {
    let bench = Bench::new();
    bench.write("secret", "s3cret\n");
    let host = Host::answering("401 Unauthorized", "");
    let explain = |more: &[&str]| bench.run(&[&["hooks", "explain", &host.address], more].concat());
    let without = explain(&[]);
    assert_eq!((without.code, &*without.out), (Some(2), ""));
    assert!(without.err.contains("name --principal and --secret-file"), "{}", without.err);
    let with = explain(&["--principal", "ops", "--secret-file", "secret"]);
    assert!(with.err.contains("refuses the principal \"ops\" (status 401)"), "{}", with.err);
    assert!(with.err.contains("check the principal") && !with.err.contains("s3cret"), "{}", with.err);
    // Base64 of ops:s3cret.
    assert!(
        host.last_request()
            .to_lowercase()
            .contains("authorization: basic b3bzonmzy3jldA==".to_lowercase().as_str())
    );
    for (arguments, part) in [
        (&["--principal", "ops"][..], "--secret-file <FILE>"),
        (&["--principal", "a:b", "--secret-file", "secret"], "a colon"),
        (&["--principal", "ops", "--secret-file", "missing"], "--secret-file missing: No such file"),
        (&["--principal", "ops", "--secret-file", "/dev/null"], "it is empty"),
    ] {
        let run = explain(arguments);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(run.err.contains(part), "{part} is missing in {}", run.err);
    }
}

#[test]
fn every_way_to_get_no_answer_has_its_message() {
    let bench = Bench::new();
    let said = |arguments: &[&str], part: &str| {
        let run = bench.run(&[&["hooks", "explain"], arguments].concat());
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with("error: ") && run.err.contains(part), "{part} is missing in {}", run.err);
    };
    let answering = |status: &str, body: &str| Host::answering(status, body).address;
    said(&[&answering("404 Not Found", "")], "--hooks=org_apportion_Hook");
    said(&[&answering("404 Not Found", "")], "hook.endpoint");
    said(&[&answering("403 Forbidden", "")], "--firewall_rules");
    said(&[&answering("503 Service Unavailable", "come\nback")], "status 503: \"come\\nback\"");
    said(&[&answering("307 Temporary Redirect", "")], "status 307");
    said(&[&answering("200 OK", "<html>")], "no JSON: \"<html>\"");
    said(&[&answering("200 OK", "[1]")], "found an array, expected a JSON object");
    said(&[&Host::start(|_| "garbage\r\n\r\n".to_owned()).address], "127.0.0.1");
    said(&[&Host::start(|_| String::new()).address], "127.0.0.1");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    said(&[&closed], "connection refused");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    said(&[&silent.local_addr().unwrap().to_string(), "--timeout", "1"], "no answer within 1 s");
    said(&["https://localhost:5050"], "TLS is not spoken");
    said(&["ftp://localhost"], "scheme is unknown");
    said(&["http://"], "it has no host");
    said(&["http://local host:1"], "characters that an address cannot have");
    let run = bench.run(&["hooks", "explain", "http://ops:s3cret@localhost:5050"]);
    assert!(
        run.err.contains("use --principal and --secret-file") && !run.err.contains("s3cret"),
        "{}",
        run.err
    );
}

#[test]
fn half_an_answer_is_no_answer() {
    let bench = Bench::new();
    let host = Host::start(|_| "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"rules\": [".to_owned());
    let run = bench.run(&["hooks", "explain", &host.address]);
    assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
}

#[test]
fn answer_of_another_version_is_shown_as_far_as_it_goes() {
    let bench = Bench::new();
    let host =
        Host::answering("200 OK", r#"{"rules": [{"rule": "a\u001b[2J", "hits": "many"}, 7], "files": 1}"#);
    let run = bench.run(&["hooks", "explain", &host.address]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("a\\u{1b}[2J  -   many       -  on"), "{}", run.out);
}

#[test]
fn reload_tells_what_came_of_it() {
    let bench = Bench::new();
    let (hooks, file) = hooks(bench.folder());
    let host = Host::start(move |head| {
        assert!(head.starts_with("POST /apportion/hooks/reload HTTP/1.1\r\n"), "{head}");
        match hooks.reload() {
            Ok(outcome) => http("200 OK", &outcome.to_string()),
            Err(problem) => http("409 Conflict", &problem),
        }
    });
    let reload = |more: &[&str]| bench.run(&[&["hooks", "reload", &host.address], more].concat());
    let fine = reload(&[]);
    assert_eq!((fine.code, &*fine.out, &*fine.err), (Some(0), "ok: 4 rules are in force\n", ""));
    let json: Value = serde_json::from_str(&reload(&["--json"]).out).unwrap();
    assert_eq!(json, serde_json::json!({ "reloaded": true, "rules": 4 }));
    std::fs::write(&file, "[hook]\nrulez = 1\n").unwrap();
    let refused = reload(&[]);
    assert_eq!((refused.code, &*refused.err), (Some(1), ""));
    assert!(refused.out.starts_with("refused: the rules before stay in force\n"), "{}", refused.out);
    assert!(refused.out.contains("hook.rulez"), "{}", refused.out);
    let json: Value = serde_json::from_str(&reload(&["--json"]).out).unwrap();
    assert_eq!(json["reloaded"], false);
    assert!(json["problem"].as_str().unwrap().contains("hook.rulez"), "{json}");
}

#[test]
fn refusal_as_json_is_understood_and_other_answers_are_not_taken_for_one() {
    let bench = Bench::new();
    let reload = |status: &str, body: &str| {
        let run = bench.run(&["hooks", "reload", &Host::answering(status, body).address]);
        (run.code, run.out, run.err)
    };
    let (code, out, _) = reload("422 Unprocessable Entity", r#"{"reloaded": false, "problem": "line 3"}"#);
    assert_eq!((code, &*out), (Some(1), "refused: the rules before stay in force\n  line 3\n"));
    let (code, out, err) = reload("200 OK", r#"{"reloaded": true}"#);
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.contains("found no `reloaded` and `rules`"), "{err}");
    assert_eq!(reload("500 Internal Server Error", "oops").0, Some(2));
    assert!(reload("404 Not Found", "").2.contains("has not loaded the hook module"));
}

#[test]
fn watching_asks_again() {
    let bench = Bench::new();
    let host = Host::answering("200 OK", r#"{"rules": []}"#);
    let mut command = bench.command(&["hooks", "explain", &host.address, "--watch", "1"]);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let began = std::time::Instant::now();
    while host.requests.lock().unwrap().len() < 2 {
        assert!(began.elapsed().as_secs() < 30, "it asked only once");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
