//! Parameters: read, merged, and brought into the order of the path template. Rules PR-1, PR-2 with W32, W33, W35.
//! An operation whose parameters are not fully known is left out, because calling it would be wrong.

use crate::api::{Parameter, RequestBody};
use crate::json::{Object, Place};
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
            let message = format!("the parameter has `in: {}`", quoted(&location).trim_matches('`'));
            return Err(Fault::at(pointer, message, "write one of path, query, header, cookie"));
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
    let name = object.get("x-cli-name").filter(|place| place.kind() == crate::json::Kind::Text);
    name.and_then(Place::text).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn too_many(pointer: &str, count: usize) -> Fault {
    let message = format!("there are {count} parameters; at most {MAX_PARAMETERS} are supported");
    Fault::at(pointer, message, "remove parameters with an overlay")
}
