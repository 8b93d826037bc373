//! `isolator-figures` (of `tests/cluster`) in a machine with cgroups v2 only: its memory, its descriptors and how often
//! it wakes are those of v2. Times are those of the machine's emulated processors, unless it has real ones.
//!
//! ```text
//! cargo build --release -p apportion-rig -p apportion-cluster-tests
//! cargo run --release -p apportion-machine --example isolator_figures -- --only held,calls
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use apportion_machine::{Machine, Scenario};

const PROGRAM: &str = "isolator-figures";
const WITHIN: Duration = Duration::from_secs(900);
/// Room for a thousand processes.
const MEMORY_MIB: u32 = 3072;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let scenario = Scenario::program(&program()?)
        .arguments(&arguments)
        .without_mesos()
        .memory_mib(MEMORY_MIB)
        .within(WITHIN);
    let outcome = Machine::prepare(|step| eprintln!("{step}"))?.run(&scenario)?.require_success()?;
    println!("{}", outcome.console);
    Ok(())
}

/// The program beside the folder of examples, where Cargo puts it.
fn program() -> Result<PathBuf, Box<dyn Error>> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|examples| examples.parent()).ok_or("no folder of programs")?;
    let path = folder.join(PROGRAM);
    if path.is_file() {
        return Ok(path);
    }
    let cure = "build it: cargo build --release -p apportion-cluster-tests";
    Err(format!("{} is not there; {cure}", path.display()).into())
}
