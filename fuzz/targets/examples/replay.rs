//! Runs one target on one input, without libFuzzer: `cargo run -p apportion-fuzz-targets --example replay -- history FILE`.
//! Of a history each event is printed.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use apportion_fuzz_targets::{TARGETS, history};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, file] = &arguments[..] else {
        let names = TARGETS.map(|(name, _)| name).join(", ");
        eprintln!("usage: replay TARGET FILE; targets: {names}");
        return ExitCode::FAILURE;
    };
    let input = match std::fs::read(file) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("cannot read {file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match TARGETS.iter().find(|(name, _)| name == target) {
        Some(("history", _)) => history::run_aloud(&input),
        Some((_, run)) => run(&input),
        None => {
            eprintln!("there is no target {target}");
            return ExitCode::FAILURE;
        }
    }
    println!("{} bytes: everything held", input.len());
    ExitCode::SUCCESS
}
