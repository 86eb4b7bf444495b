//! The HTTP surface: one table of endpoints, one file per resource. This module does what every request needs:
//! request id, trace, method and origin checks, problems, headers.

mod api_catalog;
mod arguments;
mod audit;
pub(crate) mod authn;
pub(crate) mod body;
mod browser_config;
mod catalog;
mod changes;
mod execute;
mod health;
mod log;
mod mcp;
pub(crate) mod metrics;
pub(crate) mod origin;
mod preview;
mod query;
mod record;
mod refresh;
mod respond;
mod runtime;
mod server_span;
mod sessions;
mod traces;
mod workflows;

use crate::guard::Guard;
use crate::rate::Standing;
use crate::state::State;
use authn::Access;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use open_cli_callers::{Caller, Right};
use open_cli_catalog::Snapshot;
use open_cli_contract::REQUEST_ID_HEADER;
use open_cli_contract::ids::RequestId;
use open_cli_contract::problem::{ErrorCode, Problem};
use open_cli_observe::{ActiveSpan, Trace};
use query::Query;
use respond::Answer;
use server_span::AccessLine;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Time a client has for its request body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest name that a caller may give of anything: tool, profile, session, configuration.
const MAX_NAME: usize = 4096;

/// What an endpoint gets to work with.
pub(crate) struct Call {
    pub(crate) state: Arc<State>,
    pub(crate) request_id: RequestId,
    /// The request's own span; work begins its spans below it.
    pub(crate) span: ActiveSpan,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Query,
    pub(crate) path: String,
    /// Who called, as the connection tells.
    pub(crate) peer: SocketAddr,
    /// Who guards the configuration; `None` where callers are not authenticated.
    pub(crate) guard: Option<Arc<Guard>>,
    /// Who called, as the token tells; `None` where callers are not authenticated.
    pub(crate) caller: Option<Arc<Caller>>,
    /// Why the caller was turned away, one word.
    pub(crate) cause: &'static str,
    /// What a caller that was turned away should do.
    challenge: Option<HeaderValue>,
    /// What a rate limit leaves the caller.
    pub(crate) standing: Option<Standing>,
    /// The endpoint, by the name of its span.
    pub(crate) name: &'static str,
    /// Time that others took: what is left of the total is our own.
    pub(crate) waited: Duration,
    body: Option<Incoming>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    ApiCatalog,
    Catalog,
    Changes,
    Definitions,
    Execute,
    Workflow,
    Refresh,
    Audit,
    BrowserConfig,
    RuntimeInfo,
    RuntimeStop,
    Heartbeat,
    SessionClose,
    Traces,
    Log,
    Metrics,
    Health,
    Ready,
}

/// Path, methods, endpoint, name of its span, what it asks of callers. `docs/http-api.md` describes each.
const ENDPOINTS: &[(&str, &[Method], Endpoint, &str, Access)] = &[
    ("/v1/catalog/effective", &[Method::GET], Endpoint::Catalog, catalog::NAME, Access::Caller),
    ("/v1/catalog/changes", &[Method::GET], Endpoint::Changes, changes::CHANGES, Access::Caller),
    ("/v1/catalog/definitions", &[Method::GET], Endpoint::Definitions, changes::DEFINITIONS, Access::Caller),
    ("/v1/tools/execute", &[Method::POST], Endpoint::Execute, execute::NAME, Access::Caller),
    ("/v1/workflows/run", &[Method::POST], Endpoint::Workflow, workflows::NAME, Access::Caller),
    ("/v1/refresh", &[Method::GET, Method::POST], Endpoint::Refresh, refresh::NAME, Access::Right(Right::Refresh)),
    ("/v1/audit/events", &[Method::GET], Endpoint::Audit, "runtime.audit.events", Access::Caller),
    (browser_config::PATH, &[Method::GET], Endpoint::BrowserConfig, browser_config::NAME, Access::Open),
    ("/v1/runtime/info", &[Method::GET], Endpoint::RuntimeInfo, "runtime.info", Access::Optional),
    (
        "/v1/runtime/stop",
        &[Method::POST],
        Endpoint::RuntimeStop,
        "runtime.stop",
        Access::Right(Right::RuntimeAdmin),
    ),
    ("/v1/runtime/heartbeat", &[Method::POST], Endpoint::Heartbeat, "runtime.heartbeat", Access::Caller),
    (
        "/v1/runtime/session-close",
        &[Method::POST],
        Endpoint::SessionClose,
        "runtime.session_close",
        Access::Caller,
    ),
    ("/v1/traces", &[Method::GET], Endpoint::Traces, "runtime.traces", Access::Caller),
    (
        "/v1/runtime/log",
        &[Method::GET, Method::POST],
        Endpoint::Log,
        "runtime.log",
        Access::Right(Right::RuntimeAdmin),
    ),
    (api_catalog::PATH, &[Method::GET], Endpoint::ApiCatalog, api_catalog::NAME, Access::Caller),
    ("/metrics", &[Method::GET], Endpoint::Metrics, "runtime.metrics", Access::Right(Right::MetricsRead)),
    ("/healthz", &[Method::GET], Endpoint::Health, "runtime.health", Access::Open),
    ("/readyz", &[Method::GET], Endpoint::Ready, "runtime.ready", Access::Open),
];

/// The span of a request that has no endpoint.
const NOWHERE: &str = "runtime.not_found";

/// Answers one request. Never fails: every fault is a problem.
pub(crate) async fn serve(state: Arc<State>, peer: SocketAddr, request: Request<Incoming>) -> Answer {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let request_id = request_id(&parts.headers);
    let wants_json = respond::wants_json(&parts.headers);
    let incoming = server_span::incoming(&parts.headers);
    let telemetry = &state.telemetry;
    let trace =
        Trace::of_request(Arc::clone(&telemetry.observer), request_id.clone(), incoming, telemetry.sampler);
    let metrics = telemetry.metrics.clone();
    let _active = metrics.as_ref().map(|metrics| metrics.active(parts.method.as_str()));
    let is_head = parts.method == Method::HEAD;
    let method = if is_head { &Method::GET } else { &parts.method };
    let path = parts.uri.path();
    let found = endpoint(path, method);
    let (route, name) = found.as_ref().map_or(("", NOWHERE), |(route, _, name, _)| (*route, *name));
    let mut span = trace.span(name);
    span.write(|span| server_span::describe(span, &parts, route, peer));
    let mut call = Call {
        request_id,
        span,
        query: Query::parse(parts.uri.query()),
        path: path.to_owned(),
        headers: parts.headers,
        peer,
        guard: None,
        caller: None,
        cause: "",
        challenge: None,
        standing: None,
        name,
        waited: Duration::ZERO,
        body: Some(body),
        state,
    };
    let line = AccessLine::begin(&call, &parts.method, started);
    let result = match found {
        Ok((_, endpoint, _, access)) => match admit(endpoint, &call) {
            Ok(()) => match authn::admit(endpoint, access, &mut call).await {
                Ok(()) => dispatch(endpoint, &mut call).await,
                Err(problem) => Err(problem),
            },
            // Whoever was turned away from calling a tool attempted it all the same.
            Err(problem) if matches!(endpoint, Endpoint::Execute | Endpoint::Workflow) => {
                Err(record::turned_away(&call, problem).await)
            }
            Err(problem) => Err(problem),
        },
        Err(problem) => Err(problem),
    };
    let result = match result {
        Err(problem) if problem.code == ErrorCode::AuthnFailed.as_str() => {
            Err(record::authn_failure(&call, problem).await)
        }
        result => result,
    };
    let mut answer = result.unwrap_or_else(|mut problem| {
        problem.request_id = call.request_id.to_string();
        server_span::fail(&mut call.span, &problem);
        respond::problem(&problem, wants_json)
    });
    if let Some(challenge) = call.challenge.take() {
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    } else if answer.status() == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(standing) = call.standing.take() {
        respond::rate(&mut answer, &standing);
    }
    respond::finish(&mut answer, &call.request_id);
    server_span::end(call, &answer, line);
    if is_head {
        *answer.body_mut() = body::Pieces::empty();
    }
    answer
}

/// Refuses requests of other web origins, and new ones at the end.
fn admit(endpoint: Endpoint, call: &Call) -> Result<(), Box<Problem>> {
    if matches!(endpoint, Endpoint::Health | Endpoint::Ready) {
        return Ok(());
    }
    origin::check(&call.headers, call.state.binds_loopback, call.state.advertised_host.as_deref())?;
    if call.state.is_draining.load(Ordering::Acquire) {
        return Err(Problem::new(ErrorCode::RuntimeDraining, "The runtime is shutting down."));
    }
    Ok(())
}

async fn dispatch(endpoint: Endpoint, call: &mut Call) -> Result<Answer, Box<Problem>> {
    match endpoint {
        Endpoint::ApiCatalog => api_catalog::api_catalog(call).await,
        Endpoint::Catalog => catalog::effective(call).await,
        Endpoint::Changes => changes::changes(call).await,
        Endpoint::Definitions => changes::definitions(call).await,
        Endpoint::Execute => execute::execute(call).await,
        Endpoint::Workflow => workflows::run(call).await,
        Endpoint::Refresh => refresh::refresh(call).await,
        Endpoint::Audit => audit::events(call).await,
        Endpoint::BrowserConfig => browser_config::browser_config(call),
        Endpoint::RuntimeInfo => runtime::info(call).await,
        Endpoint::RuntimeStop => runtime::stop(call).await,
        Endpoint::Heartbeat => sessions::heartbeat(call).await,
        Endpoint::SessionClose => sessions::close(call).await,
        Endpoint::Traces => traces::traces(call).await,
        Endpoint::Log => log::log(call).await,
        Endpoint::Metrics => metrics::metrics(call).await,
        Endpoint::Health => health::health(),
        Endpoint::Ready => health::ready(call).await,
    }
}

/// Path, endpoint, name of its span, what it asks of callers.
type Found = (&'static str, Endpoint, &'static str, Access);

/// The endpoint of a path. `/v1/traces/<id>` is the one path with a variable part; doubled slashes count as one.
fn endpoint(path: &str, method: &Method) -> Result<Found, Box<Problem>> {
    let cleaned;
    let path = if path.contains("//") {
        cleaned = path.split('/').filter(|s| !s.is_empty()).fold(String::new(), |all, s| all + "/" + s);
        &cleaned
    } else {
        path
    };
    let wanted = if path.starts_with("/v1/traces/") { "/v1/traces" } else { path };
    let Some((route, methods, endpoint, name, access)) = ENDPOINTS.iter().find(|(path, ..)| *path == wanted)
    else {
        return Err(Problem::new(ErrorCode::NotFound, format!("There is no endpoint {path}.")));
    };
    if methods.contains(method) {
        return Ok((route, *endpoint, name, *access));
    }
    let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let detail = format!("{path} takes {allow}, not {method}.");
    Err(Problem::new(ErrorCode::MethodNotAllowed, detail).with("allow", allow))
}

fn request_id(headers: &HeaderMap) -> RequestId {
    headers
        .get(REQUEST_ID_HEADER)
        .and_then(|value| RequestId::parse(value.to_str().ok()?))
        .unwrap_or_else(RequestId::generate)
}

impl Call {
    /// The snapshot for a configuration, which must be one that the caller was looked at for.
    pub(crate) async fn snapshot(&self, selector: &str) -> Result<Arc<Snapshot>, Box<Problem>> {
        self.state.snapshot(selector, self.guard.as_ref(), self.trace()).await
    }

    /// For endpoints that need no catalog: the query names a configuration of this runtime, or none.
    pub(crate) async fn check_selector(&self) -> Result<(), Box<Problem>> {
        self.state.check_selector(self.query.get("config"), self.guard.as_ref()).await
    }

    /// Where work begins its spans.
    pub(crate) fn trace(&self) -> &Trace {
        self.span.trace()
    }

    /// Reads the body: bounded, and JSON by its `Content-Type` (a web page can't send that across origins).
    pub(crate) async fn json_body(&mut self) -> Result<bytes::Bytes, Box<Problem>> {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let limit = self.state.settings.max_request_bytes;
        let Some(body) = self.body.take() else { return Ok(bytes::Bytes::new()) };
        let read = tokio::time::timeout(BODY_TIMEOUT, body::read(body, limit)).await.map_err(|_| {
            let seconds = BODY_TIMEOUT.as_secs();
            Problem::new(ErrorCode::RequestTimeout, format!("The body was not there after {seconds} s."))
        })?;
        let bytes = read.map_err(|error| match error {
            body::ReadError::TooLarge(limit) => {
                let detail = format!("The body is larger than {limit} bytes (--max-request-bytes).");
                Problem::new(ErrorCode::RequestTooLarge, detail).with("limitBytes", limit)
            }
            body::ReadError::Broken(error) => {
                Problem::new(ErrorCode::InvalidRequest, format!("The body could not be read: {error}."))
            }
        })?;
        if !bytes.is_empty() && media_type != "application/json" && !media_type.ends_with("+json") {
            let detail = format!("The body's Content-Type is \"{content_type}\", not application/json.");
            return Err(Problem::new(ErrorCode::UnsupportedMediaType, detail));
        }
        Ok(bytes)
    }
}

/// Reads a JSON object of this shape. Arrays are refused: a decoder may take their items for members by position.
pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Box<Problem>> {
    if body.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(Problem::new(
            ErrorCode::InvalidRequest,
            "The JSON does not have the shape this endpoint takes.",
        ));
    }
    serde_json::from_slice(body).map_err(|error| invalid_json(&error))
}

/// Refuses names that only fill logs and memory.
pub(crate) fn check_names(names: &[(&str, &str)]) -> Result<(), Box<Problem>> {
    match names.iter().find(|(_, value)| value.len() > MAX_NAME) {
        Some((member, _)) => {
            let detail = format!("The member {member} is longer than {MAX_NAME} bytes.");
            Err(Problem::new(ErrorCode::InvalidRequest, detail).with("limitBytes", MAX_NAME))
        }
        None => Ok(()),
    }
}

/// A parse error of ours, told to the caller without the decoder's internals.
fn invalid_json(error: &serde_json::Error) -> Box<Problem> {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        serde_json::error::Category::Eof => "The JSON ends too early",
        serde_json::error::Category::Syntax => "The body is not JSON",
        _ => "The JSON does not have the shape this endpoint takes",
    };
    // What was expected, not what came: that may be a secret, and this is traced.
    let text = error.to_string();
    let expected = text.split(" at line ").next().and_then(|text| text.rsplit_once(", expected "));
    let expected = expected.map(|(_, expected)| format!(": expected {expected}")).unwrap_or_default();
    Problem::new(ErrorCode::InvalidRequest, format!("{what} (line {line}, column {column}){expected}."))
}
