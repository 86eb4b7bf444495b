//! A JSON object as `application/x-www-form-urlencoded` (WHATWG URL §5.2; OpenAPI 3.1 §4.8.15). A property without a
//! style is written as its text, lists as one pair per item, objects as JSON; one with a style as a query parameter.

use crate::encode;
use crate::fault::{ArgumentFault, FaultKind};
use crate::flat::{self, Members};
use crate::style::Style;
use crate::value::{Given, Part, Value};
use open_cli_contract::catalog::PropertyEncoding;
use open_cli_schema::Types;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The form, or what can't be written.
pub(super) fn write(
    members: &Members<'_>,
    encodings: &BTreeMap<String, PropertyEncoding>,
) -> Result<String, Vec<ArgumentFault>> {
    let mut out = String::new();
    let mut faults = Vec::new();
    for (name, raw) in &members.0 {
        if raw.get() == "null" {
            continue;
        }
        match encodings.get(name).filter(|encoding| encoding.has_style()) {
            Some(encoding) => {
                let reserved = encoding.allow_reserved.unwrap_or_default();
                let style = Style::of("query", &encoding.style, encoding.explode, reserved);
                match styled(name, raw, style) {
                    Ok(pairs) => pairs.iter().for_each(|(name, value)| push(&mut out, name, value)),
                    Err(problem) => {
                        let fault = ArgumentFault::body(FaultKind::Invalid, problem);
                        faults.push(fault.at(format!("/{}", name.replace('~', "~0").replace('/', "~1"))));
                    }
                }
            }
            None => {
                let name = encode::form(name);
                each(raw, |text| push(&mut out, &name, &encode::form(text)));
            }
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn styled(name: &str, raw: &RawValue, style: Style) -> Result<Vec<(String, String)>, &'static str> {
    let value = Value::read(Given::Json(raw), Types::ANY)?;
    style.check(&value)?;
    Ok(if value.is_empty() { Vec::new() } else { style.query(name, &value) })
}

/// The texts of a value: one per item of a list; objects, and lists within lists, as JSON.
pub(super) fn each(raw: &RawValue, mut text: impl FnMut(&str)) {
    let mut one = |raw: &RawValue| match Part::of(raw) {
        Some(Part::Text(scalar)) => text(&scalar),
        Some(Part::Nested(raw)) => text(raw.get()),
        None => {}
    };
    match flat::elements(raw.get()) {
        Some(elements) => elements.into_iter().for_each(one),
        None => one(raw),
    }
}

fn push(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(name);
    out.push('=');
    out.push_str(value);
}
