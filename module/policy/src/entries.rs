//! Environment variables, labels and attributes while rules change them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::template::VALUE_BYTES_MAX;

/// Most variables, labels or attributes a rule may leave.
pub const ENTRIES_MAX: usize = 1000;

/// Most bytes of names and values together a rule may leave.
pub const ENTRIES_BYTES_MAX: usize = 256 * 1024;

/// A name with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, or key.
    pub name: Arc<str>,
    /// The value; a label, or a variable that is a reference to a secret, may have none.
    pub value: Option<Arc<str>>,
    /// Whether the value must not be shown: it comes from a file.
    pub secret: bool,
}

impl Entry {
    /// The value, or what is shown in place of a secret.
    pub fn shown(&self) -> Option<&str> {
        if self.secret { Some(HIDDEN) } else { self.value.as_deref() }
    }
}

/// What is shown in place of a secret.
pub(crate) const HIDDEN: &str = "(from a file, not shown)";

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("value", &self.shown()).finish()
    }
}

/// Names with values, in the order of the host. A name may be there several times, as with labels.
///
/// A copy is cheap: it shares the list until one of the two changes.
///
/// ```
/// use apportion_policy::Entries;
///
/// let entries: Entries = [("HOME", Some("/root"))].into_iter().collect();
/// assert_eq!(entries.get("HOME").and_then(|entry| entry.value.as_deref()), Some("/root"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    list: Arc<Vec<Entry>>,
}

impl<'a> FromIterator<(&'a str, Option<&'a str>)> for Entries {
    fn from_iter<I: IntoIterator<Item = (&'a str, Option<&'a str>)>>(pairs: I) -> Entries {
        let entry = |(name, value): (&str, Option<&str>)| Entry {
            name: name.into(),
            value: value.map(Into::into),
            secret: false,
        };
        Entries { list: Arc::new(pairs.into_iter().map(entry).collect()) }
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Entries {
        Entries { list: Arc::new(entries.into_iter().collect()) }
    }
}

impl Entries {
    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first entry of this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.list.iter().find(|entry| *entry.name == *name)
    }

    /// Bytes of all names and values.
    pub fn bytes(&self) -> usize {
        let size = |entry: &Entry| entry.name.len() + entry.value.as_ref().map_or(0, |value| value.len());
        self.list.iter().map(size).sum()
    }

    /// The first entry of this name, and how many there are.
    fn get_counted(&self, name: &str) -> Option<(&Entry, usize)> {
        let mut all = self.list.iter().filter(|entry| *entry.name == *name);
        let first = all.next()?;
        Some((first, 1 + all.count()))
    }

    /// The same for every name.
    fn by_name(&self) -> BTreeMap<&str, (&Entry, usize)> {
        let mut map = BTreeMap::new();
        for entry in self.list.iter() {
            map.entry(&*entry.name).or_insert((entry, 0)).1 += 1;
        }
        map
    }

    /// Why these cannot be, if they grew beyond a limit from so many entries and bytes.
    pub(crate) fn excess(&self, count_before: usize, bytes_before: usize) -> Option<String> {
        let (count, bytes) = (self.len(), self.bytes());
        if count > ENTRIES_MAX && count > count_before {
            return Some(format!("there would be {count} of them, more than {ENTRIES_MAX}"));
        }
        if bytes > ENTRIES_BYTES_MAX && bytes > bytes_before {
            return Some(format!("together they would have {bytes} bytes, more than {ENTRIES_BYTES_MAX}"));
        }
        None
    }
}

/// Entries being changed in place, and what is needed to take the changes back.
#[derive(Debug)]
pub(crate) struct Editing {
    entries: Entries,
    steps: Vec<Step>,
}

/// One change, with what was there before.
#[derive(Debug)]
enum Step {
    Added,
    Replaced(usize, Entry),
    /// Some went; these were all. Nothing of what follows needs to be known.
    Removed(Vec<Entry>),
}

impl Editing {
    pub(crate) fn of(entries: Entries) -> Editing {
        Editing { entries, steps: Vec::new() }
    }

    pub(crate) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The entries as they are now.
    pub(crate) fn done(self) -> Entries {
        self.entries
    }

    /// The entries as they were.
    pub(crate) fn taken_back(mut self) -> Entries {
        let list = Arc::make_mut(&mut self.entries.list);
        for step in self.steps.into_iter().rev() {
            match step {
                Step::Added => drop(list.pop()),
                Step::Replaced(at, entry) => list[at] = entry,
                Step::Removed(entries) => *list = entries,
            }
        }
        self.entries
    }

    /// Gives a name this value, in the place of its first entry or behind the others; further entries of it go.
    /// Returns the name.
    pub(crate) fn set(&mut self, name: &str, value: Text) -> Arc<str> {
        let position = self.entries.list.iter().position(|entry| *entry.name == *name);
        let list = Arc::make_mut(&mut self.entries.list);
        let Some(at) = position else {
            let name: Arc<str> = name.into();
            list.push(Entry { name: Arc::clone(&name), value: Some(value.text), secret: value.secret });
            self.note(Step::Added);
            return name;
        };
        let name = Arc::clone(&list[at].name);
        self.replace(at, Entry { name: Arc::clone(&name), value: Some(value.text), secret: value.secret });
        self.remove_from(at + 1, |other| *other == *name);
        name
    }

    /// Takes away what a test names; returns the names that went.
    pub(crate) fn remove(&mut self, goes: impl FnMut(&str) -> bool) -> Vec<Arc<str>> {
        self.remove_from(0, goes)
    }

    /// Gives an entry another name, in its place; what had that name goes. Whether there was such an entry.
    pub(crate) fn rename(&mut self, old: &str, new: &str) -> bool {
        if old == new || self.entries.get(old).is_none() {
            return false;
        }
        self.remove_from(0, |name| name == new);
        if let Some(at) = self.entries.list.iter().position(|entry| *entry.name == *old) {
            let entry = Entry { name: new.into(), ..self.entries.list[at].clone() };
            self.replace(at, entry);
            self.remove_from(at + 1, |name| name == old);
        }
        true
    }

    fn replace(&mut self, at: usize, entry: Entry) {
        let there = &mut Arc::make_mut(&mut self.entries.list)[at];
        let before = std::mem::replace(there, entry);
        self.note(Step::Replaced(at, before));
    }

    fn note(&mut self, step: Step) {
        if !self.is_copied() {
            self.steps.push(step);
        }
    }

    /// Whether all entries, as they were at some step, are kept: one copy is enough, however many patterns a rule has.
    fn is_copied(&self) -> bool {
        matches!(self.steps.last(), Some(Step::Removed(_)))
    }

    /// Takes away what a test names from a position on. Takes time proportional to the number of entries, even if
    /// thousands go: they may be a framework's labels.
    fn remove_from(&mut self, start: usize, mut goes: impl FnMut(&str) -> bool) -> Vec<Arc<str>> {
        let behind = self.entries.iter().skip(start);
        let names: Vec<Arc<str>> =
            behind.filter(|entry| goes(&entry.name)).map(|entry| Arc::clone(&entry.name)).collect();
        if names.is_empty() {
            return names;
        }
        let copied = self.is_copied();
        let list = Arc::make_mut(&mut self.entries.list);
        if !copied {
            self.steps.push(Step::Removed(list.clone()));
        }
        // They come in the order in which they were found.
        let (mut number, mut next) = (0, 0);
        list.retain(|entry| {
            number += 1;
            let found = number > start && names.get(next).is_some_and(|name| Arc::ptr_eq(name, &entry.name));
            next += usize::from(found);
            !found
        });
        names
    }
}

/// A text, and whether it must not be shown.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) secret: bool,
}

impl Text {
    /// This text joined to what is there, or alone where nothing is.
    ///
    /// # Errors
    ///
    /// The result would be longer than a value may be.
    pub(crate) fn joined(
        self,
        there: Option<&Entry>,
        separator: &str,
        in_front: bool,
    ) -> Result<Text, String> {
        let Some((value, secret)) = there.and_then(|entry| Some((entry.value.as_deref()?, entry.secret)))
        else {
            return Ok(self);
        };
        if value.is_empty() {
            return Ok(self);
        }
        let length = value.len() + separator.len() + self.text.len();
        if length > VALUE_BYTES_MAX {
            return Err(format!("the value would be {length} bytes long, more than {VALUE_BYTES_MAX}"));
        }
        let (first, last) = if in_front { (&*self.text, value) } else { (value, &*self.text) };
        Ok(Text { text: [first, separator, last].concat().into(), secret: secret || self.secret })
    }
}

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name, or key.
    pub name: Arc<str>,
    /// Its first entry before, if there was one.
    pub before: Option<Entry>,
    /// Its only entry now; `None`: it is gone.
    pub after: Option<Entry>,
}

impl Change {
    /// What became of the names touched, each once, in the order in which they were touched first.
    pub(crate) fn between(before: &Entries, after: &Entries, touched: &[Arc<str>]) -> Vec<Change> {
        let maps = (touched.len() > SEARCHES_MAX).then(|| (before.by_name(), after.by_name()));
        let mut seen = BTreeSet::new();
        let mut changes = Vec::new();
        for name in touched.iter().filter(|name| seen.insert(&***name)) {
            let found = match &maps {
                Some((before, after)) => (before.get(&**name).copied(), after.get(&**name).copied()),
                None => (before.get_counted(name), after.get_counted(name)),
            };
            if found.0 != found.1 {
                let entry = |found: Option<(&Entry, usize)>| found.map(|(entry, _)| entry.clone());
                changes.push(Change {
                    name: Arc::clone(name),
                    before: entry(found.0),
                    after: entry(found.1),
                });
            }
        }
        changes
    }
}

/// Most names that are searched for one by one; for more a map is worth its making.
const SEARCHES_MAX: usize = 32;
