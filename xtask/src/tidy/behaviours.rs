//! The table of behaviours names a test for every item, and the tests are there.
//!
//! A row of `docs/behaviours.md` is `| number | behaviour | tests |`; a test in it is `path::name` in backticks. A test
//! function called `item_NNN_…` belongs to row NNN.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Where the table is, below the root.
pub(super) const TABLE: &str = "docs/behaviours.md";

/// The numbers that have a row each.
const NUMBERS: RangeInclusive<u32> = 1..=302;

/// One row.
#[derive(Debug)]
struct Row<'a> {
    number: u32,
    /// `path::name`.
    tests: Vec<&'a str>,
}

/// A function in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    is_test: bool,
}

/// What is wrong with the table, given the text of every source as (path below the root, text); one line each.
pub(super) fn breaches(table: &str, sources: &[(String, String)]) -> Vec<String> {
    let mut functions: BTreeMap<String, bool> = BTreeMap::new();
    for (path, text) in sources {
        for Function { name, is_test } in functions_of(text) {
            *functions.entry(format!("{path}::{name}")).or_default() |= is_test;
        }
    }
    let rows: Vec<Row<'_>> = table.lines().filter_map(row).collect();
    let mut breaches = wrong_numbers(&rows);
    for row in &rows {
        breaches.extend(wrong_tests(row, &functions));
    }
    breaches.extend(untold_tests(&rows, &functions));
    breaches
}

/// A row of the table, if the line is one.
fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.strip_prefix('|')?.split('|');
    let number = cells.next()?.trim().parse().ok()?;
    let tests = cells.nth(1)?.split('`').skip(1).step_by(2).collect();
    Some(Row { number, tests })
}

/// The functions of a source, and which of them are tests that run. Those in `proptest!` carry `#[test]` like others.
fn functions_of(text: &str) -> Vec<Function<'_>> {
    let mut functions = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim_start) {
        is_test = (is_test || line.starts_with("#[test]")) && !line.starts_with("#[ignore");
        let declaration = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
        if let Some(rest) = declaration.strip_prefix("fn ") {
            let name = rest.split(|sign: char| !sign.is_alphanumeric() && sign != '_').next();
            functions.push(Function { name: name.unwrap_or_default(), is_test });
            is_test = false;
        }
    }
    functions
}

/// Every number has one row.
fn wrong_numbers(rows: &[Row<'_>]) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut seen = BTreeSet::new();
    for number in rows.iter().map(|row| row.number) {
        if !NUMBERS.contains(&number) {
            let last = NUMBERS.end();
            breaches.push(format!("{TABLE}: row {number}: the checklist ends at {last}, take the row out"));
        } else if !seen.insert(number) {
            breaches.push(format!("{TABLE}: row {number} is there twice: name all its tests in one row"));
        }
    }
    let missing = NUMBERS.filter(|number| !seen.contains(number));
    let told = missing.map(|number| {
        format!("{TABLE}: item {number} has no row: add `| {number} | behaviour | `path::name` |`")
    });
    breaches.extend(told);
    breaches
}

/// Every row names at least one test, and all it names are tests.
fn wrong_tests(row: &Row<'_>, functions: &BTreeMap<String, bool>) -> Vec<String> {
    let number = row.number;
    if row.tests.is_empty() {
        let cure = format!("write `fn item_{number:03}_…` and name it as `path::name`");
        return vec![format!("{TABLE}: row {number} names no test: {cure}")];
    }
    let named = row.tests.iter().filter_map(|test| match functions.get(*test) {
        Some(true) => None,
        Some(false) => {
            let cure = "put #[test] before it, and no #[ignore]";
            Some(format!("{TABLE}: row {number}: {test} is no test that runs: {cure}"))
        }
        None => Some(format!(
            "{TABLE}: row {number}: there is no function {test}: write it, or name the test as path::name"
        )),
    });
    named.collect()
}

/// Every test that carries the number of an item is named in the item's row.
fn untold_tests(rows: &[Row<'_>], functions: &BTreeMap<String, bool>) -> Vec<String> {
    let told: BTreeSet<(u32, &str)> =
        rows.iter().flat_map(|row| row.tests.iter().map(|test| (row.number, *test))).collect();
    let mut breaches = Vec::new();
    for path in functions.keys() {
        let Some(number) = item_number(path) else { continue };
        if !told.contains(&(number, path)) {
            breaches.push(format!("{TABLE}: row {number} does not name {path}: add it to the row"));
        }
    }
    breaches
}

/// The number of the item that a test belongs to by its name.
fn item_number(path: &str) -> Option<u32> {
    let (_, name) = path.rsplit_once("::")?;
    name.strip_prefix("item_")?.split('_').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{NUMBERS, breaches};

    /// A table and the one source it names, without fault.
    fn whole() -> (String, Vec<(String, String)>) {
        let (mut table, mut source) =
            (String::from("# Behaviours\n\n| # | what | tests |\n|---|---|---|\n"), String::new());
        for number in NUMBERS {
            table += &format!("| {number} | it works | `tests/all.rs::item_{number:03}_works` |\n");
            source += &format!("#[test]\nfn item_{number:03}_works() {{}}\n");
        }
        (table, vec![("tests/all.rs".to_string(), source)])
    }

    /// What is told when something in the table, and something in the source, is replaced.
    fn told(in_table: (&str, &str), in_source: (&str, &str)) -> Vec<String> {
        let (table, mut sources) = whole();
        let (old, new) = in_source;
        sources[0].1 = sources[0].1.replace(old, new);
        breaches(&table.replace(in_table.0, in_table.1), &sources)
    }

    const SAME: (&str, &str) = ("\u{0}", "");

    #[test]
    fn a_table_that_names_a_test_for_every_item_is_fine() {
        assert!(told(SAME, SAME).is_empty());
        let (table, mut sources) = whole();
        let inside = "proptest! {\n    #[test]\n    fn item_007_more(x in 0..9) {}\n}\n";
        sources[0].1 += inside;
        let named = "`tests/all.rs::item_007_works`<br>`tests/all.rs::item_007_more`";
        let table = table.replace("`tests/all.rs::item_007_works`", named);
        assert!(breaches(&table, &sources).is_empty(), "several tests, one of them in proptest!");
    }

    #[test]
    fn an_item_without_a_row_and_one_with_two_are_breaches() {
        let (table, sources) = whole();
        let table: String =
            table.lines().filter(|line| !line.starts_with("| 7 |")).map(|line| format!("{line}\n")).collect();
        let told = breaches(&table, &sources);
        assert_eq!(told.len(), 2, "the row, and the test that is in no row: {told:?}");
        assert!(told[0].starts_with("docs/behaviours.md: item 7 has no row: add"), "{}", told[0]);
        assert_eq!(
            breaches(&format!("{table}| 7 | a | `x::y` |\n| 9999 | b | `x::y` |\n"), &sources).len(),
            4
        );
        let (twice, sources) = whole();
        let row = "| 7 | again | `tests/all.rs::item_007_works` |\n";
        let told = breaches(&format!("{twice}{row}"), &sources);
        assert_eq!(told, ["docs/behaviours.md: row 7 is there twice: name all its tests in one row"]);
    }

    #[test]
    fn a_row_without_a_test_is_a_breach() {
        let told = told(("`tests/all.rs::item_007_works`", ""), ("item_007_works", "other"));
        assert_eq!(
            told,
            ["docs/behaviours.md: row 7 names no test: write `fn item_007_…` and name it as `path::name`"]
        );
    }

    #[test]
    fn a_named_test_that_is_not_there_or_not_a_test_is_a_breach() {
        let gone = told(SAME, ("item_007_works", "other"));
        assert_eq!(gone.len(), 1);
        assert!(gone[0].contains("row 7: there is no function tests/all.rs::item_007_works"), "{}", gone[0]);
        let plain = told(SAME, ("#[test]\nfn item_007_works", "fn item_007_works"));
        assert_eq!(
            plain,
            ["docs/behaviours.md: row 7: tests/all.rs::item_007_works is no test that runs: \
              put #[test] before it, and no #[ignore]"]
        );
        let ignored = told(SAME, ("fn item_007_works", "#[ignore]\nfn item_007_works"));
        assert_eq!(ignored, plain);
        let elsewhere = told(("tests/all.rs::item_007", "tests/none.rs::item_007"), SAME);
        assert_eq!(elsewhere.len(), 2, "no such file, and the real one is not named: {elsewhere:?}");
    }

    #[test]
    fn a_test_of_an_item_that_its_row_does_not_name_is_a_breach() {
        let told = told(SAME, ("fn item_008_works", "fn item_007_too() {}\n#[test]\nfn item_008_works"));
        assert_eq!(
            told,
            ["docs/behaviours.md: row 7 does not name tests/all.rs::item_007_too: add it to the row"]
        );
    }
}
