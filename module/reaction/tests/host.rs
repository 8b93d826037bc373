//! What the host's process sees of it: its threads, signals, descriptors and children.
//!
//! One test, because all of it belongs to the whole process.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod heard;

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use apportion_reaction::{AuditLine, AuditLog, AuditSettings, Command, Ending, PoolSettings};
use heard::{Heard, LONG, outcome, patient, pid_of};
use rustix::process::{Pid, getpid, set_child_subreaper};

/// SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD and the first signal of real time.
const FROM_OUTSIDE: [u32; 10] = [1, 2, 3, 10, 12, 13, 14, 15, 17, 34];
/// SIGILL, SIGBUS, SIGFPE, SIGSEGV.
const FAULTS: [u32; 4] = [4, 7, 8, 11];

/// A field of a `status` file in /proc.
fn field(status: &str, name: &str) -> String {
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

fn signals(status: &str, name: &str) -> u64 {
    u64::from_str_radix(&field(status, name), 16).unwrap()
}

/// The names of this process' threads with the signals they block.
fn threads() -> Vec<(String, u64)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok());
    statuses.map(|status| (field(&status, "Name:"), signals(&status, "SigBlk:"))).collect()
}

/// Processes whose parent is this one, with their states.
fn children() -> Vec<(i32, String)> {
    let own = getpid().as_raw_nonzero().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let statuses = ids.filter_map(|id| Some((id, fs::read_to_string(format!("/proc/{id}/status")).ok()?)));
    let own_ones = statuses.filter(|(_, status)| field(status, "PPid:") == own);
    own_ones.map(|(id, status)| (id, field(&status, "State:"))).collect()
}

fn until(what: &str, mut look: impl FnMut() -> bool) {
    let started = Instant::now();
    while !look() {
        assert!(started.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Threads have names and leave signals from outside to the host's threads.
fn threads_are_named_and_quiet(folder: &std::path::Path) {
    let before = nix::sys::signal::SigSet::thread_get_mask().unwrap();
    let log = AuditLog::start(&folder.join("audit"), &AuditSettings::default(), |_| {}).unwrap();
    let (pool, _heard) = Heard::start(&PoolSettings { running_max: 3, ..PoolSettings::default() });
    assert_eq!(
        nix::sys::signal::SigSet::thread_get_mask().unwrap(),
        before,
        "the starter's mask is as it was"
    );
    log.record(AuditLine::new());
    assert!(log.flush(LONG));
    let names = ["apportion-audit", "apportion-cmd1", "apportion-cmd2", "apportion-cmd3"];
    let mut found = Vec::new();
    // A thread names itself when it begins.
    until("threads with these names", || {
        found = threads();
        found.retain(|(name, _)| name.starts_with("apportion-"));
        found.sort();
        found.iter().map(|(name, _)| name.as_str()).eq(names)
    });
    for (name, blocked) in found {
        assert!(FROM_OUTSIDE.iter().all(|number| blocked >> (number - 1) & 1 == 1), "{name}: {blocked:x}");
        assert!(FAULTS.iter().all(|number| blocked >> (number - 1) & 1 == 0), "{name}: {blocked:x}");
    }
    drop(pool);
    drop(log);
    until("no thread stays", || !threads().iter().any(|(name, _)| name.starts_with("apportion-")));
}

/// A command blocks and ignores no signal, has a group of its own and the standard descriptors alone.
fn a_command_inherits_nothing(folder: &std::path::Path) {
    let secret = fs::File::create(folder.join("secret")).unwrap();
    // One that a program started by the host would inherit, with a number far behind the others.
    let inherited = rustix::io::fcntl_dupfd_cloexec(&secret, 200).unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
    let plain = std::process::Command::new("/bin/ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    assert!(String::from_utf8(plain.stdout).unwrap().contains("secret"), "it would be inherited");

    let (report, lines) = outcome(Command::new("rule", ["/bin/ls", "-l", "/proc/self/fd"]).unwrap());
    assert_eq!(report.ending, Ending::Exited(0));
    let listed: Vec<&str> =
        lines.iter().filter(|(_, text)| text.contains(" -> ")).map(|(_, text)| &**text).collect();
    let numbers: BTreeSet<&str> =
        listed.iter().map(|text| text.split(" -> ").next().unwrap().rsplit(' ').next().unwrap()).collect();
    // 3 is the folder that is being listed.
    assert_eq!(numbers, BTreeSet::from(["0", "1", "2", "3"]), "{listed:?} besides {}", inherited.as_raw_fd());
    assert!(listed.iter().any(|text| text.ends_with("0 -> /dev/null")), "{listed:?}");

    let (_, lines) =
        outcome(Command::new("rule", ["/bin/cat", "/proc/self/status", "/proc/self/stat"]).unwrap());
    let status: String = lines.iter().map(|(_, text)| format!("{text}\n")).collect();
    // 32 and 33 are glibc's own for its threads; it has them ignored in what it spawns until a program needs them.
    let ignored = signals(&status, "SigIgn:") & !(0b11 << 31);
    assert_eq!((signals(&status, "SigBlk:"), ignored), (0, 0));
    let (stat, pid) = (&lines.last().unwrap().1, field(&status, "Pid:"));
    let group = stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap();
    assert_eq!(group, pid, "{stat}");
}

/// No child of this process stays, whatever the command does; not even those that become its children when their parent
/// dies, as they do where the host is the system's first process.
fn no_child_stays() {
    set_child_subreaper(Some(getpid())).unwrap();
    for script in [
        "exit 0",
        "kill -KILL $$",
        "/bin/sleep 100000 & exit 0",
        "(/bin/sleep 100000 & /bin/sleep 100000 & wait) & (exit 0) & exit 3",
    ] {
        outcome(patient(script));
    }
    outcome(Command::new("rule", ["/nowhere"]).unwrap());
    let (pool, heard) = Heard::start(&PoolSettings { grace: Duration::ZERO, ..PoolSettings::default() });
    assert!(pool.submit(patient("/bin/sleep 100000 & echo $!; wait")));
    let grandchild: Pid = pid_of(&heard.first_line("rule"));
    assert!(children().len() == 1);
    drop(pool);
    assert!(heard.ended("rule").is_some());
    assert_eq!(children(), [], "with {grandchild}");
    set_child_subreaper(None).unwrap();
}

#[test]
fn the_host_keeps_its_signals_its_descriptors_and_no_children() {
    let folder = tempfile::tempdir().unwrap();
    threads_are_named_and_quiet(folder.path());
    a_command_inherits_nothing(folder.path());
    no_child_stays();
}
