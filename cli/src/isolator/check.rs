//! `apportion isolator check`.

use std::io::Write;
use std::path::Path;

use apportion_cgroups::{Kernel, LiveKernel};
use apportion_config::{Config, Problems};
use serde_json::json;

use super::arguments::CheckArguments;
use super::asked::asked;
use super::view::View;
use super::{as_json, show};
use crate::output::{self, Failure};
use crate::{EXIT_PROBLEMS, EXIT_UNUSABLE};

/// Looks at this host; the exit code says whether containers' groups can be made.
pub(super) fn run(arguments: &CheckArguments) -> Result<u8, Failure> {
    let config = match &arguments.config {
        Some(file) => {
            let text = output::text_of(file)?;
            match Config::from_file(file) {
                Ok(config) => configured(text, config)?,
                Err(problems) => return refuse(arguments, text, &problems),
            }
        }
        None => usual()?,
    };
    let Some(mut wish) = config.isolator.cgroups.clone() else {
        return Err(Failure::Host("an empty table [isolator.cgroups] asks for nothing".to_owned()));
    };
    if !arguments.controllers.is_empty() {
        wish.controllers = arguments.controllers.iter().copied().collect();
    }
    let (kernel, root) = (LiveKernel, Path::new("/"));
    if let Some(pid) = arguments.pid
        && !kernel.has(&root.join("proc").join(pid.to_string())).unwrap_or(false)
    {
        return Err(Failure::Host(format!("--pid: there is no process {pid}")));
    }
    let asked = asked(&config.isolator, &wish);
    let view = View::of(&kernel, root, arguments.pid, &wish, &asked);
    let mut out = anstream::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", as_json::view(&view))?;
    } else {
        show::view(&mut out, &view)?;
    }
    out.flush()?;
    Ok(if view.is_good() { 0 } else { EXIT_PROBLEMS })
}

/// A configuration that wants control groups.
fn configured(file: &str, config: Config) -> Result<Config, Failure> {
    if config.isolator.cgroups.is_some() {
        return Ok(config);
    }
    output::warning(&format!(
        "{file} has no table [isolator.cgroups], so the isolator makes no control groups; shown is what an empty one gives"
    ));
    usual()
}

/// What an empty table wants.
fn usual() -> Result<Config, Failure> {
    Config::from_text("[isolator.cgroups]\n").map_err(|problems| Failure::Host(problems.to_string()))
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
    Ok(EXIT_UNUSABLE)
}
