//! Steps (Arazzo 1.1 "Step Object").

use crate::action::{self, Action};
use crate::body::{self, RequestBody};
use crate::components::Context;
use crate::criterion::{self, Criterion};
use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::expression::{ComponentKind, Expression};
use crate::parameter::{self, Parameter, Taker};
use crate::reader::{Members, is_key};
use crate::reference::{OperationRef, StepRef, WorkflowRef};
use crate::template::{Template, Values};
use crate::workflow::Shared;
use serde_json::Value;
use std::time::Duration;

/// A call of an operation or of another workflow.
#[derive(Debug, Clone)]
pub struct Step {
    /// `stepId`, unique in its workflow.
    pub id: String,
    /// Markdown.
    pub description: String,
    /// What is called.
    pub call: Call,
    /// Its own parameters, then the workflow's.
    pub parameters: Vec<Parameter>,
    /// What is sent.
    pub body: Option<RequestBody>,
    /// All of them must hold. None: the status tells, as everywhere else.
    pub success_criteria: Vec<Criterion>,
    /// The first whose criteria hold is taken: its own, then the workflow's.
    pub on_success: Vec<Action>,
    /// Likewise.
    pub on_failure: Vec<Action>,
    /// What later steps may use, in order.
    pub outputs: Vec<(String, Template)>,
    /// Longest that the step may take.
    pub timeout: Option<Duration>,
    /// What must be done before.
    pub depends_on: Vec<StepRef>,
    /// JSON Pointer of the step.
    pub pointer: String,
}

/// What a step calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// An operation over HTTP.
    Operation(OperationRef),
    /// Another workflow.
    Workflow(WorkflowRef),
    /// An AsyncAPI channel or operation, which this program can't use.
    Asynchronous,
}

const KNOWN: &[&str] = &[
    "stepId",
    "description",
    "operationId",
    "operationPath",
    "channelPath",
    "workflowId",
    "parameters",
    "requestBody",
    "successCriteria",
    "onSuccess",
    "onFailure",
    "outputs",
    "timeout",
    "correlationId",
    "action",
    "dependsOn",
];
const NEW_IN_1_1: &[&str] = &["channelPath", "timeout", "correlationId", "action", "dependsOn"];

/// Reads a step; what is wrong with it is in the report.
pub(crate) fn read(
    value: &Value,
    pointer: &str,
    shared: &Shared,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Step> {
    let members = Members::of(value, pointer, "the step", report)?;
    members.check_known(KNOWN, report);
    context.check_newer(&members, NEW_IN_1_1, report);
    let id = members.required_text("stepId", report)?.to_owned();
    let call = call(&members, &id, context, report)?;
    let taker = if matches!(call, Call::Workflow(_)) { Taker::Workflow } else { Taker::Operation };
    let own = parameter::list(&members, taker, context, report);
    members.check_list("successCriteria", true, report);
    let body = members
        .get("requestBody")
        .and_then(|body| body::read(body, &members.below("requestBody"), context, report));
    let success = action::list(&members, "onSuccess", ComponentKind::SuccessActions, context, report);
    let failure = action::list(&members, "onFailure", ComponentKind::FailureActions, context, report);
    Some(Step {
        description: members.prose("description", report),
        parameters: parameter::merged(own, &shared.parameters, taker),
        body,
        success_criteria: criterion::list(&members, "successCriteria", report),
        on_success: action::merged(success, &shared.success_actions),
        on_failure: action::merged(failure, &shared.failure_actions),
        outputs: outputs(&members, context, report),
        timeout: timeout(&members, report),
        depends_on: depends_on(&members, context, report),
        pointer: pointer.to_owned(),
        id,
        call,
    })
}

fn call(members: &Members<'_>, id: &str, context: &Context<'_>, report: &mut Report) -> Option<Call> {
    let targets = ["operationId", "operationPath", "channelPath", "workflowId"];
    let given: Vec<&str> = targets.into_iter().filter(|name| members.has(name)).collect();
    let [target] = given.as_slice() else {
        let message = match given.as_slice() {
            [] => format!("the step {} calls nothing", quoted(id)),
            several => format!(
                "the step {} has {}, each of which rules out the others",
                quoted(id),
                several.join(" and ")
            ),
        };
        report.error(
            code::FIELD,
            members.pointer,
            message,
            "give it one of operationId, operationPath, workflowId",
        );
        return None;
    };
    let text = members.required_text(target, report)?;
    let at = members.below(target);
    let action = members.text("action", report);
    if let Some(word) = action.filter(|word| !matches!(*word, "send" | "receive")) {
        let message = format!("the action of a message is {}", quoted(word));
        report.error(code::FIELD, &members.below("action"), message, "write send or receive");
        return None;
    }
    if members.has("correlationId") && action == Some("send") {
        let message = "only a step that receives has a \"correlationId\"".to_owned();
        report.error(code::FIELD, &members.below("correlationId"), message, "remove it, or write action: receive");
    }
    match (*target, action) {
        ("workflowId", Some(_)) => {
            let message = format!("the step {} calls a workflow and has an \"action\"", quoted(id));
            report.error(code::FIELD, &members.below("action"), message, "actions belong to AsyncAPI steps");
            None
        }
        ("workflowId", None) => WorkflowRef::read(text, &at, context, report).map(Call::Workflow),
        ("channelPath", None) => {
            let message = format!("the step {} has a \"channelPath\" and no \"action\"", quoted(id));
            report.error(code::FIELD, members.pointer, message, "write action: send or receive");
            None
        }
        (_, Some(_)) => Some(Call::Asynchronous),
        ("operationPath", None) => Some(Call::Operation(OperationRef::of_path(text, &at, context, report))),
        _ => OperationRef::of_id(text, &at, context, report).map(Call::Operation),
    }
}

/// Reads `outputs` of a step or a workflow.
pub(crate) fn outputs(
    members: &Members<'_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Vec<(String, Template)> {
    let mut all = Vec::new();
    for (name, value, at) in members.object("outputs", report) {
        if !is_key(name) {
            let message = format!("the output {} has characters other than A-Z a-z 0-9 . - _", quoted(name));
            report.warning(code::FIELD, &at, message, "other tools may refuse it");
        }
        // Selectors have a type and a context; an object that only means to be one is told what it lacks.
        let is_selector = value.as_object().is_some_and(|members| members.contains_key("selector"));
        let template = match value {
            Value::String(text) => Values::new(context.version, report).output(text, &at),
            Value::Object(members) if is_selector => match crate::selector::read(members, &at, report) {
                Some(selector) => Template::Selector(Box::new(selector)),
                None => continue,
            },
            other => {
                let message = format!(
                    "the output {} is {}; a runtime expression is expected",
                    quoted(name),
                    kind_name(other)
                );
                report.error(code::FIELD, &at, message, "write $response.body#/…");
                continue;
            }
        };
        all.push((name.to_owned(), template));
    }
    all
}

fn timeout(members: &Members<'_>, report: &mut Report) -> Option<Duration> {
    let value = members.get("timeout")?;
    let timeout = value.as_u64().map(Duration::from_millis);
    if timeout.is_none() {
        let shown = if value.is_number() { value.to_string() } else { kind_name(value).to_owned() };
        let message = format!("\"timeout\" is {shown}; whole milliseconds are expected");
        report.error(code::FIELD, &members.below("timeout"), message, "");
    }
    timeout
}

fn depends_on(members: &Members<'_>, context: &Context<'_>, report: &mut Report) -> Vec<StepRef> {
    members.check_list("dependsOn", true, report);
    let items = members.list("dependsOn", report);
    let mut read = |(item, at): &(&Value, String)| match item {
        Value::String(text) if !text.is_empty() => StepRef::read(text, at, context, report),
        other => {
            let message = format!("an item of \"dependsOn\" is {}; a stepId is expected", kind_name(other));
            report.error(code::FIELD, at, message, "");
            None
        }
    };
    items.iter().filter_map(&mut read).collect()
}

impl Step {
    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all: Vec<&Expression> = Vec::new();
        self.parameters.iter().for_each(|parameter| all.extend(parameter.value.expressions()));
        if let Some(body) = &self.body {
            match &body.payload {
                Some(body::Payload::Value(template) | body::Payload::JsonText(template)) => {
                    all.extend(template.expressions());
                }
                Some(body::Payload::Text(text)) => all.extend(text.expressions()),
                None => {}
            }
            body.replacements.iter().for_each(|replacement| all.extend(replacement.value.expressions()));
        }
        let of_actions = self.on_success.iter().chain(&self.on_failure);
        for action in of_actions {
            action.criteria.iter().for_each(|criterion| all.extend(criterion.expressions()));
            action.parameters.iter().for_each(|parameter| all.extend(parameter.value.expressions()));
        }
        self.success_criteria.iter().for_each(|criterion| all.extend(criterion.expressions()));
        self.outputs.iter().for_each(|(_, template)| all.extend(template.expressions()));
        all
    }
}
