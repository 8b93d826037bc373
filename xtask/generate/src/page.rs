//! Pages of documentation: text written by hand, with tables and files in the places marked for them.
//!
//! A mark is `@{name}`; on a line of its own it stands for a table, within a line for a number. Every mark must be known
//! and everything known must be used, so that nothing is left out of a page unseen.

use std::fmt::Write as _;

use crate::Failure;

/// What goes into the places of a page, by the names of the marks.
#[derive(Debug, Default)]
pub(crate) struct Parts(Vec<(String, String)>);

impl Parts {
    /// Puts text in the place of a mark.
    pub(crate) fn add(&mut self, mark: impl Into<String>, text: impl Into<String>) {
        self.0.push((mark.into(), text.into()));
    }

    /// The page that a text with marks becomes.
    ///
    /// # Errors
    /// A mark nobody knows, a part that no mark asks for.
    pub(crate) fn into_page(self, template: &str, name: &str) -> Result<String, Failure> {
        let mut page = String::with_capacity(template.len() * 2);
        let mut used = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("@{") {
            page.push_str(before);
            let Some((mark, behind)) = after.split_once('}') else {
                return Err(Failure::new(format!("{name}: a mark @{{ without its end")));
            };
            let Some((known, text)) = self.0.iter().find(|(known, _)| known == mark) else {
                return Err(Failure::new(format!("{name}: the unknown mark @{{{mark}}}")));
            };
            used.push(known);
            page.push_str(text.trim_end_matches('\n'));
            rest = behind;
        }
        page.push_str(rest);
        let unused: Vec<&str> =
            self.0.iter().filter(|(mark, _)| !used.contains(&mark)).map(|(mark, _)| mark.as_str()).collect();
        if unused.is_empty() {
            return Ok(page);
        }
        Err(Failure::new(format!("{name}: no mark for {}", unused.join(", "))))
    }
}

/// A table of Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// Text as code.
pub(crate) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A number of bytes as people say it.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        count if count % (1024 * 1024) == 0 => format!("{} MiB", count / (1024 * 1024)),
        count if count % 1024 == 0 => format!("{} KiB", count / 1024),
        count => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Parts, bytes, table};

    #[test]
    fn a_mark_becomes_its_part_and_every_part_needs_a_mark() {
        let mut parts = Parts::default();
        parts.add("a", "1\n");
        assert_eq!(parts.into_page("x @{a} y", "page").unwrap(), "x 1 y");
        let mut parts = Parts::default();
        parts.add("a", "1");
        parts.add("b", "2");
        assert!(parts.into_page("@{a}", "page").unwrap_err().0.contains("no mark for b"));
        assert!(Parts::default().into_page("@{c}", "page").unwrap_err().0.contains("unknown mark @{c}"));
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        assert_eq!(table(["a"], [["x | y".to_owned()]]), "| a |\n|---|\n| x \\| y |\n");
        assert_eq!(
            (bytes(65536), bytes(2 << 20), bytes(100)),
            ("64 KiB".into(), "2 MiB".into(), "100 bytes".into())
        );
    }
}
