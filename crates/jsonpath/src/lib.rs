//! JSONPath queries as RFC 9535 defines them: parsed once, evaluated over a [`serde_json::Value`], each node with its
//! location. Not for changing documents. Work, depth and results are bounded, for queries and documents that were
//! made to hurt.

mod ast;
mod eval;
mod filter;
mod functions;
mod literal;
mod location;
mod parser;
mod regexp;

#[cfg(test)]
mod tests;

pub use eval::{Budget, Node, QueryError};
pub use location::{Location, LocationStep};
pub use parser::PathError;

use ast::{Segment, Selector};
use serde_json::Value;
use std::fmt;

/// Longest query, in bytes.
pub const MAX_PATH_BYTES: usize = 8 << 10;
/// Deepest nesting of parentheses, filters and function calls in a query.
pub const MAX_PATH_NESTING: usize = 32;
/// Most nodes that one query may select.
pub const MAX_MATCHES: usize = 250_000;
/// Deepest recursion of an evaluation: the depth of the document plus that of filters at work.
pub const MAX_RECURSION: usize = 512;
/// Longest regular expression, in bytes.
pub const MAX_REGEXP_BYTES: usize = 2 << 10;

/// A valid and well-typed query.
#[derive(Debug, Clone)]
pub struct JsonPath {
    text: Box<str>,
    segments: Vec<Segment>,
    remarks: Vec<String>,
}

impl JsonPath {
    /// Reads a query. Nothing is accepted beyond RFC 9535.
    ///
    /// # Errors
    /// When the text is no well-formed and well-typed query, or is longer or deeper than the bounds.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (segments, remarks) = parser::parse(text, false)?;
        Ok(Self { text: text.into(), segments, remarks })
    }

    /// Reads a query whose names after a dot may have `-` and begin with a digit, as in `@.x-internal` and
    /// `$.responses.200`. Nothing else in a query could mean that, so nothing else changes.
    ///
    /// # Errors
    /// Those of [`JsonPath::parse`], in its words.
    pub fn parse_with_loose_names(text: &str) -> Result<Self, PathError> {
        Self::parse(text).or_else(|error| {
            let (segments, remarks) = parser::parse(text, true).map_err(|_| error)?;
            Ok(Self { text: text.into(), segments, remarks })
        })
    }

    /// The query as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is valid but surely not meant, such as a pattern that is no I-Regexp and so never matches.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The selected nodes in the order of RFC 9535; a node that the query reaches twice stands there twice.
    ///
    /// # Errors
    /// When the evaluation would take more than `budget`, [`MAX_MATCHES`] or [`MAX_RECURSION`].
    pub fn select<'a>(&self, root: &'a Value, budget: &mut Budget) -> Result<Vec<Node<'a>>, QueryError> {
        eval::select(&self.segments, root, budget)
    }

    /// True when one node can be reached in two ways, so that [`JsonPath::select`] may repeat it.
    pub fn may_repeat(&self) -> bool {
        self.segments.iter().any(|segment| segment.selectors.len() > 1)
            || self.segments.iter().filter(|segment| segment.descendant).count() > 1
    }

    /// The member names, when the query is nothing but `.name` and `['name']` steps.
    pub fn field_names(&self) -> Option<Vec<&str>> {
        let name = |segment: &'_ Segment| match (segment.descendant, segment.selectors.as_slice()) {
            (false, [Selector::Name(_)]) => Some(()),
            _ => None,
        };
        self.segments.iter().map(name).collect::<Option<Vec<()>>>()?;
        let names = self.segments.iter().flat_map(|segment| &segment.selectors);
        Some(
            names
                .filter_map(|selector| match selector {
                    Selector::Name(name) => Some(&**name),
                    _ => None,
                })
                .collect(),
        )
    }

    /// For a query that selects nothing: the longest beginning that selects something, and the step after it. Nothing
    /// behind the first `..` is tried.
    pub fn dead_end(&self, root: &Value, budget: &mut Budget) -> Option<(&str, &str)> {
        let plain = self.segments.iter().take_while(|segment| !segment.descendant).count();
        for length in (0..=plain.min(self.segments.len().checked_sub(1)?)).rev() {
            if eval::exists(&self.segments[..length], root, budget).ok()? {
                let start = length.checked_sub(1).map_or(1, |last| self.segments[last].end);
                let end = self.segments[length].end;
                return Some((&self.text[..start], self.text[start..end].trim()));
            }
        }
        None
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
