//! OpenAPI 2.0 to 3.2 documents as one version-neutral list of operations.
//!
//! [`read`] takes a set of loaded documents and gives an [`Api`]. It is lenient by design (contract:
//! catalog-and-execution §4 with W11 to W17, README deviation 6): schemas are carried, never validated, and one
//! broken operation, parameter, path item, server or security scheme is a diagnostic beside everything that works.
//! Only a root that is no API description at all is an error. [`responses()`] reads what one operation answers.

pub mod api;
mod body;
mod bundle;
mod encoding;
mod error;
mod hosts;
mod ids;
mod json;
pub mod limits;
mod operations;
mod parameters;
mod paths;
mod pointer;
mod querystring;
mod reader;
mod reference;
mod report;
mod responses;
mod scan;
mod schema;
mod security;
mod servers;
mod swagger;
mod tags;
mod template;
#[cfg(test)]
mod testing;
mod tree;
mod version;
mod walk;

pub use api::Api;
pub use error::ReadError;
pub use reader::read;
pub use report::code;
pub use responses::responses;
