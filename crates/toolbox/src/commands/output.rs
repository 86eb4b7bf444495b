//! What an operator's command prints: aligned tables for people, JSON for programs. Colour only on a terminal, and not
//! against `NO_COLOR`. Names from disk never bring control characters to a terminal.

use super::Failure;
use clap::{Arg, ArgMatches};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use unicode_width::UnicodeWidthStr;

/// Spaces between columns.
const GAP: usize = 2;
/// The last column is not cut below this.
const MIN_LAST: usize = 16;

/// Who reads the output.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Screen {
    has_colour: bool,
    /// Columns of the terminal.
    width: Option<usize>,
}

/// How a cell looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Head,
    Dim,
    Good,
    Warning,
    Bad,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::Head => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
        })
    }
}

impl Screen {
    pub(crate) fn of_process() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            has_colour: is_terminal && !is_set("NO_COLOR") && !is_dumb,
            width: width.filter(|width| is_terminal && *width > 0),
        }
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.has_colour && !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }

    /// Writes text that ends its own lines.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    pub(crate) fn json<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::Failed(format!("the result can't be written as JSON: {error}")))?;
        text.push('\n');
        self.text(&text)
    }

    pub(crate) fn table(self, table: &Table) -> Result<(), Failure> {
        self.text(&table.render(self))
    }

    /// A remark beside the result. Failing to make it is no failure.
    pub(crate) fn remark(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", printable(text));
    }
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

impl Format {
    pub(crate) fn arg() -> Arg {
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .value_parser(["table", "json"])
            .hide_possible_values(true)
            .default_value("table")
            .global(true)
            .help("table or json")
    }

    pub(crate) fn of(matches: &ArgMatches) -> Self {
        if matches.get_one::<String>("format").is_some_and(|word| word == "json") {
            Self::Json
        } else {
            Self::Table
        }
    }
}

/// A table under construction.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    /// Columns whose cells end at the same place.
    right: &'static [&'static str],
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str], right: &'static [&'static str]) -> Self {
        Self { head: head.to_vec(), right, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = (String, Tone)>) {
        self.rows.push(cells.into_iter().map(|(text, tone)| (one_line(&text), tone)).collect());
    }

    /// The lines. On a terminal that is too narrow the last column keeps its end: paths differ there.
    pub(crate) fn render(&self, screen: Screen) -> String {
        let mut widths: Vec<usize> = self.head.iter().map(|cell| cell.width()).collect();
        for row in &self.rows {
            for (width, (cell, _)) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let last = widths.len().saturating_sub(1);
        let before: usize = widths.iter().take(last).map(|width| width + GAP).sum();
        let room = screen.width.map(|width| width.saturating_sub(before).max(MIN_LAST));
        let head = self.head.iter().map(|cell| ((*cell).to_owned(), Tone::Head)).collect();
        let mut out = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            for (column, (cell, tone)) in row.iter().enumerate() {
                let is_last = column == last;
                let cell = room.filter(|_| is_last).map_or_else(|| cell.clone(), |room| keep_end(cell, room));
                let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
                let painted = screen.paint(*tone, &cell);
                let is_right = self.right.contains(&self.head[column]);
                match (is_right, is_last) {
                    (true, _) => out.extend([pad.as_str(), &painted]),
                    (false, true) => out.push_str(&painted),
                    (false, false) => out.extend([painted.as_str(), &pad]),
                }
                if !is_last {
                    out.push_str(&" ".repeat(GAP));
                }
            }
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
        }
        out
    }
}

/// The text in this many columns, without its beginning when it is longer.
fn keep_end(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut cut = text;
    while cut.width() + 1 > room {
        let mut characters = cut.chars();
        characters.next();
        cut = characters.as_str();
    }
    format!("…{cut}")
}

/// Text for a terminal: without control characters and what changes the direction of text. Lines stay.
pub(crate) fn printable(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// [`printable`] text in one line.
pub(crate) fn one_line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["ID", "STATE", "AUDIT", "CONFIG"], &["AUDIT"]);
        let cell = |text: &str| (text.to_owned(), Tone::Plain);
        table.row([
            cell("a"),
            ("running".into(), Tone::Good),
            cell("4.1 MiB"),
            cell("/srv/acme/payments/.cli.json"),
        ]);
        table.row([cell("本棚"), cell("stale"), cell("0 B"), cell("")]);
        table
    }

    #[test]
    fn columns_are_aligned_by_what_the_terminal_shows() {
        assert_eq!(
            table().render(Screen::default()),
            "ID    STATE      AUDIT  CONFIG\n\
             a     running  4.1 MiB  /srv/acme/payments/.cli.json\n\
             本棚  stale        0 B\n"
        );
    }

    #[test]
    fn a_narrow_terminal_sees_the_end_of_a_path() {
        let text = table().render(Screen { has_colour: false, width: Some(45) });
        assert!(text.contains("…e/payments/.cli.json"), "{text}");
        assert!(text.lines().all(|line| line.width() <= 45), "{text}");
    }

    #[test]
    fn colour_does_not_disturb_the_columns() {
        let text = table().render(Screen { has_colour: true, width: None });
        assert!(text.contains("\u{1b}[32mrunning\u{1b}[0m  4.1 MiB"), "{text}");
    }

    #[test]
    fn a_name_from_disk_cannot_write_to_the_terminal() {
        assert_eq!(printable("a\nb\t"), "a\nb\u{fffd}");
        assert_eq!(one_line("a\nb"), "a\u{fffd}b");
        assert_eq!(printable("a\u{1b}[2Jb\tc\u{202e}d\r"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}");
    }
}
