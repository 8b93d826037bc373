//! `[lending.limits]`: how much roles lend and borrow.

use std::collections::BTreeMap;

use super::Lent;
use crate::lending::RoleLimits;
use crate::problem::{Kind, path_part, quoted};
use crate::raw::{Entry, Node, Value};
use crate::reader::hook_rules::entry;
use crate::reader::{Complaint, Reader, below_path};

/// The keys of a role.
const KEYS: [&str; 2] = ["lend", "borrow"];

/// Most roles with limits.
pub const ROLE_LIMITS_MAX: usize = 1000;

impl Reader<'_> {
    /// The limits of roles, by exact role.
    pub(super) fn role_limits(
        &mut self,
        path: &str,
        node: &Node,
        lent: &Lent,
    ) -> BTreeMap<String, RoleLimits> {
        let entries = self.table(node, path);
        if entries.len() > ROLE_LIMITS_MAX {
            let found = format!("{} roles with limits", entries.len());
            self.report(
                path,
                node.at,
                Complaint::new(Kind::WrongValue, found, format!("at most {ROLE_LIMITS_MAX}")),
            );
        }
        let mut all = BTreeMap::new();
        for role in entries.iter().take(ROLE_LIMITS_MAX) {
            let before = self.mistakes;
            let path = below_path(path, &role.key);
            if let Err(complaint) = check_role(&role.key) {
                self.report(&path, role.at, complaint);
            }
            let mut limits = RoleLimits::default();
            for entry in self.filled(&path, &role.node, "`lend` or `borrow`") {
                let inner = below_path(&path, &entry.key);
                match &*entry.key {
                    "lend" => limits.lend = self.bounds(&inner, &entry.node, lent),
                    "borrow" => limits.borrow = self.bounds(&inner, &entry.node, lent),
                    _ => self.unknown_limit_of_role(&path, role, entry),
                }
            }
            if self.mistakes == before {
                all.insert(role.key.clone(), limits);
            }
        }
        all
    }

    /// Reports a key of a role that is neither; it may be a role inside it, written with a dot.
    fn unknown_limit_of_role(&mut self, path: &str, role: &Entry, inner: &Entry) {
        let is_role = match &inner.node.value {
            Value::Table(entries) => KEYS.iter().any(|key| entry(entries, key).is_some()),
            _ => false,
        };
        if !is_role {
            return self.unknown_of(path, inner, &KEYS);
        }
        let complaint = Complaint::new(Kind::UnknownKey, "an unknown key", "`lend` and `borrow`");
        let whole = quoted(&format!("{}/{}", role.key, inner.key));
        self.report(
            &format!("{path}.{}", path_part(&inner.key)),
            inner.at,
            complaint.hint(format!("a role inside another is written with a slash, in quotes: {whole}")),
        );
    }
}

/// Whether Mesos has roles of this name.
pub(super) fn check_role(role: &str) -> Result<(), Complaint> {
    let wrong =
        |expected: &str| Err(Complaint::new(Kind::WrongName, format!("the role {}", quoted(role)), expected));
    // The role that everybody is in who names none.
    if role == "*" {
        return Ok(());
    }
    if role.contains('*') {
        let outer = role.split('*').next().unwrap_or_default().trim_end_matches('/');
        let complaint = wrong("one role, not a pattern: everything inside it counts, too");
        return if outer.is_empty() {
            complaint
        } else {
            complaint.map_err(|complaint| complaint.hint(format!("write {}", quoted(outer))))
        };
    }
    if role.split('/').any(str::is_empty) {
        return wrong("a role without empty parts between, before and behind slashes");
    }
    if role.split('/').any(|part| matches!(part, "." | "..")) {
        return wrong("a role without the parts `.` and `..`");
    }
    if role.split('/').any(|part| part.starts_with('-')) {
        return wrong("a role of which no part begins with a dash");
    }
    if role.contains(|sign: char| sign.is_control() || sign == ' ') {
        return wrong("a role without white space and control characters");
    }
    Ok(())
}
