//! A dry run: what a call would send and what the policy says to it (client §12.10, W29). Nothing is sent, no secret is
//! read, and the look is on record.

use super::arguments::{self, Decoded};
use super::respond::{self, Answer};
use super::{Call, Problem, mcp, record};
use open_cli_catalog::{PreparedTool, Snapshot};
use open_cli_contract::audit::AuditEvent;
use open_cli_contract::execute::ExecuteRequest;
use open_cli_contract::preview::{PolicyVerdict, Preview, Unchecked};
use open_cli_policy::Decision;
use open_cli_request::FilledRequest;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What would be sent.
enum Shown<'a> {
    /// To a tool of an MCP server.
    Input(Cow<'a, RawValue>),
    Request(Box<FilledRequest>),
}

/// Answers a dry run. `about` is what the record says about the tool.
pub(super) async fn preview(
    call: &Call,
    snapshot: &Snapshot,
    prepared: &PreparedTool,
    request: &ExecuteRequest<'_>,
    decoded: &Decoded,
    decision: &Decision,
    about: AuditEvent,
) -> Result<Answer, Box<Problem>> {
    let tool = prepared.tool();
    let policy = verdict(decision);
    let about =
        AuditEvent { decision: policy.decision, reason_code: policy.code.clone(), ..record::previewed(about) };
    let is_mcp = tool.backend.as_ref().is_some_and(|backend| backend.kind == "mcp");
    let shown = if is_mcp {
        mcp::input(prepared, request, decoded).map(Shown::Input)
    } else {
        let filled = prepared.template().fill(&decoded.arguments(request));
        filled
            .map(|filled| Shown::Request(Box::new(filled)))
            .map_err(|faults| arguments::invalid(&tool.id, &faults))
    };
    let shown = match shown {
        Ok(shown) => shown,
        Err(problem) => {
            let event = AuditEvent { error_code: problem.code.clone(), outcome: "failed".into(), ..about };
            call.state.record(&event).await?;
            let policy = serde_json::to_value(&policy).map_err(respond::internal)?;
            return Err(problem.with("policy", policy));
        }
    };
    let (size, target_base_url) = match &shown {
        Shown::Input(input) => (input.get().len(), about.target_base_url.clone()),
        Shown::Request(filled) => (filled.body.as_ref().map_or(0, bytes::Bytes::len), target(prepared, filled)),
    };
    call.state.record(&AuditEvent { request_size: size as u64, target_base_url, ..about }).await?;
    let (shown, input, secrets) = match shown {
        Shown::Input(input) => (None, Some(input.into_owned()), Vec::new()),
        Shown::Request(filled) => {
            let plan = snapshot.secrets().plan(&tool.service_id, &tool.auth_alternatives);
            let (shown, secrets) = filled.preview(&tool.service_id, &plan);
            (Some(shown), None, secrets)
        }
    };
    let unchecked = match request.validate {
        Some(false) => {
            let reason = "the call asks for no checks".to_owned();
            vec![Unchecked { flag: String::new(), pointer: String::new(), reason }]
        }
        _ => prepared.template().unchecked().to_vec(),
    };
    let preview =
        Preview { dry_run: true, tool_id: tool.id.clone(), policy, request: shown, input, secrets, unchecked };
    respond::json(&preview)
}

/// The server that is called, as the audit log names it.
pub(super) fn target(prepared: &PreparedTool, filled: &FilledRequest) -> String {
    match prepared.template().base_url() {
        Some(base) if filled.url.is_at(base) => prepared.target().to_owned(),
        _ => filled.url.origin(),
    }
}

fn verdict(decision: &Decision) -> PolicyVerdict {
    use open_cli_contract::audit::Decision as Said;
    PolicyVerdict {
        decision: if decision.is_allowed() { Said::Allowed } else { Said::Denied },
        code: decision.reason.as_str().to_owned(),
        reasons: Some(decision.because.clone()).filter(|because| !because.is_empty()).into_iter().collect(),
    }
}
