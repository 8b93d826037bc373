//! Sizes, parts and durations as they are written: `64MiB`, `12.5%`, `15s`.

use std::time::Duration;

/// Units of sizes with their powers of two, largest first.
const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

/// Most bytes: what the kernel can count.
const BYTES_MAX: u64 = i64::MAX.unsigned_abs();

/// The bytes of a size: a whole number and a unit. `None` for what is no size, or beyond what the kernel can count.
///
/// Decimal units are no sizes: to Mesos, and to most people, `MB` is what everybody else calls `MiB`.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (number, power) =
        UNITS.into_iter().find_map(|(unit, power)| Some((text.strip_suffix(unit)?, power)))?;
    let number = digits(number)?;
    number.checked_mul(1 << power).filter(|bytes| *bytes <= BYTES_MAX)
}

/// Whether a text is written as a size, if beyond what the kernel can count.
pub(crate) fn is_written_as_size(text: &str) -> bool {
    let number = UNITS.into_iter().find_map(|(unit, _)| text.strip_suffix(unit));
    number.is_some_and(|number| {
        number.starts_with(|sign| matches!(sign, '1'..='9'))
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The size of these bytes, in the largest unit of which it is a whole number.
pub(crate) fn size(bytes: u64) -> String {
    let whole = |(_, power): &(&str, u32)| bytes != 0 && bytes.is_multiple_of(1 << power);
    let (unit, power) = UNITS.into_iter().find(whole).unwrap_or(("B", 0));
    format!("{}{unit}", bytes >> power)
}

/// The thousandths of a percentage with up to one decimal.
pub(crate) fn permille(text: &str) -> Option<u64> {
    let number = text.strip_suffix('%')?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = digits(tenths).filter(|_| tenths.len() == 1)?;
    digits(whole)?.checked_mul(10)?.checked_add(tenths)
}

/// The percentage of these thousandths.
pub(crate) fn percentage(permille: u64) -> String {
    match permille % 10 {
        0 => format!("{}%", permille / 10),
        tenths => format!("{}.{tenths}%", permille / 10),
    }
}

/// Bytes in a MiB, of which Mesos counts memory and disk.
pub(crate) const MIB: u64 = 1 << 20;

/// Whether amounts of a resource are written as sizes.
pub(crate) fn is_size(resource: &str) -> bool {
    matches!(resource, "mem" | "disk")
}

/// Units of durations with their milliseconds, largest first.
const SPANS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A duration: a whole number and a unit. `None` for what is none.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let of_unit = |(unit, length): (&str, u64)| digits(text.strip_suffix(unit)?)?.checked_mul(length);
    SPANS.into_iter().find_map(of_unit).map(Duration::from_millis)
}

/// A duration in the largest unit of which it is a whole number; less than a millisecond counts as nothing.
pub(crate) fn span(duration: Duration) -> String {
    let length = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let whole = |(_, unit): &(&str, u64)| length != 0 && length.is_multiple_of(*unit);
    let (name, unit) = SPANS.into_iter().find(whole).unwrap_or(("s", 1000));
    format!("{}{name}", length / unit)
}

/// A number of digits alone, without a sign or leading zeros.
pub(crate) fn digits(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units_and_are_written_as_they_are_read() {
        let sizes = [
            (1, "1B"),
            (1023, "1023B"),
            (1 << 10, "1KiB"),
            (1536, "1536B"),
            (64 << 20, "64MiB"),
            (3 << 29, "1536MiB"),
            (1 << 30, "1GiB"),
            (5 << 40, "5TiB"),
            (BYTES_MAX, "9223372036854775807B"),
        ];
        for (number, written) in sizes {
            assert_eq!((bytes(written), size(number).as_str()), (Some(number), written));
        }
        assert_eq!((bytes("0B"), size(0).as_str()), (Some(0), "0B"));
    }

    #[test]
    fn what_could_mean_two_things_or_nothing_is_no_size() {
        let bad = [
            "", "64", "MiB", "64MB", "64M", "64Mi", "64 MiB", "64mib", "1.5GiB", "-1B", "+1B", "01B", "1e3B",
        ];
        for text in bad {
            assert_eq!(bytes(text), None, "{text}");
        }
        assert_eq!(
            (bytes("9223372036854775808B"), bytes("8388608TiB"), bytes("99999999999999999999B")),
            (None, None, None)
        );
    }

    #[test]
    fn durations_have_one_unit_and_are_written_as_they_are_read() {
        for (number, written) in [
            (0, "0s"),
            (1, "1ms"),
            (1000, "1s"),
            (1500, "1500ms"),
            (60_000, "1m"),
            (90_000, "90s"),
            (86_400_000, "24h"),
        ] {
            let length = Duration::from_millis(number);
            assert_eq!((duration(written), span(length).as_str()), (Some(length), written));
        }
        let bad = [
            "",
            "5",
            "s",
            "5sec",
            "5 s",
            "1.5s",
            "-1s",
            "+1s",
            "01s",
            "1m30s",
            "5S",
            "1d",
            "99999999999999999h",
        ];
        for text in bad {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn percentages_have_one_decimal_at_most_and_are_written_as_they_are_read() {
        for (number, written) in
            [(0, "0%"), (1, "0.1%"), (10, "1%"), (125, "12.5%"), (1000, "100%"), (2500, "250%")]
        {
            assert_eq!((permille(written), percentage(number).as_str()), (Some(number), written));
        }
        for text in ["", "%", "20", "20 %", "-1%", "+1%", "12.55%", "1.%", ".5%", "5.-%", "20%%", "020%"] {
            assert_eq!(permille(text), None, "{text}");
        }
    }
}
