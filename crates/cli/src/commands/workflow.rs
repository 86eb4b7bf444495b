//! `workflow list`, `workflow show` and `workflow run` (client §11.10; deviation 15).

use super::SERVICE;
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;
use crate::output::{Screen, Table};
use crate::text::{count, first_line, near};
use open_cli_client::CatalogQuery;
use open_cli_contract::catalog::{EffectiveCatalog, Workflow};
use open_cli_contract::workflow::{WorkflowPlan, WorkflowRequest};
use serde::Serialize;

pub(super) const LIST_FLAGS: &[Flag] = &[SERVICE];
pub(super) const RUN_FLAGS: &[Flag] = &[Flag::new("plan", Takes::Nothing, "Only check what it would do")];

/// What is printed: the same path to the workflows as in the whole catalog.
#[derive(Serialize)]
struct Listed<'a> {
    workflows: &'a [Workflow],
}

pub(super) fn list(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let service = app.line.flag("service").unwrap_or_default();
    let query = CatalogQuery { slice: true, workflow: "*", service, ..CatalogQuery::default() };
    let mut answer = app.runtime()?.catalog(&query)?;
    // A runtime that knows only the contract sends everything, and says nothing about any.
    let is_meant = |workflow: &Workflow| {
        let Some(details) = &workflow.details else { return service.is_empty() };
        let alias = answer.catalog.services.iter().find(|known| known.id == details.service_id);
        service.is_empty() || details.service_id == service || alias.is_some_and(|known| known.alias == service)
    };
    let mut workflows = std::mem::take(&mut answer.catalog.workflows);
    workflows.retain(is_meant);
    app.screen.report(&Listed { workflows: &workflows }, || Ok(table(&workflows, &app.screen)))?;
    if workflows.is_empty() {
        let of = if service.is_empty() { String::new() } else { format!(" of {service:?}") };
        app.screen.remark(&format!(
            "There are no workflows{of}: name Arazzo documents under \"workflows\" of a service."
        ));
    }
    Ok(Exit::Ok)
}

fn table(workflows: &[Workflow], screen: &Screen) -> String {
    if workflows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["WORKFLOW", "SERVICE", "STEPS", "SUMMARY"]);
    for workflow in workflows {
        let (service, summary) = match &workflow.details {
            Some(details) => (details.service_id.as_str(), first_line(&details.summary)),
            None => ("", String::new()),
        };
        table.row([&workflow.workflow_id, service, &workflow.steps.len().to_string(), &summary]);
    }
    table.drop_empty();
    table.keep(&["WORKFLOW"]);
    table.wrap("SUMMARY");
    table.render(screen.width(), screen.paint)
}

pub(super) fn show(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let id = operands.first().map_or("", String::as_str);
    let (workflow, answer) = find(app, id)?;
    app.screen.report(&workflow, || Ok(help::workflow_card(&workflow, &answer, &app.screen)))?;
    Ok(Exit::Ok)
}

/// A workflow with everything about it.
fn find(app: &App, id: &str) -> Result<(Workflow, EffectiveCatalog), Failure> {
    let runtime = app.runtime()?;
    let query = CatalogQuery { slice: true, workflow: id, ..CatalogQuery::default() };
    let mut answer = runtime.catalog(&query)?;
    let is_it = |workflow: &Workflow| {
        let qualified =
            workflow.details.as_ref().map(|details| format!("{}:{}", details.service_id, workflow.workflow_id));
        workflow.workflow_id == id || qualified.as_deref() == Some(id)
    };
    if let Some(place) = answer.catalog.workflows.iter().position(is_it) {
        let workflow = answer.catalog.workflows.swap_remove(place);
        return Ok((workflow, answer));
    }
    let all = runtime.catalog(&CatalogQuery { slice: true, workflow: "*", ..CatalogQuery::default() })?;
    let known = all.catalog.workflows.iter().map(|workflow| workflow.workflow_id.as_str());
    let near: Vec<String> = near(id, known).iter().map(|name| format!("`{name}`")).collect();
    let cause = "It is misspelled, not in the catalog, or one of its tools is not in your view.";
    Err(Failure::usage(format!("There is no workflow {id:?}"), cause).suggest(if near.is_empty() {
        "List the workflows with `open-cli workflow list`.".to_owned()
    } else {
        format!("Did you mean {}? List all with `open-cli workflow list`.", near.join(" or "))
    }))
}

pub(super) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let request = WorkflowRequest {
        workflow_id: operands.first().map_or("", String::as_str).into(),
        approval: app.line.globals.approval,
        plan: app.line.is_set("plan"),
        ..WorkflowRequest::default()
    };
    let sent = app.runtime()?.run_workflow(request)?;
    app.screen.report(&sent.value, || {
        let plan: WorkflowPlan = serde_json::from_value(sent.value.clone()).unwrap_or_default();
        Ok(planned(&plan, &app.screen))
    })?;
    Ok(Exit::Ok)
}

/// Every step that may be taken, and a line that sums them up.
fn planned(plan: &WorkflowPlan, screen: &Screen) -> String {
    if plan.plan.is_empty() {
        let steps = plan.steps.join(", ");
        let steps = if steps.is_empty() { "no steps".to_owned() } else { steps };
        return format!("{}: {steps}\n", plan.workflow_id);
    }
    let mut table = Table::new(["WORKFLOW", "STEP", "CALLS", "DECISION"]);
    let is_nested = plan.plan.iter().any(|step| step.workflow_id != plan.workflow_id);
    for step in &plan.plan {
        let workflow = if is_nested { step.workflow_id.as_str() } else { "" };
        let calls = if step.tool_id.is_empty() { "a workflow" } else { &step.tool_id };
        table.row([workflow, &step.step_id, calls, &step.decision]);
    }
    table.drop_empty();
    let calls = plan.plan.iter().filter(|step| !step.tool_id.is_empty()).count();
    let sum = format!("Nothing was called. {} may be, and the policy allows all.", count(calls, "tool call"));
    format!("{}\n{}\n", table.render(screen.width(), screen.paint), screen.paint.good(&sum))
}
