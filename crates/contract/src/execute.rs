//! `POST /v1/tools/execute` and `POST /v1/refresh` on the wire (runtime-and-admin §4.2, §4.4).

use crate::catalog::CacheOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `null` counts as absent, as in other programs that speak this contract.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Like [`null_as_default`], without a copy where the text has no escapes.
pub(crate) fn null_as_empty<'de: 'a, 'a, D>(deserializer: D) -> Result<Cow<'a, str>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'a>>::deserialize(deserializer)?.map(|text| text.0).unwrap_or_default())
}

/// A tool call. Unknown members are ignored (HTTP-5).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecuteRequest<'a> {
    /// Which configuration; empty means the runtime's own.
    #[serde(borrow, deserialize_with = "null_as_empty")]
    pub config_path: Cow<'a, str>,
    /// Mode override; may only narrow.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub mode: Cow<'a, str>,
    /// Agent profile; may only narrow.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub agent_profile: Cow<'a, str>,
    /// Exact tool id.
    #[serde(borrow, deserialize_with = "null_as_empty")]
    pub tool_id: Cow<'a, str>,
    /// Path parameters, in the order of the catalog.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub path_args: Vec<String>,
    /// Other parameters, by command-line or wire name.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, String>,
    /// Request body, base64.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub body: Cow<'a, str>,
    /// The caller approves the call.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "std::ops::Not::not")]
    pub approval: bool,
    /// Typed arguments, beside `pathArgs`, `flags` and `body`; a JSON object (beside the contract, like all that
    /// follow). A tool of an API: keyed by the parameter's name on the command line, else its wire name, else
    /// `param-<name>`; path parameters too; `body` is the request body, as JSON; a `null` counts as not given.
    /// A tool of an MCP server: its input, as it is. What is given here and elsewhere at once is refused.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<&'a RawValue>,
    /// Media type of the body, one that the tool takes; empty for the one the description prefers.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub content_type: Cow<'a, str>,
    /// Parts of a `multipart/form-data` body, behind those that the body's members make.
    #[serde(borrow, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<BodyPart<'a>>,
    /// One of the servers that the description offers, by name or URL; empty for the first.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub server: Cow<'a, str>,
    /// Values of the server's variables, as far as the description offers them.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub server_variables: BTreeMap<String, String>,
    /// Answers what would be sent, and what the policy says to it; nothing is sent. The answer is a [`crate::preview::Preview`].
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// `false`: arguments are not checked against the description's schemas, where the policy allows that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate: Option<bool>,
}

/// A part of a `multipart/form-data` body (RFC 7578).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BodyPart<'a> {
    /// Name of the field.
    #[serde(borrow, deserialize_with = "null_as_empty")]
    pub name: Cow<'a, str>,
    /// Name of the file; empty for a field that is no file.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub filename: Cow<'a, str>,
    /// Media type; empty for what the description says, else what the value suggests.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub content_type: Cow<'a, str>,
    /// Further headers of the part.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The bytes, base64.
    #[serde(borrow, deserialize_with = "null_as_empty", skip_serializing_if = "str::is_empty")]
    pub data: Cow<'a, str>,
}

/// Answer to a tool call that reached the upstream.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecuteResponse {
    /// Status of the upstream.
    pub status_code: u16,
    /// Upstream body when it is JSON, untouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// Upstream body when it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Upstream body when it is neither, base64. Beside the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Upstream `Content-Type`, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Retries after 429 or 503. Beside the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    /// What is wrong with the answer: `upstream_invalid_json`, or `mcp_tool_error` when the tool of an MCP server says
    /// that it failed. Beside the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

/// Answer of the refresh endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshResponse {
    /// When the refetch finished.
    pub refreshed_at: Timestamp,
    /// One entry per source, ascending id.
    pub sources: Vec<RefreshedSource>,
    /// What changed against the revision that was in force before. Beside the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<crate::changes::CatalogChanges>,
    /// Problems of the rebuild; the last good catalog keeps serving what they name. Beside the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<crate::catalog::Diagnostic>,
}

/// What the refresh did for one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshedSource {
    /// Source id.
    pub id: String,
    /// Configured text.
    pub uri: String,
    /// Worst outcome of its fetches; absent for local files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_outcome: Option<CacheOutcome>,
    /// Status that belongs to the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// True when an old body is being used, or an older state of one of its services.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// Why it, or one of its services, could not be read. Beside the contract.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}
