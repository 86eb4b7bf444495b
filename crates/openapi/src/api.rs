//! What the catalog needs to know of an API description, whatever version it is written in.

use indexmap::IndexMap;
use open_cli_contract::catalog::{BodyEncoding, Diagnostic, OAuthFlow, ServerChoice};
use serde_json::value::RawValue;
use std::sync::Arc;

/// An API description, read.
#[derive(Debug, Clone, Default)]
pub struct Api {
    /// `2.0`, `3.0`, `3.1`, `3.2`: the version the document was read as.
    pub version: String,
    /// `info.title`; empty when missing.
    pub title: String,
    /// Document-level server URLs: variables expanded, relative ones resolved against the document's URL
    /// (SV-1 to SV-4). A relative server of a local document stays relative and is a diagnostic.
    pub servers: Vec<String>,
    /// The same, each with its name and its variables.
    pub server_choices: Arc<[ServerChoice]>,
    /// Paths ascending; per path GET POST PUT PATCH DELETE (TL-1), then QUERY HEAD OPTIONS TRACE,
    /// then `additionalOperations` ascending.
    /// Operations with `x-cli-ignore: true` are not in the list (TL-4).
    pub operations: Vec<Operation>,
    /// Declared tags, in order, each name once.
    pub tags: Vec<Tag>,
    /// By scheme key.
    pub security_schemes: IndexMap<String, SecurityScheme>,
    /// Faults and remarks; `source` is left empty for the caller to fill.
    pub diagnostics: Vec<Diagnostic>,
}

/// A tag that the description declares. `summary`, `parent` and `kind` came with OpenAPI 3.2 and are empty before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// What operations refer to.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// Name of the tag above it.
    pub parent: String,
    /// `nav`, `badge`, `audience`, or any other word.
    pub kind: String,
}

/// One operation, `$ref`s of parameters, bodies and path items followed.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// Upper case; those of OpenAPI 3.2 `additionalOperations` as written, because methods are case-sensitive.
    pub method: String,
    /// Path template as written.
    pub path: String,
    /// JSON Pointer of the operation in its document.
    pub pointer: String,
    /// Empty when missing.
    pub operation_id: String,
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// In order.
    pub tags: Vec<String>,
    /// OpenAPI 3.2: the tags that lead to the operation in the command tree, outermost first: the first tag for
    /// navigation (no `kind`, or `kind: nav`) behind the tags above it; empty when there is none. `None` in earlier
    /// versions, where the first tag is all there is.
    pub group_tags: Option<Vec<String>>,
    /// `deprecated: true`.
    pub deprecated: bool,
    /// Path parameters in the order of the template (W33), then the path item's, each replaced by the operation's
    /// of the same name and location (W32), then the operation's.
    /// Swagger 2.0 `body` and `formData` parameters are in `request_body` instead.
    pub parameters: Vec<Parameter>,
    /// Request body, if the operation has one.
    pub request_body: Option<RequestBody>,
    /// The alternatives in force: the operation's, else the document's (AU-1). Empty: no credentials.
    /// A requirement that names an undefined scheme is kept here and is a diagnostic of severity error.
    pub security: Vec<SecurityAlternative>,
    /// Operation servers, else path-item servers, else document servers (SV-7); expanded and resolved.
    pub servers: Vec<String>,
    /// The same, each with its name and its variables.
    pub server_choices: Arc<[ServerChoice]>,
    /// `x-…` members of the operation, as given.
    pub extensions: IndexMap<String, Box<RawValue>>,
}

/// One alternative: scheme key and scopes. Empty: anonymous access (`{}`).
pub type SecurityAlternative = Vec<(String, Vec<String>)>;

/// A path, query, header, cookie or querystring parameter.
#[derive(Debug, Clone, Default)]
pub struct Parameter {
    /// Wire name.
    pub name: String,
    /// `path`, `query`, `header`, `cookie`, `querystring`.
    pub location: String,
    /// True for path parameters, whatever the document says.
    pub required: bool,
    /// Markdown.
    pub description: String,
    /// `deprecated: true`.
    pub deprecated: bool,
    /// JSON Schema, the first `$ref` followed; what it refers to below that is under its `$defs`, as far as
    /// [`crate::limits::MAX_PARAMETER_BUNDLE_BYTES`] reach. For Swagger 2.0 built from the parameter's own members.
    pub schema: Option<Box<RawValue>>,
    /// `style` as written, empty for the default of the location. Swagger 2.0 `collectionFormat` is translated.
    pub style: String,
    /// `explode` as written.
    pub explode: Option<bool>,
    /// `allowReserved: true`.
    pub allow_reserved: bool,
    /// Media type when the parameter uses `content` instead of `schema`.
    pub content_type: String,
    /// `x-cli-name`, when it is a non-empty string.
    pub cli_name: String,
}

/// A request body.
#[derive(Debug, Clone, Default)]
pub struct RequestBody {
    /// `required: true`.
    pub required: bool,
    /// Markdown.
    pub description: String,
    /// Media type and schema as given (`$ref`s kept), ascending media type.
    pub content: Vec<(String, Option<Box<RawValue>>)>,
    /// Media type and self-contained schema, where the given one refers to something: what its `$ref`s name is under
    /// `$defs`. Bodies with the same schema share it. `"x-truncated":true` marks one that a bound cut short.
    pub resolved: Vec<(String, Arc<RawValue>)>,
    /// How properties are written, by media type, where the description says something.
    pub encodings: Vec<BodyEncoding>,
}

/// What an operation answers with one status.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// `200`, `2XX`, `default`.
    pub status: String,
    /// Markdown; the summary when there is no description.
    pub description: String,
    /// Media type and schema as given (`$ref`s kept), ascending media type. OpenAPI 3.2: `itemSchema` stands for a
    /// missing schema.
    pub content: Vec<(String, Option<Box<RawValue>>)>,
    /// Media type and self-contained schema, where the given one refers to something; see [`RequestBody::resolved`].
    pub resolved: Vec<(String, Arc<RawValue>)>,
}

/// A security scheme.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SecurityScheme {
    /// `apiKey`, `http`, `oauth2`, `openIdConnect`, `mutualTLS`. Swagger 2.0 `basic` is `http` + `basic`.
    pub kind: String,
    /// HTTP authentication scheme, lower case.
    pub scheme: String,
    /// API key: `header`, `query`, `cookie`.
    pub location: String,
    /// API key: name of header, parameter or cookie.
    pub param_name: String,
    /// In the order authorizationCode, clientCredentials, deviceAuthorization, implicit, password.
    pub flows: Vec<OAuthFlow>,
    /// OpenID Connect discovery document.
    pub open_id_connect_url: String,
}
