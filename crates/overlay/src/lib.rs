//! OpenAPI Overlay 1.0, 1.1 and 1.2 (catalog-and-execution §5, W18 to W22): what an overlay changes in a document, what
//! it could not change and why, and the difference afterwards.
//!
//! [`Overlay::parse`] takes JSON (YAML is transcoded where documents are read), [`Overlay::apply`] changes a document
//! in place, [`preview`] compares before with after. Selection is [`open_cli_jsonpath`], RFC 9535 in full. One broken action
//! is a diagnostic beside the actions that work (README deviation 6); whether a document may be used after an error
//! is for the caller to say. Not for fetching overlays, nor for the order in which several of them apply.
//!
//! Where the Overlay Specification and the reference disagree the specification wins; what the reference adds is kept:
//! `copy: {to: …}` beside the specification's `copy: …`, `info` may be absent, an empty document changes nothing.

mod action;
mod apply;
mod copy;
mod diagnostic;
mod error;
mod extends;
mod fields;
pub mod limits;
mod merge;
mod overlay;
mod preview;
mod remove;
mod render;
mod reuse;
mod targets;
mod version;
mod visit;

pub use action::{Action, ActionKind};
pub use apply::{ActionOutcome, ActionStatus, Applied};
pub use diagnostic::code;
pub use error::OverlayError;
pub use overlay::Overlay;
pub use preview::{Change, ChangeKind, Preview, preview};
pub use render::{Line, LineKind};
pub use version::Version;
