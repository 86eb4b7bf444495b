//! Tables: left-aligned columns, two spaces between, fitted to the terminal (client §8.3, W35, W38).

use super::Paint;
use crate::text::{cut, one_line, width};
use serde_json::{Map, Value};

/// Columns between columns.
const GAP: usize = 2;
/// A column is not cut below this.
const MIN_COLUMN: usize = 8;
/// At most so many columns are made of a value's members.
const MAX_COLUMNS: usize = 12;

/// A table under construction.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| one_line(cell.as_ref())).collect());
    }

    /// The lines. `limit` is the terminal's width; without it nothing is cut.
    pub(crate) fn render(&self, limit: Option<usize>, paint: Paint) -> String {
        let widths = self.widths(limit);
        let mut out = String::new();
        for (i, row) in std::iter::once(&self.head).chain(&self.rows).enumerate() {
            let mut line = String::new();
            for (column, &room) in widths.iter().enumerate() {
                let cell = cut(row.get(column).map_or("", String::as_str), room);
                let used = width(&cell);
                line.push_str(&cell);
                if column + 1 < widths.len() {
                    line.extend(std::iter::repeat_n(' ', room.saturating_sub(used) + GAP));
                }
            }
            let line = line.trim_end();
            out.push_str(&if i == 0 { paint.bold(line) } else { line.into() });
            out.push('\n');
        }
        out
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|cell| width(cell)).collect();
        for row in &self.rows {
            for (room, cell) in widths.iter_mut().zip(row) {
                *room = (*room).max(width(cell));
            }
        }
        let Some(limit) = limit else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        // Take from the widest column until everything fits or nothing can give.
        loop {
            let total: usize = widths.iter().sum::<usize>() + gaps;
            let Some(excess) = total.checked_sub(limit).filter(|excess| *excess > 0) else { return widths };
            let widest = widths.iter().copied().max().unwrap_or(0);
            if widest <= MIN_COLUMN {
                return widths;
            }
            let next = widths.iter().copied().filter(|w| *w < widest).max().unwrap_or(MIN_COLUMN).max(MIN_COLUMN);
            let many = widths.iter().filter(|w| **w == widest).count();
            let step = excess.div_ceil(many).min(widest - next).max(1);
            for room in widths.iter_mut().filter(|room| **room == widest) {
                *room -= step;
            }
        }
    }
}

/// A table of any JSON value: rows for an array of objects, key and value for an object; `None` for anything else.
/// `preferred` are the columns to show when the value has them.
pub(crate) fn of_value(value: &Value, preferred: &[String]) -> Option<Table> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let rows: Vec<&Map<String, Value>> = items.iter().map(Value::as_object).collect::<Option<_>>()?;
            let mut columns: Vec<&str> = preferred
                .iter()
                .map(String::as_str)
                .filter(|c| rows.iter().any(|row| row.contains_key(*c)))
                .collect();
            if columns.is_empty() {
                for row in &rows {
                    for key in row.keys() {
                        if columns.len() < MAX_COLUMNS && !columns.contains(&key.as_str()) {
                            columns.push(key);
                        }
                    }
                }
            }
            if columns.is_empty() {
                return None;
            }
            let mut table = Table::new(columns.iter().map(|column| one_line(column).to_uppercase()));
            for row in rows {
                table.row(columns.iter().map(|column| row.get(*column).map_or_else(String::new, cell)));
            }
            Some(table)
        }
        Value::Object(map) if !map.is_empty() => {
            let mut table = Table::new(["KEY", "VALUE"]);
            let is_preferred = |key: &str| preferred.iter().any(|column| column == key);
            let shows_all = !map.keys().any(|key| is_preferred(key));
            for (key, value) in map.iter().filter(|(key, _)| shows_all || is_preferred(key)) {
                table.row([key.as_str(), &cell(value)]);
            }
            Some(table)
        }
        _ => None,
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Table {
        let mut table = Table::new(["SERVICE", "GROUP", "COMMAND", "METHOD", "SUMMARY"]);
        table.row(["shelf", "books", "list-books", "GET", "List the books of all shelves, newest first"]);
        table.row(["shelf", "本棚", "open-loan", "POST", "Lend\na book"]);
        table.row(["shelf", "loans", "ping", "GET", ""]);
        table
    }

    #[test]
    fn columns_are_aligned_by_what_the_terminal_shows() {
        insta::assert_snapshot!(catalog().render(None, Paint::default()));
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column() {
        let text = catalog().render(Some(60), Paint::default());
        assert!(text.lines().all(|line| width(line) <= 60), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn arrays_of_objects_and_objects_become_tables_and_nothing_else_does() {
        let rows = serde_json::json!([{"id": 1, "title": "A"}, {"id": 2, "tags": ["x"], "note": null}]);
        insta::assert_snapshot!(of_value(&rows, &[]).unwrap().render(None, Paint::default()));
        let preferred = of_value(&rows, &["title".into()]).unwrap().render(None, Paint::default());
        assert_eq!(preferred, "TITLE\nA\n\n");
        for other in [serde_json::json!([]), serde_json::json!([1, {"a": 1}]), serde_json::json!("x")] {
            assert!(of_value(&other, &[]).is_none(), "{other}");
        }
    }
}
