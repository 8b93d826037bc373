//! From JSON to a serialised Mesos message, strictly: what is misspelt, missing or of another type is a mistake.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::encoding;
use serde_json::{Map, Value};

use super::document::{self, Found, quoted};
use super::resources;
use super::schema::{Choices, Kind, Member, Message, Presence};

/// Members that need not be there, as they are filled from elsewhere: message and member.
const FILLED: [(&str, &str); 1] = [("TaskInfo", "slave_id")];

/// The serialised message. Where something is wrong it is noted, and what comes out is of no use.
pub(super) fn message(value: &Value, message: &Message, path: &str, found: &mut Found) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Value::Object(object) = value else {
        not_an_object(value, message, path, found);
        return bytes;
    };
    for name in object.keys() {
        if member_of(message, name).is_none() {
            unknown(name, message, path, found);
        }
    }
    for member in message.members {
        let Some((name, value)) = value_of(object, member, message, path, found) else { continue };
        let path = join(path, name);
        match (value, member.presence) {
            (Value::Array(elements), Presence::Repeated) if !matches!(member.kind, Kind::Resource) => {
                for (position, element) in elements.iter().enumerate() {
                    occurrence(element, member, &format!("{path}[{position}]"), found, &mut bytes);
                }
            }
            (value, Presence::Repeated) if !matches!(member.kind, Kind::Resource) => {
                found.unexpected(&path, value, "an array");
            }
            (value, _) => occurrence(value, member, &path, found, &mut bytes),
        }
    }
    bytes
}

/// The member of this name; an agent is `slave` in older messages.
fn member_of(message: &Message, name: &str) -> Option<&'static Member> {
    let name = if name == "agent_id" { "slave_id" } else { name };
    message.members.iter().find(|member| member.name == name)
}

/// What stands there for a member, and under which name. A required one that is missing is noted.
fn value_of<'v>(
    object: &'v Map<String, Value>,
    member: &Member,
    message: &Message,
    path: &str,
    found: &mut Found,
) -> Option<(&'v str, &'v Value)> {
    // Mesos, too, takes null for a member that is not there.
    let named = |name: &str| {
        let (name, value) = object.get_key_value(name)?;
        (!value.is_null()).then_some((name.as_str(), value))
    };
    let newer = if member.name == "slave_id" { named("agent_id") } else { None };
    match (named(member.name), newer) {
        (Some(_), Some(_)) => {
            found.add(&join(path, "agent_id"), "`slave_id` and `agent_id`", "one of the two");
            None
        }
        (Some(value), None) | (None, Some(value)) => Some(value),
        (None, None) => {
            if member.presence == Presence::Required && !FILLED.contains(&(message.name, member.name)) {
                let expected = format!("{}: {} requires it", expected(member.kind), message.name);
                found.add(&join(path, member.name), "nothing", expected);
            }
            None
        }
    }
}

fn unknown(name: &str, message: &Message, path: &str, found: &mut Found) {
    let known = || message.members.iter().map(|member| member.name);
    let expected = match known().map(|name| format!("`{name}`")).collect::<Vec<_>>() {
        names if names.is_empty() => format!("{{}}: {} has no members", message.name),
        names => format!("a member of {}: {}", message.name, names.join(", ")),
    };
    let hint = document::meant(name, known());
    found.hinted(&join(path, name), format!("the unknown key {}", quoted(name)), expected, hint);
}

fn not_an_object(value: &Value, message: &Message, path: &str, found: &mut Found) {
    let wrapped = message.members.len() == 1 || message.name == "ContainerID";
    let member = message.members.first().filter(|member| wrapped && member.name == "value");
    let hint = member.filter(|_| value.is_string()).map(|_| format!("write {{\"value\": {value}}}"));
    let expected = format!("an object, {}", message.name);
    found.hinted(path, document::described(value), expected, hint);
}

/// Appends one occurrence of a member.
fn occurrence(value: &Value, member: &Member, path: &str, found: &mut Found, bytes: &mut Vec<u8>) {
    let number = member.number;
    match member.kind {
        Kind::Choice(choices) => match value.as_str().and_then(|name| chosen(name, choices)) {
            Some(choice) => encoding::int32::encode(number, &choice, bytes),
            None => {
                let names = choices.iter().map(|(name, _)| *name);
                let hint = value.as_str().and_then(|name| document::meant(name, names));
                found.hinted(path, document::described(value), expected(member.kind), hint);
            }
        },
        Kind::Nested(nested) => {
            encoding::bytes::encode(number, &message(value, nested, path, found), bytes);
        }
        Kind::Map(kind) => match value.as_object() {
            Some(object) => {
                for (key, value) in object {
                    entry(number, key, value, kind, &join(path, key), found, bytes);
                }
            }
            None => found.unexpected(path, value, expected(member.kind)),
        },
        Kind::Resource => {
            for resource in resources::read(value, path, found) {
                encoding::bytes::encode(number, &resource.to_bytes(), bytes);
            }
        }
        simple => {
            if put(value, simple, number, bytes).is_none() {
                found.unexpected(path, value, expected(simple));
            }
        }
    }
}

/// The number of a name of an enumeration.
fn chosen(name: &str, choices: Choices) -> Option<i32> {
    choices.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// Appends a text, number or flag; `None` if the value is none of that kind.
///
/// As Mesos does, a number or flag may stand between quotes, and a fraction may be `"Infinity"`.
fn put(value: &Value, kind: Kind, number: u32, bytes: &mut Vec<u8>) -> Option<()> {
    let unquoted = match (value, kind) {
        (Value::String(_), Kind::Text | Kind::Bytes) => None,
        (Value::String(text), Kind::Double) if text == "Infinity" => {
            encoding::double::encode(number, &f64::INFINITY, bytes);
            return Some(());
        }
        (Value::String(text), _) => serde_json::from_str::<Value>(text).ok(),
        _ => None,
    };
    let value = unquoted.as_ref().unwrap_or(value);
    match kind {
        Kind::Text => encoding::bytes::encode(number, &value.as_str()?.as_bytes().to_vec(), bytes),
        Kind::Bytes => encoding::bytes::encode(number, &BASE64.decode(value.as_str()?).ok()?, bytes),
        Kind::Flag => encoding::bool::encode(number, &value.as_bool()?, bytes),
        Kind::Double => encoding::double::encode(number, &value.as_f64()?, bytes),
        Kind::Int32 => encoding::int32::encode(number, &i32::try_from(value.as_i64()?).ok()?, bytes),
        Kind::Int64 => encoding::int64::encode(number, &value.as_i64()?, bytes),
        Kind::Uint32 => encoding::uint32::encode(number, &u32::try_from(value.as_u64()?).ok()?, bytes),
        Kind::Uint64 => encoding::uint64::encode(number, &value.as_u64()?, bytes),
        Kind::Choice(_) | Kind::Nested(_) | Kind::Map(_) | Kind::Resource => return None,
    }
    Some(())
}

/// Appends an entry of a map: on the wire a message of key and value.
fn entry(
    number: u32,
    key: &str,
    value: &Value,
    kind: &Kind,
    path: &str,
    found: &mut Found,
    bytes: &mut Vec<u8>,
) {
    let mut both = Vec::new();
    encoding::bytes::encode(1, &key.as_bytes().to_vec(), &mut both);
    let value_member = Member { name: "value", number: 2, presence: Presence::Required, kind: *kind };
    occurrence(value, &value_member, path, found, &mut both);
    encoding::bytes::encode(number, &both, bytes);
}

/// What has to stand there.
fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "a string".to_owned(),
        Kind::Bytes => "a string in base64".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Double => "a number".to_owned(),
        Kind::Int32 => "a whole number of 32 bits".to_owned(),
        Kind::Int64 => "a whole number of 64 bits".to_owned(),
        Kind::Uint32 => "a whole number from 0 to 4294967295".to_owned(),
        Kind::Uint64 => "a whole number from 0 to 18446744073709551615".to_owned(),
        Kind::Choice(choices) => {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Nested(nested) => format!("an object, {}", nested.name),
        Kind::Map(kind) => format!("an object, each value {}", expected(*kind)),
        Kind::Resource => resources::EXPECTED.to_owned(),
    }
}

/// The path of a member.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
