//! The parameters of a tool as the command line sees them: names without clashes (W6), types, and the check of what
//! was typed.

use super::schema::Schema;
use crate::args::{Flag, GLOBAL_FLAGS, TOOL_FLAGS, is_reserved, unknown_flag};
use crate::failure::Failure;
use open_cli_contract::catalog::{AuthRequirement, Parameter, ParameterDetails, Tool};
use open_cli_contract::slug::slug;
use std::collections::{BTreeMap, HashSet};

/// Headers that the runtime sets itself; OpenAPI ignores parameters of these names.
const OWNED_HEADERS: &[&str] = &["accept", "authorization", "content-type"];

/// Name of the flag for the request body.
const BODY: &str = "body";

/// A parameter of a tool.
pub(crate) struct Input<'a> {
    pub(crate) parameter: &'a Parameter,
    pub(crate) details: Option<&'a ParameterDetails>,
    pub(crate) schema: Schema,
    /// Name on this command line.
    pub(crate) name: String,
    /// Key in the request.
    key: &'a str,
    /// The call is refused without it.
    pub(crate) required: bool,
}

impl Input<'_> {
    /// Text for help.
    pub(crate) fn description(&self) -> &str {
        self.details.map_or("", |details| details.description.as_str())
    }

    /// Names that are accepted but not listed.
    fn also_called(&self, name: &str) -> bool {
        let hidden = self.details.map_or("", |details| details.hidden_name.as_str());
        // `param-body` where the tool has no body of its own, so that `--body` is the parameter.
        name == hidden
            || name.strip_prefix("param-") == Some(&self.name)
            || (name == self.parameter.original_name && !is_reserved(name))
    }

    fn check(&self, shown: &str, value: &str) -> Result<(), Failure> {
        self.schema.check(value).map_err(|expected| {
            Failure::usage(format!("{shown} does not take {value:?}"), format!("Expected {expected}."))
                .suggest("See the types of all inputs with `--help`.")
        })
    }
}

fn details_of<'a>(tool: &'a Tool, index: usize, parameter: &Parameter) -> Option<&'a ParameterDetails> {
    let all = &tool.details.as_ref()?.parameters;
    let by_place = all.get(index).filter(|details| details.name == parameter.name);
    by_place.or_else(|| all.iter().find(|details| details.name == parameter.name))
}

/// The positional arguments, in order.
pub(crate) fn positionals(tool: &Tool) -> Vec<Input<'_>> {
    let input = |(index, parameter): (usize, &'_ Parameter)| (details_of(tool, index, parameter), index);
    tool.path_params
        .iter()
        .enumerate()
        .map(|(index, parameter)| {
            let (details, index) = input((index, parameter));
            let schema = Schema::read(details.and_then(|details| details.schema.as_deref()));
            let name = match (parameter.name.as_str(), slug(&parameter.original_name)) {
                ("", fallback) if fallback.is_empty() => format!("argument-{}", index + 1),
                ("", fallback) => fallback,
                (name, _) => name.to_owned(),
            };
            Input { parameter, details, schema, name, key: &parameter.name, required: true }
        })
        .collect()
}

/// The flags, in the order of the catalog.
pub(crate) fn flags(tool: &Tool) -> Vec<Input<'_>> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut keys: HashSet<&str> = HashSet::new();
    let offset = tool.path_params.len();
    let credentials: Vec<&AuthRequirement> = tool
        .auth
        .iter()
        .chain(tool.auth_alternatives.iter().flat_map(|alternative| &alternative.requirements))
        .collect();
    tool.flags
        .iter()
        .enumerate()
        .map(|(index, parameter)| {
            let details = details_of(tool, offset + index, parameter);
            let schema = Schema::read(details.and_then(|details| details.schema.as_deref()));
            let wire = parameter.original_name.as_str();
            let plain = if parameter.name.is_empty() { slug(wire) } else { parameter.name.clone() };
            let is_free = plain == BODY && tool.request_body.is_none();
            let name = if is_reserved(&plain) && !is_free { format!("param-{plain}") } else { plain };
            let name = [name.clone(), format!("{}-{name}", parameter.location)]
                .into_iter()
                .find(|candidate| !candidate.is_empty() && taken.insert(candidate.clone()))
                .unwrap_or_else(|| {
                    let numbered = format!("param-{}", index + 1);
                    taken.insert(numbered.clone());
                    numbered
                });
            // Two parameters of one name are told apart by their wire names, as far as the contract allows.
            let key =
                if !parameter.name.is_empty() && keys.insert(&parameter.name) { &parameter.name } else { wire };
            let is_owned = parameter.location == "header"
                && (OWNED_HEADERS.contains(&wire.to_ascii_lowercase().as_str())
                    || credentials.iter().any(|c| c.param_name.eq_ignore_ascii_case(wire)));
            let is_credential = credentials.iter().any(|c| c.param_name == wire);
            let required = parameter.required && !is_owned && !is_credential;
            Input { parameter, details, schema, name, key, required }
        })
        .collect()
}

/// Checks the positional arguments: as many as the path has, each of its type.
pub(crate) fn check_arguments(tool: &Tool, usage: &str, arguments: &[String]) -> Result<(), Failure> {
    let inputs = positionals(tool);
    if let Some(missing) = inputs.get(arguments.len()) {
        return Err(Failure::usage(
            format!("<{}> is missing", missing.name),
            format!("`{}` needs {} argument(s), {} given.", tool.id, inputs.len(), arguments.len()),
        )
        .suggest(format!("Write `{usage}`.")));
    }
    if let Some(surplus) = arguments.get(inputs.len()) {
        return Err(Failure::usage(
            format!("{surplus:?} is one argument too many"),
            format!("`{}` takes {} argument(s), {} given.", tool.id, inputs.len(), arguments.len()),
        )
        .suggest(format!("Write `{usage}`.")));
    }
    for (input, value) in inputs.iter().zip(arguments) {
        let shown = format!("<{}>", input.name);
        if value.is_empty() {
            return Err(Failure::usage(format!("{shown} is empty"), "It is a part of the path.")
                .suggest(format!("Write `{usage}`.")));
        }
        input.check(&shown, value)?;
    }
    Ok(())
}

/// Refuses a flag of the tool where the value of another one is missing.
pub(crate) fn check_swallowed(tool: &Tool, doubtful: &[(String, String)]) -> Result<(), Failure> {
    let inputs = flags(tool);
    for (name, value) in doubtful {
        let typed = value.trim_start_matches("--");
        let typed = typed.split_once('=').map_or(typed, |(typed, _)| typed);
        if inputs.iter().any(|input| input.name == typed || input.also_called(typed)) {
            return Err(crate::args::swallowed(&format!("--{name}"), value));
        }
    }
    Ok(())
}

/// The flags that every tool of this kind has.
pub(crate) fn tool_flags(tool: &Tool) -> impl Iterator<Item = &'static Flag> {
    let has_body = tool.request_body.is_some();
    TOOL_FLAGS.iter().filter(move |flag| flag.name != BODY || has_body)
}

/// Turns the typed flags into those of the request; missing required ones are reported together (W14, W15).
pub(crate) fn check_flags(
    tool: &Tool,
    typed: &[(String, String)],
    usage: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let inputs = flags(tool);
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut given = vec![false; inputs.len()];
    for (name, value) in typed {
        let is_body = name == BODY;
        if crate::args::find(TOOL_FLAGS, name).is_some() && (!is_body || tool.request_body.is_some()) {
            continue;
        }
        let place = inputs
            .iter()
            .position(|input| input.name == *name)
            .or_else(|| inputs.iter().position(|input| input.also_called(name)));
        let Some(place) = place else {
            if is_body {
                return Err(Failure::usage(
                    format!("`{}` takes no body", tool.id),
                    "The API description declares no request body for it.",
                )
                .suggest("Leave `--body` out; `--help` lists what the tool takes."));
            }
            let known = inputs.iter().map(|input| input.name.as_str());
            let built_in = tool_flags(tool).chain(GLOBAL_FLAGS).map(|flag: &Flag| flag.name);
            return Err(unknown_flag(&format!("--{name}"), name, known.chain(built_in))
                .cause(format!("`{}` has no such parameter.", tool.id)));
        };
        let input = &inputs[place];
        input.check(&format!("`--{name}`"), value)?;
        match values.get_mut(input.key) {
            Some(old) if given[place] && input.schema.is_array() => {
                old.push(',');
                old.push_str(value);
            }
            _ => {
                values.insert(input.key.to_owned(), value.clone());
            }
        }
        given[place] = true;
    }
    let missing: Vec<String> = inputs
        .iter()
        .zip(&given)
        .filter(|(input, given)| input.required && !**given)
        .map(|(input, _)| format!("`--{}`", input.name))
        .collect();
    if missing.is_empty() {
        return Ok(values);
    }
    Err(Failure::usage(
        format!("{} {} missing", missing.join(", "), if missing.len() == 1 { "is" } else { "are" }),
        format!("`{}` requires it.", tool.id),
    )
    .suggest(format!("Write `{usage}`; `--help` lists all inputs.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::tree::tests::sample;

    fn tool(id: &str) -> Tool {
        sample().view.tools.into_iter().find(|tool| tool.id == id).unwrap()
    }

    fn typed(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
    }

    /// W6.
    #[test]
    fn a_parameter_with_a_name_of_ours_is_renamed_and_still_sent_under_its_own() {
        let tool = tool("shelf:addBook");
        let names: Vec<String> = flags(&tool).into_iter().map(|input| input.name).collect();
        assert_eq!(names, ["notify", "param-format"]);
        let values = check_flags(&tool, &typed(&[("param-format", "a5")]), "u").unwrap();
        assert_eq!(values, BTreeMap::from([("format".to_owned(), "a5".to_owned())]));
    }

    #[test]
    fn parameters_of_one_name_are_told_apart() {
        let mut tool = tool("shelf:getBook");
        let id = |wire: &str, location: &str| Parameter {
            name: "id".into(),
            original_name: wire.into(),
            location: location.into(),
            required: false,
        };
        tool.flags = vec![
            id("id", "query"),
            id("ID", "header"),
            id("iD", "header"),
            Parameter { name: String::new(), ..id("x_y", "query") },
        ];
        let found: Vec<_> = flags(&tool).into_iter().map(|input| (input.name, input.key)).collect();
        let expected = [("id", "id"), ("header-id", "ID"), ("param-3", "iD"), ("x-y", "x_y")];
        assert_eq!(found, expected.map(|(name, key)| (name.to_owned(), key)));
    }

    /// W14, W15, W19.
    #[test]
    fn values_are_checked_before_anything_is_sent() {
        let list = tool("shelf:listBooks");
        let ask = |pairs: &[(&str, &str)]| {
            check_flags(&list, &typed(pairs), "u").map_err(|f| format!("{} {}", f.message, f.cause))
        };
        assert!(ask(&[]).unwrap_err().contains("`--page-size` is missing"));
        assert!(ask(&[("page-size", "x")]).unwrap_err().contains("does not take \"x\" Expected a whole number"));
        assert!(ask(&[("page-size", "1"), ("sort", "up")]).unwrap_err().contains("one of: asc, desc"));
        assert!(ask(&[("page-size", "1"), ("pagesize", "1")]).unwrap_err().contains("no such parameter"));
        let values = ask(&[
            ("pageSize", "5"),
            ("tags", "a"),
            ("tags", "b"),
            ("sort", "asc"),
            ("sort", "desc"),
            ("min-price", "1.5"),
        ]);
        let expected = [("min-price", "1.5"), ("page-size", "5"), ("sort", "desc"), ("tags", "a,b")];
        assert_eq!(values.unwrap(), expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    /// Deviation 2.
    #[test]
    fn the_reference_names_of_flags_are_accepted() {
        let values = check_flags(&tool("shelf:getBook"), &typed(&[("x--request--i-d", "7")]), "u").unwrap();
        assert_eq!(values, BTreeMap::from([("x-request-id".to_owned(), "7".to_owned())]));
    }

    /// W31.
    #[test]
    fn too_few_too_many_and_ill_typed_arguments_are_refused() {
        let tool = tool("shelf:getBook");
        let ask = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| a.to_string()).collect();
            check_arguments(&tool, "u", &arguments).map_err(|failure| failure.message.clone())
        };
        assert_eq!(ask(&["7"]), Ok(()));
        assert!(ask(&[]).unwrap_err().contains("<book-id> is missing"));
        assert!(ask(&["7", "8"]).unwrap_err().contains("\"8\" is one argument too many"));
        assert!(ask(&["x"]).unwrap_err().contains("<book-id> does not take \"x\""));
        assert!(ask(&[""]).unwrap_err().contains("empty"));
    }

    /// A header that the credentials fill is not asked of the person.
    #[test]
    fn what_the_runtime_fills_in_is_not_required() {
        let mut tool = tool("shelf:addBook");
        let header = |name: &str| Parameter {
            name: slug(name),
            original_name: name.into(),
            location: "header".into(),
            required: true,
        };
        tool.flags = vec![header("X-Key"), header("Authorization"), header("X-Else")];
        let required: Vec<bool> = flags(&tool).iter().map(|input| input.required).collect();
        assert_eq!(required, [false, false, true]);
    }
}
