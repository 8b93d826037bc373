//! Commands as real processes: what they get, how they end.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod heard;

use std::fs;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use apportion_reaction::{
    Command, CommandCounters, CommandPool, Ending, OUTPUT_LINE_BYTES_MAX, PoolError, PoolSettings, Stream,
};
use heard::{Heard, LONG, end_of, is_gone, outcome, patient, pid_of, shell};

#[test]
fn a_command_gets_its_arguments_as_they_are_and_no_shell() {
    let words = ["/usr/bin/printf", "%s|", "$HOME", "a b", "", "*", "ä\n\"'`id`"];
    let (report, lines) = outcome(Command::new("rule", words).unwrap());
    assert_eq!(report.ending, Ending::Exited(0));
    let text: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(text, ["$HOME|a b||*|ä", "\"'`id`|"]);
}

#[test]
fn its_environment_is_what_was_named() {
    let command = Command::new("rule", ["/usr/bin/env"])
        .unwrap()
        .variable("B", "old")
        .unwrap()
        .variable("A", "x=y z")
        .unwrap()
        .variable("B", "new")
        .unwrap();
    let (_, lines) = outcome(command);
    assert_eq!(lines, [(Stream::Output, "A=x=y z".to_owned()), (Stream::Output, "B=new".to_owned())]);
    let (_, lines) = outcome(Command::new("rule", ["/usr/bin/env"]).unwrap());
    assert!(lines.is_empty(), "{lines:?}");
}

#[test]
fn its_input_is_empty_or_one_document() {
    let (report, lines) = outcome(Command::new("rule", ["/bin/cat"]).unwrap());
    assert_eq!((report.ending, lines.len()), (Ending::Exited(0), 0));
    let document = serde_json::json!({ "task": "t\n1", "cpus": 0.5 });
    let (_, lines) = outcome(Command::new("rule", ["/bin/cat"]).unwrap().document(&document).unwrap());
    assert_eq!(lines, [(Stream::Output, r#"{"task":"t\n1","cpus":0.5}"#.to_owned())]);
}

#[test]
fn a_document_larger_than_a_pipe_goes_through_beside_the_output() {
    let text = "x".repeat(900_000);
    let settings = PoolSettings { output_bytes_max: 2_000_000, ..PoolSettings::default() };
    let (pool, heard) = Heard::start(&settings);
    let copy = Command::new("rule", ["/bin/cat"]).unwrap().document(&text).unwrap().timeout(LONG);
    assert!(pool.submit(copy));
    assert_eq!(heard.end("rule").ending, Ending::Exited(0));
    let back: String = heard.lines("rule").into_iter().map(|(_, text)| text).collect();
    assert_eq!(back, format!("\"{text}\""));
}

#[test]
fn a_command_that_does_not_read_its_document_is_none_the_worse() {
    let document = "x".repeat(900_000);
    let silent = shell("exec 0<&-; echo done").document(&document).unwrap();
    let (report, lines) = outcome(silent);
    assert_eq!(report.ending, Ending::Exited(0));
    assert_eq!(lines, [(Stream::Output, "done".to_owned())]);
    assert_eq!(
        end_of(Command::new("rule", ["/bin/true"]).unwrap().document(&document).unwrap()),
        Ending::Exited(0)
    );
}

#[test]
fn both_streams_are_heard_and_the_status_is_told() {
    let (report, lines) = outcome(shell("echo out; echo err >&2; printf tail; exit 7"));
    assert_eq!(report.ending, Ending::Exited(7));
    let of = |stream| lines.iter().filter(move |line| line.0 == stream).map(|line| line.1.as_str());
    assert_eq!(of(Stream::Output).collect::<Vec<_>>(), ["out", "tail"]);
    assert_eq!(of(Stream::Errors).collect::<Vec<_>>(), ["err"]);
}

#[test]
fn an_end_by_a_signal_is_told() {
    assert_eq!(end_of(shell("kill -SEGV $$")), Ending::Signalled(11));
    assert_eq!(end_of(shell("kill -KILL $$")), Ending::Signalled(9));
    assert_eq!(
        end_of(shell("kill -PIPE $$")),
        Ending::Signalled(13),
        "it is not ignored, as it is in this process"
    );
}

#[test]
fn megabytes_of_output_are_read_and_what_is_too_much_is_counted() {
    let settings = PoolSettings { output_bytes_max: 10_000, ..PoolSettings::default() };
    let (pool, heard) = Heard::start(&settings);
    assert!(pool.submit(shell("/usr/bin/head -c 5000000 /dev/zero; echo end >&2")));
    let report = heard.end("rule");
    assert_eq!(report.ending, Ending::Exited(0));
    assert_eq!(report.discarded_bytes, 5_000_004 - 10_000);
    let lines = heard.lines("rule");
    let bytes: usize = lines.iter().map(|(_, text)| text.len()).sum();
    assert_eq!(bytes, 10_000);
    assert!(lines.iter().all(|(_, text)| text.len() <= OUTPUT_LINE_BYTES_MAX));
    assert!(pool.wait_until_idle(LONG));
    assert_eq!(pool.counters().discarded_bytes, report.discarded_bytes);
}

#[test]
fn a_command_that_closes_its_output_is_still_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = format!("exec >&- 2>&-; until [ -e {} ]; do /bin/sleep 0.05; done; exit 3", gate.display());
    let (pool, heard) = Heard::start(&PoolSettings::default());
    assert!(pool.submit(patient(&script)));
    while pool.counters().running == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!pool.wait_until_idle(Duration::from_millis(300)));
    fs::write(&gate, "").unwrap();
    assert_eq!(heard.end("rule").ending, Ending::Exited(3));
}

#[test]
fn a_program_that_cannot_be_started_is_told_with_its_reason() {
    let reason = |program: &str| match end_of(Command::new("rule", [program]).unwrap()) {
        Ending::NotStarted { reason } => reason,
        other => panic!("{program}: {other}"),
    };
    assert!(reason("/nowhere/at/all").contains("No such file"));
    assert!(reason("/tmp").contains("Permission denied"));
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::File::create(&text).unwrap().write_all(b"no program").unwrap();
    fs::set_permissions(&text, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(reason(text.to_str().unwrap()).contains("Exec format"), "no shell takes it instead");
    let long = "x".repeat(200_000);
    let too_long = end_of(Command::new("rule", ["/bin/true", &long]).unwrap());
    assert!(matches!(too_long, Ending::NotStarted { reason } if reason.contains("too long")));
}

/// Runs a script that says `ready` when it is prepared, with a timeout that was long enough for it to say so.
fn timed_out_when_ready(script: &str, grace: Duration) -> (Ending, Vec<String>) {
    let mut timeout = Duration::from_millis(200);
    loop {
        let (pool, heard) = Heard::start(&PoolSettings { grace, ..PoolSettings::default() });
        assert!(pool.submit(shell(script).timeout(timeout)));
        let ending = heard.end("rule").ending;
        // The shell tells on standard error when a signal ended a child.
        let output = heard.lines("rule").into_iter().filter(|(stream, _)| *stream == Stream::Output);
        let lines: Vec<String> = output.map(|(_, text)| text).collect();
        if lines.iter().any(|line| line == "ready") {
            assert!(pool.wait_until_idle(LONG));
            assert_eq!(pool.counters(), CommandCounters { timed_out: 1, ..CommandCounters::default() });
            return (ending, lines);
        }
        timeout *= 2;
        assert!(timeout < LONG, "never ready: {ending:?} {lines:?}");
    }
}

#[test]
fn a_command_that_hangs_is_terminated() {
    let (ending, _) = timed_out_when_ready("echo ready; exec /bin/sleep 100000", LONG);
    assert_eq!(ending, Ending::TimedOut { was_killed: false });
}

#[test]
fn a_command_that_cleans_up_when_terminated_has_time_for_it() {
    let script = "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do /bin/sleep 0.05; done";
    let (ending, lines) = timed_out_when_ready(script, LONG);
    assert_eq!(ending, Ending::TimedOut { was_killed: false });
    assert_eq!(lines.last().unwrap(), "cleaned");
}

#[test]
fn a_command_that_ignores_sigterm_is_killed_with_its_children() {
    let script = "trap '' TERM; /bin/sleep 100000 & echo $!; echo ready; while :; do /bin/sleep 0.05; done";
    let (ending, lines) = timed_out_when_ready(script, Duration::from_millis(100));
    assert_eq!(ending, Ending::TimedOut { was_killed: true });
    is_gone(pid_of(&lines[0]));
}

#[test]
fn a_stopped_command_is_terminated_all_the_same() {
    let (ending, _) = timed_out_when_ready("echo ready; kill -STOP $$", LONG);
    assert_eq!(ending, Ending::TimedOut { was_killed: false });
}

#[test]
fn children_that_stay_are_killed_when_the_program_ends() {
    let (report, lines) = outcome(patient("/bin/sleep 100000 & echo $!; exit 4"));
    assert_eq!(report.ending, Ending::Exited(4), "the end of the output was not waited for");
    is_gone(pid_of(&lines[0].1));
}

#[test]
fn a_child_that_left_the_group_goes_on_and_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("left").display().to_string();
    let child = format!("/usr/bin/setsid /bin/sh -c 'echo $$; : >{left}; exec /bin/sleep 100000' &");
    let (report, lines) =
        outcome(patient(&format!("{child} until [ -e {left} ]; do /bin/sleep 0.05; done; exit 4")));
    assert_eq!(report.ending, Ending::Exited(4), "the end of the output was not waited for");
    let pid = pid_of(&lines[0].1);
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    is_gone(pid);
}

#[test]
fn so_many_run_at_a_time_so_many_wait_and_the_others_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = format!("until [ -e {} ]; do /bin/sleep 0.05; done", gate.display());
    let settings = PoolSettings { running_max: 2, queue_max: 3, ..PoolSettings::default() };
    let (pool, _heard) = Heard::start(&settings);
    for expected in 1..=2 {
        assert!(pool.submit(patient(&script)));
        while pool.counters().running != expected {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let taken = (0..10).filter(|_| pool.submit(patient(&script))).count();
    assert_eq!(taken, 3);
    let counters = pool.counters();
    assert_eq!((counters.running, counters.queued, counters.dropped), (2, 3, 7));
    fs::write(&gate, "").unwrap();
    assert!(pool.wait_until_idle(LONG));
    assert_eq!(pool.counters(), CommandCounters { done: 5, dropped: 7, ..CommandCounters::default() });
}

#[test]
fn a_queue_of_commands_is_bounded_by_bytes_too() {
    let settings = PoolSettings { queue_bytes_max: 1000, ..PoolSettings::default() };
    let (pool, heard) = Heard::start(&settings);
    let big = Command::new("rule", ["/bin/cat"]).unwrap().document(&"x".repeat(1000)).unwrap();
    assert!(!pool.submit(big));
    assert!(pool.submit(Command::new("rule", ["/bin/true"]).unwrap()));
    assert_eq!(heard.end("rule").ending, Ending::Exited(0));
}

#[test]
fn hundreds_of_commands_from_several_threads_all_end() {
    let settings = PoolSettings { running_max: 8, queue_max: 1000, ..PoolSettings::default() };
    let (pool, heard) = Heard::start(&settings);
    thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for number in 0..50 {
                    let label = format!("{thread}-{number}");
                    assert!(pool.submit(Command::new(&label, ["/bin/echo", &label]).unwrap().timeout(LONG)));
                }
            });
        }
    });
    assert!(pool.wait_until_idle(LONG));
    assert_eq!(pool.counters(), CommandCounters { done: 200, ..CommandCounters::default() });
    for label in (0..4).flat_map(|thread| (0..50).map(move |number| format!("{thread}-{number}"))) {
        assert_eq!(heard.lines(&label), [(Stream::Output, label.clone())]);
    }
}

#[test]
fn dropping_a_pool_ends_what_runs_and_throws_away_what_waits() {
    let settings =
        PoolSettings { running_max: 1, grace: Duration::from_millis(100), ..PoolSettings::default() };
    let (pool, heard) = Heard::start(&settings);
    let stubborn = patient("trap '' TERM; /bin/sleep 100000 & echo $!; while :; do /bin/sleep 0.05; done");
    assert!(pool.submit(stubborn));
    let child = pid_of(&heard.first_line("rule"));
    assert!(pool.submit(Command::new("waits", ["/bin/true"]).unwrap()));
    drop(pool);
    assert_eq!(heard.end("rule").ending, Ending::Stopped);
    assert!(heard.ended("waits").is_none());
    is_gone(child);
}

#[test]
fn a_detached_pool_ends_when_its_commands_have() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = format!("until [ -e {} ]; do /bin/sleep 0.05; done", gate.display());
    let (pool, heard) = Heard::start(&PoolSettings { running_max: 1, ..PoolSettings::default() });
    assert!(pool.submit(patient(&script)));
    assert!(pool.submit(Command::new("waits", ["/bin/true"]).unwrap()));
    pool.detach();
    assert!(heard.ended("rule").is_none());
    fs::write(&gate, "").unwrap();
    assert_eq!(heard.end("rule").ending, Ending::Exited(0));
    assert_eq!(heard.end("waits").ending, Ending::Exited(0));
}

#[test]
fn a_callback_that_panics_ends_neither_command_nor_pool() {
    let (sender, ended) = std::sync::mpsc::channel();
    let pool =
        CommandPool::start(&PoolSettings { running_max: 1, ..PoolSettings::default() }, move |_, event| {
            if let apportion_reaction::CommandEvent::Ended(report) = &event {
                let _ = sender.send(report.ending.clone());
            }
            panic!("{event:?}");
        });
    let pool = pool.unwrap();
    for _ in 0..3 {
        assert!(pool.submit(Command::new("rule", ["/bin/echo", "x"]).unwrap()));
        assert_eq!(ended.recv_timeout(LONG).unwrap(), Ending::Exited(0));
    }
}

#[test]
fn senseless_settings_of_a_pool_are_refused() {
    let refused = |settings: PoolSettings| CommandPool::start(&settings, |_, _| {}).unwrap_err();
    for running_max in [0, 65] {
        let error = refused(PoolSettings { running_max, ..PoolSettings::default() });
        assert_eq!(error.to_string(), format!("pool of commands: {running_max} at a time; take 1 to 64"));
    }
    assert!(matches!(refused(PoolSettings { queue_max: 0, ..PoolSettings::default() }), PoolError::NoRoom));
    assert!(matches!(
        refused(PoolSettings { queue_bytes_max: 0, ..PoolSettings::default() }),
        PoolError::NoRoom
    ));
}
