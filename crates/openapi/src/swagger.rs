//! What Swagger 2.0 says differently of inputs: parameters that are their own schema, bodies and forms among the
//! parameters, `collectionFormat` instead of `style`. Everything is said again as OpenAPI 3 would.

use crate::api::RequestBody;
use crate::hosts::texts;
use crate::json::{Kind, Object};
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::schema::{Members, is_schema, object_of};
use crate::version::Version;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::sync::Arc;

/// `in: body`.
#[derive(Clone)]
pub(crate) struct Body {
    required: bool,
    description: String,
    schema: Option<Box<RawValue>>,
    resolved: Option<Arc<RawValue>>,
}

/// `in: formData`.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    required: bool,
    is_file: bool,
    schema: Option<Box<RawValue>>,
}

/// Members of a parameter or header that are JSON Schema.
const SCHEMA_MEMBERS: &[&str] = &[
    "type",
    "format",
    "items",
    "default",
    "enum",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "multipleOf",
];

const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data";
const URL_ENCODED: &str = "application/x-www-form-urlencoded";

impl<'a> Reader<'a> {
    /// The members of a parameter that are its schema.
    pub(crate) fn simple_schema(&mut self, object: &Object<'a>, pointer: &str) -> Option<Box<RawValue>> {
        // OpenAPI 3 habits in a Swagger 2.0 document.
        if let (None, Some(schema)) = (object.get("type"), object.get("schema")) {
            return self.parameter_schema(schema, pointer);
        }
        let mut members = Members::new();
        for &name in SCHEMA_MEMBERS {
            if let Some(place) = object.get(name) {
                members.insert(Cow::Borrowed(name), Cow::Borrowed(place.raw));
            }
        }
        if is_file(object) {
            members.insert(Cow::Borrowed("type"), Cow::Owned(text_value("string")?));
            members.insert(Cow::Borrowed("format"), Cow::Owned(text_value("binary")?));
        }
        object_of(&members)
    }

    /// `collectionFormat` as `style` and `explode`.
    pub(crate) fn collection(
        &mut self,
        object: &Object<'a>,
        location: &str,
        pointer: &str,
    ) -> (String, Option<bool>) {
        if object.text("type").is_none_or(|kind| kind != "array") {
            return (String::new(), None);
        }
        // Path and header values have one style for lists: joined by commas.
        let form = if matches!(location, "path" | "header") { "simple" } else { "form" };
        let (style, explode) = match object.text("collectionFormat").as_deref() {
            None | Some("csv") => (form, false),
            Some("multi") => (form, true),
            Some("ssv") => ("spaceDelimited", false),
            Some("pipes") => ("pipeDelimited", false),
            Some(other) => {
                self.report.note(
                    code::PARAMETER,
                    pointer,
                    format!("collectionFormat {} is not supported", quoted(other)),
                    "lists are joined by commas; join the values yourself",
                );
                (form, false)
            }
        };
        (style.to_owned(), Some(explode))
    }

    pub(crate) fn body_parameter(&mut self, object: &Object<'a>, pointer: &str) -> Body {
        let schema = object.get("schema").filter(|schema| is_schema(*schema));
        if schema.is_none() {
            let message = "the body parameter has no `schema`".to_owned();
            self.report.warning(code::BODY, pointer, message, "what is sent is not checked");
        }
        Body {
            required: object.is_true("required"),
            description: object.string("description"),
            schema: schema.map(|schema| schema.raw.to_owned()),
            resolved: schema.and_then(|schema| self.bundled(schema)),
        }
    }

    pub(crate) fn form_field(&mut self, name: String, object: &Object<'a>, pointer: &str) -> Field {
        let simple = self.simple_schema(object, pointer);
        // The field's description becomes the property's.
        let mut members = Members::new();
        if let Some(Ok(schema)) = simple.as_deref().map(|schema| serde_json::from_str::<Members<'_>>(schema.get()))
        {
            members.extend(schema);
        }
        if let Some(description) = object.get("description").filter(|place| place.kind() == Kind::Text) {
            members.insert(Cow::Borrowed("description"), Cow::Borrowed(description.raw));
        }
        let schema = object_of(&members);
        Field { required: object.is_true("required"), is_file: is_file(object), schema, name }
    }

    /// The request body that an operation's `body` or `formData` parameters describe.
    pub(crate) fn swagger_body(
        &mut self,
        body: Option<Body>,
        fields: Vec<Field>,
        operation: &Object<'a>,
        pointer: &str,
    ) -> Option<RequestBody> {
        if self.version != Version::V20 {
            return None;
        }
        let own = texts(operation.get("consumes"));
        let consumes = if own.is_empty() { &self.consumes } else { &own };
        if let Some(body) = body {
            if !fields.is_empty() {
                let message = "the operation has a body and form fields; the form fields are ignored".to_owned();
                self.report.warning(code::BODY, pointer, message, "keep one of the two");
            }
            let mut media_types = consumes.clone();
            if media_types.is_empty() {
                media_types.push(JSON.to_owned());
            }
            media_types.sort();
            media_types.dedup();
            let resolved = body.resolved.as_ref();
            let resolved = resolved
                .map(|schema| media_types.iter().map(|media| (media.clone(), Arc::clone(schema))).collect())
                .unwrap_or_default();
            let content = media_types.into_iter().map(|media_type| (media_type, body.schema.clone())).collect();
            return Some(RequestBody {
                required: body.required,
                description: body.description,
                content,
                resolved,
                ..RequestBody::default()
            });
        }
        if fields.is_empty() {
            return None;
        }
        let says = |media_type: &str| consumes.iter().any(|text| essence(text).eq_ignore_ascii_case(media_type));
        let media_types = match (fields.iter().any(|field| field.is_file), says(MULTIPART), says(URL_ENCODED)) {
            (true, _, _) | (false, true, false) => &[MULTIPART][..],
            (false, true, true) => &[URL_ENCODED, MULTIPART],
            (false, false, _) => &[URL_ENCODED],
        };
        let required = fields.iter().any(|field| field.required);
        let schema = form_schema(fields);
        let content = media_types.iter().map(|media_type| ((*media_type).to_owned(), schema.clone())).collect();
        Some(RequestBody { required, content, ..RequestBody::default() })
    }
}

/// `{"type":"object","properties":{…},"required":[…]}`
fn form_schema(fields: Vec<Field>) -> Option<Box<RawValue>> {
    let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
    let required = (!required.is_empty()).then(|| to_raw_value(&required)).transpose().ok()?;
    let mut properties = Members::new();
    for field in &fields {
        let schema = match &field.schema {
            Some(schema) => Cow::Borrowed(schema.as_ref()),
            None => Cow::Owned(RawValue::from_string("{}".to_owned()).ok()?),
        };
        properties.insert(Cow::Borrowed(&field.name), schema);
    }
    let mut schema = Members::new();
    schema.insert(Cow::Borrowed("type"), Cow::Owned(text_value("object")?));
    schema.insert(Cow::Borrowed("properties"), Cow::Owned(object_of(&properties)?));
    if let Some(required) = required {
        schema.insert(Cow::Borrowed("required"), Cow::Owned(required));
    }
    object_of(&schema)
}

fn text_value(text: &str) -> Option<Box<RawValue>> {
    to_raw_value(text).ok()
}

fn is_file(object: &Object<'_>) -> bool {
    object.text("type").is_some_and(|kind| kind == "file")
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, names, only, swagger};

    /// W35
    #[test]
    fn members_of_a_parameter_become_its_schema_and_style() {
        let parameter = |members: &str| {
            let api =
                swagger(&format!(r#""paths":{{"/a":{{"get":{{"parameters":[{{"name":"p",{members}}}]}}}}}}"#));
            let p = &only(&api).parameters[0];
            let schema = p.schema.as_ref().map(|schema| schema.get().to_owned()).unwrap_or_default();
            format!("{schema} {} {:?} {}", p.style, p.explode, api.diagnostics.len())
        };
        for (members, expected) in [
            (
                r#""in":"query","minimum":1,"type":"integer","format":"int32","enum":[1,2],"default":1,"x-a":1"#,
                r#"{"type":"integer","format":"int32","default":1,"enum":[1,2],"minimum":1}  None 0"#,
            ),
            (
                r#""in":"query","type":"array","items":{"type":"string"}"#,
                r#"{"type":"array","items":{"type":"string"}} form Some(false) 0"#,
            ),
            (r#""in":"query","type":"array","collectionFormat":"multi""#, r#"{"type":"array"} form Some(true) 0"#),
            (
                r#""in":"query","type":"array","collectionFormat":"ssv""#,
                r#"{"type":"array"} spaceDelimited Some(false) 0"#,
            ),
            (
                r#""in":"query","type":"array","collectionFormat":"pipes""#,
                r#"{"type":"array"} pipeDelimited Some(false) 0"#,
            ),
            (r#""in":"query","type":"array","collectionFormat":"tsv""#, r#"{"type":"array"} form Some(false) 1"#),
            (r#""in":"header","type":"array""#, r#"{"type":"array"} simple Some(false) 0"#),
            (r#""in":"query","schema":{"type":"string"}"#, r#"{"type":"string"}  None 0"#),
            (r#""in":"query""#, "  None 0"),
        ] {
            assert_eq!(parameter(members), expected, "{members}");
        }
    }

    fn bodies(document: &str, operation: &str) -> (String, Vec<String>) {
        let api = swagger(&format!(r#"{document}"paths":{{"/a":{{"post":{{{operation}}}}}}}"#));
        let operation = only(&api);
        assert!(operation.parameters.is_empty());
        let shown = operation.request_body.as_ref().map_or("none".to_owned(), |body| {
            let content = body.content.iter().map(|(media_type, schema)| {
                format!("{media_type}={}", schema.as_ref().map_or("", |schema| schema.get()))
            });
            format!("{} {} {}", body.required, body.description, content.collect::<Vec<_>>().join(" "))
        });
        (shown, codes(&api).into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn body_parameters_become_the_request_body() {
        let body =
            r#""parameters":[{"in":"body","name":"b","required":true,"description":"d","schema":{"type":"x"}}]"#;
        for (document, operation, expected) in [
            ("", body.to_owned(), r#"true d application/json={"type":"x"}"#),
            (r#""consumes":["b/b","a/a"],"#, body.to_owned(), r#"true d a/a={"type":"x"} b/b={"type":"x"}"#),
            (r#""consumes":["b/b"],"#, format!(r#""consumes":["c/c"],{body}"#), r#"true d c/c={"type":"x"}"#),
            (r#""consumes":["b/b"],"#, format!(r#""consumes":[],{body}"#), r#"true d b/b={"type":"x"}"#),
            ("", r#""requestBody":{"content":{}}"#.to_owned(), "none"),
        ] {
            assert_eq!(bodies(document, &operation), (expected.to_owned(), vec![]), "{document}{operation}");
        }
        let two =
            r#""parameters":[{"in":"body","name":"b","schema":{}},{"in":"body","name":"c","schema":{"x":1}}]"#;
        let expected = ("false  application/json={}".to_owned(), vec!["parameter_duplicate".to_owned()]);
        assert_eq!(bodies("", two), expected);
    }

    #[test]
    fn form_fields_become_one_object() {
        let text = r#"{"in":"formData","name":"t","type":"string","description":"d","required":true}"#;
        let file = r#"{"in":"formData","name":"f","type":"file"}"#;
        let t = r#"{"type":"object","properties":{"t":{"description":"d","type":"string"}},"required":["t"]}"#;
        let t = t.replace(r#"{"description":"d","type":"string"}"#, r#"{"type":"string","description":"d"}"#);
        let both =
            r#""properties":{"t":{"type":"string","description":"d"},"f":{"type":"string","format":"binary"}}"#;
        for (consumes, fields, expected) in [
            ("[]", text.to_owned(), format!("true  application/x-www-form-urlencoded={t}")),
            (r#"["multipart/form-data"]"#, text.to_owned(), format!("true  multipart/form-data={t}")),
            (
                r#"["multipart/form-data","application/x-www-form-urlencoded; charset=utf-8"]"#,
                text.to_owned(),
                format!("true  application/x-www-form-urlencoded={t} multipart/form-data={t}"),
            ),
            (
                "[]",
                format!("{text},{file}"),
                format!(r#"true  multipart/form-data={{"type":"object",{both},"required":["t"]}}"#),
            ),
        ] {
            let operation = format!(r#""consumes":{consumes},"parameters":[{fields}]"#);
            assert_eq!(bodies("", &operation), (expected, vec![]), "{operation}");
        }
    }

    #[test]
    fn a_body_of_the_path_item_is_replaced_whatever_its_name() {
        let api = swagger(
            r#""paths":{"/a":{"parameters":[{"in":"body","name":"b","schema":{"x":1}}],
                "put":{"parameters":[{"in":"body","name":"c","schema":{"x":2}}]},"post":{}}}"#,
        );
        assert_eq!(names(&api), ["POST /a", "PUT /a"]);
        let schema = |i: usize| {
            let body = api.operations[i].request_body.as_ref().expect("body");
            body.content[0].1.as_ref().expect("schema").get()
        };
        assert_eq!((schema(0), schema(1)), (r#"{"x":1}"#, r#"{"x":2}"#));
    }
}
