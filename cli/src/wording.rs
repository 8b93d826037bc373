//! Texts that others wrote, made fit for messages.

/// A text without control characters: nothing in it moves the cursor or breaks a line.
pub(crate) fn shown(text: &str) -> String {
    let one = |c: char| {
        if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(one).collect()
}

/// What was probably meant by a name, of those that are known.
pub(crate) fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Likeness from which a name is worth suggesting.
    const LIKENESS_MIN: f64 = 0.8;
    // A longer name is nobody's slip of the pen, and comparing takes long.
    if name.len() > 100 {
        return None;
    }
    let name = name.to_lowercase();
    let likeness = |known: &'a str| (strsim::jaro_winkler(&name, &known.to_lowercase()), known);
    let (likeness, nearest) = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= LIKENESS_MIN).then(|| format!("did you mean `{nearest}`?"))
}
