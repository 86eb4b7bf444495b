//! The audit record: one JSON object a line (config-and-state §5). Old fields keep name, order and meaning;
//! fields after `retryCount` are ours.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Event type of the first record of a runtime, and of the last one when it ended in order. By themselves they tell of
/// nothing that a caller did.
pub const RUNTIME_START: &str = "runtime_start";
/// See [`RUNTIME_START`]. A start without an end before the next start is a runtime that was killed.
pub const RUNTIME_END: &str = "runtime_end";

fn is_zero_u16(value: &u16) -> bool {
    *value == 0
}
fn is_zero_u32(value: &u32) -> bool {
    *value == 0
}
fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It ran.
    #[default]
    Allowed,
    /// It was refused.
    Denied,
    /// It was allowed and failed.
    Error,
}

/// One audited attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// UTC.
    pub timestamp: Timestamp,
    /// `tool_execution`, `authz_denial`, `execution_error`, ...
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event_type: String,
    /// Authenticated caller.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub principal: String,
    /// Delegation chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// Lease.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session_id: String,
    /// As sent by the caller.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent_profile: String,
    /// Tool, or a pseudo id for other events.
    #[serde(default)]
    pub tool_id: String,
    /// Owning service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_id: String,
    /// First server of the tool, credentials redacted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target_base_url: String,
    /// The decision.
    pub decision: Decision,
    /// Stable word.
    pub reason_code: String,
    /// HTTP method of the tool.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Path template of the tool.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Security schemes used upstream, joined by `+`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub auth_scheme: String,
    /// Bytes of the request body sent upstream.
    #[serde(default, skip_serializing_if = "is_zero_u64")]
    pub request_size: u64,
    /// Upstream status.
    #[serde(default, skip_serializing_if = "is_zero_u16")]
    pub status_code: u16,
    /// Whole milliseconds; present for every execution, also when 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Retries after 429 or 503.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub retry_count: u32,
    /// Request id (beside the contract, like all that follow).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// W3C trace id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_id: String,
    /// Code of the error the caller saw, when there was one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_code: String,
    /// Fingerprint of the catalog that was in force.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub catalog_revision: String,
    /// Identity of the configuration that was in force.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub config_identity: String,
    /// How it ended, whatever was decided: `ok`, `client_error` or `server_error` by the upstream's status, `refused`,
    /// `failed` (weakness 62).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// Address that the caller's connection came from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_address: String,
    /// Why a caller was turned away, one word beside the code: `missing`, `expired`, `wrong_audience`, `unavailable`, …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// Records of turned-away callers that were left out since the last one: they are bounded in time.
    #[serde(default, skip_serializing_if = "is_zero_u64")]
    pub suppressed: u64,
    /// Workflow that was run or planned, and for which a step was taken.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workflow_id: String,
    /// Step of the workflow.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step_id: String,
    /// Number of the record in its log, from 1 on. Given by the log; what a writer sets here is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// SHA-256 of the previous line, in hex. Given by the log, like `seq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_hash: Option<String>,
}

/// Who delegated to whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lineage {
    /// Claim `delegated_by`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub delegated_by: String,
    /// Claim `delegation_id`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub delegation_id: String,
    /// Claim `act`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actor: BTreeMap<String, String>,
}
