//! One error for everything that is read from text of the configuration, beside templates.

/// Text that is not what is expected.
///
/// ```
/// let fault = apportion_policy::Amount::parse("many").unwrap_err();
/// assert_eq!(fault.to_string(), "found `many`, expected a number from 0 with at most three decimals, such as 0.5");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found}, expected {expected}")]
pub struct ParseFault {
    /// What stands there, quoted or described.
    pub found: String,
    /// What would be right, with an example.
    pub expected: String,
}

impl ParseFault {
    pub(crate) fn new(found: impl Into<String>, expected: impl Into<String>) -> ParseFault {
        ParseFault { found: found.into(), expected: expected.into() }
    }

    /// A fault about a text that is shown as it stands, control characters escaped, cut if it is long.
    pub(crate) fn text(text: &str, expected: impl Into<String>) -> ParseFault {
        ParseFault::new(quoted(text), expected)
    }
}

/// Most characters of a text that a message repeats.
const SHOWN_MAX: usize = 60;

/// The text between backquotes, control characters escaped, cut if it is long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (number, sign) in text.chars().enumerate() {
        if number == SHOWN_MAX {
            shown.push('…');
            break;
        }
        if sign.is_control() {
            shown.extend(sign.escape_debug());
        } else {
            shown.push(sign);
        }
    }
    shown.push('`');
    shown
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn long_text_is_cut_and_control_characters_are_escaped() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"é".repeat(100)).chars().count(), 63);
        assert_eq!(quoted(""), "``");
    }
}
