//! A table for people: columns as wide as what they hold.

/// Lays rows out under their headings.
pub fn layout(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(i, cell)| {
            let blanks = width(i).saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(blanks))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let headings: Vec<String> = headings.iter().map(|h| (*h).to_owned()).collect();
    let rule: Vec<String> = (0..headings.len()).map(|i| "-".repeat(width(i))).collect();
    let lines = [line(&headings), line(&rule)].into_iter().chain(rows.iter().map(|row| line(row)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::layout;

    #[test]
    fn columns_line_up_with_vietnamese_letters() {
        let text =
            layout(&["nút", "giây"], &[vec!["Đạ Đờn".into(), "6.5".into()], vec!["x".into(), "10".into()]]);
        assert_eq!(text, "nút     giây\n------  ----\nĐạ Đờn  6.5\nx       10");
    }
}
