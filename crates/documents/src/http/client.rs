//! One HTTP request for a document: bounded in time, size and redirects (weakness 47). Not for caching.

use super::metadata::Headers;
use crate::error::DocumentError;
use crate::{DocumentsConfig, Guard};
use bytes::{Bytes, BytesMut};
use open_cli_contract::reach::{Inside, Reach};
use open_cli_contract::redact;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderValue, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect, retry};
use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use url::Url;

/// Largest first allocation for a body whose length is announced.
const MAX_EAGER_BYTES: u64 = 1 << 20;
/// Clients that are kept.
const MAX_CLIENTS: usize = 64;

/// `GET` or `HEAD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FetchMethod {
    /// With a body.
    Get,
    /// Headers only.
    Head,
}

impl FetchMethod {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
        }
    }
}

/// What to ask.
pub(super) struct Question<'a> {
    pub(super) method: FetchMethod,
    pub(super) url: &'a Url,
    pub(super) accept: Option<&'a str>,
    pub(super) if_none_match: &'a str,
    pub(super) if_modified_since: &'a str,
}

/// What came back. The body was read for 200 and 203 only.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
    /// After redirects.
    pub(super) url: Url,
}

impl Reply {
    /// A complete document (weakness 45): 206 is a part, 204 is none.
    pub(super) fn is_document(&self) -> bool {
        matches!(self.status, StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION)
    }
}

/// The clients, built when the first URL is fetched: a runtime with local documents never needs one. Those who may ask
/// anywhere share no connections with those who may not.
#[derive(Default)]
pub(super) struct Clients(Mutex<HashMap<Reach, Client>>);

impl Clients {
    fn of(&self, reach: &Reach, config: &DocumentsConfig) -> Result<Client, DocumentError> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(reach) {
            return Ok(client.clone());
        }
        // As many as there were different settings; a settings change is rare.
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        let client = build(reach, config)?;
        clients.insert(reach.clone(), client.clone());
        Ok(client)
    }

    /// Asks, follows redirects, reads the body.
    pub(super) async fn ask(
        &self,
        question: &Question<'_>,
        guard: Option<&Guard>,
        config: &DocumentsConfig,
    ) -> Result<Reply, DocumentError> {
        let deadline = Instant::now() + config.total_timeout;
        let mut url = question.url.clone();
        let mut redirects = 0;
        loop {
            let reach = guard.map_or(&Reach::ANYWHERE, |guard| guard.reach(&url));
            let inside =
                |reason: &Inside| DocumentError::Inside { url: redact::url(&url), reason: reason.to_string() };
            // An address instead of a name is not resolved.
            reach.check_host(url.host_str().unwrap_or_default()).map_err(|reason| inside(&reason))?;
            let left = deadline.saturating_duration_since(Instant::now());
            let failed = |error: reqwest::Error| match inside_in(&error) {
                Some(reason) => inside(reason),
                None => failure(&url, error, config),
            };
            let request = request(&self.of(reach, config)?, question, &url).timeout(left);
            let response = request.send().await.map_err(failed)?;
            if let Some(location) = location(&response) {
                redirects += 1;
                url = follow(&url, location, redirects, config)?;
                continue;
            }
            let (status, headers) = (response.status(), headers(&response));
            let mut reply = Reply { status, headers, body: Bytes::new(), url };
            if reply.is_document() && question.method == FetchMethod::Get {
                reply.body = body(response, question.url, config).await?;
            }
            return Ok(reply);
        }
    }
}

fn request(client: &Client, question: &Question<'_>, url: &Url) -> RequestBuilder {
    let method = match question.method {
        FetchMethod::Get => Method::GET,
        FetchMethod::Head => Method::HEAD,
    };
    let mut request = client.request(method, url.clone());
    for (name, value) in [
        ("accept", question.accept.unwrap_or_default()),
        ("if-none-match", question.if_none_match),
        ("if-modified-since", question.if_modified_since),
    ] {
        // A stored validator that is no header value comes from a damaged file: ask without.
        if !value.is_empty()
            && let Ok(value) = HeaderValue::from_str(value)
        {
            request = request.header(name, value);
        }
    }
    request
}

/// Where an answer says to look instead.
fn location(response: &Response) -> Option<&str> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| is_redirect)?.to_str().ok()
}

fn follow(from: &Url, location: &str, redirects: usize, config: &DocumentsConfig) -> Result<Url, DocumentError> {
    let refuse = |reason: String| DocumentError::Redirect { url: redact::url(from), reason };
    let mut to = from.join(location).map_err(|error| refuse(error.to_string()))?;
    if to.scheme() != "https" && (from.scheme() == "https" || to.scheme() != "http") {
        return Err(refuse(format!("to the scheme {}", to.scheme())));
    }
    if redirects > config.max_redirects {
        return Err(refuse(format!("more than {} (max_redirects)", config.max_redirects)));
    }
    to.set_fragment(None);
    Ok(to)
}

fn build(reach: &Reach, config: &DocumentsConfig) -> Result<Client, DocumentError> {
    let builder = Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(config.connect_timeout)
        // Followed by hand, so that each step is looked at.
        .redirect(redirect::Policy::none())
        // A try again is a decision of ours, and is recorded.
        .retry(retry::never());
    let builder =
        if reach.is_anywhere() { builder } else { builder.dns_resolver(Arc::new(Resolver(reach.clone()))) };
    // A proxy would resolve names by itself, and unlike us.
    let use_proxy = config.use_system_proxy && reach.is_anywhere();
    let builder = if use_proxy { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| DocumentError::Client { reason: root_cause(&error) })
}

/// The system's resolver, without the addresses that may not be asked. The connection is made to exactly those that are
/// left.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let mut refused = None;
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| reach.check(address.ip()).map_err(|inside| refused = Some(inside)).is_ok())
                .collect();
            match refused {
                Some(inside) if allowed.is_empty() => Err(inside.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// The refused address, wherever in the chain of causes it is.
fn inside_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Inside> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(inside) = error.downcast_ref() {
            return Some(inside);
        }
        next = error.source();
    }
    None
}

async fn body(mut response: Response, url: &Url, config: &DocumentsConfig) -> Result<Bytes, DocumentError> {
    let too_large = || DocumentError::TooLarge {
        document: redact::url(url),
        limit: config.max_body_bytes as u64,
        setting: "max_body_bytes",
    };
    let announced = response.content_length().unwrap_or(0);
    if announced > config.max_body_bytes as u64 {
        return Err(too_large());
    }
    let eager = usize::try_from(announced.min(MAX_EAGER_BYTES)).unwrap_or(0);
    let mut body = BytesMut::with_capacity(eager);
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(url, error, config))? {
        if body.len() + chunk.len() > config.max_body_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Header fields that are about one connection or about a proxy, and are not stored (RFC 9111 §3.1).
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn headers(response: &Response) -> Headers {
    let named = response.headers().get_all("connection").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    let mut headers = Headers::default();
    for (name, value) in response.headers() {
        let name = name.as_str();
        // Nobody needs the origin's cookies, and they may be secrets.
        let is_left_out = name == "set-cookie" || OF_THE_CONNECTION.contains(&name);
        if !is_left_out && !named.iter().any(|other| other == name) {
            headers.append(name, &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    headers
}

fn failure(url: &Url, error: reqwest::Error, config: &DocumentsConfig) -> DocumentError {
    let url = redact::url(url);
    if error.is_timeout() && !error.is_connect() {
        return DocumentError::Timeout { url, limit: config.total_timeout };
    }
    if error.is_timeout() {
        return DocumentError::Transport {
            url,
            reason: format!("no connection within {:?} (connect_timeout)", config.connect_timeout),
        };
    }
    DocumentError::Transport { url, reason: root_cause(&error.without_url()) }
}

/// The innermost error: `Connection refused`, not the layers around it. Layers may show the URL, the cause does not.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
