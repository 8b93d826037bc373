//! Resource limits in their four notations: a number, "soft:hard", "unlimited", a table.

use apportion_isolation::{Limit, Rlimit, RlimitError, RlimitKind};

use super::{Complaint, Reader, below_path};
use crate::problem::{Kind, quoted};
use crate::raw::{Node, Value};

/// The notations, for messages.
const EXPECTED: &str = "a number, \"soft:hard\", \"unlimited\", or { soft = …, hard = … }";

impl Reader<'_> {
    /// The resource limits of a table, in the order of Mesos' numbers. `schema` is its path without numbers of rules.
    pub(super) fn rlimits(&mut self, schema: &str, path: &str, node: &Node) -> Vec<Rlimit> {
        let mut limits = Vec::new();
        for entry in self.table(node, path) {
            let Some(kind) = RlimitKind::named(&entry.key) else {
                self.unknown_limit(schema, path, entry);
                continue;
            };
            let path = below_path(path, &entry.key);
            limits.extend(self.rlimit(kind, &path, &entry.node));
        }
        limits.sort_by_key(Rlimit::kind);
        limits
    }

    fn unknown_limit(&mut self, schema: &str, path: &str, entry: &crate::raw::Entry) {
        // `RLIMIT_NOFILE` and `RLMT_NOFILE` are the names the kernel and Mesos use.
        let lower = entry.key.to_lowercase();
        let short = lower.strip_prefix("rlimit_").or_else(|| lower.strip_prefix("rlmt_")).unwrap_or(&lower);
        if RlimitKind::named(short).is_none() {
            return self.unknown_at(schema, path, entry);
        }
        let complaint =
            Complaint::new(Kind::UnknownKey, "an unknown key", "the limit's name in lower case, alone");
        let meant = below_path(schema, short);
        self.report(&below_path(path, &entry.key), entry.at, complaint.meant(Some(&meant)));
    }

    fn rlimit(&mut self, kind: RlimitKind, path: &str, node: &Node) -> Option<Rlimit> {
        let (soft, hard) = match &node.value {
            Value::Table(_) => return self.rlimit_table(kind, path, node),
            Value::Text(text) | Value::Parameter(text) => self.checked(path, node, |_| both(text))?,
            Value::Integer(..) => {
                let limit = self.checked(path, node, one)?;
                (limit, limit)
            }
            other => {
                self.report(path, node.at, Complaint::wrong_type(other, EXPECTED));
                return None;
            }
        };
        match Rlimit::new(kind, soft, hard) {
            Ok(limit) => Some(limit),
            Err(error) => {
                self.report(path, node.at, impossible(&error));
                None
            }
        }
    }

    /// `{ soft = 1, hard = 2 }`.
    fn rlimit_table(&mut self, kind: RlimitKind, path: &str, node: &Node) -> Option<Rlimit> {
        let mut sides: [Option<(&Node, Option<Limit>)>; 2] = [None, None];
        for entry in self.table(node, path) {
            let side = match &*entry.key {
                "soft" => &mut sides[0],
                "hard" => &mut sides[1],
                _ => {
                    self.unknown_of(path, entry, &["soft", "hard"]);
                    continue;
                }
            };
            let limit = self.checked(&below_path(path, &entry.key), &entry.node, one);
            // A number that is too large is told where it stands.
            let limit =
                limit.filter(|limit| self.fits(kind, &below_path(path, &entry.key), &entry.node, *limit));
            *side = Some((&entry.node, limit));
        }
        for (side, name) in sides.iter().zip(["soft", "hard"]) {
            if side.is_none() {
                let complaint = Complaint::new(Kind::Missing, "nothing", "a number or \"unlimited\"");
                self.report(
                    &format!("{path}.{name}"),
                    node.at,
                    complaint.hint("a limit needs both, soft and hard"),
                );
            }
        }
        let [Some((soft_node, Some(soft))), Some((_, Some(hard)))] = sides else { return None };
        match Rlimit::new(kind, soft, hard) {
            Ok(limit) => Some(limit),
            Err(error) => {
                self.report(&format!("{path}.soft"), soft_node.at, impossible(&error));
                None
            }
        }
    }

    /// Whether a number is not too large for a limit; otherwise a problem.
    fn fits(&mut self, kind: RlimitKind, path: &str, node: &Node, limit: Limit) -> bool {
        match Rlimit::new(kind, limit, limit) {
            Ok(_) => true,
            Err(error) => {
                self.report(path, node.at, impossible(&error));
                false
            }
        }
    }
}

/// Soft and hard limit from text.
fn both(text: &str) -> Result<(Limit, Limit), Complaint> {
    match text.split_once(':') {
        Some((soft, hard)) => Ok((side(soft, text)?, side(hard, text)?)),
        None => side(text, text).map(|limit| (limit, limit)),
    }
}

/// One limit from text that is part of `whole`.
fn side(text: &str, whole: &str) -> Result<Limit, Complaint> {
    let trimmed = text.trim();
    if trimmed == "unlimited" {
        return Ok(Limit::Unlimited);
    }
    let digits = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, trimmed.parse::<u64>()) {
        (true, Ok(number)) => Ok(Limit::At(number)),
        (true, Err(_)) => {
            Err(Complaint::new(Kind::WrongValue, format!("{}, a number too large", quoted(whole)), EXPECTED))
        }
        (false, _) => {
            let complaint = Complaint::new(Kind::WrongValue, quoted(whole), EXPECTED);
            Err(hint_for(trimmed).into_iter().fold(complaint, Complaint::hint))
        }
    }
}

/// For who wrote another word for it.
pub(super) const FOR_UNLIMITED: &str = "write \"unlimited\" for no limit";

/// Whether somebody probably meant no limit.
pub(super) fn is_word_for_unlimited(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["infinity", "inf", "-1", "none", "max", "unlimted", "unlimit"].contains(&&*lower)
}

/// What somebody probably meant who wrote this in place of a limit.
fn hint_for(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        lower if is_word_for_unlimited(lower) => Some(FOR_UNLIMITED),
        lower
            if lower.starts_with(|c: char| c.is_ascii_digit())
                && lower.ends_with(['k', 'm', 'g', 'b', 't']) =>
        {
            Some("write the number out, without a unit")
        }
        _ => None,
    }
}

/// One limit: a number or "unlimited".
fn one(value: &Value) -> Result<Limit, Complaint> {
    match value {
        Value::Integer(digits, base) => u64::from_str_radix(digits, *base).map(Limit::At).map_err(|_| {
            let complaint =
                Complaint::new(Kind::WrongValue, value.describe(), "a number from 0, or \"unlimited\"");
            hint_for(digits).into_iter().fold(complaint, Complaint::hint)
        }),
        Value::Parameter(text) => side(text, text),
        Value::Text(text) if text == "unlimited" => Ok(Limit::Unlimited),
        other => {
            let complaint = Complaint::wrong_type(other, "a number or \"unlimited\"");
            match other {
                Value::Text(text) if text.parse::<u64>().is_ok() => {
                    Err(complaint.hint("write it without quotes"))
                }
                Value::Text(text) => Err(hint_for(text).into_iter().fold(complaint, Complaint::hint)),
                _ => Err(complaint),
            }
        }
    }
}

/// The problem for a limit that cannot be.
fn impossible(error: &RlimitError) -> Complaint {
    let expected = match error {
        RlimitError::SoftAboveHard { hard, .. } => format!("a soft limit of at most {hard}"),
        RlimitError::TooLarge { kind, .. } => format!("at most {}, or \"unlimited\"", kind.largest()),
        RlimitError::HalfUnlimited { .. } => "two numbers, or \"unlimited\" alone".to_owned(),
    };
    Complaint::new(Kind::WrongValue, error.to_string(), expected)
}
