//! What an operation answers, read when somebody asks for one operation and not before: the answers of a large
//! description are most of its text, and nearly all of that text is never looked at.

use crate::api::Response;
use crate::error::ReadError;
use crate::json::{Object, Place};
use crate::limits::MAX_RESPONSES;
use crate::pointer::{escape, unescape};
use crate::reader::Reader;
use crate::reference::Siblings;
use crate::report::{code, quoted};
use crate::schema::is_schema;
use crate::version::Version;
use open_cli_contract::catalog::Diagnostic;
use open_cli_documents::DocumentSet;

/// The responses of the operation at a pointer, which is [`crate::api::Operation::pointer`], and what was wrong with
/// them. Empty when there is no such operation. Schemas are given as written and, where they refer to something,
/// self-contained.
///
/// # Errors
/// As [`crate::read()`].
pub fn responses(set: &DocumentSet, pointer: &str) -> Result<(Vec<Response>, Vec<Diagnostic>), ReadError> {
    let (mut reader, root) = Reader::open(set)?;
    if reader.version == Version::V20 {
        reader.produces = crate::hosts::texts(root.get("produces"));
    }
    let found = reader.operation_at(&root, pointer).map(|operation| reader.responses(&operation, pointer));
    Ok((found.unwrap_or_default(), reader.report.finish()))
}

impl<'a> Reader<'a> {
    fn operation_at(&mut self, root: &Object<'a>, pointer: &str) -> Option<Object<'a>> {
        let mut tokens = pointer.strip_prefix("/paths/")?.split('/').map(unescape);
        let item = root.object("paths")?.get(&tokens.next()?)?;
        let mut object = self.tree.follow(item, Siblings::All).ok()?;
        for token in tokens {
            let place = object.get(&token)?;
            object = self.tree.follow(place, Siblings::All).ok()?;
        }
        Some(object)
    }

    fn responses(&mut self, operation: &Object<'a>, owner: &str) -> Vec<Response> {
        let pointer = format!("{owner}/responses");
        let produces = crate::hosts::texts(operation.get("produces"));
        let produces = if produces.is_empty() { self.produces.clone() } else { produces };
        let all = operation.object("responses").unwrap_or_default();
        let named = all.into_iter().filter(|(status, _)| !status.starts_with("x-"));
        let mut responses: Vec<Response> = Vec::new();
        for (status, place) in named.take(MAX_RESPONSES) {
            let at = format!("{pointer}/{}", escape(&status));
            let siblings = self.reference_siblings();
            match self.tree.follow(place, siblings) {
                Ok(object) => responses.push(self.response(status.into_owned(), &object, &at, &produces)),
                Err(reason) => {
                    let message = match Object::of(place).and_then(|object| object.reference()) {
                        Some(reference) => format!("the response's reference {} {reason}", quoted(&reference)),
                        None => format!("the response is {}, not an object", place.kind().with_article()),
                    };
                    self.report.warning(code::RESPONSE, &at, message, "the response is not shown; correct it");
                }
            }
        }
        // `200`, `2XX`, `default`: digits come before letters.
        responses.sort_by(|a, b| a.status.cmp(&b.status));
        responses
    }

    fn response(&mut self, status: String, object: &Object<'a>, pointer: &str, produces: &[String]) -> Response {
        let description = object.string("description");
        let description = if description.is_empty() { object.string("summary") } else { description };
        let mut response = Response { status, description, ..Response::default() };
        if self.version == Version::V20 {
            let schema = object.get("schema").filter(|schema| is_schema(*schema));
            let any = ["*/*".to_owned()];
            let media_types = if produces.is_empty() { &any[..] } else { produces };
            for media_type in media_types.iter().filter(|_| schema.is_some()) {
                self.add_content(&mut response, media_type, schema);
            }
            return response;
        }
        for (media_type, place) in object.object("content").unwrap_or_default() {
            if media_type.starts_with("x-") && !media_type.contains('/') {
                continue;
            }
            let schema = self.media_schema(place, &format!("{pointer}/content/{}", escape(&media_type)));
            self.add_content(&mut response, &media_type, schema);
        }
        response.content.sort_by(|(a, _), (b, _)| a.cmp(b));
        response.resolved.sort_by(|(a, _), (b, _)| a.cmp(b));
        response
    }

    fn add_content(&mut self, response: &mut Response, media_type: &str, schema: Option<Place<'a>>) {
        if response.content.len() >= crate::limits::MAX_MEDIA_TYPES {
            return;
        }
        let bundled = schema.and_then(|schema| self.bundled(schema));
        response.resolved.extend(bundled.map(|bundled| (media_type.to_owned(), bundled)));
        response.content.push((media_type.to_owned(), schema.map(|schema| schema.raw.to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::set;

    fn shown(text: &str, pointer: &str) -> (Vec<String>, Vec<String>) {
        let set = set(&[("/d/api.json", text)]);
        let api = crate::read(&set).expect("readable");
        assert!(pointer.is_empty() || api.operations.iter().any(|o| o.pointer == pointer), "{pointer}");
        let (responses, diagnostics) = super::responses(&set, pointer).expect("readable");
        let mut lines = Vec::new();
        for response in &responses {
            lines.push(format!("{} {}", response.status, response.description));
            let given = response.content.iter().map(|(m, s)| (m, s.as_ref().map_or("-", |s| s.get())));
            lines.extend(given.map(|(media, schema)| format!(" {media} {schema}")));
            lines.extend(response.resolved.iter().map(|(media, schema)| format!(" = {media} {}", schema.get())));
        }
        (lines, diagnostics.into_iter().map(|d| d.pointer).collect())
    }

    #[test]
    fn responses_are_given_as_written_and_self_contained() {
        let text = r##"{"openapi":"3.2.0","servers":[{"url":"https://h"}],"paths":{"/a/{b}":{"parameters":[{"name":"b","in":"path"}],
            "get":{"responses":{"default":{"$ref":"#/components/responses/E","description":"mine"},
                "x-a":1,"200":{"description":"ok","content":{
                    "text/plain":null,
                    "application/jsonl":{"itemSchema":{"$ref":"#/components/schemas/N"}}}},
                "404":7,"5XX":{"$ref":"#/nowhere"},"201":{"summary":"made"}}},
            "additionalOperations":{"LINK":{"responses":{"204":{}}}}}},
            "components":{"responses":{"E":{"description":"theirs","content":{"a/b":{"schema":{"x-odd":1}}}}},
                "schemas":{"N":{"$dynamicAnchor":"n","x-odd":[1],"properties":{"next":{"$dynamicRef":"#n"}}}}}}"##;
        let (lines, faults) = shown(text, "/paths/~1a~1{b}/get");
        let expected = [
            "200 ok",
            r##" application/jsonl {"$ref":"#/components/schemas/N"}"##,
            " text/plain -",
            r##" = application/jsonl {"x-dynamicAnchor":"n","x-odd":[1],"properties":{"next":{"$dynamicRef":"#/$defs/n"}},"$defs":{"n":{"x-dynamicAnchor":"n","x-odd":[1],"properties":{"next":{"$dynamicRef":"#/$defs/n"}}}}}"##,
            "201 made",
            "default mine",
            r#" a/b {"x-odd":1}"#,
        ];
        assert_eq!(lines, expected);
        assert_eq!(faults, ["/paths/~1a~1{b}/get/responses/404", "/paths/~1a~1{b}/get/responses/5XX"]);
        assert_eq!(shown(text, "/paths/~1a~1{b}/additionalOperations/LINK").0, ["204 "]);
        let documents = set(&[("/d/api.json", text)]);
        for pointer in ["", "/paths", "/paths/~1none/get", "/paths/~1a~1{b}/put", "/info"] {
            assert!(super::responses(&documents, pointer).expect("readable").0.is_empty(), "{pointer}");
        }
    }

    #[test]
    fn responses_of_swagger_have_the_types_that_are_produced() {
        let text = r##"{"swagger":"2.0","host":"h","produces":["a/b"],"paths":{"/a":{"get":{"responses":
            {"200":{"description":"ok","schema":{"$ref":"#/definitions/N"}},"204":{"description":"none"}}},
            "put":{"produces":["c/d","e/f"],"responses":{"200":{"schema":{"type":"file"}}}}}},
            "definitions":{"N":{"type":"string"}}}"##;
        let expected =
            ["200 ok", r##" a/b {"$ref":"#/definitions/N"}"##, r#" = a/b {"type":"string"}"#, "204 none"];
        assert_eq!(shown(text, "/paths/~1a/get").0, expected);
        assert_eq!(
            shown(text, "/paths/~1a/put").0,
            ["200 ", r#" c/d {"type":"file"}"#, r#" e/f {"type":"file"}"#]
        );
    }
}
