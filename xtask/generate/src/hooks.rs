//! The pages about hook rules: the reference of their language, and the cookbook.

mod cookbook;
pub(crate) mod known;
pub(crate) mod tables;

use std::path::Path;

use apportion_policy::{
    CONDITION_DEPTH_MAX, ENTRIES_BYTES_MAX, ENTRIES_MAX, EXPRESSION_BRACKETS_MAX, EXPRESSION_WORDS_MAX,
    FAULTS_MAX, NAME_BYTES_MAX, PATTERN_BYTES_MAX, REGEX_BYTES_MAX, REGEX_DEPTH_MAX, RULE_NAME_BYTES_MAX,
    SOURCE_BYTES_MAX, VALUE_BYTES_MAX,
};
use apportion_reaction::{
    ARGUMENT_BYTES_MAX, AuditSettings, DOCUMENT_BYTES_MAX, LINE_BYTES_MAX, OUTPUT_LINE_BYTES_MAX,
    PoolSettings,
};

use crate::page::{Parts, bytes, table};
use crate::{Failure, Generated};

/// Text of the reference, with places for its tables.
const REFERENCE: &str = include_str!("hooks/reference.md");

/// `docs/hooks-reference.md`.
pub(crate) fn reference(root: &Path) -> Result<Generated, Failure> {
    let mut parts = Parts::default();
    tables::add(&mut parts)?;
    known::add(&mut parts)?;
    parts.add("limits", limits());
    let numbers = [
        ("faults_max", FAULTS_MAX.to_string()),
        ("depth_max", CONDITION_DEPTH_MAX.to_string()),
        ("command_seconds", apportion_config::COMMAND_SECONDS.to_string()),
        ("command_seconds_max", apportion_config::COMMAND_SECONDS_MAX.to_string()),
        ("grace_seconds", PoolSettings::default().grace.as_secs().to_string()),
        ("running_max", PoolSettings::default().running_max.to_string()),
    ];
    for (mark, number) in numbers {
        parts.add(mark, number);
    }
    let text = parts.into_page(REFERENCE, "xtask/generate/src/hooks/reference.md")?;
    Ok(Generated { path: root.join("docs/hooks-reference.md"), text })
}

/// `docs/hooks-cookbook.md`.
pub(crate) fn cookbook(root: &Path) -> Result<Generated, Failure> {
    cookbook::page(root)
}

/// What is bounded, and by how much.
fn limits() -> String {
    let (audit, pool) = (AuditSettings::default(), PoolSettings::default());
    let file_bytes = usize::try_from(apportion_config::FILE_BYTES_MAX).unwrap_or(usize::MAX);
    let value_file_bytes = usize::try_from(apportion_detection::FILE_BYTES_MAX).unwrap_or(usize::MAX);
    let rows = [
        ("configuration file", bytes(file_bytes)),
        ("rules", apportion_config::HOOK_RULES_MAX.to_string()),
        ("name of a rule", bytes(RULE_NAME_BYTES_MAX)),
        ("name of a variable, label, attribute, resource or field", bytes(NAME_BYTES_MAX)),
        ("conditions within each other", CONDITION_DEPTH_MAX.to_string()),
        ("pattern", bytes(PATTERN_BYTES_MAX)),
        ("regular expressions in a file", apportion_config::EXPRESSIONS_MAX.to_string()),
        ("regular expression, compiled", bytes(REGEX_BYTES_MAX)),
        ("groups of a regular expression within each other", REGEX_DEPTH_MAX.to_string()),
        ("template, as written", bytes(SOURCE_BYTES_MAX)),
        ("words of one placeholder", EXPRESSION_WORDS_MAX.to_string()),
        ("brackets within each other in one placeholder", EXPRESSION_BRACKETS_MAX.to_string()),
        ("value, as rendered", bytes(VALUE_BYTES_MAX)),
        ("variables, labels or attributes a rule may leave", ENTRIES_MAX.to_string()),
        ("names and values of all of them together", bytes(ENTRIES_BYTES_MAX)),
        ("file named by `file:`", bytes(value_file_bytes)),
        ("files named by `file:`", apportion_detection::FILES_KEPT_MAX.to_string()),
        ("faults in a row before a rule is off at a point", FAULTS_MAX.to_string()),
        ("launches remembered for later points", apportion_hook::REMEMBERED_MAX.to_string()),
        ("audit line", bytes(LINE_BYTES_MAX)),
        ("audit lines that wait for the disk", format!("{}, {}", audit.lines_max, bytes(audit.bytes_max))),
        ("commands at a time", pool.running_max.to_string()),
        ("commands that wait", format!("{}, {}", pool.queue_max, bytes(pool.queue_bytes_max))),
        ("arguments and environment of a command", bytes(ARGUMENT_BYTES_MAX)),
        ("a command's standard input", bytes(DOCUMENT_BYTES_MAX)),
        (
            "a command's output in the log",
            format!("{}, in lines of {}", bytes(pool.output_bytes_max), bytes(OUTPUT_LINE_BYTES_MAX)),
        ),
    ];
    table(["what", "at most"], rows.map(|(what, most)| [what.to_owned(), most]))
}

#[cfg(test)]
mod tests {
    use super::{cookbook, reference};
    use crate::{Generated, workspace_root};

    use crate::isolator;

    fn is_up_to_date(page: &Generated) {
        let present = std::fs::read_to_string(&page.path).unwrap_or_default();
        assert!(present == page.text, "{} is out of date: run `cargo xtask generate`", page.path.display());
    }

    #[test]
    fn the_pages_are_up_to_date() {
        is_up_to_date(&reference(&workspace_root()).unwrap());
        is_up_to_date(&cookbook(&workspace_root()).unwrap());
        is_up_to_date(&isolator::reference(&workspace_root()).unwrap());
    }

    #[test]
    fn every_link_of_the_pages_leads_somewhere() {
        let root = workspace_root();
        for page in [reference(&root).unwrap(), cookbook(&root).unwrap(), isolator::reference(&root).unwrap()]
        {
            for link in page.text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
                let (file, name) = link.0.split_once('#').unwrap_or((link.0, ""));
                let target = if file.is_empty() { page.path.clone() } else { root.join("docs").join(file) };
                let is_heading = |name| {
                    let text = std::fs::read_to_string(&target).unwrap_or_default();
                    text.lines().filter_map(anchor).any(|anchor| anchor == name)
                };
                let found = target.exists() && (name.is_empty() || is_heading(name));
                assert!(found, "{}: {}", page.path.display(), link.0);
            }
        }
    }

    /// The anchor that a heading gets.
    fn anchor(line: &str) -> Option<String> {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
    }
}
