//! Parameters: read, merged, and brought into the order of the path template. Rules PR-1, PR-2 with W32, W33, W35.
//! An operation whose parameters are not fully known is left out, because calling it would be wrong.

use crate::api::{Parameter, RequestBody};
use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_NAME_LENGTH, MAX_PARAMETERS};
use crate::operations::Fault;
use crate::paths::PathItem;
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::swagger::{Body, Field};
use crate::version::Version;
use serde_json::value::to_raw_value;
use std::rc::Rc;

/// An entry of a `parameters` list.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) input: Input,
    owner: Rc<str>,
    index: usize,
}

/// What an entry describes.
#[derive(Clone)]
pub(crate) enum Input {
    /// A parameter in the sense of OpenAPI 3.
    Named(Parameter),
    /// Swagger 2.0 `in: body`.
    Body(Body),
    /// Swagger 2.0 `in: formData`.
    Field(Field),
}

/// What an operation takes.
pub(crate) struct Settled {
    pub(crate) parameters: Vec<Parameter>,
    /// Swagger 2.0 only.
    pub(crate) body: Option<RequestBody>,
}

impl Declared {
    pub(crate) fn pointer(&self) -> String {
        format!("{}/{}", self.owner, self.index)
    }

    fn name(&self) -> &str {
        match &self.input {
            Input::Named(parameter) => &parameter.name,
            Input::Field(field) => &field.name,
            Input::Body(_) => "",
        }
    }

    fn location(&self) -> &str {
        match &self.input {
            Input::Named(parameter) => &parameter.location,
            Input::Field(_) => "formData",
            Input::Body(_) => "body",
        }
    }

    /// Same name and location. Names of headers have no case; there is one body, whatever its name.
    fn replaces(&self, other: &Self) -> bool {
        let same_name = match self.location() {
            "header" => self.name().eq_ignore_ascii_case(other.name()),
            _ => self.name() == other.name(),
        };
        self.location() == other.location() && same_name
    }
}

/// W32: the path item's list with the operation's entries in place of those they replace, then the others.
pub(crate) fn merged(base: &[Declared], own: Vec<Declared>) -> Vec<Declared> {
    let mut all = base.to_vec();
    for declared in own {
        match all[..base.len()].iter_mut().find(|other| declared.replaces(other)) {
            Some(replaced) => *replaced = declared,
            None => all.push(declared),
        }
    }
    all
}

impl<'a> Reader<'a> {
    /// Everything an operation takes by way of `parameters`.
    pub(crate) fn inputs(
        &mut self,
        item: &PathItem<'a, '_>,
        operation: &Object<'a>,
        pointer: &str,
    ) -> Result<Settled, Fault> {
        let shared = item.parameters.as_ref().map_err(Clone::clone)?;
        let declared = match operation.get("parameters") {
            Some(list) => merged(shared, self.parameter_list(list, &format!("{pointer}/parameters"))?),
            None => shared.clone(),
        };
        if declared.len() > MAX_PARAMETERS {
            return Err(too_many(pointer, declared.len()));
        }
        let (mut paths, mut parameters) = (Vec::new(), Vec::new());
        let (mut bodies, mut fields) = (Vec::new(), Vec::new());
        for declared in declared {
            match declared.input {
                Input::Named(ref parameter) if parameter.location == "path" => paths.push(declared),
                Input::Named(parameter) => parameters.push(parameter),
                Input::Body(body) => bodies.push(body),
                Input::Field(field) => fields.push(field),
            }
        }
        self.remark_on_querystring(&parameters, pointer);
        let mut ordered = self.in_template_order(item, paths, pointer);
        ordered.append(&mut parameters);
        let body = self.swagger_body(bodies.pop(), fields, operation, pointer);
        Ok(Settled { parameters: ordered, body })
    }

    /// W33: one path parameter per variable of the template, in its order.
    fn in_template_order(
        &mut self,
        item: &PathItem<'_, '_>,
        mut declared: Vec<Declared>,
        pointer: &str,
    ) -> Vec<Parameter> {
        let mut ordered = Vec::with_capacity(item.template.variables.len());
        for &variable in &item.template.variables {
            if let Some(i) = declared.iter().position(|declared| declared.name() == variable) {
                if let Input::Named(parameter) = declared.remove(i).input {
                    ordered.push(parameter);
                }
                continue;
            }
            self.report.warning(
                code::PATH_PARAMETER,
                pointer,
                format!("the path has {} and no parameter describes it", quoted(variable)),
                "it is taken as a required text; describe it with `in: path`",
            );
            ordered.push(Parameter {
                name: variable.to_owned(),
                location: "path".to_owned(),
                required: true,
                schema: to_raw_value(&serde_json::json!({"type": "string"})).ok(),
                ..Parameter::default()
            });
        }
        for unused in declared {
            self.report.warning(
                code::PATH_PARAMETER,
                &unused.pointer(),
                format!("the path {} has no variable {}", quoted(item.path), quoted(unused.name())),
                "the parameter is ignored; remove it or correct its name",
            );
        }
        ordered
    }

    /// A `parameters` list; `pointer` is the list's.
    pub(crate) fn parameter_list(&mut self, place: Place<'a>, pointer: &str) -> Result<Vec<Declared>, Fault> {
        let Some(elements) = place.elements() else {
            let message = format!("`parameters` is {}, not a list", place.kind().with_article());
            return Err(Fault::at(pointer, message, "write a list of parameter objects"));
        };
        if elements.len() > MAX_PARAMETERS {
            return Err(too_many(pointer, elements.len()));
        }
        let owner: Rc<str> = pointer.into();
        let mut list: Vec<Declared> = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let at = format!("{pointer}/{index}");
            let declared = Declared { input: self.parameter(element, &at)?, owner: Rc::clone(&owner), index };
            if list.iter().any(|earlier| declared.replaces(earlier)) {
                self.report.warning(
                    code::PARAMETER_DUPLICATE,
                    &at,
                    format!("{} in {} is declared twice", quoted(declared.name()), declared.location()),
                    "the first one counts; remove the other",
                );
                continue;
            }
            list.push(declared);
        }
        Ok(list)
    }

    fn parameter(&mut self, place: Place<'a>, pointer: &str) -> Result<Input, Fault> {
        let siblings = self.reference_siblings();
        let object = self.tree.follow(place, siblings).map_err(|reason| {
            let message = match Object::of(place).and_then(|object| object.reference()) {
                Some(reference) => format!("the parameter's reference {} {reason}", quoted(&reference)),
                None => format!("the parameter is {}, not an object", place.kind().with_article()),
            };
            Fault::at(pointer, message, "correct it; a call without the parameter could do something else")
        })?;
        let location = object.text("in").unwrap_or_default();
        let known = match location.as_ref() {
            "path" | "query" | "header" | "cookie" => true,
            "querystring" => self.version >= Version::V32,
            "body" | "formData" => self.version == Version::V20,
            _ => false,
        };
        if !known {
            let hint = match location.as_ref() {
                "body" | "formData" => "OpenAPI 3 has `requestBody` for it",
                "querystring" => "declare OpenAPI 3.2, which has it",
                _ => "write one of path, query, header, cookie",
            };
            let message = format!("the parameter has `in: {}`", quoted(&location).trim_matches('`'));
            return Err(Fault::at(pointer, message, hint));
        }
        let name = object.string("name");
        if location == "body" {
            return Ok(Input::Body(self.body_parameter(&object, pointer)));
        }
        if name.is_empty() || name.len() > MAX_NAME_LENGTH {
            let what = if name.is_empty() { "no name" } else { "a name that is too long" };
            return Err(Fault::at(pointer, format!("the parameter has {what}"), "name the parameter"));
        }
        if location == "formData" {
            return Ok(Input::Field(self.form_field(name, &object, pointer)));
        }
        Ok(Input::Named(self.named(name, location.into_owned(), &object, pointer)))
    }

    fn named(&mut self, name: String, location: String, object: &Object<'a>, pointer: &str) -> Parameter {
        let mut parameter = Parameter {
            required: location == "path" || object.is_true("required"),
            description: object.string("description"),
            deprecated: object.is_true("deprecated"),
            style: object.string("style"),
            explode: object.boolean("explode"),
            allow_reserved: object.is_true("allowReserved"),
            cli_name: cli_name(object),
            name,
            location,
            ..Parameter::default()
        };
        if self.version == Version::V20 {
            parameter.schema = self.simple_schema(object, pointer);
            (parameter.style, parameter.explode) = self.collection(object, &parameter.location, pointer);
        } else if let Some(schema) = object.get("schema") {
            parameter.schema = self.parameter_schema(schema, pointer);
        } else if let Some((media_type, content)) = object.object("content").and_then(|c| c.into_iter().next()) {
            parameter.content_type = media_type.into_owned();
            let schema = self.media_schema(content, pointer);
            parameter.schema = schema.and_then(|schema| self.parameter_schema(schema, pointer));
        }
        parameter
    }
}

/// PR-3: `x-cli-name` counts when it is a text that is not empty.
fn cli_name(object: &Object<'_>) -> String {
    let name = object.get("x-cli-name").filter(|place| place.kind() == Kind::Text);
    name.and_then(Place::text).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn too_many(pointer: &str, count: usize) -> Fault {
    let message = format!("there are {count} parameters; at most {MAX_PARAMETERS} are supported");
    Fault::at(pointer, message, "remove parameters with an overlay")
}

#[cfg(test)]
mod tests {
    use crate::api::Parameter;
    use crate::limits::MAX_PARAMETERS;
    use crate::testing::{codes, names, only, openapi};

    fn shown(parameters: &[Parameter]) -> Vec<String> {
        parameters.iter().map(|p| format!("{} {} {}", p.location, p.name, p.description)).collect()
    }

    /// W32, W33
    #[test]
    fn operation_parameters_replace_those_of_the_path_item_in_place() {
        let api = openapi(
            "3.0.0",
            r#""paths":{"/a/{x}/{y}":{
                "parameters":[{"name":"q","in":"query","description":"1"},{"name":"y","in":"path"},
                    {"name":"X-Id","in":"header","description":"1"},{"name":"x","in":"path","description":"1"}],
                "get":{"parameters":[{"name":"n","in":"query"},{"name":"x-id","in":"header","description":"2"},
                    {"name":"q","in":"cookie"},{"name":"q","in":"query","description":"2"},
                    {"name":"x","in":"path","description":"2"}]},
                "put":{}}}"#,
        );
        let expected = ["path x 2", "path y ", "query q 2", "header x-id 2", "query n ", "cookie q "];
        assert_eq!(shown(&api.operations[0].parameters), expected);
        assert_eq!(shown(&api.operations[1].parameters), ["path x 1", "path y ", "query q 1", "header X-Id 1"]);
        assert!(api.operations[0].parameters[..2].iter().all(|p| p.required));
        assert!(codes(&api).is_empty());
    }

    #[test]
    fn template_and_declarations_are_brought_together() {
        let api = openapi(
            "3.0.0",
            r#""paths":{"/a/{x}":{"parameters":[{"name":"z","in":"path"}],"get":{},
                "put":{"parameters":[{"name":"q","in":"query"},{"name":"q","in":"query","required":true}]}}}"#,
        );
        let x = &api.operations[0].parameters[0];
        assert_eq!((x.name.as_str(), x.location.as_str(), x.required), ("x", "path", true));
        assert_eq!(x.schema.as_ref().map(|schema| schema.get()), Some(r#"{"type":"string"}"#));
        assert!(!api.operations[1].parameters[1].required, "the first of the two counts");
        let found: Vec<_> = api.diagnostics.iter().map(|d| (&*d.code, &*d.pointer)).collect();
        let expected = [
            ("path_parameter_mismatch", "/paths/~1a~1{x}/get"),
            ("path_parameter_mismatch", "/paths/~1a~1{x}/parameters/0"),
            ("parameter_duplicate", "/paths/~1a~1{x}/put/parameters/1"),
            ("path_parameter_mismatch", "/paths/~1a~1{x}/put"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_operation_with_a_parameter_that_is_not_known_is_left_out() {
        for (parameter, message) in [
            (r#"{"in":"query"}"#, "left out: the parameter has no name"),
            (r#"{"name":"","in":"query"}"#, "left out: the parameter has no name"),
            (r#"{"name":"q"}"#, "left out: the parameter has `in: `"),
            (r#"{"name":"q","in":"body"}"#, "left out: the parameter has `in: body`"),
            (r#"{"name":"q","in":"querystring"}"#, "left out: the parameter has `in: querystring`"),
            ("7", "left out: the parameter is a number, not an object"),
            (
                r##"{"$ref":"#/components/parameters/P"}"##,
                "left out: the parameter's reference `#/components/parameters/P` names something that is not there",
            ),
            (
                r##"{"$ref":"#/components/parameters/Q"}"##,
                "left out: the parameter's reference `#/components/parameters/Q` leads back to itself",
            ),
        ] {
            let text = format!(
                r##""paths":{{"/a":{{"get":{{"parameters":[{parameter}]}},"put":{{}}}},
                    "/b":{{"parameters":[{parameter}],"get":{{}},"put":{{}}}}}},
                    "components":{{"parameters":{{"Q":{{"$ref":"#/components/parameters/Q"}}}}}}"##
            );
            let api = openapi("3.1.0", &text);
            assert_eq!(names(&api), ["PUT /a"], "{parameter}");
            let found: Vec<_> = api.diagnostics.iter().map(|d| (&*d.code, &*d.pointer, &*d.message)).collect();
            let expected = [
                ("operation_invalid", "/paths/~1a/get/parameters/0", message),
                ("operation_invalid", "/paths/~1b/parameters/0", message),
            ];
            assert_eq!(found, expected, "{parameter}");
        }
    }

    /// W35
    #[test]
    fn parameters_carry_schema_style_and_content() {
        let api = openapi(
            "3.2.0",
            r##""paths":{"/a":{"get":{"parameters":[
                {"name":"a","in":"query","style":"deepObject","explode":true,"allowReserved":true,"deprecated":true,
                    "x-cli-name":" all ","schema":{"type": "object"}},
                {"name":"b","in":"query","explode":false,"schema":true,"x-cli-name":7},
                {"name":"c","in":"query","content":{"application/json":{"schema":{"$ref":"#/components/schemas/S"}}}},
                {"name":"d","in":"querystring","content":{"text/plain":{"itemSchema":{"type":"string"}}}},
                {"name":"e","in":"header","schema":"no"},
                {"$ref":"#/components/parameters/F","description":"outer","required":true}]}}},
            "components":{"schemas":{"S":{"$ref":"#/components/schemas/T"},"T":{"enum":["x"]}},
                "parameters":{"F":{"name":"f","in":"cookie","description":"inner"}}}"##,
        );
        let parameters = &only(&api).parameters;
        let schemas: Vec<_> = parameters.iter().map(|p| p.schema.as_ref().map(|schema| schema.get())).collect();
        let expected = [
            Some(r#"{"type": "object"}"#),
            Some("true"),
            Some(r#"{"enum":["x"]}"#),
            Some(r#"{"type":"string"}"#),
            None,
            None,
        ];
        assert_eq!(schemas, expected);
        let a = &parameters[0];
        assert_eq!((&*a.style, a.explode, &*a.cli_name), ("deepObject", Some(true), "all"));
        assert!(a.allow_reserved && a.deprecated);
        assert_eq!((parameters[1].explode, &*parameters[1].cli_name), (Some(false), ""));
        assert_eq!(parameters[2].content_type, "application/json");
        assert_eq!(parameters[3].location, "querystring");
        assert_eq!((&*parameters[5].description, parameters[5].required), ("outer", false));
        assert_eq!(codes(&api), ["parameter_invalid"; 2], "a schema, and a whole query beside others");
    }

    #[test]
    fn too_many_parameters_leave_the_operation_out() {
        let list: Vec<String> =
            (0..=MAX_PARAMETERS).map(|i| format!(r#"{{"name":"p{i}","in":"query"}}"#)).collect();
        let text = format!(
            r#""paths":{{"/a":{{"get":{{"parameters":[{}]}}}},
                "/b":{{"parameters":[{}],"get":{{"parameters":[{}]}},"put":{{}}}}}}"#,
            list.join(","),
            list[..400].join(","),
            list[300..].join(",")
        );
        let api = openapi("3.0.0", &text);
        assert_eq!(names(&api), ["PUT /b"]);
        assert_eq!(codes(&api), ["operation_invalid", "operation_invalid"]);
    }
}
