//! What a rule sets off outside the host: audit lines and commands.

use apportion_policy::{AuditAction, CommandAction, Effect, ValueSource};

use super::{Scope, entry};
use crate::problem::{Kind, quoted};
use crate::raw::{Node, Value};
use crate::reader::lists::Texts;
use crate::reader::rules::Named;
use crate::reader::{Complaint, Reader, below_path};

/// How long a command may run unless the rule says otherwise, in seconds.
pub const COMMAND_SECONDS: u32 = 30;

/// Longest time a command may run, in seconds: it takes a place in the pool from others.
pub const COMMAND_SECONDS_MAX: u32 = 3600;

/// An example of a file, for messages.
const AUDIT_FILE: &str = "the absolute path of a file, such as \"/var/log/mesos/audit.jsonl\"";

/// An example of a program, for messages.
const PROGRAM: &str = "the absolute path of a program first, such as \"/usr/local/bin/notify\"";

impl Reader<'_> {
    /// `[hook.rules.audit]`.
    pub(super) fn audit_action(&mut self, path: &str, node: &Node, scope: &Scope) -> Option<AuditAction> {
        let entries = self.table(node, path);
        if !matches!(node.value, Value::Table(_)) {
            return None;
        }
        let (mut file, mut fields) = (None, Vec::new());
        for entry in self.known_keys("hook.rules.audit", path, entries) {
            let path = below_path(path, &entry.key);
            match &*entry.key {
                "file" => file = self.checked(&path, &entry.node, audit_file),
                "fields" => {
                    let known = scope.points.known(Effect::Reaction);
                    fields = self.assignments(&path, &entry.node, Named::Field, &known);
                }
                _ => {}
            }
        }
        if entry(entries, "file").is_none() {
            self.report_absence(
                &below_path(path, "file"),
                node.at,
                Complaint::new(Kind::Missing, "nothing", AUDIT_FILE),
            );
        }
        Some(AuditAction { file: file?, fields })
    }

    /// `[hook.rules.command]`.
    pub(super) fn command_action(&mut self, path: &str, node: &Node, scope: &Scope) -> Option<CommandAction> {
        let entries = match &node.value {
            Value::Table(_) => self.table(node, path),
            other => {
                let complaint = Complaint::wrong_type(other, "a table with `argv`");
                let hint = "the program and its arguments stand in `argv`, a list; there is no shell";
                self.report(path, node.at, complaint.hint(hint));
                return None;
            }
        };
        let (mut argv, mut timeout_seconds) = (None, COMMAND_SECONDS);
        for entry in self.known_keys("hook.rules.command", path, entries) {
            let path = below_path(path, &entry.key);
            match &*entry.key {
                "argv" => argv = Some(self.argv(&path, &entry.node, scope)),
                "timeout_seconds" => {
                    timeout_seconds = self.checked(&path, &entry.node, timeout).unwrap_or(COMMAND_SECONDS);
                }
                _ => {}
            }
        }
        if argv.is_none() {
            let complaint = Complaint::new(Kind::Missing, "nothing", format!("a list, {PROGRAM}"));
            self.report_absence(&below_path(path, "argv"), node.at, complaint);
        }
        Some(CommandAction { argv: argv?, timeout_seconds })
    }

    fn argv(&mut self, path: &str, node: &Node, scope: &Scope) -> Vec<ValueSource> {
        const TAKES: Texts = Texts {
            whole: "a list: the program, then its arguments",
            one: "an argument",
            alone: false,
            any: true,
        };
        let known = scope.points.known(Effect::Reaction);
        let mut argv = Vec::new();
        // The types first: with a text out of line the numbers of the pieces no longer say what is the program.
        let pieces = self.texts(path, node, TAKES);
        let Value::List(items) = &node.value else { return argv };
        if pieces.len() < items.len() {
            return argv;
        }
        for (number, (piece, item)) in pieces.iter().zip(items).enumerate() {
            if number == 0
                && let Some(hint) = program_hint(piece.text)
            {
                let complaint = Complaint::new(Kind::WrongValue, quoted(piece.text), PROGRAM);
                self.report(&piece.path, piece.at, complaint.hint(hint));
                continue;
            }
            argv.extend(self.value(&piece.path, item, "argv", &known));
        }
        argv
    }
}

/// Why a text is no program, if it is none.
fn program_hint(text: &str) -> Option<&'static str> {
    if text.contains("{{") {
        return Some("a program is no template; its arguments are");
    }
    if text.contains(char::is_whitespace) {
        return Some("there is no shell: each argument is a text of its own");
    }
    (!text.starts_with('/')).then_some("there is no search path")
}

fn audit_file(value: &Value) -> Result<String, Complaint> {
    let Value::Text(path) = value else { return Err(Complaint::wrong_type(value, AUDIT_FILE)) };
    let complaint = |hint: Option<&str>| {
        let complaint = Complaint::new(Kind::WrongValue, value.describe(), AUDIT_FILE);
        Err(hint.into_iter().fold(complaint, Complaint::hint))
    };
    match path.as_str() {
        path if path.contains(char::is_control) => complaint(Some("without control characters")),
        path if path.contains("{{") => complaint(Some("a path is no template; `fields` are")),
        path if path.ends_with('/') => complaint(Some("name the file in the folder")),
        path if path.split('/').any(|part| part == "..") => complaint(Some("without `..`")),
        path if !path.starts_with('/') => {
            complaint(Some("the working directory of a Mesos daemon is not that of your shell"))
        }
        path => Ok(path.to_owned()),
    }
}

fn timeout(value: &Value) -> Result<u32, Complaint> {
    let expected = format!("a whole number of seconds from 1 to {COMMAND_SECONDS_MAX}");
    let Value::Integer(digits, base) = value else {
        let complaint = Complaint::wrong_type(value, &expected);
        return Err(match value {
            Value::Text(text) if text.parse::<u32>().is_ok() => complaint.hint("write it without quotes"),
            _ => complaint,
        });
    };
    let seconds =
        u32::from_str_radix(digits, *base).ok().filter(|seconds| (1..=COMMAND_SECONDS_MAX).contains(seconds));
    seconds.ok_or_else(|| Complaint::new(Kind::WrongValue, value.describe(), expected))
}
