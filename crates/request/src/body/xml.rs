//! A JSON value as XML by OpenAPI's `xml` keywords (OpenAPI 3.1 §4.8.26, 3.2 §4.26): names, attributes, namespaces,
//! wrapped lists. Members stand in the order in which they are given; numbers as they are written.

use crate::flat::{self, Members};
use crate::value::Part;
use open_cli_schema::{View, Xml};
use serde_json::value::RawValue;

/// Elements within each other.
const MAX_DEPTH: usize = 64;
/// Name of the root when neither the schema nor the description has one.
const ROOT: &str = "root";

/// The document, or why there is none; `root` is the key of the schema in the description.
pub(super) fn write(json: &str, root: &str, view: Option<View<'_>>) -> Result<String, String> {
    let Ok(raw) = serde_json::from_str::<&RawValue>(json.trim()) else { return Err("is not valid JSON".into()) };
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
    let root = if root.is_empty() { ROOT } else { root };
    value(&mut out, root, raw, view, 0, true)?;
    Ok(out)
}

fn xml(view: Option<View<'_>>) -> Option<Xml> {
    view.and_then(|view| view.hints().xml)
}

fn value(
    out: &mut String,
    name: &str,
    raw: &RawValue,
    view: Option<View<'_>>,
    depth: usize,
    is_root: bool,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("is nested too deeply for XML".into());
    }
    let xml = xml(view).unwrap_or_default();
    if let Some(elements) = flat::elements(raw.get()) {
        return list(out, name, &elements, view, &xml, depth, is_root);
    }
    let element = element_name(name, &xml)?;
    out.push('<');
    out.push_str(&element);
    namespace(out, &xml);
    match (Members::parse(raw.get()), Part::of(raw)) {
        (Some(members), _) => object(out, &members, view, depth)?,
        (None, Some(Part::Text(text))) => {
            out.push('>');
            content(out, &text, false)?;
        }
        (None, _) => out.push('>'),
    }
    out.push_str("</");
    out.push_str(&element);
    out.push('>');
    Ok(())
}

/// Items have the name of the list, unless their own schema names them; a wrapped list has an element around them.
fn list(
    out: &mut String,
    name: &str,
    elements: &[&RawValue],
    view: Option<View<'_>>,
    xml: &Xml,
    depth: usize,
    is_root: bool,
) -> Result<(), String> {
    let items = view.and_then(View::items);
    // A document has one root.
    let is_wrapped = xml.wrapped || is_root || xml.node_type == "element";
    let wrapper = element_name(name, xml)?;
    let inner = if is_wrapped || xml.name.is_empty() { name } else { &xml.name };
    if is_wrapped {
        out.push('<');
        out.push_str(&wrapper);
        namespace(out, xml);
        out.push('>');
    }
    for element in elements {
        value(out, inner, element, items, depth + 1, false)?;
    }
    if is_wrapped {
        out.push_str("</");
        out.push_str(&wrapper);
        out.push('>');
    }
    Ok(())
}

/// Attributes, then elements; behind the open tag's name.
fn object(out: &mut String, members: &Members<'_>, view: Option<View<'_>>, depth: usize) -> Result<(), String> {
    let mut elements = Vec::new();
    for (key, raw) in &members.0 {
        let of_member = view.and_then(|view| view.member(key));
        let hints = xml(of_member).unwrap_or_default();
        match Part::of(raw) {
            None => {}
            Some(Part::Text(text)) if hints.attribute => {
                out.push(' ');
                out.push_str(&element_name(key, &hints)?);
                out.push_str("=\"");
                content(out, &text, true)?;
                out.push('"');
            }
            Some(_) => elements.push((key, *raw, of_member, hints)),
        }
    }
    out.push('>');
    for (key, raw, of_member, hints) in elements {
        match (hints.node_type.as_str(), Part::of(raw)) {
            ("text" | "cdata", Some(Part::Text(text))) => content(out, &text, false)?,
            _ => value(out, key, raw, of_member, depth + 1, false)?,
        }
    }
    Ok(())
}

fn namespace(out: &mut String, xml: &Xml) {
    if xml.namespace.is_empty() {
        return;
    }
    out.push_str(" xmlns");
    if !xml.prefix.is_empty() {
        out.push(':');
        out.push_str(&xml.prefix);
    }
    out.push_str("=\"");
    // A namespace is text of the description; what XML can't hold is left out.
    let _ = content(out, &xml.namespace, true);
    out.push('"');
}

/// The name with its prefix. A key of a value must not become markup.
fn element_name(name: &str, xml: &Xml) -> Result<String, String> {
    let name = if xml.name.is_empty() { name } else { &xml.name };
    let full = if xml.prefix.is_empty() { name.to_owned() } else { format!("{}:{name}", xml.prefix) };
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let is_name = full.chars().next().is_some_and(starts) && full.chars().all(goes_on);
    if is_name { Ok(full) } else { Err("has a member whose name is no XML name".into()) }
}

/// Text with everything escaped that would be markup. XML 1.0 has no way to write most control characters.
fn content(out: &mut String, text: &str, in_attribute: bool) -> Result<(), String> {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' if in_attribute => out.push_str(if c == '\n' { "&#10;" } else { "&#9;" }),
            '\n' | '\t' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err("holds a control character, which XML can't carry".into());
            }
            _ => out.push(c),
        }
    }
    Ok(())
}
