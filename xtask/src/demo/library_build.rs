//! Building what the demo starts, through cargo, with progress.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::account::{Account, Step};
use super::interruption::Interruption;
use crate::{Failure, workspace_root};

const LOOK: Duration = Duration::from_millis(100);
/// What a distribution calls the package with the C++ compiler.
const COMPILER_CURE: &str = "  install a C++ compiler: apt-get install g++";
/// How the crate that calls the compiler says that there is none.
const MISSING_TOOL: &str = "failed to find tool ";

/// What to build.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The package.
    pub(super) package: &'static str,
    /// What cargo is told to build it.
    arguments: &'static [&'static str],
    /// Name of the target whose file is wanted.
    pub(super) target: &'static str,
    /// Kind of that target, as cargo spells it.
    pub(super) kind: &'static str,
    /// How the account calls it.
    pub(super) called: &'static str,
}

/// The library with the four modules.
pub(super) const LIBRARY: Wanted = Wanted {
    package: "apportion",
    arguments: &["--package", "apportion"],
    target: "apportion",
    kind: "cdylib",
    called: "the library",
};
/// The program that runs the tasks. Built together with this program it shares all packages, which are built already;
/// alone it would get other variants of some.
pub(super) const EXECUTOR: Wanted = Wanted {
    package: "apportion-rig",
    arguments: &[
        "--package",
        "xtask",
        "--package",
        "apportion-rig",
        "--bin",
        "xtask",
        "--bin",
        "rig-executor",
    ],
    target: "rig-executor",
    kind: "bin",
    called: "the executor",
};

/// One line of cargo: of its messages, or of what it tells people.
enum Heard {
    Message(String),
    Told(String),
}

/// Builds a package in the profile `dev`, which is the quickest to build, and returns the wanted file.
///
/// # Errors
/// When cargo cannot be started or fails (its words are in the error), or the demo was asked to stop.
pub(super) fn build(
    wanted: Wanted,
    account: &mut Account,
    interruption: &Interruption,
) -> Result<PathBuf, Failure> {
    let step = account.begin(&format!("building {}", wanted.called), Some(count_packages(wanted.package)));
    let mut child = cargo()
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(wanted.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Its own group, so that Ctrl-C reaches it once and with everything it has started.
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::new(format!("cannot start cargo: {error}")))?;
    let heard = listen(&mut child);
    let outcome = follow(&heard, wanted, &step, interruption);
    if outcome.is_err() {
        let group = Pid::from_child(&child);
        // The only failure is that nobody of it is left.
        let _ = kill_process_group(group, Signal::INT);
    }
    let status = child.wait().map_err(|error| Failure::new(format!("cannot wait for cargo: {error}")))?;
    let followed = outcome?;
    if !status.success() {
        return Err(Failure::new(build_failure(wanted, &followed.told)));
    }
    let file = followed.file.ok_or_else(|| {
        Failure::new(format!("cargo built package {} without a {}", wanted.package, wanted.kind))
    })?;
    let time = step.elapsed().as_secs_f64();
    drop(step);
    account.tick(true, format_args!("built {} in {time:.1} s", wanted.called));
    Ok(file)
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace_root());
    command
}

fn listen(child: &mut Child) -> mpsc::Receiver<Heard> {
    let (sender, heard) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        send_lines(output, sender.clone(), Heard::Message);
    }
    if let Some(output) = child.stderr.take() {
        send_lines(output, sender, Heard::Told);
    }
    heard
}

fn send_lines(output: impl Read + Send + 'static, to: Sender<Heard>, kind: fn(String) -> Heard) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if to.send(kind(String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
        }
    });
}

#[derive(Debug, Default)]
struct Followed {
    file: Option<PathBuf>,
    told: Vec<String>,
}

/// Hears cargo out.
fn follow(
    heard: &mpsc::Receiver<Heard>,
    wanted: Wanted,
    step: &Step,
    interruption: &Interruption,
) -> Result<Followed, Failure> {
    let mut followed = Followed::default();
    let mut done = BTreeSet::new();
    loop {
        interruption.check()?;
        match heard.recv_timeout(LOOK) {
            Ok(Heard::Message(line)) => {
                let Some(artifact) = Artifact::parse(&line) else { continue };
                if artifact.target == wanted.target && artifact.kind == wanted.kind {
                    followed.file = Some(artifact.file);
                }
                done.insert(artifact.package);
                step.at(done.len());
            }
            Ok(Heard::Told(line)) => {
                step.tell(line.trim());
                followed.told.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(followed),
        }
    }
}

/// A finished target.
#[derive(Debug, PartialEq, Eq)]
struct Artifact {
    package: String,
    target: String,
    kind: String,
    file: PathBuf,
}

impl Artifact {
    /// Reads one of cargo's messages; `None` for other messages and for build scripts.
    fn parse(line: &str) -> Option<Artifact> {
        let message: Value = serde_json::from_str(line).ok()?;
        let kind = message["target"]["kind"][0].as_str()?;
        if message["reason"] != "compiler-artifact" || kind == "custom-build" {
            return None;
        }
        let file = message["executable"].as_str().or_else(|| message["filenames"][0].as_str())?;
        Some(Artifact {
            package: message["package_id"].as_str()?.to_owned(),
            target: message["target"]["name"].as_str()?.to_owned(),
            kind: kind.to_owned(),
            file: PathBuf::from(file),
        })
    }
}

/// How many packages a build touches; 1 when cargo does not tell: the number only moves the progress bar.
fn count_packages(package: &str) -> usize {
    let output = cargo()
        .args(["metadata", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"])
        .output();
    let metadata = output.ok().and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok());
    metadata.map_or(1, |metadata| packages_below(&metadata, package)).max(1)
}

/// Packages that `package` needs to be built, with itself.
fn packages_below(metadata: &Value, package: &str) -> usize {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let needs: BTreeMap<&str, Vec<&str>> =
        nodes.filter_map(|node| Some((node["id"].as_str()?, built_for(node)))).collect();
    let own = packages.filter(|entry| entry["name"] == package).filter_map(|entry| entry["id"].as_str());
    let mut unseen: Vec<&str> = own.collect();
    let mut seen: BTreeSet<&str> = unseen.iter().copied().collect();
    while let Some(id) = unseen.pop() {
        unseen.extend(needs.get(id).into_iter().flatten().copied().filter(|&needed| seen.insert(needed)));
    }
    seen.len()
}

/// What a node of the graph needs other than for its tests.
fn built_for(node: &Value) -> Vec<&str> {
    let needed = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
    };
    let dependencies = node["deps"].as_array().into_iter().flatten().filter(needed);
    dependencies.filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

/// Cargo's words from the first error on; where the cure is known, that instead.
fn build_failure(wanted: Wanted, told: &[String]) -> String {
    let failed = format!("{} (package {}) does not build", wanted.called, wanted.package);
    if let Some(reason) = told.iter().rev().find_map(|line| line.split_once(MISSING_TOOL)) {
        return format!("{failed}: {}{}\n{COMPILER_CURE}", MISSING_TOOL, reason.1);
    }
    let start = told.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    format!("{failed}:\n{}", told[start..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finished_library_is_found_among_the_messages() {
        let message = json!({
            "reason": "compiler-artifact", "package_id": "path+file:///x#apportion@0.1.0",
            "target": {"kind": ["cdylib"], "name": "apportion"},
            "filenames": ["/t/debug/libapportion.so"], "executable": null,
        });
        let artifact = Artifact::parse(&message.to_string()).unwrap();
        assert_eq!(artifact.file, PathBuf::from("/t/debug/libapportion.so"));
        assert_eq!((artifact.target.as_str(), artifact.kind.as_str()), ("apportion", "cdylib"));
    }

    #[test]
    fn build_scripts_and_other_messages_are_no_artifacts() {
        let script = json!({
            "reason": "compiler-artifact", "package_id": "p",
            "target": {"kind": ["custom-build"], "name": "build-script-build"}, "filenames": ["/t/x"],
        });
        assert_eq!(Artifact::parse(&script.to_string()), None);
        assert_eq!(Artifact::parse(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(Artifact::parse("warning: not JSON"), None);
    }

    #[test]
    fn packages_wanted_for_tests_only_are_not_counted() {
        let need = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [{"name": "top", "id": "1"}, {"name": "other", "id": "5"}],
            "resolve": {"nodes": [
                {"id": "1", "deps": [need("2", json!(null)), need("3", json!("build")), need("4", json!("dev"))]},
                {"id": "2", "deps": [need("3", json!(null))]},
                {"id": "3", "deps": []},
                {"id": "4", "deps": []},
                {"id": "5", "deps": []},
            ]},
        });
        assert_eq!(packages_below(&metadata, "top"), 3);
        assert_eq!(packages_below(&json!({}), "top"), 0);
    }

    #[test]
    fn failed_build_shows_the_error_without_the_progress_before_it() {
        let told = ["   Compiling a v1", "error[E0308]: mismatched types", " --> b.rs:1"].map(str::to_owned);
        let text = build_failure(LIBRARY, &told);
        assert!(text.contains("mismatched types") && text.contains("b.rs:1"), "{text}");
        assert!(!text.contains("Compiling a v1"), "{text}");
    }

    #[test]
    fn missing_compiler_is_named_with_its_cure() {
        let told = [
            "error: failed to run custom build command",
            "  CXXFLAGS = None",
            "  error occurred in cc-rs: failed to find tool \"c++\": No such file",
        ];
        let text = build_failure(LIBRARY, &told.map(str::to_owned));
        assert_eq!(
            text,
            "the library (package apportion) does not build: failed to find tool \"c++\": No such file\n  \
             install a C++ compiler: apt-get install g++"
        );
    }
}
