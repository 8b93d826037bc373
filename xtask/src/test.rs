//! `cargo xtask test`: every check of the project, the same on every machine.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anstyle::AnsiColor;
use clap::ValueEnum;

use crate::{Failure, fuzz, generate, instructions, target_folder, tidy, workspace_root};

/// The packages whose tests need no Mesos.
const PURE: [&str; 20] = [
    "apportion-bridge",
    "apportion-cgroups",
    "apportion-cli",
    "apportion-config",
    "apportion-core",
    "apportion-detection",
    "apportion-eviction",
    "apportion-fuzz-targets",
    "apportion-generate",
    "apportion-hook",
    "apportion-isolation",
    "apportion-ledger",
    "apportion-policy",
    "apportion-reaction",
    "apportion-scale",
    "apportion-scheduler-simulation",
    "apportion-wire",
    "apportion-workloads",
    "apportion",
    "xtask",
];

/// Seconds that the fuzz targets share in the step [`Step::Fuzz`].
const FUZZ_SECONDS: u64 = 60;

/// One step, in the order they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Formatting of the Rust sources
    Format,
    /// House rules: lengths of files, names, layers
    Tidy,
    /// Generated files are up to date
    Generated,
    /// clippy, warnings denied
    Lint,
    /// rustdoc, warnings denied
    Docs,
    /// The library (C++ warnings are errors), its command, and what the rig starts
    Build,
    /// Everything that needs no Mesos
    Unit,
    /// Random histories, against an independent allocator
    Histories,
    /// The library driven from C++ inside the host's binary, and by its hook manager; its symbols against the host's
    Shim,
    /// The bench at small sizes, with the built-in allocator and with ours
    Bench,
    /// The shim under the address and undefined-behaviour sanitizers
    Memory,
    /// A virtual machine with cgroups v2 only, with a real Mesos and the four modules in it
    Machine,
    /// The rig itself: a real Mesos with its built-in allocator
    Rig,
    /// The four modules in a real master and real agents
    Cluster,
    /// The same script with the built-in allocator and with ours
    Differential,
    /// Masters, agents and frameworks killed at random moments
    Drills,
    /// The fuzz targets, for a minute in all; beside the four steps before it, which mostly wait
    Fuzz,
    /// The shim and the Rust side under valgrind: only when named, as valgrind must be installed
    Valgrind,
    /// Instructions of the core for each workload, against those written down: only when named, as valgrind must be installed
    Instructions,
}

impl Step {
    /// What the progress line says.
    fn purpose(self) -> &'static str {
        match self {
            Step::Format => "formatting",
            Step::Tidy => "house rules",
            Step::Generated => "generated files",
            Step::Lint => "clippy",
            Step::Docs => "rustdoc",
            Step::Build => "building the library",
            Step::Unit => "tests without Mesos",
            Step::Histories => "random histories against an independent allocator",
            Step::Shim => "the shim inside the host's binary",
            Step::Bench => "the bench at small sizes",
            Step::Memory => "the shim under the memory checker",
            Step::Machine => "a machine with cgroups v2 only",
            Step::Rig => "the rig: a real Mesos",
            Step::Cluster => "the modules in a real cluster",
            Step::Differential => "the built-in allocator and ours, step by step",
            Step::Drills => "crash drills on a real cluster",
            Step::Fuzz => "fuzzing decoders, border and histories",
            Step::Valgrind => "shim and library under valgrind",
            Step::Instructions => "instructions of the core",
        }
    }

    fn run(self) -> Result<(), Failure> {
        match self {
            Step::Format => {
                cargo(&["fmt", "--all", "--check"], &[])?;
                cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"], &[])
            }
            Step::Tidy => tidy::run(&workspace_root()),
            Step::Generated => generate::run(true),
            Step::Lint => cargo(
                &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"],
                &[],
            ),
            Step::Docs => {
                let deny = [("RUSTDOCFLAGS", OsString::from("--deny warnings"))];
                cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"], &deny)
            }
            Step::Build => cargo(
                &[
                    "build",
                    "--locked",
                    "--package",
                    "apportion",
                    "--package",
                    "apportion-cli",
                    "--package",
                    "apportion-rig",
                ],
                &[],
            ),
            Step::Unit => {
                let mut arguments = vec!["test", "--locked"];
                arguments.extend(PURE.iter().flat_map(|name| ["--package", name]));
                cargo(&arguments, &[])
            }
            Step::Histories => cargo(&["test", "--locked", "--package", "apportion-oracle"], &[]),
            Step::Shim => with_library(&[
                "test",
                "--locked",
                "--package",
                "apportion-shim-tests",
                "--test",
                "modules",
                "--test",
                "symbols",
                "--test",
                "hook_manager",
            ]),
            Step::Bench => with_library(&["test", "--locked", "--package", "apportion-bench"]),
            Step::Memory => memory(),
            Step::Machine => with_library(&["test", "--locked", "--package", "apportion-machine"]),
            Step::Rig => with_library(&["test", "--locked", "--package", "apportion-rig"]),
            Step::Cluster => with_library(&["test", "--locked", "--package", "apportion-cluster-tests"]),
            Step::Differential => {
                with_library(&["test", "--locked", "--package", "apportion-differential-tests"])
            }
            Step::Drills => with_library(&["test", "--locked", "--package", "apportion-drill-tests"]),
            Step::Fuzz => fuzz::run(&fuzz::Arguments::all(FUZZ_SECONDS)),
            Step::Valgrind => with_library(&[
                "test",
                "--locked",
                "--package",
                "apportion-shim-tests",
                "--test",
                "valgrind",
                "--",
                "--ignored",
            ]),
            Step::Instructions => instructions::run(&instructions::Arguments::default()),
        }
    }
}

impl Step {
    /// Whether a real cluster has the time, and less of the processors.
    fn mostly_waits(self) -> bool {
        matches!(self, Step::Rig | Step::Cluster | Step::Differential | Step::Drills)
    }

    /// Whether it runs only when named.
    fn needs_valgrind(self) -> bool {
        matches!(self, Step::Valgrind | Step::Instructions)
    }
}

/// Runs the steps named, or all of them; stops at the first that fails unless told to keep going.
///
/// # Errors
/// The steps that failed, by name.
pub(crate) fn run(only: &[Step], keep_going: bool) -> Result<(), Failure> {
    let wanted = |step: &Step| if only.is_empty() { !step.needs_valgrind() } else { only.contains(step) };
    let steps: Vec<Step> = Step::value_variants().iter().copied().filter(wanted).collect();
    let mut failed = Vec::new();
    let mut times = Vec::new();
    let mut beside = None;
    for (position, step) in steps.iter().enumerate() {
        say(&format!("[{}/{}] {}", position + 1, steps.len(), step.purpose()));
        let started = Instant::now();
        if beside.is_none() && step.mostly_waits() && steps.contains(&Step::Fuzz) {
            beside = Some(Beside::start(Step::Fuzz)?);
        }
        let outcome = match beside.take_if(|_| *step == Step::Fuzz) {
            Some(begun) => begun.finish(),
            None => step.run(),
        };
        times.push((*step, started.elapsed(), outcome.is_ok()));
        if let Err(failure) = outcome {
            anstream::eprintln!("{failure}");
            failed.push(*step);
            if !keep_going {
                break;
            }
        }
    }
    summary(&times);
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = failed.iter().map(|step| name(*step)).collect();
    Err(Failure::new(format!(
        "failed: {names}\n  run again what failed: cargo xtask test --only {names}",
        names = names.join(",")
    )))
}

/// A step that runs in a process of its own beside others, which mostly wait.
struct Beside {
    step: Step,
    process: Child,
    output: PathBuf,
}

impl Beside {
    fn start(step: Step) -> Result<Beside, Failure> {
        let output = target_folder().join(format!("{}.log", name(step)));
        let explain = |error: std::io::Error| Failure::new(format!("{}: {error}", output.display()));
        let file = File::create(&output).map_err(explain)?;
        let own = std::env::current_exe().map_err(|error| Failure::new(error.to_string()))?;
        let process = Command::new(own)
            .args(["test", "--only", &name(step)])
            .current_dir(workspace_root())
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(explain)?)
            .stderr(file)
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start {} beside: {error}", name(step))))?;
        Ok(Beside { step, process, output })
    }

    /// Waits for the end and shows what the step said.
    fn finish(mut self) -> Result<(), Failure> {
        let status = self.process.wait();
        let said = std::fs::read(&self.output).unwrap_or_default();
        anstream::eprint!("{}", String::from_utf8_lossy(&said));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::new(format!("{} ended with {status}", name(self.step)))),
            Err(error) => Err(Failure::new(format!("{}: {error}", name(self.step)))),
        }
    }
}

impl Drop for Beside {
    /// Nobody waits for a step whose neighbour failed.
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

fn name(step: Step) -> String {
    step.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn say(text: &str) {
    let style = AnsiColor::Cyan.on_default().bold();
    anstream::eprintln!("{style}{text}{style:#}");
}

/// One line for each step that ran.
fn summary(times: &[(Step, Duration, bool)]) {
    anstream::eprintln!();
    for (step, time, passed) in times {
        let (word, style) = if *passed {
            ("passed", AnsiColor::Green.on_default())
        } else {
            ("FAILED", AnsiColor::Red.on_default().bold())
        };
        anstream::eprintln!("{style}{word}{style:#} {:>6.1} s  {}", time.as_secs_f64(), step.purpose());
    }
}

/// Runs cargo in the workspace, its output going through.
///
/// # Errors
/// When cargo cannot be run or ends without success.
pub(crate) fn cargo(arguments: &[&str], variables: &[(&str, OsString)]) -> Result<(), Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(workspace_root());
    for (name, value) in variables {
        command.env(name, value);
    }
    let status = command.status().map_err(|error| Failure::new(format!("cannot run cargo: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("cargo {} ended with {status}", arguments.join(" "))))
}

/// Where cargo puts what it builds for tests.
fn debug_folder() -> PathBuf {
    target_folder().join("debug")
}

/// A test command that finds the library and the rig's executor, both built first: `cargo test` builds neither.
fn with_library(arguments: &[&str]) -> Result<(), Failure> {
    Step::Build.run()?;
    let folder = debug_folder();
    let variables = [
        ("APPORTION_LIBRARY", folder.join("libapportion.so").into_os_string()),
        ("APPORTION_RIG_EXECUTOR", folder.join("rig-executor").into_os_string()),
    ];
    cargo(arguments, &variables)
}

/// Builds a library whose shim is instrumented, keeps it apart from the ordinary one, and tests it.
fn memory() -> Result<(), Failure> {
    let sanitize = [("APPORTION_SANITIZE", OsString::from("address,undefined"))];
    cargo(&["build", "--locked", "--package", "apportion"], &sanitize)?;
    let kept = target_folder().join("sanitized/libapportion.so");
    copy(&debug_folder().join("libapportion.so"), &kept)?;
    let variables = [
        ("APPORTION_SANITIZED_LIBRARY", kept.into_os_string()),
        ("APPORTION_RIG_EXECUTOR", debug_folder().join("rig-executor").into_os_string()),
    ];
    let tested = cargo(&["build", "--locked", "--package", "apportion-rig"], &[]).and_then(|()| {
        cargo(&["test", "--locked", "--package", "apportion-shim-tests", "--test", "memory"], &variables)
    });
    // What stands in the target folder is the ordinary library again, whatever came of the tests.
    cargo(&["build", "--locked", "--package", "apportion"], &[])?;
    tested
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let explain = |error: std::io::Error| {
        Failure::new(format!("cannot copy {} to {}: {error}", from.display(), to.display()))
    };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(explain)?;
    }
    std::fs::copy(from, to).map_err(explain)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::ValueEnum as _;

    use super::{PURE, Step, name};
    use crate::workspace_root;

    #[test]
    fn every_package_with_tests_is_run_by_some_step() {
        let manifest = std::fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
        let folders: Vec<&str> = manifest
            .lines()
            .skip_while(|line| !line.starts_with("members"))
            .skip(1)
            .take_while(|line| !line.starts_with(']'))
            .map(|line| line.trim().trim_end_matches(',').trim_matches('"'))
            .collect();
        assert!(folders.len() >= 9, "{folders:?}");
        for folder in folders {
            let own =
                std::fs::read_to_string(workspace_root().join(Path::new(folder)).join("Cargo.toml")).unwrap();
            let package =
                own.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"');
            let own_step = [
                "apportion-oracle",
                "apportion-bench",
                "apportion-machine",
                "apportion-rig",
                "apportion-shim-tests",
                "apportion-cluster-tests",
                "apportion-differential-tests",
                "apportion-drill-tests",
            ];
            assert!(PURE.contains(&package) || own_step.contains(&package), "no step tests {package}");
        }
    }

    #[test]
    fn every_step_has_a_name_and_a_purpose() {
        for step in Step::value_variants() {
            assert!(!name(*step).is_empty());
            assert!(!step.purpose().is_empty());
        }
    }
}
