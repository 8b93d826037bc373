//! The audit log on real files.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use apportion_reaction::{AuditError, AuditLine, AuditLog, AuditNotice, AuditSettings, LINE_BYTES_MAX};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use serde_json::Value;
use tempfile::TempDir;

/// Nothing takes so long; a test that waits in vain fails instead of hanging.
const LONG: Duration = Duration::from_secs(300);

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    (folder, file)
}

/// A log whose notices can be received.
fn log(file: &Path, settings: &AuditSettings) -> (AuditLog, mpsc::Receiver<AuditNotice>) {
    let (sender, notices) = mpsc::channel();
    let log = AuditLog::start(file, settings, move |notice| {
        let _ = sender.send(notice.clone());
    });
    (log.unwrap(), notices)
}

fn numbered(number: i64) -> AuditLine {
    AuditLine::new().integer("number", number)
}

/// All lines of a file; each has to be JSON.
fn lines(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(file: &Path) -> Vec<i64> {
    lines(file).iter().filter_map(|line| line["number"].as_i64()).collect()
}

/// A log whose writer is held in the callback about its first line, which cannot be written, until the returned sender is
/// used or dropped. The file's folder is there when this returns.
fn held(folder: &TempDir, settings: &AuditSettings) -> (AuditLog, PathBuf, mpsc::Sender<()>) {
    let file = folder.path().join("later/audit.jsonl");
    let (arrived, is_held) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    let log = AuditLog::start(&file, settings, move |notice| {
        if matches!(notice, AuditNotice::Failing { .. }) {
            let _ = arrived.send(());
            let _ = gate.recv();
        }
    });
    let log = log.unwrap();
    log.record(AuditLine::new().text("event", "into nowhere"));
    is_held.recv_timeout(LONG).unwrap();
    fs::create_dir(file.parent().unwrap()).unwrap();
    (log, file, release)
}

#[test]
fn a_new_file_is_for_its_owner_and_an_old_one_stays_as_it_is() {
    let (_folder, file) = folder();
    let (first, _notices) = log(&file, &AuditSettings::default());
    first.record(numbered(1));
    assert!(first.flush(LONG));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(first);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let (second, _notices) = log(&file, &AuditSettings::default());
    second.record(numbered(2));
    assert!(second.flush(LONG));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(numbers(&file), [1, 2]);
    assert_eq!(second.counters().done, 1);
    assert_eq!(second.path(), file);
}

#[test]
fn lines_of_many_threads_and_two_logs_are_whole_and_in_order() {
    const THREADS: i64 = 4;
    const LINES: i64 = 500;
    let (_folder, file) = folder();
    let settings = AuditSettings { lines_max: 10_000, bytes_max: 64 * 1024 * 1024 };
    let logs = [log(&file, &settings), log(&file, &settings)];
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, _) = &logs[usize::try_from(thread % 2).unwrap()];
            scope.spawn(move || {
                for number in 0..LINES {
                    let text = "x\n".repeat(usize::try_from(number).unwrap());
                    log.record(numbered(number).integer("thread", thread).text("text", &text));
                }
            });
        }
    });
    for (log, _) in &logs {
        assert!(log.flush(LONG));
        assert_eq!(log.counters().lost_lines, 0);
    }
    let lines = lines(&file);
    for thread in 0..THREADS {
        let own: Vec<i64> = lines
            .iter()
            .filter(|line| line["thread"] == thread)
            .map(|line| line["number"].as_i64().unwrap())
            .collect();
        assert_eq!(own, (0..LINES).collect::<Vec<_>>());
    }
}

#[test]
fn after_rotation_lines_go_into_a_new_file() {
    let (folder, file) = folder();
    let (log, notices) = log(&file, &AuditSettings::default());
    let moved = folder.path().join("audit.jsonl.1");
    log.record(numbered(1));
    assert!(log.flush(LONG));
    fs::rename(&file, &moved).unwrap();
    log.record(numbered(2));
    log.record(numbered(3));
    assert!(log.flush(LONG));
    assert_eq!((numbers(&moved), numbers(&file)), (vec![1], vec![2, 3]));
    fs::remove_file(&file).unwrap();
    log.record(numbered(4));
    assert!(log.flush(LONG));
    assert_eq!(numbers(&file), [4]);
    fs::remove_file(&moved).unwrap();
    fs::rename(&file, &moved).unwrap();
    fs::write(&file, "{\"number\":5}\n").unwrap();
    log.record(numbered(6));
    assert!(log.flush(LONG));
    assert_eq!(numbers(&file), [5, 6], "what the rotation made in its place is used");
    assert_eq!(log.counters().reopened, 3);
    assert_eq!(notices.try_iter().count(), 0);
}

#[test]
fn lines_follow_a_file_that_is_truncated_in_place() {
    let (_folder, file) = folder();
    let (log, _notices) = log(&file, &AuditSettings::default());
    log.record(numbered(1));
    assert!(log.flush(LONG));
    fs::File::options().write(true).open(&file).unwrap().set_len(0).unwrap();
    log.record(numbered(2));
    assert!(log.flush(LONG));
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"number\":2}\n");
}

#[test]
fn no_line_is_lost_or_torn_while_a_file_is_rotated_all_the_time() {
    const LINES: i64 = 2000;
    let (folder, file) = folder();
    let (log, _notices) = log(&file, &AuditSettings { lines_max: 4096, bytes_max: 64 * 1024 * 1024 });
    let mut rotations = 0;
    for number in 0..LINES {
        log.record(numbered(number));
        if number % 100 == 99 && fs::rename(&file, folder.path().join(format!("old{rotations:04}"))).is_ok() {
            rotations += 1;
        }
    }
    assert!(log.flush(LONG));
    let mut found: Vec<i64> =
        fs::read_dir(folder.path()).unwrap().flat_map(|entry| numbers(&entry.unwrap().path())).collect();
    found.sort_unstable();
    assert_eq!(found, (0..LINES).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_is_told_once_and_every_lost_line_is_counted() {
    let (log, notices) = log(Path::new("/dev/full"), &AuditSettings::default());
    for number in 0..100 {
        log.record(numbered(number));
    }
    assert!(log.flush(LONG));
    let counters = log.counters();
    assert_eq!((counters.done, counters.failed, counters.lost_lines), (0, 100, 100));
    let told: Vec<AuditNotice> = notices.try_iter().collect();
    let [AuditNotice::Failing { action: "write to", lines, .. }, ..] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(*lines, 1);
    let text = told[0].to_string();
    assert!(text.starts_with("cannot write to the audit file /dev/full: No space left on device"), "{text}");
    // One, unless 100 lines took so long that the pause between notices was over.
    assert!(told.len() < 4, "{told:?}");
}

#[test]
fn when_a_full_disk_has_room_again_the_next_line_tells_what_is_missing() {
    let (folder, file) = folder();
    symlink("/dev/full", &file).unwrap();
    let (log, notices) = log(&file, &AuditSettings::default());
    for number in 0..5 {
        log.record(numbered(number));
    }
    assert!(log.flush(LONG));
    let real = folder.path().join("real");
    fs::remove_file(&file).unwrap();
    symlink(&real, &file).unwrap();
    log.record(numbered(5));
    log.record(numbered(6));
    assert!(log.flush(LONG));
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\"number\":5,\"lost_lines\":5}\n{\"number\":6}\n");
    let last = notices.try_iter().last().unwrap();
    assert!(matches!(last, AuditNotice::Recovered { .. }), "{last:?}");
}

#[test]
fn a_folder_without_permission_is_told_and_lines_come_when_it_has() {
    let (folder, file) = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o500)).unwrap();
    // The log's thread begins with the capabilities of this one. Those with which root passes over permissions go.
    let start = file.clone();
    let (log, notices) = thread::spawn(move || {
        let mut sets = capabilities(None).unwrap();
        let passing = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        sets.effective.remove(passing);
        sets.permitted.remove(passing);
        sets.inheritable.remove(passing);
        set_capabilities(None, sets).unwrap();
        log(&start, &AuditSettings::default())
    })
    .join()
    .unwrap();
    log.record(numbered(1));
    assert!(log.flush(LONG));
    let told = notices.recv_timeout(LONG).unwrap().to_string();
    assert!(told.contains("cannot open the audit file") && told.contains("Permission denied"), "{told}");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    log.record(numbered(2));
    assert!(log.flush(LONG));
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"number\":2,\"lost_lines\":1}\n");
}

#[test]
fn a_full_queue_never_waits_and_the_next_line_that_fits_tells() {
    let (folder, _) = folder();
    let settings = AuditSettings { lines_max: 3, bytes_max: 1024 * 1024 };
    let (log, file, release) = held(&folder, &settings);
    for number in 1..=10 {
        log.record(numbered(number));
    }
    let counters = log.counters();
    assert_eq!((counters.queued, counters.dropped), (3, 7));
    drop(release);
    assert!(log.flush(LONG));
    log.record(numbered(11));
    log.record(numbered(12));
    assert!(log.flush(LONG));
    let expected = "{\"number\":1,\"lost_lines\":1}\n{\"number\":2}\n{\"number\":3}\n\
                    {\"number\":11,\"lost_lines\":7}\n{\"number\":12}\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    let counters = log.counters();
    assert_eq!((counters.done, counters.failed, counters.lost_lines), (5, 1, 8));
}

#[test]
fn a_queue_is_bounded_by_bytes_too() {
    let (folder, _) = folder();
    let settings = AuditSettings { lines_max: 1000, bytes_max: 3 * LINE_BYTES_MAX };
    let (log, file, release) = held(&folder, &settings);
    let long = "x".repeat(LINE_BYTES_MAX / 2);
    for number in 0..100 {
        log.record(numbered(number).text("text", &long));
    }
    let counters = log.counters();
    assert!((1..=6).contains(&counters.queued), "{counters:?}");
    assert_eq!(counters.queued + counters.dropped, 100);
    drop(release);
    assert!(log.flush(LONG));
    assert_eq!(lines(&file).len() as u64, counters.queued);
}

#[test]
fn lost_lines_of_many_threads_add_up() {
    const THREADS: usize = 8;
    const LINES: i64 = 2000;
    let (_folder, file) = folder();
    let (log, _notices) = log(&file, &AuditSettings { lines_max: 4, bytes_max: 1024 * 1024 });
    let start = Arc::new(Barrier::new(THREADS));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                (0..LINES).for_each(|number| log.record(numbered(number)));
            });
        }
    });
    assert!(log.flush(LONG));
    let counters = log.counters();
    assert_eq!(counters.done + counters.dropped, 16_000);
    // The last ones lost are told when it ends.
    drop(log);
    let lines = lines(&file);
    let told: u64 = lines.iter().filter_map(|line| line["lost_lines"].as_u64()).sum();
    assert_eq!(told, counters.dropped);
    assert_eq!(lines.iter().filter(|line| line["number"].is_i64()).count() as u64, counters.done);
}

#[test]
fn a_long_line_is_cut_marked_and_counted() {
    let (_folder, file) = folder();
    let (log, _notices) = log(&file, &AuditSettings::default());
    log.record(numbered(1).text("text", &"\u{1}".repeat(1024 * 1024)));
    assert!(log.flush(LONG));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.len() <= LINE_BYTES_MAX && text.ends_with("\"shortened\":true}\n"));
    assert_eq!(numbers(&file), [1]);
    assert_eq!(log.counters().shortened, 1);
}

#[test]
fn a_line_that_another_process_left_torn_stays_the_only_unreadable_one() {
    let (_folder, file) = folder();
    fs::write(&file, "{\"number\":1}\n{\"numb").unwrap();
    let (log, _notices) = log(&file, &AuditSettings::default());
    log.record(numbered(2));
    log.record(numbered(3));
    assert!(log.flush(LONG));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "{\"number\":1}\n{\"numb\n{\"number\":2}\n{\"number\":3}\n"
    );
}

#[test]
fn a_pipe_without_a_reader_is_trouble_and_does_not_hold_the_log() {
    let (_folder, file) = folder();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let (log, notices) = log(&file, &AuditSettings::default());
    log.record(numbered(1));
    assert!(log.flush(LONG));
    assert_eq!(log.counters().failed, 1);
    assert!(matches!(notices.recv_timeout(LONG).unwrap(), AuditNotice::Failing { action: "open", .. }));
}

#[test]
fn a_callback_that_panics_does_not_end_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("later/audit.jsonl");
    let log = AuditLog::start(&file, &AuditSettings::default(), |notice| panic!("{notice}")).unwrap();
    log.record(numbered(1));
    assert!(log.flush(LONG));
    fs::create_dir(file.parent().unwrap()).unwrap();
    log.record(numbered(2));
    log.record(numbered(3));
    assert!(log.flush(LONG));
    assert_eq!(numbers(&file), [2, 3]);
}

#[test]
fn dropping_writes_what_is_queued_and_so_does_detaching() {
    let (_folder, file) = folder();
    let (first, _notices) = log(&file, &AuditSettings::default());
    (0..1000).for_each(|number| first.record(numbered(number)));
    drop(first);
    assert_eq!(numbers(&file), (0..1000).collect::<Vec<_>>());

    let (arrived, is_over) = mpsc::channel::<()>();
    let second = AuditLog::start(&file, &AuditSettings::default(), move |_| {
        let _ = &arrived;
    });
    let second = second.unwrap();
    (1000..2000).for_each(|number| second.record(numbered(number)));
    second.detach();
    // The callback is dropped with the thread.
    assert_eq!(is_over.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(numbers(&file), (0..2000).collect::<Vec<_>>());
}

#[test]
fn dropping_a_log_whose_writer_is_held_takes_bounded_time() {
    let (folder, _) = folder();
    let (log, file, release) = held(&folder, &AuditSettings::default());
    log.record(numbered(1));
    drop(log);
    assert!(!file.exists(), "it was not waited for");
    drop(release);
}

#[test]
fn senseless_settings_are_refused() {
    let relative = AuditLog::start(Path::new("audit.jsonl"), &AuditSettings::default(), |_| {});
    assert!(matches!(relative, Err(AuditError::RelativePath { .. })));
    let told = relative.unwrap_err().to_string();
    assert_eq!(told, "audit file \"audit.jsonl\": not an absolute path; begin it with /");
    for settings in
        [AuditSettings { lines_max: 0, bytes_max: 1 }, AuditSettings { lines_max: 1, bytes_max: 0 }]
    {
        let refused = AuditLog::start(Path::new("/nowhere/audit"), &settings, |_| {});
        assert!(matches!(refused, Err(AuditError::NoRoom { .. })));
    }
}
