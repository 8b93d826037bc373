//! Small tables in plain text.

/// Which side of its column a cell leans to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The lines of a table, first the headings. Every row has as many cells as there are columns; missing ones are empty.
pub(super) fn lines(columns: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    let headings: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&headings).chain(rows).collect();
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| all.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = columns
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, ((_, side), &width))| match side {
                Side::Left => format!("{:<width$}", cell(row, column)),
                Side::Right => format!("{:>width$}", cell(row, column)),
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let columns = [("role", Side::Left), ("weight", Side::Right)];
        let rows = [vec!["analytics".into(), "1".into()], vec!["web".into(), "2.5".into()]];
        assert_eq!(lines(&columns, &rows), ["role       weight", "analytics       1", "web           2.5"]);
    }

    #[test]
    fn width_counts_characters_and_not_bytes() {
        let columns = [("é", Side::Left), ("x", Side::Left)];
        assert_eq!(lines(&columns, &[vec!["ab".into(), "c".into()]]), ["é   x", "ab  c"]);
    }

    #[test]
    fn missing_cell_is_empty() {
        let columns = [("a", Side::Left), ("b", Side::Right)];
        assert_eq!(lines(&columns, &[vec!["1".into()]]), ["a  b", "1"]);
    }
}
