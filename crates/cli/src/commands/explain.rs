//! `explain` (client §11.9, CL-11; W44): everything about one tool.

use super::reference;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;
use open_cli_contract::catalog::{
    AuthAlternative, AuthRequirement, Guidance, Parameter, RequestBody, Safety, Tool, ToolDetails,
};
use open_cli_contract::glob::Pattern;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    tool_id: &'a str,
    summary: &'a str,
    method: &'a str,
    path: &'a str,
    service: &'a str,
    group: &'a str,
    command: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    path_params: &'a [Parameter],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parameters: &'a [Parameter],
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<&'a RequestBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance: Option<&'a Guidance>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    servers: &'a [String],
    safety: Safety,
    auth: &'a [AuthRequirement],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    auth_alternatives: &'a [AuthAlternative],
    approval_required: bool,
    approval_status: &'static str,
    runtime: RuntimeMode,
    runtime_available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a ToolDetails>,
}

#[derive(Serialize)]
struct RuntimeMode {
    mode: &'static str,
}

pub(super) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let found = reference::resolve(app, operands, false)?;
    let tool = &found.tool;
    let status = approval_status(tool, app.settings()?.approval_patterns.as_deref());
    let (auth, alternatives) = auth_parts(tool);
    let report = Report {
        tool_id: &tool.id,
        summary: &tool.summary,
        method: &tool.method,
        path: &tool.path,
        service: &tool.service_id,
        group: &tool.group,
        command: &tool.command,
        description: &tool.description,
        path_params: &tool.path_params,
        parameters: &tool.flags,
        request_body: tool.request_body.as_ref(),
        guidance: tool.guidance.as_ref(),
        servers: &tool.servers,
        safety: tool.safety,
        auth,
        auth_alternatives: alternatives,
        approval_required: status == "required",
        approval_status: status,
        runtime: RuntimeMode { mode: "remote" },
        // The runtime has just answered.
        runtime_available: true,
        details: tool.details.as_ref(),
    };
    app.screen.report(&report, || {
        let services: Vec<_> = found.service.iter().cloned().collect();
        let mut text = help::tool_card(tool, &services, &app.screen);
        let approval = match status {
            "required" => "needed: run it with `--approval`",
            "not_required" => "not needed",
            _ => "unknown: no configuration with a policy is known here",
        };
        text.push_str(&format!("\n{} {approval}\n", app.screen.paint.bold("Approval:")));
        Ok(text)
    })?;
    Ok(Exit::Ok)
}

/// The flat list when there is one; else a single alternative is flattened; else the alternatives.
fn auth_parts(tool: &Tool) -> (&[AuthRequirement], &[AuthAlternative]) {
    match (tool.auth.as_slice(), tool.auth_alternatives.as_slice()) {
        ([], [single]) => (&single.requirements, &[]),
        ([], several) => (&[], several),
        (flat, [_, _, ..]) => (flat, &tool.auth_alternatives),
        (flat, _) => (flat, &[]),
    }
}

/// From the tool's own safety, else from the patterns of the configuration in force.
fn approval_status(tool: &Tool, patterns: Option<&[String]>) -> &'static str {
    if tool.safety.requires_approval {
        return "required";
    }
    match patterns {
        None => "unknown",
        Some(patterns) if patterns.iter().any(|pattern| Pattern::new(pattern).matches(&tool.id)) => "required",
        Some(_) => "not_required",
    }
}
