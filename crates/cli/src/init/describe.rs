//! A light reading of an OpenAPI description: just enough to name a service and say what it holds. The runtime reads
//! it properly later.

use super::yaml;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Methods that become tools (TL-1).
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];

/// What `init` says about a description.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Description {
    /// `3.1.0`, `2.0`.
    pub(super) version: String,
    pub(super) title: String,
    pub(super) operations: usize,
    /// Distinct first tags, ascending.
    pub(super) groups: Vec<String>,
    pub(super) servers: Vec<String>,
    /// Some part of it names a server with an absolute URL.
    pub(super) has_server: bool,
    /// Security schemes by name, in order.
    pub(super) schemes: Vec<(String, Value)>,
}

impl Description {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "It is not UTF-8 text.".to_owned())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = if text.trim_start().starts_with('{') {
            serde_json::from_str::<Value>(text).or_else(|json| {
                // Flow-style YAML begins the same way.
                yaml::parse(text).map_err(|_| format!("It is not valid JSON: {json}."))
            })?
        } else {
            yaml::parse(text).map_err(|error| format!("It is neither JSON nor valid YAML: {error}."))?
        };
        let Value::Object(root) = root else { return Err("It is not an object.".into()) };
        Self::of(&root)
    }

    fn of(root: &Map<String, Value>) -> Result<Self, String> {
        let version = match (root.get("openapi"), root.get("swagger")) {
            (Some(version), _) | (None, Some(version)) => plain(version),
            (None, None) => return Err("It has neither `openapi` nor `swagger`.".into()),
        };
        let is_supported = if root.contains_key("openapi") {
            version.starts_with("3.")
        } else {
            version == "2.0" || version == "2"
        };
        if !is_supported {
            return Err(format!("Its version is {version:?}; 2.0 and 3.x are supported."));
        }
        let Some(Value::Object(info)) = root.get("info") else { return Err("It has no `info`.".into()) };
        let has_content = ["paths", "webhooks", "components"].iter().any(|member| root.contains_key(*member));
        if !has_content {
            return Err("It has no `paths`.".into());
        }
        let mut operations = 0;
        let mut groups = BTreeSet::new();
        let items = root.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
        for operation in
            items.filter_map(Value::as_object).flat_map(|item| METHODS.iter().filter_map(|m| item.get(*m)))
        {
            if operation.get("x-cli-ignore") == Some(&Value::Bool(true)) || !operation.is_object() {
                continue;
            }
            operations += 1;
            if let Some(tag) = operation.pointer("/tags/0").and_then(Value::as_str) {
                groups.insert(tag.to_owned());
            }
        }
        let schemes = root
            .get("components")
            .and_then(|components| components.get("securitySchemes"))
            .or_else(|| root.get("securityDefinitions"))
            .and_then(Value::as_object);
        Ok(Self {
            version,
            title: info.get("title").map(plain).unwrap_or_default(),
            operations,
            groups: groups.into_iter().collect(),
            servers: servers(root),
            has_server: has_server(root),
            schemes: schemes.into_iter().flatten().map(|(name, scheme)| (name.clone(), scheme.clone())).collect(),
        })
    }
}

fn servers(root: &Map<String, Value>) -> Vec<String> {
    let urls = root.get("servers").and_then(Value::as_array).into_iter().flatten();
    urls.filter_map(|server| server.get("url").and_then(Value::as_str)).map(str::to_owned).collect()
}

/// The document, a path or an operation names an absolute URL; in Swagger 2.0 the document a host.
fn has_server(root: &Map<String, Value>) -> bool {
    if root.contains_key("swagger") && !root.contains_key("openapi") {
        return root.get("host").and_then(Value::as_str).is_some_and(|host| !host.trim().is_empty());
    }
    let is_absolute = |of: &Map<String, Value>| servers(of).iter().any(|url| url.contains("://"));
    let items = || root.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
    is_absolute(root)
        || items()
            .filter_map(Value::as_object)
            .any(|item| is_absolute(item) || item.values().filter_map(Value::as_object).any(is_absolute))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "\
openapi: 3.1.0
info: {title: 'Orders API', version: 1.0}
servers:
  - url: https://api.example.test
  - url: /v2
paths:
  /orders:
    get: &list {tags: [orders], responses: {}}
    post: {tags: [admin, orders]}
    head: {}
  /orders/{id}:
    get: *list
    delete: {x-cli-ignore: true}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
";

    #[test]
    fn json_and_yaml_of_every_version_are_read() {
        let found = Description::read(YAML.as_bytes()).unwrap();
        assert_eq!((found.version.as_str(), found.title.as_str(), found.operations), ("3.1.0", "Orders API", 3));
        assert_eq!((found.groups, found.servers.len()), (vec!["admin".to_owned(), "orders".to_owned()], 2));
        assert_eq!(found.schemes[0].0, "key");
        for (text, version) in [
            (r#"{"swagger":"2.0","info":{"title":"x"},"paths":{"/a":{"get":{}}}}"#, "2.0"),
            ("\u{feff}{\"openapi\":\"3.0.3\",\"info\":{},\"paths\":{}}", "3.0.3"),
            ("{openapi: 3.0.3, info: {title: t}, paths: {}}", "3.0.3"),
            ("swagger: 2.0\ninfo: {title: t}\npaths: {}\n", "2.0"),
        ] {
            assert_eq!(Description::read(text.as_bytes()).unwrap().version, version, "{text}");
        }
    }

    #[test]
    fn a_description_without_an_absolute_server_is_noticed() {
        for (text, expected) in [
            ("openapi: 3.0.0\ninfo: {}\npaths: {}", false),
            ("openapi: 3.0.0\ninfo: {}\npaths: {}\nservers: [{url: /v1}]", false),
            ("openapi: 3.0.0\ninfo: {}\npaths: {}\nservers: [{url: /v1}, {url: 'https://h/v1'}]", true),
            ("openapi: 3.0.0\ninfo: {}\npaths: {/a: {get: {servers: [{url: 'https://h'}]}}}", true),
            ("swagger: '2.0'\ninfo: {}\npaths: {}", false),
            ("swagger: '2.0'\ninfo: {}\npaths: {}\nhost: h", true),
        ] {
            assert_eq!(Description::read(text.as_bytes()).unwrap().has_server, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_description_is_refused_with_the_reason() {
        for (text, part) in [
            ("", "not an object"),
            ("hello", "not an object"),
            ("[1]", "not an object"),
            ("a: b", "neither `openapi` nor `swagger`"),
            ("openapi: 4.0.0\ninfo: {}\npaths: {}", "4.0.0"),
            ("swagger: '1.2'\ninfo: {}\npaths: {}", "1.2"),
            ("openapi: 3.0.0\npaths: {}", "info"),
            ("openapi: 3.0.0\ninfo: {}", "paths"),
            ("{\"openapi\": ", "not valid JSON"),
            ("a: [1", "YAML"),
        ] {
            let reason = Description::read(text.as_bytes()).unwrap_err();
            assert!(reason.contains(part), "{text:?}: {reason}");
        }
    }
}
