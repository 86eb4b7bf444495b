//! The API's own OpenAPI description, hand-written, as JSON and as YAML, with what HTTP caches need (RFC 9111), and
//! the two ways to find it: RFC 8631 links at the root and an RFC 9727 API catalog.

use crate::http::{Body, Request, Response};
use std::hash::{DefaultHasher, Hasher};

/// Seconds a copy of the description may be used without asking.
const MAX_AGE: u32 = 60;
const JSON: &str = include_str!("../openapi.json");
const YAML: &str = include_str!("../openapi.yaml");

/// `GET /openapi.json`.
pub(crate) fn json(request: &Request) -> Response {
    document(request, JSON, "application/vnd.oai.openapi+json;version=3.1")
}

/// `GET /openapi.yaml`.
pub(crate) fn yaml(request: &Request) -> Response {
    document(request, YAML, "application/vnd.oai.openapi;version=3.1")
}

/// `GET /`: links to the description (RFC 8631) and the API catalog.
pub(crate) fn root() -> Response {
    let links = "</openapi.json>; rel=\"service-desc\"; type=\"application/vnd.oai.openapi+json\", \
                 </.well-known/api-catalog>; rel=\"api-catalog\"";
    Response::json(200, &serde_json::json!({ "description": "/openapi.json" })).with("Link", links)
}

/// `GET /.well-known/api-catalog` (RFC 9727): this API is the only one.
pub(crate) fn api_catalog() -> Response {
    let linkset = serde_json::json!({
        "linkset": [{
            "anchor": "/",
            "service-desc": [{ "href": "/openapi.json", "type": "application/vnd.oai.openapi+json" }]
        }]
    });
    let mut response = Response::json(200, &linkset);
    response.headers = vec![(
        "Content-Type",
        "application/linkset+json;profile=\"https://www.rfc-editor.org/info/rfc9727\"".into(),
    )];
    response
}

fn document(request: &Request, text: &'static str, media_type: &str) -> Response {
    let etag = etag(text);
    let known = request.header("if-none-match").is_some_and(|list| {
        list.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
    });
    let response = if known {
        Response::empty(304)
    } else {
        Response::empty(200).body(Body::Static(text.as_bytes())).with("Content-Type", media_type)
    };
    response.with("ETag", etag).with("Cache-Control", format!("max-age={MAX_AGE}"))
}

fn etag(text: &str) -> String {
    // Tells two editions apart; not a digest.
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
#[path = "description_tests.rs"]
mod tests;
