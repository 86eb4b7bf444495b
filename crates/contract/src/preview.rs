//! What a call would send, without sending it: the answer to an execute request with `dryRun` (client §12.10, W29).
//! Secrets never appear; where one would stand, the text is [`crate::redact::MASK`].

use crate::audit::Decision;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Answer to a dry run. Arguments that can't be sent are a problem (`invalid_arguments`) as for a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// Always true: tells this answer from one of an upstream.
    pub dry_run: bool,
    /// The tool.
    pub tool_id: String,
    /// What the policy says to the call.
    pub policy: PolicyVerdict,
    /// What would be sent; absent for a tool that is not called over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<PreviewedRequest>,
    /// The input of a tool of an MCP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Box<RawValue>>,
    /// Secrets that the call would need, and where they go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<PlannedSecret>,
    /// What of the arguments was not checked against the description, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<Unchecked>,
}

/// A decision of the policy about a call that is not made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyVerdict {
    /// `allowed` or `denied`.
    pub decision: Decision,
    /// `allowed`, or the code a call would be refused with.
    pub code: String,
    /// The rules that decide, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// An HTTP request, as it would leave the runtime.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewedRequest {
    /// Method.
    pub method: String,
    /// URL, encoded.
    pub url: String,
    /// Headers in order, credentials masked. Without those that the connection needs (`Host`, `Content-Length`).
    pub headers: Vec<PreviewedHeader>,
    /// Body that is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// Body that is other text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Body that is neither, base64; left out when it is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Bytes of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_size: Option<u64>,
    /// Parts of a `multipart/form-data` body, which is then not shown as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PreviewedPart>,
}

/// A header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewedHeader {
    /// Name, lower case.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A part of a `multipart/form-data` body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewedPart {
    /// Name of the field.
    pub name: String,
    /// Name of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Media type.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// Further headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<PreviewedHeader>,
    /// Bytes of the content.
    pub size: u64,
    /// The content, when it is a short text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A secret that a call would need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSecret {
    /// Security scheme; empty for a parameter that holds a secret by its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scheme: String,
    /// `header`, `query` or `cookie`.
    #[serde(rename = "in")]
    pub location: String,
    /// Name of the header, query parameter or cookie.
    pub name: String,
    /// Name for an environment variable that holds the secret, for a command that is made from the preview.
    pub variable: String,
}

/// Where a credential would go. Stays inside the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Security scheme.
    pub scheme: String,
    /// `header`, `query` or `cookie`.
    pub location: &'static str,
    /// Name of the header, query parameter or cookie.
    pub name: String,
    /// What stands before the secret: `Bearer `.
    pub prefix: &'static str,
}

/// Something that was not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// The parameter's name on the command line, `--body`; empty for everything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub flag: String,
    /// JSON Pointer into the schema; empty for all of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// Why.
    pub reason: String,
}
