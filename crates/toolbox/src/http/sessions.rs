//! `POST /v1/runtime/heartbeat` and `/v1/runtime/session-close` (runtime-and-admin §7).

use super::respond::{self, Answer};
use super::{Call, Problem, authn, check_names, parse, record};
use crate::leases::Beat;
use open_cli_callers::Right;
use open_cli_contract::audit::AuditEvent;
use open_cli_contract::problem::ErrorCode;
use serde::{Deserialize, Serialize};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SessionRequest {
    session_id: String,
    config_fingerprint: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeartbeatAnswer<'a> {
    renewed: bool,
    session_id: &'a str,
    active_sessions: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    closed: bool,
    active_sessions: usize,
}

pub(super) async fn heartbeat(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let request = request(call).await?;
    let session_id = request.session_id.trim();
    if session_id.is_empty() {
        return Err(Problem::new(ErrorCode::InvalidRequest, "sessionId is required."));
    }
    let expected = &call.state.settings.config_fingerprint;
    if !expected.is_empty() && !request.config_fingerprint.is_empty() && *expected != request.config_fingerprint {
        let code = ErrorCode::RuntimeAttachMismatch;
        let attached = record::action(call, "session_attach", "runtime.session");
        let attached = AuditEvent { session_id: session_id.into(), ..attached };
        call.state.record(&record::refused(attached, code)).await?;
        return Err(Problem::new(code, "The configuration fingerprints differ."));
    }
    let state = &call.state;
    let attached =
        AuditEvent { session_id: session_id.into(), ..record::action(call, "session_attach", "runtime.session") };
    let Ok(renewed) = state.leases.renew(session_id, &principal(call)) else {
        let code = ErrorCode::RuntimeAttachConflict;
        state.record(&record::refused(attached, code)).await?;
        let detail = match state.leases.is_of_another(session_id, &principal(call)) {
            true => "The session is another caller's.",
            false => "Another session holds this exclusive runtime.",
        };
        return Err(Problem::new(code, detail));
    };
    if renewed == Beat::Attached {
        // A session that is not on record is not attached either.
        state.record(&attached).await.inspect_err(|_| {
            state.leases.close(session_id);
        })?;
    }
    // With leases off nothing is renewed, and the answer says so (W-33).
    let active_sessions = state.leases.active();
    respond::json(&HeartbeatAnswer { renewed: renewed != Beat::Off, session_id, active_sessions })
}

pub(super) async fn close(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let request = request(call).await?;
    let session_id = request.session_id.trim();
    if !session_id.is_empty() {
        if call.state.leases.is_of_another(session_id, &principal(call)) {
            authn::demand(call, Right::RuntimeAdmin).await?;
        }
        let was_last = call.state.leases.close(session_id);
        // §5.3: the shutdown is recorded before the close that caused it.
        let is_the_end = was_last && call.state.settings.shutdown.ends_with_owner();
        if is_the_end {
            call.state.audit_lease_shutdown("close").await;
        }
        let event = record::action(call, "session_close", "runtime.session");
        // Logged by `record`; a session closes whether or not that can be written down.
        let _ = call.state.record(&AuditEvent { session_id: session_id.into(), ..event }).await;
        if is_the_end {
            call.state.shutdown.request("serve_exit");
        }
    }
    respond::json(&Closed { closed: true, active_sessions: call.state.leases.active() })
}

/// Whose sessions these are; nobody's where callers are not authenticated.
fn principal(call: &Call) -> String {
    call.caller.as_ref().map(|caller| caller.principal.clone()).unwrap_or_default()
}

async fn request(call: &mut Call) -> Result<SessionRequest, Box<Problem>> {
    call.check_selector().await?;
    let body = call.json_body().await?;
    let request = if body.is_empty() { SessionRequest::default() } else { parse(&body)? };
    check_names(&[("sessionId", &request.session_id)])?;
    Ok(request)
}
