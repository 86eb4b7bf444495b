//! Does a JSON value fit a JSON Schema, and if not, what is wrong with it (JSON Schema 2020-12, and the dialects of
//! OpenAPI 2.0 and 3.0)? A schema is compiled once; a value that fits is found to fit without an allocation.
//!
//! Pure: no I/O, and references are followed within the schema's own text only. Not for schemas that load other
//! schemas (`open-cli-openapi` makes them self-contained before), and not for changing values: defaults are not filled
//! in. Faults never show the value: it may be a secret.

mod check;
mod coerce;
mod compile;
mod cycles;
mod faults;
mod format;
mod json;
mod keywords;
mod node;
mod pattern;
mod scalars;
mod unevaluated;
mod view;

pub use faults::Fault;
pub use json::{Json, Number};
pub use node::{Hints, Types, Xml};
pub use pattern::{PatternError, check as check_pattern};
pub use view::View;

use node::Node;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    /// The first is the root.
    nodes: Vec<Node>,
    skipped: Vec<Skipped>,
}

/// How a schema is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Rules in force.
    pub dialect: Dialect,
    /// What the value is.
    pub direction: Direction,
}

/// The rules of a schema. In all of them `nullable: true` lets `null` fit, and keywords that only the other knows
/// count: descriptions mix them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// OpenAPI 2.0 and 3.0: what stands beside a `$ref` does not count.
    OpenApi30,
    /// JSON Schema 2020-12, as OpenAPI has it since 3.1.
    #[default]
    Draft202012,
}

/// What the value is: a property that only the other side may send is not missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Sent to the API: what is `readOnly` is not required.
    #[default]
    Request,
    /// Answered by the API: what is `writeOnly` is not required.
    Response,
}

/// A part of the schema that is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// JSON Pointer into the schema.
    pub pointer: String,
    /// Why.
    pub reason: String,
}

/// Why there is no compiled schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is no JSON.
    #[error("the schema is not JSON: {0}")]
    NotJson(String),
    /// JSON, but neither an object nor a boolean.
    #[error("the schema is neither an object nor a boolean")]
    NotASchema,
}

impl Schema {
    /// What of the schema is not checked.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}
