//! From a tool, as a catalog has it with all details, to its definition.

use crate::canonical::{self, digest};
use crate::schema::{Schema, texts};
use open_cli_contract::catalog::{AuthRequirement, Parameter, ParameterDetails, Tool, ToolDetails};
use open_cli_contract::definition::{About, BodyDefinition, Definition, Input, MediaDefinition};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// `backend.kind` of tools whose descriptions are part of their definition.
const MCP: &str = "mcp";

/// Makes definitions. One for the tools of a service: operations often have the same body.
#[derive(Debug, Default)]
pub struct Definer {
    with_about: bool,
    media: HashMap<[u8; 32], MediaDefinition>,
}

impl Definer {
    /// Of what is pinned.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also of what no call depends on, so that every change shows.
    pub fn with_about() -> Self {
        Self { with_about: true, ..Self::default() }
    }

    /// The definition of a tool. What its `details` do not say is not known.
    pub fn definition(&mut self, tool: &Tool) -> Definition {
        let keeps_text = tool.backend.as_ref().is_some_and(|backend| backend.kind == MCP);
        let empty = ToolDetails::default();
        let details = tool.details.as_ref().unwrap_or(&empty);
        let mut definition = Definition {
            hash: String::new(),
            method: tool.method.clone(),
            server: tool.servers.first().cloned().unwrap_or_default(),
            path: tool.path.clone(),
            parameters: parameters(tool, details, keeps_text),
            body: self.body(tool, details, keeps_text),
            safety: tool.safety,
            auth: tool.auth_alternatives.iter().map(|alternative| auth(&alternative.requirements)).collect(),
            backend: tool.backend.clone(),
            description: if keeps_text { described(tool, details) } else { String::new() },
            about: None,
        };
        definition.hash = hash_of(&definition);
        if self.with_about {
            definition.about = Some(About {
                group: tool.group.clone(),
                command: tool.command.clone(),
                deprecated: details.deprecated,
                text: text(tool, details),
            });
        }
        definition
    }

    fn body(&mut self, tool: &Tool, details: &ToolDetails, keeps_text: bool) -> Option<BodyDefinition> {
        let body = tool.request_body.as_ref()?;
        let content = body.content_types.iter().map(|content| {
            let whole = details.body_schemas.iter().find(|schema| schema.media_type == content.media_type);
            let schema = whole.map(|whole| &*whole.schema).or(content.schema.as_deref());
            let media = schema.map(|schema| self.media(schema, keeps_text)).unwrap_or_default();
            (content.media_type.clone(), media)
        });
        Some(BodyDefinition { required: body.required, content: content.collect() })
    }

    fn media(&mut self, schema: &RawValue, keeps_text: bool) -> MediaDefinition {
        let key: [u8; 32] =
            Sha256::new().chain_update([u8::from(keeps_text)]).chain_update(schema.get()).finalize().into();
        self.media
            .entry(key)
            .or_insert_with(|| with_value(schema, |value| Schema::new(value, keeps_text).media()))
            .clone()
    }
}

/// The hash of everything that a lock pins.
pub fn hash_of(definition: &Definition) -> String {
    let plain = Definition { hash: String::new(), about: None, ..definition.clone() };
    // Text, lists and maps with text for keys can always be written.
    digest(&serde_json::to_vec(&plain).unwrap_or_default())
}

/// A schema that is too deep to be read counts as its own text.
fn with_value<T>(schema: &RawValue, read: impl FnOnce(&Value) -> T) -> T {
    let value = serde_json::from_str(schema.get()).unwrap_or_else(|_| Value::String(schema.get().to_owned()));
    read(&value)
}

fn parameters(tool: &Tool, details: &ToolDetails, keeps_text: bool) -> Vec<Input> {
    let named: HashMap<&str, &ParameterDetails> =
        details.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter)).collect();
    let input = |parameter: &Parameter| {
        let (location, name) = (parameter.location.as_str(), parameter.original_name.as_str());
        let details = named.get(parameter.name.as_str());
        let schema = details.and_then(|details| details.schema.as_deref());
        let mut input = match schema {
            Some(schema) => with_value(schema, |value| {
                Schema::new(value, keeps_text).input(location, name, parameter.required)
            }),
            None => Input {
                location: location.to_owned(),
                name: name.to_owned(),
                required: parameter.required,
                ..Input::default()
            },
        };
        // Its value is then text of that media type.
        if let Some(media_type) = details.map(|details| &details.content_type).filter(|text| !text.is_empty()) {
            input.schema = digest(format!("{media_type}\n{}", input.schema).as_bytes());
        }
        input
    };
    let mut inputs: Vec<Input> = tool.path_params.iter().chain(&tool.flags).map(input).collect();
    inputs.sort_by(|a, b| (&a.location, &a.name).cmp(&(&b.location, &b.name)));
    inputs
}

/// The order of the requirements of an alternative means nothing, nor does that of scopes.
fn auth(requirements: &[AuthRequirement]) -> Vec<AuthRequirement> {
    let mut requirements = requirements.to_vec();
    for requirement in &mut requirements {
        requirement.scopes.sort();
        requirement.scopes.dedup();
    }
    requirements.sort_by(|a, b| a.name.cmp(&b.name));
    requirements
}

/// What an agent reads about a tool beside the schemas of its inputs.
fn described(tool: &Tool, details: &ToolDetails) -> String {
    let mut hash = Texts::default();
    hash.add("summary", &tool.summary);
    hash.add("description", &tool.description);
    hash.add("body", &details.body_description);
    for parameter in &details.parameters {
        hash.add(&parameter.name, &parameter.description);
    }
    hash.finish()
}

/// Everything that is said about a tool and that no call depends on.
fn text(tool: &Tool, details: &ToolDetails) -> String {
    let mut hash = Texts::default();
    hash.add("described", &described(tool, details));
    hash.add("aliases", &tool.aliases.join("\n"));
    hash.add("tags", &details.tags.join("\n"));
    hash.add("hidden", if tool.hidden { "true" } else { "" });
    let hints = serde_json::to_string(&(&tool.output, &tool.pagination, &tool.retry, &tool.guidance));
    hash.add("hints", &hints.unwrap_or_default());
    let schemas = details
        .parameters
        .iter()
        .filter_map(|parameter| Some((parameter.name.as_str(), parameter.schema.as_deref()?)));
    let bodies = tool.request_body.iter().flat_map(|body| &body.content_types);
    let bodies = bodies.filter_map(|content| Some((content.media_type.as_str(), content.schema.as_deref()?)));
    let schemas: BTreeMap<&str, &RawValue> = schemas.chain(bodies).collect();
    for (name, schema) in schemas {
        with_value(schema, |value| texts(value, name, &mut hash.0));
    }
    hash.finish()
}

/// Named texts; those that are empty do not count.
#[derive(Default)]
struct Texts(Vec<u8>);

impl Texts {
    fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            canonical::text(name, &mut self.0);
            self.0.push(b':');
            canonical::text(value, &mut self.0);
            self.0.push(b'\n');
        }
    }

    fn finish(self) -> String {
        digest(&self.0)
    }
}
