//! Reading what the kernel writes: total, for any bytes. What is not understood is left out.

/// Words between blanks and newlines that are text.
pub(crate) fn words(content: &[u8]) -> impl Iterator<Item = &str> {
    content
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}

/// Lines that are text, without empty ones.
pub(crate) fn lines(content: &[u8]) -> impl Iterator<Item = &str> {
    content
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

/// The single number of a file; `max` and what v1 writes for "no limit" stay what they are.
pub(crate) fn number(content: &[u8]) -> Option<u64> {
    words(content).next()?.parse().ok()
}

/// `key number` on each line, as in `memory.stat` and `memory.events`.
pub(crate) fn pairs(content: &[u8]) -> impl Iterator<Item = (&str, u64)> {
    lines(content).filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, value.trim().parse().ok()?))
    })
}

/// The value of one key of a file of `key number` lines.
pub(crate) fn value_of(content: &[u8], wanted: &str) -> Option<u64> {
    pairs(content).find(|(key, _)| *key == wanted).map(|(_, value)| value)
}

/// `key=number` fields of a line.
pub(crate) fn fields<'a>(parts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = (&'a str, u64)> {
    parts.filter_map(|field| {
        let (key, value) = field.split_once('=')?;
        Some((key, value.parse().ok()?))
    })
}
