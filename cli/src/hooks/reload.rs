//! `apportion hooks reload`.

use std::io::Write;

use serde_json::{Value, json};

use super::arguments::ReloadArguments;
use super::diff::{BOLD, RED};
use super::document::shown;
use super::live::{self, Answer, Live};
use crate::EXIT_PROBLEMS;
use crate::output::{self, Failure};

/// What came of a reload.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// So many rules are in force now.
    Reloaded(u64),
    /// The rules before are, and why.
    Refused(String),
}

/// Has the rules read again; the exit code says whether the new ones are in force.
pub(super) fn run(arguments: &ReloadArguments) -> Result<u8, Failure> {
    let outcome = outcome(Live::new(&arguments.live)?.post(live::RELOAD)?)?;
    let mut out = anstream::stdout().lock();
    let code = match &outcome {
        Outcome::Reloaded(_) => 0,
        Outcome::Refused(_) => EXIT_PROBLEMS,
    };
    match outcome {
        Outcome::Reloaded(rules) if arguments.live.json => {
            writeln!(out, "{:#}", json!({ "reloaded": true, "rules": rules }))?;
        }
        Outcome::Refused(problem) if arguments.live.json => {
            writeln!(out, "{:#}", json!({ "reloaded": false, "problem": problem }))?;
        }
        Outcome::Reloaded(rules) => {
            let noun = if rules == 1 { "rule is" } else { "rules are" };
            output::fine(&mut out, &format!("{rules} {noun} in force"))?;
        }
        Outcome::Refused(problem) => {
            writeln!(out, "{RED}refused:{RED:#} {BOLD}the rules before stay in force{BOLD:#}")?;
            for line in problem.lines() {
                writeln!(out, "  {}", shown(line))?;
            }
        }
    }
    out.flush()?;
    Ok(code)
}

/// What an answer says: success is an object with `reloaded`; a refusal is one, too, or a text with an error status.
fn outcome(answer: Answer) -> Result<Outcome, Failure> {
    match (&answer.content, answer.status) {
        (Ok(value), _) if value["reloaded"] == Value::Bool(false) => {
            let problem = value["problem"].as_str().unwrap_or("it does not say why");
            Ok(Outcome::Refused(problem.to_owned()))
        }
        (Err(text), 400 | 409 | 422) if !text.trim().is_empty() => {
            Ok(Outcome::Refused(text.trim().to_owned()))
        }
        _ => {
            let url = answer.url.clone();
            let value = answer.object()?;
            match (value["reloaded"].as_bool(), value["rules"].as_u64()) {
                (Some(true), Some(rules)) => Ok(Outcome::Reloaded(rules)),
                _ => {
                    let problem = "found no `reloaded` and `rules`".to_owned();
                    Err(live::LiveError::NotOurs { url, problem }.into())
                }
            }
        }
    }
}
