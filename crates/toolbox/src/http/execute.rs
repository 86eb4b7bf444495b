//! `POST /v1/tools/execute` (runtime-and-admin §4.2): the way of a governed call, step by step.

use super::arguments::{self, Decoded};
use super::respond::{self, Answer};
use super::{Call, Problem, authn, catalog, check_names, mcp, parse, preview, record};
use crate::rate::{self, Counted};
use crate::state::State;
use base64::Engine;
use bytes::Bytes;
use open_cli_catalog::{PreparedTool, Snapshot, ToolEntry};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::AuditEvent;
use open_cli_contract::execute::ExecuteRequest;
use open_cli_contract::problem::ErrorCode;
use open_cli_credentials::Credentials;
use open_cli_execution::{ResultBody, ToolResult};
use open_cli_observe::{Event, Trace};
use open_cli_policy::{Mode, Reason};
use std::borrow::Cow;
use std::time::{Duration, Instant};

pub(super) const NAME: &str = "runtime.tools.execute";
/// Answers below this are copied into one piece.
const COPY_BELOW: usize = 16 * 1024;

/// How a call that names a tool of the catalog ended.
struct Outcome {
    result: Result<ToolResult, Box<Problem>>,
    schemes: String,
    retry_count: u32,
    request_size: u64,
    /// The server that the caller chose.
    target: Option<String>,
    took: Duration,
    /// What is wrong with an answer that is passed on all the same; empty for nothing.
    error_code: &'static str,
}

pub(super) async fn execute(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let started = Instant::now();
    let body = match call.json_body().await {
        Ok(body) => body,
        Err(problem) => return Err(misdirected(call, "", problem).await),
    };
    match parsed(&body) {
        Ok((request, mode, decoded)) => run(call, started, &request, mode, decoded).await,
        Err(problem) => Err(misdirected(call, "", problem).await),
    }
}

fn parsed(body: &[u8]) -> Result<(ExecuteRequest<'_>, Option<Mode>, Decoded), Box<Problem>> {
    let request: ExecuteRequest<'_> = parse(body)?;
    check_names(&[
        ("toolId", &request.tool_id),
        ("mode", &request.mode),
        ("agentProfile", &request.agent_profile),
        ("configPath", &request.config_path),
    ])?;
    let mode = catalog::mode(&request.mode)?;
    let decoded = arguments::decode(&request)?;
    Ok((request, mode, decoded))
}

/// An attempt that reaches no tool is recorded too; gives the problem back.
async fn misdirected(call: &Call, tool_id: &str, problem: Box<Problem>) -> Box<Problem> {
    match call.state.record(&record::misdirected(call, tool_id, &problem)).await {
        Ok(()) => problem,
        Err(unavailable) => unavailable,
    }
}

/// EXE-5: a tool that the caller does not reach, and one that does not exist, look the same (W-13).
async fn out_of_reach(
    call: &Call,
    request: &ExecuteRequest<'_>,
    snapshot: &Snapshot,
    found: Option<ToolEntry<'_>>,
) -> Box<Problem> {
    let id = &request.tool_id;
    let prepared = match found.map(|entry| entry.prepared()).transpose() {
        Ok(prepared) => prepared,
        Err(error) => return respond::internal(error),
    };
    let about = match prepared {
        Some(prepared) => record::about(call, request, snapshot, &prepared),
        None => AuditEvent {
            agent_profile: request.agent_profile.to_string(),
            tool_id: id.to_string(),
            catalog_revision: snapshot.fingerprint().to_owned(),
            config_identity: call.state.configs.identity(&request.config_path),
            ..record::base(call)
        },
    };
    let refused = AuditEvent { status_code: 0, ..record::refused(about, ErrorCode::AuthzDenied) };
    let event = AuditEvent { event_type: "authz_denial".into(), ..refused };
    match call.state.record(&event).await {
        Ok(()) => {
            // The caller's scopes cover it, so why it is refused all the same is for him to know.
            let denied = found.filter(|entry| authn::covers(call, snapshot, entry));
            let detail = match denied.map(|entry| {
                snapshot.policy().decide(entry.verdict(), &snapshot.policy().admission(None, ""), true)
            }) {
                Some(decision) => format!("\"{id}\" is out of everybody's reach: {}.", decision.because),
                None => format!("The token's scopes do not include \"{id}\"."),
            };
            Problem::new(ErrorCode::AuthzDenied, detail).with("toolId", &**id)
        }
        Err(unavailable) => unavailable,
    }
}

async fn run(
    call: &mut Call,
    started: Instant,
    request: &ExecuteRequest<'_>,
    mode: Option<Mode>,
    decoded: Decoded,
) -> Result<Answer, Box<Problem>> {
    let event = |operation: String, category: Cow<'static, str>| Event {
        operation,
        error_category: category,
        duration: Some(started.elapsed()),
        ..Event::named(NAME)
    };
    authn::identify(call, &request.config_path).await?;
    let snapshot = match call.snapshot(&request.config_path).await {
        Ok(snapshot) => snapshot,
        Err(problem) => {
            call.trace().event(event("tools.execute".into(), "catalog_load_error".into()));
            // A caller that is not who it should be has a record of its own.
            let is_recorded = problem.code == ErrorCode::AuthnFailed.as_str();
            return Err(if is_recorded { problem } else { misdirected(call, &request.tool_id, problem).await });
        }
    };
    let found = snapshot.tool(&request.tool_id);
    if found.is_none() && snapshot.is_damaged() {
        return Err(misdirected(call, &request.tool_id, catalog::being_rebuilt()).await);
    }
    if call.guard.is_some() && !found.is_some_and(|entry| authn::reaches(call, &snapshot, &entry)) {
        call.trace().event(event(request.tool_id.to_string(), "authz_denied".into()));
        return Err(out_of_reach(call, request, &snapshot, found).await);
    }
    let Some(entry) = found else {
        call.trace().event(event(request.tool_id.to_string(), "tool_not_found".into()));
        let detail = format!("The catalog has no tool \"{}\".", request.tool_id);
        let problem = Problem::new(ErrorCode::ToolNotFound, detail).with("toolId", &*request.tool_id);
        let about = AuditEvent {
            agent_profile: request.agent_profile.to_string(),
            catalog_revision: snapshot.fingerprint().to_owned(),
            config_identity: call.state.configs.identity(&request.config_path),
            ..record::misdirected(call, &request.tool_id, &problem)
        };
        call.state.record(&about).await?;
        return Err(problem);
    };
    let tool = entry.prepared().map_err(respond::internal)?;
    call.span.write(|span| {
        span.set("tool.id", &tool.tool().id);
        span.set("service.id", &tool.tool().service_id);
    });

    let mut deciding = call.trace().span("policy.decide");
    let admission = snapshot.policy().admission(mode, &request.agent_profile);
    let decision = snapshot.policy().decide(entry.verdict(), &admission, request.approval);
    deciding.set("policy.decision", decision.reason.as_str());
    deciding.end();
    call.span.set("policy.decision", decision.reason.as_str());
    let about = record::about(call, request, &snapshot, &tool);
    if let Err(problem) = arguments::may_be_unvalidated(request, &snapshot.config().config) {
        let refused = AuditEvent { status_code: 0, ..record::refused(about, ErrorCode::UnvalidatedDenied) };
        call.state.record(&AuditEvent { event_type: "authz_denial".into(), ..refused }).await?;
        return Err(problem);
    }
    if request.dry_run {
        return preview::preview(call, &snapshot, &tool, request, &decoded, &decision, about).await;
    }
    if decision.reason != Reason::Allowed {
        let event = event(tool.tool().id.clone(), decision.reason.as_str().into());
        call.trace().event(Event { service: tool.tool().service_id.clone(), ..event });
        call.state.record(&record::refusal(about, decision.reason)).await?;
        let code = ErrorCode::parse(decision.reason.as_str()).unwrap_or(ErrorCode::AuthzDenied);
        let detail = format!("{}: {}.", tool.tool().id, decision.because);
        return Err(Problem::new(code, detail).with("toolId", &*tool.tool().id));
    }

    let about = count(call, request, &snapshot, &tool, about).await?;
    call.state.check_audit().await?;
    // From here on something may happen upstream: whatever becomes of the caller, a record is written.
    let mut guard = Abandoned { state: &call.state, about: Some(about) };
    let outcome = attempt(call, &snapshot, entry, &tool, request, &decoded).await;
    let mut about = guard.about.take().unwrap_or_default();
    if let Some(target) = &outcome.target {
        about.target_base_url.clone_from(target);
    }
    drop(guard);
    call.waited += outcome.took;
    if call.trace().wants_events() {
        let mut event = Event {
            service: tool.tool().service_id.clone(),
            operation: tool.tool().id.clone(),
            duration: Some(outcome.took),
            ..Event::named(NAME)
        };
        match &outcome.result {
            Ok(result) => event.status_code = result.status,
            Err(_) => event.error_category = "execution_error".into(),
        }
        call.trace().event(event);
    }
    if let Ok(result) = &outcome.result {
        call.span.set("upstream.status_code", result.status);
    }
    let executed = record::Executed {
        schemes: outcome.schemes,
        request_size: outcome.request_size,
        retry_count: outcome.retry_count,
        took: outcome.took,
        result: match &outcome.result {
            Ok(result) => Ok((result.status, outcome.error_code)),
            Err(problem) => Err(problem),
        },
    };
    let event = AuditEvent { timestamp: Timestamp::now(), ..record::execution(about, &executed) };
    let appending = call.trace().span("audit.append");
    let recorded = call.state.record(&event).await.map_err(AuditFailed);
    appending.end_with(recorded).map_err(|AuditFailed(mut problem)| {
        problem.detail.push_str(" The call itself was made; its result is withheld.");
        problem
    })?;
    answer(outcome.result?, outcome.error_code)
}

/// Counts the call against the rate limits of the policy.
async fn count(
    call: &mut Call,
    request: &ExecuteRequest<'_>,
    snapshot: &Snapshot,
    tool: &PreparedTool,
    about: AuditEvent,
) -> Result<AuditEvent, Box<Problem>> {
    if snapshot.config().config.policy.rate_limits.is_empty() {
        return Ok(about);
    }
    let peer;
    let caller = match &call.caller {
        Some(caller) => caller.principal.as_str(),
        // Nobody says who it is: where it calls from is all there is.
        None => {
            peer = call.peer.ip().to_string();
            &peer
        }
    };
    let (config, tool) = (call.state.configs.identity(&request.config_path), tool.tool());
    let counted = Counted { config: &config, tool: &tool.id, service: &tool.service_id, caller };
    let standing = match call.state.rates.count(snapshot.config(), &counted) {
        Ok(standing) => {
            call.standing = standing;
            return Ok(about);
        }
        Err(standing) => standing,
    };
    let seconds = rate::whole_seconds(standing.reset);
    let detail = format!(
        "The limit \"{}\" of {} calls in {} s is reached; there will be room in {seconds} s.",
        standing.id,
        standing.requests,
        standing.window.as_secs()
    );
    let problem = Problem::new(ErrorCode::RateLimited, detail)
        .with("toolId", &*tool.id)
        .with("rateLimit", &*standing.id)
        .with(respond::RETRY_AFTER_SECONDS, seconds);
    call.standing = Some(standing);
    let refused =
        AuditEvent { event_type: "authz_denial".into(), ..record::refused(about, ErrorCode::RateLimited) };
    call.state.record(&refused).await?;
    Err(problem)
}

/// Records a call whose caller went away, or that was cut off at the end of the runtime.
struct Abandoned<'a> {
    state: &'a State,
    /// Taken when the call comes to its end.
    about: Option<AuditEvent>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(about) = self.about.take() {
            // Failures are logged; nobody is left to tell.
            self.state.record_abandoned(&AuditEvent {
                timestamp: Timestamp::now(),
                ..record::failed(about, "cancelled")
            });
        }
    }
}

/// Lets a problem end a span.
struct AuditFailed(Box<Problem>);

impl std::fmt::Display for AuditFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

async fn attempt(
    call: &Call,
    snapshot: &Snapshot,
    entry: ToolEntry<'_>,
    prepared: &PreparedTool,
    request: &ExecuteRequest<'_>,
    decoded: &Decoded,
) -> Outcome {
    let started = Instant::now();
    let tool = prepared.tool();
    let mut outcome = Outcome {
        result: Err(Box::default()),
        schemes: String::new(),
        retry_count: 0,
        request_size: 0,
        target: None,
        took: Duration::ZERO,
        error_code: "",
    };
    if let Some(server) = entry.mcp_server() {
        let done = mcp::execute(call, server, prepared, request, decoded).await;
        outcome.error_code = if done.is_error { mcp::TOOL_ERROR } else { "" };
        (outcome.retry_count, outcome.request_size) = (done.retry_count, done.request_size);
        outcome.result = done.result;
        outcome.took = started.elapsed();
        return outcome;
    }
    outcome.result = async {
        let filled = prepared.template().fill(&decoded.arguments(request));
        let filled = filled.map_err(|faults| arguments::invalid(&tool.id, &faults))?;
        if !request.server.is_empty() || !request.server_variables.is_empty() {
            outcome.target = Some(preview::target(prepared, &filled));
        }
        let credentials = resolve(call.trace(), snapshot, prepared)?;
        outcome.schemes.clone_from(&credentials.schemes);
        outcome.request_size = filled.body.as_ref().map_or(0, |body| body.len() as u64);
        let identity = call.state.configs.identity(&request.config_path);
        let way = call.state.routes.of(&identity, snapshot, entry.service());
        let upstream_call = open_cli_execution::Call {
            is_elsewhere: way.is_elsewhere(&filled.url),
            request: filled,
            credentials: &credentials,
            may_repeat: tool.safety.idempotent,
            path_template: &tool.path,
        };
        match call.state.upstream.execute(&way.route, upstream_call, call.trace()).await {
            Ok(result) => {
                outcome.retry_count = result.retry_count;
                Ok(result)
            }
            Err(error) => {
                outcome.retry_count = error.retry_count();
                let problem = Problem::new(error.code(), error.to_string()).with("toolId", &*tool.id);
                Err(match error.retry_after() {
                    Some(after) => problem.with(respond::RETRY_AFTER_SECONDS, after.as_secs_f64().ceil() as u64),
                    None => problem,
                })
            }
        }
    }
    .await;
    if outcome.result.as_ref().is_ok_and(is_invalid_json) {
        outcome.error_code = "upstream_invalid_json";
    }
    outcome.took = started.elapsed();
    outcome
}

fn resolve(trace: &Trace, snapshot: &Snapshot, prepared: &PreparedTool) -> Result<Credentials, Box<Problem>> {
    let tool = prepared.tool();
    if tool.auth_alternatives.is_empty() {
        return Ok(Credentials::none());
    }
    let credentials = trace.span("credentials.resolve");
    let resolved = snapshot.secrets().resolve(&tool.service_id, &tool.auth_alternatives);
    credentials
        .end_with(resolved)
        .map_err(|error| Problem::new(error.code(), error.to_string()).with("toolId", &*tool.id))
}

/// The upstream says that it answers with JSON, and does not.
fn is_invalid_json(result: &ToolResult) -> bool {
    let media_type = result.content_type_text().and_then(|text| text.split(';').next()).unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let declares_json = media_type == "application/json" || media_type.ends_with("+json");
    // An encoded body was not looked into.
    let is_encoded = result.headers.contains_key(http::header::CONTENT_ENCODING);
    declares_json && !is_encoded && matches!(result.body, ResultBody::Text(_) | ResultBody::Binary(_))
}

/// The upstream's JSON is spliced in untouched (EXE-10).
fn answer(result: ToolResult, error_code: &str) -> Result<Answer, Box<Problem>> {
    let mut head = Vec::with_capacity(256);
    head.extend_from_slice(b"{\"statusCode\":");
    head.extend_from_slice(result.status.to_string().as_bytes());
    let mut json: Option<Bytes> = None;
    let content_type = result.content_type_text().map(str::to_owned);
    match result.body {
        ResultBody::Empty => {}
        ResultBody::Json(body) => {
            head.extend_from_slice(b",\"body\":");
            json = Some(body);
        }
        ResultBody::Text(text) => {
            head.extend_from_slice(b",\"text\":");
            serde_json::to_writer(&mut head, &text).map_err(respond::internal)?;
        }
        ResultBody::Binary(bytes) => {
            head.extend_from_slice(b",\"bodyBase64\":\"");
            head.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(&bytes).as_bytes());
            head.push(b'"');
        }
    }
    let mut tail = Vec::with_capacity(96);
    if let Some(content_type) = content_type {
        tail.extend_from_slice(b",\"contentType\":");
        serde_json::to_writer(&mut tail, &content_type).map_err(respond::internal)?;
    }
    if !error_code.is_empty() {
        // Passed on as it is (EXE-10), and said to be wrong.
        tail.extend_from_slice(format!(",\"errorCode\":\"{error_code}\"").as_bytes());
    }
    if result.retry_count > 0 {
        tail.extend_from_slice(format!(",\"retryCount\":{}", result.retry_count).as_bytes());
    }
    tail.extend_from_slice(b"}\n");
    match json {
        Some(body) if body.len() >= COPY_BELOW => Ok(respond::json_pieces(vec![head.into(), body, tail.into()])),
        body => {
            head.extend_from_slice(&body.unwrap_or_default());
            head.extend_from_slice(&tail);
            Ok(respond::json_bytes(head.into()))
        }
    }
}
