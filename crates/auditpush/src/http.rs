//! A request and what its answer means, for the sinks that speak HTTP. Connects directly and follows no redirect:
//! records go to the receiver that was named and to nobody else.

use crate::backoff;
use crate::deliver::Failure;
use http::header::{HeaderName, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use jiff::Timestamp;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::TlsConfig;

/// Longest answer that is read.
const ANSWER_MAX: u64 = 64 << 10;
/// Longest that making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT_WORD: &str = concat!("open-cli/", env!("CARGO_PKG_VERSION"), " audit push");

/// Sends to one URL.
pub(crate) struct Poster {
    agent: Agent,
    url: String,
    headers: HeaderMap,
}

impl Poster {
    pub(crate) fn new(url: String, mut headers: HeaderMap, tls: TlsConfig) -> Self {
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT_WORD));
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .build()
            .new_agent();
        Self { agent, url, headers }
    }

    /// Posts a body; gives the answer's body when the receiver took it.
    pub(crate) fn post(
        &self,
        own: Vec<(HeaderName, HeaderValue)>,
        body: &[u8],
        within: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let mut request =
            Request::post(&self.url).body(body).map_err(|_| Failure::new("the URL can't be used"))?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().extend(own);
        let request = self.agent.configure_request(request).timeout_global(Some(within)).build();
        let mut answer = self.agent.run(request).map_err(|error| Failure::new(shown(&error)))?;
        let status = answer.status();
        if status.is_success() {
            // What it says beside "taken" may be cut off.
            return Ok(answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().unwrap_or_default());
        }
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Err(Failure {
            what: refusal(status),
            after: asked.and_then(|value| backoff::retry_after(value, Timestamp::now())),
            is_too_large: status == StatusCode::PAYLOAD_TOO_LARGE,
        })
    }
}

/// The status, and what to do. Not the body: receivers like to repeat the key that they refuse.
fn refusal(status: StatusCode) -> String {
    let hint = match status.as_u16() {
        401 | 403 => "; check OPEN_CLI_AUDIT_PUSH_AUTHORIZATION, or the headers of OTLP",
        300..=399 => "; redirects are not followed, name the final URL",
        404 | 405 => "; check the path of the URL",
        _ => "",
    };
    format!("status {}{hint}", status.as_u16())
}

/// An error without the URL, which may hold a key.
fn shown(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::HostNotFound => "the host name is not known".into(),
        ureq::Error::ConnectionFailed => "no connection".into(),
        ureq::Error::Io(cause) => cause.to_string(),
        ureq::Error::Tls(what) => format!("TLS: {what}"),
        ureq::Error::Rustls(cause) => format!("TLS: {cause}"),
        ureq::Error::Protocol(_) => "the answer is not HTTP".into(),
        _ => "the request could not be sent".into(),
    }
}
