//! Executor program of the rig; see [`apportion_rig::executor`].
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use apportion_rig::executor::{self, Surroundings, USAGE};

fn main() -> ExitCode {
    if env::args_os().skip(1).any(|argument| argument == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Surroundings::read(env::vars_os(), env::args_os().skip(1)).and_then(executor::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rig-executor: {error}");
            ExitCode::FAILURE
        }
    }
}
