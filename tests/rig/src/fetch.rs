//! The Mesos binary: fetched by `fetch/fetch_mesos.py` through the user's own pip, or taken from an archive.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::cache::{Cache, CacheLock, remove_incoming, write_file};
use crate::error::RigError;
use crate::program::{self, Wanted};

/// The program that fetches; part of this crate, so that a built test needs no source tree.
const SCRIPT: &str = include_str!("../fetch/fetch_mesos.py");
/// 27 MB over a slow line.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// The sum that `fetch_mesos.py` pins for the binary; the script is the only place that spells it.
pub(crate) fn pinned_sum() -> &'static str {
    let after = SCRIPT.split("MEMBER_SHA256 = \"").nth(1).unwrap_or_default();
    after.split('"').next().unwrap_or_default()
}

/// Where the binary comes from and what fetches it.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// An archive at hand; nothing is fetched then.
    pub(crate) archive: Option<&'a Path>,
    /// The Python whose pip is used: name or path.
    pub(crate) python: &'a OsStr,
    /// Where programs are looked for.
    pub(crate) search_path: &'a OsStr,
}

/// Path of the binary in the cache, fetched when it is not there or not what was verified.
///
/// # Errors
/// A missing Python or pip, an unreachable index, a corrupt file: each by its own name.
pub(crate) fn provide(
    cache: &Cache,
    _lock: &CacheLock,
    source: &Source<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, RigError> {
    let folder = cache.path("mesos-1.11.0");
    let binary = folder.join("_scheduler.so");
    let stamp = folder.join("verified");
    // An archive that was named is not looked at then: the sums are pinned, so it could give nothing else.
    if identity(&binary).is_some_and(|found| fs::read_to_string(&stamp).is_ok_and(|text| text == found)) {
        return Ok(binary);
    }
    remove_incoming(&folder);
    run_script(cache, &folder, source, progress)?;
    let found = identity(&binary).ok_or_else(|| RigError::Fetch {
        detail: format!("{} is missing after it was fetched", binary.display()),
    })?;
    write_file(&stamp, found)?;
    Ok(binary)
}

/// What changes when a file's content is changed or cut off: cheaper than its sum, which takes a while for
/// 120 MB. The pinned sum is part of it, so that another version of the binary is fetched anew.
fn identity(path: &Path) -> Option<String> {
    let found = path.metadata().ok()?;
    Some(format!(
        "{} {} {} {}.{}\n",
        pinned_sum(),
        found.len(),
        found.ino(),
        found.mtime(),
        found.mtime_nsec()
    ))
}

fn run_script(
    cache: &Cache,
    folder: &Path,
    source: &Source<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<(), RigError> {
    let python = program::find(
        &Wanted {
            program: source.python,
            purpose: "fetch the Mesos binary",
            cure: "apt-get install python3 python3-pip",
        },
        source.search_path,
    )?;
    let script = cache.path("fetch_mesos.py");
    write_file(&script, SCRIPT)?;
    let mut arguments: Vec<OsString> = vec![script.into(), folder.into()];
    arguments.extend(source.archive.map(|path| path.as_os_str().to_owned()));

    let mut outcome: Option<Result<(), RigError>> = None;
    let finished = program::run(&python, &arguments, source.search_path, LIMIT, |line| {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        if let Some(text) = message["progress"].as_str() {
            progress(text);
        } else if message["done"].is_string() {
            outcome = Some(Ok(()));
        } else if let Some(kind) = message["error"].as_str() {
            let detail = message["message"].as_str().unwrap_or_default().to_owned();
            outcome = Some(Err(error_of(kind, detail)));
        }
    })?;
    outcome.unwrap_or_else(|| {
        Err(RigError::Fetch {
            detail: format!("{} ended with {}:\n{}", python.display(), finished.status, finished.errors),
        })
    })
}

fn error_of(kind: &str, detail: String) -> RigError {
    match kind {
        "no-pip" => RigError::MissingPip { detail },
        "unreachable" | "not-listed" => RigError::Unreachable { detail },
        "corrupt" => RigError::Corrupt { detail },
        _ => RigError::Fetch { detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_sum_is_found_in_the_script() {
        assert_eq!(pinned_sum().len(), 64);
        assert!(pinned_sum().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
