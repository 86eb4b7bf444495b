//! Components and the objects that refer to them (Arazzo 1.1 "Components Object", "Reusable Object"). A component is
//! read where it is used, so that one that nobody uses troubles nobody.

use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::expression::{ComponentKind, Expression, Root};
use crate::reader::{Members, below, is_key};
use crate::version::Version;
use serde_json::{Map, Value};

/// What reading a document knows.
pub(crate) struct Context<'a> {
    pub(crate) version: Version,
    /// Names of the source descriptions.
    pub(crate) sources: Vec<String>,
    parameters: Option<&'a Map<String, Value>>,
    success_actions: Option<&'a Map<String, Value>>,
    failure_actions: Option<&'a Map<String, Value>>,
    pub(crate) inputs: Option<&'a Map<String, Value>>,
}

/// An object, written where it stands or referred to.
pub(crate) struct Resolved<'a> {
    pub(crate) map: &'a Map<String, Value>,
    pub(crate) pointer: String,
    /// The value that the reference gives a parameter.
    pub(crate) value: Option<&'a Value>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(version: Version, root: &'a Map<String, Value>, report: &mut Report) -> Self {
        let mut context = Self {
            version,
            sources: Vec::new(),
            parameters: None,
            success_actions: None,
            failure_actions: None,
            inputs: None,
        };
        let components = match root.get("components") {
            None | Some(Value::Null) => return context,
            Some(Value::Object(components)) => components,
            Some(other) => {
                let message = format!("\"components\" is {}; an object is expected", kind_name(other));
                report.warning(code::FIELD, "/components", message, "references to it lead nowhere");
                return context;
            }
        };
        let known = ["inputs", "parameters", "successActions", "failureActions"];
        Members::new(components, "/components").check_known(&known, report);
        let mut part = |name: &str| match components.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(part)) => {
                for key in part.keys().filter(|key| !is_key(key)) {
                    let message = format!("the name {} has characters other than A-Z a-z 0-9 . - _", quoted(key));
                    report.warning(code::FIELD, &format!("/components/{name}"), message, "");
                }
                Some(part)
            }
            Some(other) => {
                let message = format!("\"{name}\" is {}; an object is expected", kind_name(other));
                report.warning(code::FIELD, &format!("/components/{name}"), message, "");
                None
            }
        };
        context.parameters = part("parameters");
        context.success_actions = part("successActions");
        context.failure_actions = part("failureActions");
        context.inputs = part("inputs");
        context
    }

    /// The object itself, or the component that it names; an error when there is none.
    pub(crate) fn resolve(
        &self,
        item: &'a Value,
        pointer: &str,
        kind: ComponentKind,
        report: &mut Report,
    ) -> Option<Resolved<'a>> {
        let Value::Object(map) = item else {
            let message = format!("an item is {}; an object is expected", kind_name(item));
            report.error(code::FIELD, pointer, message, "");
            return None;
        };
        let Some(reference) = map.get("reference") else {
            return Some(Resolved { map, pointer: pointer.to_owned(), value: None });
        };
        let at = below(pointer, "reference");
        let hint = format!("write reference: $components.{}.<name>", kind.as_str());
        let Value::String(text) = reference else {
            let message = format!("\"reference\" is {}; a runtime expression is expected", kind_name(reference));
            report.error(code::FIELD, &at, message, &hint);
            return None;
        };
        let name = match Expression::parse(text.trim_start_matches('{').trim_end_matches('}')).map(|e| e.root) {
            Ok(Root::Component { kind: found, name }) if found == kind => name,
            _ => {
                report.error(code::REFERENCE, &at, format!("{} names no such component", quoted(text)), &hint);
                return None;
            }
        };
        let part = match kind {
            ComponentKind::Parameters => self.parameters,
            ComponentKind::SuccessActions => self.success_actions,
            ComponentKind::FailureActions => self.failure_actions,
        };
        match part.and_then(|part| part.get(&name)) {
            Some(Value::Object(found)) => {
                let pointer = below(&format!("/components/{}", kind.as_str()), &name);
                Some(Resolved { map: found, pointer, value: map.get("value") })
            }
            other => {
                let what = if other.is_some() { "is no object" } else { "is not there" };
                report.error(code::REFERENCE, &at, format!("the component {} {what}", quoted(text)), "");
                None
            }
        }
    }

    /// Warns of members that an older version does not have. They work all the same.
    pub(crate) fn check_newer(&self, members: &Members<'_>, names: &[&str], report: &mut Report) {
        if self.version >= Version::V1_1 {
            return;
        }
        for name in names.iter().filter(|name| members.has(name)) {
            let message = format!("\"{name}\" is new in Arazzo 1.1, but the document says it is {}", self.version);
            report.warning(code::FIELD, members.pointer, message, "write arazzo: 1.1.0");
        }
    }
}
