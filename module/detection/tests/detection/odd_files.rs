//! Files that hold no value, and what is said of them.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use apportion_detection::{FileError, Files};

use crate::machine::Machine;

/// What is said of a file with this content.
fn text_of(content: &[u8]) -> Result<String, FileError> {
    let machine = Machine::empty();
    machine.write("/f", content);
    Files::new(machine.root()).read("/f").map(|text| text.to_string())
}

/// What is said of the path in a tree.
fn said_of(machine: &Machine, path: &str) -> String {
    Files::new(machine.root()).read(path).unwrap_err().to_string()
}

#[test]
fn one_newline_at_the_end_is_cut() {
    for (content, value) in [
        ("r1\n", "r1"),
        ("r1\r\n", "r1"),
        ("r1", "r1"),
        ("r1\n\n", "r1\n"),
        ("r1\r", "r1\r"),
        (" a\nb \n", " a\nb "),
        ("\n", ""),
        ("", ""),
        ("größe\n", "größe"),
    ] {
        assert_eq!(text_of(content.as_bytes()).as_deref(), Ok(value), "{content:?}");
    }
}

#[test]
fn what_is_not_text_is_told_with_its_place_and_not_with_its_bytes() {
    let error = text_of(b"secret\xffmore").unwrap_err();
    assert_eq!(error, FileError::NotText { path: "/f".into(), at: 6, what: "not UTF-8" });
    assert_eq!(error.to_string(), "\"/f\" is not text: byte 6 is not UTF-8; save the file as UTF-8");
    let error = text_of(b"s\0e\0c\0").unwrap_err();
    assert_eq!(error, FileError::NotText { path: "/f".into(), at: 1, what: "a NUL" });
    let cut = text_of("secret größe".as_bytes().get(..10).unwrap()).unwrap_err();
    assert_eq!(
        cut,
        FileError::NotText { path: "/f".into(), at: 9, what: "not UTF-8" },
        "cut within a letter"
    );
}

#[test]
fn every_error_says_what_to_do() {
    let machine = Machine::empty();
    machine.folder("/folder");
    machine.pipe("/pipe");
    machine.link("/null", "/dev/null");
    machine.link("/status", "/proc/self/status");
    machine.link("/dangling", "nowhere");
    machine.link("/circle", "circle");
    machine.write("/file", "x");
    machine.write("/large", vec![b'x'; 70_000]);
    machine.write("/dev/value", "x");
    machine.link("/linked", "dev/value");
    let _socket = UnixListener::bind(machine.place("/socket")).unwrap();
    for (path, said) in [
        ("rack", "write the whole path, file:/"),
        ("", "write the whole path, file:/"),
        ("/missing", "\"/missing\" is not there; write the file on each host"),
        ("/file/below", "\"/file/below\" is not there; write"),
        ("/dangling", "\"/dangling\" is not there; write"),
        ("/circle", "\"/circle\" cannot be read: "),
        ("/folder", "\"/folder\" is a folder, not a regular file; name a file"),
        ("/", "\"/\" is a folder"),
        ("/pipe", "\"/pipe\" is a pipe, not a regular file; name a file"),
        ("/socket", "\"/socket\" is a socket, not a regular file; name a file"),
        ("/null", "\"/null\" leads into /dev, whose files are not read; copy the value"),
        ("/status", "\"/status\" leads into /proc, whose files are not read; copy the value"),
        ("/dev/value", "\"/dev/value\" leads into /dev"),
        ("/linked", "\"/linked\" leads into /dev"),
        ("/large", "\"/large\" has more than 65536 bytes; a value comes from a small file"),
        ("/new\nline", "\"/new\\nline\" is not there"),
        ("/nul\0", "\"/nul\\0\" cannot be read: "),
    ] {
        let error = said_of(&machine, path);
        assert!(error.contains(said), "{path:?}: {error}");
    }
    let long = format!("/{}", "x".repeat(5000));
    assert!(said_of(&machine, &long).contains("cannot be read: "));
}

#[test]
fn a_file_of_another_user_is_told_as_such() {
    let machine = Machine::empty();
    machine.write("/private", "x");
    std::fs::set_permissions(machine.place("/private"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let read = Files::new(machine.root()).read("/private");
    if std::fs::File::open(machine.place("/private")).is_ok() {
        // Root may read everything.
        assert_eq!(read.as_deref(), Ok("x"));
    } else {
        let path = "/private".into();
        assert_eq!(read, Err(FileError::Forbidden { path }));
    }
}

#[test]
fn no_message_and_no_debug_text_holds_what_a_file_holds() {
    const SECRET: &str = "hunter2hunter2";
    let machine = Machine::empty();
    machine.write("/good", SECRET);
    machine.write("/bad", [SECRET.as_bytes(), b"\xff"].concat());
    machine.write("/nul", format!("{SECRET}\0"));
    machine.write("/large", SECRET.repeat(10_000));
    let files = Files::new(machine.root());
    assert_eq!(&*files.read("/good").unwrap(), SECRET);
    for path in ["/bad", "/nul", "/large"] {
        let error = files.read(path).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(!format!("{files:?}").contains("hunter2"));
}
