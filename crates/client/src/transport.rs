//! One blocking HTTP agent: keep-alive, bounded answers, no redirects, TLS set up only for `https`.

use crate::answer::{Answer, Head};
use crate::proxy::proxy_for;
use crate::{ClientError, Environment};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::tls::{RootCerts, TlsConfig, TlsConfigBuilder};
use url::Url;

/// Name and version sent as `User-Agent`.
pub(crate) const USER_AGENT: &str = concat!("open-cli/", env!("CARGO_PKG_VERSION"));
/// How long establishing a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take when `--timeout` is not given: a tool call may legitimately run for minutes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// Largest answer of a runtime that is read whole.
pub(crate) const ANSWER_LIMIT: u64 = 512 << 20;
/// How long a stream may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// Largest API description that `init` downloads.
pub const DOWNLOAD_LIMIT: u64 = 64 << 20;
/// How often a download follows a redirect.
const DOWNLOAD_REDIRECTS: u32 = 10;

/// How long to wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patience {
    /// For everything from the look-up of the name to the last byte; without it connecting and answering have limits
    /// of their own.
    pub total: Option<Duration>,
}

impl Patience {
    /// The limit that an answer runs into.
    pub(crate) fn answer(self) -> Duration {
        self.total.unwrap_or(ANSWER_TIMEOUT)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Nobody was reached.
    Unreachable(String),
    /// Somebody was reached; the answer is missing or incomplete.
    Broken(String),
    TimedOut,
}

impl Fault {
    /// For `error.type`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken_answer",
            Self::TimedOut => "timeout",
        }
    }
}

pub(crate) struct Transport {
    agent: ureq::Agent,
}

impl Transport {
    pub(crate) fn new(target: &Url, environment: &Environment, patience: Patience) -> Result<Self, String> {
        Ok(Self { agent: agent(target, environment, patience, 0)? })
    }

    pub(crate) fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, Fault> {
        let request = request(method, url, headers);
        let result = match body {
            Some(body) => self.agent.run(request.body(body).map_err(broken)?),
            None => self.agent.run(request.body(()).map_err(broken)?),
        };
        read(result, ANSWER_LIMIT)
    }

    /// The head of an answer whose body is read as it comes, however long that takes.
    pub(crate) fn open(&self, url: &str, headers: &[(&str, &str)]) -> Result<(Head, Stream), Fault> {
        let request = request(Method::GET, url, headers).body(()).map_err(broken)?;
        let patient =
            self.agent.configure_request(request).timeout_recv_body(None).timeout_per_read(Some(SILENCE));
        let (head, body) = split(self.agent.run(patient.build()))?;
        Ok((head, body.into_with_config().limit(u64::MAX).reader()))
    }
}

/// A body that is read as it comes.
pub(crate) type Stream = ureq::BodyReader<'static>;

fn request(method: Method, url: &str, headers: &[(&str, &str)]) -> ureq::http::request::Builder {
    let request = Request::builder().method(method).uri(url);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn broken(error: ureq::http::Error) -> Fault {
    Fault::Broken(error.to_string())
}

fn split(result: Result<Response<ureq::Body>, ureq::Error>) -> Result<(Head, ureq::Body), Fault> {
    let (parts, body) = result.map_err(|error| fault(&error, true))?.into_parts();
    Ok((Head { status: parts.status.as_u16(), headers: parts.headers }, body))
}

fn read(result: Result<Response<ureq::Body>, ureq::Error>, limit: u64) -> Result<Answer, Fault> {
    let (head, mut body) = split(result)?;
    let body = body.with_config().limit(limit).read_to_vec().map_err(|error| fault(&error, false))?;
    Ok(Answer { head, body })
}

/// What reading a stream met.
pub(crate) fn stream_fault(error: io::Error) -> Fault {
    fault(&ureq::Error::from(error), false)
}

fn fault(error: &ureq::Error, before_answer: bool) -> Fault {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Fault::Unreachable("no connection in time".into())
        }
        ureq::Error::Timeout(_) => Fault::TimedOut,
        ureq::Error::HostNotFound => Fault::Unreachable("the host name is not known".into()),
        ureq::Error::ConnectionFailed => Fault::Unreachable("no connection".into()),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Fault::Unreachable(error.to_string()),
        ureq::Error::BodyExceedsLimit(limit) => {
            Fault::Broken(format!("it is larger than the {limit} bytes that are accepted"))
        }
        ureq::Error::Io(io) if before_answer && never_connected(io) => Fault::Unreachable(io_text(io)),
        ureq::Error::Io(io) => Fault::Broken(io_text(io)),
        other => Fault::Broken(other.to_string()),
    }
}

/// Errors that connecting gives; what comes later is a lost connection.
fn never_connected(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "the connection was reset".into(),
        io::ErrorKind::UnexpectedEof => "the connection was closed before the answer was complete".into(),
        _ => error.to_string(),
    }
}

fn agent(
    target: &Url,
    environment: &Environment,
    patience: Patience,
    redirects: u32,
) -> Result<ureq::Agent, String> {
    let proxy = match proxy_for(target, environment) {
        Some(url) => {
            let proxy = ureq::Proxy::new(&url);
            Some(proxy.map_err(|_| "the proxy that the environment names is not a valid URL".to_owned())?)
        }
        None => None,
    };
    // A redirect may lead from http to https, and a proxy may itself be reached over https.
    let needs_tls = target.scheme() == "https" || proxy.is_some() || redirects > 0;
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(redirects)
        .max_redirects_will_error(redirects > 0)
        .user_agent(USER_AGENT)
        .proxy(proxy);
    // A total limit makes ureq look names up on a thread of its own, so it is set only when asked for.
    config = match patience.total {
        Some(total) => config.timeout_global(Some(total)),
        None => config
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_recv_body(Some(ANSWER_TIMEOUT)),
    };
    if needs_tls {
        config = config.tls_config(tls().build());
    }
    Ok(config.build().new_agent())
}

/// TLS with our cryptography and the system's root certificates.
pub(crate) fn tls() -> TlsConfigBuilder {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).unversioned_rustls_crypto_provider(provider)
}

/// Downloads a document, as `init` does: redirects followed, at most [`DOWNLOAD_LIMIT`] bytes.
pub fn download(url: &Url, environment: &Environment, patience: Patience) -> Result<Vec<u8>, ClientError> {
    let shown = open_cli_contract::redact::url(url);
    let unreachable =
        |detail: String| ClientError::Unreachable { url: shown.clone(), detail, request_id: String::new() };
    let agent = agent(url, environment, patience, DOWNLOAD_REDIRECTS).map_err(unreachable)?;
    let answer = read(agent.get(url.as_str()).call(), DOWNLOAD_LIMIT);
    match answer {
        Ok(answer) if answer.head.status < 400 => Ok(answer.body),
        Ok(answer) => Err(unreachable(format!("the server answered with status {}", answer.head.status))),
        Err(Fault::Unreachable(detail) | Fault::Broken(detail)) => Err(unreachable(detail)),
        Err(Fault::TimedOut) => Err(unreachable(format!("no answer within {} s", patience.answer().as_secs()))),
    }
}
