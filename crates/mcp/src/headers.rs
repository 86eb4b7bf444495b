//! Arguments that a server wants as headers too (`x-mcp-header`, 2026-07-28, "Custom Headers from Tool Parameters"): which
//! they are, and their values. A tool with an annotation that breaks the rules can't be called rightly, so it is left
//! out.

use crate::session::header_value;
use http::{HeaderMap, HeaderName};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The annotation.
const ANNOTATION: &str = "x-mcp-header";
/// Integers that all JSON readers agree on.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderParam {
    name: HeaderName,
    /// Member names from the arguments down.
    path: Vec<String>,
}

/// The annotated properties of an input schema; the error says which rule one breaks.
pub(crate) fn params(schema: &RawValue) -> Result<Vec<HeaderParam>, String> {
    // Few schemas have any, and reading them whole is dear.
    if !schema.get().contains(ANNOTATION) {
        return Ok(Vec::new());
    }
    let schema: Value = serde_json::from_str(schema.get()).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    walk(&schema, &mut Vec::new(), &mut found)?;
    if count(&schema) != found.len() {
        return Err("it stands where no chain of `properties` leads".into());
    }
    Ok(found)
}

fn walk(schema: &Value, path: &mut Vec<String>, found: &mut Vec<HeaderParam>) -> Result<(), String> {
    if let Some(annotation) = schema.get(ANNOTATION) {
        let param = param(annotation, schema, path)?;
        if found.iter().any(|other| other.name == param.name) {
            return Err(format!("{:?} stands there twice", param.name.as_str()));
        }
        found.push(param);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        path.push(name.clone());
        walk(property, path, found)?;
        path.pop();
    }
    Ok(())
}

fn param(annotation: &Value, schema: &Value, path: &[String]) -> Result<HeaderParam, String> {
    let name = annotation.as_str().filter(|name| !name.is_empty()).ok_or("it is no text, or empty")?;
    if path.is_empty() {
        return Err("it stands at the arguments as a whole".into());
    }
    let is_primitive =
        matches!(schema.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean"));
    if !is_primitive {
        return Err(format!("{name:?} is neither string nor integer nor boolean"));
    }
    let header = format!("mcp-param-{}", name.to_ascii_lowercase());
    let name =
        HeaderName::from_bytes(header.as_bytes()).map_err(|_| format!("{name:?} is no name of a header"))?;
    Ok(HeaderParam { name, path: path.to_vec() })
}

/// Annotations anywhere where one could mean something: not in data such as `default` or `enum`.
fn count(schema: &Value) -> usize {
    const DATA: [&str; 4] = ["default", "enum", "const", "examples"];
    match schema {
        Value::Object(members) => {
            let own = usize::from(members.contains_key(ANNOTATION));
            own + members
                .iter()
                .filter(|(name, _)| !DATA.contains(&name.as_str()))
                .map(|(name, value)| if name == "properties" { count_each(value) } else { count(value) })
                .sum::<usize>()
        }
        Value::Array(all) => all.iter().map(count).sum(),
        _ => 0,
    }
}

/// A property may be called like the annotation.
fn count_each(properties: &Value) -> usize {
    properties.as_object().map_or(0, |properties| properties.values().map(count).sum())
}

/// The headers for these arguments; what is absent or null has none.
pub(crate) fn of_arguments(params: &[HeaderParam], arguments: &RawValue) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if params.is_empty() {
        return Ok(headers);
    }
    let arguments: Map<String, Value> =
        serde_json::from_str(arguments.get()).map_err(|error| error.to_string())?;
    for HeaderParam { name, path } in params {
        let (first, rest) = path.split_first().ok_or("a header without a place")?;
        let value = rest.iter().try_fold(arguments.get(first), |value, name| Some(value?.get(name)));
        let text = match value.flatten() {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Number(number)) => {
                let is_safe = number.as_i64().is_some_and(|n| n.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs());
                let is_whole =
                    number.as_f64().is_some_and(|n| n.fract() == 0.0 && n.abs() <= MAX_SAFE_INTEGER as f64);
                if !is_safe && !is_whole {
                    return Err(format!("`{}` is no integer that a header can carry", path.join(".")));
                }
                number.to_string()
            }
            Some(_) => return Err(format!("`{}` is neither text nor number nor boolean", path.join("."))),
        };
        headers.insert(name.clone(), header_value(&text));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    #[test]
    fn annotations_are_found_and_wrong_ones_refused() {
        let nested = r#"{"properties":{"a":{"type":"string","x-mcp-header":"Region"},"b":{"properties":{
            "c":{"type":"integer","x-mcp-header":"X-C"},"x-mcp-header":{"type":"string"}}}}}"#;
        let found = params(&raw(nested)).expect("fine");
        let found: Vec<(String, String)> = found.iter().map(|p| (p.name.to_string(), p.path.join("."))).collect();
        assert_eq!(
            found,
            [("mcp-param-region", "a"), ("mcp-param-x-c", "b.c")].map(|(n, p)| (n.into(), p.into()))
        );
        for wrong in [
            r#"{"properties":{"a":{"type":"string","x-mcp-header":""}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":7}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"a b"}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"a\r\nb"}}}"#,
            r#"{"properties":{"a":{"type":"number","x-mcp-header":"a"}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}"#,
            r#"{"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"a"}}}}"#,
            r#"{"oneOf":[{"properties":{"a":{"type":"string","x-mcp-header":"a"}}}]}"#,
            r#"{"x-mcp-header":"a","type":"string"}"#,
        ] {
            assert!(params(&raw(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(params(&raw(r#"{"default":{"x":1}}"#)), Ok(Vec::new()));
    }

    #[test]
    fn values_are_those_of_the_arguments() {
        let schema = r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"n":{"type":"integer","x-mcp-header":"N"},
            "b":{"type":"boolean","x-mcp-header":"B"}}}"#;
        let params = params(&raw(schema)).expect("fine");
        let headers = |arguments: &str| of_arguments(&params, &raw(arguments));
        let all = headers(r#"{"a":"ü","n":-7,"b":true}"#).expect("fine");
        assert_eq!(
            (&all["mcp-param-a"], &all["mcp-param-n"], &all["mcp-param-b"]),
            (&"=?base64?w7w=?=".parse().expect("v"), &"-7".parse().expect("v"), &"true".parse().expect("v"))
        );
        assert!(headers(r#"{"a":null}"#).expect("fine").is_empty());
        assert!(
            headers(r#"{"n":9007199254740993}"#).is_err()
                && headers(r#"{"n":1.5}"#).is_err()
                && headers(r#"{"a":{}}"#).is_err()
        );
    }
}
