//! What rules may know of the host: detected facts, allowed variables, and files that rules name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use apportion_detection::{Files, Host};
use apportion_policy::{FileContents, HostFacts, Rulebook};

/// Gathers the facts of the running host.
#[derive(Debug)]
pub struct Gatherer {
    detected: BTreeMap<String, String>,
    files: Files,
}

impl Default for Gatherer {
    fn default() -> Gatherer {
        Gatherer::new()
    }
}

impl Gatherer {
    /// Looks at the host once: its hardware and kernel do not change while the process runs.
    pub fn new() -> Gatherer {
        let mut host = Host::detect("/");
        if let Some(folder) = work_folder(std::env::args_os(), |name| std::env::var_os(name)) {
            host = host.with_disk_of("/", folder);
        }
        let detected = host.facts().into_iter().map(|(name, value)| (name.to_owned(), value));
        Gatherer { detected: detected.collect(), files: Files::new("/") }
    }

    /// Looks at nothing: no fact is known.
    pub(crate) fn without_detection() -> Gatherer {
        Gatherer { detected: BTreeMap::new(), files: Files::new("/") }
    }

    /// What rules may know now: the variables that are allowed, and what is in the files that rules name. A file that has
    /// not changed is not read again.
    pub fn gather(&self, variables: &[String], rules: &Rulebook) -> HostFacts {
        let environment = variables.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name.clone(), value.to_string_lossy().into_owned()))
        });
        let contents = |path: &str| {
            let contents = match self.files.read(path) {
                Ok(text) => FileContents::text(&text),
                Err(error) => FileContents::Unreadable(error.to_string()),
            };
            (path.to_owned(), contents)
        };
        HostFacts {
            facts: self.detected.clone(),
            environment: environment.collect(),
            files: rules.files().into_iter().map(contents).collect(),
            published: rules.published_files().into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The agent's work folder: `--work_dir` on the command line of this process, or `MESOS_WORK_DIR`, as Mesos reads them.
/// Arguments and folders are bytes, which need not be UTF-8.
fn work_folder(
    arguments: impl Iterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let value = |argument: OsString| {
        Some(OsStr::from_bytes(argument.as_bytes().strip_prefix(b"--work_dir=")?).to_owned())
    };
    let folder = arguments.filter_map(value).last().or_else(|| variable("MESOS_WORK_DIR"))?;
    let path = folder.as_bytes();
    let path = PathBuf::from(OsStr::from_bytes(path.strip_prefix(b"file://").unwrap_or(path)));
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(arguments: &[&[u8]], variable: Option<&str>) -> Option<PathBuf> {
        let arguments = arguments.iter().map(|bytes| OsStr::from_bytes(bytes).to_owned());
        work_folder(arguments, |_| variable.map(OsString::from))
    }

    #[test]
    fn work_folder_is_that_of_the_last_flag_or_of_the_variable() {
        let expected = Some(PathBuf::from("/var/lib/mesos"));
        assert_eq!(folder(&[b"mesos-agent", b"--work_dir=/a", b"--work_dir=/var/lib/mesos"], None), expected);
        assert_eq!(folder(&[b"mesos-agent"], Some("/var/lib/mesos")), expected);
        assert_eq!(folder(&[b"mesos-agent"], Some("file:///var/lib/mesos")), expected);
        assert_eq!(folder(&[b"mesos-agent", b"--work_dir=/var/lib/mesos"], Some("/b")), expected);
        assert_eq!(folder(&[b"mesos-agent", b"--work_dir=relative"], None), None);
        assert_eq!(folder(&[], None), None);
    }

    #[test]
    fn arguments_need_not_be_utf_8() {
        let expected = Some(PathBuf::from("/a"));
        assert_eq!(folder(&[b"mesos-agent", b"--attributes=rack:\xff", b"--work_dir=/a"], None), expected);
        let expected = Some(PathBuf::from(OsStr::from_bytes(b"/\xff")));
        assert_eq!(folder(&[b"mesos-agent", b"--work_dir=/\xff"], None), expected);
    }

    #[test]
    fn rules_may_name_what_is_detected_and_nothing_else() {
        let detected = apportion_detection::FACTS.map(|fact| fact.name);
        assert_eq!(detected, apportion_policy::HOST_FACTS);
    }
}
