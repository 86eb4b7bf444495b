//! What a step sends (Arazzo 1.1 "Request Body Object", "Payload Replacement Object").

use crate::components::Context;
use crate::diagnostic::{Report, code};
use crate::reader::{Members, below};
use crate::selector::{self, Language, Target};
use crate::template::{self, Template, Text, Values};
use serde_json::Value;

/// A request body with holes.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// Media type; the operation's own when there is none.
    pub content_type: Option<String>,
    /// The body, before replacements.
    pub payload: Option<Payload>,
    /// What is set in it afterwards, in order.
    pub replacements: Vec<Replacement>,
}

/// A payload.
#[derive(Debug, Clone)]
pub enum Payload {
    /// A value, written as the media type wants it.
    Value(Template),
    /// JSON written as text: texts in it that are nothing but `{$…}` take lists and objects as they are.
    JsonText(Template),
    /// Any other text.
    Text(Text),
}

/// A place in the payload and its new value.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Where.
    pub target: Target,
    /// What.
    pub value: Template,
}

/// Reads `requestBody`.
pub(crate) fn read(
    value: &Value,
    pointer: &str,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<RequestBody> {
    let members = Members::of(value, pointer, "\"requestBody\"", report)?;
    members.check_known(&["contentType", "payload", "replacements"], report);
    let content_type = members.text("contentType", report).map(str::to_owned);
    let media = content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let payload =
        members.map.get("payload").map(|payload| read_payload(payload, &media, &members, context, report));
    members.check_list("replacements", false, report);
    let items = members.list("replacements", report);
    let replacements =
        items.iter().filter_map(|(item, at)| replacement(item, at, &media, context, report)).collect();
    Some(RequestBody { content_type, payload, replacements })
}

fn read_payload(
    value: &Value,
    media: &str,
    members: &Members<'_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Payload {
    let at = members.below("payload");
    let Value::String(text) = value else {
        return Payload::Value(Values::new(context.version, report).read(value, &at));
    };
    if crate::expression::looks_like_one(text) {
        return Payload::Value(Values::new(context.version, report).read(value, &at));
    }
    let may_be_json = media.is_empty() || media.contains("json");
    match serde_json::from_str::<Value>(text)
        .ok()
        .filter(|json| may_be_json && (json.is_object() || json.is_array()))
    {
        Some(json) => Payload::JsonText(Values::new(context.version, report).read(&json, &at)),
        None => Payload::Text(template::text(text, &at, report)),
    }
}

fn replacement(
    item: &Value,
    pointer: &str,
    media: &str,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Replacement> {
    let members = Members::of(item, pointer, "the replacement", report)?;
    members.check_known(&["target", "targetSelectorType", "value"], report);
    context.check_newer(&members, &["targetSelectorType"], report);
    let text = members.required_text("target", report)?;
    let language = match members.get("targetSelectorType") {
        Some(kind) => {
            let allowed = ["jsonpointer", "jsonpath", "xpath"];
            selector::language(kind, &allowed, &members.below("targetSelectorType"), report)?
        }
        None if media.contains("xml") => Language::XPath,
        None if text.starts_with('$') => {
            let hint = "write targetSelectorType: jsonpath";
            let message = "the target is taken for a JSONPath, as it begins with `$`".to_owned();
            report.note(code::CRITERION_ODD, &members.below("target"), message, hint);
            Language::JsonPath
        }
        None => Language::JsonPointer,
    };
    let target = selector::target(text, language, &members.below("target"), report);
    let Some(value) = members.map.get("value") else {
        report.error(code::FIELD, pointer, "a replacement has no \"value\"".into(), "");
        return None;
    };
    let value = Values::new(context.version, report).read(value, &below(pointer, "value"));
    Some(Replacement { target, value })
}
