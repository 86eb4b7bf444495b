//! A query after parsing. Well-typedness (RFC 9535 §2.4.3) is in the types: what is not well-typed has no tree.

use crate::regexp::Pattern;
use serde_json::Value;

/// One step of a query: `.name`, `[…]`, `..[…]`.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// `..`: applies to the node and all below it.
    pub(crate) descendant: bool,
    pub(crate) selectors: Vec<Selector>,
    /// Byte in the text after this segment.
    pub(crate) end: usize,
}

impl Segment {
    /// Selects at most one node (§2.3.5.1).
    pub(crate) fn is_singular(&self) -> bool {
        !self.descendant && matches!(self.selectors.as_slice(), [Selector::Name(_) | Selector::Index(_)])
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Selector {
    Name(Box<str>),
    Index(i64),
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    Wildcard,
    Filter(Box<Expr>),
}

/// A query in a filter: `@…` or `$…`.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) absolute: bool,
    pub(crate) segments: Vec<Segment>,
}

impl Query {
    pub(crate) fn is_singular(&self) -> bool {
        self.segments.iter().all(Segment::is_singular)
    }
}

/// What a filter decides.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    Exists(Query),
    Compare(Operand, Comparison, Operand),
    /// `match` (whole text) and `search` (part of it).
    Matches {
        subject: Operand,
        pattern: Pattern,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// ValueType: a value or nothing.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Literal(Value),
    /// Always singular.
    Query(Query),
    Length(Box<Operand>),
    Count(Query),
    ValueOf(Query),
}
