//! `apportion check`.

use std::io::Write;

use apportion_config::{Config, Problems};
use serde_json::json;

use crate::arguments::CheckArguments;
use crate::output::{self, Failure};
use crate::{EXIT_PROBLEMS, EXIT_UNUSABLE};

/// Checks a file and shows the result; the exit code says how it went.
pub(crate) fn run(arguments: &CheckArguments) -> Result<u8, Failure> {
    let file = output::text_of(&arguments.file)?;
    let result = Config::from_file(&arguments.file);
    let code = match &result {
        Ok(_) => 0,
        Err(problems) if problems.is_unreadable() => EXIT_UNUSABLE,
        Err(_) => EXIT_PROBLEMS,
    };
    let mut out = anstream::stdout().lock();
    match &result {
        _ if arguments.json => writeln!(out, "{:#}", as_json(file, result.as_ref().err()))?,
        Ok(config) => output::fine(&mut out, &format!("{file}: {}", summary(config)))?,
        Err(problems) => output::problems(&mut out, problems)?,
    }
    if let Ok(config) = &result {
        warn_of_drills(config);
    }
    out.flush()?;
    Ok(code)
}

/// Says on standard error that modules will fail on purpose.
pub(crate) fn warn_of_drills(config: &Config) {
    if !config.drill.is_empty() {
        output::warning(&format!(
            "drill.panic_in is set: {} will fail on purpose. Not for production.",
            config.drill.panic_in.join(", ")
        ));
    }
}

fn as_json(file: &str, problems: Option<&Problems>) -> serde_json::Value {
    let described: Vec<_> = problems.into_iter().flatten().collect();
    json!({
        "file": file,
        "ok": problems.is_none(),
        "count": problems.map_or(0, Problems::len),
        "problems": described,
    })
}

fn summary(config: &Config) -> String {
    let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    [
        count(config.hook.environment.len(), "executor variable"),
        count(config.hook.labels.len(), "task label"),
        count(config.hook.rules.len(), "hook rule"),
        count(config.isolator.environment.len(), "container variable"),
        count(config.isolator.rlimits.len(), "resource limit"),
        count(config.lending.lenders.len(), "lender"),
        count(config.lending.borrowers.len(), "borrower"),
    ]
    .join(", ")
}
