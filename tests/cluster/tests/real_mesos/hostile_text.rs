//! Names, roles and ids that frameworks choose: bytes that are no text, control characters, great lengths.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use apportion_cluster_tests::{WITHIN, agent, labels, master, only_offer, subscribe, task_on_agent};
use apportion_rig::{Framework, FrameworkSpec, Master, TaskSpec, TaskState};

/// What a forged line of the log would begin with.
const FORGED: &str = "E1231 23:59:59.000000     1 forged.cpp:1] forged";

/// Subscribes with these bytes as `FrameworkInfo`, which no JSON writer would make; reads until the first offer.
/// `Err` is the master's answer when it refuses.
fn subscribe_raw(master: &Master, info: &[u8]) -> Result<(TcpStream, String), String> {
    let mut body = b"{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":".to_vec();
    body.extend_from_slice(info);
    body.extend_from_slice(b"}}");
    let mut stream = TcpStream::connect(master.address()).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    write!(
        stream,
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n",
        master.address(),
        body.len()
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut status = String::new();
    reader.read_line(&mut status).unwrap();
    let mut read = Vec::new();
    let mut block = [0; 4096];
    loop {
        let size = reader.read(&mut block).unwrap();
        read.extend_from_slice(&block[..size]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if !status.contains("200") && (size == 0 || text.contains("\r\n\r\n")) {
            return Err(format!("{status}{text}"));
        }
        assert!(size > 0, "the stream ended after {text}");
        if text.contains("\"OFFERS\"") {
            return Ok((stream, text));
        }
    }
}

/// Our own lines of a log: each begins with the severity and names a source file of ours.
fn own_lines(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("] apportion: ") && line.contains(".rs:")).collect()
}

/// Nothing we log is continued on a line of its own, and no control character is in it.
fn require_own_lines_are_whole(log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        if !own_lines(line).is_empty() {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            let next = lines.get(number + 1).copied().unwrap_or_default();
            assert!(!next.starts_with(FORGED), "a forged line after {line:?}: {next}");
        }
    }
    assert!(log.contains("apportion: offer of agent"), "offers are explained:\n{log}");
}

/// The master works: it answers, and a well-behaved framework runs a task.
fn require_alive(master: &Master) {
    let mut framework = subscribe(master.address(), "well-behaved", &["*"]);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("sane", "true")], Some(600.0)).unwrap();
    framework.wait_status("sane", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn framework_with_a_name_and_role_that_are_no_utf8_gets_offers() {
    let master = master(&[]).agents(1).start().unwrap();
    let info = b"{\"name\":\"na\xff\xfeme\",\"user\":\"us\xffer\",\"roles\":[\"ro\xff\xf0le\"],\
                 \"capabilities\":[{\"type\":\"MULTI_ROLE\"}],\"labels\":{\"labels\":[{\"key\":\"\xff\"}]}}";
    let (stream, text) = subscribe_raw(&master, info).unwrap();
    assert!(text.contains("ro\u{fffd}\u{fffd}le"), "{text}");
    master.state().unwrap();
    master.get_json("/roles").unwrap();
    drop(stream);
    require_alive(&master);
    require_own_lines_are_whole(&master.log());
}

#[test]
fn framework_with_an_id_that_is_no_utf8_gets_offers() {
    let master = master(&[]).agents(1).start().unwrap();
    let info = b"{\"name\":\"n\",\"user\":\"u\",\"roles\":[\"*\"],\"id\":{\"value\":\"id\xff\xc0-0001\"},\
                 \"capabilities\":[{\"type\":\"MULTI_ROLE\"}]}";
    let mut body = Vec::from(&info[..]);
    // The call has to repeat the id; it is put beside the framework's description.
    body.extend_from_slice(b"},\"framework_id\":{\"value\":\"id\xff\xc0-0001\"");
    let (stream, text) = subscribe_raw(&master, &body).unwrap();
    assert!(text.contains("id\u{fffd}\u{fffd}-0001"), "{text}");
    drop(stream);
    require_alive(&master);
    require_own_lines_are_whole(&master.log());
}

#[test]
fn framework_name_with_line_breaks_forges_no_line_of_ours() {
    let parameters = [
        ("hook.environment.NAME", "{{ framework.name }}"),
        ("hook.environment.MISSING", "{{ framework.labels.none }}"),
        ("hook.labels.name", "{{ framework.name }}"),
    ];
    let master = master(&parameters).start().unwrap();
    let agent = agent(master.address(), &parameters).start().unwrap();
    let name = format!("first\n{FORGED}\r\n\u{1b}[31mred\u{7}\u{0085}\u{2028}end");
    let spec = FrameworkSpec::new(&name).labels(&[(&format!("key\n{FORGED}"), "value")]);
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = only_offer(&mut framework);
    let task = TaskSpec::new("task", "printenv NAME").field("name", format!("task\n{FORGED}").into());
    framework.launch(&offer, &[task], Some(600.0)).unwrap();
    framework.wait_status("task", TaskState::Finished, WITHIN).unwrap();

    let output =
        std::fs::read_to_string(agent.sandbox(framework.id(), "task").unwrap().join("stdout")).unwrap();
    assert_eq!(output, format!("{name}\n"), "the value is what it is");
    let task = task_on_agent(&agent.state().unwrap(), "task").expect("the task on the agent's page");
    assert!(labels(&task).contains(&("name".to_owned(), name)), "{task}");
    require_own_lines_are_whole(&master.log());
    let log = agent.log();
    assert!(own_lines(&log).iter().any(|line| line.contains("MISSING")), "{log}");
    for line in own_lines(&log) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn very_long_names_roles_and_ids_are_taken() {
    let parameters = [
        ("hook.labels.name", "{{ framework.name | truncate(40) }}"),
        ("hook.environment.ROLE", "{{ framework.role }}"),
    ];
    let master = master(&parameters).start().unwrap();
    let agent = agent(master.address(), &parameters).start().unwrap();
    let name = "n".repeat(100_000);
    let role = format!("{}/{}", "r".repeat(20_000), "s".repeat(20_000));
    let mut framework =
        Framework::subscribe(master.address(), FrameworkSpec::new(&name).roles(&[&role])).unwrap();
    let offer = only_offer(&mut framework);
    assert_eq!(offer.role.as_deref(), Some(&*role));
    let id = "t".repeat(200);
    framework.launch(&offer, &[TaskSpec::new(&id, "printenv ROLE")], Some(600.0)).unwrap();
    framework.wait_status(&id, TaskState::Finished, WITHIN).unwrap();
    let output = std::fs::read_to_string(agent.sandbox(framework.id(), &id).unwrap().join("stdout")).unwrap();
    assert_eq!(output.trim_end(), role);
    require_own_lines_are_whole(&master.log());
}
