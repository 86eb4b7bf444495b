//! Small operations on text: near names, safe cells, cut to width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `1 tool`, `2 tools`.
pub(crate) fn count(many: usize, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}

/// Longest word that is compared letter by letter.
const MAX_COMPARED: usize = 64;
/// At most so many suggestions.
const MAX_NEAR: usize = 3;

/// Known names near a mistyped one, nearest first: at most two edits away, or one begins with the other, or one
/// part of the name (`get` of `get-book`) is at most one edit away.
pub(crate) fn near<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let rank = |name: &str| {
        let candidate = name.to_lowercase();
        let edits = distance(&lower, &candidate);
        if edits <= if length <= 3 { 1 } else { 2 } {
            return Some(edits);
        }
        let begins = length >= 2 && (candidate.starts_with(&lower) || lower.starts_with(&candidate));
        let part = || candidate.split('-').any(|part| distance(&lower, part) <= usize::from(length >= 4));
        ((begins && !candidate.is_empty()) || part()).then_some(3)
    };
    let mut found: Vec<(usize, &str)> = known.filter_map(|name| Some((rank(name)?, name))).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(MAX_NEAR).map(|(_, name)| name).collect()
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > MAX_COMPARED || b.len() > MAX_COMPARED || a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// One line without control characters: what a server sends must not steer the terminal, and must not break a table.
pub(crate) fn one_line(text: &str) -> String {
    if !text.chars().any(is_unsafe) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Control characters, and the marks that reorder text.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// First line of a description, safe to print.
pub(crate) fn first_line(text: &str) -> String {
    one_line(text.trim().lines().next().unwrap_or_default().trim_end())
}

/// Several lines, each safe to print.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.trim().lines().map(|line| one_line(line.trim_end())).collect()
}

/// Columns the text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// At most `limit` columns; what is cut is marked by `…`.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = UnicodeWidthChar::width(c).unwrap_or(0);
        if used + columns + 1 > limit {
            break;
        }
        out.push(c);
        used += columns;
    }
    out.push('…');
    out
}

/// Breaks text into lines of at most `limit` columns, at spaces.
pub(crate) fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let columns = width(word);
        if used > 0 && used + 1 + columns > limit {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += columns;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_nearest_first() {
        let known = ["catalog", "call", "config", "completion", "status", "search", "get-book", "list-books"];
        for (word, expected) in [
            ("catlog", &["catalog"][..]),
            ("cataolg", &["catalog"]),
            ("statsu", &["status"]),
            ("cat", &["catalog"]),
            ("zebra", &[]),
            ("x", &[]),
            ("books", &["get-book", "list-books"]),
        ] {
            assert_eq!(near(word, known.into_iter()), expected, "{word}");
        }
    }

    #[test]
    fn a_server_can_neither_steer_the_terminal_nor_break_a_line() {
        assert_eq!(one_line("a\nb\u{1b}[31mc\u{202e}d"), "a\\nb\\u{1b}[31mc\\u{202e}d");
        assert_eq!(first_line("\n  Lists books.\nMore.\n"), "Lists books.");
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        for (text, limit, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("e\u{301}tude", 4, "e\u{301}tu…"),
        ] {
            assert_eq!(cut(text, limit), expected);
        }
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
