//! `[isolator]`: what every container gets, and rules about some of them.

mod limits;
mod rules;

use std::collections::BTreeSet;
use std::path::PathBuf;

use apportion_cgroups::{Base, Controller, GroupName, NAME_BYTES_MAX, Version, Wish};

use super::hook_rules::entry;
use super::lists::Texts;
use super::{Complaint, Reader, below_path};
use crate::checked::IsolatorConfig;
use crate::names::nearest;
use crate::problem::{Kind, quoted};
use crate::raw::{Node, Value};
use crate::schema::{CONTAINER_RULES, LIMITS};

/// Facts that a variable of a container can name.
const CONTAINER_ROOTS: &[&str] = &["container", "executor", "task", "framework", "agent"];

/// Path of the control groups.
const GROUPS: &str = "isolator.cgroups";

/// Controllers that are asked for unless the configuration says which.
pub(super) const USUAL: [Controller; 3] = [Controller::Cpu, Controller::Memory, Controller::Pids];

/// Which control groups there are for limits.
#[derive(Debug)]
enum Groups {
    /// None.
    Absent,
    /// There are, but which controllers cannot be said.
    Unclear,
    /// With these controllers.
    With(BTreeSet<Controller>),
}

impl Reader<'_> {
    pub(super) fn isolator(&mut self, node: &Node) -> IsolatorConfig {
        let mut config = IsolatorConfig::default();
        let entries = self.table(node, "isolator");
        let mut groups = Groups::Absent;
        // First of all: limits need to know.
        if let Some(entry) = entry(entries, "cgroups") {
            let (wish, known) = self.groups(&entry.node);
            config.cgroups = wish;
            groups = known;
        }
        for entry in self.known_keys("isolator", "isolator", entries) {
            match &*entry.key {
                "environment" => {
                    config.environment = self.rules(&entry.node, "isolator.environment", CONTAINER_ROOTS);
                }
                "rlimits" => {
                    const RLIMITS: &str = "isolator.rlimits";
                    config.rlimits = self.rlimits(RLIMITS, RLIMITS, &entry.node);
                }
                "limits" => config.limits = self.limits(LIMITS, LIMITS, &entry.node, entry.at, &groups),
                "rules" => {
                    config.rules =
                        self.rule_list(&entry.node, CONTAINER_RULES, |reader, path, item, names| {
                            reader.container_rule(path, item, names, &groups)
                        });
                }
                _ => {}
            }
        }
        if config.cgroups.is_none() {
            // Reported already, for want of groups or for what is wrong with theirs. Limits kept here
            // would be lost when the settings are written out: without groups nobody may set any.
            config.limits = Default::default();
            config.rules.retain(|rule| rule.limits.is_empty());
        }
        config
    }

    /// The control groups that are wanted; none if something about them is wrong.
    fn groups(&mut self, node: &Node) -> (Option<Wish>, Groups) {
        let before = self.mistakes;
        let mut wish = usual_groups();
        let mut groups = Groups::With(wish.controllers.clone());
        let entries = self.table(node, GROUPS);
        for entry in self.known_keys(GROUPS, GROUPS, entries) {
            let path = below_path(GROUPS, &entry.key);
            match &*entry.key {
                "name" => {
                    if let Some(name) = self.checked(&path, &entry.node, group_name) {
                        wish.name = name;
                    }
                }
                "below" => {
                    if let Some(base) = self.checked(&path, &entry.node, base) {
                        wish.base = base;
                    }
                }
                "controllers" => {
                    let before = self.mistakes;
                    wish.controllers = self.controllers(&path, &entry.node);
                    groups = if self.mistakes > before {
                        Groups::Unclear
                    } else {
                        Groups::With(wish.controllers.clone())
                    };
                }
                _ => {}
            }
        }
        match (&node.value, self.mistakes > before) {
            (Value::Table(_), true) => (None, groups),
            (Value::Table(_), false) => (Some(wish), groups),
            _ => (None, Groups::Unclear),
        }
    }

    fn controllers(&mut self, path: &str, node: &Node) -> BTreeSet<Controller> {
        const TAKES: Texts =
            Texts { whole: "a list of controllers", one: "a controller", alone: false, any: false };
        let mut named = BTreeSet::new();
        let pieces = match &node.value {
            // Nothing would be limited, and nothing watched.
            Value::List(items) if items.is_empty() => self.texts(path, node, TAKES),
            _ => self.any_texts(path, node, TAKES),
        };
        for piece in pieces {
            let known = Controller::CHOSEN.into_iter().find(|known| known.name(Version::V2) == piece.text);
            if let Some(known) = known {
                named.insert(known);
                continue;
            }
            let names = Controller::CHOSEN.map(|known| known.name(Version::V2));
            let found = format!("the unknown controller {}", quoted(piece.text));
            let complaint = Complaint::new(Kind::WrongValue, found, format!("one of {}", names.join(", ")));
            let complaint = match Controller::by_name(piece.text, Version::V1) {
                Some(Controller::Io) => complaint.hint("it is called `io`, also on v1"),
                Some(_) => complaint.hint("it is used where there is one, without being asked for"),
                None => complaint.meant(nearest(piece.text, names)),
            };
            self.report(&piece.path, piece.at, complaint);
        }
        named
    }
}

/// What an empty table asks for.
pub(super) fn usual_groups() -> Wish {
    let Ok(name) = GroupName::new("apportion") else { unreachable!("a plain word") };
    Wish { base: Base::Own, name, controllers: BTreeSet::from(USUAL) }
}

/// The folder of all containers' groups.
fn group_name(value: &Value) -> Result<GroupName, Complaint> {
    const EXPECTED: &str = "the name of a folder, as text";
    let (Value::Text(text) | Value::Parameter(text)) = value else {
        return Err(Complaint::wrong_type(value, EXPECTED));
    };
    let wrong = |expected: String| Complaint::new(Kind::WrongName, value.describe(), expected);
    if text.contains('/') {
        let complaint = wrong("a name without a slash".to_owned());
        return Err(complaint.hint("`below` says in which group it is"));
    }
    if text.trim() != text || text.contains(char::is_control) {
        return Err(wrong("a name without control characters, or white space around it".to_owned()));
    }
    if RESERVED.iter().any(|reserved| text.starts_with(reserved)) {
        return Err(wrong("another name: the kernel's own files begin so".to_owned()));
    }
    if text == apportion_cgroups::AGENT_GROUP {
        return Err(wrong("another name: the agent's own processes are there".to_owned()));
    }
    GroupName::new(text).map_err(|_| wrong(format!("a name of 1 to {NAME_BYTES_MAX} bytes, not `.` or `..`")))
}

/// Beginnings of names that the kernel has for its own files in a group.
const RESERVED: [&str; 9] =
    ["cgroup.", "cpu.", "memory.", "pids.", "io.", "cpuset.", "hugetlb.", "blkio.", "cpuacct."];

/// The group that theirs is in.
fn base(value: &Value) -> Result<Base, Complaint> {
    const EXPECTED: &str = "\"own\", or the path of a group from the top of the hierarchies";
    let (Value::Text(text) | Value::Parameter(text)) = value else {
        return Err(Complaint::wrong_type(value, EXPECTED));
    };
    if text == "own" {
        return Ok(Base::Own);
    }
    let wrong = || Complaint::new(Kind::WrongValue, value.describe(), EXPECTED);
    if text.starts_with("/sys/fs/cgroup") {
        return Err(wrong().hint("leave off the mount point, such as /sys/fs/cgroup"));
    }
    if !text.starts_with('/') {
        return Err(wrong().hint("such as \"/mesos.slice\""));
    }
    if text == "/" {
        return Ok(Base::At(PathBuf::from("/")));
    }
    crate::reader::values::absolute_path(text).map(|()| Base::At(PathBuf::from(text)))
}
