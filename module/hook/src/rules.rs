//! The rules in force, and how they are replaced while the host runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use apportion_config::{Config, HookConfig};
use apportion_detection::Mark;
use apportion_policy::{HostFacts, Rulebook};
use parking_lot::{Mutex, RwLock};

use crate::host::Gatherer;
use crate::reactions::Reactions;

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

/// Rules, and what they may know of the host.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) host: Arc<HostFacts>,
}

/// One lock for both, so that nobody sees the rules of one configuration with the facts that were gathered for another.
pub(crate) type Current = Arc<RwLock<InForce>>;

/// The rules in force. Calls of the host take a copy of two pointers; nothing else holds them up.
#[derive(Debug)]
pub(crate) struct RulesInForce {
    origin: Origin,
    gatherer: Gatherer,
    current: Current,
    /// Held from the first look at a file until what was read is in force, so that two readers do not overtake each other.
    reading: Mutex<Marks>,
    /// Apart from `reading`: who asks for numbers waits for no file.
    reloads: Mutex<Reloads>,
    pub(crate) reactions: Reactions,
}

/// The states in which the configuration file was found.
#[derive(Debug, Default)]
struct Marks {
    /// The file when it was last read, or refused.
    read: Option<Mark>,
    /// The file when it was last looked at.
    seen: Option<Mark>,
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
        let host = gatherer.gather(&loaded.variables, &loaded.rules);
        let current = Arc::new(RwLock::new(InForce { loaded: Arc::new(loaded), host: Arc::new(host) }));
        let reactions = Reactions::new(Arc::clone(&current));
        reactions.start_for(&config.rules)?;
        let read = match &origin {
            Origin::File(path) => Mark::of(path),
            Origin::Parameters => None,
        };
        let reading = Mutex::new(Marks { read, seen: read });
        Ok(RulesInForce { origin, gatherer, current, reading, reloads: Mutex::default(), reactions })
    }

    /// Rules with facts that are given; what they want done for events is dropped.
    pub(crate) fn given(rules: Rulebook, host: Arc<HostFacts>) -> RulesInForce {
        let loaded = Arc::new(Loaded { rules, variables: Vec::new(), at: SystemTime::now() });
        let current = Arc::new(RwLock::new(InForce { loaded, host }));
        RulesInForce {
            origin: Origin::Parameters,
            gatherer: Gatherer::without_detection(),
            reactions: Reactions::none(Arc::clone(&current)),
            current,
            reading: Mutex::default(),
            reloads: Mutex::default(),
        }
    }

    /// The rules, and what they may know of the host.
    pub(crate) fn now(&self) -> (Arc<Loaded>, Arc<HostFacts>) {
        let current = self.current.read();
        (Arc::clone(&current.loaded), Arc::clone(&current.host))
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn reloads(&self) -> Reloads {
        self.reloads.lock().clone()
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
        let mut marks = self.reading.lock();
        if let Origin::File(path) = &self.origin {
            let mark = Mark::of(path);
            let stands_still = marks.seen == mark;
            marks.seen = mark;
            // Gone for a moment, as some editors and tools replace files: the rules stay.
            if mark.is_some() && mark != marks.read && stands_still {
                // The outcome is in the log.
                let _ = self.read_again(path, &mut marks);
            }
        }
        self.look_at_files_of_rules();
    }

    /// Only while `reading` is held: what is gathered here is for the rules that are in force meanwhile.
    fn look_at_files_of_rules(&self) {
        let (loaded, host) = self.now();
        if host.files.is_empty() {
            return;
        }
        let seen = self.gatherer.gather(&loaded.variables, &loaded.rules);
        let is_new = |path: &&str| seen.files.get(*path) != host.files.get(*path);
        let changed: Vec<&str> = host.files.keys().map(String::as_str).filter(is_new).collect();
        if !changed.is_empty() {
            tracing::info!("hook: changed, and read again: {}", changed.join(", "));
            self.current.write().host = Arc::new(seen);
            loaded.rules.retry_rules_of(&changed);
        }
    }

    fn read_again(&self, path: &Path, marks: &mut Marks) -> Result<usize, String> {
        marks.read = Mark::of(path);
        marks.seen = marks.read;
        let outcome = self.replace(path);
        let (_, host) = self.now();
        let outcome = outcome.map_err(|problem| host.scrubbed(&problem).into_owned());
        {
            let mut reloads = self.reloads.lock();
            reloads.last = Some(Attempt { at: SystemTime::now(), problem: outcome.clone().err() });
            match outcome {
                Ok(_) => reloads.succeeded += 1,
                Err(_) => reloads.failed += 1,
            }
        }
        match &outcome {
            Ok(count) => tracing::info!("hook: {count} rules read again from {}", path.display()),
            Err(problem) => {
                // The log takes one line at a time.
                tracing::warn!("hook: the rules stay as they were:");
                for line in problem.lines() {
                    tracing::warn!("hook: {line}");
                }
            }
        }
        outcome
    }

    /// Puts the rules of a file into force.
    fn replace(&self, path: &Path) -> Result<usize, String> {
        let config = Config::from_file(path).map_err(|problems| problems.to_string())?.hook;
        let loaded = Loaded::new(&config)?;
        let host = self.gatherer.gather(&loaded.variables, &loaded.rules);
        self.reactions.start_for(&config.rules)?;
        let count = loaded.rules.len();
        *self.current.write() = InForce { loaded: Arc::new(loaded), host: Arc::new(host) };
        // Not before: until here events go where the rules before want them.
        self.reactions.let_go_of_others(&config.rules);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn label(value: &str) -> String {
        format!("[[hook.rules]]\nname = \"only\"\nlabels.set.only = \"{value}\"\n")
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

    #[test]
    fn rules_are_never_seen_with_the_facts_of_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("apportion.toml");
        let texts = [String::new(), label("file:/nowhere")];
        std::fs::write(&file, &texts[0]).expect("a file");
        let rules = rules_of(&file);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut agreed = true;
                while !done.load(Ordering::Relaxed) {
                    let (loaded, host) = rules.now();
                    agreed &= loaded.rules.len() == host.files.len();
                }
                agreed
            });
            for round in 0..2000 {
                std::fs::write(&file, &texts[round % 2]).expect("a file");
                rules.reload().expect("good rules");
            }
            done.store(true, Ordering::Relaxed);
            assert!(reader.join().expect("no panic"));
        });
    }

    #[test]
    fn look_at_files_does_not_undo_a_reload_at_the_same_time() {
        // So many that looking at them takes a while.
        const FILES: usize = 200;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("apportion.toml");
        let value = |name: usize| folder.path().join(name.to_string());
        let labels =
            (0..FILES).map(|name| format!("labels.set.l{name} = \"file:{}\"\n", value(name).display()));
        let many = format!("[[hook.rules]]\nname = \"many\"\n{}", labels.collect::<String>());
        for round in 0..50 {
            std::fs::write(&file, &many).expect("a file");
            let rules = rules_of(&file);
            // There is something new to put into force.
            std::fs::write(value(0), "x".repeat(round + 1)).expect("a file");
            let other = label(&format!("file:{}", value(FILES).display()));
            std::fs::write(&file, other).expect("a file");
            let begun = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    begun.store(true, Ordering::Relaxed);
                    rules.look();
                });
                while !begun.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
                // Most of the time it is in the middle of its look then.
                thread::sleep(Duration::from_micros(100));
                rules.reload().expect("good rules");
            });
            let (loaded, host) = rules.now();
            let named = loaded.rules.files();
            assert!(named.into_iter().eq(host.files.keys().map(String::as_str)), "round {round}");
        }
    }

    #[test]
    fn numbers_are_told_while_a_file_is_being_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("apportion.toml");
        std::fs::write(&file, label("one")).expect("a file");
        let rules = rules_of(&file);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let reading = rules.reading.lock();
            let rules = &rules;
            scope.spawn(move || sender.send(rules.reloads().succeeded));
            let told = receiver.recv_timeout(Duration::from_secs(20));
            drop(reading);
            assert_eq!(told, Ok(0));
        });
    }
}
