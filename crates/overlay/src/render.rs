//! A [`Preview`] as unified text: a line for each place, `-` what was there, `+` what is there now. Bounded, and safe
//! for terminals: control characters of the document are escaped. Colours are the caller's.

use crate::limits::{MAX_LINE_CHARACTERS, MAX_VALUE_LINES};
use crate::preview::{Change, Preview};
use serde_json::Value;
use std::fmt::{self, Write as _};
use std::io;

/// Most bytes of one value that are written out.
const MAX_VALUE_BYTES: usize = MAX_VALUE_LINES * MAX_LINE_CHARACTERS;
/// Characters that are shown before the first difference of two long texts.
const LEAD: usize = 40;

/// What a line is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Where the change is.
    Place,
    /// What was there.
    Removed,
    /// What is there now.
    Added,
    /// About what is not shown.
    Remark,
}

/// One line, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// Its text, with its mark.
    pub text: String,
}

impl Preview<'_> {
    /// The differences as lines.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Lines::default();
        self.changes.iter().for_each(|change| lines.change(change));
        if self.omitted > 0 {
            lines.push(LineKind::Remark, &format!("{} more changes are not shown", self.omitted));
        }
        lines.0
    }
}

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn change(&mut self, change: &Change<'_>) {
        let place = if change.pointer.is_empty() { "(whole document)" } else { &change.pointer };
        self.push(LineKind::Place, place);
        match (change.before, change.after) {
            (Some(Value::String(before)), Some(Value::String(after))) => self.texts(before, after),
            (before, after) => {
                before.into_iter().for_each(|value| self.value(LineKind::Removed, value));
                after.into_iter().for_each(|value| self.value(LineKind::Added, value));
            }
        }
    }

    fn value(&mut self, kind: LineKind, value: &Value) {
        let mut bounded = Bounded::default();
        // Fails when there is more than is shown.
        let complete = serde_json::to_writer_pretty(&mut bounded, value).is_ok();
        let text = String::from_utf8_lossy(&bounded.0);
        let mut lines = text.lines();
        lines.by_ref().take(MAX_VALUE_LINES).for_each(|line| self.push(kind, line));
        let rest = lines.count();
        if !complete {
            self.push(LineKind::Remark, "more of it is not shown");
        } else if rest > 0 {
            self.push(LineKind::Remark, &format!("{rest} more lines of it are not shown"));
        }
    }

    /// Two texts line by line, without the lines that both begin and end with.
    fn texts(&mut self, before: &str, after: &str) {
        if !before.contains('\n') && !after.contains('\n') {
            let shared = before.chars().zip(after.chars()).take_while(|(before, after)| before == after).count();
            let skip = if shared < MAX_LINE_CHARACTERS / 2 { 0 } else { shared - LEAD };
            self.push(LineKind::Removed, &excerpt(before, skip));
            self.push(LineKind::Added, &excerpt(after, skip));
            return;
        }
        let before: Vec<&str> = before.split('\n').collect();
        let after: Vec<&str> = after.split('\n').collect();
        let head = before.iter().zip(&after).take_while(|(before, after)| before == after).count();
        let most = before.len().min(after.len()) - head;
        let tail = before.iter().rev().zip(after.iter().rev()).take(most);
        let tail = tail.take_while(|(before, after)| before == after).count();
        self.equal(head);
        for (kind, lines) in [(LineKind::Removed, &before), (LineKind::Added, &after)] {
            let lines = &lines[head..lines.len() - tail];
            lines.iter().take(MAX_VALUE_LINES).for_each(|line| self.push(kind, line));
            if lines.len() > MAX_VALUE_LINES {
                let rest = lines.len() - MAX_VALUE_LINES;
                self.push(LineKind::Remark, &format!("{rest} more lines of it are not shown"));
            }
        }
        self.equal(tail);
    }

    fn equal(&mut self, count: usize) {
        match count {
            0 => {}
            1 => self.push(LineKind::Remark, "1 line is the same"),
            count => self.push(LineKind::Remark, &format!("{count} lines are the same")),
        }
    }

    fn push(&mut self, kind: LineKind, content: &str) {
        let mut text = String::from(match kind {
            LineKind::Place => "@@ ",
            LineKind::Removed => "- ",
            LineKind::Added => "+ ",
            LineKind::Remark => "  … ",
        });
        let mut rest = content.chars();
        for c in rest.by_ref().take(MAX_LINE_CHARACTERS) {
            match c {
                '\t' => text.push_str("\\t"),
                c if is_unsafe(c) => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        if rest.next().is_some() {
            text.push('…');
        }
        self.0.push(Line { kind, text });
    }
}

/// What could act on a terminal, or turn the direction of text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of one line as JSON, from some character on.
fn excerpt(text: &str, skip: usize) -> String {
    let lead = if skip > 0 { "…" } else { "" };
    let rest: String = text.chars().skip(skip).take(MAX_LINE_CHARACTERS).collect();
    format!("{lead}{}", Value::String(rest))
}

/// Takes so many bytes and no more.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_VALUE_BYTES - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
