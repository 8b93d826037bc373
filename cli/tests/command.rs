//! The real binary, as a user runs it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench::Bench;
use serde_json::Value;

const MODULES: [&str; 4] = [
    "org_apportion_Allocator",
    "org_apportion_Hook",
    "org_apportion_Isolator",
    "org_apportion_QoSController",
];

impl Bench {
    /// A shared object that exports these symbols, from the compiler that every build of the module needs.
    fn shared_object(&self, name: &str, symbols: &[&str]) -> PathBuf {
        let source: String = symbols.iter().map(|symbol| format!("int {symbol} = 1;\n")).collect();
        let source = self.write(&format!("{name}.c"), source + "int unrelated;\n");
        let library = self.path(name);
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).output();
        let compiled = compiled.expect("a C compiler is needed: apt-get install gcc");
        assert!(compiled.status.success(), "{compiled:?}");
        library
    }
}

#[test]
fn good_file_is_fine_and_summed_up() {
    let bench = Bench::new();
    bench.write("a.toml", "[hook.labels]\nrack = \"r1\"\n[isolator.rlimits]\ncore = 0\nnofile = 9\n");
    let run = bench.run(&["check", "a.toml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    let expected = "ok: a.toml: 0 executor variables, 1 task label, 0 hook rules, 0 container variables, 2 resource limits, 0 lenders, 0 borrowers\n";
    assert_eq!(run.out, expected);
}

#[test]
fn bad_file_shows_every_problem_and_ends_with_one() {
    let bench = Bench::new();
    bench
        .write("a.toml", "[hook]\nlabel = 1\n[allocator]\nseed = -1\n[isolator.rlimits]\nnofile = \"2:1\"\n");
    let run = bench.run(&["check", "a.toml"]);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let parts = [
        "3 problems in a.toml",
        "allocator.seed (a.toml:4:8)",
        "hook.label (a.toml:2:1)",
        "did you mean `hook.labels`?",
        "isolator.rlimits.nofile (a.toml:6:10)",
        "expected: a soft limit of at most 1",
    ];
    for part in parts {
        assert!(run.out.contains(part), "{part} is missing in\n{}", run.out);
    }
}

#[test]
fn syntax_error_shows_the_line_with_a_mark() {
    let bench = Bench::new();
    bench.write("a.toml", "[allocator]\nseed == 1\n");
    let run = bench.run(&["check", "a.toml"]);
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("2 | seed == 1\n"), "{}", run.out);
    assert!(run.out.contains("  |       ^\n"), "{}", run.out);
}

#[test]
fn json_result_is_one_object_in_every_case() {
    let bench = Bench::new();
    bench.write("good.toml", "");
    bench.write("bad.toml", "[allocator]\nsed = 1\n");
    let json = |file: &str| -> (Option<i32>, Value) {
        let run = bench.run(&["check", "--json", file]);
        (run.code, serde_json::from_str(&run.out).unwrap())
    };
    let (code, good) = json("good.toml");
    assert_eq!((code, &good["ok"], &good["problems"]), (Some(0), &Value::Bool(true), &Value::Array(vec![])));
    let (code, bad) = json("bad.toml");
    assert_eq!((code, &bad["ok"], &bad["count"]), (Some(1), &Value::Bool(false), &Value::from(1)));
    let problem = &bad["problems"][0];
    assert_eq!(problem["path"], "allocator.sed");
    assert_eq!(problem["kind"], "unknown-key");
    assert_eq!((&problem["place"]["line"], &problem["place"]["column"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(problem["hint"], "did you mean `allocator.seed`?");
    let (code, missing) = json("missing.toml");
    assert_eq!((code, &missing["problems"][0]["kind"]), (Some(2), &Value::from("unreadable")));
}

#[test]
fn unreadable_file_ends_with_two() {
    let bench = Bench::new();
    let run = bench.run(&["check", "missing.toml"]);
    assert_eq!(run.code, Some(2));
    assert!(run.out.contains("missing.toml: No such file"), "{}", run.out);
    assert_eq!(bench.run(&["check", "."]).code, Some(2));
}

#[test]
fn drill_is_warned_of_on_standard_error() {
    let bench = Bench::new();
    bench.write("a.toml", "[drill]\npanic_in = [\"isolator.usage\"]");
    let run = bench.run(&["check", "a.toml"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.err.contains("warning: drill.panic_in is set: isolator.usage will fail on purpose"),
        "{}",
        run.err
    );
}

#[test]
fn modules_json_names_library_modules_and_configuration() {
    let bench = Bench::new();
    let library = bench.shared_object("libapportion.so", &MODULES);
    let config = bench.write("a.toml", "[allocator]\nseed = 3\n");
    let run = bench.run(&["modules", "--lib", "./libapportion.so", "--config", "a.toml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let entry = &document["libraries"][0];
    assert_eq!(entry["file"], library.to_str().unwrap());
    let names: Vec<_> = entry["modules"].as_array().unwrap().iter().map(|module| &module["name"]).collect();
    assert_eq!(names, MODULES);
    for module in entry["modules"].as_array().unwrap() {
        assert_eq!(module["parameters"][0]["key"], "config");
        assert_eq!(module["parameters"][0]["value"], config.to_str().unwrap());
    }
}

#[test]
fn settings_go_into_the_json_as_they_are() {
    let bench = Bench::new();
    let library = bench.shared_object("lib.so", &MODULES);
    let library = library.to_str().unwrap();
    let label = "hook.labels.a.b={{ task.name }}=x";
    let run = bench.run(&["modules", "--lib", library, "--set", label, "--set", "allocator.seed=1"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let parameters = &document["libraries"][0]["modules"][3]["parameters"];
    assert_eq!(parameters[0]["key"], "hook.labels.a.b");
    assert_eq!(parameters[0]["value"], "{{ task.name }}=x");
    assert_eq!(parameters[1]["key"], "allocator.seed");
    let bare: Value = serde_json::from_str(&bench.run(&["modules", "--lib", library]).out).unwrap();
    assert!(bare["libraries"][0]["modules"][0].get("parameters").is_none());
}

#[test]
fn bad_settings_leave_standard_output_empty() {
    let bench = Bench::new();
    bench.shared_object("lib.so", &MODULES);
    bench.write("a.toml", "[hook]\nlabel = 1\n");
    let run =
        bench.run(&["modules", "--lib", "lib.so", "--set", "allocator.seed=x", "--set", "hok.labels.a=b"]);
    assert_eq!((run.code, &*run.out), (Some(1), ""));
    assert!(run.err.contains("2 problems in module parameters"), "{}", run.err);
    let run = bench.run(&["modules", "--lib", "lib.so", "--config", "a.toml"]);
    assert_eq!((run.code, &*run.out), (Some(1), ""));
    assert!(run.err.contains("a.toml:2:1"), "{}", run.err);
    let run = bench.run(&["modules", "--lib", "lib.so", "--config", "missing.toml"]);
    assert_eq!((run.code, &*run.out), (Some(2), ""));
}

#[test]
fn file_that_is_not_the_library_is_refused_with_the_reason() {
    let bench = Bench::new();
    let refused = |library: &Path, reason: &str| {
        let run = bench.run(&[OsStr::new("modules"), OsStr::new("--lib"), library.as_os_str()]);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(
            run.err.starts_with("error: ") && run.err.contains(reason),
            "{reason} is missing in {}",
            run.err
        );
    };
    refused(&bench.path("missing.so"), "No such file");
    refused(bench.folder(), "not a regular file");
    refused(Path::new("/dev/null"), "not a regular file");
    refused(&bench.write("text.so", "hello"), "not an ELF shared object");
    refused(&bench.write("empty.so", ""), "not an ELF shared object");
    refused(
        &bench.shared_object("other.so", &[]),
        "lacks the symbols org_apportion_Allocator, org_apportion_Hook",
    );
    refused(&bench.shared_object("part.so", &MODULES[..3]), "lacks the symbols org_apportion_QoSController");
    let bytes = std::fs::read(bench.shared_object("whole.so", &MODULES)).unwrap();
    for length in [4, 16, 63, 64, 200, bytes.len() / 2] {
        refused(&bench.write("cut.so", &bytes[..length]), "");
    }
    // An object file has the symbols, but cannot be loaded.
    let object = bench.path("whole.o");
    let compiled = Command::new("cc").arg("-c").arg("-o").arg(&object).arg(bench.path("whole.so.c")).status();
    assert!(compiled.unwrap().success());
    refused(&object, "of the kind Relocatable");
}

#[test]
fn symbol_that_is_only_wanted_does_not_count() {
    let bench = Bench::new();
    let source = bench.write("wants.c", "extern int org_apportion_Hook; int *p = &org_apportion_Hook;\n");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o", "wants.so"]).arg(source).current_dir(bench.folder());
    assert!(compiler.status().unwrap().success());
    let run = bench.run(&["modules", "--lib", "wants.so"]);
    assert!(run.err.contains("org_apportion_Hook"), "{}", run.err);
}

#[test]
fn paths_that_are_not_utf8_are_refused() {
    let bench = Bench::new();
    let odd = OsString::from_vec(b"a\xff.toml".to_vec());
    std::fs::write(bench.folder().join(&odd), "").unwrap();
    let runs = [
        vec!["check".into(), odd.clone()],
        vec!["modules".into(), "--lib".into(), odd.clone()],
        vec![
            "modules".into(),
            "--lib".into(),
            bench.shared_object("l.so", &MODULES).into(),
            "--config".into(),
            odd,
        ],
    ];
    for arguments in runs {
        let run = bench.run(&arguments);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(run.err.contains("is not UTF-8"), "{}", run.err);
    }
}

#[test]
fn wrong_usage_ends_with_two_and_says_what_is_right() {
    let bench = Bench::new();
    let said = |arguments: &[&str], part: &str| {
        let run = bench.run(arguments);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(run.err.contains(part), "{part} is missing in {}", run.err);
    };
    said(&[], "Usage: apportion <COMMAND>");
    said(&["chek", "a"], "check");
    said(&["check"], "<FILE>");
    said(&["modules"], "--lib <PATH>");
    said(&["modules", "--lib", "x", "--set", "novalue"], "expected KEY=VALUE");
    said(&["modules", "--lib", "x", "--set", "=x"], "no key before");
    said(&["modules", "--lib", "x", "--config", "f", "--set", "a=b"], "cannot be used with");
}

#[test]
fn help_teaches_with_examples() {
    let bench = Bench::new();
    let help = bench.run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for part in
        ["apportion check /etc/mesos/apportion.toml", "--allocator=org_apportion_Allocator", "Exit codes: 0"]
    {
        assert!(help.out.contains(part), "{}", help.out);
    }
    assert!(bench.run(&["modules", "--help"]).out.contains("--set isolator.rlimits.nofile=1024:4096"));
    assert!(bench.run(&["check", "--help"]).out.contains("apportion check --json"));
    let version = bench.run(&["--version"]);
    assert_eq!(
        (version.code, &*version.out),
        (Some(0), concat!("apportion ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn colours_appear_only_where_they_are_wanted() {
    let bench = Bench::new();
    bench.write("a.toml", "x = 1");
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = bench.command(&["check", "a.toml"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    // Standard output is a pipe here.
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));

    // `script` runs a command on a terminal of its own.
    let on_terminal = |variable: &str| {
        let command = format!("{} check a.toml", env!("CARGO_BIN_EXE_apportion"));
        let mut script = Command::new("script");
        script
            .args(["-qec", &command, "/dev/null"])
            .current_dir(bench.folder())
            .env("TERM", "xterm-256color");
        script.env_remove("NO_COLOR").env_remove("CLICOLOR").stdin(Stdio::null());
        if !variable.is_empty() {
            script.env(variable, "1");
        }
        let output = script.output().expect("the command `script` is needed: apt-get install bsdutils");
        assert!(String::from_utf8_lossy(&output.stdout).contains("unknown key"), "{output:?}");
        output.stdout.contains(&0x1b)
    };
    assert!(on_terminal(""));
    assert!(!on_terminal("NO_COLOR"));
}

#[test]
fn reader_that_has_heard_enough_is_no_error() {
    let bench = Bench::new();
    let text: String = (0..150).map(|number| format!("{}{number} = 1\n", "key".repeat(200))).collect();
    bench.write("a.toml", text);
    let mut command = bench.command(&["check", "a.toml"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.code().is_some(), "{:?}", output.status);
}
