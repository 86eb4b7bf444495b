//! Short ways to an [`Api`] for tests.

use crate::api::{Api, Operation};
use bytes::Bytes;
use open_cli_documents::{Document, DocumentSet, Location};
use std::path::Path;

/// A set of documents by location; the first is the root.
pub(crate) fn set(documents: &[(&str, &str)]) -> DocumentSet {
    let documents = documents.iter().map(|(location, text)| Document {
        location: Location::parse(location, Path::new("/")).expect("location"),
        json: Bytes::copy_from_slice(text.as_bytes()),
    });
    DocumentSet::from_documents(documents.collect())
}

/// Reads documents by location; the first is the root.
pub(crate) fn read_all(documents: &[(&str, &str)]) -> Api {
    crate::read(&set(documents)).expect("readable root")
}

pub(crate) fn local(text: &str) -> Api {
    read_all(&[("/etc/depot/api.json", text)])
}

pub(crate) fn remote(url: &str, text: &str) -> Api {
    read_all(&[(url, text)])
}

/// A document of the given version with these members, with a server so that none is missed.
pub(crate) fn openapi(version: &str, members: &str) -> Api {
    local(&format!(r#"{{"openapi":"{version}","servers":[{{"url":"https://h.example"}}],{members}}}"#))
}

/// A Swagger 2.0 document with these members.
pub(crate) fn swagger(members: &str) -> Api {
    local(&format!(r#"{{"swagger":"2.0","host":"h.example","schemes":["https"],{members}}}"#))
}

pub(crate) fn codes(api: &Api) -> Vec<&str> {
    api.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect()
}

/// `GET /a`, in order.
pub(crate) fn names(api: &Api) -> Vec<String> {
    api.operations.iter().map(|o| format!("{} {}", o.method, o.path)).collect()
}

/// The only operation.
pub(crate) fn only(api: &Api) -> &Operation {
    assert_eq!(api.operations.len(), 1, "{:?}", api.diagnostics);
    &api.operations[0]
}
