//! One service, built and kept ready to send: its tools, their JSON, and what the build read. Services are rebuilt
//! one by one; what did not change is shared between snapshots.

use crate::inputs::Inputs;
use bytes::Bytes;
use open_cli_contract::catalog::{BodySchema, Diagnostic, Safety, Service, Severity, Tool, ToolDetails};
use open_cli_contract::redact;
use open_cli_request::RequestTemplate;
use serde::Serialize;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Diagnostics of one service that are kept; the rest is counted.
const MAX_DIAGNOSTICS: usize = 200;

/// A service that was built.
#[derive(Debug, Clone)]
pub(crate) struct BuiltService {
    pub(crate) service: Service,
    pub(crate) tools: Vec<Arc<PreparedTool>>,
    /// The tools as JSON, joined by commas, in order.
    pub(crate) json: Bytes,
    /// Hash over every input byte and the configuration of the service.
    pub(crate) digest: [u8; 32],
    pub(crate) inputs: Inputs,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A tool, ready to be listed, explained and called.
#[derive(Debug)]
pub(crate) struct PreparedTool {
    /// The tool without `details` and body schemas; those only exist as JSON.
    pub(crate) tool: Tool,
    /// Compiled request.
    pub(crate) template: RequestTemplate,
    /// First server, credentials redacted.
    pub(crate) target: String,
    /// Names beside the listed ones.
    pub(crate) hidden_aliases: Vec<String>,
    pub(crate) hidden_group: String,
    /// Place in the service's JSON.
    range: Range<usize>,
    /// `,"details":{…` without its last brace.
    details: Bytes,
    /// `"bodySchemas":[…]` of the details, or nothing. Tools with the same schemas share it.
    body_schemas: Bytes,
    /// What a list of commands needs.
    pub(crate) brief: Bytes,
}

/// The members of a tool that a list of commands needs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brief<'a> {
    id: &'a str,
    service_id: &'a str,
    method: &'a str,
    path: &'a str,
    group: &'a str,
    command: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aliases: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    safety: &'a Safety,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<ToolDetails>,
}

impl BuiltService {
    /// Freezes a service. Fails only when JSON can't be written, which the types rule out.
    pub(crate) fn new(
        mut service: Service,
        tools: Vec<Tool>,
        digest: [u8; 32],
        inputs: Inputs,
        diagnostics: Vec<Diagnostic>,
    ) -> Result<Self, serde_json::Error> {
        redact_all(&mut service.servers);
        let mut json = Vec::with_capacity(tools.len() * 2048);
        let mut prepared = Vec::with_capacity(tools.len());
        let mut schemas = SchemaTexts::default();
        for mut tool in tools {
            // The request needs what the catalog must not show.
            let template = RequestTemplate::compile(&tool);
            redact_all(&mut tool.servers);
            let mut details = tool.details.take().unwrap_or_default();
            let body_schemas = schemas.text_of(&std::mem::take(&mut details.body_schemas))?;
            if !json.is_empty() {
                json.push(b',');
            }
            let start = json.len();
            serde_json::to_writer(&mut json, &tool)?;
            let range = start..json.len();
            let mut tail = br#","details":"#.to_vec();
            serde_json::to_writer(&mut tail, &details)?;
            // The brace comes back behind the schemas.
            tail.pop();
            let brief = brief(&tool, &details)?;
            if let Some(body) = &mut tool.request_body {
                body.content_types.iter_mut().for_each(|content| content.schema = None);
            }
            prepared.push(Arc::new(PreparedTool {
                template,
                target: tool.servers.first().cloned().unwrap_or_default(),
                hidden_aliases: details.hidden_aliases,
                hidden_group: details.hidden_group,
                range,
                details: tail.into(),
                body_schemas,
                brief: brief.into(),
                tool,
            }));
        }
        json.shrink_to_fit();
        let diagnostics = bounded(diagnostics, &service.id);
        Ok(Self { service, tools: prepared, json: json.into(), digest, inputs, diagnostics })
    }

    /// The same service, read again.
    pub(crate) fn with_inputs(&self, inputs: Inputs) -> Self {
        Self { inputs, ..self.clone() }
    }

    /// A tool's JSON as the contract has it.
    pub(crate) fn json_of(&self, tool: &PreparedTool) -> Bytes {
        self.json.slice(tool.range.clone())
    }

    /// A tool's JSON with its `details`, as pieces to be sent one after the other; with body schemas on demand.
    pub(crate) fn detailed_json_of(&self, tool: &PreparedTool, with_schemas: bool) -> [Bytes; 5] {
        let body = self.json.slice(tool.range.start..tool.range.end - 1);
        let schemas = if with_schemas { tool.body_schemas.clone() } else { Bytes::new() };
        let comma: &[u8] = if schemas.is_empty() || tool.details.ends_with(b"{") { b"" } else { b"," };
        [body, tool.details.clone(), Bytes::from_static(comma), schemas, Bytes::from_static(b"}}")]
    }

    /// JSON of the tools between two indices, commas included. Neighbours need no copy.
    pub(crate) fn json_between(&self, first: usize, last: usize) -> Bytes {
        self.json.slice(self.tools[first].range.start..self.tools[last].range.end)
    }
}

/// The text of each distinct list of body schemas, by media types and addresses of the schemas.
#[derive(Default)]
struct SchemaTexts(HashMap<Vec<(String, usize)>, Bytes>);

impl SchemaTexts {
    fn text_of(&mut self, schemas: &[BodySchema]) -> Result<Bytes, serde_json::Error> {
        if schemas.is_empty() {
            return Ok(Bytes::new());
        }
        // All schemas are there before the first text is written, so an address means one schema.
        let address = |schema: &BodySchema| schema.schema.get().as_ptr() as usize;
        let key = schemas.iter().map(|schema| (schema.media_type.clone(), address(schema))).collect();
        if let Some(text) = self.0.get(&key) {
            return Ok(text.clone());
        }
        let mut text = br#""bodySchemas":"#.to_vec();
        serde_json::to_writer(&mut text, schemas)?;
        let text = Bytes::from(text);
        self.0.insert(key, text.clone());
        Ok(text)
    }
}

fn redact_all(urls: &mut [String]) {
    urls.iter_mut().for_each(|url| *url = redact::text(url));
}

fn brief(tool: &Tool, details: &ToolDetails) -> Result<Vec<u8>, serde_json::Error> {
    let has_hidden_names = !details.hidden_aliases.is_empty() || !details.hidden_group.is_empty();
    let names = ToolDetails {
        hidden_aliases: details.hidden_aliases.clone(),
        hidden_group: details.hidden_group.clone(),
        deprecated: details.deprecated,
        ..ToolDetails::default()
    };
    serde_json::to_vec(&Brief {
        id: &tool.id,
        service_id: &tool.service_id,
        method: &tool.method,
        path: &tool.path,
        group: &tool.group,
        command: &tool.command,
        aliases: &tool.aliases,
        summary: &tool.summary,
        hidden: tool.hidden,
        safety: &tool.safety,
        details: (has_hidden_names || details.deprecated).then_some(names),
    })
}

fn bounded(mut diagnostics: Vec<Diagnostic>, service_id: &str) -> Vec<Diagnostic> {
    for diagnostic in &mut diagnostics {
        if diagnostic.source.is_empty() {
            diagnostic.source = service_id.to_owned();
        }
    }
    diagnostics.sort();
    diagnostics.dedup();
    if diagnostics.len() > MAX_DIAGNOSTICS {
        let left_out = diagnostics.len() - MAX_DIAGNOSTICS;
        diagnostics.truncate(MAX_DIAGNOSTICS);
        diagnostics.push(Diagnostic {
            severity: Severity::Note,
            code: "diagnostics_truncated".into(),
            source: service_id.to_owned(),
            pointer: String::new(),
            message: format!("{left_out} more diagnostics of this service are not listed"),
            hint: String::new(),
        });
    }
    diagnostics
}
