//! Values from files that change while they are in use.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apportion_detection::{FILE_BYTES_MAX, FILES_KEPT_MAX, FileError, Files};

use crate::machine::Machine;

const RACK: &str = "/etc/rack";

/// A tree with one file, and its values.
fn rack(text: &str) -> (Machine, Files) {
    let machine = Machine::empty();
    machine.write(RACK, text);
    let files = Files::new(machine.root());
    (machine, files)
}

/// Reads until the text is kept, which needs a file that was left alone for a while.
fn read_until_kept(files: &Files, path: &str) -> Arc<str> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let (first, second) = (files.read(path).unwrap(), files.read(path).unwrap());
        if Arc::ptr_eq(&first, &second) {
            return second;
        }
        assert!(
            Instant::now() < end,
            "the file was left alone for 30 seconds and is still read at each call"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_left_alone_is_read_once_and_again_after_each_change() {
    let (machine, files) = rack("r1\n");
    let first = read_until_kept(&files, RACK);
    assert_eq!(&*first, "r1");
    assert!(format!("{files:?}").contains("rack"), "{files:?}");

    machine.write(RACK, "r2\n");
    assert_eq!(&*files.read(RACK).unwrap(), "r2", "another file at the same place");

    read_until_kept(&files, RACK);
    let modified = fs::metadata(machine.place(RACK)).unwrap().modified().unwrap();
    fs::File::options().write(true).open(machine.place(RACK)).unwrap().set_modified(modified).unwrap();
    let file = fs::File::options().write(true).open(machine.place(RACK)).unwrap();
    std::io::Write::write_all(&mut &file, b"r3\n").unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(&*files.read(RACK).unwrap(), "r3", "written in place, same size, time set back");
    assert_eq!(&*first, "r1", "who has the former text keeps it");
}

#[test]
fn a_file_replaced_by_renaming_is_read_again() {
    let (machine, files) = rack("old");
    read_until_kept(&files, RACK);
    machine.write("/etc/rack.new", "new");
    let old = fs::metadata(machine.place(RACK)).unwrap().modified().unwrap();
    fs::File::open(machine.place("/etc/rack.new")).unwrap().set_modified(old).unwrap();
    fs::rename(machine.place("/etc/rack.new"), machine.place(RACK)).unwrap();
    assert_eq!(&*files.read(RACK).unwrap(), "new");
}

#[test]
fn two_changes_within_one_step_of_the_clock_are_both_seen() {
    let (machine, files) = rack("0");
    for number in 0..500 {
        let text = format!("{:03}", number % 1000);
        fs::write(machine.place(RACK), &text).unwrap();
        assert_eq!(*files.read(RACK).unwrap(), *text);
    }
}

#[test]
fn a_file_that_is_gone_is_an_error_until_it_is_back() {
    let (machine, files) = rack("r1");
    read_until_kept(&files, RACK);
    fs::remove_file(machine.place(RACK)).unwrap();
    assert_eq!(files.read(RACK), Err(FileError::Missing { path: RACK.into() }));
    assert!(!format!("{files:?}").contains("rack"), "its text is forgotten");
    machine.write(RACK, "r2");
    assert_eq!(&*files.read(RACK).unwrap(), "r2");
}

#[test]
fn a_file_that_becomes_something_else_is_an_error() {
    let (machine, files) = rack("r1");
    read_until_kept(&files, RACK);
    machine.folder(RACK);
    assert_eq!(files.read(RACK), Err(FileError::NotRegular { path: RACK.into(), found: "a folder" }));
    machine.pipe(RACK);
    assert_eq!(files.read(RACK), Err(FileError::NotRegular { path: RACK.into(), found: "a pipe" }));
    machine.link(RACK, "/proc/version");
    assert_eq!(files.read(RACK), Err(FileError::ClosedPlace { path: RACK.into(), place: "/proc" }));
    machine.write(RACK, b"\xff");
    assert!(matches!(files.read(RACK), Err(FileError::NotText { at: 0, .. })));
    machine.write(RACK, "r2");
    assert_eq!(&*files.read(RACK).unwrap(), "r2");
}

#[test]
fn a_file_that_grows_beyond_the_limit_is_an_error_until_it_shrinks() {
    let (machine, files) = rack("r1");
    read_until_kept(&files, RACK);
    let limit = usize::try_from(FILE_BYTES_MAX).unwrap();
    machine.write(RACK, "x".repeat(limit));
    assert_eq!(files.read(RACK).unwrap().len(), limit);
    machine.write(RACK, "x".repeat(limit + 1));
    assert_eq!(files.read(RACK), Err(FileError::TooLarge { path: RACK.into() }));
    machine.write(RACK, "y");
    assert_eq!(&*files.read(RACK).unwrap(), "y");
}

#[test]
fn a_file_behind_a_link_is_read_again_when_the_link_leads_elsewhere() {
    let (machine, files) = rack("r1");
    machine.write("/etc/other", "r2");
    machine.link("/etc/linked", "rack");
    assert_eq!(&*read_until_kept(&files, "/etc/linked"), "r1");
    machine.link("/etc/linked", "other");
    assert_eq!(&*files.read("/etc/linked").unwrap(), "r2");
}

#[test]
fn files_beyond_what_is_kept_are_still_read() {
    let machine = Machine::empty();
    let paths: Vec<String> = (0..FILES_KEPT_MAX + 5).map(|number| format!("/etc/f{number}")).collect();
    for path in &paths {
        machine.write(path, path);
    }
    let files = Files::new(machine.root());
    read_until_kept(&files, paths.first().unwrap());
    for _ in 0..2 {
        for path in &paths {
            assert_eq!(*files.read(path).unwrap(), **path);
        }
    }
    let kept = format!("{files:?}").matches("/etc/f").count();
    assert!(kept <= FILES_KEPT_MAX, "{kept}");
}

#[test]
fn threads_that_read_while_a_file_is_replaced_see_whole_texts() {
    let (machine, files) = rack("aaaaaaaa");
    let end = Instant::now() + Duration::from_millis(300);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while Instant::now() < end {
                    let text = files.read(RACK).unwrap();
                    assert!(&*text == "aaaaaaaa" || &*text == "bbbb", "{text}");
                }
            });
        }
        for text in ["bbbb", "aaaaaaaa"].into_iter().cycle().take_while(|_| Instant::now() < end) {
            machine.write("/etc/rack.new", text);
            fs::rename(machine.place("/etc/rack.new"), machine.place(RACK)).unwrap();
        }
    });
}
