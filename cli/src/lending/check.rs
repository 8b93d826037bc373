//! `apportion lending check`.

use std::io::Write;

use apportion_config::{Config, Problems};
use serde_json::json;

use super::arguments::CheckArguments;
use super::view::RoleView;
use super::{as_json, show};
use crate::output::{self, Failure};
use crate::{EXIT_PROBLEMS, EXIT_UNUSABLE};

/// Shows the rules, or what they mean for a role.
pub(super) fn run(arguments: &CheckArguments) -> Result<u8, Failure> {
    let file = output::text_of(&arguments.config)?;
    let config = match Config::from_file(&arguments.config) {
        Ok(config) => config,
        Err(problems) => return refuse(arguments, file, &problems),
    };
    let mut out = anstream::stdout().lock();
    let role = arguments.role.as_deref().map(|role| RoleView::of(&config.lending, role));
    match (role, arguments.json) {
        (None, false) => show::rules(&mut out, &config)?,
        (None, true) => writeln!(out, "{:#}", as_json::rules(&config))?,
        (Some(role), false) => show::role(&mut out, &config.lending, &role)?,
        (Some(role), true) => writeln!(out, "{:#}", as_json::role(&config.lending, &role))?,
    }
    out.flush()?;
    Ok(0)
}

fn refuse(arguments: &CheckArguments, file: &str, problems: &Problems) -> Result<u8, Failure> {
    let mut out = anstream::stdout().lock();
    if arguments.json {
        let described: Vec<_> = problems.iter().collect();
        let document = json!({ "ok": false, "file": file, "problems": described });
        writeln!(out, "{document:#}")?;
    } else {
        output::problems(&mut out, problems)?;
    }
    out.flush()?;
    Ok(if problems.is_unreadable() { EXIT_UNUSABLE } else { EXIT_PROBLEMS })
}
