//! Names with templates.

use apportion_policy::{Reason, Template, TemplateFault};

use super::lists::Texts;
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
        let named = if section.ends_with("environment") { Named::Variable } else { Named::Label };
        let mut rules = Vec::new();
        for entry in entries {
            let path = below_path(section, &entry.key);
            let is_name = self.is_name(&path, entry.at, &entry.key, named);
            if section == "hook.environment" && apportion_policy::is_unsafe_variable(&entry.key) {
                let found = format!("{}, which decides what code a process runs", quoted(&entry.key));
                let complaint = Complaint::new(Kind::WrongName, found, "another variable");
                let hint = "a rule under [[hook.rules]] can set it, with `unsafe_env = true`";
                self.report(&path, entry.at, complaint.hint(hint));
            }
            let compile = |source: &str| Template::compile(source, roots);
            let template = self.template(&path, &entry.node, &entry.key, compile);
            if let (Some(template), true) = (template, is_name) {
                rules.push(Rule { name: entry.key.clone(), template });
            }
        }
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        rules
    }

    /// Names of variables, from a list of text or a parameter with commas.
    pub(super) fn agent_environment(&mut self, node: &Node) -> Vec<String> {
        const PATH: &str = "hook.agent_environment";
        const TAKES: Texts = Texts { whole: "a list of names", one: "a name", alone: false, any: false };
        // Written out, the default is an empty list.
        let pieces = self.any_texts(PATH, node, TAKES);
        let named = pieces
            .into_iter()
            .filter(|piece| self.is_name(&piece.path, piece.at, piece.text, Named::Variable));
        named.map(|piece| piece.text.to_owned()).collect()
    }

    /// What `compile` makes of a template; `key` is the last part of its path.
    pub(super) fn template<T>(
        &mut self,
        path: &str,
        node: &Node,
        key: &str,
        compile: impl FnOnce(&str) -> Result<T, TemplateFault>,
    ) -> Option<T> {
        let source = match &node.value {
            Value::Text(text) | Value::Parameter(text) => text,
            table @ Value::Table(inner) => {
                let mut complaint = Complaint::wrong_type(table, "text, a template");
                if let Some(first) = inner.first().filter(|first| first.key != "value") {
                    complaint = complaint.hint(dotted(key, &first.key));
                }
                self.report(path, node.at, complaint);
                return None;
            }
            other => {
                let mut complaint = Complaint::wrong_type(other, "text, a template");
                if matches!(
                    other,
                    Value::Integer(..) | Value::Fraction(_) | Value::Boolean(_) | Value::Other(..)
                ) {
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
        match compile(source) {
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

/// What a name of the operator's own choosing names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Variable,
    Label,
    Attribute,
    Resource,
    Field,
}

impl Named {
    fn describe(self) -> &'static str {
        match self {
            Named::Variable => "the name of an environment variable",
            Named::Label => "the key of a label",
            Named::Attribute => "the name of an attribute",
            Named::Resource => "the name of a resource",
            Named::Field => "the name of a field",
        }
    }
}

impl Reader<'_> {
    /// Whether a name is fit for what it names; otherwise a problem.
    pub(super) fn is_name(&mut self, path: &str, at: Option<usize>, name: &str, named: Named) -> bool {
        check_name(name, named).map_err(|complaint| self.report(path, at, complaint)).is_ok()
    }
}

/// Refuses names the kernel, the host or a shell could not take.
fn check_name(name: &str, named: Named) -> Result<(), Complaint> {
    let what = named.describe();
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
    if named == Named::Variable && name.contains('=') {
        return complain(format!("`=` in {what}"), "a name without `=`");
    }
    if matches!(named, Named::Variable | Named::Resource) && name.contains(char::is_whitespace) {
        return complain(format!("white space in {what}"), "a name without white space");
    }
    Ok(())
}

/// What somebody probably meant who wrote a name with dots without quotes.
pub(super) fn dotted(first: &str, second: &str) -> String {
    format!("a name with a dot needs quotes: {}", quoted(&format!("{first}.{second}")))
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
