//! The OpenAPI document that stands for a server's tools (MT-1 to MT-9, W11, W36, W50), so that overlays, naming, policy and
//! everything else treat them like the operations of any API. Schemas are carried as they were sent.

use crate::json::Object;
use crate::tools::{Hints, Listing, ToolDefinition};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Begins every path of a description.
const PREFIX: &str = "/_mcp";
/// Schema of a tool that names none.
const ANY_OBJECT: &str = r#"{"type":"object"}"#;

/// What stands for a server's tools.
#[derive(Debug, Clone)]
pub struct Description {
    /// OpenAPI 3.1, as JSON: the tools that are not disabled.
    pub json: String,
    /// The same with the disabled ones, when there are any: what a reference to one of them would have meant.
    pub with_disabled: Option<String>,
    /// By path.
    pub tools: BTreeMap<String, Described>,
    /// Paths and names of disabled tools that the server has.
    pub disabled: BTreeMap<String, String>,
}

/// What a path stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The tool's name at the server.
    pub name: String,
    /// Its arguments are the member `input` of the body.
    pub input_wrapped: bool,
}

/// Describes the tools under the id of their service.
pub fn describe(service_id: &str, listing: &Listing, disabled_tools: &[String]) -> Description {
    let is_disabled = |tool: &&ToolDefinition| disabled_tools.contains(&tool.name);
    let (disabled, enabled): (Vec<_>, Vec<_>) = listing.tools.iter().partition(is_disabled);
    let folder = format!("{PREFIX}/{}", word(service_id, "service"));
    let mut taken = HashSet::new();
    // MT-4: a disabled tool never takes a name from an enabled one.
    let enabled = placed(&folder, enabled, &mut taken);
    let disabled = placed(&folder, disabled, &mut taken);
    let described = |(path, tool): &(String, &ToolDefinition)| {
        let input_wrapped = matches!(Input::of(tool), Input::Wrapped(_));
        (path.clone(), Described { name: tool.name.clone(), input_wrapped })
    };
    Description {
        json: document(service_id, enabled.iter()),
        with_disabled: (!disabled.is_empty()).then(|| document(service_id, enabled.iter().chain(&disabled))),
        tools: enabled.iter().map(described).collect(),
        disabled: disabled.into_iter().map(|(path, tool)| (path, tool.name.clone())).collect(),
    }
}

/// Each tool with its path.
fn placed<'a>(
    folder: &str,
    tools: Vec<&'a ToolDefinition>,
    taken: &mut HashSet<String>,
) -> Vec<(String, &'a ToolDefinition)> {
    let place = |tool: &'a ToolDefinition| {
        let plain = format!("{folder}/{}", word(&tool.name, "tool"));
        let hash: String = Sha256::digest(&tool.name)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let hashed = format!("{plain}-{hash}");
        // Names are unique, so that only a hash that was made to collide goes further.
        let numbered = (2..).map(|number: u64| format!("{hashed}-{number}"));
        let mut candidates = [plain, hashed.clone()].into_iter().chain(numbered);
        let path = candidates.find(|path| !taken.contains(path)).unwrap_or_else(|| hashed.clone());
        taken.insert(path.clone());
        (path, tool)
    };
    tools.into_iter().map(place).collect()
}

/// MT-2.
fn document<'a>(service_id: &str, tools: impl Iterator<Item = &'a (String, &'a ToolDefinition)>) -> String {
    let paths = tools.fold(Object::default(), |paths, (path, tool)| {
        paths.object(path, Object::default().object("post", operation(service_id, path, tool)))
    });
    let info = Object::default().with("title", service_id).with("version", "mcp");
    Object::default().with("openapi", "3.1.0").object("info", info).object("paths", paths).finish()
}

fn operation(service_id: &str, path: &str, tool: &ToolDefinition) -> Object {
    let mut operation = Object::default().with("operationId", &tool.name);
    let about = if tool.description.is_empty() { &tool.title } else { &tool.description };
    if !about.is_empty() {
        operation = operation.with("summary", about).with("description", about);
    }
    let body =
        Object::default().with("required", &true).object("content", json_content(&input_schema(tool, path)));
    let result = Object::default()
        .with("description", "What the tool answers")
        .object("content", json_content(&result_schema(tool, path)));
    operation
        .with("tags", &[service_id])
        .object("requestBody", body)
        .object("responses", Object::default().object("200", result))
        .object("x-cli-safety", safety(tool.hints))
}

fn json_content(schema: &str) -> Object {
    Object::default().object("application/json", Object::default().raw("schema", schema))
}

/// What a schema is by its outermost members.
enum Input<'a> {
    /// Of an object: the body is the arguments.
    Plain(&'a str),
    /// Of anything else: the arguments are the body's member `input`.
    Wrapped(&'a str),
}

#[derive(Deserialize)]
struct Outermost<'a> {
    #[serde(borrow, default)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow, rename = "$ref", default)]
    reference: Option<&'a RawValue>,
}

impl<'a> Input<'a> {
    /// MT-6. A schema that is a reference describes an object, as all arguments are; it is kept, not lost.
    fn of(tool: &'a ToolDefinition) -> Self {
        let Some(schema) = tool.input_schema.as_deref().map(RawValue::get) else { return Self::Plain(ANY_OBJECT) };
        if schema.trim_matches(['{', '}', ' ', '\t', '\r', '\n']).is_empty() {
            return Self::Plain(ANY_OBJECT);
        }
        // A member that stands there twice is as good as none.
        let outermost: Option<Outermost<'_>> = serde_json::from_str(schema).ok();
        let is_object = outermost.as_ref().and_then(|o| o.r#type).is_some_and(|kind| kind.get() == "\"object\"");
        let is_reference = outermost.is_some_and(|o| o.reference.is_some());
        if is_object || is_reference { Self::Plain(schema) } else { Self::Wrapped(schema) }
    }
}

fn input_schema(tool: &ToolDefinition, path: &str) -> String {
    match Input::of(tool) {
        Input::Plain(schema) => identified(schema, path, "input").into_owned(),
        Input::Wrapped(schema) => {
            let properties = Object::default().raw("input", &identified(schema, path, "input"));
            Object::default()
                .with("type", "object")
                .object("properties", properties)
                .with("required", &["input"])
                .finish()
        }
    }
}

/// What MX-6 gives.
fn result_schema(tool: &ToolDefinition, path: &str) -> String {
    let mut properties = Object::default();
    if let Some(schema) = &tool.output_schema {
        properties = properties.raw("structuredContent", &identified(schema.get(), path, "output"));
    }
    let list = Object::default().with("type", "array").raw("items", ANY_OBJECT);
    let flag = Object::default().with("type", "boolean");
    properties = properties.object("content", list).object("isError", flag);
    Object::default().with("type", "object").object("properties", properties).finish()
}

/// References in a schema of a tool count from that schema, and here it stands inside a document: with an `$id` it
/// stays a document of its own (W36). Schemas without references are left as they are.
fn identified<'a>(schema: &'a str, path: &str, role: &str) -> Cow<'a, str> {
    let has_reference = schema.contains("\"$ref\"") || schema.contains("\"$dynamicRef\"");
    let inside = schema.trim_start().strip_prefix('{').map(str::trim_start);
    let Some(inside) = inside.filter(|inside| has_reference && !inside.starts_with('}')) else {
        return schema.into();
    };
    if schema.contains("\"$id\"") {
        return schema.into();
    }
    let escaped: String =
        path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' }).collect();
    format!("{{\"$id\":\"urn:mcp:{role}:{}\",{inside}", escaped.trim_matches('.')).into()
}

/// W50: what a tool does not say is taken for the worse, as the protocol has it. Contradictions too.
fn safety(hints: Hints) -> Object {
    let claims_read_only = hints.read_only_hint == Some(true);
    let destructive = hints.destructive_hint.unwrap_or(!claims_read_only);
    let read_only = claims_read_only && !destructive;
    let idempotent = read_only || hints.idempotent_hint == Some(true);
    Object::default()
        .with("readOnly", &read_only)
        .with("destructive", &destructive)
        .with("idempotent", &idempotent)
}

/// MT-3: the slug of these paths, which is none of the others.
fn word(text: &str, otherwise: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for c in text.trim().chars() {
        let is_separator = matches!(c, '-' | '_' | ' ' | '.' | '/' | ':');
        if (is_separator || c.is_ascii_uppercase()) && !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        }
    }
    match out.trim_matches('-') {
        "" => otherwise.to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Gathering;
    use serde_json::Value;

    fn listing(definitions: &[&str]) -> Listing {
        let mut gathering = Gathering::default();
        for definition in definitions {
            gathering.add(&RawValue::from_string((*definition).to_owned()).expect("JSON"), false);
        }
        assert!(gathering.remarks.is_empty(), "{:?}", gathering.remarks);
        Listing { tools: gathering.tools, remarks: Vec::new(), version: 1, expires_at: None }
    }

    fn parsed(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    fn schema(definition: &str) -> Value {
        let document = parsed(&describe("x", &listing(&[definition]), &[]).json);
        let item = document["paths"].as_object().expect("paths").values().next().expect("a tool").clone();
        item["post"]["requestBody"]["content"]["application/json"]["schema"].clone()
    }

    /// MT-2 to MT-5: the example of §16.
    #[test]
    fn tools_get_the_paths_of_the_contract() {
        let tools =
            [r#"{"name":"rate-card"}"#, r#"{"name":"rate_card"}"#, r#"{"name":"quoteETA"}"#, r#"{"name":"見積"}"#];
        let described = describe("Rate Desk", &listing(&tools), &[]);
        let paths: Vec<(&str, &str)> =
            described.tools.iter().map(|(path, tool)| (path.as_str(), tool.name.as_str())).collect();
        assert_eq!(
            paths,
            [
                ("/_mcp/rate-desk/quote-e-t-a", "quoteETA"),
                ("/_mcp/rate-desk/rate-card", "rate-card"),
                ("/_mcp/rate-desk/rate-card-be67fa02", "rate_card"),
                ("/_mcp/rate-desk/tool", "見積"),
            ]
        );
        let document = parsed(&described.json);
        assert_eq!(document["info"], serde_json::json!({"title": "Rate Desk", "version": "mcp"}));
        assert_eq!(document["paths"]["/_mcp/rate-desk/tool"]["post"]["tags"], serde_json::json!(["Rate Desk"]));
        assert_eq!(word("X-Ray Scan", "tool"), "x-ray-scan");
    }

    /// MT-4, DT-1.
    #[test]
    fn disabled_tools_are_left_out_and_take_no_name_from_others() {
        let tools = [r#"{"name":"a_b"}"#, r#"{"name":"a-b"}"#];
        let described = describe("s", &listing(&tools), &["a_b".into(), "ghost".into()]);
        assert_eq!(described.tools["/_mcp/s/a-b"].name, "a-b");
        assert_eq!(described.disabled.values().collect::<Vec<_>>(), ["a_b"]);
        let whole = parsed(&described.with_disabled.expect("some are disabled"));
        assert_eq!(whole["paths"].as_object().expect("paths").len(), 2);
        assert_eq!(parsed(&described.json)["paths"].as_object().expect("paths").len(), 1);
    }

    /// MT-6.
    #[test]
    fn arguments_that_are_no_object_are_wrapped() {
        for (input, expected, wrapped) in [
            (r#","inputSchema":{"type":"object","x":1.50}"#, r#"{"type":"object","x":1.50}"#, false),
            ("", r#"{"type":"object"}"#, false),
            (r#","inputSchema":{ }"#, r#"{"type":"object"}"#, false),
            (
                r#","inputSchema":{"type":"string"}"#,
                r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#,
                true,
            ),
            (
                r#","inputSchema":{"type":["object","null"]}"#,
                r#"{"type":"object","properties":{"input":{"type":["object","null"]}},"required":["input"]}"#,
                true,
            ),
            (
                r##","inputSchema":{"$ref":"#/$defs/A","$defs":{"A":{"type":"object"}}}"##,
                r##"{"$id":"urn:mcp:input:mcp.x.t","$ref":"#/$defs/A","$defs":{"A":{"type":"object"}}}"##,
                false,
            ),
        ] {
            let definition = format!(r#"{{"name":"t"{input}}}"#);
            assert_eq!(schema(&definition), parsed(expected), "{input}");
            let described = describe("x", &listing(&[&definition]), &[]);
            assert_eq!(described.tools["/_mcp/x/t"].input_wrapped, wrapped, "{input}");
        }
    }

    /// W50.
    #[test]
    fn missing_and_contradicting_hints_are_taken_for_the_worse() {
        let of = |read_only, destructive, idempotent| {
            let hints =
                Hints { read_only_hint: read_only, destructive_hint: destructive, idempotent_hint: idempotent };
            let value = parsed(&safety(hints).finish());
            ["readOnly", "destructive", "idempotent"].map(|name| value[name] == true)
        };
        assert_eq!(of(None, None, None), [false, true, false]);
        assert_eq!(of(Some(true), None, None), [true, false, true]);
        assert_eq!(of(Some(true), Some(true), None), [false, true, false]);
        assert_eq!(of(Some(false), Some(false), Some(true)), [false, false, true]);
        assert_eq!(of(None, Some(false), None), [false, false, false]);
    }
}
