//! The plain form: `name(role):value;name:value`.

use super::{PrintError, TextError, accept, describe};
use crate::field::{put_bytes_field, put_varint_field};
use crate::resource::{ReservationKind, ResourceParts, facts, number, push_reservation};
use crate::value::{Range, Scalar, Value};
use crate::{role, value};

const RESOURCE: &str = "`name:value` or `name(role):value`";

pub(super) fn read(text: &str, default_role: &str) -> Result<Vec<ResourceParts>, TextError> {
    let tokens = text.split(';').filter(|token| !token.is_empty());
    tokens.filter_map(|token| read_token(token, default_role).transpose()).collect()
}

/// One resource; `None` if there is nothing of it.
fn read_token(token: &str, default_role: &str) -> Result<Option<ResourceParts>, TextError> {
    let parts: Vec<&str> = token.split(':').filter(|part| !part.is_empty()).collect();
    let [name, value] = parts[..] else {
        let problem = match parts.len() {
            0 | 1 => "there is no value behind a `:`".to_owned(),
            parts => format!("there are {parts} parts between colons"),
        };
        return Err(TextError::Token { token: token.to_owned(), problem, expected: RESOURCE });
    };
    let (name, role) = read_name(name, default_role).map_err(|problem| TextError::Token {
        token: token.to_owned(),
        problem,
        expected: RESOURCE,
    })?;
    let value = read_value(value).map_err(|(problem, expected)| TextError::Token {
        token: token.to_owned(),
        problem,
        expected,
    })?;
    let mut resource = Vec::new();
    put_bytes_field(&mut resource, number::NAME, name.as_bytes());
    put_varint_field(&mut resource, number::TYPE, value.value_type().number());
    value.put(&mut resource);
    put_bytes_field(&mut resource, number::LEGACY_ROLE, role.as_bytes());
    accept(&resource, token)
}

/// Name and role of `name` or `name(role)`.
fn read_name<'a>(text: &'a str, default_role: &'a str) -> Result<(&'a str, &'a str), String> {
    let Some((name, rest)) = text.split_once('(') else {
        return Ok((text.trim(), default_role));
    };
    let Some((role, rest)) = rest.split_once(')') else {
        let found = if name.contains(')') { "before the `(`" } else { "missing" };
        return Err(format!("the `)` behind the role is {found}"));
    };
    if name.contains(')') {
        return Err("a `)` stands before the `(`".to_owned());
    }
    if !rest.trim().is_empty() {
        return Err(format!("`{}` stands between the role and the `:`", rest.trim()));
    }
    Ok((name.trim(), role.trim()))
}

/// A value; the error is what is wrong and what was expected.
fn read_value(text: &str) -> Result<Value, (String, &'static str)> {
    const VALUE: &str = "a number, ranges such as `[1-2,5-9]`, or a set such as `{a,b}`";
    let text: String = text.chars().filter(|character| *character != ' ').collect();
    if text.is_empty() {
        return Err(("the value is empty".to_owned(), VALUE));
    }
    for (open, close) in [('[', ']'), ('{', '}')] {
        if !is_balanced(&text, open, close) {
            return Err((format!("`{open}` and `{close}` do not match in `{text}`"), VALUE));
        }
    }
    if text.starts_with('[') {
        return read_ranges(&text);
    }
    if text.starts_with('{') {
        let items = text.split(['{', '}', ',', '\n']).filter(|item| !item.is_empty());
        return Ok(Value::Set(items.map(|item| item.as_bytes().to_vec()).collect()));
    }
    if let Some(bracket) = text.chars().find(|character| "[{".contains(*character)) {
        return Err((format!("`{bracket}` stands inside the value `{text}`"), VALUE));
    }
    let Ok(number) = text.parse::<f64>() else {
        return Err((format!("`{text}` is of a bad type, text"), VALUE));
    };
    read_scalar(number).map(Value::Scalar).map_err(|problem| (format!("`{text}` is {problem}"), AMOUNT))
}

const AMOUNT: &str = "0, or a number from 0.0005 to below 9.2e15";

/// An amount that a person wrote, or what is wrong with the number.
pub(crate) fn read_scalar(number: f64) -> Result<Scalar, &'static str> {
    if !number.is_finite() {
        return Err("not a finite number");
    }
    if number.is_subnormal() {
        return Err("too close to 0 (a subnormal number)");
    }
    if number < 0.0 {
        return Err("below 0");
    }
    Scalar::from_f64(number)
        .map_err(|_| if number < 1.0 { "less than half a thousandth" } else { "too large" })
}

fn is_balanced(text: &str, open: char, close: char) -> bool {
    let mut depth = 0_usize;
    text.chars().all(|character| {
        if character == open {
            depth += 1;
        } else if character == close {
            let Some(outer) = depth.checked_sub(1) else { return false };
            depth = outer;
        }
        true
    }) && depth == 0
}

fn read_ranges(text: &str) -> Result<Value, (String, &'static str)> {
    const RANGES: &str = "ranges of whole numbers such as `[1-2,5-9]`, none beginning after its end";
    let numbers = text.split(['[', ']', '-', ',', '\n']).filter(|number| !number.is_empty());
    let numbers: Vec<u64> = numbers
        .map(|number| {
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            let parsed = number.parse().ok().filter(|_| digits);
            parsed.ok_or_else(|| (format!("`{number}` is no whole number of 64 bits"), RANGES))
        })
        .collect::<Result<_, _>>()?;
    let mut ranges = Vec::with_capacity(numbers.len() / 2);
    for pair in numbers.chunks(2) {
        match *pair {
            [begin, end] if begin <= end => ranges.push(Range { begin, end }),
            [begin, end] => return Err((format!("`{begin}-{end}` ends before it begins"), RANGES)),
            _ => return Err((format!("a bound is missing in `{text}`"), RANGES)),
        }
    }
    let mut value = Value::Ranges(ranges);
    value.normalise();
    Ok(value)
}

/// One resource in the plain form.
pub(super) fn write(resource: &ResourceParts) -> Result<String, PrintError> {
    let facts = facts(&resource.identity)?;
    let shown = || describe(std::slice::from_ref(resource)).unwrap_or_default();
    let property = if facts.reservations.len() > 1 {
        Some("has more than one reservation")
    } else if facts.reservations.iter().any(|entry| entry.kind == ReservationKind::Dynamic) {
        Some("is dynamically reserved")
    } else if facts.disk.is_some() {
        Some("says what disk it is on")
    } else if facts.provider_id.is_some() {
        Some("is of a resource provider")
    } else if facts.revocable {
        Some("is revocable")
    } else if facts.shared {
        Some("is shared")
    } else if resource.allocation_role.is_some() {
        Some("is allocated")
    } else {
        None
    };
    if let Some(property) = property {
        return Err(PrintError::NotPlain { resource: shown(), property });
    }
    let text = |bytes| {
        let characters = || PrintError::Characters { place: shown(), text: crate::error::shown(bytes) };
        std::str::from_utf8(bytes).map_err(|_| characters())
    };
    let mut value = resource.value.clone();
    value.normalise();
    let mut token = text(facts.name)?.to_owned();
    if let Some(reservation) = facts.reservations.first() {
        token.push_str(&format!("({})", text(reservation.role)?));
    }
    token.push_str(&format!(":{value}"));
    if value.is_empty() {
        return Err(PrintError::NotPlain { resource: shown(), property: "amounts to nothing" });
    }
    // What has a meaning where depends on what stands around it; reading shows whether it was understood.
    let expected =
        plain_identity(facts.name, facts.value_type, facts.reservations.first().map(|entry| entry.role))?;
    let read = if token.contains(';') { None } else { read_token(&token, "*").ok().flatten() };
    match read {
        Some(read) if read.value == value && read.identity == expected => {}
        _ => return Err(PrintError::Characters { place: shown(), text: token }),
    }
    if resource.identity != expected {
        let property = "has a principal, labels, or fields unknown here";
        return Err(PrintError::NotPlain { resource: shown(), property });
    }
    Ok(token)
}

/// The identity that the plain form of a resource stands for.
fn plain_identity(
    name: &[u8],
    value_type: value::ValueType,
    reserved: Option<&[u8]>,
) -> Result<Vec<u8>, PrintError> {
    let mut identity = Vec::new();
    put_bytes_field(&mut identity, number::NAME, name);
    put_varint_field(&mut identity, number::TYPE, value_type.number());
    let Some(reserved) = reserved.filter(|reserved| *reserved != role::ANY) else {
        return Ok(identity);
    };
    let mut reservation = Vec::new();
    put_bytes_field(&mut reservation, 3, reserved);
    put_varint_field(&mut reservation, 4, 1);
    Ok(push_reservation(&identity, &reservation)?)
}
