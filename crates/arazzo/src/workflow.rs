//! Workflows (Arazzo 1.1 "Workflow Object").

use crate::action::{self, Action};
use crate::components::Context;
use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::expression::ComponentKind;
use crate::inputs;
use crate::limits::MAX_STEPS;
use crate::parameter::{self, Parameter, Taker};
use crate::reader::Members;
use crate::reference::WorkflowRef;
use crate::step::{self, Step};
use crate::template::Template;
use serde_json::Value;

/// Steps that achieve something together.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// `workflowId`, unique in its document.
    pub id: String,
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// JSON Schema of the inputs, self-contained.
    pub inputs: Option<Value>,
    /// Workflows that must be done before.
    pub depends_on: Vec<WorkflowRef>,
    /// In the order of the document.
    pub steps: Vec<Step>,
    /// Indices of the steps in an order that fits what they depend on; that of the document where it fits.
    pub order: Vec<usize>,
    /// What it gives, in order.
    pub outputs: Vec<(String, Template)>,
    /// JSON Pointer of the workflow.
    pub pointer: String,
}

/// What a workflow says for all of its steps.
pub(crate) struct Shared {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) success_actions: Vec<Action>,
    pub(crate) failure_actions: Vec<Action>,
}

const KNOWN: &[&str] = &[
    "workflowId",
    "summary",
    "description",
    "inputs",
    "dependsOn",
    "steps",
    "successActions",
    "failureActions",
    "outputs",
    "parameters",
];

impl Workflow {
    /// Reads a workflow; what is wrong with it is in the report.
    pub(crate) fn read(value: &Value, pointer: &str, context: &Context<'_>, report: &mut Report) -> Option<Self> {
        let members = Members::of(value, pointer, "the workflow", report)?;
        members.check_known(KNOWN, report);
        let id = members.required_text("workflowId", report)?.to_owned();
        let shared = Shared {
            parameters: parameter::list(&members, Taker::Either, context, report),
            success_actions: action::list(
                &members,
                "successActions",
                ComponentKind::SuccessActions,
                context,
                report,
            ),
            failure_actions: action::list(
                &members,
                "failureActions",
                ComponentKind::FailureActions,
                context,
                report,
            ),
        };
        let schema = members.get("inputs").and_then(|schema| {
            let at = members.below("inputs");
            if schema.is_object() || schema.is_boolean() {
                return Some(inputs::bundled(schema, &at, context, report));
            }
            let message = format!("\"inputs\" is {}; a JSON Schema is expected", kind_name(schema));
            report.error(code::FIELD, &at, message, "");
            None
        });
        let mut steps: Vec<Step> = Vec::new();
        for (item, at) in members.list_of("steps", MAX_STEPS, report) {
            let Some(step) = step::read(item, &at, &shared, context, report) else { continue };
            if steps.iter().any(|known| known.id == step.id) {
                let message = format!("the workflow {} has the step {} twice", quoted(&id), quoted(&step.id));
                report.error(code::DUPLICATE, &at, message, "give each a stepId of its own");
            }
            steps.push(step);
        }
        if steps.is_empty()
            && members.map.get("steps").is_none_or(|steps| matches!(steps, Value::Array(all) if all.is_empty()))
        {
            // WF-6: it is kept all the same.
            report.warning(code::EMPTY, pointer, format!("the workflow {} has no steps", quoted(&id)), "");
        }
        members.check_list("dependsOn", false, report);
        let mut depends_on = Vec::new();
        for (item, at) in members.list("dependsOn", report) {
            match item {
                Value::String(text) if !text.is_empty() => {
                    depends_on.extend(WorkflowRef::read(text, &at, context, report));
                }
                other => {
                    let message =
                        format!("an item of \"dependsOn\" is {}; a workflowId is expected", kind_name(other));
                    report.error(code::FIELD, &at, message, "");
                }
            }
        }
        Some(Self {
            summary: members.prose("summary", report),
            description: members.prose("description", report),
            inputs: schema,
            depends_on,
            order: (0..steps.len()).collect(),
            steps,
            outputs: step::outputs(&members, context, report),
            pointer: pointer.to_owned(),
            id,
        })
    }

    /// A step by its id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}
