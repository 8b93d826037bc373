//! `cargo xtask fuzz`: builds the fuzz targets with the stable compiler and runs them.
//!
//! cargo-fuzz asks for a nightly compiler because of the address sanitizer. Coverage, which libFuzzer lives on, comes
//! from a pass that every rustc has; in Rust without unsafe code the sanitizer adds little.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anstyle::AnsiColor;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::ValueEnum;

use crate::test::cargo;
use crate::{Failure, target_folder, workspace_root};

/// What makes rustc count edges and comparisons for libFuzzer, as cargo-fuzz does.
const INSTRUMENTATION: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];

/// Longest input, in bytes: a sample configuration fits.
const INPUT_BYTES_MAX: u32 = 4096;
/// Seconds after which one input counts as a hang. The slowest takes milliseconds; a machine may be busy.
const HANG_SECONDS: u32 = 20;
/// Memory of one target after which an input counts as a leak or a flood, in MiB.
const MEMORY_MIB: u32 = 2048;

/// A fuzz target; `fuzz/targets` says what each does with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Calls of the table of C functions, with any bytes as messages
    Border,
    /// apportion.toml and module parameters
    Configuration,
    /// Events of an allocator, those included that no master sends
    History,
    /// The eleven methods of the hook module, with rules
    Hook,
    /// Every message of the host that is decoded
    Messages,
    /// Offer operations made into conversions
    Operation,
    /// Resources taken apart and put together
    Resource,
    /// Templates of hook rules
    Template,
    /// Resources and quantities as text and JSON
    Text,
}

/// What to run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An input that breaks a target is kept in fuzz/artifacts/TARGET. Run it again, without libFuzzer:
  cargo run -p apportion-fuzz-targets --example replay -- TARGET FILE
It is also told as base64, for when only the log of a machine is left: base64 -d makes the file of it.
What was learned about inputs is kept in fuzz/corpus/TARGET for the next run; delete it to begin anew."
)]
pub(crate) struct Arguments {
    /// The targets; all if none is named
    #[arg(value_name = "TARGET")]
    targets: Vec<Target>,
    /// Seconds that the targets share, as many at a time as there are processors; without the time to build
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
    /// What the inputs are drawn from: the same number, the same inputs; another one each time if none is given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seed: Option<u32>,
}

impl Arguments {
    /// All targets, so many seconds together, with the inputs that every machine draws.
    pub(crate) fn all(seconds: u64) -> Arguments {
        Arguments { targets: Vec::new(), seconds, seed: Some(1) }
    }
}

/// Builds and runs targets.
///
/// # Errors
/// When they do not build, or an input broke one: which, and how to see it again.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let targets = match &arguments.targets[..] {
        [] => Target::value_variants(),
        named => named,
    };
    let programs = build()?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    // Each worker runs its targets one after the other; all together end in time.
    let rounds = u64::try_from(targets.len().div_ceil(workers)).unwrap_or(1);
    let seconds = (arguments.seconds / rounds).max(1);
    let waiting = Mutex::new(targets.iter().rev().copied().collect::<Vec<Target>>());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = next(&waiting) {
                    if let Err(failure) = fuzz(target, &programs, seconds, arguments.seed) {
                        failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(failure.0);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(failures.join("\n"))) }
}

fn next(waiting: &Mutex<Vec<Target>>) -> Option<Target> {
    waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
}

fn name(target: Target) -> String {
    target.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Builds all targets; gives the folder they stand in.
fn build() -> Result<PathBuf, Failure> {
    let host = host()?;
    // A folder of its own: cargo locks a folder while it builds, and other steps must not wait for that.
    let folder = target_folder().join("fuzz");
    let flags = [("RUSTFLAGS", INSTRUMENTATION.join(" ").into())];
    let place = folder.display().to_string();
    // With a target named, build scripts and procedural macros are not instrumented, and are shared with other builds.
    cargo(
        &[
            "build",
            "--locked",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--bins",
            "--target",
            &host,
            "--target-dir",
            &place,
        ],
        &flags,
    )?;
    Ok(folder.join(host).join("debug"))
}

/// The platform of the compiler, for example `x86_64-unknown-linux-gnu`.
fn host() -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let failed = |why: String| Failure::new(format!("cannot ask rustc for its platform: {why}"));
    let told = Command::new(rustc).arg("-vV").output().map_err(|error| failed(error.to_string()))?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| failed(format!("it says {told:?}")))
}

/// Runs one target and says how it went in one line; all it says itself goes to a file.
fn fuzz(target: Target, programs: &Path, seconds: u64, seed: Option<u32>) -> Result<(), Failure> {
    let name = name(target);
    let fuzz = workspace_root().join("fuzz");
    let (corpus, artifacts) = (fuzz.join("corpus").join(&name), fuzz.join("artifacts").join(&name));
    let log = target_folder().join(format!("fuzz-{name}.log"));
    let prepare =
        |error: std::io::Error| Failure::new(format!("{name}: cannot prepare its folders: {error}"));
    fs::create_dir_all(&corpus).map_err(prepare)?;
    fs::create_dir_all(&artifacts).map_err(prepare)?;
    let (out, err) = File::create(&log).and_then(|file| Ok((file.try_clone()?, file))).map_err(prepare)?;
    let status = Command::new(programs.join(&name))
        .args([&corpus, &fuzz.join("seeds").join(&name)])
        .arg(format!("-max_total_time={seconds}"))
        // To libFuzzer, 0 is a seed of its own choice.
        .arg(format!("-seed={}", seed.unwrap_or(0)))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={HANG_SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .status()
        .map_err(|error| Failure::new(format!("{name}: cannot be run: {error}")))?;
    let said = fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    if status.success() {
        say(&format!("{name:<14} {}", account(&said)));
        return Ok(());
    }
    let replay = kept(&said).map_or_else(String::new, |file| {
        let input = fs::read(file).map(|bytes| BASE64_STANDARD.encode(bytes));
        let input = input.unwrap_or_else(|error| format!("cannot be read: {error}"));
        format!(
            "\n  run it again: cargo run -p apportion-fuzz-targets --example replay -- {name} {file}\n  \
             elsewhere, make the file with base64 -d of: {input}"
        )
    });
    Err(Failure::new(format!("{name}: {}\n  all it said: {}{replay}", reason(&said), log.display())))
}

fn say(text: &str) {
    let style = AnsiColor::Green.on_default();
    // Several targets report at once: one write for a line.
    let _ = anstream::stderr().lock().write_all(format!("{style}held{style:#}   {text}\n").as_bytes());
}

/// How many inputs there were and how much code they reached, from what libFuzzer says.
fn account(said: &str) -> String {
    let runs = said.lines().rev().find_map(|line| line.strip_prefix("Done ")?.split_whitespace().next());
    let edges = said.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split_whitespace().next());
    format!("{} inputs, {} edges reached", runs.unwrap_or("no"), edges.unwrap_or("no"))
}

/// What a panic or libFuzzer gives as the reason.
fn reason(said: &str) -> String {
    let mut lines =
        said.lines().skip_while(|line| !line.contains(" panicked at ") && !line.contains("ERROR:"));
    let first = lines.next().unwrap_or("it ended without success");
    let more = lines.next().filter(|_| first.contains(" panicked at "));
    let text = [Some(first), more].into_iter().flatten().collect::<Vec<_>>().join(" ");
    text.chars().take(400).collect()
}

/// The file that the input was kept in.
fn kept(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, file)| file))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::{Target, account, kept, name, reason};
    use crate::workspace_root;

    #[test]
    fn every_target_is_a_program_and_the_other_way_round() {
        let manifest = std::fs::read_to_string(workspace_root().join("fuzz/Cargo.toml")).unwrap();
        let programs: Vec<&str> = manifest
            .split("[[bin]]\n")
            .skip(1)
            .map(|entry| entry.lines().next().unwrap().trim_start_matches("name = ").trim_matches('"'))
            .collect();
        let targets: Vec<String> = Target::value_variants().iter().map(|target| name(*target)).collect();
        assert_eq!(programs, targets);
    }

    #[test]
    fn a_run_is_told_in_a_line() {
        let said = "#9\tNEW    cov: 15797 ft: 4 corp: 2/1b\nDone 145846 runs in 621 second(s)\n";
        assert_eq!(account(said), "145846 inputs, 15797 edges reached");
        assert_eq!(account(""), "no inputs, no edges reached");
    }

    #[test]
    fn a_broken_input_is_told_with_its_reason_and_its_file() {
        let said = "#1\nthread '<unnamed>' (7) panicked at src/a.rs:1:2:\nnot so\nstack backtrace:\n\
                    ==7== ERROR: libFuzzer: deadly signal\nartifact_prefix='x/'; Test unit written to x/crash-1\n";
        assert_eq!(reason(said), "thread '<unnamed>' (7) panicked at src/a.rs:1:2: not so");
        assert_eq!(kept(said), Some("x/crash-1"));
        let hang = "==7== ERROR: libFuzzer: timeout after 20 seconds\nTest unit written to x/timeout-1\n";
        assert_eq!(reason(hang), "==7== ERROR: libFuzzer: timeout after 20 seconds");
        assert_eq!(reason(""), "it ended without success");
    }
}
