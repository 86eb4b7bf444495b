//! The definition of a tool: what a call does, where it goes, what it takes and what guards it, in a form that can be
//! kept, compared and reviewed. In lock files and in `GET /v1/catalog/definitions`. Not for how it is derived from a
//! tool, nor for how two differ: that is `changes`.

use crate::catalog::{AuthRequirement, Backend, Safety};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `format` of a document of definitions. Another one is not read: what a hash covers may differ.
pub const DEFINITIONS_FORMAT: &str = "open-cli.definitions/1";

fn is_false(value: &bool) -> bool {
    !*value
}

/// Definitions by tool id: a lock file, or what a runtime has in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definitions {
    /// Always [`DEFINITIONS_FORMAT`].
    pub format: String,
    /// Revision of the catalog they were taken from; not in lock files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// When that catalog was built; not in lock files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Timestamp>,
    /// Ascending tool id.
    pub tools: BTreeMap<String, Definition>,
}

/// What one tool is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Hex SHA-256 over everything that follows but `about`.
    pub hash: String,
    /// HTTP method.
    pub method: String,
    /// Base URL of its calls, credentials redacted; empty when it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// Path template.
    pub path: String,
    /// Path, query, header and cookie parameters, by location and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Input>,
    /// The request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyDefinition>,
    /// What a call may do.
    pub safety: Safety,
    /// OR of ANDs, as in the catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<Vec<AuthRequirement>>,
    /// Set when something other than HTTP executes the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// Digest of what an agent reads about an MCP tool. Descriptions steer agents, and a server can change them at
    /// any time.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What no call depends on. Only in what a runtime answers; a lock file would change with every wording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// A parameter, or a member of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// `path`, `query`, `header`, `cookie`; empty for a member of a body.
    #[serde(default, rename = "in", skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Name on the wire.
    pub name: String,
    /// Must be given.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// JSON types it can have, joined by `|`; empty when the description does not say.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The only values it can have, as JSON, when they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Digest of everything else its schema says; empty when that is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
}

/// A request body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BodyDefinition {
    /// A call without a body is refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// By media type.
    pub content: BTreeMap<String, MediaDefinition>,
}

/// One representation of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaDefinition {
    /// Members of an object, ascending name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Input>,
    /// JSON types of the body itself.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Digest of everything else its schema says; empty when that is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
}

/// What is said about a tool, and how it is called by people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Second word of its command.
    pub group: String,
    /// Last word of its command.
    pub command: String,
    /// Not to be used any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Digest of descriptions, examples and hints.
    pub text: String,
}
