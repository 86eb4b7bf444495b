//! Reading actions: their members, what these mean together, and members that nobody knows. The rules of reusable
//! actions are in `reuse`.

use crate::Version;
use crate::action::{Action, Modifier, Plan, Relocation};
use crate::diagnostic::{Report, code, quoted};
use crate::overlay::kind_name;
use crate::reuse::Components;
use open_cli_jsonpath::JsonPath;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Objects of an overlay, by the members they may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Root,
    Info,
    Action,
    Reference,
    CopyTo,
    Components,
    Reusable,
    Fields,
}

impl Known {
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["overlay", "$self", "info", "extends", "actions", "components"],
            Self::Info => &["title", "version", "description"],
            Self::Action => &["target", "description", "update", "copy", "remove"],
            Self::Reference => &["$ref", "target", "description"],
            Self::CopyTo => &["to"],
            Self::Components => &["actions"],
            Self::Reusable => &["description", "fields"],
            // A target has a diagnostic of its own.
            Self::Fields => &["description", "update", "copy", "remove", "target"],
        }
    }
}

/// Warns of members that the specification does not have; `x-…` are free. A member that differs from a known one
/// only in case is pointed out (W52).
pub(crate) fn check_known(members: &Map<String, Value>, object: Known, pointer: &str, report: &mut Report) {
    let known = object.members();
    for name in members.keys() {
        if known.contains(&name.as_str()) || name.starts_with("x-") {
            continue;
        }
        let near = known.iter().find(|known| known.eq_ignore_ascii_case(name));
        let hint = match near {
            Some(near) => format!("names are case-sensitive: write \"{near}\""),
            None if object == Known::Reusable && Known::Fields.members().contains(&name.as_str()) => {
                "members of the action belong into \"fields\"".to_owned()
            }
            None => "remove it, or let its name begin with `x-`".to_owned(),
        };
        let message = format!("the member {} is not known here and has no effect", quoted(name));
        report.warning(code::FIELD_UNKNOWN, pointer, message, &hint);
    }
}

/// Warns of a member that an older version does not have. It works all the same: the reference looks at no version.
pub(crate) fn needs_version(field: &str, pointer: &str, needs: Version, has: Version, report: &mut Report) {
    let message = format!("\"{field}\" is new in Overlay {needs}, but the overlay says it is {has}");
    report.warning(code::FIELD, pointer, message, &format!("write overlay: {needs}.0"));
}

/// Reads one item of `actions`. A broken action is reported and stays in the list without a plan.
pub(crate) fn action(
    index: usize,
    value: &Value,
    components: &Components,
    version: Version,
    report: &mut Report,
) -> Action {
    let pointer = format!("/actions/{index}");
    let mut action = Action { index, pointer, target: String::new(), description: None, plan: None };
    let at = action.pointer.clone();
    let number = index + 1;
    let Value::Object(members) = value else {
        let message = format!("action {number} is {}; an object with \"target\" is expected", kind_name(value));
        report.error(code::ACTION, &at, message, "");
        return action;
    };
    action.description = text_member(members, "description", &at, report);
    let target = target(members, &at, number, report);
    if let Some(Value::String(text)) = members.get("target") {
        action.target = text.clone();
    }
    let modifier = if members.contains_key("$ref") {
        check_known(members, Known::Reference, &at, report);
        components.referenced(members, &at, number, version, report).map(|reusable| {
            action.description = action.description.take().or_else(|| reusable.description.clone());
            reusable.modifier.clone()
        })
    } else {
        check_known(members, Known::Action, &at, report);
        modifier(members, &at, &format!("action {number}"), version, report)
    };
    action.plan = target.zip(modifier).map(|(target, modifier)| Plan { target, modifier });
    action
}

fn target(members: &Map<String, Value>, pointer: &str, number: usize, report: &mut Report) -> Option<JsonPath> {
    match members.get("target") {
        Some(Value::String(text)) => {
            query(text, &format!("target of action {number}"), &format!("{pointer}/target"), report)
        }
        Some(other) => {
            let message = format!("\"target\" of action {number} is {}; a JSONPath is expected", kind_name(other));
            report.error(code::ACTION, &format!("{pointer}/target"), message, "put it in quotes");
            None
        }
        None => {
            let message = format!("action {number} has no \"target\"");
            report.error(code::ACTION, pointer, message, "name what it changes, such as target: $.info");
            None
        }
    }
}

/// A JSONPath, or a diagnostic with the place of its fault.
fn query(text: &str, what: &str, pointer: &str, report: &mut Report) -> Option<JsonPath> {
    // The reference has such names (§5.3), and so have examples of the specification.
    match JsonPath::parse_with_loose_names(text) {
        Ok(path) => {
            if JsonPath::parse(text).is_err() {
                let message = format!("{what} {} has a name after a dot that RFC 9535 wants quoted", quoted(text));
                report.note(code::PATH_ODD, pointer, message, "other tools may refuse it; write ['x-name']");
            }
            for remark in path.remarks() {
                report.warning(code::PATH_ODD, pointer, format!("{what} {}: {remark}", quoted(text)), "");
            }
            Some(path)
        }
        Err(error) => {
            let message = format!("{what} {} is no JSONPath (RFC 9535): {error}", quoted(text));
            let hint = match text.strip_suffix('~') {
                Some(_) => "`~` is an extension of some tools; select the containing object instead",
                None if text.contains(".[") => {
                    "a bracket follows a name directly: $.paths['/a'], not $.paths.['/a']"
                }
                None => "",
            };
            report.error(code::PATH, pointer, message, hint);
            None
        }
    }
}

fn text_member(members: &Map<String, Value>, field: &str, pointer: &str, report: &mut Report) -> Option<String> {
    match members.get(field)? {
        Value::String(text) => Some(text.clone()),
        other => {
            let message = format!("\"{field}\" is {}; a text is expected", kind_name(other));
            report.warning(code::FIELD, &format!("{pointer}/{field}"), message, "put it in quotes");
            None
        }
    }
}

/// What `update`, `copy` and `remove` make together; `None` when that can't be said.
pub(crate) fn modifier(
    members: &Map<String, Value>,
    pointer: &str,
    what: &str,
    version: Version,
    report: &mut Report,
) -> Option<Modifier> {
    let remove = match members.get("remove") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(remove)) => *remove,
        Some(other) => {
            let message = format!("\"remove\" of {what} is {}; true or false is expected", kind_name(other));
            report.error(code::ACTION, &format!("{pointer}/remove"), message, "write remove: true");
            return None;
        }
    };
    let update = members.get("update");
    let copy = match members.get("copy") {
        None | Some(Value::Null) => None,
        Some(Value::Object(copy)) => return relocation(copy, update, remove, pointer, what, report),
        Some(Value::String(text)) => {
            if version < Version::V1_1 {
                needs_version("copy", &format!("{pointer}/copy"), Version::V1_1, version, report);
            }
            Some(query(text, &format!("copy of {what}"), &format!("{pointer}/copy"), report)?)
        }
        Some(other) => {
            let message = format!("\"copy\" of {what} is {}; a JSONPath is expected", kind_name(other));
            report.error(code::ACTION, &format!("{pointer}/copy"), message, "");
            return None;
        }
    };
    match (remove, update, copy) {
        (true, update, copy) => {
            for field in [update.map(|_| "update"), copy.map(|_| "copy")].into_iter().flatten() {
                let message = format!("\"{field}\" of {what} has no effect beside \"remove: true\"");
                report.note(code::NO_EFFECT, &format!("{pointer}/{field}"), message, "use an action of its own");
            }
            Some(Modifier::Remove)
        }
        (false, Some(_), Some(_)) => {
            let message = format!("{what} has both \"update\" and \"copy\", each of which switches the other off");
            report.error(code::ACTION, pointer, message, "write two actions");
            None
        }
        (false, Some(update), None) => Some(Modifier::Update(Arc::new(update.clone()))),
        (false, None, Some(copy)) => Some(Modifier::Copy(Arc::new(copy))),
        (false, None, None) => {
            let message = format!("{what} has no \"update\", \"copy\" or \"remove: true\"; it does nothing");
            report.note(code::NO_EFFECT, pointer, message, "");
            Some(Modifier::None)
        }
    }
}

/// The reference's `copy: {to: <path>}` (OV-2, OV-5, OV-7).
fn relocation(
    copy: &Map<String, Value>,
    update: Option<&Value>,
    remove: bool,
    pointer: &str,
    what: &str,
    report: &mut Report,
) -> Option<Modifier> {
    let pointer = format!("{pointer}/copy");
    check_known(copy, Known::CopyTo, &pointer, report);
    let Some(Value::String(to)) = copy.get("to") else {
        let message = format!("\"copy\" of {what} has no \"to\" that is a JSONPath");
        report.error(code::ACTION, &pointer, message, "write copy: {to: $.paths['/new']}");
        return None;
    };
    let pointer = format!("{pointer}/to");
    let path = query(to, &format!("copy.to of {what}"), &pointer, report)?;
    let Some(names) = path.field_names() else {
        let message = format!("copy.to of {what} is {}: only member names can be created", quoted(to));
        report.error(code::ACTION, &pointer, message, "use steps such as .name and ['name'] only");
        return None;
    };
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        let message = format!("copy.to of {what} is the whole document; nothing is copied");
        report.note(code::NO_EFFECT, &pointer, message, "");
    }
    // OV-3: `update: null` is no update.
    let update = update.filter(|update| !update.is_null()).map(|update| Arc::new(update.clone()));
    Some(Modifier::Relocate(Arc::new(Relocation { update, to: to.clone(), names, remove })))
}
