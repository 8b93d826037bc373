//! `apportion modules`.

use std::io::Write;
use std::path::Path;

use apportion_config::{Config, Problems};
use serde_json::{Value, json};

use crate::arguments::ModulesArguments;
use crate::library::{self, MODULES};
use crate::output::{self, Failure};
use crate::{EXIT_PROBLEMS, EXIT_UNUSABLE, check};

/// Checks library and settings and prints the modules JSON.
pub(crate) fn run(arguments: &ModulesArguments) -> Result<u8, Failure> {
    let lib = absolute(&arguments.lib)?;
    for remark in library::check(Path::new(&lib))? {
        output::warning(&remark);
    }
    let parameters = match &arguments.config {
        Some(file) => vec![("config".to_owned(), absolute(file)?)],
        None => arguments.set.clone(),
    };
    let bytes: Vec<_> = parameters
        .iter()
        .map(|(key, value)| (key.clone().into_bytes(), value.clone().into_bytes()))
        .collect();
    match Config::from_parameters(&bytes) {
        Ok(config) => check::warn_of_drills(&config),
        Err(problems) => return refuse(&problems),
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:#}", document(&lib, &parameters))?;
    out.flush()?;
    Ok(0)
}

/// Shows problems on standard error: standard output is for the JSON alone.
fn refuse(problems: &Problems) -> Result<u8, Failure> {
    output::problems(&mut anstream::stderr().lock(), problems)?;
    Ok(if problems.is_unreadable() { EXIT_UNUSABLE } else { EXIT_PROBLEMS })
}

/// The JSON for `--modules`. Every module gets all settings and uses those of its own.
fn document(lib: &str, parameters: &[(String, String)]) -> Value {
    let parameters: Vec<Value> =
        parameters.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let modules: Vec<Value> = MODULES
        .iter()
        .map(|name| {
            if parameters.is_empty() {
                json!({ "name": name })
            } else {
                json!({ "name": name, "parameters": parameters })
            }
        })
        .collect();
    json!({ "libraries": [{ "file": lib, "modules": modules }] })
}

/// The path from the root, as text. Links are kept: a deployment may switch versions by them.
fn absolute(path: &Path) -> Result<String, Failure> {
    output::text_of(path)?;
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::NoAbsolutePath { path: path.to_owned(), error })?;
    output::text_of(&absolute).map(str::to_owned)
}
