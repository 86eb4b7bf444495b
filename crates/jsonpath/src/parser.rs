//! Text to query: the grammar of RFC 9535, appendix A. Filters are in `filter`, literals in `literal`. Not for
//! evaluation.

use crate::ast::{Segment, Selector};
use crate::{MAX_PATH_BYTES, MAX_PATH_NESTING};

/// Why a text is no query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {character}: {reason}")]
pub struct PathError {
    /// The first character of the text is 1.
    pub character: usize,
    /// The same place as a byte offset from 0.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

pub(crate) struct Parser<'t> {
    pub(super) text: &'t str,
    /// Byte of the next character.
    pub(super) at: usize,
    nesting: usize,
    /// Names after a dot may have `-` and begin with a digit.
    pub(super) loose_names: bool,
    pub(super) remarks: Vec<String>,
}

pub(crate) fn parse(text: &str, loose_names: bool) -> Result<(Vec<Segment>, Vec<String>), PathError> {
    let mut parser = Parser { text, at: 0, nesting: 0, loose_names, remarks: Vec::new() };
    if text.len() > MAX_PATH_BYTES {
        return Err(parser.error(format!("the query is longer than {MAX_PATH_BYTES} bytes")));
    }
    if !parser.eat("$") {
        return Err(parser.error("a query begins with `$`"));
    }
    let segments = parser.segments()?;
    if parser.at < text.len() {
        return Err(parser.unexpected());
    }
    Ok((segments, parser.remarks))
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at = self.text.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Blanks and then the token, or nothing at all.
    pub(super) fn eat_after_blanks(&mut self, token: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        let found = self.eat(token);
        if !found {
            self.at = start;
        }
        found
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> PathError {
        self.error_at(self.at, reason)
    }

    pub(super) fn error_at(&self, offset: usize, reason: impl Into<String>) -> PathError {
        let before = self.text.get(..offset).unwrap_or(self.text);
        PathError { character: before.chars().count() + 1, offset, reason: reason.into() }
    }

    pub(super) fn unexpected(&self) -> PathError {
        match self.peek() {
            Some(c) => self.error(format!("`{}` is not expected here", c.escape_debug())),
            None => self.error("the query ends too early"),
        }
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, PathError>,
    ) -> Result<T, PathError> {
        if self.nesting >= MAX_PATH_NESTING {
            return Err(self.error(format!("the query nests deeper than {MAX_PATH_NESTING} levels")));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// `*(S segment)`; blanks that no segment follows are left.
    pub(super) fn segments(&mut self) -> Result<Vec<Segment>, PathError> {
        let mut segments = Vec::new();
        loop {
            let (descendant, selectors) = if self.eat_after_blanks("..") {
                let selectors = match self.peek() {
                    Some('[') => self.bracketed()?,
                    _ => vec![self.dotted()?],
                };
                (true, selectors)
            } else if self.eat_after_blanks(".") {
                (false, vec![self.dotted()?])
            } else {
                let start = self.at;
                self.skip_blanks();
                if self.peek() != Some('[') {
                    self.at = start;
                    return Ok(segments);
                }
                (false, self.bracketed()?)
            };
            segments.push(Segment { descendant, selectors, end: self.at });
        }
    }

    fn dotted(&mut self) -> Result<Selector, PathError> {
        Ok(if self.eat("*") { Selector::Wildcard } else { Selector::Name(self.shorthand()?) })
    }

    fn bracketed(&mut self) -> Result<Vec<Selector>, PathError> {
        self.eat("[");
        let mut selectors = Vec::new();
        loop {
            self.skip_blanks();
            selectors.push(self.selector()?);
            self.skip_blanks();
            if self.eat("]") {
                return Ok(selectors);
            }
            if !self.eat(",") {
                return Err(match self.peek() {
                    Some(_) => self.error("`,` or `]` is expected"),
                    None => self.error("the bracket is not closed"),
                });
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, PathError> {
        match self.peek() {
            Some('\'' | '"') => Ok(Selector::Name(self.string()?.into())),
            Some('*') => {
                self.bump();
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.bump();
                self.skip_blanks();
                Ok(Selector::Filter(Box::new(self.logical_or()?)))
            }
            Some('-' | ':' | '0'..='9') => self.index_or_slice(),
            Some(_) => Err(self.error("a quoted name, a number, a slice, `*` or `?` is expected")),
            None => Err(self.error("the bracket is not closed")),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let start = self.optional_int()?;
        if !self.eat_after_blanks(":") {
            // A slice begins with its colon or with a number, so there is one.
            return start.map(Selector::Index).ok_or_else(|| self.unexpected());
        }
        self.skip_blanks();
        let end = self.optional_int()?;
        let mut step = None;
        if self.eat_after_blanks(":") {
            self.skip_blanks();
            step = self.optional_int()?;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn optional_int(&mut self) -> Result<Option<i64>, PathError> {
        match self.peek() {
            Some('-' | '0'..='9') => self.int().map(Some),
            _ => Ok(None),
        }
    }
}
