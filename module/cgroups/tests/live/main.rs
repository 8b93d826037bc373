//! Real groups on the kernel this runs on, with whatever hierarchies it has. Needs root, or a delegated subtree.
//!
//! A program of its own without a test harness: `live [part of a name]…` runs the scenarios, `live --list` names them.
//! It needs no other file, only `/proc` and a mounted control group file system, so it runs in any small machine. What
//! is missing is a failure that tells the cure.

mod hog;
mod scenarios;
mod stage;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("hog", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return hog::run(rest);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        scenarios::ALL.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let mut failed = 0;
    let mut ran = 0;
    for (name, scenario) in scenarios::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        ran += 1;
        let outcome =
            catch_unwind(AssertUnwindSafe(|| stage::Stage::open(name).and_then(|stage| scenario(&stage))));
        match outcome {
            Ok(Ok(())) => println!("test {name} ... ok"),
            Ok(Err(error)) => {
                failed += 1;
                println!("test {name} ... FAILED\n    {error}");
            }
            Err(_) => {
                failed += 1;
                println!("test {name} ... FAILED (see above)");
            }
        }
    }
    println!("test result: {} of {ran} passed", ran - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
