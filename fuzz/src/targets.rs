//! The list of targets.

use bytes::Bytes;
use open_cli_arazzo::{Description, Expression};
use open_cli_config::Scope;
use open_cli_contract::catalog::Tool;
use open_cli_documents::{CacheEntry, Document, DocumentSet, Location};
use open_cli_jsonpath::{Budget, JsonPath};
use open_cli_overlay::Overlay;
use open_cli_request::{Arguments, RequestTemplate};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Links of one document that are read.
const MAX_LINKS: usize = 1000;
/// Steps of one JSONPath query.
const MAX_STEPS: u64 = 100_000;

/// A parser.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Texts that mean something to it.
    pub dictionary: &'static [&'static str],
    /// Reads any bytes.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "config",
        dictionary: &["\"sources\"", "\"type\"", "\"openapi\"", "{}", "\"policy\"", "\"secrets\"", "null"],
        run: config,
    },
    Target {
        name: "yaml",
        dictionary: &[
            "&a ", "*a", "<<: ", "- ", ": ", "!!int ", "|\n", ">-\n", "? ", "---\n", "{", "[", "'", "\"",
        ],
        run: yaml,
    },
    Target {
        name: "openapi",
        dictionary: &[
            "$ref: ",
            "'#/paths/~1a'",
            "paths:",
            "parameters:",
            "schema:",
            "allOf:",
            "swagger: '2.0'",
            "in: path",
            "{id}",
        ],
        run: openapi,
    },
    Target {
        name: "overlay",
        dictionary: &["target: ", "$..*", "remove: true", "update: ", "copy: ", "actions:", "extends: "],
        run: overlay,
    },
    Target {
        name: "jsonpath",
        dictionary: &[
            "$", "..", "[*]", "[?", "@", "&&", "||", "!", "length(", "match(", "search(", "value(", "count(",
            "[0:1:-1]", "'",
        ],
        run: jsonpath,
    },
    Target {
        name: "link_header",
        dictionary: &["<", ">", ";", ",", "rel=", "\"", "title*=UTF-8''", "anchor=", "\\"],
        run: link_header,
    },
    Target {
        name: "linkset",
        dictionary: &["\"linkset\"", "\"anchor\"", "\"href\"", "\"item\"", "\"service-desc\"", "[", "{"],
        run: linkset,
    },
    Target {
        name: "html",
        dictionary: &[
            "<link ",
            "rel=",
            "href=",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<base ",
            "&amp;",
            "'",
            ">",
        ],
        run: html,
    },
    Target {
        name: "arazzo",
        dictionary: &[
            "workflows:",
            "steps:",
            "$inputs.",
            "$steps.",
            "$response.body#/",
            "criteria",
            "{$",
            "}",
            "==",
            "&&",
        ],
        run: arazzo,
    },
    Target {
        name: "cache_metadata",
        dictionary: &[
            "\"headers\"",
            "\"Cache-Control\"",
            "\"max-age=\"",
            "\"expiresAt\"",
            "0001-01-01T00:00:00Z",
            "null",
        ],
        run: cache_metadata,
    },
    Target {
        name: "audit_line",
        dictionary: &["\"timestamp\"", "\"seq\"", "\"prevHash\"", "\"eventType\"", "2026-01-01T00:00:00Z"],
        run: audit_line,
    },
    Target {
        name: "otlp_env",
        dictionary: &[
            "OTEL_EXPORTER_OTLP_ENDPOINT=",
            "OTEL_EXPORTER_OTLP_HEADERS=",
            "OTEL_RESOURCE_ATTRIBUTES=",
            "OTEL_TRACES_SAMPLER_ARG=",
            "http://",
            "%",
            ",",
            "=",
        ],
        run: otlp_env,
    },
    Target {
        name: "request",
        dictionary: &[
            "\"path\"",
            "{id}",
            "{id*}",
            "\"location\"",
            "\"query\"",
            "\"style\"",
            "\"deepObject\"",
            "\"servers\"",
            "?",
            "#",
            "%2F",
        ],
        run: request,
    },
];

/// A target by its name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let files = [(Scope::Project, PathBuf::from("/srv/.cli.json"), text)];
    if let Err(error) = open_cli_config::load_text(&files) {
        let _ = error.render();
    }
}

/// JSON of a document, as every reader of documents gets it.
fn json_of(data: &[u8]) -> Option<Bytes> {
    open_cli_documents::to_json(&Bytes::copy_from_slice(data)).ok()
}

fn yaml(data: &[u8]) {
    match open_cli_documents::to_json(&Bytes::copy_from_slice(data)) {
        Ok(json) => {
            let value: Value = serde_json::from_slice(&json).expect("invariant: what documents give is JSON");
            let mut pointers = Vec::new();
            pointers_of(&value, String::new(), &mut pointers);
            let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
            let places = open_cli_documents::places(data, &pointers);
            assert_eq!(places.len(), pointers.len());
        }
        Err(fault) => {
            let place = open_cli_documents::place_of_fault(data, &fault);
            assert!(place.line >= 1 && place.column >= 1);
        }
    }
}

/// Some pointers of a value.
fn pointers_of(value: &Value, at: String, found: &mut Vec<String>) {
    if found.len() >= 64 {
        return;
    }
    found.push(at.clone());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                pointers_of(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers_of(value, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn openapi(data: &[u8]) {
    let Some(json) = json_of(data) else { return };
    let location = Location::File(PathBuf::from("/srv/api.yaml"));
    let _ = open_cli_openapi::read(&DocumentSet::from_documents(vec![Document { location, json }]));
}

fn overlay(data: &[u8]) {
    let Some(json) = json_of(data) else { return };
    if let Ok(overlay) = Overlay::parse(&json, "https://h.example/o.yaml") {
        let _ = overlay.apply(&mut sample());
    }
}

/// A small description for what changes or selects.
fn sample() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/a/{id}": {"get": {"operationId": "a", "tags": ["x", "y"], "parameters": [{"name": "id"}, {"name": "q"}]}}},
        "n": [1, 2.5, null, true, "ü", {"n": [[], {}]}],
    })
}

fn jsonpath(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for path in [JsonPath::parse(&text), JsonPath::parse_with_loose_names(&text)].into_iter().flatten() {
        let _ = path.select(&sample(), &mut Budget::new(MAX_STEPS));
        let _ = path.dead_end(&sample(), &mut Budget::new(MAX_STEPS));
    }
}

fn link_header(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = open_cli_discovery::parse_link_header(text.lines(), MAX_LINKS);
}

fn linkset(data: &[u8]) {
    for media_type in ["application/linkset+json", "application/linkset"] {
        let _ = open_cli_discovery::parse_linkset(data, media_type, MAX_LINKS);
    }
}

fn html(data: &[u8]) {
    let _ = open_cli_discovery::parse_html_links(&String::from_utf8_lossy(data), MAX_LINKS);
}

fn arazzo(data: &[u8]) {
    if let Some(json) = json_of(data) {
        let _ = Description::parse(&json);
    }
    let text = String::from_utf8_lossy(data);
    for line in text.lines().take(16) {
        let _ = Expression::parse(line);
    }
}

fn cache_metadata(data: &[u8]) {
    if let Some(entry) = CacheEntry::parse(data) {
        let _ = entry.is_fresh(open_cli_contract::Timestamp::UNIX_EPOCH);
    }
}

fn audit_line(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let _ = open_cli_auditformat::Record::parse(line);
    }
}

fn otlp_env(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let variables: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let _ = open_cli_otlp::Settings::from_env(&|name| variables.get(name).map(|value| (*value).to_owned()));
}

/// `tool`, and what it is called with.
fn request(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(tool) = serde_json::from_value::<Tool>(value["tool"].clone()) else { return };
    let path_args: Vec<String> = serde_json::from_value(value["pathArgs"].clone()).unwrap_or_default();
    let flags: BTreeMap<String, String> = serde_json::from_value(value["flags"].clone()).unwrap_or_default();
    let body = value["body"].as_str().map(|body| Bytes::copy_from_slice(body.as_bytes()));
    let typed = serde_json::value::to_raw_value(&value["arguments"]).ok();
    let arguments = Arguments {
        path_args: &path_args,
        flags: &flags,
        typed: typed.as_deref().filter(|_| value["arguments"].is_object()),
        body,
        content_type: value["contentType"].as_str().unwrap_or_default(),
        ..Arguments::default()
    };
    let _ = RequestTemplate::compile(&tool).fill(&arguments);
}
