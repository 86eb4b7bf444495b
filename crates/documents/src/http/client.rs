//! One HTTP request for a document: bounded in time, size and redirects (weakness 47). Not for caching.

use super::metadata::Headers;
use crate::DocumentsConfig;
use crate::error::DocumentError;
use bytes::{Bytes, BytesMut};
use open_cli_contract::redact;
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, Response, StatusCode, redirect, retry};
use std::error::Error;
use std::fmt;
use std::sync::OnceLock;
use url::Url;

/// Largest first allocation for a body whose length is announced.
const MAX_EAGER_BYTES: u64 = 1 << 20;

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

/// The client, built when the first URL is fetched: a runtime with local documents never needs it.
#[derive(Default)]
pub(super) struct LazyClient(OnceLock<Result<Client, DocumentError>>);

impl LazyClient {
    fn get(&self, config: &DocumentsConfig) -> Result<&Client, DocumentError> {
        self.0.get_or_init(|| build(config)).as_ref().map_err(Clone::clone)
    }

    /// Asks, follows redirects, reads the body.
    pub(super) async fn ask(
        &self,
        question: &Question<'_>,
        config: &DocumentsConfig,
    ) -> Result<Reply, DocumentError> {
        let method = match question.method {
            FetchMethod::Get => Method::GET,
            FetchMethod::Head => Method::HEAD,
        };
        let mut request = self.get(config)?.request(method, question.url.clone());
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
        let failed = |error| failure(question.url, error, config);
        let response = request.send().await.map_err(failed)?;
        let mut reply = Reply {
            status: response.status(),
            headers: headers(&response),
            body: Bytes::new(),
            url: response.url().clone(),
        };
        if reply.is_document() && question.method == FetchMethod::Get {
            reply.body = body(response, question.url, config).await?;
        }
        Ok(reply)
    }
}

fn build(config: &DocumentsConfig) -> Result<Client, DocumentError> {
    let max_redirects = config.max_redirects;
    let follow = redirect::Policy::custom(move |attempt| {
        let from_https = attempt.previous().last().is_some_and(|from| from.scheme() == "https");
        let scheme = attempt.url().scheme();
        if scheme != "https" && (from_https || scheme != "http") {
            let reason = format!("to the scheme {scheme}");
            attempt.error(Refused(reason))
        } else if attempt.previous().len() > max_redirects {
            attempt.error(Refused(format!("more than {max_redirects} (max_redirects)")))
        } else {
            attempt.follow()
        }
    });
    let builder = Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(config.connect_timeout)
        .timeout(config.total_timeout)
        .redirect(follow)
        // A try again is a decision of ours, and is recorded.
        .retry(retry::never());
    let builder = if config.use_system_proxy { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| DocumentError::Client { reason: root_cause(&error) })
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

fn headers(response: &Response) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in response.headers() {
        // Nobody needs the origin's cookies, and they may be secrets.
        if name != "set-cookie" {
            headers.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    headers
}

fn failure(url: &Url, error: reqwest::Error, config: &DocumentsConfig) -> DocumentError {
    let url = redact::url(url);
    if error.is_redirect() {
        return DocumentError::Redirect { url, reason: root_cause(&error) };
    }
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

/// Why a redirect is not followed.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refused {}
