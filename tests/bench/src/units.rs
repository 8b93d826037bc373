//! Values as people read them.

use crate::workload::Unit;

/// Three digits that count, with the unit.
#[must_use]
pub fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds if value >= 1000.0 => format!("{} s", digits(value / 1000.0)),
        Unit::Milliseconds if value < 1.0 => format!("{} µs", digits(value * 1000.0)),
        Unit::Milliseconds => format!("{} ms", digits(value)),
        Unit::Microseconds if value >= 1000.0 => shown(value / 1000.0, Unit::Milliseconds),
        Unit::Microseconds => format!("{} µs", digits(value)),
        Unit::Bytes => format!("{} B", digits(value)),
        Unit::Megabytes if value >= 1000.0 => format!("{} GB", digits(value / 1000.0)),
        Unit::Megabytes => format!("{} MB", digits(value)),
        Unit::Exponent => format!("{value:.2}"),
    }
}

fn digits(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A whole number with its thousands apart.
#[must_use]
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_and_a_unit_of_their_size() {
        assert_eq!(shown(0.0312, Unit::Milliseconds), "31.2 µs");
        assert_eq!(shown(9.0, Unit::Milliseconds), "9.00 ms");
        assert_eq!(shown(3300.0, Unit::Milliseconds), "3.30 s");
        assert_eq!(shown(3700.0, Unit::Megabytes), "3.70 GB");
        assert_eq!(shown(1.2199, Unit::Exponent), "1.22");
        assert_eq!(whole(1), "1");
        assert_eq!(whole(50_000), "50,000");
    }
}
