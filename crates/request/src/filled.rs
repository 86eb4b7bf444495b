//! A request ready for credentials and sending.

use crate::RequestUrl;
use crate::encode;
use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Method};
use open_cli_contract::preview::{PlannedSecret, PreviewedPart};
use std::fmt;
use std::sync::Arc;

/// What a call asks of the upstream.
#[derive(Clone)]
pub struct FilledRequest {
    /// Method.
    pub method: Method,
    /// URL.
    pub url: RequestUrl,
    /// Headers, without `Cookie`: see [`FilledRequest::cookie_header`].
    pub headers: HeaderMap,
    /// Cookies in the order of the catalog, values encoded.
    pub(crate) cookies: Vec<(Arc<str>, String)>,
    /// Body; `None` when there is none.
    pub body: Option<Bytes>,
    /// What a multipart body is made of.
    pub(crate) parts: Vec<PreviewedPart>,
    /// Parameters whose values are masked.
    pub(crate) secrets: Vec<PlannedSecret>,
}

/// A name for an environment variable: `X-API-Key` -> `X_API_KEY`.
pub(crate) fn variable(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let variable: String = name.chars().map(plain).collect();
    if variable.starts_with(|c: char| c.is_ascii_digit()) { format!("_{variable}") } else { variable }
}

impl FilledRequest {
    /// Sets a cookie; replaces one of the same name.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(present, _)| **present != *name);
        self.cookies.push((name.into(), encode::cookie_value(value)));
    }

    /// All cookies in one header (RFC 6265 §5.4), after what a header parameter named `Cookie` set.
    /// `None` when there are none.
    pub fn cookie_header(&self) -> Option<HeaderValue> {
        let given = self.headers.get(COOKIE);
        if self.cookies.is_empty() {
            return given.cloned();
        }
        let mut line = given.map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        for (name, value) in &self.cookies {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(name.as_bytes());
            line.push(b'=');
            line.extend_from_slice(value.as_bytes());
        }
        let mut header = HeaderValue::from_maybe_shared(Bytes::from(line)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for FilledRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilledRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.as_ref().map_or(0, Bytes::len))
            .finish()
    }
}
