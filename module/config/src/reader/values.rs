//! Values of many kinds: sizes, parts, durations, numbers, paths, digits in other bases.

use std::ops::RangeInclusive;
use std::time::Duration;

use apportion_cgroups::Bound;
use apportion_policy::Amount;

use crate::problem::Kind;
use crate::quantities::{bytes, digits, duration, is_written_as_size, permille, span};
use crate::raw::Value;
use crate::reader::Complaint;
use crate::reader::limits::{FOR_UNLIMITED, is_word_for_unlimited};

/// Longest path that the kernel takes, in bytes.
const PATH_BYTES_MAX: usize = 4095;

const SIZE: &str = "a size: a whole number and B, KiB, MiB, GiB or TiB, such as \"64MiB\"";

/// A text of a file or a parameter.
fn text_of<'v>(value: &'v Value, expected: &str) -> Result<&'v str, Complaint> {
    match value {
        Value::Text(text) | Value::Parameter(text) => Ok(text),
        other => Err(Complaint::wrong_type(other, expected)),
    }
}

/// Bytes, from `least` on.
pub(super) fn size(value: &Value, least: u64) -> Result<u64, Complaint> {
    let text = text_of(value, SIZE).map_err(|complaint| match value {
        Value::Integer(..) | Value::Fraction(_) => complaint.hint("write it with its unit, in quotes"),
        _ => complaint,
    })?;
    let wrong = |expected: String| Complaint::new(Kind::WrongValue, value.describe(), expected);
    let Some(found) = bytes(text) else {
        if is_written_as_size(text) {
            return Err(wrong("less than 8 EiB, more than which the kernel cannot count".to_owned()));
        }
        let complaint = wrong(SIZE.to_owned());
        return Err(match meant_unit(text) {
            Some(binary) => complaint.hint(format!("write {binary}, which nobody takes for a million")),
            None if digits(text).is_some() => complaint.hint("a number alone could be bytes or MiB"),
            None => complaint,
        });
    };
    if found < least {
        return Err(wrong(format!("at least {}", crate::quantities::size(least))));
    }
    Ok(found)
}

/// The unit that somebody meant who wrote another one.
fn meant_unit(text: &str) -> Option<&'static str> {
    let unit = text.trim_start_matches(|sign: char| sign.is_ascii_digit());
    if ["KiB", "MiB", "GiB", "TiB"].contains(&unit) {
        return None;
    }
    match unit.trim_start().to_ascii_lowercase().as_str() {
        "k" | "kb" | "ki" | "kib" => Some("KiB"),
        "m" | "mb" | "mi" | "mib" => Some("MiB"),
        "g" | "gb" | "gi" | "gib" => Some("GiB"),
        "t" | "tb" | "ti" | "tib" => Some("TiB"),
        _ => None,
    }
}

/// Bytes above zero, or no limit.
pub(super) fn size_bound(value: &Value) -> Result<Bound, Complaint> {
    match value {
        Value::Text(text) | Value::Parameter(text) if text == "unlimited" => Ok(Bound::Unlimited),
        _ => size(value, 1).map(Bound::At).map_err(|complaint| complaint.or_unlimited(value)),
    }
}

/// A number from 1 to `most`, or no limit.
pub(super) fn count_bound(value: &Value, most: u64) -> Result<Bound, Complaint> {
    match value {
        Value::Text(text) | Value::Parameter(text) if text == "unlimited" => Ok(Bound::Unlimited),
        _ => whole(value, 1..=most).map(Bound::At).map_err(|complaint| complaint.or_unlimited(value)),
    }
}

impl Complaint {
    /// The same where there could have been no limit as well.
    fn or_unlimited(mut self, value: &Value) -> Complaint {
        self.expected.push_str(", or \"unlimited\"");
        match value {
            Value::Text(text) | Value::Parameter(text) if is_word_for_unlimited(text) => {
                self.hint(FOR_UNLIMITED)
            }
            Value::Integer(digits, _) if is_word_for_unlimited(digits) => self.hint(FOR_UNLIMITED),
            _ => self,
        }
    }
}

/// A whole number in a range.
pub(super) fn whole(value: &Value, range: RangeInclusive<u64>) -> Result<u64, Complaint> {
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    let wrong = || Complaint::new(Kind::WrongValue, value.describe(), expected.clone());
    let number = match value {
        Value::Integer(digits, base) => u64::from_str_radix(digits.trim_start_matches('+'), *base).ok(),
        Value::Parameter(text) => digits(text),
        Value::Text(text) if digits(text).is_some() => {
            return Err(Complaint::wrong_type(value, &expected).hint("write it without quotes"));
        }
        other => return Err(Complaint::wrong_type(other, &expected)),
    };
    number.filter(|number| range.contains(number)).ok_or_else(wrong)
}

/// A whole number of either sign, as far away from zero as `most`.
pub(super) fn signed(value: &Value, most: i16) -> Result<i16, Complaint> {
    let expected = format!("a whole number from -{most} to {most}");
    let number = match value {
        Value::Integer(digits, base) => i16::from_str_radix(digits.trim_start_matches('+'), *base).ok(),
        Value::Text(text) if text.parse::<i16>().is_ok() => {
            return Err(Complaint::wrong_type(value, &expected).hint("write it without quotes"));
        }
        other => return Err(Complaint::wrong_type(other, &expected)),
    };
    number
        .filter(|number| (-most..=most).contains(number))
        .ok_or_else(|| Complaint::new(Kind::WrongValue, value.describe(), expected))
}

/// Thousandths in a range, or one of some words.
pub(super) fn part<T: Copy>(
    value: &Value,
    range: RangeInclusive<u64>,
    words: &[(&str, T)],
    make: fn(u64) -> T,
) -> Result<T, Complaint> {
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let (least, most) =
        (crate::quantities::percentage(*range.start()), crate::quantities::percentage(*range.end()));
    let or_words = if words.is_empty() { String::new() } else { format!(", or {}", quoted.join(" or ")) };
    let expected = format!("a percentage from \"{least}\" to \"{most}\"{or_words}");
    let text = text_of(value, &expected).map_err(|complaint| match value {
        Value::Integer(..) | Value::Fraction(_) => complaint.hint("write it in quotes, with a percent sign"),
        _ => complaint,
    })?;
    if let Some((_, word)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*word);
    }
    let found = permille(text).filter(|found| range.contains(found));
    found.map(make).ok_or_else(|| {
        let complaint = Complaint::new(Kind::WrongValue, value.describe(), expected);
        match digits(text) {
            Some(_) => complaint.hint("write it with a percent sign"),
            None => complaint,
        }
    })
}

/// A duration in a range.
pub(super) fn lasting(value: &Value, range: RangeInclusive<Duration>) -> Result<Duration, Complaint> {
    let (least, most) = (span(*range.start()), span(*range.end()));
    let expected = format!("a duration from \"{least}\" to \"{most}\": a whole number and ms, s, m or h");
    let text = text_of(value, &expected).map_err(|complaint| match value {
        Value::Integer(..) | Value::Fraction(_) => complaint.hint("write it with its unit, in quotes"),
        _ => complaint,
    })?;
    duration(text).filter(|found| range.contains(found)).ok_or_else(|| {
        let complaint = Complaint::new(Kind::WrongValue, value.describe(), expected);
        match meant_duration(text) {
            Some(meant) => complaint.hint(format!("write \"{meant}\"")),
            None if digits(text).is_some() => complaint.hint("write it with its unit"),
            None => complaint,
        }
    })
}

/// The duration that somebody meant who wrote its unit as Mesos or others do.
fn meant_duration(text: &str) -> Option<String> {
    let unit = text.trim_start_matches(|sign: char| sign.is_ascii_digit());
    let number = digits(text.strip_suffix(unit)?)?;
    let (unit, times) = match &*unit.trim().to_ascii_lowercase() {
        "ms" | "msec" | "msecs" | "millis" | "milliseconds" => ("ms", 1),
        "s" | "sec" | "secs" | "second" | "seconds" => ("s", 1),
        "m" | "min" | "mins" | "minute" | "minutes" => ("m", 1),
        "h" | "hr" | "hrs" | "hour" | "hours" => ("h", 1),
        "d" | "day" | "days" => ("h", 24),
        _ => return None,
    };
    let meant = format!("{}{unit}", number.checked_mul(times)?);
    (meant != text).then_some(meant)
}

/// A decimal number from zero with at most three decimals, of a number or of a parameter. `None` for what is none.
pub(super) fn decimal(value: &Value) -> Option<Amount> {
    let written = match value {
        Value::Integer(digits, base) => {
            i64::from_str_radix(digits.trim_start_matches('+'), *base).ok()?.to_string()
        }
        // Written out without an exponent.
        Value::Fraction(written) => written.parse::<f64>().ok()?.to_string(),
        Value::Parameter(text) => text.clone(),
        _ => return None,
    };
    Amount::parse(&written).ok()
}

/// Digits of a base as text, or as TOML's own number of that base, up to `most`.
fn based(value: &Value, base: u32, prefixes: [&str; 2], most: u32, expected: &str) -> Result<u32, Complaint> {
    let number = match value {
        Value::Text(text) | Value::Parameter(text) => {
            let found = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
            let plain = |text: &&str| !text.is_empty() && text.chars().all(|sign| sign.is_digit(base));
            found.filter(plain).and_then(|text| u32::from_str_radix(text, base).ok())
        }
        Value::Integer(digits, of) if *of == base => u32::from_str_radix(digits, base).ok(),
        Value::Integer(..) => {
            return Err(Complaint::wrong_type(value, expected).hint("write it in quotes"));
        }
        other => return Err(Complaint::wrong_type(other, expected)),
    };
    number
        .filter(|number| *number <= most)
        .ok_or_else(|| Complaint::new(Kind::WrongValue, value.describe(), expected))
}

/// Permissions in octal digits.
pub(super) fn umask(value: &Value) -> Result<u32, Complaint> {
    based(value, 8, ["0o", ""], 0o777, "octal digits up to 777, as text, such as \"027\"")
}

/// Bits in hexadecimal digits.
pub(super) fn core_filter(value: &Value) -> Result<u32, Complaint> {
    const EXPECTED: &str = "hexadecimal digits up to 0x1ff, as text, such as \"0x33\"";
    let number = based(value, 16, ["0x", "0X"], 0x1ff, EXPECTED);
    number.map_err(|complaint| match value {
        Value::Text(text) if !text.is_empty() && text.chars().all(|sign| sign.is_ascii_hexdigit()) => {
            complaint.hint(format!("write \"0x{text}\""))
        }
        _ => complaint,
    })
}

/// Whether a text is a path below `/` that names one place only.
pub(super) fn absolute_path(text: &str) -> Result<(), Complaint> {
    let wrong = |expected: &str| {
        let found = Value::Text(text.to_owned()).describe();
        Err(Complaint::new(Kind::WrongValue, found, expected))
    };
    if !text.starts_with('/') {
        return wrong("an absolute path, beginning with a slash");
    }
    if text.contains(char::is_control) {
        return wrong("a path without control characters");
    }
    if text.len() > PATH_BYTES_MAX {
        let found = format!("a path of {} bytes", text.len());
        return Err(Complaint::new(Kind::WrongValue, found, format!("at most {PATH_BYTES_MAX} bytes")));
    }
    if text == "/" {
        return wrong("a path below `/`");
    }
    if text.ends_with('/') {
        return wrong("a path without a slash at its end");
    }
    if text.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        return wrong("a path without `.`, `..` and empty parts");
    }
    Ok(())
}
