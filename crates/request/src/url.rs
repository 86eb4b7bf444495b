//! The URL of a filled request: cheap to extend by a query parameter and to turn into an [`http::Uri`].

use crate::encode;
use crate::servers::Origin;
use bytes::Bytes;
use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use std::fmt;
use std::sync::Arc;

/// Longest URL that is sent, path and query together, encoded.
pub const URL_MAX_BYTES: usize = 32 * 1024;

/// The URL has grown beyond [`URL_MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL is longer than {URL_MAX_BYTES} bytes; send less in the path and the query")]
pub struct UrlTooLong;

/// A URL in parts. Path and query are encoded already.
#[derive(Clone)]
pub struct RequestUrl {
    pub(crate) origin: Arc<Origin>,
    pub(crate) path: String,
    /// Ascending names; an empty one is a text that stands alone.
    pub(crate) query: Vec<(Arc<str>, String)>,
}

impl RequestUrl {
    /// Sets a query parameter; replaces those of the same name (HX-11). Names stay in ascending order (HX-6).
    pub fn set_query(&mut self, name: &str, value: &str) {
        let name = encode::form(name);
        self.query.retain(|(present, _)| **present != *name);
        let at = self.query.partition_point(|(present, _)| **present < *name);
        self.query.insert(at, (name.into(), encode::form(value)));
    }

    /// Host as it was written, without port.
    pub fn host(&self) -> &str {
        self.origin.authority.host()
    }

    /// Port, as written or as the scheme says.
    pub fn port(&self) -> u16 {
        let default = if self.origin.scheme == Scheme::HTTPS { 443 } else { 80 };
        self.origin.authority.port_u16().unwrap_or(default)
    }

    /// Scheme, host and port, as a URL.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.origin.scheme, self.origin.authority)
    }

    /// Has it the origin of this URL?
    pub fn is_at(&self, base: &::url::Url) -> bool {
        base.scheme() == self.scheme()
            && base.host_str().is_some_and(|host| host.eq_ignore_ascii_case(self.host()))
            && base.port_or_known_default() == Some(self.port())
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.origin.scheme.as_str()
    }

    /// Encoded path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Length of path and query.
    pub(crate) fn len(&self) -> usize {
        self.path.len() + self.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>()
    }

    /// The whole URL. Scheme and authority are shared, path and query are written once.
    pub fn to_uri(&self) -> Result<Uri, UrlTooLong> {
        let length = self.len();
        if length > URL_MAX_BYTES {
            return Err(UrlTooLong);
        }
        let mut text = String::with_capacity(length);
        text.push_str(&self.path);
        let mut separator = '?';
        for (name, value) in &self.query {
            text.push(separator);
            // Without a name, the value is the query itself.
            if !name.is_empty() {
                text.push_str(name);
                text.push('=');
            }
            text.push_str(value);
            separator = '&';
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.origin.scheme.clone());
        parts.authority = Some(self.origin.authority.clone());
        // Everything is encoded and bounded, so what `http` refuses is length only.
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(text)).map_err(|_| UrlTooLong)?);
        Uri::from_parts(parts).map_err(|_| UrlTooLong)
    }
}

/// Without the query: its values may be secrets.
impl fmt::Debug for RequestUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.origin.scheme, self.origin.authority, self.path)
    }
}
