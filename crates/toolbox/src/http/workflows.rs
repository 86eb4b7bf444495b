//! `POST /v1/workflows/run` (runtime-and-admin §4.3; deviation 15; weakness W-27): what a workflow would do, and what the
//! policy says to each step that it may take. Whoever asks is on record, like a caller of the tools.

use super::respond::{self, Answer};
use super::{Call, Problem, authn, catalog, check_names, parse, record};
use open_cli_catalog::{Called, Reached, Snapshot, WorkflowEntry};
use open_cli_contract::audit::AuditEvent;
use open_cli_contract::problem::ErrorCode;
use open_cli_contract::workflow::{PlannedStep, WorkflowPlan, WorkflowRequest};
use open_cli_observe::Event;
use open_cli_policy::{Mode, Reason};
use std::time::Instant;

pub(super) const NAME: &str = "runtime.workflows.run";
/// What records are about that are about no tool.
const ABOUT: &str = "workflows.run";

pub(super) async fn run(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let started = Instant::now();
    let body = match call.json_body().await {
        Ok(body) => body,
        Err(problem) => return Err(misdirected(call, record::base(call), problem).await),
    };
    let (request, mode) = match parsed(&body) {
        Ok(parsed) => parsed,
        Err(problem) => return Err(misdirected(call, record::base(call), problem).await),
    };
    let result = answer(call, &request, mode).await;
    let mut event = Event { operation: request.workflow_id.to_string(), ..Event::named(NAME) };
    match &result {
        Ok(_) => event.status_code = 200,
        Err(problem) => event.error_category = problem.code.clone().into(),
    }
    event.duration = Some(started.elapsed());
    call.trace().event(event);
    result
}

fn parsed(body: &[u8]) -> Result<(WorkflowRequest<'_>, Option<Mode>), Box<Problem>> {
    let request: WorkflowRequest<'_> = parse(body)?;
    check_names(&[
        ("workflowId", &request.workflow_id),
        ("mode", &request.mode),
        ("agentProfile", &request.agent_profile),
        ("configPath", &request.config_path),
    ])?;
    let mode = catalog::mode(&request.mode)?;
    Ok((request, mode))
}

async fn answer(
    call: &mut Call,
    request: &WorkflowRequest<'_>,
    mode: Option<Mode>,
) -> Result<Answer, Box<Problem>> {
    authn::identify(call, &request.config_path).await?;
    let snapshot = match call.snapshot(&request.config_path).await {
        Ok(snapshot) => snapshot,
        // A caller that is not who it should be has a record of its own.
        Err(problem) if problem.code == ErrorCode::AuthnFailed.as_str() => return Err(problem),
        Err(problem) => {
            let about = AuditEvent { workflow_id: request.workflow_id.to_string(), ..record::base(call) };
            return Err(misdirected(call, about, problem).await);
        }
    };
    let about = AuditEvent {
        workflow_id: request.workflow_id.to_string(),
        agent_profile: request.agent_profile.to_string(),
        catalog_revision: snapshot.fingerprint().to_owned(),
        config_identity: call.state.configs.identity(&request.config_path),
        ..record::base(call)
    };
    let found = snapshot.workflow(&request.workflow_id);
    // A workflow that the caller does not reach in full, and one that does not exist, look the same (W-13).
    if call.guard.is_some() && !found.is_some_and(|entry| is_reached(call, &snapshot, entry)) {
        return Err(out_of_reach(call, &request.workflow_id, about).await);
    }
    let Some(entry) = found else {
        let detail = format!("The catalog has no workflow \"{}\".", request.workflow_id);
        let problem = Problem::new(ErrorCode::WorkflowNotFound, detail).with("workflowId", &*request.workflow_id);
        return Err(misdirected(call, about, problem).await);
    };
    let plan = plan(call, request, mode, &snapshot, entry, &about).await?;
    if !request.plan {
        let detail = "This runtime plans workflows and does not run them yet; send \"plan\": true.";
        return Err(misdirected(call, about, Problem::new(ErrorCode::NotConfigured, detail)).await);
    }
    let event = AuditEvent { tool_id: ABOUT.into(), ..about };
    call.state.record(&record::done(event, "workflow_plan")).await?;
    respond::json(&plan)
}

/// Does the caller reach the tools of all steps that a run may take (WF-1, FLT-3)?
fn is_reached(call: &Call, snapshot: &Snapshot, entry: &WorkflowEntry) -> bool {
    snapshot.reached(entry).iter().all(|reached| match reached.called {
        Called::Tool(place) => snapshot.tool_at(place).is_some_and(|tool| authn::reaches(call, snapshot, &tool)),
        Called::Workflow(_) => true,
    })
}

async fn out_of_reach(call: &Call, workflow_id: &str, about: AuditEvent) -> Box<Problem> {
    let about = AuditEvent { tool_id: ABOUT.into(), event_type: "authz_denial".into(), ..about };
    let refused = AuditEvent { status_code: 0, ..record::refused(about, ErrorCode::AuthzDenied) };
    match call.state.record(&refused).await {
        Ok(()) => {
            let detail = format!("The token's scopes do not include all steps of \"{workflow_id}\".");
            Problem::new(ErrorCode::AuthzDenied, detail).with("workflowId", workflow_id)
        }
        Err(unavailable) => unavailable,
    }
}

/// What the policy says to each step. The first that is refused decides (WF-1), is on record, and ends it.
async fn plan(
    call: &Call,
    request: &WorkflowRequest<'_>,
    mode: Option<Mode>,
    snapshot: &Snapshot,
    entry: &WorkflowEntry,
    about: &AuditEvent,
) -> Result<WorkflowPlan, Box<Problem>> {
    let mut deciding = call.trace().span("policy.decide");
    let admission = snapshot.policy().admission(mode, &request.agent_profile);
    let mut plan = WorkflowPlan {
        workflow_id: entry.id().to_owned(),
        steps: entry.workflow().steps.iter().map(|step| step.id.clone()).collect(),
        plan: Vec::new(),
    };
    let mut refused: Option<(Reached<'_>, Reason, String)> = None;
    for reached in snapshot.reached(entry) {
        let mut planned = PlannedStep {
            workflow_id: reached.workflow.id().to_owned(),
            step_id: reached.step.id.clone(),
            tool_id: String::new(),
            decision: Reason::Allowed.as_str().to_owned(),
        };
        if let Called::Tool(place) = reached.called {
            // Bound when the snapshot was built, so it is there.
            let Some(tool) = snapshot.tool_at(place) else {
                return Err(respond::internal("a step lost its tool"));
            };
            let decision = snapshot.policy().decide(tool.verdict(), &admission, request.approval);
            planned.tool_id = tool.id().to_owned();
            planned.decision = decision.reason.as_str().to_owned();
            if decision.reason != Reason::Allowed && refused.is_none() {
                refused = Some((reached, decision.reason, decision.because.to_string()));
            }
        }
        plan.plan.push(planned);
    }
    let Some((reached, reason, because)) = refused else {
        deciding.set("policy.decision", Reason::Allowed.as_str());
        deciding.end();
        return Ok(plan);
    };
    deciding.set("policy.decision", reason.as_str());
    deciding.end();
    let Called::Tool(place) = reached.called else { return Err(respond::internal("a step lost its tool")) };
    let Some(tool) = snapshot.tool_at(place) else { return Err(respond::internal("a step lost its tool")) };
    let prepared = tool.prepared().map_err(respond::internal)?;
    let about = AuditEvent {
        workflow_id: reached.workflow.id().to_owned(),
        step_id: reached.step.id.clone(),
        ..record::of_tool(about.clone(), &prepared)
    };
    call.state.record(&record::refusal(about, reason)).await?;
    let code = ErrorCode::parse(reason.as_str()).unwrap_or(ErrorCode::AuthzDenied);
    let detail =
        format!("Step \"{}\" of \"{}\": {}: {because}.", reached.step.id, reached.workflow.id(), tool.id());
    let plan = serde_json::to_value(&plan.plan).map_err(respond::internal)?;
    let problem = Problem::new(code, detail).with("workflowId", entry.id()).with("stepId", &*reached.step.id);
    Err(problem.with("toolId", tool.id()).with("plan", plan))
}

/// An attempt that comes to no workflow is on record too; gives the problem back.
async fn misdirected(call: &Call, about: AuditEvent, problem: Box<Problem>) -> Box<Problem> {
    let about = AuditEvent { tool_id: ABOUT.into(), ..about };
    match call.state.record(&record::failed(about, &problem.code)).await {
        Ok(()) => problem,
        Err(unavailable) => unavailable,
    }
}
