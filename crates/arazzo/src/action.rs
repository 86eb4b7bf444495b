//! What comes after a step (Arazzo 1.1 "Success Action Object", "Failure Action Object").

use crate::components::Context;
use crate::criterion::{self, Criterion};
use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::expression::ComponentKind;
use crate::parameter::{self, Parameter, Taker};
use crate::reader::Members;
use crate::reference::WorkflowRef;
use serde_json::Value;
use std::time::Duration;

/// What to do when its criteria hold.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name; a step's action overrides the workflow's of the same name.
    pub name: String,
    /// What to do.
    pub kind: ActionKind,
    /// All of them must hold.
    pub criteria: Vec<Criterion>,
    /// Inputs of the workflow that is gone to.
    pub parameters: Vec<Parameter>,
    /// JSON Pointer of the action.
    pub pointer: String,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    /// The workflow ends.
    End,
    /// Go on elsewhere, and do not come back.
    Goto(Destination),
    /// The step is tried again; of failures only.
    Retry {
        /// How long to wait first; what the API asks for in `Retry-After` goes before it.
        after: Option<Duration>,
        /// How often.
        limit: u32,
        /// What is done before each time.
        via: Option<Destination>,
    },
}

/// Where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A step of the same workflow.
    Step(String),
    /// Another workflow.
    Workflow(WorkflowRef),
}

/// Reads a list of actions of one kind.
pub(crate) fn list(
    members: &Members<'_>,
    name: &str,
    kind: ComponentKind,
    context: &Context<'_>,
    report: &mut Report,
) -> Vec<Action> {
    members.check_list(name, false, report);
    let mut all: Vec<Action> = Vec::new();
    for (item, pointer) in members.list(name, report) {
        let Some(found) = context.resolve(item, &pointer, kind, report) else { continue };
        let own = Members::new(found.map, &found.pointer);
        let Some(action) = action(&own, kind, context, report) else { continue };
        if all.iter().any(|known| known.name == action.name) {
            let message = format!("the action {} is there twice", quoted(&action.name));
            report.error(code::DUPLICATE, &pointer, message, "give each a name of its own");
            continue;
        }
        all.push(action);
    }
    all
}

/// A step's actions, and those of its workflow that it does not override.
pub(crate) fn merged(mut own: Vec<Action>, of_workflow: &[Action]) -> Vec<Action> {
    for action in of_workflow {
        if !own.iter().any(|known| known.name == action.name) {
            own.push(action.clone());
        }
    }
    own
}

fn action(
    members: &Members<'_>,
    kind: ComponentKind,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Action> {
    let is_failure = kind == ComponentKind::FailureActions;
    let mut known = vec!["name", "type", "workflowId", "stepId", "parameters", "criteria"];
    if is_failure {
        known.extend(["retryAfter", "retryLimit"]);
    }
    members.check_known(&known, report);
    context.check_newer(members, &["parameters"], report);
    let name = members.required_text("name", report)?.to_owned();
    let word = members.required_text("type", report)?;
    let destination = destination(members, &name, context, report)?;
    let kind = match (word, destination) {
        ("end", _) => ActionKind::End,
        ("goto", Some(destination)) => ActionKind::Goto(destination),
        ("goto", None) => {
            let message = format!("the action {} goes nowhere", quoted(&name));
            report.error(code::FIELD, members.pointer, message, "give it a \"stepId\" or a \"workflowId\"");
            return None;
        }
        ("retry", via) if is_failure => {
            ActionKind::Retry { after: retry_after(members, report)?, limit: retry_limit(members, report)?, via }
        }
        _ => {
            let message = format!("the action {} is of type {}", quoted(&name), quoted(word));
            let hint = if is_failure { "write end, goto or retry" } else { "write end or goto" };
            report.error(code::FIELD, &members.below("type"), message, hint);
            return None;
        }
    };
    if members.has("parameters") && !members.has("workflowId") {
        let message = format!("the action {} has parameters and no \"workflowId\" that takes them", quoted(&name));
        report.error(code::FIELD, &members.below("parameters"), message, "");
    }
    members.check_list("criteria", !is_failure, report);
    Some(Action {
        name,
        kind,
        criteria: criterion::list(members, "criteria", report),
        parameters: parameter::list(members, Taker::Workflow, context, report),
        pointer: members.pointer.to_owned(),
    })
}

/// The outer `None` is an error that was reported.
fn destination(
    members: &Members<'_>,
    name: &str,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Option<Destination>> {
    match (members.get("stepId"), members.get("workflowId")) {
        (None, None) => Some(None),
        (Some(_), None) => members.text("stepId", report).map(|step| Some(Destination::Step(step.to_owned()))),
        (None, Some(_)) => {
            let text = members.text("workflowId", report)?;
            let workflow = WorkflowRef::read(text, &members.below("workflowId"), context, report)?;
            Some(Some(Destination::Workflow(workflow)))
        }
        (Some(_), Some(_)) => {
            let message = format!("the action {} has both \"stepId\" and \"workflowId\"", quoted(name));
            report.error(code::FIELD, members.pointer, message, "remove one of them");
            None
        }
    }
}

fn retry_after(members: &Members<'_>, report: &mut Report) -> Option<Option<Duration>> {
    let Some(value) = members.get("retryAfter") else { return Some(None) };
    let seconds = value.as_f64().filter(|_| value.is_number());
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(after) => Some(Some(after)),
        None => {
            wrong_number(members, "retryAfter", value, "seconds, not negative", report);
            None
        }
    }
}

/// One retry when nothing is said.
fn retry_limit(members: &Members<'_>, report: &mut Report) -> Option<u32> {
    let Some(value) = members.get("retryLimit") else { return Some(1) };
    let whole =
        value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64));
    match whole {
        Some(limit) => Some(u32::try_from(limit).unwrap_or(u32::MAX)),
        None => {
            wrong_number(members, "retryLimit", value, "a whole number, not negative", report);
            None
        }
    }
}

fn wrong_number(members: &Members<'_>, name: &str, value: &Value, expected: &str, report: &mut Report) {
    let shown = if value.is_number() { value.to_string() } else { kind_name(value).to_owned() };
    let message = format!("\"{name}\" is {shown}; {expected} is expected");
    report.error(code::FIELD, &members.below(name), message, "");
}
