//! What a workflow is about, for people and agents who want to run it. Made when somebody asks; a catalog that nobody
//! asks for its workflows has none of this in memory.

use crate::snapshot::Snapshot;
use crate::workflows::WorkflowEntry;
use open_cli_arazzo::{Action, ActionKind, Criterion, Destination, Payload, Step};
use open_cli_contract::workflow::{StepAction, StepDetails, StepParameter, WorkflowDetails};
use serde_json::Value;
use std::collections::BTreeMap;

impl Snapshot {
    /// What a list of workflows needs.
    pub(crate) fn workflow_brief(&self, entry: &WorkflowEntry) -> WorkflowDetails {
        let workflow = entry.workflow();
        WorkflowDetails {
            service_id: self.services[entry.service].built.service.id.clone(),
            summary: workflow.summary.clone(),
            document: entry.document.clone(),
            pointer: workflow.pointer.clone(),
            published: entry.is_publishers,
            ..WorkflowDetails::default()
        }
    }

    /// Everything.
    pub(crate) fn workflow_details(&self, entry: &WorkflowEntry) -> WorkflowDetails {
        let workflow = entry.workflow();
        let steps = workflow.order.iter().filter_map(|place| workflow.steps.get(*place));
        WorkflowDetails {
            description: workflow.description.clone(),
            inputs: workflow.inputs.clone(),
            outputs: values(&workflow.outputs),
            depends_on: workflow.depends_on.iter().map(|wanted| wanted.id.clone()).collect(),
            steps: steps.map(step).collect(),
            ..self.workflow_brief(entry)
        }
    }
}

fn values(outputs: &[(String, open_cli_arazzo::Template)]) -> BTreeMap<String, Value> {
    outputs.iter().map(|(name, template)| (name.clone(), template.to_value())).collect()
}

fn step(step: &Step) -> StepDetails {
    let parameter = |parameter: &open_cli_arazzo::Parameter| StepParameter {
        name: parameter.name.clone(),
        location: parameter.location.map(|location| location.as_str().to_owned()).unwrap_or_default(),
        value: parameter.value.to_value(),
    };
    let body = step.body.as_ref().and_then(|body| body.payload.as_ref()).map(|payload| match payload {
        Payload::Value(template) | Payload::JsonText(template) => template.to_value(),
        Payload::Text(text) => Value::String(text.to_string()),
    });
    StepDetails {
        step_id: step.id.clone(),
        description: step.description.clone(),
        parameters: step.parameters.iter().map(parameter).collect(),
        body,
        success_criteria: criteria(&step.success_criteria),
        on_success: step.on_success.iter().map(action).collect(),
        on_failure: step.on_failure.iter().map(action).collect(),
        outputs: values(&step.outputs),
        timeout_ms: step.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
    }
}

fn criteria(criteria: &[Criterion]) -> Vec<String> {
    let one = |criterion: &Criterion| match &criterion.context {
        Some(context) => format!("{context}: {}", criterion.text),
        None => criterion.text.clone(),
    };
    criteria.iter().map(one).collect()
}

fn action(action: &Action) -> StepAction {
    let named = |destination: &Destination| match destination {
        Destination::Step(step) => step.clone(),
        Destination::Workflow(workflow) => workflow.id.clone(),
    };
    let (kind, target, retry_limit) = match &action.kind {
        ActionKind::End => ("end", String::new(), None),
        ActionKind::Goto(destination) => ("goto", named(destination), None),
        ActionKind::Retry { limit, via, .. } => {
            ("retry", via.as_ref().map(named).unwrap_or_default(), Some(*limit))
        }
    };
    StepAction {
        name: action.name.clone(),
        kind: kind.into(),
        target,
        retry_limit,
        criteria: criteria(&action.criteria),
    }
}
