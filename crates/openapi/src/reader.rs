//! Reads a description from top to bottom: version, servers, security, operations. The order of this file is the
//! order of the work; each step lives in its own module.

use crate::api::{Api, SecurityAlternative, SecurityScheme};
use crate::bundle::Bundles;
use crate::error::ReadError;
use crate::json::Object;
use crate::limits::MAX_CARRIED_BYTES;
use crate::reference::Siblings;
use crate::report::{Report, code};
use crate::security::Undefined;
use crate::tags::Tags;
use crate::tree::Tree;
use crate::version::Version;
use indexmap::IndexMap;
use open_cli_contract::catalog::ServerChoice;
use open_cli_documents::DocumentSet;
use std::sync::Arc;

/// Reads the root document of a set, OpenAPI 3.0, 3.1, 3.2 or Swagger 2.0. `$ref`s are looked up in the set; nothing
/// is fetched.
///
/// # Errors
/// When the root is no JSON object, declares no version, or declares one that is not supported. Every smaller fault
/// is in [`Api::diagnostics`].
pub fn read(set: &DocumentSet) -> Result<Api, ReadError> {
    let (mut reader, root) = Reader::open(set)?;
    reader.read_servers(&root);
    reader.read_security(&root);
    reader.read_tags(&root);
    let operations = reader.read_paths(&root);
    reader.remark_on_missing_server(&operations);
    reader.remark_on_webhooks(&root);
    reader.undefined.report(&mut reader.report);
    let title = root.object("info").map(|info| info.string("title")).unwrap_or_default();
    Ok(Api {
        version: reader.version.as_str().to_owned(),
        title,
        servers: reader.servers.iter().map(|server| server.url.clone()).collect(),
        server_choices: reader.servers,
        operations,
        tags: reader.tags.into_values().map(|(tag, _)| tag).collect(),
        security_schemes: reader.schemes,
        diagnostics: reader.report.finish(),
    })
}

/// What is known of the description while its operations are read.
pub(crate) struct Reader<'a> {
    pub(crate) tree: Tree<'a>,
    pub(crate) report: Report,
    pub(crate) version: Version,
    /// Document-level servers.
    pub(crate) servers: Arc<[ServerChoice]>,
    /// Document-level security.
    pub(crate) security: Vec<SecurityAlternative>,
    pub(crate) schemes: IndexMap<String, SecurityScheme>,
    pub(crate) undefined: Undefined,
    /// Swagger 2.0, document level.
    pub(crate) consumes: Vec<String>,
    /// Swagger 2.0, document level; only read for responses.
    pub(crate) produces: Vec<String>,
    pub(crate) tags: Tags,
    /// What is left of [`MAX_CARRIED_BYTES`].
    pub(crate) carried: usize,
    pub(crate) bundles: Bundles<'a>,
}

impl<'a> Reader<'a> {
    /// Looks at the root and its version, and at nothing else.
    pub(crate) fn open(set: &'a DocumentSet) -> Result<(Self, Object<'a>), ReadError> {
        let mut report = Report::default();
        let (tree, root) = Tree::open(set)?;
        let version = Version::of(&root, &mut report)?;
        let reader = Self {
            tree,
            report,
            version,
            servers: Arc::default(),
            security: Vec::new(),
            schemes: IndexMap::new(),
            undefined: Undefined::default(),
            consumes: Vec::new(),
            produces: Vec::new(),
            tags: Tags::default(),
            carried: MAX_CARRIED_BYTES,
            bundles: Bundles::default(),
        };
        Ok((reader, root))
    }

    /// Which members beside the `$ref` of a parameter, body or scheme count.
    pub(crate) fn reference_siblings(&self) -> Siblings {
        if self.version >= Version::V31 { Siblings::Described } else { Siblings::Ignored }
    }

    fn remark_on_webhooks(&mut self, root: &Object<'_>) {
        let webhooks = root.object("webhooks").unwrap_or_default();
        if self.version >= Version::V31 && !webhooks.is_empty() {
            self.report.note(
                code::WEBHOOKS,
                "/webhooks",
                format!("`webhooks` ({}) are ignored: the API makes these calls", webhooks.iter().count()),
                "",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, local, openapi, read_all, set};
    use serde_json::{Value, json};

    #[test]
    fn only_a_root_that_is_no_description_is_an_error() {
        for (text, expected) in [
            ("", "its top level is empty, not an object"),
            ("null", "its top level is empty, not an object"),
            ("[]", "its top level is a list, not an object"),
            ("7", "its top level is a number, not an object"),
            ("{", "the API description can't be read: EOF while parsing an object"),
            ("[", "the API description can't be read: EOF while parsing a list"),
            ("{}", "it has neither `openapi` nor `swagger`"),
            (r#"{"openapi":"4.0.0"}"#, "`openapi: 4.0.0`, which is not supported"),
        ] {
            let error = crate::read(&set(&[("/d/api.json", text)])).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert_eq!(local("\u{feff}{\"openapi\":\"3.1.0\"}").version, "3.1");
    }

    #[test]
    fn webhooks_are_a_remark() {
        let api = openapi("3.1.0", r#""webhooks":{"a":{"post":{}},"b":{}}"#);
        assert_eq!(codes(&api), ["webhooks_ignored"]);
        assert_eq!(api.diagnostics[0].message, "`webhooks` (2) are ignored: the API makes these calls");
        assert!(codes(&openapi("3.0.0", r#""paths":{},"webhooks":{"a":{}}"#)).is_empty(), "no member of 3.0");
    }

    /// Deviation 6: whatever stands in any place, the rest is read, and nothing panics.
    #[test]
    fn any_value_in_any_place_is_survived() {
        let documents = [
            json!({"openapi": "3.2.0", "$self": "x", "info": {"title": "t"},
                "servers": [{"url": "https://{a}", "variables": {"a": {"default": "h", "enum": ["h"]}}}],
                "security": [{"k": ["s"]}],
                "paths": {"/a/{x}": {"servers": [{"url": "/v"}], "parameters": [{"name": "x", "in": "path"}],
                    "additionalOperations": {"LINK": {"operationId": "l"}},
                    "get": {"operationId": "i", "summary": "s", "tags": ["t"], "security": [{"o": []}],
                        "parameters": [{"$ref": "#/components/parameters/P"}],
                        "requestBody": {"$ref": "#/components/requestBodies/B"}, "x-cli-name": "n"}}},
                "components": {
                    "parameters": {"P": {"name": "q", "in": "query", "content": {"a/b": {"schema": {}}}}},
                    "requestBodies": {"B": {"content": {"a/b": {"schema": {"type": "string"}}}}},
                    "securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "K"},
                        "o": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://a"}}}}}}),
            json!({"swagger": "2.0", "host": "h", "basePath": "/v", "schemes": ["http"], "consumes": ["a/b"],
                "paths": {"/a": {"post": {"consumes": ["c/d"], "schemes": ["https"], "parameters": [
                    {"name": "q", "in": "query", "type": "array", "items": {}, "collectionFormat": "csv"},
                    {"name": "b", "in": "body", "schema": {"type": "object"}},
                    {"name": "f", "in": "formData", "type": "file", "description": "d"}]}}},
                "securityDefinitions": {"o": {"type": "oauth2", "flow": "implicit"}}, "security": [{"o": []}]}),
        ];
        let odd = [
            json!(null),
            json!(true),
            json!(-1.5),
            json!(""),
            json!("{"),
            json!("https://[::1"),
            json!([]),
            json!([null]),
            json!({}),
            json!({"": {"$ref": ""}}),
            json!({"$ref": "#"}),
            json!({"$ref": "#/paths/~1a~1{x}/get"}),
            json!({"$ref": "other.json"}),
        ];
        for document in documents {
            for pointer in pointers(&document) {
                for value in &odd {
                    let mut broken = document.clone();
                    *broken.pointer_mut(&pointer).expect("place") = value.clone();
                    let text = broken.to_string();
                    for location in ["/d/api.json", "https://h.example/api.json"] {
                        let _ = crate::read(&set(&[(location, &text)]));
                    }
                }
            }
        }
    }

    fn pointers(value: &Value) -> Vec<String> {
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => {
                members.iter().map(|(k, v)| (crate::pointer::escape(k).into_owned(), v)).collect()
            }
            Value::Array(elements) => elements.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
            _ => Vec::new(),
        };
        let below = |(name, value): (String, &Value)| {
            pointers(value).into_iter().map(move |rest| format!("/{name}{rest}")).collect::<Vec<_>>()
        };
        std::iter::once(String::new()).chain(members.into_iter().flat_map(below)).collect()
    }

    #[test]
    fn documents_of_a_set_may_be_broken() {
        let root = r#"{"openapi":"3.0.0","paths":{"/a":{"$ref":"b.json"},"/c":{"get":{}}}}"#;
        for broken in ["", "{", "[]", "7", r#"{"get":7}"#] {
            let api = read_all(&[("https://h.example/a.json", root), ("https://h.example/b.json", broken)]);
            assert_eq!(api.operations.len(), 1, "{broken}");
            assert_eq!(api.diagnostics.len(), 1, "{broken}");
        }
    }
}
