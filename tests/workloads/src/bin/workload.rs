//! Runs one workload once, for programs that count from outside what it costs; or lists all workloads.
//!
//! ```text
//! workload                                          one line for each: name, unit, agents, frameworks, roles, what it is
//! workload NAME [AGENTS FRAMEWORKS ROLES]           runs it, and tells the number of units, and how often memory was asked for
//! ```
//!
//! The measured part is the function whose name ends in `measured_part`. Calls for memory are counted here and not by the
//! emulator, which counts calls that happen before it is told to.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use apportion_workloads::{Size, all, find};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, size)) = arguments.split_first() else {
        list();
        return ExitCode::SUCCESS;
    };
    match run(name, size) {
        Ok((units, allocations)) => {
            println!("{units} {allocations}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("workload: {text}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for workload in all() {
        let Size { agents, frameworks, roles } = workload.size;
        println!("{}\t{}\t{agents}\t{frameworks}\t{roles}\t{}", workload.name, workload.unit, workload.about);
    }
}

/// Units, and how often the measured part asked for memory, for more of it included.
fn run(name: &str, size: &[String]) -> Result<(u64, u64), String> {
    let workload = find(name).ok_or_else(|| format!("no workload is called {name}; all: workload"))?;
    let mut ready = workload.prepare(parsed(size, workload.size)?);
    let mut outcome = None;
    let asked = allocation_counter::measure(|| outcome = Some(ready.measure()));
    let outcome = outcome.ok_or("nothing was measured")?;
    ready.check(&outcome).map_err(|wrong| format!("{name}: {wrong}"))?;
    Ok((ready.units(), asked.count_total))
}

fn parsed(size: &[String], usual: Size) -> Result<Size, String> {
    let number = |text: &String| {
        text.parse::<usize>()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| format!("{text} is not a number of agents, frameworks or roles"))
    };
    match size {
        [] => Ok(usual),
        [agents, frameworks, roles] => Ok(Size::new(number(agents)?, number(frameworks)?, number(roles)?)),
        _ => Err("a size is three numbers: agents, frameworks, roles".to_owned()),
    }
}
