//! The machine the tests run on, compared with what other programs and the standard library say of it.

use std::process::Command;

use apportion_detection::{FileError, Files, Host};

fn said_by(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn kernel_and_architecture_are_those_of_uname() {
    let host = Host::detect("/");
    assert_eq!(host.kernel, Some(said_by("uname", "-r")));
    assert_eq!(host.kernel_version, Some(said_by("uname", "-v")));
    assert_eq!(host.architecture, Some(said_by("uname", "-m")));
}

#[test]
fn counts_of_processors_fit_together() {
    let host = Host::detect("/");
    let (sockets, cores, threads) =
        (host.cpu_sockets.unwrap(), host.cpu_cores.unwrap(), host.cpu_threads.unwrap());
    assert!(1 <= sockets && sockets <= cores && cores <= threads, "{sockets} {cores} {threads}");
    let configured: usize = said_by("getconf", "_NPROCESSORS_ONLN").parse().unwrap();
    assert_eq!(threads, configured);
}

#[test]
fn memory_and_facts_of_every_linux_are_there() {
    let host = Host::detect("/");
    let pages: u64 = said_by("getconf", "_PHYS_PAGES").parse().unwrap();
    let page: u64 = said_by("getconf", "PAGE_SIZE").parse().unwrap();
    assert_eq!(host.memory_bytes, Some(pages * page));
    let facts = host.facts();
    for name in ["kernel", "kernel_version", "architecture", "cpu_model", "memory_mb", "gpus"] {
        assert!(facts.contains_key(name), "{name}: {facts:?}");
    }
}

#[test]
fn looking_twice_shows_the_same() {
    assert_eq!(Host::detect("/"), Host::detect("/"));
}

#[test]
fn files_of_processes_and_devices_are_not_read() {
    let files = Files::new("/");
    for (path, place) in [
        ("/proc/self/environ", "/proc"),
        ("/proc/version", "/proc"),
        ("/proc/self/../version", "/proc"),
        ("/etc/../proc/version", "/proc"),
        ("/dev/null", "/dev"),
        ("/dev/zero", "/dev"),
        ("/dev/fd/0", "/dev"),
    ] {
        let error = files.read(path).unwrap_err();
        assert_eq!(error, FileError::ClosedPlace { path: path.into(), place }, "{path}");
    }
}

#[test]
fn a_value_of_sysfs_is_read_each_time() {
    let files = Files::new("/");
    let path = "/sys/devices/system/cpu/online";
    let online = std::fs::read_to_string(path).unwrap();
    assert_eq!(&*files.read(path).unwrap(), online.trim_end());
    assert_eq!(&*files.read(path).unwrap(), online.trim_end());
    assert!(!format!("{files:?}").contains(path), "nothing is kept: sysfs does not tell of changes");
}
