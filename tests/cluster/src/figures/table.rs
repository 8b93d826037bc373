//! Tables of text: names to the left, figures to the right.

use std::fmt;

/// A title, a line of heads and the lines below them.
#[derive(Debug)]
pub struct Table {
    title: String,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// A table of that title, with these heads and no lines.
    #[must_use]
    pub fn new(title: String, heads: &[&str]) -> Table {
        Table { title, lines: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    /// Adds a line of that name.
    pub fn line(&mut self, name: &str, figures: impl IntoIterator<Item = String>) {
        self.lines.push(std::iter::once(name.to_owned()).chain(figures).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.title)?;
        for line in &self.lines {
            write!(f, "\n ")?;
            for (column, cell) in line.iter().enumerate() {
                let width = self.width(column);
                match column {
                    0 => write!(f, " {cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
        }
        Ok(())
    }
}
