//! Text in columns.

/// Aligns rows below a header: each column as wide as its widest cell, two spaces between.
pub(crate) fn render<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&header).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = std::iter::once(&header).chain(rows);
    lines.map(|row| line(row, &widths) + "\n").collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_owned(), "lister".to_owned()], ["10".to_owned(), "x".to_owned()]];
        assert_eq!(render(["vm", "name"], &rows), "vm  name\n1   lister\n10  x\n");
    }
}
