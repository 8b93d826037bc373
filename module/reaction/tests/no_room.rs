//! A disk that is full in the middle of a line, by a limit on the size of this process' files.
//!
//! One test, because the limit belongs to the whole process.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::fs;
use std::time::Duration;

use apportion_reaction::{AuditLine, AuditLog, AuditSettings};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const LONG: Duration = Duration::from_secs(300);

#[test]
fn a_line_cut_by_a_full_disk_is_the_only_one_that_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let log = AuditLog::start(&file, &AuditSettings::default(), |_| {}).unwrap();
    log.record(AuditLine::new().integer("number", 1));
    assert!(log.flush(LONG));
    let unlimited = getrlimit(Resource::Fsize);
    // The system also sends SIGXFSZ, which would end the process in a thread that does not block it.
    setrlimit(Resource::Fsize, Rlimit { current: Some(20), maximum: unlimited.maximum }).unwrap();
    log.record(AuditLine::new().integer("number", 2));
    log.record(AuditLine::new().integer("number", 3));
    assert!(log.flush(LONG));
    setrlimit(Resource::Fsize, unlimited).unwrap();
    log.record(AuditLine::new().integer("number", 4));
    log.record(AuditLine::new().integer("number", 5));
    assert!(log.flush(LONG));
    let expected = "{\"number\":1}\n{\"numbe\n{\"number\":4,\"lost_lines\":2}\n{\"number\":5}\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    let counters = log.counters();
    assert_eq!((counters.done, counters.failed, counters.lost_lines), (3, 2, 2));
}
