//! Pressure stall information: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.

use crate::parse::lines;

/// Part of the time in which processes waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stall {
    /// Over ten seconds, in hundredths of a percent.
    pub avg10: u32,
    /// Over a minute, in hundredths of a percent.
    pub avg60: u32,
    /// Over five minutes, in hundredths of a percent.
    pub avg300: u32,
    /// Since the group was made, in microseconds.
    pub total_us: u64,
}

/// Pressure for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pressure {
    /// At least one process waited.
    pub some: Stall,
    /// All processes waited.
    pub full: Stall,
}

/// From a `*.pressure` file; `None` if it has neither line.
pub fn pressure(content: &[u8]) -> Option<Pressure> {
    let mut found = None;
    for line in lines(content) {
        let mut parts = line.split_ascii_whitespace();
        let kind = parts.next();
        let stall = stall(parts);
        match kind {
            Some("some") => found.get_or_insert_with(Pressure::default).some = stall,
            Some("full") => found.get_or_insert_with(Pressure::default).full = stall,
            _ => {}
        }
    }
    found
}

fn stall<'a>(parts: impl Iterator<Item = &'a str>) -> Stall {
    let mut stall = Stall::default();
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key {
            "avg10" => stall.avg10 = hundredths(value).unwrap_or(0),
            "avg60" => stall.avg60 = hundredths(value).unwrap_or(0),
            "avg300" => stall.avg300 = hundredths(value).unwrap_or(0),
            "total" => stall.total_us = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    stall
}

/// `12.34` as 1234.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let part: u32 = match part.len() {
        1 => part.parse::<u32>().ok()?.checked_mul(10)?,
        _ => part.get(..2)?.parse().ok()?,
    };
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}
