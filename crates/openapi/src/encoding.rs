//! How the properties of a form or multipart body are written (OpenAPI 3.1 §4.8.15): what the description says, nothing
//! more. Not for writing.

use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_MEDIA_TYPES, MAX_NAME_LENGTH, MAX_PARAMETERS};
use crate::reader::Reader;
use open_cli_contract::catalog::{BodyEncoding, PropertyEncoding};
use std::collections::BTreeMap;

impl<'a> Reader<'a> {
    /// The encodings of a request body, ascending media type; media types without any are left out. What is wrong with
    /// the media types themselves was said before.
    pub(crate) fn encodings(&mut self, body: &Object<'a>) -> Vec<BodyEncoding> {
        let mut found = Vec::new();
        for (media_type, place) in body.object("content").into_iter().flatten().take(MAX_MEDIA_TYPES) {
            let siblings = self.reference_siblings();
            let Some(media) =
                (place.kind() == Kind::Object).then(|| self.tree.follow(place, siblings).ok()).flatten()
            else {
                continue;
            };
            let mut properties = BTreeMap::new();
            for (name, place) in media.object("encoding").into_iter().flatten().take(MAX_PARAMETERS) {
                let Some(encoding) = Object::of(place).filter(|_| name.len() <= MAX_NAME_LENGTH) else { continue };
                let encoding = self.encoding(&encoding);
                if encoding != PropertyEncoding::default() {
                    properties.insert(name.into_owned(), encoding);
                }
            }
            if !properties.is_empty() {
                found.push(BodyEncoding { media_type: media_type.into_owned(), properties });
            }
        }
        found.sort_by(|a, b| a.media_type.cmp(&b.media_type));
        found
    }

    fn encoding(&mut self, encoding: &Object<'a>) -> PropertyEncoding {
        let mut headers = BTreeMap::new();
        for (name, place) in encoding.object("headers").into_iter().flatten().take(MAX_PARAMETERS) {
            if let Some(value) = self.fixed_header(place) {
                headers.insert(name.into_owned(), value);
            }
        }
        PropertyEncoding {
            content_type: encoding.string("contentType"),
            style: encoding.string("style"),
            explode: encoding.boolean("explode"),
            allow_reserved: encoding.boolean("allowReserved"),
            headers,
        }
    }

    /// The value of a header whose schema leaves no choice, or has a default.
    fn fixed_header(&mut self, place: Place<'a>) -> Option<String> {
        let siblings = self.reference_siblings();
        let header = self.tree.follow(place, siblings).ok()?;
        let schema = header.object("schema")?;
        let only = schema.get("enum").and_then(Place::elements).filter(|choices| choices.len() == 1);
        let value = schema.get("const").or_else(|| only?.pop()).or_else(|| schema.get("default"))?;
        value.text().map(|text| text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{only, openapi};

    #[test]
    fn encodings_are_carried_as_far_as_they_say_something() {
        let api = openapi(
            "3.1.0",
            r##""paths":{"/a":{"post":{"requestBody":{"content":{
                "multipart/form-data":{"schema":{},"encoding":{"file":{"contentType":"image/png, image/jpeg",
                    "headers":{"X-A":{"schema":{"const":"a"}},"X-B":{"$ref":"#/components/headers/B"},"X-C":{"schema":{}}}},
                    "nothing":{},"wrong":7}},
                "application/x-www-form-urlencoded":{"encoding":{"deep":{"style":"deepObject","explode":true,
                    "allowReserved":false}}},
                "application/json":{"schema":{}}}}}}},"components":{"headers":{"B":{"schema":{"enum":["b"]}}}}"##,
        );
        let body = only(&api).request_body.clone().expect("a body");
        assert_eq!(
            serde_json::to_string(&body.encodings).expect("json"),
            r#"[{"mediaType":"application/x-www-form-urlencoded","properties":{"deep":{"style":"deepObject","explode":true,"allowReserved":false}}},{"mediaType":"multipart/form-data","properties":{"file":{"contentType":"image/png, image/jpeg","headers":{"X-A":"a","X-B":"b"}}}}]"#
        );
    }

    #[test]
    fn servers_keep_their_names_and_variables() {
        let api = openapi(
            "3.2.0",
            r#""servers":[{"url":"https://{r}.h/{v}","name":"live","description":"d","variables":{
                "r":{"default":"eu","enum":["eu","us"]},"v":{"default":"v1"},"unused":{"default":"x"}}},{"url":"https://b"}],
                "paths":{"/a":{"get":{}}}"#,
        );
        let choices = serde_json::to_string(&*only(&api).server_choices).expect("json");
        assert_eq!(
            choices,
            r#"[{"url":"https://eu.h/v1","name":"live","description":"d","template":"https://{r}.h/{v}","variables":{"r":{"default":"eu","enum":["eu","us"]},"v":{"default":"v1"}}},{"url":"https://b"}]"#
        );
    }
}
