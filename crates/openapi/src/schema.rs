//! Schemas are carried as text and never understood (W11, W35). The `$ref` at the top of a parameter's schema is
//! followed, so that type, enum and default can be seen at once; what is referred to below is gathered (see `bundle`).

use crate::json::{DocumentId, Kind, Object, Place};
use crate::limits::{MAX_PARAMETER_BUNDLE_BYTES, MAX_PARAMETER_SCHEMA_BYTES};
use crate::reader::Reader;
use crate::reference::Trail;
use crate::report::{code, quoted};
use crate::version::Version;
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;

/// A JSON object under construction; the values are text of the document or of our own.
pub(crate) type Members<'a> = IndexMap<Cow<'a, str>, Cow<'a, RawValue>>;

/// `None` only when there are no members.
pub(crate) fn object_of(members: &Members<'_>) -> Option<Box<RawValue>> {
    if members.is_empty() { None } else { to_raw_value(members).ok() }
}

/// Schemas are objects or, from OpenAPI 3.1 on, booleans.
pub(crate) fn is_schema(place: Place<'_>) -> bool {
    matches!(place.kind(), Kind::Object | Kind::Bool)
}

impl<'a> Reader<'a> {
    /// The schema of a parameter, its own `$ref` followed and self-contained; `pointer` is the parameter's.
    pub(crate) fn parameter_schema(&mut self, place: Place<'a>, pointer: &str) -> Option<Box<RawValue>> {
        if !is_schema(place) {
            self.report.warning(
                code::PARAMETER,
                pointer,
                format!("the schema is {}; it is ignored", place.kind().with_article()),
                "write a schema object",
            );
            return None;
        }
        let schema = self.first_reference_followed(place, pointer);
        if schema.is_none() {
            self.report.warning(
                code::LIMIT,
                pointer,
                format!("the schema has more than {MAX_PARAMETER_SCHEMA_BYTES} bytes; it is not shown"),
                "values of this parameter are sent as given",
            );
        }
        schema
    }

    /// `None` when it is too large.
    fn first_reference_followed(&mut self, place: Place<'a>, pointer: &str) -> Option<Box<RawValue>> {
        if !may_refer(place.raw) {
            return bounded(place.raw);
        }
        let Trail { mut layers, target, object } = match self.tree.trail(place) {
            Ok(trail) => trail,
            Err(reason) => {
                let reference = Object::of(place).and_then(|object| object.reference());
                self.report.warning(
                    code::REFERENCE,
                    pointer,
                    format!("the schema {} {reason}", quoted(&reference.unwrap_or_default())),
                    "the parameter works, but its type is not known",
                );
                return bounded(place.raw);
            }
        };
        let document = target.document;
        // Keywords beside `$ref` count since 3.1; the outermost is what the author of the parameter wrote.
        let is_plain = self.version < Version::V31 || layers.iter().all(|layer| layer.iter().count() == 1);
        let Some(object) = object.filter(|_| !is_plain) else {
            let schema = bounded(target.raw)?;
            return Some(self.self_contained(schema, document));
        };
        let is_one_document = layers.iter().flat_map(Object::iter).all(|(_, value)| value.document == document);
        let mut merged: Members<'_> = object.into_iter().map(|(k, v)| (k, Cow::Borrowed(v.raw))).collect();
        while let Some(layer) = layers.pop() {
            let siblings = layer.into_iter().filter(|(key, _)| key != "$ref");
            merged.extend(siblings.map(|(key, value)| (key, Cow::Borrowed(value.raw))));
        }
        let schema = object_of(&merged).filter(|schema| schema.get().len() <= MAX_PARAMETER_SCHEMA_BYTES)?;
        // References of several documents, side by side, would need to be told apart.
        Some(if is_one_document { self.self_contained(schema, document) } else { schema })
    }

    fn self_contained(&mut self, schema: Box<RawValue>, document: DocumentId) -> Box<RawValue> {
        self.bundled_text(schema.get(), document, MAX_PARAMETER_BUNDLE_BYTES).unwrap_or(schema)
    }
}

/// False when there is surely no `$ref` in it, which saves a parse. A member name can be written with escapes.
fn may_refer(raw: &RawValue) -> bool {
    raw.get().contains("$ref") || raw.get().contains('\\')
}

fn bounded(raw: &RawValue) -> Option<Box<RawValue>> {
    (raw.get().len() <= MAX_PARAMETER_SCHEMA_BYTES).then(|| raw.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::limits::MAX_PARAMETER_SCHEMA_BYTES;
    use crate::testing::{codes, only, openapi};

    fn schema(version: &str, schema: &str) -> (Option<String>, Vec<String>) {
        let api = openapi(
            version,
            &format!(
                r##""paths":{{"/a":{{"get":{{"parameters":[{{"name":"q","in":"query","schema":{schema}}}]}}}}}},
                    "components":{{"schemas":{{"A":{{"$ref":"#/components/schemas/B","title":"a"}},
                        "B":{{"type":"string","default":"b"}},"T":true,"N":{{"items":{{"$ref":"#/components/schemas/N"}}}},"L":{{"$ref":"#/components/schemas/L"}}}}}}"##
            ),
        );
        let schema = only(&api).parameters[0].schema.as_ref().map(|schema| schema.get().to_owned());
        (schema, codes(&api).into_iter().map(str::to_owned).collect())
    }

    /// W11, W35
    #[test]
    fn the_reference_at_the_top_is_followed_and_the_rest_is_as_written() {
        let a = r##"{"$ref":"#/components/schemas/A"}"##;
        let a_and_more = r##"{"$ref":"#/components/schemas/A","default":"c"}"##;
        let inner = r##"{"type":"array","items":{"$ref":"#/components/schemas/B"}}"##;
        let inner_bundled =
            r##"{"type":"array","items":{"$ref":"#/$defs/B"},"$defs":{"B":{"type":"string","default":"b"}}}"##;
        let nested =
            r##"{"items":{"$ref":"#/$defs/N"},"title":"n","$defs":{"N":{"items":{"$ref":"#/$defs/N"}}}}"##;
        let nested_in_3_0 = r##"{"items":{"$ref":"#/$defs/N"},"$defs":{"N":{"items":{"$ref":"#/$defs/N"}}}}"##;
        let b = r#"{"type":"string","default":"b"}"#;
        let dangling = r##"{"$ref":"#/components/schemas/Z"}"##;
        let looping = r##"{"$ref":"#/components/schemas/L"}"##;
        for (version, written, expected, diagnostics) in [
            ("3.0.0", a, Some(b), &[][..]),
            ("3.0.0", a_and_more, Some(b), &[]),
            ("3.1.0", a, Some(r#"{"type":"string","default":"b","title":"a"}"#), &[]),
            ("3.1.0", a_and_more, Some(r#"{"type":"string","default":"c","title":"a"}"#), &[]),
            ("3.1.0", r##"{"$ref":"#/components/schemas/T"}"##, Some("true"), &[]),
            ("3.1.0", inner, Some(inner_bundled), &[]),
            ("3.1.0", r##"{"$ref":"#/components/schemas/N","title":"n"}"##, Some(nested), &[]),
            ("3.0.0", r##"{"$ref":"#/components/schemas/N"}"##, Some(nested_in_3_0), &[]),
            ("3.1.0", "false", Some("false"), &[]),
            ("3.1.0", "null", None, &[]),
            ("3.1.0", "[]", None, &["parameter_invalid"]),
            ("3.1.0", dangling, Some(dangling), &["reference_unresolved"]),
            ("3.1.0", looping, Some(looping), &["reference_unresolved"]),
        ] {
            let (schema, codes) = schema(version, written);
            assert_eq!(schema.as_deref(), expected, "{version} {written}");
            assert_eq!(codes, diagnostics, "{version} {written}");
        }
    }

    #[test]
    fn large_schemas_are_not_copied() {
        let large = format!(r#"{{"title":"{}"}}"#, "x".repeat(MAX_PARAMETER_SCHEMA_BYTES));
        assert_eq!(schema("3.1.0", &large), (None, vec!["limit_exceeded".to_owned()]));
    }
}
