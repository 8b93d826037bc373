//! `[[isolator.rules]]`: rules about containers.

use std::collections::{BTreeMap, BTreeSet};

use apportion_isolation::{Capability, ContainerRule, LaunchSettings};
use apportion_policy::{Matcher, Template};

use super::Groups;
use crate::names::nearest;
use crate::problem::{Kind, quoted};
use crate::raw::{Entry, Node, Value};
use crate::reader::hook_rules::{Points, RuleNames, entry};
use crate::reader::lists::{Piece, Texts};
use crate::reader::values::{absolute_path, core_filter, signed, size, umask};
use crate::reader::{Complaint, Reader, below_path};
use crate::schema::{CONTAINER_RULES, RULE_LIMITS};

/// Keys of a rule that say nothing of what becomes of a container.
const HEAD: [&str; 3] = ["name", "enabled", "match"];

/// Smallest file system in memory, in bytes: a page. Nothing would be no limit.
const TMPFS_BYTES_MIN: u64 = 4096;

/// Least and most that the kernel takes for its choice of processes to kill.
const OOM_SCORE_MAX: i16 = 1000;

const CAPABILITIES: Texts =
    Texts { whole: "a list of capabilities", one: "a capability", alone: false, any: false };
const PATHS: Texts =
    Texts { whole: "a list of absolute paths", one: "an absolute path", alone: false, any: false };

impl Reader<'_> {
    /// One rule, if it has no problem.
    pub(super) fn container_rule<'n>(
        &mut self,
        path: &str,
        item: &'n Node,
        names: &mut RuleNames<'n>,
        groups: &Groups,
    ) -> Option<ContainerRule> {
        let before = self.mistakes;
        let entries = self.table(item, path);
        if !matches!(item.value, Value::Table(_)) {
            return None;
        }
        let known = self.known_keys(CONTAINER_RULES, path, entries);
        let name = self.rule_name(path, item, entries, names).unwrap_or_default().to_owned();
        let enabled = self.rule_switch(path, entries, "enabled").unwrap_or(true);
        let mut rule = ContainerRule { name, enabled, ..ContainerRule::default() };
        // A key that was misspelt might have said something.
        let is_clear = known.len() == entries.len();
        self.report_idle_rule(path, item, &known, is_clear);
        for entry in known {
            let path = below_path(path, &entry.key);
            match &*entry.key {
                "match" => {
                    rule.condition = self.rule_condition(&path, &entry.node, &Points::of_containers());
                }
                "refuse" => rule.refuse = self.reason(&path, &entry.node),
                "limits" => {
                    rule.limits = self.limits(RULE_LIMITS, &path, &entry.node, entry.at, groups);
                }
                _ => self.launch_setting(&path, entry, &mut rule.launch),
            }
        }
        self.report_conflicts(path, entries, &rule.launch);
        (self.mistakes == before).then_some(rule)
    }

    /// Reports a rule that says nothing, and what a rule that refuses says besides.
    fn report_idle_rule(&mut self, path: &str, item: &Node, known: &[&Entry], is_clear: bool) {
        let (head, said): (Vec<&Entry>, Vec<&Entry>) =
            known.iter().partition(|entry| HEAD.contains(&&*entry.key));
        if said.is_empty() && is_clear {
            let expected = "`refuse`, `limits`, or a setting such as `no_new_privileges`";
            let found =
                if head.is_empty() { "an empty rule" } else { "a rule that says nothing about containers" };
            self.report_absence(path, item.at, Complaint::new(Kind::Missing, found, expected));
        }
        if !said.iter().any(|entry| entry.key == "refuse") {
            return;
        }
        for entry in said.iter().filter(|entry| entry.key != "refuse") {
            let found = format!("`{}` beside `refuse`", entry.key);
            let complaint = Complaint::new(Kind::WrongValue, found, "one or the other");
            let path = below_path(path, &entry.key);
            self.report(&path, entry.at, complaint.hint("a container that is refused gets nothing"));
        }
    }

    /// Why a container is refused.
    fn reason(&mut self, path: &str, node: &Node) -> Option<Template> {
        let reason =
            self.template(path, node, "refuse", |source| Template::compile(source, Matcher::facts()))?;
        if reason.source().trim().is_empty() {
            let complaint =
                Complaint::new(Kind::WrongValue, "an empty reason", "what its framework is to read");
            self.report(path, node.at, complaint);
            return None;
        }
        Some(reason)
    }

    /// One setting of what containers are launched with.
    fn launch_setting(&mut self, path: &str, entry: &Entry, launch: &mut LaunchSettings) {
        let node = &entry.node;
        match &*entry.key {
            "rlimits" => {
                self.filled(path, node, "at least one limit");
                if matches!(node.value, Value::Table(_)) {
                    launch.rlimits = self.rlimits("isolator.rules.rlimits", path, node);
                }
            }
            "no_new_privileges" => {
                launch.no_new_privileges = self.checked(path, node, crate::reader::truth);
            }
            "seccomp" => {
                launch.seccomp = self.checked(path, node, |value| match value {
                    Value::Text(text) => absolute_path(text).map(|()| text.clone()),
                    other => Err(Complaint::wrong_type(other, "an absolute path, as text")),
                });
            }
            "capabilities" => {
                let entries = self.filled(path, node, "`effective` or `bounding`");
                for entry in self.known_keys("isolator.rules.capabilities", path, entries) {
                    let set = self.capabilities(&below_path(path, &entry.key), &entry.node);
                    match &*entry.key {
                        "effective" => launch.effective_capabilities = set,
                        _ => launch.bounding_capabilities = set,
                    }
                }
            }
            "read_only" => {
                for piece in self.texts(path, node, PATHS) {
                    launch.read_only.extend(self.path_of(&piece));
                }
            }
            "tmpfs" => launch.tmpfs = self.tmpfs(path, node),
            "umask" => launch.umask = self.checked(path, node, umask),
            "core_filter" => launch.core_filter = self.checked(path, node, core_filter),
            "oom_score_adjustment" => {
                launch.oom_score_adjustment = self.checked(path, node, |value| signed(value, OOM_SCORE_MAX));
            }
            _ => {}
        }
    }

    fn path_of(&mut self, piece: &Piece<'_>) -> Option<String> {
        match absolute_path(piece.text) {
            Ok(()) => Some(piece.text.to_owned()),
            Err(complaint) => {
                self.report(&piece.path, piece.at, complaint);
                None
            }
        }
    }

    /// A set of capabilities; it may be empty.
    fn capabilities(&mut self, path: &str, node: &Node) -> Option<BTreeSet<Capability>> {
        let before = self.mistakes;
        let mut set = BTreeSet::new();
        for piece in self.any_texts(path, node, CAPABILITIES) {
            let complaint = match Capability::named(piece.text) {
                None => {
                    let names: Vec<String> = Capability::all().map(Capability::name).collect();
                    let found = format!("the unknown capability {}", quoted(piece.text));
                    let complaint =
                        Complaint::new(Kind::WrongValue, found, "a capability of Linux, such as NET_ADMIN");
                    let written = piece.text.to_ascii_uppercase();
                    let short = written.strip_prefix("CAP_").unwrap_or(&written).to_ascii_lowercase();
                    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
                    let meant =
                        nearest(&short, lower.iter().map(String::as_str)).map(str::to_ascii_uppercase);
                    complaint.meant(meant.as_deref())
                }
                Some(known) if known.mesos_number().is_none() => {
                    let found = format!("the capability {known}, which Mesos 1.11 has no name for");
                    Complaint::new(Kind::WrongValue, found, "one up to AUDIT_READ")
                }
                Some(known) if !set.insert(known) => {
                    Complaint::new(Kind::Duplicate, format!("{known} a second time"), "each one once")
                }
                Some(_) => continue,
            };
            self.report(&piece.path, piece.at, complaint);
        }
        (self.mistakes == before).then_some(set)
    }

    /// File systems in memory.
    fn tmpfs(&mut self, path: &str, node: &Node) -> BTreeMap<String, u64> {
        let mut mounts = BTreeMap::new();
        for entry in self.filled(path, node, "at least one path with a size") {
            let path = below_path(path, &entry.key);
            let place = self.path_of(&Piece { text: &entry.key, path: path.clone(), at: entry.at });
            let size = self.checked(&path, &entry.node, |value| size(value, TMPFS_BYTES_MIN));
            mounts.extend(place.zip(size));
        }
        mounts
    }

    /// Reports settings of one rule that cannot be together.
    fn report_conflicts(&mut self, path: &str, entries: &[Entry], launch: &LaunchSettings) {
        let inner = |key: &str, name: &str| match &entry(entries, key)?.node.value {
            Value::Table(inner) => entry(inner, name),
            _ => None,
        };
        if let (Some(effective), Some(bounding)) =
            (&launch.effective_capabilities, &launch.bounding_capabilities)
        {
            let outside: Vec<String> = effective.difference(bounding).map(Capability::to_string).collect();
            if !outside.is_empty() {
                let found = format!("{}, which the bounding set does not have", outside.join(", "));
                let complaint = Complaint::new(Kind::WrongValue, found, "capabilities of the bounding set");
                let at = inner("capabilities", "effective").and_then(|entry| entry.node.at);
                self.report(&format!("{path}.capabilities.effective"), at, complaint);
            }
        }
        for place in launch.tmpfs.keys().filter(|place| launch.read_only.contains(*place)) {
            let found = format!("{}, which is read-only", quoted(place));
            let complaint = Complaint::new(Kind::WrongValue, found, "another path, or not in `read_only`");
            let at = inner("tmpfs", place).and_then(|entry| entry.at);
            self.report(&below_path(&format!("{path}.tmpfs"), place), at, complaint);
        }
    }
}
