//! Names of the schema, and which of them a misspelt one may have meant.

use apportion_isolation::RlimitKind;

use crate::schema::SchemaTable;

/// Every key of the schema with dots, as in `allocator.seed`. Names of the user's own choosing are not among them.
pub fn schema_keys() -> Vec<String> {
    let fixed = ["allocator", "allocator.seed", "allocator.explain_offers", "allocator.order"];
    let more = ["drill", "drill.panic_in"];
    let mut keys: Vec<String> = fixed.map(str::to_owned).into();
    for table in ["hook", "isolator", "lending", "eviction"] {
        keys.push(table.to_owned());
        below(table, &mut keys);
    }
    for table in ["isolator.rlimits", "isolator.rules.rlimits"] {
        keys.extend(RlimitKind::all().map(|kind| format!("{table}.{}", kind.name())));
    }
    keys.extend(more.map(str::to_owned));
    keys
}

/// Tables between whose path and keys stands a name of the user's own choosing.
const OF_NAMES: [&str; 3] = ["hook.rules.environment.append", "isolator.limits.io", "lending.limits"];

/// Adds the keys below a table of the schema, each with those below it.
fn below(path: &str, keys: &mut Vec<String>) {
    for row in SchemaTable::at(path).iter().flat_map(|table| table.keys) {
        let path = format!("{path}.{}", row.key);
        keys.push(path.clone());
        if !OF_NAMES.contains(&&*path) {
            below(&path, keys);
        }
    }
}

/// Likeness from which a name is worth suggesting: `strsim`'s Jaro-Winkler, 0 to 1.
const LIKENESS_MIN: f64 = 0.8;

/// Longest path that is compared, in bytes: comparing costs the product of both lengths, and no slip is that long.
const PATH_BYTES_MAX: usize = 200;

/// The candidate most like a path, by the whole of it or by its last part; the first one of equals.
pub(crate) fn nearest<'a>(path: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if path.len() > PATH_BYTES_MAX {
        return None;
    }
    let path = plain(path);
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let whole = strsim::jaro_winkler(&path, candidate);
        // Right word in the wrong table: nearly as good as a slip in the whole path.
        let last = strsim::jaro_winkler(last_part(&path), last_part(candidate)) * LAST_PART_WEIGHT;
        let likeness = whole.max(last);
        // A likely slip changes a letter or two; likeness alone also favours long common beginnings.
        let close = strsim::damerau_levenshtein(last_part(&path), last_part(candidate))
            <= last_part(&path).len().saturating_sub(1) / 2;
        if close && likeness >= LIKENESS_MIN && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How much an equal last part counts beside an equal path.
const LAST_PART_WEIGHT: f64 = 0.95;

/// Lower case with underscores: `explainOffers` and `explain-offers` are slips, too.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut after_lower = false;
    for c in path.chars() {
        if c.is_uppercase() && after_lower {
            plain.push('_');
        }
        after_lower = c.is_lowercase();
        match c {
            '-' | ' ' => plain.push('_'),
            _ => plain.extend(c.to_lowercase()),
        }
    }
    plain
}

fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
