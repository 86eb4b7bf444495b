//! OpenAPI 2.0 to 3.2 documents as one version-neutral list of operations.

pub mod api;
