//! What rules want written or started for an event.

use crate::action::{AuditAction, CommandAction};
use crate::entries::HIDDEN;
use crate::parse_fault::quoted;
use crate::scene::Scene;

/// A line for an audit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Name of the rule.
    pub rule: String,
    /// Absolute path of the file.
    pub file: String,
    /// The rule's own fields, in the order of the configuration.
    pub fields: Vec<(String, String)>,
}

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// Name of the rule.
    pub rule: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How long it may run, in seconds.
    pub timeout_seconds: u32,
}

/// The line of a rule. A value from a file does not get into it.
pub(crate) fn audit_line(rule: &str, action: &AuditAction, scene: &Scene<'_>) -> Result<AuditLine, String> {
    let field = |(name, source): &(String, _)| {
        let value =
            scene.value(source).map_err(|reason| format!("audit field {}: {reason}", quoted(name)))?;
        let shown = if value.secret { HIDDEN.to_owned() } else { value.text.as_ref().to_owned() };
        Ok((name.clone(), shown))
    };
    let fields = action.fields.iter().map(field).collect::<Result<_, String>>()?;
    Ok(AuditLine { rule: rule.to_owned(), file: action.file.clone(), fields })
}

/// The command of a rule. A value from a file is a fault: everyone on the host can read the arguments of a program.
pub(crate) fn command_line(
    rule: &str,
    action: &CommandAction,
    scene: &Scene<'_>,
) -> Result<CommandLine, String> {
    let mut argv = Vec::with_capacity(action.argv.len());
    for (number, source) in action.argv.iter().enumerate() {
        let fault = |reason: &str| format!("command argument {number}: {reason}");
        let value = scene.value(source).map_err(|reason| fault(&reason))?;
        if value.secret {
            return Err(fault("it has a value from a file, which arguments must not show"));
        }
        if value.text.contains('\0') {
            return Err(fault("it contains a NUL character"));
        }
        argv.push(value.text.as_ref().to_owned());
    }
    Ok(CommandLine { rule: rule.to_owned(), argv, timeout_seconds: action.timeout_seconds })
}
