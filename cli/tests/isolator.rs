//! `apportion isolator check` on the host that it runs on.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use bench::Bench;
use serde_json::Value;

/// Nobody's user and group on all distributions.
const NOBODY: u32 = 65534;

/// Types of mounted control group file systems by their mount points.
fn mounted() -> BTreeSet<(String, String)> {
    let lines = fs::read_to_string("/proc/self/mounts").unwrap();
    let fields = lines.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.map(|fields| (fields[1].to_owned(), fields[2].to_owned())).collect()
}

#[test]
fn this_host_is_shown_as_it_is_and_stays_so() {
    let bench = Bench::new();
    // Nobody else has such a group.
    let name = format!("apportion-check-{}", std::process::id());
    bench.write(
        "c.toml",
        format!("[isolator.cgroups]\nname = \"{name}\"\ncontrollers = [\"cpu\", \"memory\", \"io\"]\n"),
    );
    let run = bench.run(&["isolator", "check", "--config", "c.toml", "--json"]);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(run.code, Some(i32::from(found["ok"] != true)), "{}{}", run.out, run.err);
    assert_eq!(run.err, "");

    let mounted = mounted();
    let has = |kind: &str| mounted.iter().any(|(_, mounted)| mounted == kind);
    let layout = match (has("cgroup"), has("cgroup2")) {
        (true, true) => Some("hybrid"),
        (true, false) => Some("v1"),
        (false, true) => Some("v2"),
        (false, false) => None,
    };
    assert_eq!(found["layout"].as_str(), layout);
    assert_eq!(found["kernel"], fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim());
    let controllers = found["controllers"].as_array().unwrap();
    for controller in controllers.iter().filter(|controller| !controller["mount"].is_null()) {
        let kind = if controller["version"] == "v2" { "cgroup2" } else { "cgroup" };
        let mount = (controller["mount"].as_str().unwrap().to_owned(), kind.to_owned());
        assert!(mounted.contains(&mount), "{controller}");
    }
    for place in found["places"].as_array().unwrap() {
        let parent = Path::new(place["parent"].as_str().unwrap());
        assert_eq!(parent.file_name().unwrap(), &*name);
        assert!(parent.parent().unwrap().is_dir() && !parent.exists(), "{place}");
    }
    for setting in found["settings"].as_array().unwrap() {
        let file = setting["file"].as_str();
        assert_eq!(setting["there"] == true, file.is_some_and(|file| Path::new(file).is_file()), "{setting}");
    }
}

#[test]
fn any_user_may_look() {
    let bench = Bench::new();
    // Where the command was built need not be for everybody.
    let copy = bench.path("apportion");
    fs::copy(env!("CARGO_BIN_EXE_apportion"), &copy).unwrap();
    fs::set_permissions(bench.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let check = |uid: Option<u32>| {
        let mut command = Command::new(&copy);
        command.args(["isolator", "check"]).current_dir("/");
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        command.output().unwrap()
    };
    let own = check(None);
    // Only root may become somebody else; otherwise this test is run by an ordinary user already.
    let is_root =
        fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap() == 0;
    let other = if is_root { check(Some(NOBODY)) } else { check(None) };
    let text = String::from_utf8(other.stdout).unwrap();
    assert_eq!(
        (other.status.code(), &*String::from_utf8(other.stderr).unwrap()),
        (own.status.code(), ""),
        "{text}"
    );
    assert!(text.contains("control groups ") && text.contains("settings of the kernel"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a file: {text:?}");
}

#[test]
fn usage_and_configuration_are_judged_before_the_host() {
    let bench = Bench::new();
    let run = bench.run(&["isolator", "check", "--controllers", "cpu,blkio"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("one of cpu, memory, pids, io, cpuset, hugetlb; did you mean `io`?"),
        "{}",
        run.err
    );
    for (pid, told) in
        [("0", "a number from 1"), ("x", "a number from 1"), ("2147483647", "there is no process 2147483647")]
    {
        let run = bench.run(&["isolator", "check", "--pid", pid]);
        assert_eq!((run.code, &*run.out), (Some(2), ""));
        assert!(run.err.contains(told), "{}", run.err);
    }
    bench.write("bad.toml", "[isolator.cgroups]\nbelow = \"mesos.slice\"\n");
    let run = bench.run(&["isolator", "check", "--config", "bad.toml"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.out.contains("isolator.cgroups.below") && run.out.contains("\"/mesos.slice\""),
        "{}",
        run.out
    );
    let run = bench.run(&["isolator", "check", "--config", "bad.toml", "--json"]);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (run.code, &found["ok"], found["problems"].as_array().unwrap().len()),
        (Some(2), &Value::Bool(false), 1)
    );
    assert_eq!(bench.run(&["isolator", "check", "--config", "none.toml"]).code, Some(2));
}

#[test]
fn wish_is_that_of_the_configuration_and_of_the_flag_before_it() {
    let bench = Bench::new();
    bench.write("groups.toml", "[isolator.cgroups]\ncontrollers = [\"pids\"]\n");
    bench.write("none.toml", "[hook.labels]\na = \"1\"\n");
    let wanted = |arguments: &[&str]| {
        let run = bench.run(&[&["isolator", "check", "--json"], arguments].concat());
        let found: Value = serde_json::from_str(&run.out).unwrap();
        let rows = found["controllers"].as_array().unwrap().iter().filter(|row| row["wanted"] == true);
        (rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), run.err)
    };
    assert_eq!(wanted(&[]), (vec!["cpu".to_owned(), "memory".to_owned(), "pids".to_owned()], String::new()));
    assert_eq!(wanted(&["--config", "groups.toml"]), (vec!["pids".to_owned()], String::new()));
    let (both, _) = wanted(&["--config", "groups.toml", "--controllers", "io,cpu"]);
    assert_eq!(both, ["cpu", "io"]);
    let (usual, told) = wanted(&["--config", "none.toml"]);
    assert_eq!(usual, ["cpu", "memory", "pids"]);
    assert!(told.contains("warning: none.toml has no table [isolator.cgroups]"), "{told}");
}

#[test]
fn help_teaches_with_examples() {
    let help = Bench::new().run(&["isolator", "check", "--help"]);
    assert_eq!(help.code, Some(0));
    for part in
        ["Examples:", "apportion isolator check --config", "Exit codes: 0 containers' groups can be made"]
    {
        assert!(help.out.contains(part), "{part} in {}", help.out);
    }
}
