//! Rules: names with templates.

use apportion_policy::{Reason, Template};

use super::{Complaint, Reader, below_path};
use crate::checked::Rule;
use crate::problem::{Kind, quoted};
use crate::raw::{Node, Value};

/// Longest name of a variable or key of a label, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Most rules in one section. Every launched task pays for each of them.
const RULES_MAX: usize = 500;

impl Reader<'_> {
    /// The rules of a section; `roots` are the facts their templates can name.
    pub(super) fn rules(&mut self, node: &Node, section: &str, roots: &[&str]) -> Vec<Rule> {
        let entries = self.table(node, section);
        if entries.len() > RULES_MAX {
            let found = format!("{} rules", entries.len());
            self.report(
                section,
                node.at,
                Complaint::new(Kind::WrongValue, found, format!("at most {RULES_MAX}")),
            );
        }
        let is_environment = section.ends_with("environment");
        let mut rules = Vec::new();
        for entry in entries {
            let path = below_path(section, &entry.key);
            let name = check_name(&entry.key, is_environment);
            let named = name.is_ok();
            if let Err(complaint) = name {
                self.report(&path, entry.at, complaint);
            }
            let template = self.template(&path, &entry.node, roots, &entry.key);
            if let (Some(template), true) = (template, named) {
                rules.push(Rule { name: entry.key.clone(), template });
            }
        }
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        rules
    }

    fn template(&mut self, path: &str, node: &Node, roots: &[&str], key: &str) -> Option<Template> {
        let source = match &node.value {
            Value::Text(text) | Value::Parameter(text) => text,
            table @ Value::Table(inner) => {
                let mut complaint = Complaint::wrong_type(table, "text, a template");
                if let Some(first) = inner.first() {
                    let whole = quoted(&format!("{key}.{}", first.key));
                    complaint = complaint.hint(format!("a name with a dot needs quotes: {whole}"));
                }
                self.report(path, node.at, complaint);
                return None;
            }
            other => {
                let mut complaint = Complaint::wrong_type(other, "text, a template");
                if matches!(other, Value::Integer(..) | Value::Boolean(_) | Value::Other(..)) {
                    complaint = complaint.hint("write it in quotes");
                }
                self.report(path, node.at, complaint);
                return None;
            }
        };
        if source.contains('\0') {
            self.report(
                path,
                node.at,
                Complaint::new(Kind::WrongValue, "a NUL character", "text without NUL"),
            );
            return None;
        }
        match Template::compile(source, roots) {
            Ok(template) => Some(template),
            Err(fault) => {
                for reason in &fault.reasons {
                    self.report(path, node.at, template_complaint(source, reason));
                }
                None
            }
        }
    }
}

/// Refuses names the kernel, the host or a shell could not take.
fn check_name(name: &str, is_environment: bool) -> Result<(), Complaint> {
    let what = if is_environment { "the name of an environment variable" } else { "the key of a label" };
    let complain = |found: String, expected: &str| Err(Complaint::new(Kind::WrongName, found, expected));
    if name.is_empty() {
        return complain(format!("an empty name as {what}"), "at least one character");
    }
    if name.len() > NAME_BYTES_MAX {
        return complain(format!("a name of {} bytes as {what}", name.len()), "at most 256 bytes");
    }
    if name.contains('\0') {
        return complain(format!("a NUL character in {what}"), "a name without NUL");
    }
    if name.contains(char::is_control) {
        return complain(format!("a control character in {what}"), "a name without control characters");
    }
    if is_environment && name.contains('=') {
        return complain(format!("`=` in {what}"), "a name without `=`");
    }
    if is_environment && name.contains(char::is_whitespace) {
        return complain(format!("white space in {what}"), "a name without white space");
    }
    Ok(())
}

fn template_complaint(source: &str, reason: &Reason) -> Complaint {
    let complaint = |found: String, expected: String| Complaint::new(Kind::Template, found, expected);
    match reason {
        Reason::TooLong { bytes } => complaint(
            format!("a template of {bytes} bytes"),
            format!("at most {} bytes", apportion_policy::SOURCE_BYTES_MAX),
        ),
        Reason::Syntax { detail } => complaint(
            format!("{}, where the syntax is wrong: {detail}", quoted(source)),
            "text with placeholders, such as {{ framework.role }}".to_owned(),
        ),
        Reason::NotAllowed { what, instead } => {
            complaint(format!("{what} in {}", quoted(source)), instead.clone())
        }
        Reason::Unknown { kind, name, known, nearest } => {
            complaint(format!("the unknown {kind} `{name}`"), format!("one of {known}"))
                .meant(nearest.as_deref())
        }
        Reason::NotKnownHere { name, known } => {
            complaint(format!("`{name}`, which is never known here"), format!("one of {known}"))
        }
    }
}
