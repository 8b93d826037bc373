//! What rules may know of the host: detected facts, allowed variables, and files that rules name.

use std::collections::BTreeMap;
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
        if let Some(folder) = work_folder(std::env::args(), |name| std::env::var(name).ok()) {
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
fn work_folder(
    arguments: impl Iterator<Item = String>,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    let given =
        arguments.filter_map(|argument| argument.strip_prefix("--work_dir=").map(str::to_owned)).last();
    let folder = given.or_else(|| variable("MESOS_WORK_DIR"))?;
    let path = PathBuf::from(folder.strip_prefix("file://").unwrap_or(&folder));
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(arguments: &[&str], variable: Option<&str>) -> Option<PathBuf> {
        work_folder(arguments.iter().map(|text| (*text).to_owned()), |_| variable.map(str::to_owned))
    }

    #[test]
    fn work_folder_is_that_of_the_last_flag_or_of_the_variable() {
        let expected = Some(PathBuf::from("/var/lib/mesos"));
        assert_eq!(folder(&["mesos-agent", "--work_dir=/a", "--work_dir=/var/lib/mesos"], None), expected);
        assert_eq!(folder(&["mesos-agent"], Some("/var/lib/mesos")), expected);
        assert_eq!(folder(&["mesos-agent", "--work_dir=/var/lib/mesos"], Some("/b")), expected);
        assert_eq!(folder(&["mesos-agent", "--work_dir=relative"], None), None);
        assert_eq!(folder(&[], None), None);
    }
}
