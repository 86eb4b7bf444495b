//! Tables: left-aligned columns, two spaces between, fitted to the terminal (client §8.3, W35, W38).

use super::Paint;
use crate::text::{cut, one_line, width, wrap};
use serde_json::{Map, Value};

/// Columns between columns.
const GAP: usize = 2;
/// A column is not cut below this.
const MIN_COLUMN: usize = 8;
/// Longest word that a wrapped column makes room for.
const MAX_WORD: usize = 24;
/// At most so many columns are made of a value's members.
const MAX_COLUMNS: usize = 12;

/// A table under construction.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns that are never cut.
    kept: Vec<usize>,
    /// Column whose text is broken at words.
    wrapped: Option<usize>,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self {
            head: head.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            kept: Vec::new(),
            wrapped: None,
        }
    }

    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| one_line(cell.as_ref())).collect());
    }

    /// These columns are never cut.
    pub(crate) fn keep(&mut self, names: &[&str]) {
        self.kept = (0..self.head.len()).filter(|column| names.contains(&self.head[*column].as_str())).collect();
    }

    /// The text of this column is broken at words, not cut.
    pub(crate) fn wrap(&mut self, name: &str) {
        self.wrapped = self.head.iter().position(|head| head == name);
    }

    /// Leaves out columns that no row fills. To be called before columns are named.
    pub(crate) fn drop_empty(&mut self) {
        let is_filled = |column: usize| {
            self.rows.is_empty()
                || self.rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()))
        };
        let filled: Vec<bool> = (0..self.head.len()).map(is_filled).collect();
        for row in std::iter::once(&mut self.head).chain(&mut self.rows) {
            let mut column = 0;
            row.retain(|_| {
                column += 1;
                filled[column - 1]
            });
        }
    }

    /// The lines. `limit` is the terminal's width; without it nothing is cut.
    pub(crate) fn render(&self, limit: Option<usize>, paint: Paint) -> String {
        let mut widths = self.widths(limit);
        // When what must not be cut does not fit, the last column goes below the others.
        let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let below = (!self.kept.is_empty() && limit.is_some_and(|limit| total > limit)).then(|| widths.len() - 1);
        if let Some(last) = below {
            let without = Self { head: self.head[..last].to_vec(), ..self.clone() };
            widths = without.widths(limit);
        }
        let mut out = String::new();
        for (i, row) in std::iter::once(&self.head).chain(&self.rows).enumerate() {
            let cell = |column: usize| row.get(column).map_or("", String::as_str);
            let mut parts: Vec<Vec<String>> = widths
                .iter()
                .enumerate()
                .map(|(column, &room)| match self.wrapped {
                    Some(wrapped) if wrapped == column && i > 0 && limit.is_some() => {
                        wrap(cell(column), room).iter().map(|line| cut(line, room)).collect()
                    }
                    _ => vec![cut(cell(column), room)],
                })
                .collect();
            let height = parts.iter().map(Vec::len).max().unwrap_or(1);
            for at in 0..height {
                let mut line = String::new();
                for (column, &room) in widths.iter().enumerate() {
                    let cell = parts[column].get_mut(at).map(std::mem::take).unwrap_or_default();
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
            if let Some(last) = below.map(cell).filter(|last| !last.is_empty()) {
                let line = format!("  {last}");
                out.push_str(&if i == 0 { paint.bold(&line) } else { line.as_str().into() });
                out.push('\n');
            }
        }
        out
    }

    /// A column is not made narrower than this.
    fn least(&self, column: usize, full: usize) -> usize {
        if self.kept.contains(&column) {
            return full;
        }
        let head = width(&self.head[column]);
        if self.wrapped == Some(column) {
            let words =
                self.rows.iter().filter_map(|row| row.get(column)).flat_map(|cell| cell.split_whitespace());
            return words.map(width).max().unwrap_or(0).clamp(MIN_COLUMN, MAX_WORD).min(full);
        }
        MIN_COLUMN.max(if self.kept.is_empty() { 0 } else { head }).min(full)
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
        let least: Vec<usize> =
            widths.iter().enumerate().map(|(column, full)| self.least(column, *full)).collect();
        // Take from the widest column until everything fits or nothing can give.
        loop {
            let total: usize = widths.iter().sum::<usize>() + gaps;
            let Some(excess) = total.checked_sub(limit).filter(|excess| *excess > 0) else { return widths };
            let gives = |column: &usize| widths[*column] > least[*column];
            let Some(widest) = (0..widths.len()).filter(gives).map(|column| widths[column]).max() else {
                return widths;
            };
            let giving: Vec<usize> = (0..widths.len()).filter(gives).filter(|c| widths[*c] == widest).collect();
            let next = widths.iter().copied().filter(|w| *w < widest).max().unwrap_or(1);
            let floor = giving.iter().map(|column| least[*column]).max().unwrap_or(1).max(next);
            let step = excess.div_ceil(giving.len()).min(widest - floor.min(widest - 1));
            for column in giving {
                widths[column] -= step.min(widths[column] - least[column]);
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
    fn what_names_a_request_is_never_cut() {
        let id = "0199c3f0-7a4e-7d1a-9d35-6a1f6a1f6a1f";
        let mut table = Table::new(["TIME", "TOOL", "STATUS", "REASON", "PRINCIPAL", "REQUEST"]);
        table.row(["08:00:00", "shelf:listOverdueLoans", "502", "the upstream can not be reached at all", "", id]);
        table.drop_empty();
        table.keep(&["TIME", "TOOL", "REQUEST"]);
        table.wrap("REASON");
        insta::assert_snapshot!(table.render(Some(96), Paint::default()));
        for limit in [20, 80, 90, 110] {
            let text = table.render(Some(limit), Paint::default());
            assert!(
                text.contains(id) && text.contains("shelf:listOverdueLoans") && text.contains("reached"),
                "{text}"
            );
            assert!(!text.contains("PRINCIPAL"), "{text}");
            assert!(limit < 80 || text.lines().all(|line| width(line) <= limit), "{text}");
        }
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
