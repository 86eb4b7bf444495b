//! An Arazzo description: its version, its sources, its workflows. Each workflow is read on its own: one that can't be
//! used is a diagnostic, and the others work (README deviation 6). WF-1: the reference reads nothing but the
//! workflows, so what else the specification asks for is a warning when it is missing.

use crate::checks;
use crate::components::Context;
use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::error::ArazzoError;
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_SOURCES, MAX_WORKFLOWS};
use crate::reader::Members;
use crate::version::Version;
use crate::workflow::Workflow;
use open_cli_contract::catalog::Diagnostic;
use serde_json::{Map, Value};

/// A document of workflows.
#[derive(Debug, Clone)]
pub struct Description {
    /// As what it was read.
    pub version: Version,
    /// `$self`: what it calls itself, and what its relative references are relative to; empty when it does not say.
    pub self_uri: String,
    /// `info.title`
    pub title: String,
    /// The descriptions whose operations it calls.
    pub sources: Vec<Source>,
    /// Those that can be used.
    pub workflows: Vec<Workflow>,
    /// What is wrong or odd; `source` is left empty for the caller to fill, `pointer` is within the document.
    pub diagnostics: Vec<Diagnostic>,
}

/// A source description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What expressions call it.
    pub name: String,
    /// Where it is; may be relative.
    pub url: String,
    /// What it is.
    pub kind: SourceKind,
}

/// Kinds of source descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// An OpenAPI description, or not said.
    OpenApi,
    /// An Arazzo description.
    Arazzo,
    /// An AsyncAPI description.
    AsyncApi,
}

/// Members that give other documents away.
const OTHERS: &[(&str, &str)] = &[
    ("openapi", "an OpenAPI description"),
    ("swagger", "an OpenAPI 2.0 description"),
    ("asyncapi", "an AsyncAPI description"),
    ("overlay", "an overlay"),
    ("toolGuidance", "a skill manifest"),
];

impl Description {
    /// Reads a document from JSON; YAML is transcoded where documents are read.
    ///
    /// # Errors
    /// When it is no document of workflows at all. Faults inside one are [`Description::diagnostics`].
    pub fn parse(json: &[u8]) -> Result<Self, ArazzoError> {
        if json.len() > MAX_DOCUMENT_BYTES {
            return Err(ArazzoError::TooLarge);
        }
        let root: Value = serde_json::from_slice(json).map_err(|error| ArazzoError::Json(error.to_string()))?;
        let map = match &root {
            Value::Object(map) => map,
            // An empty YAML file.
            Value::Null => &Map::new(),
            other => return Err(ArazzoError::NotAnObject { found: kind_name(other) }),
        };
        let mut report = Report::default();
        let members = Members::new(map, "");
        let version = version(&members, &mut report)?;
        let workflows = match map.get("workflows") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(workflows)) => workflows,
            Some(other) => return Err(ArazzoError::Workflows { found: kind_name(other) }),
        };
        members.check_known(
            &["arazzo", "$self", "info", "sourceDescriptions", "workflows", "components"],
            &mut report,
        );
        let mut context = Context::new(version, map, &mut report);
        context.check_newer(&members, &["$self"], &mut report);
        let sources = sources(&members, &mut report);
        context.sources = sources.iter().map(|source| source.name.clone()).collect();
        let workflows = read_workflows(workflows, &context, &mut report);
        Ok(Self {
            version,
            self_uri: self_uri(&members, &mut report),
            title: title(&members, &mut report),
            sources,
            workflows: checks::whole(workflows, &mut report),
            diagnostics: report.finish(),
        })
    }

    /// A workflow by its id.
    pub fn workflow(&self, id: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.id == id)
    }

    /// A source by its name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

fn version(members: &Members<'_>, report: &mut Report) -> Result<Version, ArazzoError> {
    let (text, is_text) = match members.get("arazzo") {
        Some(Value::String(text)) => (text.clone(), true),
        Some(Value::Number(number)) => (number.to_string(), false),
        Some(other) => return Err(ArazzoError::Version { version: kind_name(other).to_owned() }),
        None => {
            if let Some((member, what)) = OTHERS.iter().find(|(member, _)| members.has(member)) {
                return Err(ArazzoError::NotArazzo { member, what });
            }
            let message = "\"arazzo\" is missing; the document is read as Arazzo 1.1".to_owned();
            report.warning(code::VERSION, "", message, "write arazzo: 1.1.0");
            return Ok(Version::V1_1);
        }
    };
    let Some(version) = Version::parse(&text) else {
        return Err(ArazzoError::Version { version: quoted(&text) });
    };
    if !is_text {
        let message = format!("\"arazzo\" is the number {text}; a text is expected");
        report.warning(code::VERSION, "/arazzo", message, "put it in quotes");
    }
    Ok(version)
}

fn self_uri(members: &Members<'_>, report: &mut Report) -> String {
    let text = members.prose("$self", report);
    match text.split_once('#') {
        None => text,
        Some((before, _)) => {
            let message = format!("\"$self\" is {}, which has a fragment", quoted(&text));
            report.warning(code::FIELD, "/$self", message, "remove the `#` and what follows");
            before.to_owned()
        }
    }
}

fn title(members: &Members<'_>, report: &mut Report) -> String {
    let Some(Value::Object(info)) = members.get("info") else {
        report.warning(code::FIELD, "", "\"info\" is missing".into(), "write info with a title and a version");
        return String::new();
    };
    let info = Members::new(info, "/info");
    info.check_known(&["title", "summary", "description", "version"], report);
    for name in ["title", "version"] {
        if info.get(name).is_none() {
            report.warning(code::FIELD, "/info", format!("\"{name}\" is missing"), "");
        }
    }
    info.prose("title", report)
}

fn sources(members: &Members<'_>, report: &mut Report) -> Vec<Source> {
    let items = match members.get("sourceDescriptions") {
        Some(Value::Array(items)) if !items.is_empty() => items,
        _ => {
            let message = "\"sourceDescriptions\" is missing or empty".to_owned();
            report.warning(code::FIELD, "", message, "name the descriptions whose operations are called");
            return Vec::new();
        }
    };
    let mut all: Vec<Source> = Vec::new();
    for (i, item) in items.iter().take(MAX_SOURCES).enumerate() {
        let at = format!("/sourceDescriptions/{i}");
        let Some(own) = Members::of(item, &at, "the source description", report) else { continue };
        own.check_known(&["name", "url", "type"], report);
        let (Some(name), Some(url)) = (own.required_text("name", report), own.required_text("url", report)) else {
            continue;
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            let message = format!("the name {} has characters other than A-Z a-z 0-9 - _", quoted(name));
            report.warning(code::SOURCE, &at, message, "other tools may refuse it");
        }
        if all.iter().any(|known| known.name == name) {
            let message = format!("the source {} is there twice; the first counts", quoted(name));
            report.error(code::DUPLICATE, &at, message, "give each a name of its own");
            continue;
        }
        let kind = match own.text("type", report) {
            None | Some("openapi") => SourceKind::OpenApi,
            Some("arazzo") => SourceKind::Arazzo,
            Some("asyncapi") => SourceKind::AsyncApi,
            Some(other) => {
                let message = format!("the source {} is of type {}", quoted(name), quoted(other));
                report.warning(code::SOURCE, &at, message, "write openapi, arazzo or asyncapi");
                SourceKind::OpenApi
            }
        };
        all.push(Source { name: name.to_owned(), url: url.to_owned(), kind });
    }
    if items.len() > MAX_SOURCES {
        let message = format!("there are {} source descriptions; {MAX_SOURCES} are read", items.len());
        report.error(code::LIMIT, "/sourceDescriptions", message, "split the document");
    }
    all
}

fn read_workflows(items: &[Value], context: &Context<'_>, report: &mut Report) -> Vec<Workflow> {
    if items.is_empty() {
        report.warning(code::EMPTY, "", "the document has no workflows".into(), "");
    }
    if items.len() > MAX_WORKFLOWS {
        let message = format!("there are {} workflows; {MAX_WORKFLOWS} are read", items.len());
        report.error(code::LIMIT, "/workflows", message, "split the document");
    }
    let mut all: Vec<Workflow> = Vec::new();
    for (i, item) in items.iter().take(MAX_WORKFLOWS).enumerate() {
        let at = format!("/workflows/{i}");
        let before = report.errors();
        let read = Workflow::read(item, &at, context, report);
        let Some(mut workflow) = read else { continue };
        checks::workflow(&mut workflow, report);
        if report.errors() > before {
            let message = format!("the workflow {} can't be used and is left out", quoted(&workflow.id));
            report.error(code::INVALID, &at, message, "mend what is said about it");
            continue;
        }
        // W26, WF-7.
        if all.iter().any(|known| known.id == workflow.id) {
            let message = format!("the workflow {} is there twice; the first counts", quoted(&workflow.id));
            report.error(code::DUPLICATE, &at, message, "give each a workflowId of its own");
            continue;
        }
        all.push(workflow);
    }
    all
}
