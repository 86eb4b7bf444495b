//! Arazzo 1.0 and 1.1 (catalog-and-execution §7, W24 to W26): what a document of workflows says. Steps, the operations
//! they name, values with runtime expressions, criteria, what comes next; parsed in full when a document is read, so
//! that carrying a workflow out parses nothing.
//!
//! [`Description::parse`] takes JSON (YAML is transcoded where documents are read). One broken workflow is a diagnostic
//! beside those that work (README deviation 6). Not for fetching documents, not for knowing tools, and not for calling
//! anything.

mod action;
mod body;
mod checks;
mod components;
mod condition;
mod criterion;
mod diagnostic;
mod document;
mod error;
mod expression;
mod inputs;
pub mod limits;
mod parameter;
mod reader;
mod reference;
mod selector;
mod step;
mod template;
mod version;
mod workflow;

pub use action::{Action, ActionKind, Destination};
pub use body::{Payload, Replacement, RequestBody};
pub use condition::{Comparison, Condition, Operand};
pub use criterion::{Criterion, Test};
pub use diagnostic::code;
pub use document::{Description, Source, SourceKind};
pub use error::ArazzoError;
pub use expression::{Access, ComponentKind, Expression, ExpressionError, Part, Root, WorkflowField};
pub use parameter::{Location, Parameter};
pub use reference::{OperationRef, StepRef, WorkflowRef};
pub use selector::{Language, Selector, Target};
pub use step::{Call, Step};
pub use template::{Piece, Template, Text};
pub use version::Version;
pub use workflow::Workflow;
