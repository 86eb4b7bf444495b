//! The audit records of requests: which attempt writes which record (config-and-state §5.3, weaknesses 59 to 63).

use super::{Call, Problem};
use open_cli_catalog::{PreparedTool, Snapshot};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision};
use open_cli_contract::execute::ExecuteRequest;
use open_cli_contract::problem::ErrorCode;
use open_cli_policy::Reason;
use std::time::{Duration, Instant};

/// How the attempt to reach the upstream ended.
pub(super) struct Executed<'a> {
    pub(super) schemes: String,
    pub(super) request_size: u64,
    pub(super) retry_count: u32,
    pub(super) took: Duration,
    /// Upstream status, and a code when the answer was not what it said it was.
    pub(super) result: Result<(u16, &'static str), &'a Problem>,
}

/// What every record of a request says.
pub(super) fn base(call: &Call) -> AuditEvent {
    let (principal, lineage) = match &call.caller {
        Some(caller) => (caller.principal.clone(), caller.lineage.clone()),
        None => (String::new(), None),
    };
    AuditEvent {
        timestamp: Timestamp::now(),
        principal,
        lineage,
        request_id: call.request_id.to_string(),
        trace_id: call.trace().trace_id().to_string(),
        client_address: call.peer.ip().to_string(),
        ..AuditEvent::default()
    }
}

/// What every record about a tool says.
pub(super) fn about(
    call: &Call,
    request: &ExecuteRequest<'_>,
    snapshot: &Snapshot,
    prepared: &PreparedTool,
) -> AuditEvent {
    let about = AuditEvent {
        agent_profile: request.agent_profile.to_string(),
        catalog_revision: snapshot.fingerprint().to_owned(),
        config_identity: call.state.configs.identity(&request.config_path),
        ..base(call)
    };
    of_tool(about, prepared)
}

/// The same record, about this tool.
pub(super) fn of_tool(about: AuditEvent, prepared: &PreparedTool) -> AuditEvent {
    let tool = prepared.tool();
    AuditEvent {
        tool_id: tool.id.clone(),
        service_id: tool.service_id.clone(),
        target_base_url: prepared.target().to_owned(),
        method: tool.method.clone(),
        path: tool.path.clone(),
        ..about
    }
}

/// `authz_denial`.
pub(super) fn refusal(about: AuditEvent, reason: Reason) -> AuditEvent {
    AuditEvent {
        event_type: "authz_denial".into(),
        decision: Decision::Denied,
        reason_code: reason.as_str().into(),
        error_code: reason.as_str().into(),
        outcome: "refused".into(),
        ..about
    }
}

/// `tool_execution` or `execution_error`.
pub(super) fn execution(about: AuditEvent, executed: &Executed<'_>) -> AuditEvent {
    let base = AuditEvent {
        auth_scheme: executed.schemes.clone(),
        request_size: executed.request_size,
        latency_ms: Some(u64::try_from(executed.took.as_millis()).unwrap_or(u64::MAX)),
        retry_count: executed.retry_count,
        ..about
    };
    match &executed.result {
        Ok((status_code, error_code)) => AuditEvent {
            event_type: "tool_execution".into(),
            decision: Decision::Allowed,
            reason_code: "allowed".into(),
            status_code: *status_code,
            error_code: (*error_code).into(),
            outcome: match status_code {
                ..400 => "ok",
                400..500 => "client_error",
                _ => "server_error",
            }
            .into(),
            ..base
        },
        Err(problem) => failed(base, &problem.code),
    }
}

/// `tool_preview`: somebody looked at what a call would send.
pub(super) fn previewed(about: AuditEvent) -> AuditEvent {
    AuditEvent { event_type: "tool_preview".into(), outcome: "ok".into(), ..about }
}

/// An action that was refused.
pub(super) fn refused(action: AuditEvent, code: ErrorCode) -> AuditEvent {
    AuditEvent {
        decision: Decision::Denied,
        reason_code: code.as_str().into(),
        error_code: code.as_str().into(),
        status_code: code.status(),
        outcome: "refused".into(),
        ..action
    }
}

/// `execution_error`: allowed, and no upstream answered.
pub(super) fn failed(about: AuditEvent, code: &str) -> AuditEvent {
    AuditEvent {
        event_type: "execution_error".into(),
        decision: Decision::Error,
        reason_code: "execution_error".into(),
        error_code: code.into(),
        outcome: "failed".into(),
        ..about
    }
}

/// An attempt that never came to a tool: malformed, or a tool that the catalog does not have.
pub(super) fn misdirected(call: &Call, tool_id: &str, problem: &Problem) -> AuditEvent {
    let about = AuditEvent { tool_id: tool_id.into(), ..base(call) };
    failed(about, &problem.code)
}

/// Records that a call of a tool was turned away before anybody looked at it, and gives the problem back.
pub(super) async fn turned_away(call: &Call, problem: Box<Problem>) -> Box<Problem> {
    let about = AuditEvent { tool_id: "tools.execute".into(), event_type: "authz_denial".into(), ..base(call) };
    let event = match ErrorCode::parse(&problem.code) {
        Some(code) => refused(about, code),
        None => failed(about, &problem.code),
    };
    // Logged by `record`; the refusal stands whether or not it can be written down.
    let _ = call.state.record(&event).await;
    problem
}

/// Records that an authenticated caller looked at its part of the catalog; nothing where callers are not authenticated.
pub(super) async fn connected(call: &Call, snapshot: &Snapshot) -> Result<(), Box<Problem>> {
    if call.guard.is_none() {
        return Ok(());
    }
    let connect = action(call, "authenticated_connect", "runtime.authenticated_connect");
    call.state.record(&connect).await?;
    let filtered = AuditEvent {
        status_code: 0,
        catalog_revision: snapshot.fingerprint().to_owned(),
        config_identity: call.state.configs.identity(call.query.get("config")),
        ..action(call, "catalog_filtered", "catalog.effective")
    };
    call.state.record(&filtered).await
}

/// Records that a caller was turned away, and gives the problem back; or says that it could not be recorded. Bounded
/// in time: anybody can be turned away as often as he likes.
pub(super) async fn authn_failure(call: &Call, problem: Box<Problem>) -> Box<Problem> {
    let Some(suppressed) = call.state.authn.is_for_the_record(Instant::now()) else { return problem };
    tracing::info!(cause = call.cause, client = %call.peer.ip(), request = %call.request_id, "a caller was turned away");
    let event = AuditEvent {
        cause: call.cause.into(),
        suppressed,
        event_type: "authn_failure".into(),
        tool_id: "runtime.authn_failure".into(),
        decision: Decision::Denied,
        reason_code: "authn_failed".into(),
        error_code: ErrorCode::AuthnFailed.as_str().into(),
        status_code: problem.status,
        outcome: "refused".into(),
        ..base(call)
    };
    match call.state.record(&event).await {
        Ok(()) => problem,
        Err(unavailable) => unavailable,
    }
}

/// What was done with the runtime itself: a refresh, a read of the audit log, its end.
pub(super) fn action(call: &Call, event_type: &str, tool_id: &str) -> AuditEvent {
    done(AuditEvent { tool_id: tool_id.into(), ..base(call) }, event_type)
}

/// Something that is no call of a tool was done.
pub(super) fn done(about: AuditEvent, event_type: &str) -> AuditEvent {
    AuditEvent { event_type: event_type.into(), reason_code: event_type.into(), status_code: 200, ..about }
}
