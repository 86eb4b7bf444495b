//! Workflows on the wire: what one is about, and `POST /v1/workflows/run` (runtime-and-admin §4.3; deviation 15).

use crate::execute::{null_as_default, null_as_empty};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a workflow is about, for people and for who runs it. Beside the contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowDetails {
    /// The service it belongs to; `<service id>:<workflowId>` names it, whatever else has the id.
    pub service_id: String,
    /// One line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// JSON Schema of its inputs, self-contained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<serde_json::Value>,
    /// What it gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, serde_json::Value>,
    /// Workflows that are run before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The same steps as beside it, in the order in which they are run when no action says otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepDetails>,
    /// The document it comes from, credentials redacted.
    pub document: String,
    /// JSON Pointer of the workflow in its document.
    pub pointer: String,
    /// The publisher of the service attached the document; else the operator named it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub published: bool,
}

/// What a step does. Values are as the document has them, runtime expressions and all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepDetails {
    /// Arazzo `stepId`.
    pub step_id: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What is passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<StepParameter>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Conditions that make it a success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_criteria: Vec<String>,
    /// What comes after a success, when it is not the next step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_success: Vec<StepAction>,
    /// What comes after a failure, when it is not the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_failure: Vec<StepAction>,
    /// What later steps may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, serde_json::Value>,
    /// Milliseconds it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// A value that a step passes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepParameter {
    /// Name.
    pub name: String,
    /// `path`, `query`, `querystring`, `header`, `cookie`; empty for an input of a workflow.
    #[serde(default, rename = "in", skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Value.
    pub value: serde_json::Value,
}

/// What comes after a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepAction {
    /// Its name.
    pub name: String,
    /// `end`, `goto` or `retry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Step or workflow that is gone to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// How often a step is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_limit: Option<u32>,
    /// Conditions, all of which must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<String>,
}

/// Runs or plans a workflow. Unknown members are ignored (HTTP-5).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowRequest<'a> {
    /// Which configuration; empty means the runtime's own.
    #[serde(borrow, deserialize_with = "null_as_empty")]
    pub config_path: Cow<'a, str>,
    /// Mode override; may only narrow.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub mode: Cow<'a, str>,
    /// Agent profile; may only narrow.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub agent_profile: Cow<'a, str>,
    /// `workflowId`, or `<service id>:<workflowId>`.
    #[serde(borrow, deserialize_with = "null_as_empty")]
    pub workflow_id: Cow<'a, str>,
    /// The caller approves every step that needs an approval.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "std::ops::Not::not")]
    pub approval: bool,
    /// Check only; nothing is called (deviation 15; beside the contract, like all that follow).
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "std::ops::Not::not")]
    pub plan: bool,
    /// Inputs of the workflow; a JSON object.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<&'a RawValue>,
}

/// What a workflow would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowPlan {
    /// As the catalog has it.
    pub workflow_id: String,
    /// Its steps, in the order of the document.
    pub steps: Vec<String>,
    /// Every step that may be taken, those of other workflows too (beside the contract).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlannedStep>,
}

/// A step that may be taken, and what the policy says to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Workflow that has the step.
    pub workflow_id: String,
    /// The step.
    pub step_id: String,
    /// Tool it calls; empty when it calls a workflow, whose steps follow.
    pub tool_id: String,
    /// `allowed`, or the reason of the refusal.
    pub decision: String,
}
