//! One line of the audit file: a JSON object, never longer than allowed, whatever is put into it.

use serde_json::Value;

/// Longest line of the audit file in bytes, with its line break. Readers of logs commonly cut longer ones.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// A field that the audit log sets itself; one of that name that is given is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedField {
    /// Its name.
    pub name: &'static str,
    /// What it says, one line.
    pub meaning: &'static str,
}

/// Every field that the audit log sets itself.
pub const RESERVED_FIELDS: [ReservedField; 2] = [
    ReservedField {
        name: "shortened",
        meaning: "`true` if a text was cut or a field did not fit into this line",
    },
    ReservedField { name: "lost_lines", meaning: "how many lines are missing directly before this one" },
];

/// Room for the braces, the reserved fields with the largest number, and the line break.
const FRAME_BYTES: usize = 64;
/// What all other fields may take together.
const FIELDS_BYTES_MAX: usize = LINE_BYTES_MAX - FRAME_BYTES;
/// Ends a text that was cut.
const ELLIPSIS: &str = "…";

/// A line for the audit file, put together field by field, in order.
///
/// The first field of a name stays; a later one of the same name is left out, so that fields an operator names cannot
/// hide those that every line has. A text that does not fit into what is left of [`LINE_BYTES_MAX`] is cut and ends with
/// `…`; a field of which nothing fits is left out. Both are marked by the field `shortened`.
///
/// ```
/// use apportion_reaction::AuditLine;
///
/// let line = AuditLine::new().text("event", "executor removed").number("cpus", 0.5).flag("known", true);
/// assert_eq!(line.to_json(), r#"{"event":"executor removed","cpus":0.5,"known":true}"#);
/// ```
#[derive(Clone, Default)]
pub struct AuditLine {
    /// Fields in JSON, with commas between them, without the braces.
    fields: String,
    names: Vec<String>,
    is_shortened: bool,
}

impl AuditLine {
    /// A line without fields.
    #[must_use]
    pub fn new() -> AuditLine {
        AuditLine::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> AuditLine {
        if let Some(room) = self.room(name) {
            match quoted_within(text, room) {
                Some((quoted, is_whole)) => {
                    self.is_shortened |= !is_whole;
                    self.add(name, &quoted);
                }
                None => self.is_shortened = true,
            }
        }
        self
    }

    /// Adds a number; what JSON has no number for (infinite, not a number) becomes `null`.
    #[must_use]
    pub fn number(self, name: &str, number: f64) -> AuditLine {
        self.value(name, &Value::from(number))
    }

    /// Adds a whole number.
    #[must_use]
    pub fn integer(self, name: &str, number: i64) -> AuditLine {
        self.value(name, &Value::from(number))
    }

    /// Adds a truth value.
    #[must_use]
    pub fn flag(self, name: &str, flag: bool) -> AuditLine {
        self.value(name, &Value::from(flag))
    }

    /// The line as it would be written now, without a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut line = self.clone().finish(0);
        line.pop();
        line
    }

    /// Whether a text was cut or a field left out for lack of room.
    pub(super) fn is_shortened(&self) -> bool {
        self.is_shortened
    }

    /// Bytes it keeps in memory.
    pub(super) fn bytes(&self) -> usize {
        self.fields.capacity() + self.names.iter().map(String::capacity).sum::<usize>()
    }

    /// The line with its line break, for a place before which so many lines are missing.
    pub(super) fn finish(mut self, lost_lines: u64) -> String {
        let mut line = std::mem::take(&mut self.fields);
        let mut mark = |field: &str| {
            if !line.is_empty() {
                line.push(',');
            }
            line.push_str(field);
        };
        if self.is_shortened {
            mark(r#""shortened":true"#);
        }
        if lost_lines > 0 {
            mark(&format!(r#""lost_lines":{lost_lines}"#));
        }
        line.insert(0, '{');
        line.push_str("}\n");
        line
    }

    fn value(mut self, name: &str, value: &Value) -> AuditLine {
        let value = value.to_string();
        if let Some(room) = self.room(name) {
            if value.len() <= room {
                self.add(name, &value);
            } else {
                self.is_shortened = true;
            }
        }
        self
    }

    /// Bytes left for the value of a field of this name, in JSON. `None` if it must not or cannot be added.
    fn room(&mut self, name: &str) -> Option<usize> {
        if RESERVED_FIELDS.iter().any(|field| field.name == name)
            || self.names.iter().any(|known| known == name)
        {
            return None;
        }
        let left = FIELDS_BYTES_MAX - self.fields.len();
        // The name, its colon, and a comma before it; a name as long as all the room is not even quoted.
        let room = quoted_within(name, left)
            .filter(|(_, is_whole)| *is_whole)
            .and_then(|(quoted, _)| left.checked_sub(quoted.len() + 2));
        self.is_shortened |= room.is_none();
        room
    }

    fn add(&mut self, name: &str, json: &str) {
        if !self.fields.is_empty() {
            self.fields.push(',');
        }
        self.fields.push_str(&Value::from(name).to_string());
        self.fields.push(':');
        self.fields.push_str(json);
        self.names.push(name.to_owned());
    }
}

impl std::fmt::Debug for AuditLine {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditLine")
            .field("names", &self.names)
            .field("is_shortened", &self.is_shortened)
            .finish_non_exhaustive()
    }
}

/// A text as a JSON string of at most `room` bytes, and whether it is whole; `None` if not even a cut one fits.
fn quoted_within(text: &str, room: usize) -> Option<(String, bool)> {
    let inside = room.checked_sub(2)?;
    let mut length = 0;
    // Where to cut, if it turns out to be too long.
    let mut cut = None;
    for (at, character) in text.char_indices() {
        if length + ELLIPSIS.len() <= inside {
            cut = Some(at);
        }
        length += escaped_length(character);
        if length > inside {
            let start = text.get(..cut?).unwrap_or_default();
            return Some((Value::from(format!("{start}{ELLIPSIS}")).to_string(), false));
        }
    }
    Some((Value::from(text).to_string(), true))
}

/// Bytes of a character inside a JSON string, as `serde_json` writes it.
fn escaped_length(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{AuditLine, LINE_BYTES_MAX, quoted_within};

    fn parsed(line: &AuditLine) -> Value {
        serde_json::from_str(&line.to_json()).unwrap()
    }

    #[test]
    fn fields_stay_in_order_and_line_breaks_stay_inside() {
        let line =
            AuditLine::new().text("b", "one\ntwo\r\u{0}\"\\\u{2028}").integer("a", i64::MIN).flag("c", false);
        let json = line.to_json();
        assert_eq!(
            json,
            "{\"b\":\"one\\ntwo\\r\\u0000\\\"\\\\\u{2028}\",\"a\":-9223372036854775808,\"c\":false}"
        );
        assert_eq!(parsed(&line)["b"], "one\ntwo\r\u{0}\"\\\u{2028}");
        assert_eq!(AuditLine::new().to_json(), "{}");
    }

    #[test]
    fn numbers_that_json_does_not_have_become_null() {
        let line = AuditLine::new().number("a", f64::NAN).number("b", f64::INFINITY).number("c", 1.5);
        assert_eq!(line.to_json(), r#"{"a":null,"b":null,"c":1.5}"#);
    }

    #[test]
    fn the_first_field_of_a_name_stays_and_reserved_ones_are_ours() {
        let line = AuditLine::new()
            .text("event", "a")
            .text("event", "b")
            .text("lost_lines", "0")
            .flag("shortened", true);
        assert_eq!(line.clone().finish(7), "{\"event\":\"a\",\"lost_lines\":7}\n");
        assert_eq!(AuditLine::new().finish(2), "{\"lost_lines\":2}\n");
    }

    #[test]
    fn a_text_too_long_is_cut_and_what_comes_behind_it_is_left_out() {
        let line = AuditLine::new().text("a", &"ä".repeat(LINE_BYTES_MAX)).text("b", "x").integer("c", 1);
        let json = line.clone().finish(u64::MAX);
        assert!(json.len() <= LINE_BYTES_MAX && json.len() > LINE_BYTES_MAX - 80, "{}", json.len());
        let parsed: Value = serde_json::from_str(&json).unwrap();
        assert!(parsed["a"].as_str().unwrap().ends_with("ä…"));
        assert_eq!(parsed["shortened"], true);
        assert_eq!(parsed["lost_lines"], u64::MAX);
        assert_eq!(parsed.as_object().unwrap().len(), 3);
    }

    #[test]
    fn a_name_too_long_is_left_out_and_told() {
        let line = AuditLine::new().text(&"n".repeat(LINE_BYTES_MAX), "x").flag("a", true);
        assert_eq!(line.to_json(), r#"{"a":true,"shortened":true}"#);
    }

    #[test]
    fn a_debug_text_has_no_values() {
        let debug = format!("{:?}", AuditLine::new().text("token", "opensesame"));
        assert!(debug.contains("token") && !debug.contains("opensesame"), "{debug}");
    }

    proptest! {
        #[test]
        fn a_quoted_text_fits_and_is_whole_exactly_when_it_could_be(text in ".*|[\\x00-\\x1f\"\\\\]*", room in 0_usize..60) {
            let whole = Value::from(text.as_str()).to_string();
            match quoted_within(&text, room) {
                Some((quoted, is_whole)) => {
                    prop_assert!(quoted.len() <= room);
                    prop_assert_eq!(is_whole, whole.len() <= room);
                    let back: String = serde_json::from_str(&quoted).unwrap();
                    match back.strip_suffix('…') {
                        Some(start) if !is_whole => prop_assert!(text.starts_with(start)),
                        _ => prop_assert_eq!(&back, &text),
                    }
                }
                None => prop_assert!(whole.len() > room),
            }
        }

        #[test]
        fn any_line_is_one_json_object_within_its_bounds(
            fields in prop::collection::vec((".{0,20}|[\\x00-\\x1f]{0,9}", ".{0,99}", 0_usize..4000), 0..20),
            lost in any::<u64>(),
        ) {
            let mut line = AuditLine::new();
            for (name, text, times) in &fields {
                line = line.text(name, &text.repeat(*times));
            }
            let json = line.finish(lost);
            prop_assert!(json.len() <= LINE_BYTES_MAX);
            prop_assert_eq!(json.find('\n'), Some(json.len() - 1));
            let value: Value = serde_json::from_str(&json).unwrap();
            prop_assert!(value.is_object());
        }
    }
}
