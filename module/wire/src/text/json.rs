//! The JSON form: an array of objects with the members of `mesos.Resource`.

use serde_json::{Map, Value as Json};

use super::schema::{Kind, Member, Message, RESOURCE};
use super::{PrintError, TextError, accept};
use crate::error::shown;
use crate::field::{
    Field, Pieces, last_bytes, last_double, last_varint, put_bytes_field, put_double_field, put_varint_field,
};
use crate::resource::{ResourceParts, number};
use crate::schema::Presence;

pub(super) fn read(elements: &[Json], default_role: &str) -> Result<Vec<ResourceParts>, TextError> {
    let mut resources = Vec::with_capacity(elements.len());
    for (position, element) in elements.iter().enumerate() {
        let path = format!("resources[{position}]");
        let mut bytes = read_message(element, &RESOURCE, &path)?;
        let says =
            |name: &str| element.get(name).is_some_and(|said| said.as_array().is_none_or(|a| !a.is_empty()));
        if !says("role") && !says("reservations") {
            put_bytes_field(&mut bytes, number::LEGACY_ROLE, default_role.as_bytes());
        }
        resources.extend(accept(&bytes, &path)?);
    }
    Ok(resources)
}

/// The serialised form of an object.
fn read_message(json: &Json, message: &Message, path: &str) -> Result<Vec<u8>, TextError> {
    let Json::Object(object) = json else {
        return Err(unexpected(json, "an object", path));
    };
    for name in object.keys() {
        if !message.members.iter().any(|member| member.name == name) {
            let known: Vec<String> =
                message.members.iter().map(|known| format!("`{}`", known.name)).collect();
            let known = if known.is_empty() { "no member".to_owned() } else { known.join(", ") };
            return Err(TextError::Member {
                path: path.to_owned(),
                found: format!("the member `{name}`"),
                expected: format!("{known} (the members of {})", message.name),
            });
        }
    }
    let mut bytes = Vec::new();
    // As every protobuf library writes them: what was read from one and written as JSON gets its own bytes back.
    let mut ascending: Vec<&Member> = message.members.iter().collect();
    ascending.sort_by_key(|member| member.number);
    for member in ascending {
        let path = format!("{path}.{}", member.name);
        match (object.get(member.name), member.presence) {
            (None, Presence::Required) => {
                let expected = format!("{}: it is required", member.kind.expected());
                return Err(TextError::Member { path, found: "nothing".to_owned(), expected });
            }
            (None, _) => {}
            (Some(Json::Array(elements)), Presence::Repeated) => {
                for (position, element) in elements.iter().enumerate() {
                    read_member(element, member, &format!("{path}[{position}]"), &mut bytes)?;
                }
            }
            (Some(other), Presence::Repeated) => return Err(unexpected(other, "an array", &path)),
            (Some(value), _) => read_member(value, member, &path, &mut bytes)?,
        }
    }
    Ok(bytes)
}

/// Appends one occurrence of a field.
fn read_member(json: &Json, member: &Member, path: &str, bytes: &mut Vec<u8>) -> Result<(), TextError> {
    let wrong = || unexpected(json, &member.kind.expected(), path);
    match member.kind {
        Kind::Text => {
            put_bytes_field(bytes, member.number, json.as_str().ok_or_else(wrong)?.as_bytes());
        }
        Kind::Whole => put_varint_field(bytes, member.number, json.as_u64().ok_or_else(wrong)?),
        Kind::Double => put_double_field(bytes, member.number, json.as_f64().ok_or_else(wrong)?),
        Kind::Choice(choices) => {
            let name = json.as_str().ok_or_else(wrong)?;
            let choice = choices.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?;
            put_varint_field(bytes, member.number, choice.1);
        }
        Kind::Message(message) => put_bytes_field(bytes, member.number, &read_message(json, message, path)?),
    }
    Ok(())
}

impl Kind {
    /// What has to stand there.
    fn expected(self) -> String {
        match self {
            Kind::Text => "a string".to_owned(),
            Kind::Whole => "a whole number from 0 to 18446744073709551615".to_owned(),
            Kind::Double => "a number".to_owned(),
            Kind::Choice(choices) => {
                let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                names.join(" or ")
            }
            Kind::Message(_) => "an object".to_owned(),
        }
    }
}

fn unexpected(found: &Json, expected: &str, path: &str) -> TextError {
    let found = match found {
        Json::Object(_) => "an object".to_owned(),
        Json::Array(_) => "an array".to_owned(),
        other => other.to_string(),
    };
    TextError::Member { path: path.to_owned(), found, expected: expected.to_owned() }
}

pub(super) fn write(resources: &[ResourceParts]) -> Result<String, PrintError> {
    let mut elements = Vec::with_capacity(resources.len());
    for (position, resource) in resources.iter().enumerate() {
        let bytes = resource.to_bytes();
        elements.push(write_message(&Pieces::whole(&bytes), &RESOURCE, &format!("resources[{position}]"))?);
    }
    Ok(Json::Array(elements).to_string())
}

fn write_message(pieces: &Pieces<'_>, message: &Message, path: &str) -> Result<Json, PrintError> {
    let fields = pieces.fields(message.name)?;
    let known = |field: &Field<'_>| message.members.iter().any(|member| member.number == field.number);
    if let Some(unknown) = fields.iter().find(|field| !known(field)) {
        return Err(PrintError::UnknownField { path: path.to_owned(), field: unknown.number });
    }
    let mut object = Map::new();
    for member in message.members {
        let path = format!("{path}.{}", member.name);
        let occurrences: Vec<Field<'_>> =
            fields.iter().filter(|field| field.number == member.number).copied().collect();
        if occurrences.is_empty() {
            continue;
        }
        let json = if member.presence == Presence::Repeated {
            let each = occurrences.chunks(1).map(|one| write_member(one, member, &path));
            Json::Array(each.collect::<Result<_, _>>()?)
        } else {
            write_member(&occurrences, member, &path)?
        };
        object.insert(member.name.to_owned(), json);
    }
    Ok(Json::Object(object))
}

/// All occurrences of a field that is there once: messages are merged, of everything else the last counts.
fn write_member(occurrences: &[Field<'_>], member: &Member, path: &str) -> Result<Json, PrintError> {
    let characters = |text: &[u8]| PrintError::Characters { place: path.to_owned(), text: shown(text) };
    Ok(match member.kind {
        Kind::Text => {
            let text = last_bytes(occurrences, member.number)?.unwrap_or_default();
            Json::from(std::str::from_utf8(text).map_err(|_| characters(text))?)
        }
        Kind::Whole => Json::from(last_varint(occurrences, member.number)?.unwrap_or_default()),
        Kind::Double => Json::from(last_double(occurrences, member.number)?.unwrap_or_default()),
        Kind::Choice(choices) => {
            let number = last_varint(occurrences, member.number)?.unwrap_or_default();
            let choice = choices.iter().find(|(_, known)| *known == number);
            Json::from(choice.ok_or_else(|| characters(number.to_string().as_bytes()))?.0)
        }
        Kind::Message(message) => {
            let pieces = Pieces::of(occurrences, member.number)?.unwrap_or_default();
            write_message(&pieces, message, path)?
        }
    })
}
