//! Schemas are carried as text and never understood (W11, W35). Only the `$ref` at the top of a parameter's schema
//! is followed, so that type, enum and default can be seen without the document.

use crate::json::{Kind, Object, Place};
use crate::limits::MAX_PARAMETER_SCHEMA_BYTES;
use crate::reader::Reader;
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
    /// The schema of a parameter, its own `$ref` followed; `pointer` is the parameter's.
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
        let (mut layers, target) = match self.tree.trail(place) {
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
        if self.version < Version::V31 || layers.iter().all(|layer| layer.iter().count() == 1) {
            return bounded(target.raw);
        }
        // Keywords beside `$ref` count since 3.1; the outermost is what the author of the parameter wrote.
        let Some(object) = Object::of(target) else { return bounded(target.raw) };
        let mut merged: Members<'_> = object.into_iter().map(|(k, v)| (k, Cow::Borrowed(v.raw))).collect();
        while let Some(layer) = layers.pop() {
            let siblings = layer.into_iter().filter(|(key, _)| key != "$ref");
            merged.extend(siblings.map(|(key, value)| (key, Cow::Borrowed(value.raw))));
        }
        object_of(&merged).filter(|schema| schema.get().len() <= MAX_PARAMETER_SCHEMA_BYTES)
    }
}

/// False when there is surely no `$ref` in it, which saves a parse. A member name can be written with escapes.
fn may_refer(raw: &RawValue) -> bool {
    raw.get().contains("$ref") || raw.get().contains('\\')
}

fn bounded(raw: &RawValue) -> Option<Box<RawValue>> {
    (raw.get().len() <= MAX_PARAMETER_SCHEMA_BYTES).then(|| raw.to_owned())
}
