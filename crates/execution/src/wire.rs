//! What goes over the wire: a filled request with its credentials and our own headers.

use crate::ExecutionError;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use open_cli_contract::REQUEST_ID_HEADER;
use open_cli_contract::redact;
use open_cli_credentials::Credentials;
use open_cli_observe::Trace;
use open_cli_request::FilledRequest;
use secrecy::ExposeSecret;
use url::Url;

const PRODUCT: HeaderValue = HeaderValue::from_static(concat!("open-cli-toolbox/", env!("CARGO_PKG_VERSION")));
const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// A request as it is sent; a redirect makes another of it.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Wire {
    /// Credentials come last and override what the caller gave for the same name (HX-11).
    pub(crate) fn new(
        mut request: FilledRequest,
        credentials: &Credentials,
        trace: &Trace,
    ) -> Result<Self, ExecutionError> {
        for (name, value) in &credentials.query {
            request.url.set_query(name, value.expose_secret());
        }
        for (name, value) in &credentials.cookies {
            request.set_cookie(name, value.expose_secret());
        }
        let uri = request.url.to_uri()?;
        let cookies = request.cookie_header();
        let mut headers = request.headers;
        if let Some(cookies) = cookies {
            headers.insert(COOKIE, cookies);
        }
        for (name, value) in &credentials.headers {
            headers.insert(name, value.clone());
        }
        headers.entry(USER_AGENT).or_insert(PRODUCT);
        if let Some(id) = request_id(trace) {
            headers.entry(REQUEST_ID).or_insert(id);
        }
        Ok(Self { method: request.method, uri, headers, body: request.body })
    }

    /// The request for one attempt, a child of the attempt's span upstream.
    pub(crate) fn request(&self, trace: &Trace) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(self.body.clone().map(Full::new).unwrap_or_default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let parent = Bytes::from(trace.traceparent().to_string());
        let headers = request.headers_mut();
        if let Ok(parent) = HeaderValue::from_maybe_shared(parent)
            && !headers.contains_key(TRACEPARENT)
        {
            headers.insert(TRACEPARENT, parent);
            for (name, value) in [(TRACESTATE, trace.trace_state()), (BAGGAGE, trace.baggage())] {
                if let Some(value) = value.and_then(|text| HeaderValue::from_str(text).ok()) {
                    headers.entry(name).or_insert(value);
                }
            }
        }
        request
    }

    /// Forgets everything the caller and the credentials added: the next origin is somebody else.
    pub(crate) fn strip(&mut self, trace: &Trace) {
        let mut headers = HeaderMap::with_capacity(4);
        if let Some(accept) = self.headers.remove(ACCEPT) {
            headers.insert(ACCEPT, accept);
        }
        headers.insert(USER_AGENT, PRODUCT);
        if let Some(id) = request_id(trace) {
            headers.insert(REQUEST_ID, id);
        }
        self.headers = headers;
        self.body = None;
    }

    /// Forgets the body.
    pub(crate) fn drop_body(&mut self) {
        self.body = None;
        self.headers.remove(CONTENT_TYPE);
    }

    /// The URL, when it has no place for a credential: as it is it may be shown.
    pub(crate) fn harmless(&self) -> Option<&Uri> {
        let has_userinfo = self.uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        (self.uri.query().is_none() && !has_userinfo).then_some(&self.uri)
    }

    /// The URL for messages: without credentials, whatever their names.
    pub(crate) fn shown(&self, credentials: &Credentials) -> String {
        if let Some(uri) = self.harmless() {
            return uri.to_string();
        }
        match Url::parse(&self.uri.to_string()) {
            Ok(url) => shown(url, credentials),
            Err(_) => {
                format!("{}://{}", self.uri.scheme_str().unwrap_or_default(), self.uri.host().unwrap_or_default())
            }
        }
    }
}

/// A URL for messages: without credentials, whatever their names.
pub(crate) fn shown(mut url: Url, credentials: &Credentials) -> String {
    mask(&mut url, credentials, Some(redact::MASK));
    redact::url(&url)
}

/// Replaces the values of the credentials' query parameters, or removes the parameters.
pub(crate) fn mask(url: &mut Url, credentials: &Credentials, mask: Option<&str>) {
    let is_credential = |name: &str| credentials.query.iter().any(|(known, _)| known == name);
    if !url.query_pairs().any(|(name, _)| is_credential(&name)) {
        return;
    }
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter_map(|(name, value)| match (is_credential(&name), mask) {
            (true, None) => None,
            (true, Some(mask)) => Some((name.into_owned(), mask.to_owned())),
            (false, _) => Some((name.into_owned(), value.into_owned())),
        })
        .collect();
    if pairs.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
}

fn request_id(trace: &Trace) -> Option<HeaderValue> {
    trace.request_id().and_then(|id| HeaderValue::from_str(id.as_str()).ok())
}
