//! Reusable actions (Overlay 1.2): `components.actions`, and the references to them.

use crate::Version;
use crate::action::Modifier;
use crate::diagnostic::{Report, code, quoted};
use crate::fields::{self, Known};
use crate::overlay::kind_name;
use open_cli_jsonpath::Location;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::collections::HashMap;

const PREFIX: &str = "#/components/actions/";

/// What `components.actions` holds.
#[derive(Debug, Default)]
pub(crate) struct Components {
    /// `None` for one that is broken.
    actions: HashMap<String, Option<Reusable>>,
}

/// A reusable action.
#[derive(Debug)]
pub(crate) struct Reusable {
    /// That of `fields`, which describes the action.
    pub(crate) description: Option<String>,
    pub(crate) modifier: Modifier,
}

impl Components {
    pub(crate) fn read(components: Option<&Value>, version: Version, report: &mut Report) -> Self {
        let mut found = Self::default();
        let Some(components) = components else { return found };
        let Some(components) = object(components, "/components", report) else { return found };
        fields::check_known(components, Known::Components, "/components", report);
        let Some(actions) = components.get("actions") else { return found };
        let Some(actions) = object(actions, "/components/actions", report) else { return found };
        for (name, value) in actions {
            let pointer = pointer(name);
            let reusable = Reusable::read(name, value, &pointer, version, report);
            found.actions.insert(name.clone(), reusable);
        }
        found
    }

    /// The reusable action that an item of `actions` refers to.
    pub(crate) fn referenced(
        &self,
        members: &Map<String, Value>,
        pointer: &str,
        number: usize,
        version: Version,
        report: &mut Report,
    ) -> Option<&Reusable> {
        if version < Version::V1_2 {
            fields::needs_version("$ref", &format!("{pointer}/$ref"), Version::V1_2, version, report);
        }
        if let Some(field) = ["update", "copy", "remove"].iter().find(|field| members.contains_key(**field)) {
            let message = format!("action {number} has \"{field}\" beside \"$ref\"");
            report.error(code::ACTION, &format!("{pointer}/{field}"), message, "write it as an action of its own");
            return None;
        }
        let pointer = format!("{pointer}/$ref");
        let hint = "write $ref: '#/components/actions/NAME', with `~` as `~0` and `/` as `~1`";
        let reference = match members.get("$ref") {
            Some(Value::String(reference)) => reference,
            _ => {
                report.error(code::ACTION, &pointer, format!("\"$ref\" of action {number} is no text"), hint);
                return None;
            }
        };
        let Some(name) = reference.strip_prefix(PREFIX).and_then(name) else {
            let message = format!("\"$ref\" of action {number} is {}, no reusable action", quoted(reference));
            report.error(code::ACTION, &pointer, message, hint);
            return None;
        };
        match self.actions.get(&name) {
            Some(Some(reusable)) => Some(reusable),
            Some(None) => {
                let message = format!("action {number} refers to {}, which is broken", quoted(reference));
                report.error(code::ACTION, &pointer, message, "");
                None
            }
            None => {
                let message = format!("action {number} refers to {}, which is not there", quoted(reference));
                report.error(code::ACTION, &pointer, message, "");
                None
            }
        }
    }
}

impl Reusable {
    fn read(name: &str, value: &Value, pointer: &str, version: Version, report: &mut Report) -> Option<Self> {
        let what = format!("the reusable action {}", quoted(name));
        let Value::Object(reusable) = value else {
            report.error(
                code::ACTION,
                pointer,
                format!("{what} is {}; an object is expected", kind_name(value)),
                "",
            );
            return None;
        };
        fields::check_known(reusable, Known::Reusable, pointer, report);
        if let Some(other) = reusable.get("description").filter(|description| !description.is_string()) {
            let message = format!("\"description\" is {}; a text is expected", kind_name(other));
            report.warning(code::FIELD, &format!("{pointer}/description"), message, "put it in quotes");
        }
        let pointer = format!("{pointer}/fields");
        let empty = Map::new();
        let members = match reusable.get("fields") {
            Some(Value::Object(members)) => members,
            None => &empty,
            Some(other) => {
                let message = format!("\"fields\" of {what} is {}; an object is expected", kind_name(other));
                report.error(code::ACTION, &pointer, message, "");
                return None;
            }
        };
        if members.contains_key("target") {
            let message = format!("\"target\" of {what} has no effect");
            let hint = "each reference names its own target";
            report.warning(code::FIELD, &format!("{pointer}/target"), message, hint);
        }
        fields::check_known(members, Known::Fields, &pointer, report);
        let description = members.get("description").and_then(Value::as_str).map(str::to_owned);
        let modifier = fields::modifier(members, &pointer, &what, version, report)?;
        Some(Self { description, modifier })
    }
}

fn object<'v>(value: &'v Value, pointer: &str, report: &mut Report) -> Option<&'v Map<String, Value>> {
    if !value.is_object() {
        let message = format!("{pointer} is {}; an object is expected", kind_name(value));
        report.warning(code::FIELD, pointer, message, "");
    }
    value.as_object()
}

fn pointer(name: &str) -> String {
    let mut pointer = PREFIX.trim_start_matches('#').trim_end_matches('/').to_owned();
    Location::push_token(&mut pointer, name);
    pointer
}

/// The name that the last token of the pointer stands for; a fragment is percent-encoded (RFC 6901 §6).
fn name(token: &str) -> Option<String> {
    let token = percent_decode_str(token).decode_utf8().ok()?;
    let mut name = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        match c {
            '/' => return None,
            '~' => match chars.next() {
                Some('0') => name.push('~'),
                Some('1') => name.push('/'),
                _ => return None,
            },
            c => name.push(c),
        }
    }
    Some(name)
}
