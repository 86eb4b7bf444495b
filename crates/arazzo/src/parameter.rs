//! Parameters of steps and actions (Arazzo 1.1 "Parameter Object").

use crate::components::Context;
use crate::diagnostic::{Report, code, quoted};
use crate::expression::ComponentKind;
use crate::reader::Members;
use crate::template::{Template, Values};

/// A value that is passed to an operation or a workflow.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name; of a workflow's input when a workflow is called.
    pub name: String,
    /// Where it goes; `None` for inputs of workflows.
    pub location: Option<Location>,
    /// Its value.
    pub value: Template,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// Part of the path.
    Path,
    /// One parameter of the query.
    Query,
    /// The whole query.
    Querystring,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
    /// Of an AsyncAPI channel.
    Channel,
}

const LOCATIONS: &[(&str, Location)] = &[
    ("path", Location::Path),
    ("query", Location::Query),
    ("querystring", Location::Querystring),
    ("header", Location::Header),
    ("cookie", Location::Cookie),
    ("channel", Location::Channel),
];

impl Location {
    /// The word of `in`.
    pub fn as_str(self) -> &'static str {
        LOCATIONS.iter().find(|(_, location)| *location == self).map_or("", |(word, _)| word)
    }
}

/// Who gets the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taker {
    /// `in` is needed.
    Operation,
    /// `in` means nothing.
    Workflow,
    /// Not known yet: parameters of a workflow go to each of its steps.
    Either,
}

/// Reads `parameters`.
pub(crate) fn list(
    members: &Members<'_>,
    taker: Taker,
    context: &Context<'_>,
    report: &mut Report,
) -> Vec<Parameter> {
    members.check_list("parameters", false, report);
    let mut all: Vec<Parameter> = Vec::new();
    for (item, pointer) in members.list("parameters", report) {
        let Some(found) = context.resolve(item, &pointer, ComponentKind::Parameters, report) else { continue };
        let own = Members::new(found.map, &found.pointer);
        own.check_known(&["name", "in", "value"], report);
        let Some(name) = own.required_text("name", report) else { continue };
        let location = match own.text("in", report) {
            None => None,
            Some(word) => match LOCATIONS.iter().find(|(known, _)| *known == word) {
                Some((_, location)) => Some(*location),
                None => {
                    let known: Vec<&str> = LOCATIONS.iter().map(|(word, _)| *word).collect();
                    let message = format!("the parameter {} is in {}", quoted(name), quoted(word));
                    report.error(
                        code::FIELD,
                        &own.below("in"),
                        message,
                        &format!("write one of: {}", known.join(", ")),
                    );
                    continue;
                }
            },
        };
        if location.is_none() && taker == Taker::Operation {
            let message = format!("the parameter {} of an operation has no \"in\"", quoted(name));
            report.error(code::FIELD, &pointer, message, "write in: query, path, header or cookie");
            continue;
        }
        let Some(value) = found.value.or_else(|| found.map.get("value")) else {
            report.error(code::FIELD, &pointer, format!("the parameter {} has no \"value\"", quoted(name)), "");
            continue;
        };
        let at = if found.value.is_some() { crate::reader::below(&pointer, "value") } else { own.below("value") };
        let value = Values::new(context.version, report).read(value, &at);
        let location = if taker == Taker::Workflow { None } else { location };
        if all.iter().any(|known| known.name == name && known.location == location) {
            let message = format!("the parameter {} is there twice", quoted(name));
            report.error(code::DUPLICATE, &pointer, message, "remove one of them");
            continue;
        }
        all.push(Parameter { name: name.to_owned(), location, value });
    }
    all
}

/// A step's parameters, and those of its workflow that it does not override.
pub(crate) fn merged(mut own: Vec<Parameter>, of_workflow: &[Parameter], taker: Taker) -> Vec<Parameter> {
    for parameter in of_workflow {
        let location = if taker == Taker::Workflow { None } else { parameter.location };
        if !own.iter().any(|known| known.name == parameter.name && known.location == location) {
            own.push(Parameter { location, ..parameter.clone() });
        }
    }
    own
}
