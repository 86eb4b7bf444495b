//! Errors as RFC 9457 problems.

use crate::http::Response;
use serde::Serialize;

/// One mistake in a request body.
#[derive(Debug, Serialize, PartialEq)]
pub(crate) struct FieldError {
    /// JSON Pointer into the body.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// A problem of this status.
pub(crate) fn problem(status: u16, title: &str, detail: &str) -> Response {
    with_errors(status, title, detail, &[])
}

/// A problem that lists what is wrong in the body.
pub(crate) fn with_errors(status: u16, title: &str, detail: &str, errors: &[FieldError]) -> Response {
    let mut response = Response::json(status, &Problem { r#type: "about:blank", title, status, detail, errors });
    response.headers = vec![("Content-Type", "application/problem+json".into())];
    response
}
