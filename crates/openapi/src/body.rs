//! Request bodies of OpenAPI 3: rules RB-1 to RB-3. Schemas are carried as they are written, `$ref`s included.

use crate::api::RequestBody;
use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_MEDIA_TYPES, MAX_NAME_LENGTH};
use crate::operations::Fault;
use crate::pointer::escape;
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::schema::is_schema;
use crate::version::Version;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Schemas as given, by media type.
type Content = Vec<(String, Option<Box<RawValue>>)>;
/// Self-contained schemas, by media type.
type Resolved = Vec<(String, Arc<RawValue>)>;

impl<'a> Reader<'a> {
    /// The body of an operation, if it has one.
    pub(crate) fn request_body(
        &mut self,
        operation: &Object<'a>,
        owner: &str,
    ) -> Result<Option<RequestBody>, Fault> {
        let Some(place) = operation.get("requestBody").filter(|_| self.version > Version::V20) else {
            return Ok(None);
        };
        let pointer = format!("{owner}/requestBody");
        let siblings = self.reference_siblings();
        let object = self.tree.follow(place, siblings).map_err(|reason| {
            let message = match Object::of(place).and_then(|object| object.reference()) {
                Some(reference) => format!("the request body's reference {} {reason}", quoted(&reference)),
                None => format!("the request body is {}, not an object", place.kind().with_article()),
            };
            Fault::at(&pointer, message, "correct it; a call without the body could do something else")
        })?;
        let (content, resolved) = self.content(&object, &pointer);
        Ok(Some(RequestBody {
            required: object.is_true("required"),
            description: object.string("description"),
            content,
            resolved,
            encodings: self.encodings(&object),
        }))
    }

    fn content(&mut self, body: &Object<'a>, owner: &str) -> (Content, Resolved) {
        let pointer = format!("{owner}/content");
        let Some(media_types) = body.object("content") else {
            let message = "the request body has no `content`".to_owned();
            self.report.warning(code::BODY, owner, message, "name the media types it is sent as");
            return Default::default();
        };
        let (mut content, mut resolved) = (Content::new(), Resolved::new());
        for (media_type, place) in media_types {
            if media_type.starts_with("x-") && !media_type.contains('/') {
                continue;
            }
            if content.len() >= MAX_MEDIA_TYPES || media_type.len() > MAX_NAME_LENGTH {
                let message = format!("more than {MAX_MEDIA_TYPES} media types, or one that is too long");
                self.report.warning(code::LIMIT, &pointer, message, "the rest are left out");
                break;
            }
            let at = format!("{pointer}/{}", escape(&media_type));
            let schema = self.media_schema(place, &at);
            let bundled = schema.and_then(|schema| self.bundled(schema));
            resolved.extend(bundled.map(|bundled| (media_type.clone().into_owned(), bundled)));
            content.push((media_type.into_owned(), schema.map(|schema| schema.raw.to_owned())));
        }
        content.sort_by(|(a, _), (b, _)| a.cmp(b));
        resolved.sort_by(|(a, _), (b, _)| a.cmp(b));
        (content, resolved)
    }

    /// The schema of a media type object (RB-3). OpenAPI 3.2: `itemSchema` stands for a missing `schema`, and the
    /// object may be a reference.
    pub(crate) fn media_schema(&mut self, place: Place<'a>, pointer: &str) -> Option<Place<'a>> {
        if place.kind() == Kind::Null {
            // `application/json:` with nothing behind it.
            return None;
        }
        let siblings = self.reference_siblings();
        let object = match self.tree.follow(place, siblings) {
            Ok(object) => object,
            Err(reason) => {
                let message = match Object::of(place).and_then(|object| object.reference()) {
                    Some(reference) => format!("the media type's reference {} {reason}", quoted(&reference)),
                    None => format!("the media type is {}, not an object", place.kind().with_article()),
                };
                self.report.warning(code::BODY, pointer, message, "what is sent is not checked");
                return None;
            }
        };
        let items = || object.get("itemSchema").filter(|_| self.version >= Version::V32);
        object.get("schema").or_else(items).filter(|schema| is_schema(*schema))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, names, only, openapi};

    fn body(version: &str, body: &str) -> (bool, String, Vec<String>, usize) {
        let api = openapi(
            version,
            &format!(
                r##""paths":{{"/a":{{"post":{{"requestBody":{body}}}}}}},"components":{{
                    "requestBodies":{{"B":{{"required":true,"description":"inner","content":{{"a/b":{{}}}}}}}},
                    "mediaTypes":{{"M":{{"schema":{{"type":"object"}}}}}}}}"##
            ),
        );
        let body = only(&api).request_body.clone().expect("body");
        let content = body.content.iter().map(|(media_type, schema)| match schema {
            Some(schema) => format!("{media_type} {}", schema.get()),
            None => media_type.clone(),
        });
        (body.required, body.description, content.collect(), api.diagnostics.len())
    }

    /// RB-1 to RB-3
    #[test]
    fn media_types_are_ascending_and_schemas_are_as_given() {
        let given = r##"{"content":{"text/plain":{},"application/json":{"schema":{"$ref": "#/x"}},"a/n":null,
            "image/png":{"schema":false}}}"##;
        let expected = [r##"application/json {"$ref": "#/x"}"##, "a/n", "image/png false", "text/plain"];
        let mut sorted = expected.map(str::to_owned).to_vec();
        sorted.sort();
        assert_eq!(body("3.0.0", given), (false, String::new(), sorted, 0));
        assert_eq!(body("3.0.0", r#"{"content":{}}"#), (false, String::new(), vec![], 0));
        assert_eq!(body("3.0.0", r#"{"required":true}"#), (true, String::new(), vec![], 1));
        assert_eq!(body("3.0.0", r#"{"content":{"a/b":7}}"#), (false, String::new(), vec!["a/b".to_owned()], 1));
    }

    #[test]
    fn references_are_followed_with_the_siblings_of_their_version() {
        let given = r##"{"$ref":"#/components/requestBodies/B","description":"outer","required":false}"##;
        assert_eq!(body("3.0.0", given), (true, "inner".to_owned(), vec!["a/b".to_owned()], 0));
        assert_eq!(body("3.1.0", given), (true, "outer".to_owned(), vec!["a/b".to_owned()], 0));
    }

    /// OpenAPI 3.2
    #[test]
    fn streams_carry_the_schema_of_their_items() {
        let given =
            r##"{"content":{"a/b":{"itemSchema":{"type":"string"}},"a/c":{"$ref":"#/components/mediaTypes/M"}}}"##;
        let expected = vec![r#"a/b {"type":"string"}"#.to_owned(), r#"a/c {"type":"object"}"#.to_owned()];
        assert_eq!(body("3.2.0", given), (false, String::new(), expected, 0));
        let given = r#"{"content":{"a/b":{"itemSchema":{"type":"string"}}}}"#;
        assert_eq!(body("3.1.0", given), (false, String::new(), vec!["a/b".to_owned()], 0));
    }

    #[test]
    fn an_operation_with_a_body_that_is_not_known_is_left_out() {
        for body in [r##"{"$ref":"#/components/requestBodies/None"}"##, "[]", r#"{"$ref":"other.json"}"#] {
            let api =
                openapi("3.0.0", &format!(r#""paths":{{"/a":{{"post":{{"requestBody":{body}}},"get":{{}}}}}}"#));
            assert_eq!(names(&api), ["GET /a"], "{body}");
            assert_eq!(codes(&api), ["operation_invalid"], "{body}");
        }
    }
}
