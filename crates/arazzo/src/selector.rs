//! Selectors: which part of a structured value is meant, by JSONPath, JSON Pointer or XPath (Arazzo 1.1 "Selector
//! Object", "Expression Type Object"). XPath is recognised and can't be evaluated here.

use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::expression::{Expression, tokens};
use crate::reader::Members;
use crate::template;
use open_cli_jsonpath::JsonPath;
use serde_json::{Map, Value};

/// Part of a value.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The value.
    pub context: Expression,
    /// As it was written.
    pub text: String,
    /// Which part of it.
    pub target: Target,
}

/// How a place in a value is named.
#[derive(Debug, Clone)]
pub enum Target {
    /// RFC 9535.
    Path(Box<JsonPath>),
    /// RFC 6901, tokens unescaped.
    Pointer(Vec<String>),
    /// XPath, or what could not be read; finds nothing.
    Unsupported(String),
}

/// The languages of selectors and criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Conditions only.
    Simple,
    /// Conditions only.
    Regex,
    /// RFC 9535, also when an older draft is named.
    JsonPath,
    /// RFC 6901; selectors only.
    JsonPointer,
    /// Any version.
    XPath,
}

/// The versions that may be named of each language.
const VERSIONS: &[(&str, Language, &[&str])] = &[
    ("jsonpath", Language::JsonPath, &["rfc9535", "draft-goessner-dispatch-jsonpath-00"]),
    ("xpath", Language::XPath, &["xpath-10", "xpath-20", "xpath-30", "xpath-31"]),
    ("jsonpointer", Language::JsonPointer, &["rfc6901"]),
];

/// True for an object that has what a selector needs and nothing else: others are values of their own.
pub(crate) fn looks_like_one(members: &Map<String, Value>) -> bool {
    let is_known =
        |name: &String| matches!(name.as_str(), "context" | "selector" | "type") || name.starts_with("x-");
    members.keys().all(is_known)
        && members.contains_key("selector")
        && members.get("context").and_then(Value::as_str).is_some_and(|context| context.starts_with('$'))
}

/// Reads a selector object; `None` with an error in the report when it is none.
pub(crate) fn read(members: &Map<String, Value>, pointer: &str, report: &mut Report) -> Option<Selector> {
    let members = Members::new(members, pointer);
    members.check_known(&["context", "selector", "type"], report);
    let context = members.required_text("context", report)?;
    let selector = members.required_text("selector", report)?;
    let context = template::expression(context, &members.below("context"), report)?;
    let Some(kind) = members.get("type") else {
        report.error(
            code::FIELD,
            pointer,
            "a selector has no \"type\"".into(),
            "write jsonpath, jsonpointer or xpath",
        );
        return None;
    };
    let language = language(kind, &["jsonpath", "jsonpointer", "xpath"], &members.below("type"), report)?;
    let target = target(selector, language, &members.below("selector"), report);
    Some(Selector { context, text: selector.to_owned(), target })
}

/// Reads `type`: a word, or an object with a version.
pub(crate) fn language(value: &Value, allowed: &[&str], pointer: &str, report: &mut Report) -> Option<Language> {
    let (word, version) = match value {
        Value::String(word) => (word.as_str(), None),
        Value::Object(members) => {
            let members = Members::new(members, pointer);
            members.check_known(&["type", "version"], report);
            (members.required_text("type", report)?, Some(members.required_text("version", report)?))
        }
        other => {
            let message = format!("\"type\" is {}; a text or an object is expected", kind_name(other));
            report.error(code::FIELD, pointer, message, "");
            return None;
        }
    };
    let found = VERSIONS.iter().find(|(known, ..)| *known == word).filter(|_| {
        // `simple` and `regex` have no versions.
        allowed.contains(&word) || version.is_some()
    });
    let language = match (word, found) {
        ("simple", _) if allowed.contains(&word) && version.is_none() => Language::Simple,
        ("regex", _) if allowed.contains(&word) && version.is_none() => Language::Regex,
        (_, Some((_, language, _))) => *language,
        _ => {
            let message = format!("the type {} is not known here", quoted(word));
            report.error(code::FIELD, pointer, message, &format!("write one of: {}", allowed.join(", ")));
            return None;
        }
    };
    if let (Some(version), Some((_, _, versions))) = (version, found)
        && !versions.contains(&version)
    {
        let message = format!("{word} has no version {}", quoted(version));
        report.error(code::FIELD, pointer, message, &format!("write one of: {}", versions.join(", ")));
        return None;
    }
    Some(language)
}

/// Reads the text of a selector. What can't be evaluated is a warning: it finds nothing.
pub(crate) fn target(text: &str, language: Language, pointer: &str, report: &mut Report) -> Target {
    let reason = match language {
        Language::JsonPointer => match tokens(text) {
            Ok(tokens) => return Target::Pointer(tokens),
            Err(error) => format!("{} is no JSON Pointer: {error}", quoted(text)),
        },
        Language::XPath => format!("{} is an XPath, which this program can't evaluate", quoted(text)),
        _ => match JsonPath::parse_with_loose_names(text) {
            Ok(path) => return Target::Path(Box::new(path)),
            Err(error) => format!("{} is no JSONPath (RFC 9535): {error}", quoted(text)),
        },
    };
    report.warning(code::CRITERION, pointer, reason.clone(), "it selects nothing");
    Target::Unsupported(reason)
}
