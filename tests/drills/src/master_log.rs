//! What the master's log says of registrations, offers and ends of tasks, with the master's own times.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::DrillError;
use crate::journal::{Micros, micros, now};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Follows the log of a master over its restarts.
#[derive(Debug)]
pub(crate) struct MasterLog {
    path: PathBuf,
    read: u64,
    /// When each offer was sent.
    sent: HashMap<String, Micros>,
    /// When each offer was taken out of the master's books, for whatever reason.
    removed: HashMap<String, Micros>,
    /// When an agent was registered, for the first time or again.
    registered: HashMap<String, Vec<Micros>>,
    /// When a framework was last activated.
    activated: HashMap<String, Micros>,
    /// When a framework last asked for all offers again.
    revived: HashMap<String, Micros>,
    /// When a task was first seen in a state that ends it.
    ended: HashMap<String, Micros>,
}

impl MasterLog {
    /// Follows the log in a master's folder.
    pub(crate) fn new(folder: &Path) -> MasterLog {
        MasterLog {
            path: folder.join("log"),
            read: 0,
            sent: HashMap::new(),
            removed: HashMap::new(),
            registered: HashMap::new(),
            activated: HashMap::new(),
            revived: HashMap::new(),
            ended: HashMap::new(),
        }
    }

    /// Reads what was added. An unfinished line is left for the next time.
    pub(crate) fn follow(&mut self) -> Result<(), DrillError> {
        let mut file = File::open(&self.path).map_err(DrillError::io("open", &self.path))?;
        file.seek(SeekFrom::Start(self.read)).map_err(DrillError::io("seek in", &self.path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(DrillError::io("read", &self.path))?;
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        for line in String::from_utf8_lossy(&bytes[..end]).lines() {
            if let Some((at, text)) = split(line) {
                self.take(at, text);
            }
        }
        self.read += u64::try_from(end + 1).unwrap_or(u64::MAX);
        Ok(())
    }

    pub(crate) fn sent(&self, offer: &str) -> Option<Micros> {
        self.sent.get(offer).copied()
    }

    pub(crate) fn removed(&self, offer: &str) -> Option<Micros> {
        self.removed.get(offer).copied()
    }

    /// The last registration of an agent.
    pub(crate) fn registered(&self, agent: &str) -> Option<Micros> {
        self.registered.get(agent)?.last().copied()
    }

    /// The first registration of an agent after a time.
    pub(crate) fn registered_after(&self, agent: &str, time: Micros) -> Option<Micros> {
        self.registered.get(agent)?.iter().find(|at| **at > time).copied()
    }

    pub(crate) fn activated(&self, framework: &str) -> Option<Micros> {
        self.activated.get(framework).copied()
    }

    pub(crate) fn revived(&self, framework: &str) -> Option<Micros> {
        self.revived.get(framework).copied()
    }

    pub(crate) fn ended(&self, task: &str) -> Option<Micros> {
        self.ended.get(task).copied()
    }

    fn take(&mut self, at: Micros, text: &str) {
        if let Some(rest) = text.strip_prefix("Sending offers [ ") {
            let offers = rest.split(" ]").next().unwrap_or_default();
            self.sent.extend(offers.split(", ").map(|offer| (offer.to_owned(), at)));
        } else if let Some(offer) = text.strip_prefix("Removing offer ") {
            self.removed.insert(offer.to_owned(), at);
        } else if let Some(agent) = after_any(
            text,
            &["Re-registered agent ", "Reactivating re-registered agent ", "Registered agent "],
        ) {
            self.registered.entry(agent.to_owned()).or_default().push(at);
        } else if let Some(framework) = after_any(text, &["Processing REVIVE call for framework "]) {
            self.revived.insert(framework.to_owned(), at);
        } else if let Some(framework) = after_any(text, &["Updating framework ", "Adding framework "]) {
            self.activated.insert(framework.to_owned(), at);
        } else if let Some(task) = after_any(text, &["Updating the state of task "]) {
            let ends = ["FINISHED", "FAILED", "KILLED", "LOST", "ERROR", "DROPPED", "GONE"];
            let latest = text.split("latest state: TASK_").nth(1).unwrap_or_default();
            if ends.iter().any(|end| latest.starts_with(end)) {
                self.ended.entry(task.to_owned()).or_insert(at);
            }
        }
    }
}

/// The word after one of these beginnings.
fn after_any<'a>(text: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    let rest = beginnings.iter().find_map(|beginning| text.strip_prefix(beginning))?;
    rest.split(' ').next()
}

/// Time and text of a line `I1121 06:37:55.598539  6751 file.cpp:32] text`.
fn split(line: &str) -> Option<(Micros, &str)> {
    let (head, text) = line.split_once("] ")?;
    let mut words = head.split_ascii_whitespace();
    let level = words.next()?;
    if level.len() != 5 || !level.starts_with(['I', 'W', 'E', 'F']) {
        return None;
    }
    let of_day = time_of_day(words.next()?)?;
    Some((nearest(of_day, now()), text))
}

fn time_of_day(text: &str) -> Option<Micros> {
    let (clock, fraction) = text.split_once('.')?;
    let mut seconds: u64 = 0;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    (fraction.len() == 6).then_some(seconds.checked_mul(1_000_000)?.checked_add(fraction.parse().ok()?)?)
}

/// The lines carry no date that is worth reading: they are of about now.
fn nearest(of_day: Micros, now: Micros) -> Micros {
    let day = micros(DAY);
    let candidate = now - now % day + of_day;
    if candidate > now + day / 2 {
        candidate - day
    } else if candidate + day / 2 < now {
        candidate + day
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: Micros = 1_700_006_400_000_000;

    #[test]
    fn line_gives_its_time_and_text() {
        let (at, text) =
            split("I1121 00:00:01.000002  6751 master.cpp:9579] Sending offers [ a ] to x").unwrap();
        assert_eq!(at % micros(DAY), 1_000_002);
        assert_eq!(text, "Sending offers [ a ] to x");
        for line in
            ["", "*** no line ***] x", "I1121 00:00:01.02  6751 a.cpp:1] x", "I1121 aa:00:01.000002 ] x"]
        {
            assert!(split(line).is_none(), "{line}");
        }
    }

    #[test]
    fn time_around_midnight_is_of_the_nearer_day() {
        let second = 1_000_000;
        assert_eq!(nearest(micros(DAY) - second, MIDNIGHT + second), MIDNIGHT - second);
        assert_eq!(nearest(second, MIDNIGHT - second), MIDNIGHT + second);
        assert_eq!(nearest(5 * second, MIDNIGHT + second), MIDNIGHT + 5 * second);
    }

    #[test]
    fn offers_registrations_and_ends_are_found_over_two_reads() {
        let folder = tempfile::tempdir().unwrap();
        let line = |text: &str| format!("I1121 06:37:55.598539  6751 master.cpp:1] {text}\n");
        let first = line("Sending offers [ o1, o2 ] to framework f (name)") + "I1121 06:37";
        std::fs::write(folder.path().join("log"), &first).unwrap();
        let mut log = MasterLog::new(folder.path());
        log.follow().unwrap();
        assert!(log.sent("o1").is_some() && log.sent("o2") == log.sent("o1"));
        let rest = [
            ":56.000001  6751 master.cpp:1] Re-registered agent s1 at slave(1)@x (localhost) with cpus:6\n"
                .to_owned(),
            line("Removing offer o2"),
            line(
                "Updating the state of task t1 of framework f (latest state: TASK_RUNNING, status update state: x)",
            ),
            line(
                "Updating the state of task t2 of framework f (latest state: TASK_FINISHED, status update state: x)",
            ),
        ];
        std::fs::write(folder.path().join("log"), first + &rest.concat()).unwrap();
        log.follow().unwrap();
        assert_eq!(log.registered("s1").unwrap() - log.sent("o1").unwrap(), 401_462);
        let registered = log.registered("s1").unwrap();
        assert_eq!(log.registered_after("s1", registered - 1), Some(registered));
        assert_eq!(log.registered_after("s1", registered), None);
        assert!(log.removed("o1").is_none() && log.removed("o2") == log.sent("o2"));
        assert!(log.ended("t1").is_none() && log.ended("t2").is_some());
    }
}
