//! The catalog JSON (contract: catalog-and-execution §11). Field names, order and presence rules are the
//! contract's; lists that must be present serialise as `[]`, never `null`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

fn is_false(value: &bool) -> bool {
    !*value
}
fn is_zero(value: &u16) -> bool {
    *value == 0
}
/// Reads `null` as the empty list: other servers write it for lists without elements.
fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

/// Answer of `GET /v1/catalog/effective`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EffectiveCatalog {
    /// All tools the caller may know about.
    pub catalog: Catalog,
    /// The view chosen for this request.
    pub view: View,
}

/// The normalised tool catalog.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// Always [`crate::CATALOG_VERSION`].
    pub catalog_version: String,
    /// When this catalog was built.
    pub generated_at: Timestamp,
    /// Hex SHA-256 over every input of the build, in a fixed order. Serves as the catalog's revision.
    pub source_fingerprint: String,
    /// Sources that took part, ascending id.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub sources: Vec<Source>,
    /// Services, ascending id.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub services: Vec<Service>,
    /// Tools, ascending id.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tools: Vec<Tool>,
    /// Workflows, in service order.
    #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<Workflow>,
    /// `discover` first, then one per agent profile, ascending name.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub effective_views: Vec<View>,
    /// What went wrong on the way, most severe first, then by source and pointer.
    #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

/// A configured source and where its documents came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Key in the configuration.
    pub id: String,
    /// `apiCatalog`, `serviceRoot`, `openapi` or `mcp`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The configured text, verbatim (credentials redacted).
    pub uri: String,
    /// How the documents were found and fetched.
    pub provenance: Provenance,
}

/// How a source's documents were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// `explicit`, `rfc9727` or `rfc8631` (PROV-1).
    pub method: DiscoveryMethod,
    /// Time of the first fetch, else of the build (PROV-2).
    pub at: Timestamp,
    /// One record per document read over HTTP, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetches: Vec<FetchRecord>,
}

/// Discovery method of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiscoveryMethod {
    /// Named by the configuration.
    Explicit,
    /// Listed by an API catalog.
    Rfc9727,
    /// Linked from a service root.
    Rfc8631,
    /// Guessed; reserved.
    Heuristic,
}

/// Outcome of a fetch through the document cache (CACHE §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheOutcome {
    /// Nothing stored; fetched.
    Miss,
    /// Served from disk without network.
    FreshHit,
    /// The origin answered 304.
    RevalidatedHit,
    /// Stored before; a new body arrived.
    Refreshed,
    /// The origin could not be asked; the stored body was used.
    StaleHit,
}

impl CacheOutcome {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            Self::FreshHit => "fresh_hit",
            Self::RevalidatedHit => "revalidated_hit",
            Self::Refreshed => "refreshed",
            Self::StaleHit => "stale_hit",
        }
    }
}

/// One document read over HTTP (contract: config-and-state §4.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchRecord {
    /// The URL, credentials redacted.
    pub url: String,
    /// When the body was last validated.
    pub fetched_at: Timestamp,
    /// Why this document was read.
    pub method: DiscoveryMethod,
    /// `GET` or `HEAD`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_method: String,
    /// Status of the stored body.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub status_code: u16,
    /// What the cache did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_outcome: Option<CacheOutcome>,
    /// Validators and freshness, as the origin sent them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub etag: String,
    /// `Last-Modified` of the body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_modified: String,
    /// `Cache-Control` of the body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cache_control: String,
    /// When the stored body stops being fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// True when the body is older than its freshness allows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
}

/// A service: one API description under one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Key in the configuration, or derived from the description.
    pub id: String,
    /// First word of its commands.
    pub alias: String,
    /// Source it comes from.
    pub source_id: String,
    /// `info.title`.
    pub title: String,
    /// Document-level servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
}

/// One callable operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// `<service id>:<operation identity>`.
    pub id: String,
    /// Owning service.
    pub service_id: String,
    /// `operationId`, or `<method>:<path>` when the description has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation_id: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Path template.
    pub path: String,
    /// Second word of its command.
    pub group: String,
    /// Last word of its command.
    pub command: String,
    /// Other names of the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// One line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Runs when named, is not listed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Positional arguments, in the order of the path template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path_params: Vec<Parameter>,
    /// Query, header and cookie parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Parameter>,
    /// Request body, when the operation has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<RequestBody>,
    /// OR of ANDs; an alternative without requirements means "no credentials needed".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth_alternatives: Vec<AuthAlternative>,
    /// All requirements flattened; kept for older clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<AuthRequirement>,
    /// What a call may do.
    pub safety: Safety,
    /// `x-cli-output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// `x-cli-pagination`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
    /// `x-cli-retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// From a skill manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Guidance>,
    /// Base URLs; the first is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// Set when something other than HTTP executes the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// Beside the contract: why it can't be called until an operator accepts it. Nothing else of such a tool is
    /// told than how it is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quarantine: String,
    /// Beside the contract: what help and typed flags need. Only sent when asked for (`detail=full`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ToolDetails>,
}

/// A named input of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// Name on the command line.
    pub name: String,
    /// Name on the wire.
    pub original_name: String,
    /// `path`, `query`, `header` or `cookie`.
    pub location: String,
    /// Must be given.
    pub required: bool,
}

/// What the description says about inputs, beside the contract.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolDetails {
    /// Same order as `pathParams` then `flags`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterDetails>,
    /// Description of the request body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body_description: String,
    /// The operation is deprecated.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Tags, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Names this command had under the reference's slug rules; accepted, not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_aliases: Vec<String>,
    /// Group name under the reference's slug rules, when it differs; accepted, not listed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hidden_group: String,
    /// Where the description was read, credentials redacted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
    /// JSON Pointer of the operation in its document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// Overlays that were applied to the description, in order, credentials redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// Self-contained schemas of the body, where the ones in `requestBody` refer to something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body_schemas: Vec<BodySchema>,
    /// What it answers, by status. Only sent of a single tool, when asked for (`responses=true`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseDetails>,
    /// How properties of a form or multipart body are written, where the description says so (OpenAPI `encoding`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body_encodings: Vec<BodyEncoding>,
    /// How schemas are to be read: [`OPENAPI_30`], or empty for JSON Schema 2020-12.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema_dialect: String,
    /// The servers that a caller may choose among, when there is a choice; the first is the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_choices: Vec<ServerChoice>,
}

/// What an operation answers with one status.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseDetails {
    /// `200`, `2XX`, `default`.
    pub status: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Ascending media type; schemas are self-contained, with what they refer to under `$defs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_types: Vec<ContentType>,
}

/// The dialect of schemas in OpenAPI 2.0 and 3.0.
pub const OPENAPI_30: &str = "openapi-3.0";

/// OpenAPI `encoding` of one media type of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BodyEncoding {
    /// Media type as in `requestBody`.
    pub media_type: String,
    /// By property.
    pub properties: BTreeMap<String, PropertyEncoding>,
}

/// How one property of a form or multipart body is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PropertyEncoding {
    /// Media types that it may have, between commas.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// `style`, as of a query parameter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// `explode`, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
    /// `allowReserved`, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_reserved: Option<bool>,
    /// Headers of the part whose value the description fixes (`const`, an `enum` of one, `default`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl PropertyEncoding {
    /// It says that the property is written as a query parameter would be.
    pub fn has_style(&self) -> bool {
        !self.style.is_empty() || self.explode.is_some() || self.allow_reserved.is_some()
    }
}

/// A server that a caller may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerChoice {
    /// Base URL, variables at their defaults.
    pub url: String,
    /// OpenAPI 3.2: its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The URL with its variables, when a caller may set any.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Variables that a caller may set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, ServerVariable>,
}

/// A variable in the URL of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerVariable {
    /// Value when none is given.
    pub default: String,
    /// The values it may have; any, when empty.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A body schema with everything it refers to under its `$defs`. `"x-truncated":true` marks one that was too large.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BodySchema {
    /// Media type as in `requestBody`.
    pub media_type: String,
    /// JSON Schema.
    pub schema: Arc<RawValue>,
}

/// What the description says about one parameter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterDetails {
    /// Name on the command line.
    pub name: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// JSON Schema as given, `$ref`s unresolved beyond the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Box<RawValue>>,
    /// The parameter is deprecated.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Flag name under the reference's slug rules, when it differs; accepted, not listed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hidden_name: String,
    /// How lists and objects are written (OpenAPI `style`); empty for the default of the location.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// OpenAPI `explode`, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
    /// OpenAPI `allowReserved`: reserved characters that do no harm are sent as they are.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_reserved: bool,
    /// Media type of the value, when the description gives one instead of a style.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_type: String,
}

/// Request body of a tool.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestBody {
    /// A call without a body is refused.
    pub required: bool,
    /// Ascending media type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_types: Vec<ContentType>,
}

/// One representation of a request body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentType {
    /// Media type as written.
    pub media_type: String,
    /// JSON Schema as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Box<RawValue>>,
}

/// What a call may do to the world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Safety {
    /// May destroy data.
    pub destructive: bool,
    /// Changes nothing.
    pub read_only: bool,
    /// Needs an approval.
    pub requires_approval: bool,
    /// Repeating it changes nothing more.
    #[serde(default)]
    pub idempotent: bool,
}

/// One alternative: all of its requirements together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthAlternative {
    /// Empty means anonymous access is allowed.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub requirements: Vec<AuthRequirement>,
}

/// One security scheme a call must satisfy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthRequirement {
    /// Scheme key in the description.
    pub name: String,
    /// `apiKey`, `http`, `oauth2`, `openIdConnect`, `mutualTLS`.
    #[serde(rename = "type")]
    pub kind: String,
    /// HTTP authentication scheme, lower case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scheme: String,
    /// Where an API key goes: `header`, `query` or `cookie`.
    #[serde(default, rename = "in", skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Name of the header, query parameter or cookie.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub param_name: String,
    /// Scopes the requirement asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// OAuth flows of the scheme.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oauth_flows: Vec<OAuthFlow>,
    /// OpenID Connect discovery document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub open_id_connect_url: String,
}

/// One OAuth flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthFlow {
    /// `authorizationCode`, `clientCredentials`, `deviceAuthorization`, `implicit`, `password`.
    pub mode: String,
    /// Authorization endpoint.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authorization_url: String,
    /// Token endpoint.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_url: String,
    /// Refresh endpoint.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refresh_url: String,
}

/// `x-cli-output`: advice on printing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Fields to show by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_fields: Vec<String>,
    /// Fields to mask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<String>,
}

/// `x-cli-pagination`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Pagination style.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// Parameter that carries the cursor.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cursor_param: String,
}

/// `x-cli-retry`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// The publisher recommends retries.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recommended: bool,
    /// The answer's `Location` header is where to poll.
    #[serde(default, skip_serializing_if = "is_false")]
    pub location_header: bool,
}

/// When to use a tool, from a skill manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guidance {
    /// Use it when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_to_use: Vec<String>,
    /// Do not use it when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid_when: Vec<String>,
    /// Worked examples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<GuidanceExample>,
}

/// One worked example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuidanceExample {
    /// What one wants.
    pub goal: String,
    /// What one types.
    pub command: String,
}

/// Who executes a tool that is not plain HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// `mcp`.
    pub kind: String,
    /// The source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_id: String,
    /// Name of the tool at the source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool_name: String,
    /// Transport of the source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub transport: String,
    /// The input schema was wrapped in an `input` property.
    #[serde(default, skip_serializing_if = "is_false")]
    pub input_wrapped: bool,
}

/// A workflow bound to tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workflow {
    /// Arazzo `workflowId`.
    pub workflow_id: String,
    /// Steps in order.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub steps: Vec<WorkflowStep>,
    /// Beside the contract: what it is about. Only sent when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<crate::workflow::WorkflowDetails>>,
}

/// One step of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStep {
    /// Arazzo `stepId`.
    pub step_id: String,
    /// Tool it calls; empty when it calls a workflow.
    pub tool_id: String,
    /// Workflow it calls (beside the contract).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workflow_id: String,
}

/// A named selection of tools.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct View {
    /// `discover` or the name of an agent profile.
    pub name: String,
    /// `discover`, `curated`, or empty for a profile without a mode.
    pub mode: String,
    /// Tools, ascending id.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tools: Vec<Tool>,
}

/// How bad a diagnostic is. Ordered: errors first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was left out.
    Error,
    /// Something was guessed or will not work as written.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// Something was left out.
    pub fn is_error(self) -> bool {
        self == Self::Error
    }
}

/// One fault or remark about an input of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Stable word, e.g. `operation_invalid`.
    pub code: String,
    /// Source or service id it belongs to.
    pub source: String,
    /// JSON Pointer (or path) of the place, empty for the whole document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}
