//! Request bodies of OpenAPI 3: rules RB-1 to RB-3. Schemas are carried as they are written, `$ref`s included.

use crate::api::RequestBody;
use crate::json::{Object, Place};
use crate::limits::{MAX_MEDIA_TYPES, MAX_NAME_LENGTH};
use crate::operations::Fault;
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::schema::is_schema;
use crate::tree::escape;
use crate::version::Version;
use serde_json::value::RawValue;

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
        Ok(Some(RequestBody {
            required: object.is_true("required"),
            description: object.string("description"),
            content: self.content(&object, &pointer),
        }))
    }

    fn content(&mut self, body: &Object<'a>, owner: &str) -> Vec<(String, Option<Box<RawValue>>)> {
        let pointer = format!("{owner}/content");
        let Some(media_types) = body.object("content") else {
            let message = "the request body has no `content`".to_owned();
            self.report.warning(code::BODY, owner, message, "name the media types it is sent as");
            return Vec::new();
        };
        let mut content: Vec<(String, Option<Box<RawValue>>)> = Vec::new();
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
            let schema = self.media_schema(place, &at).map(|schema| schema.raw.to_owned());
            content.push((media_type.into_owned(), schema));
        }
        content.sort_by(|(a, _), (b, _)| a.cmp(b));
        content
    }

    /// The schema of a media type object (RB-3). OpenAPI 3.2: `itemSchema` stands for a missing `schema`, and the
    /// object may be a reference.
    pub(crate) fn media_schema(&mut self, place: Place<'a>, pointer: &str) -> Option<Place<'a>> {
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
