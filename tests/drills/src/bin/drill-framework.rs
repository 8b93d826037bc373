//! The framework that the drills kill; they start it. See [`apportion_drill_tests::program`].
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let orders = env::args().nth(1).unwrap_or_default();
    match apportion_drill_tests::program::run(&orders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "drill-framework: {error}; the tests of this package start it, with their orders as JSON"
            );
            ExitCode::FAILURE
        }
    }
}
