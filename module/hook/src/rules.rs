//! The rules in force, and how they are replaced while the host runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use apportion_config::{Config, HookConfig};
use apportion_detection::Mark;
use apportion_policy::{HostFacts, Rulebook};
use parking_lot::{Mutex, RwLock};

use crate::host::Gatherer;
use crate::reactions::{Reactions, Secrets};

/// Where the rules come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A configuration file: it is read again when it changes.
    File(PathBuf),
    /// Parameters in the modules JSON, which the host reads once.
    Parameters,
}

/// What became of the last attempt to read the rules again.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) at: SystemTime,
    /// Why the rules before stay, if they do.
    pub(crate) problem: Option<String>,
}

/// Rules, ready to use.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) rules: Rulebook,
    /// Variables of this process that templates may read.
    pub(crate) variables: Vec<String>,
    pub(crate) at: SystemTime,
}

impl Loaded {
    /// # Errors
    /// What is wrong with the rules, for a log.
    fn new(config: &HookConfig) -> Result<Loaded, String> {
        let rules = Rulebook::new(config.rules_in_order()).map_err(|refused| refused.to_string())?;
        Ok(Loaded { rules, variables: config.agent_environment.clone(), at: SystemTime::now() })
    }
}

/// The rules in force. Calls of the host take a copy of two pointers; nothing else holds them up.
#[derive(Debug)]
pub(crate) struct RulesInForce {
    origin: Origin,
    gatherer: Gatherer,
    loaded: RwLock<Arc<Loaded>>,
    host: Secrets,
    /// Held while rules are read again, so that two readers do not overtake each other.
    reading: Mutex<Reading>,
    pub(crate) reactions: Reactions,
}

#[derive(Debug, Default)]
struct Reading {
    /// The file when it was last read, or refused.
    read: Option<Mark>,
    /// The file when it was last looked at.
    seen: Option<Mark>,
    last: Option<Attempt>,
    succeeded: u64,
    failed: u64,
}

/// How often the rules were read again, and the last time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reloads {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) last: Option<Attempt>,
}

impl RulesInForce {
    /// # Errors
    /// What is wrong with the rules, or that the system has no thread left.
    pub(crate) fn new(config: &HookConfig, origin: Origin) -> Result<RulesInForce, String> {
        let gatherer = Gatherer::new();
        let loaded = Loaded::new(config)?;
        let host = Arc::new(gatherer.gather(&loaded.variables, &loaded.rules));
        let host: Secrets = Arc::new(RwLock::new(host));
        let reactions = Reactions::new(Arc::clone(&host));
        reactions.prepare(&config.rules)?;
        let read = match &origin {
            Origin::File(path) => Mark::of(path),
            Origin::Parameters => None,
        };
        let reading = Mutex::new(Reading { read, seen: read, ..Reading::default() });
        Ok(RulesInForce { origin, gatherer, loaded: RwLock::new(Arc::new(loaded)), host, reading, reactions })
    }

    /// Rules with facts that are given.
    pub(crate) fn given(rules: Rulebook, host: Arc<HostFacts>) -> RulesInForce {
        let loaded = Arc::new(Loaded { rules, variables: Vec::new(), at: SystemTime::now() });
        let host: Secrets = Arc::new(RwLock::new(host));
        RulesInForce {
            origin: Origin::Parameters,
            gatherer: Gatherer::without_detection(),
            loaded: RwLock::new(loaded),
            reactions: Reactions::new(Arc::clone(&host)),
            host,
            reading: Mutex::default(),
        }
    }

    /// The rules, and what they may know of the host.
    pub(crate) fn now(&self) -> (Arc<Loaded>, Arc<HostFacts>) {
        (Arc::clone(&self.loaded.read()), Arc::clone(&self.host.read()))
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn reloads(&self) -> Reloads {
        let reading = self.reading.lock();
        Reloads { succeeded: reading.succeeded, failed: reading.failed, last: reading.last.clone() }
    }

    /// Reads the rules again, whether or not the file has changed. Switched-off rules get another chance.
    ///
    /// # Errors
    /// Why the rules before stay in force, for a log.
    pub(crate) fn reload(&self) -> Result<usize, String> {
        let Origin::File(path) = &self.origin else {
            return Err("the rules stand in the modules JSON, which is read when the process starts; put them into a \
                        file and name it with the parameter `config`"
                .to_owned());
        };
        self.read_again(path, &mut self.reading.lock())
    }

    /// Looks whether files have changed: those that rules name are read again at once, the configuration when it has
    /// stood still from one look to the next, so that nobody's half written file counts.
    pub(crate) fn look(&self) {
        if let Origin::File(path) = &self.origin {
            let mut reading = self.reading.lock();
            let mark = Mark::of(path);
            let stands_still = reading.seen == mark;
            reading.seen = mark;
            // Gone for a moment, as some editors and tools replace files: the rules stay.
            if mark.is_some() && mark != reading.read && stands_still {
                // The outcome is in the log.
                let _ = self.read_again(path, &mut reading);
            }
        }
        let (loaded, host) = self.now();
        if !host.files.is_empty() {
            let seen = self.gatherer.gather(&loaded.variables, &loaded.rules);
            let is_new = |path: &&str| seen.files.get(*path) != host.files.get(*path);
            let changed: Vec<&str> = host.files.keys().map(String::as_str).filter(is_new).collect();
            if !changed.is_empty() {
                tracing::info!("hook: changed, and read again: {}", changed.join(", "));
                *self.host.write() = Arc::new(seen);
                loaded.rules.retry_rules_of(&changed);
            }
        }
    }

    fn read_again(&self, path: &Path, reading: &mut Reading) -> Result<usize, String> {
        reading.read = Mark::of(path);
        reading.seen = reading.read;
        let outcome = self.replace(path);
        let problem = outcome.as_ref().err().map(|problem| self.host.read().scrubbed(problem).into_owned());
        reading.last = Some(Attempt { at: SystemTime::now(), problem: problem.clone() });
        match (&outcome, problem) {
            (Ok(count), _) => {
                reading.succeeded += 1;
                tracing::info!("hook: {count} rules read again from {}", path.display());
                outcome
            }
            (Err(_), problem) => {
                reading.failed += 1;
                let problem = problem.unwrap_or_default();
                // The log takes one line at a time.
                tracing::warn!("hook: the rules stay as they were:");
                for line in problem.lines() {
                    tracing::warn!("hook: {line}");
                }
                Err(problem)
            }
        }
    }

    /// Puts the rules of a file into force.
    fn replace(&self, path: &Path) -> Result<usize, String> {
        let config = Config::from_file(path).map_err(|problems| problems.to_string())?.hook;
        let loaded = Loaded::new(&config)?;
        let host = self.gatherer.gather(&loaded.variables, &loaded.rules);
        self.reactions.prepare(&config.rules)?;
        let count = loaded.rules.len();
        *self.host.write() = Arc::new(host);
        *self.loaded.write() = Arc::new(loaded);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: &str) -> String {
        format!("[hook.labels]\nonly = \"{value}\"\n")
    }

    fn rules_of(file: &Path) -> RulesInForce {
        let config = Config::from_file(file).expect("a good file").hook;
        RulesInForce::new(&config, Origin::File(file.to_owned())).expect("rules")
    }

    #[test]
    fn changed_file_is_read_once_and_only_when_it_stands_still() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("apportion.toml");
        let write = |text: &str| std::fs::write(&file, text).expect("a file");
        write(&label("one"));
        let rules = rules_of(&file);
        let read = || rules.reloads().succeeded;
        rules.look();
        rules.look();
        assert_eq!(read(), 0, "nothing has changed");
        write(&label("two, half writ"));
        rules.look();
        assert_eq!(read(), 0, "it may still be written");
        write(&label("two, written"));
        rules.look();
        assert_eq!(read(), 0, "it was");
        rules.look();
        assert_eq!(read(), 1);
        rules.look();
        rules.look();
        assert_eq!(read(), 1, "once is enough");
        write(&label("three"));
        rules.reload().expect("good rules");
        rules.look();
        rules.look();
        assert_eq!(read(), 2, "what was read on request is not read again");
    }

    #[test]
    fn file_that_is_gone_is_no_attempt() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("apportion.toml");
        std::fs::write(&file, label("one")).expect("a file");
        let rules = rules_of(&file);
        std::fs::remove_file(&file).expect("gone");
        for _ in 0..3 {
            rules.look();
        }
        assert!(rules.reloads().last.is_none(), "{:?}", rules.reloads());
        assert!(rules.reload().is_err(), "on request it is");
    }
}
