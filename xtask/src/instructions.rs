//! `cargo xtask instructions`: how many instructions the core needs for each workload, compared with what is written down.
//!
//! The workloads of `tests/workloads` run under valgrind's callgrind, one process for each, and only their measured part
//! is counted. `docs/performance/instructions.md` says what a count holds and what it does not.

mod callgrind;
mod counts;
mod growth;
mod report;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::test::cargo;
use crate::{Failure, target_folder, workspace_root};
use counts::{Counts, Kept};
use growth::{GROWTHS, Grown, Growth};

/// What to count.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Needs valgrind. More than 3 % above what is written down is a failure; below it, the new count ought to be
written down: cargo xtask instructions --update"
)]
pub(crate) struct Arguments {
    /// The workloads; all, and how cost grows with the cluster, if none is named
    #[arg(value_name = "WORKLOAD")]
    workloads: Vec<String>,
    /// Write down what was counted, in tests/workloads/instructions.toml and docs/performance/instructions.md
    #[arg(long)]
    update: bool,
}

/// A workload as the program that runs it lists it.
#[derive(Debug, Clone)]
struct Listed {
    name: String,
    unit: String,
    about: String,
    size: [usize; 3],
}

/// What is counted: a workload, and agents, frameworks and roles.
type Task = (String, [usize; 3]);

/// What a task cost, and into how many units that is divided.
#[derive(Debug, Clone, Copy)]
struct Counted {
    /// Instructions in the program itself.
    instructions: u64,
    /// How often it asked for memory.
    allocations: u64,
    units: u64,
}

/// Counts, compares or writes down.
///
/// # Errors
/// When a workload cannot be run, costs more than it may, or grows faster than it may.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if std::env::consts::ARCH != "x86_64" {
        let found = std::env::consts::ARCH;
        return Err(Failure::new(format!("instructions are counted on x86_64; this machine is {found}")));
    }
    let program = build()?;
    let workloads = chosen(list(&program)?, &arguments.workloads)?;
    let growths: &[Growth] = if arguments.workloads.is_empty() { &GROWTHS } else { &[] };
    let mut tasks: Vec<Task> = growths.iter().flat_map(Growth::tasks).collect();
    tasks.extend(workloads.iter().map(|workload| (workload.name.clone(), workload.size)));
    // One size can be asked for twice.
    tasks.sort();
    tasks.dedup();
    let counted = count_all(&program, &tasks)?;
    let grown: Vec<Grown> = growths.iter().map(|growth| Grown::of(growth, &counted)).collect();
    let rows: Vec<(&Listed, Counted)> = workloads
        .iter()
        .filter_map(|workload| Some((workload, *counted.get(&(workload.name.clone(), workload.size))?)))
        .collect();
    let file = workspace_root().join(counts::FILE);
    let kept = Counts::read(&file)?;
    report::print(&rows, &kept, &grown);
    let compiler = compiler()?;
    let too_fast = growth::failures(&grown);
    if arguments.update {
        update(&file, &kept, &rows, &grown, &compiler)?;
        return outcome(too_fast, "");
    }
    let mut failures = kept.failures(&rows, arguments.workloads.is_empty());
    failures.extend(too_fast);
    let advice = kept.advice(&compiler);
    outcome(failures, &advice)
}

fn outcome(failures: Vec<String>, advice: &str) -> Result<(), Failure> {
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{}{advice}", failures.join("\n  "))))
}

/// Writes what was counted over what was written down, for the workloads that were counted.
fn update(
    file: &Path,
    kept: &Counts,
    rows: &[(&Listed, Counted)],
    grown: &[Grown],
    compiler: &str,
) -> Result<(), Failure> {
    let all = grown.is_empty().then_some(&kept.workloads);
    let mut workloads: BTreeMap<String, Kept> = all.cloned().unwrap_or_default();
    workloads
        .extend(rows.iter().map(|(workload, counted)| (workload.name.clone(), Kept::of(workload, counted))));
    Counts { compiler: compiler.to_owned(), workloads }.write(file)?;
    if grown.is_empty() {
        anstream::eprintln!("the tables of {} are written when all workloads are counted", report::PAGE);
        return Ok(());
    }
    report::write_page(&workspace_root().join(report::PAGE), rows, grown, compiler)
}

/// Builds the program that runs workloads, as it would be released and without flags of this machine.
fn build() -> Result<PathBuf, Failure> {
    let plain = [("RUSTFLAGS", OsString::new()), ("CARGO_ENCODED_RUSTFLAGS", OsString::new())];
    cargo(&["build", "--release", "--locked", "--package", "apportion-workloads"], &plain)?;
    Ok(target_folder().join("release/workload"))
}

/// All workloads, as the program lists them.
fn list(program: &Path) -> Result<Vec<Listed>, Failure> {
    let listed = output(&mut Command::new(program))?;
    listed.lines().map(parse_listed).collect()
}

fn parse_listed(line: &str) -> Result<Listed, Failure> {
    let bad = || Failure::new(format!("the list of workloads has a line of another form: {line}"));
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, unit, agents, frameworks, roles, about] = fields.as_slice() else { return Err(bad()) };
    let number = |text: &str| text.parse::<usize>().map_err(|_| bad());
    let size = [number(agents)?, number(frameworks)?, number(roles)?];
    let [name, unit, about] = [name, unit, about].map(|text| (*text).to_owned());
    Ok(Listed { name, unit, about, size })
}

fn chosen(all: Vec<Listed>, named: &[String]) -> Result<Vec<Listed>, Failure> {
    if let Some(unknown) = named.iter().find(|name| !all.iter().any(|one| one.name == **name)) {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::new(format!(
            "no workload is called {unknown}\n  there are: {}",
            names.join(", ")
        )));
    }
    Ok(all.into_iter().filter(|one| named.is_empty() || named.contains(&one.name)).collect())
}

/// Counts as many workloads at a time as there are processors: counts do not depend on what else runs.
fn count_all(program: &Path, tasks: &[Task]) -> Result<BTreeMap<Task, Counted>, Failure> {
    let folder =
        tempfile::tempdir().map_err(|error| Failure::new(format!("no place for counts: {error}")))?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let waiting = Mutex::new(tasks.iter().enumerate());
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((at, task)) = locked(&waiting).next() {
                    let counted = count(program, task, &folder.path().join(format!("{at}.out")));
                    locked(&results).insert(task.clone(), counted);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.into_iter().map(|(task, counted)| Ok((task, counted?))).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn count(program: &Path, (workload, size): &Task, out: &Path) -> Result<Counted, Failure> {
    let mut command = callgrind::command(out);
    command.arg(program).arg(workload).args(size.map(|number| number.to_string()));
    let said = output(&mut command)?;
    let (units, allocations) = parse_told(&said).ok_or_else(|| {
        Failure::new(format!("{workload}: {said} is not a number of units and one of allocations"))
    })?;
    let text = std::fs::read_to_string(out)
        .map_err(|error| Failure::new(format!("{workload}: callgrind left no counts: {error}")))?;
    let instructions = callgrind::parse(&text, program)
        .map_err(|reason| Failure::new(format!("{workload}: the counts of callgrind: {reason}")))?;
    Ok(Counted { instructions, allocations, units })
}

/// Units and allocations, as the program that runs a workload tells them.
fn parse_told(said: &str) -> Option<(u64, u64)> {
    let (units, allocations) = said.trim().split_once(' ')?;
    Some((units.parse().ok()?, allocations.parse().ok()?))
}

/// Runs a command to its end and gives what it said.
fn output(command: &mut Command) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("cannot run {name}: {error}\n  valgrind must be installed")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new(format!("{name} ended with {}\n  {said}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|error| Failure::new(format!("{name}: {error}")))
}

/// The compiler that cargo uses here, in its own words.
fn compiler() -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Ok(output(Command::new(rustc).arg("--version").current_dir(workspace_root()))?.trim().to_owned())
}
