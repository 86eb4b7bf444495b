//! What a program says on standard error: logged, so many lines a minute, and its end kept for the message about a
//! failure (ST-5). Never unbounded, never with the secrets that the program was given.

use super::lines::{self, Line};
use crate::limits::{MAX_STDERR_LINE, MAX_STDERR_LINES, MAX_STDERR_TAIL, STDERR_WINDOW};
use crate::text::{Scrubber, one_line};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::process::ChildStderr;
use tokio::time::Instant;

/// The last lines of a program.
#[derive(Default)]
pub(crate) struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    fn push(&self, line: String) {
        let mut lines = self.0.lock();
        lines.push_back(line);
        while lines.iter().map(|line| line.len() + 2).sum::<usize>() > MAX_STDERR_TAIL && lines.len() > 1 {
            lines.pop_front();
        }
    }

    /// In order, on one line.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<String> = self.0.lock().iter().cloned().collect();
        lines.join("; ")
    }
}

/// Reads until the stream ends.
pub(crate) async fn follow(stream: ChildStderr, server: Arc<str>, scrubber: Scrubber, tail: Arc<Tail>) {
    let mut stream = BufReader::new(stream);
    let (mut window, mut count) = (Instant::now(), 0_u32);
    while let Ok(Some(line)) = lines::next(&mut stream, MAX_STDERR_LINE).await {
        let text = match line {
            Line::Text(text) => one_line(&scrubber.clean(&String::from_utf8_lossy(&text)), MAX_STDERR_LINE),
            Line::TooLong(_) => "(a line that is too long)".to_owned(),
        };
        if text.is_empty() {
            continue;
        }
        if window.elapsed() > STDERR_WINDOW {
            if count > MAX_STDERR_LINES {
                tracing::info!(%server, left_out = count - MAX_STDERR_LINES, "lines of standard error were not logged");
            }
            (window, count) = (Instant::now(), 0);
        }
        count = count.saturating_add(1);
        if count <= MAX_STDERR_LINES {
            tracing::info!(%server, "{text}");
        }
        tail.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_what_a_program_says_is_kept() {
        let tail = Tail::default();
        (0..1000).for_each(|number| tail.push(format!("line {number}")));
        assert!(tail.text().ends_with("line 998; line 999"));
        assert!(tail.text().len() <= MAX_STDERR_TAIL);
    }
}
