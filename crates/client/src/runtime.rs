//! The calls of the HTTP contract (client §6; runtime-and-admin §4). One value of [`Runtime`] is one connection.

use crate::error::{foreign, is_page};
use crate::transport::{Answer, Fault, Transport};
use crate::{ClientError, Environment, Patience, Refusal, RuntimeUrl};
use open_cli_contract::REQUEST_ID_HEADER;
use open_cli_contract::catalog::EffectiveCatalog;
use open_cli_contract::execute::{ExecuteRequest, ExecuteResponse};
use open_cli_contract::ids::RequestId;
use open_cli_contract::trace::{SpanId, TraceId, TraceParent};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use ureq::http::Method;
use url::form_urlencoded::Serializer;

/// Major version of the catalog JSON that this client reads (W12).
const CATALOG_MAJOR: &str = "1";
/// How often a read is repeated when the runtime says "in a moment".
const READ_RETRIES: u32 = 2;
/// Pause before such a repetition when the runtime names none, and the longest pause that is waited.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
const RETRY_PAUSE_LIMIT: Duration = Duration::from_secs(2);
const ACCEPT: &str = "application/json, application/problem+json";

/// Who asks, and about which configuration.
#[derive(Debug, Default)]
pub struct Identity {
    /// Sent as `config`; empty when no configuration is known.
    pub config: String,
    /// Mode override.
    pub mode: String,
    /// Agent profile.
    pub agent_profile: String,
    /// Bearer token.
    pub token: Option<SecretString>,
    /// A token is configured, but for another runtime.
    pub token_withheld: bool,
}

/// Which part of the catalog is wanted. Runtimes that know only the contract send everything, so what comes back is
/// to be filtered again.
#[derive(Debug, Default)]
pub struct CatalogQuery<'a> {
    /// Only `view.tools`, and the services they need.
    pub slice: bool,
    /// With `details`.
    pub detailed: bool,
    /// Command words typed so far.
    pub words: &'a [&'a str],
    /// Service id or alias.
    pub service: &'a str,
    /// Exact tool id.
    pub tool: &'a str,
}

/// Filter of the audit log.
#[derive(Debug, Default)]
pub struct AuditQuery<'a> {
    /// At most so many events, the latest.
    pub limit: &'a str,
    /// RFC 3339 time.
    pub since: &'a str,
    /// Tool id.
    pub tool: &'a str,
    /// `tool_execution`, `authz_denial`, …
    pub event_type: &'a str,
    /// `allowed`, `denied`, `error`.
    pub decision: &'a str,
    /// Request.
    pub request_id: &'a str,
}

/// An answer and the request it belongs to.
#[derive(Debug)]
pub struct Sent<T> {
    /// What came back.
    pub value: T,
    /// As the runtime knows the request.
    pub request_id: String,
    /// The answer named its request, so the runtime may have a trace of it.
    pub is_named: bool,
}

/// A runtime that can be asked.
pub struct Runtime {
    url: RuntimeUrl,
    transport: Transport,
    identity: Identity,
    patience: Patience,
    authorization: Option<SecretString>,
}

impl Runtime {
    /// Connects to nothing yet.
    pub fn new(
        url: RuntimeUrl,
        environment: &Environment,
        identity: Identity,
        patience: Patience,
    ) -> Result<Self, ClientError> {
        let transport = Transport::new(url.url(), environment, patience)
            .map_err(|detail| ClientError::Unreachable { url: url.as_str().to_owned(), detail })?;
        let authorization =
            identity.token.as_ref().map(|token| SecretString::from(format!("Bearer {}", token.expose_secret())));
        Ok(Self { url, transport, identity, patience, authorization })
    }

    /// Base URL.
    pub fn url(&self) -> &RuntimeUrl {
        &self.url
    }

    /// `GET /v1/catalog/effective`.
    pub fn catalog(&self, query: &CatalogQuery<'_>) -> Result<EffectiveCatalog, ClientError> {
        let sent = self.read::<EffectiveCatalog>(&self.catalog_path(query))?;
        let version = &sent.value.catalog.catalog_version;
        if version.split('.').next() != Some(CATALOG_MAJOR) {
            return Err(self.bad_answer(
                format!("its catalog has version {version:?}, this client reads version {CATALOG_MAJOR}"),
                sent.request_id,
            ));
        }
        Ok(sent.value)
    }

    fn catalog_path(&self, query: &CatalogQuery<'_>) -> String {
        let identity = &self.identity;
        let words = query.words.join(" ");
        path(
            "/v1/catalog/effective",
            &[
                ("config", &identity.config),
                ("mode", &identity.mode),
                ("agentProfile", &identity.agent_profile),
                ("detail", if query.detailed { "full" } else { "" }),
                ("shape", if query.slice { "slice" } else { "" }),
                ("words", &words),
                ("service", query.service),
                ("tool", query.tool),
            ],
        )
    }

    /// `POST /v1/tools/execute`. Configuration, mode and profile are filled in. Never repeated: whether an
    /// interrupted call took effect is unknown.
    pub fn execute<'a>(&'a self, mut request: ExecuteRequest<'a>) -> Result<Sent<ExecuteResponse>, ClientError> {
        request.config_path = self.identity.config.as_str().into();
        request.mode = self.identity.mode.as_str().into();
        request.agent_profile = self.identity.agent_profile.as_str().into();
        let body = serde_json::to_vec(&request).map_err(|error| self.bad_request(&error))?;
        let traceparent = new_traceparent();
        let (answer, id) = self.send(Method::POST, "/v1/tools/execute", Some(&body), traceparent.as_deref())?;
        self.decode(&answer, id)
    }

    /// `GET /v1/runtime/info`.
    pub fn info(&self) -> Result<Sent<Value>, ClientError> {
        let sent = self.read::<Value>("/v1/runtime/info")?;
        let is_info = ["contractVersion", "instanceId"].iter().any(|member| sent.value.get(member).is_some());
        if is_info { Ok(sent) } else { Err(self.not_a_runtime("its answer does not describe a runtime")) }
    }

    /// `POST /v1/runtime/stop`.
    pub fn stop(&self) -> Result<Sent<Value>, ClientError> {
        let path = path("/v1/runtime/stop", &[("config", &self.identity.config)]);
        let (answer, id) = self.send(Method::POST, &path, Some(b"{}"), None)?;
        self.decode(&answer, id)
    }

    /// `POST /v1/refresh`.
    pub fn refresh(&self) -> Result<Sent<Value>, ClientError> {
        let body = serde_json::to_vec(&serde_json::json!({ "configPath": self.identity.config }))
            .map_err(|error| self.bad_request(&error))?;
        let (answer, id) = self.send(Method::POST, "/v1/refresh", Some(&body), None)?;
        self.decode(&answer, id)
    }

    /// `GET /v1/audit/events`: an array. Other runtimes ignore the filter and answer `null` for nothing.
    pub fn audit(&self, query: &AuditQuery<'_>) -> Result<Vec<Value>, ClientError> {
        let path = path(
            "/v1/audit/events",
            &[
                ("config", &self.identity.config),
                ("limit", query.limit),
                ("since", query.since),
                ("tool", query.tool),
                ("eventType", query.event_type),
                ("decision", query.decision),
                ("requestId", query.request_id),
            ],
        );
        Ok(self.read::<Option<Vec<Value>>>(&path)?.value.unwrap_or_default())
    }

    /// `GET /v1/traces`: root spans, newest first.
    pub fn traces(&self, limit: &str) -> Result<Vec<Value>, ClientError> {
        Ok(self.read::<Vec<Value>>(&path("/v1/traces", &[("limit", limit)]))?.value)
    }

    /// `GET /v1/traces/<request id or trace id>`.
    pub fn trace(&self, id: &str) -> Result<Value, ClientError> {
        let segment: String = Serializer::new(String::new()).append_key_only(id).finish().replace('+', "%20");
        Ok(self.read::<Value>(&format!("/v1/traces/{segment}"))?.value)
    }

    fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Sent<T>, ClientError> {
        let mut attempt = 0;
        loop {
            match self.send(Method::GET, path, None, None) {
                Ok((answer, id)) => return self.decode(&answer, id),
                Err(Unsent::Later { pause, .. }) if attempt < READ_RETRIES => {
                    attempt += 1;
                    wait(pause.unwrap_or(RETRY_PAUSE * attempt).min(RETRY_PAUSE_LIMIT));
                }
                Err(unsent) => return Err(unsent.into()),
            }
        }
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
        traceparent: Option<&str>,
    ) -> Result<(Answer, String), Unsent> {
        let own_id = RequestId::generate();
        let url = format!("{}{path}", self.url.as_str());
        let mut headers = vec![("accept", ACCEPT), (REQUEST_ID_HEADER, own_id.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        if let Some(authorization) = &self.authorization {
            headers.push(("authorization", authorization.expose_secret()));
        }
        if let Some(traceparent) = traceparent {
            headers.push(("traceparent", traceparent));
        }
        let answer = match self.transport.send(method, &url, &headers, body) {
            Ok(answer) => answer,
            Err(fault) => return Err(self.fault(fault, own_id.to_string()).into()),
        };
        let request_id = answer
            .request_id
            .as_deref()
            .and_then(RequestId::parse)
            .map_or_else(|| own_id.to_string(), |id| id.to_string());
        match answer.status {
            200..=299 => Ok((answer, request_id)),
            400..=599 => {
                if let Some(detail) = foreign(answer.status, &answer.body) {
                    return Err(self.not_a_runtime(detail).into());
                }
                let withheld = self.identity.token_withheld;
                let mut refusal = Refusal::read(answer.status, &answer.body, &request_id, withheld);
                refusal.is_named = answer.request_id.is_some();
                let error = ClientError::Refused(Box::new(refusal));
                match answer.status {
                    503 => Err(Unsent::Later { pause: answer.retry_after, error }),
                    _ => Err(error.into()),
                }
            }
            status => {
                let target = answer.location.map(|l| format!(" to {}", open_cli_contract::redact::text(&l)));
                let detail = format!("status {status}{}", target.unwrap_or_default());
                Err(self.bad_answer(detail, request_id).into())
            }
        }
    }

    fn fault(&self, fault: Fault, request_id: String) -> ClientError {
        let url = self.url.as_str().to_owned();
        match fault {
            Fault::Unreachable(detail) => ClientError::Unreachable { url, detail },
            Fault::Broken(detail) => ClientError::BadAnswer { url, detail, request_id },
            Fault::TimedOut => ClientError::TimedOut { url, after: self.patience.answer(), request_id },
        }
    }

    fn decode<T: DeserializeOwned>(&self, answer: &Answer, request_id: String) -> Result<Sent<T>, ClientError> {
        let is_named = answer.request_id.is_some();
        match serde_json::from_slice(&answer.body) {
            Ok(value) => Ok(Sent { value, request_id, is_named }),
            Err(_) if is_page(&String::from_utf8_lossy(&answer.body)) => {
                Err(self.not_a_runtime("it answered with a web page"))
            }
            Err(error) if !is_named => {
                Err(self.not_a_runtime(format!("its answer is not the expected JSON: {error}")))
            }
            Err(error) => Err(self.bad_answer(format!("it is not the expected JSON: {error}"), request_id)),
        }
    }

    fn bad_answer(&self, detail: String, request_id: String) -> ClientError {
        ClientError::BadAnswer { url: self.url.as_str().to_owned(), detail, request_id }
    }

    fn not_a_runtime(&self, detail: impl Into<String>) -> ClientError {
        ClientError::NotARuntime { url: self.url.as_str().to_owned(), detail: detail.into() }
    }

    fn bad_request(&self, error: &serde_json::Error) -> ClientError {
        self.bad_answer(format!("the request can't be written: {error}"), String::new())
    }
}

/// A request without a usable answer.
enum Unsent {
    /// The runtime is not ready yet, or too busy.
    Later {
        pause: Option<Duration>,
        error: ClientError,
    },
    For(ClientError),
}

impl From<ClientError> for Unsent {
    fn from(error: ClientError) -> Self {
        Self::For(error)
    }
}

impl From<Unsent> for ClientError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Later { error, .. } | Unsent::For(error) => error,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this program is blocking: there is no worker to starve")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

fn new_traceparent() -> Option<String> {
    let (trace_id, span_id) = (TraceId::new(fastrand::u128(..))?, SpanId::new(fastrand::u64(..))?);
    Some(TraceParent { trace_id, span_id, sampled: true }.to_string())
}

/// Path and query; empty values are left out.
fn path(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = query.iter().filter(|(_, value)| !value.is_empty()).peekable();
    if pairs.peek().is_none() {
        return path.to_owned();
    }
    Serializer::for_suffix(format!("{path}?"), path.len() + 1).extend_pairs(pairs).finish()
}
