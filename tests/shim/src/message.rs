//! Mesos messages, written and read field by field: a test that used the library's own reader and writer would not see
//! what both leave out.

use std::fmt;

/// A number of a field that no message of Mesos has.
pub const UNKNOWN_FIELD: u64 = 1000;

/// A message, or a part of one, as bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

/// Bytes that are no text are escaped.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl Message {
    /// A message without fields.
    #[must_use]
    pub fn new() -> Message {
        Message::default()
    }

    /// With a text in a field.
    #[must_use]
    pub fn text(mut self, field: u64, text: &str) -> Message {
        self.delimited(field, text.as_bytes());
        self
    }

    /// With a message in a field.
    #[must_use]
    pub fn part(mut self, field: u64, part: &Message) -> Message {
        self.delimited(field, &part.0);
        self
    }

    /// With several messages in a repeated field.
    #[must_use]
    pub fn parts(self, field: u64, parts: &[Message]) -> Message {
        parts.iter().fold(self, |message, part| message.part(field, part))
    }

    /// With a whole number in a field.
    #[must_use]
    pub fn number(mut self, field: u64, number: u64) -> Message {
        self.varint(field << 3);
        self.varint(number);
        self
    }

    /// With a double in a field.
    #[must_use]
    pub fn real(mut self, field: u64, number: f64) -> Message {
        self.varint(field << 3 | 1);
        self.0.extend(number.to_le_bytes());
        self
    }

    /// What a field of texts or messages holds, each time that it is there. The message has no other kinds of fields.
    ///
    /// # Panics
    /// When it has, or is cut off.
    #[must_use]
    pub fn contents(&self, field: u64) -> Vec<Message> {
        let mut rest = self.0.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let key = take_varint(&mut rest);
            assert_eq!(key & 7, 2, "another kind of field: {self:?}");
            let size = usize::try_from(take_varint(&mut rest)).unwrap_or(usize::MAX);
            let (content, behind) =
                rest.split_at_checked(size).unwrap_or_else(|| panic!("cut off: {self:?}"));
            if key >> 3 == field {
                found.push(Message(content.to_vec()));
            }
            rest = behind;
        }
        found
    }

    /// The items of a list, as [`list()`] makes one, in a field that is there at most once.
    ///
    /// # Panics
    /// As [`Message::contents`], and when the field is there twice.
    #[must_use]
    pub fn list_in(&self, field: u64) -> Vec<Message> {
        let found = self.contents(field);
        assert!(found.len() <= 1, "{self:?}");
        found.first().map(|list| list.contents(1)).unwrap_or_default()
    }

    fn delimited(&mut self, field: u64, content: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(content.len() as u64);
        self.0.extend(content);
    }

    fn varint(&mut self, mut number: u64) {
        loop {
            let byte = (number & 127).to_le_bytes()[0];
            number >>= 7;
            if number == 0 {
                return self.0.push(byte);
            }
            self.0.push(byte | 128);
        }
    }
}

fn take_varint(rest: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let Some((byte, behind)) = rest.split_first() else { break };
        *rest = behind;
        number |= u64::from(byte & 127) << shift;
        if *byte < 128 {
            break;
        }
    }
    number
}

/// A message of one text in field 1: ids, and the values of text attributes.
#[must_use]
pub fn id(value: &str) -> Message {
    Message::new().text(1, value)
}

/// A label.
#[must_use]
pub fn label(key: &str, value: &str) -> Message {
    Message::new().text(1, key).text(2, value)
}

/// A variable of an environment.
#[must_use]
pub fn variable(name: &str, value: &str) -> Message {
    label(name, value)
}

/// A variable as the library writes it: it says that it is no secret.
#[must_use]
pub fn plain_variable(name: &str, value: &str) -> Message {
    variable(name, value).number(3, 1)
}

/// A scalar resource; with a role it is allocated to it.
#[must_use]
pub fn scalar(name: &str, amount: f64, role: &str) -> Message {
    let resource = Message::new().text(1, name).number(2, 0).part(3, &Message::new().real(1, amount));
    if role.is_empty() { resource } else { resource.part(11, &Message::new().text(1, role)) }
}

/// A text attribute of an agent.
#[must_use]
pub fn attribute(name: &str, value: &str) -> Message {
    Message::new().text(1, name).number(2, 3).part(5, &id(value))
}

/// Labels, an environment: messages that are a list in field 1.
#[must_use]
pub fn list(parts: &[Message]) -> Message {
    Message::new().parts(1, parts)
}
