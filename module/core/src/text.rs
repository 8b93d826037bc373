//! Names from the host, printed.

use std::fmt;

/// Host text for a log line: names are bytes, not always UTF-8; what is not printable ASCII or valid UTF-8 is escaped.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(self.0) {
            Ok(text) if !text.chars().any(char::is_control) => f.write_str(text),
            _ => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_could_break_a_log_line_is_escaped() {
        assert_eq!(Text(b"web/batch").to_string(), "web/batch");
        assert_eq!(Text("größe".as_bytes()).to_string(), "größe");
        assert_eq!(Text(b"a\nb\xff").to_string(), "a\\nb\\xff");
    }
}
