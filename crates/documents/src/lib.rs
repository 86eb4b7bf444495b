//! API descriptions as bytes: where they are, how they are fetched and cached, YAML as JSON, and the set of
//! documents that `$ref`s connect. Not for what they say: no OpenAPI meaning here.

mod location;
mod set;

pub use location::{Location, LocationError};
pub use set::{Document, DocumentSet};
