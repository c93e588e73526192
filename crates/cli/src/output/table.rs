//! Tables for people: columns as wide as their widest cell, two spaces between.

use super::Style;

/// A table that is being filled.
pub struct Table {
    rows: Vec<Vec<String>>,
    /// The column that holds a state, to be coloured.
    state: Option<usize>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        let state = headings.iter().position(|heading| *heading == "STATUS");
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()], state }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| super::shorten(&cell, 100)).collect());
    }

    /// The table as text; each line ends with a line break.
    pub fn render(&self, style: Style) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for (i, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            let cells = cells.iter().enumerate().map(|(column, cell)| match self.state {
                _ if i == 0 => style.bold(cell),
                Some(state) if state == column => style.as_state(&row[column], cell),
                _ => cell.clone(),
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }
}

/// Lines of `name: value`, the values below each other; empty values are left out, a status is coloured.
pub fn facts(pairs: &[(&str, String)], style: Style) -> String {
    let shown = |name: &str, value: &str| match name {
        "status" => style.state(value),
        _ => super::clean(value).into_owned(),
    };
    let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = pairs.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0);
    pairs
        .iter()
        .map(|(name, value)| format!("{:width$}  {}\n", format!("{name}:"), shown(name, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["STEP", "STATUS"]);
        table.row(["a".into(), "complete".into()]);
        table.row(["longer".into(), "error".into()]);
        assert_eq!(table.render(Style::new(false)), "STEP    STATUS\na       complete\nlonger  error\n");
        assert!(table.render(Style::new(true)).contains("\x1b[31merror   \x1b[0m"));
    }

    #[test]
    fn facts_without_a_value_are_left_out() {
        assert_eq!(
            facts(&[("a", "1".into()), ("bc", String::new()), ("def", "2".into())], Style::new(false)),
            "a:    1\ndef:  2\n"
        );
    }
}
