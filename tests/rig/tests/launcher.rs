//! The launcher program by itself: its command line, its `load` mode, and what happens when its user is gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use apportion_rig::{Rig, RigError, Variant};
use serde_json::json;
use tempfile::TempDir;

const WITHIN: Duration = Duration::from_secs(20);

fn rig() -> Rig {
    Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared")
}

fn launcher(arguments: &[&str]) -> Output {
    let path = rig().launcher(Variant::Plain).expect("a launcher");
    Command::new(path).args(arguments).output().expect("the launcher runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Compiles C++ to a shared library.
fn library(folder: &TempDir, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let unit = folder.path().join(format!("{name}.cpp"));
    let library = folder.path().join(format!("{name}.so"));
    fs::write(&unit, source).expect("a source file");
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let status = Command::new(compiler)
        .args(["-std=c++17", "-shared", "-fPIC"])
        .args(flags)
        .arg("-o")
        .args([&library, &unit])
        .status()
        .expect("a C++ compiler");
    assert!(status.success());
    library
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the launcher runs")
}

#[test]
fn help_names_every_mode_and_ends_with_zero() {
    let output = launcher(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for word in ["master", "agent", "load", "--preload", "--allocator", "MESOS_QOS_CONTROLLER"] {
        assert!(help.contains(word), "{word} is not in:\n{help}");
    }
}

#[test]
fn mistakes_on_the_command_line_are_named() {
    for (arguments, expected) in [
        (&["cluster"][..], "the first argument is the mode (master, agent or load), found 'cluster'"),
        (&["master", "--work-dir=/x"], "unknown option '--work-dir=/x'"),
        (&["master", "--agents=many", "--work_dir=/x"], "--agents wants a number from 0, found 'many'"),
        (&["master", "--work_dir=relative"], "absolute folder"),
        (&["agent", "--work_dir=/x"], "--master_file=FILE"),
        (&["load"], "--library=FILE.so"),
        (&["master", "--hooks"], "option --hooks wants a value"),
    ] {
        let output = launcher(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}

const ENTRY: &str = r#"
#include <cstdio>
#include <dlfcn.h>
extern "C" int rig_preloaded() __attribute__((weak));
extern "C" int rig_main(int argc, char** argv)
{
  if (dlsym(RTLD_DEFAULT, "_ZN7process8finalizeEb") == nullptr) return 90;
  if (argc == 3) std::printf("%s %s\n", argv[1], argv[2]);
  return rig_preloaded != nullptr ? rig_preloaded() : 41;
}
"#;

#[test]
fn library_gets_its_arguments_and_its_result_is_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let entry = library(&folder, "entry", ENTRY, &[]);
    let output = run(rig().command_loading(Variant::Plain, &entry, None).unwrap().args(["--one", "two"]));
    assert_eq!(output.status.code(), Some(41), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "--one two\n");
}

#[test]
fn preloaded_library_defines_symbols_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let entry = library(&folder, "entry", ENTRY, &[]);
    let preload = library(&folder, "preload", r#"extern "C" int rig_preloaded() { return 43; }"#, &[]);
    let output = run(&mut rig().command_loading(Variant::Plain, &entry, Some(&preload)).unwrap());
    assert_eq!(output.status.code(), Some(43), "{}", text(&output.stderr));
}

const SANITIZE: [&str; 2] = ["-g", "-fsanitize=address,undefined"];

#[test]
fn sanitized_launcher_finds_a_write_past_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let sound = library(&folder, "sound", ENTRY, &SANITIZE);
    let output = run(&mut rig().command_loading(Variant::Sanitized, &sound, None).unwrap());
    assert_eq!(output.status.code(), Some(41), "{}", text(&output.stderr));

    let source =
        r#"extern "C" int rig_main(int argc, char**) { char* p = new char[4]; p[argc + 3] = 1; return *p; }"#;
    let broken = library(&folder, "broken", source, &SANITIZE);
    let output = run(&mut rig().command_loading(Variant::Sanitized, &broken, None).unwrap());
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("heap-buffer-overflow"), "{}", text(&output.stderr));
}

#[test]
fn library_without_entry_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = library(&folder, "empty", "", &[]);
    let output = run(&mut rig().command_loading(Variant::Plain, &empty, None).unwrap());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("does not define extern \"C\" int rig_main"));
}

/// How a start fails.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, RigError>) -> String {
    match outcome.expect_err("the process refuses to start") {
        RigError::EndedEarly { log, status, .. } => format!("{status}\n{log}"),
        other => panic!("{other}"),
    }
}

#[test]
fn unknown_modules_end_the_process_with_their_names() {
    let rig = rig();
    let allocator = refusal(rig.master().allocator("org_example_Allocator").start());
    assert!(allocator.contains("no module named 'org_example_Allocator' is loaded"), "{allocator}");
    let hook = refusal(rig.master().hooks(&["org_example_Hook"]).start());
    assert!(hook.contains("org_example_Hook"), "{hook}");
    let missing = json!({"libraries": [{"file": "/nowhere/lib.so", "modules": [{"name": "x"}]}]});
    let modules = refusal(rig.master().modules(missing).start());
    assert!(modules.contains("/nowhere/lib.so"), "{modules}");
}

#[test]
fn qos_controller_and_estimator_are_looked_up_in_both_kinds_of_agents() {
    let rig = rig();
    let local = refusal(rig.master().agents(1).qos_controller("org_example_QoS").start());
    assert!(local.contains("org_example_QoS"), "{local}");
    let local = refusal(rig.master().agents(1).resource_estimator("org_example_Estimator").start());
    assert!(local.contains("org_example_Estimator"), "{local}");

    let master = rig.master().start().unwrap();
    let own = refusal(rig.agent(master.address()).qos_controller("org_example_QoS").start());
    assert!(own.contains("org_example_QoS"), "{own}");
    let own = refusal(rig.agent(master.address()).resource_estimator("org_example_Estimator").start());
    assert!(own.contains("org_example_Estimator"), "{own}");
}

#[test]
fn launcher_stops_when_its_standard_input_ends() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    let mut child = Command::new(rig().launcher(Variant::Plain).unwrap())
        .args(["master", "--port=0", "--until_stdin_closes"])
        .arg(format!("--work_dir={}", work.display()))
        .env("MESOS_REGISTRY", "in_memory")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    assert_eq!(wait(&mut child), Some(0));
}

fn wait(child: &mut std::process::Child) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < WITHIN {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("a child to kill");
    panic!("the launcher still runs");
}

#[test]
fn containerizer_refuses_other_subcommands() {
    let folder = tempfile::tempdir().unwrap();
    let link: &Path = &folder.path().join("mesos-containerizer");
    std::os::unix::fs::symlink(rig().launcher(Variant::Plain).unwrap(), link).unwrap();
    let output = Command::new(link).arg("mount").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("knows only 'launch' here, found 'mount'"));
}
