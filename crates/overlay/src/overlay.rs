//! [`Overlay`]: an overlay document, read once and applied to any number of documents.

use crate::action::Action;
use crate::diagnostic::{Report, code, quoted};
use crate::fields::{self, Known};
use crate::limits::{MAX_ACTIONS, MAX_OVERLAY_BYTES};
use crate::reuse::Components;
use crate::{OverlayError, Version};
use open_cli_contract::catalog::Diagnostic;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Members of other kinds of description, for the case of a wrong reference.
const OTHER_KINDS: [(&str, &str); 4] = [
    ("openapi", "an OpenAPI description"),
    ("swagger", "a Swagger 2.0 description"),
    ("arazzo", "an Arazzo description"),
    ("asyncapi", "an AsyncAPI description"),
];

/// An overlay.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub(crate) source: String,
    pub(crate) version: Version,
    pub(crate) title: Option<String>,
    pub(crate) own_uri: Option<String>,
    pub(crate) extends: Option<String>,
    pub(crate) actions: Vec<Action>,
    diagnostics: Vec<Diagnostic>,
}

impl Overlay {
    /// Reads an overlay from JSON. `source` is where it was read (a URL or a path), the base of its relative
    /// references.
    ///
    /// # Errors
    /// When the bytes are no overlay that could mean anything here. Faults of single members and actions are
    /// [`Overlay::diagnostics`].
    pub fn parse(json: &[u8], source: &str) -> Result<Self, OverlayError> {
        if json.len() > MAX_OVERLAY_BYTES {
            return Err(OverlayError::TooLarge);
        }
        let value = serde_json::from_slice(json).map_err(|error| OverlayError::Json(error.to_string()))?;
        match value {
            Value::Object(members) => Self::read(&members, source),
            // An empty YAML file: a no-op (catalog-and-execution §5.1).
            Value::Null => Self::read(&Map::new(), source),
            other => Err(OverlayError::NotAnObject { found: kind_name(&other) }),
        }
    }

    fn read(members: &Map<String, Value>, source: &str) -> Result<Self, OverlayError> {
        let mut report = Report::default();
        if !members.contains_key("overlay") && !members.contains_key("actions") {
            for (member, what) in OTHER_KINDS {
                if members.contains_key(member) {
                    return Err(OverlayError::NotAnOverlay { member, what });
                }
            }
        }
        let version = match members.is_empty() {
            true => Version::V1_2,
            false => Version::read(members.get("overlay"), &mut report)?,
        };
        fields::check_known(members, Known::Root, "", &mut report);
        let title = info(members, &mut report);
        let own_uri = uri(members, "$self", &mut report);
        let extends = uri(members, "extends", &mut report);
        for (field, needs) in [("$self", Version::V1_2), ("components", Version::V1_2)] {
            if members.contains_key(field) && version < needs {
                fields::needs_version(field, &format!("/{field}"), needs, version, &mut report);
            }
        }
        let actions = actions(members, version, &mut report)?;
        let source = source.to_owned();
        Ok(Self { source, version, title, own_uri, extends, actions, diagnostics: report.finish() })
    }

    /// The version it is read as.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `info.title`.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Where it was read, as the caller said.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What is wrong or odd with the overlay itself, before it is applied to anything. An error means that an action
    /// is left out.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The actions in order, broken ones included.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }
}

/// Checks `info` and gives its title. It may be absent, as in the overlays of the reference.
fn info(members: &Map<String, Value>, report: &mut Report) -> Option<String> {
    let info = match members.get("info")? {
        Value::Object(info) => info,
        other => {
            let message =
                format!("\"info\" is {}; an object with \"title\" and \"version\" is expected", kind_name(other));
            report.warning(code::FIELD, "/info", message, "");
            return None;
        }
    };
    fields::check_known(info, Known::Info, "/info", report);
    for field in ["title", "version", "description"] {
        match info.get(field) {
            Some(Value::String(_)) => {}
            None if field == "description" => {}
            None => report.warning(code::FIELD, "/info", format!("\"info\" has no \"{field}\""), ""),
            Some(other) => {
                let message = format!("\"{field}\" is {}; a text is expected", kind_name(other));
                report.warning(code::FIELD, &format!("/info/{field}"), message, "put it in quotes");
            }
        }
    }
    info.get("title").and_then(Value::as_str).map(str::to_owned)
}

/// A member that identifies a whole document.
fn uri(members: &Map<String, Value>, field: &'static str, report: &mut Report) -> Option<String> {
    let pointer = format!("/{field}");
    match members.get(field)? {
        Value::String(text) => {
            if text.contains('#') {
                let message =
                    format!("\"{field}\" is {}: it names a document and may have no fragment", quoted(text));
                report.warning(code::FIELD, &pointer, message, "remove `#` and what follows");
            }
            Some(text.split('#').next().unwrap_or_default().to_owned())
        }
        other => {
            let message = format!("\"{field}\" is {}; a URI reference is expected", kind_name(other));
            report.warning(code::FIELD, &pointer, message, "");
            None
        }
    }
}

fn actions(
    members: &Map<String, Value>,
    version: Version,
    report: &mut Report,
) -> Result<Vec<Action>, OverlayError> {
    let list = match members.get("actions") {
        Some(Value::Array(list)) => list.as_slice(),
        None | Some(Value::Null) => &[],
        Some(other) => return Err(OverlayError::Actions { found: kind_name(other) }),
    };
    if list.len() > MAX_ACTIONS {
        return Err(OverlayError::TooManyActions);
    }
    if list.is_empty() {
        let message = "the overlay has no actions; it changes nothing".to_owned();
        report.warning(code::EMPTY, "/actions", message, "");
    }
    duplicates(list, report);
    let components = Components::read(members.get("components"), version, report);
    let read = |(index, value)| fields::action(index, value, &components, version, report);
    Ok(list.iter().enumerate().map(read).collect())
}

/// `uniqueItems` of the schema. Actions that only look alike are told apart by their text.
fn duplicates(list: &[Value], report: &mut Report) {
    let mut seen: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, action) in list.iter().enumerate() {
        let Some(target) = action.get("target").and_then(Value::as_str) else { continue };
        let same_target = seen.entry(target).or_default();
        // Bounded: an overlay with very many actions on one target is not compared in full.
        if let Some(first) = same_target.iter().take(16).find(|first| list[**first] == *action) {
            let message = format!("action {} is the same as action {}; it is applied again", index + 1, first + 1);
            report.warning(code::DUPLICATE, &format!("/actions/{index}"), message, "remove one of them");
        }
        same_target.push(index);
    }
}

/// What a value is, in words.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
