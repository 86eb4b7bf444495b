//! The tools that a server lists, read and checked one by one (MC-6, MC-10, MT-1, W41): a definition that can't be used is
//! a remark beside the others. Not for what becomes of them in the catalog (`describe`).

use crate::headers::{self, HeaderParam};
use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES};
use crate::text::{cut, one_line};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashSet;

/// What a server says about one of its tools.
#[derive(Debug, Clone)]
pub struct ToolDefinition {
    /// What it is called by.
    pub name: String,
    /// For people.
    pub title: String,
    /// Markdown.
    pub description: String,
    /// JSON Schema of the arguments, an object; as it was sent.
    pub input_schema: Option<Box<RawValue>>,
    /// JSON Schema of `structuredContent`.
    pub output_schema: Option<Box<RawValue>>,
    /// What it says about its effects. Only a hint: servers may say anything.
    pub hints: Hints,
    /// Arguments that are sent as headers too.
    pub(crate) header_params: Vec<HeaderParam>,
}

/// Tool annotations (W50).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hints {
    /// It changes nothing.
    pub read_only_hint: Option<bool>,
    /// It may destroy something.
    pub destructive_hint: Option<bool>,
    /// Calling it again changes nothing more.
    pub idempotent_hint: Option<bool>,
}

/// The tools of a server at one time.
#[derive(Debug, Clone)]
pub struct Listing {
    /// In the server's order.
    pub tools: Vec<ToolDefinition>,
    /// What was left out, and why.
    pub remarks: Vec<Remark>,
    /// What counts as this list, see [`crate::Server::version`].
    pub version: u64,
    /// When to ask again; `None` when the server tells of changes.
    pub expires_at: Option<Timestamp>,
}

/// Something about a tool that can't be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The tool, shortened; empty for the list itself.
    pub tool: String,
    /// What is wrong.
    pub message: String,
}

impl Remark {
    pub(crate) fn new(tool: &str, message: impl Into<String>) -> Self {
        Self { tool: one_line(tool, MAX_NAME_BYTES), message: message.into() }
    }
}

/// One page of `tools/list`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<'a> {
    #[serde(borrow)]
    pub(crate) tools: Vec<&'a RawValue>,
    #[serde(default)]
    pub(crate) next_cursor: Option<String>,
    /// Milliseconds that the answer is good for (2026-07-28, "Caching").
    #[serde(default)]
    pub(crate) ttl_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    #[serde(default)]
    name: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(borrow, default)]
    input_schema: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_schema: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
}

/// Gathers definitions page by page.
#[derive(Default)]
pub(crate) struct Gathering {
    pub(crate) tools: Vec<ToolDefinition>,
    pub(crate) remarks: Vec<Remark>,
    names: HashSet<String>,
    pub(crate) bytes: usize,
}

impl Gathering {
    /// Reads a definition; headers matter where they are sent.
    pub(crate) fn add(&mut self, definition: &RawValue, sends_headers: bool) {
        self.bytes += definition.get().len();
        match self.read(definition, sends_headers) {
            Ok(tool) => self.tools.push(tool),
            Err(remark) => self.remarks.push(remark),
        }
    }

    fn read(&mut self, raw: &RawValue, sends_headers: bool) -> Result<ToolDefinition, Remark> {
        let definition: Definition<'_> = serde_json::from_str(raw.get())
            .map_err(|error| Remark::new("", format!("the definition of a tool can't be read: {error}")))?;
        let name = definition.name;
        let wrong = |message: String| Err(Remark::new(&name, message));
        if name.is_empty() {
            return wrong("a tool has no name".into());
        }
        if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return wrong(format!(
                "the name of the tool is longer than {MAX_NAME_BYTES} bytes, or has control characters"
            ));
        }
        let is_object = |schema: &RawValue| schema.get().starts_with('{');
        if definition.input_schema.is_some_and(|schema| !is_object(schema)) {
            return wrong("its inputSchema is no object".into());
        }
        let header_params = match definition.input_schema.filter(|_| sends_headers).map(headers::params) {
            Some(Err(why)) => return wrong(format!("its inputSchema has a wrong x-mcp-header: {why}")),
            Some(Ok(params)) => params,
            None => Vec::new(),
        };
        if !self.names.insert(name.clone()) {
            return wrong("another tool has the same name, and calls can't tell them apart".into());
        }
        let text = |text: Option<String>| cut(text.unwrap_or_default().trim(), MAX_DESCRIPTION_BYTES).to_owned();
        Ok(ToolDefinition {
            title: text(definition.title),
            description: text(definition.description),
            input_schema: definition.input_schema.map(RawValue::to_owned),
            output_schema: definition.output_schema.filter(|schema| is_object(schema)).map(RawValue::to_owned),
            // Hints of the wrong shape are no hints.
            hints: definition.annotations.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default(),
            header_params,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(definitions: &[&str]) -> Gathering {
        let mut gathering = Gathering::default();
        for definition in definitions {
            gathering.add(&RawValue::from_string((*definition).to_owned()).expect("JSON"), true);
        }
        gathering
    }

    /// MC-10, MT-1, deviation 6.
    #[test]
    fn a_definition_that_cannot_be_used_is_left_out_alone() {
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(MAX_NAME_BYTES + 1));
        let all = gather(&[
            r#"{"name":"echo","description":" Says it. ","inputSchema":{"type": "object"},"annotations":{"readOnlyHint":true,"title":"E"}}"#,
            r#"{"name":"bare"}"#,
            r#"{"description":"none"}"#,
            r#"{"name":"list","inputSchema":[]}"#,
            r#"{"name":"echo"}"#,
            r#"{"name":7}"#,
            r#"{"name":"a\u0007"}"#,
            r#"{"name":"odd","annotations":{"readOnlyHint":"yes"},"outputSchema":null}"#,
            r#"{"name":"header","inputSchema":{"properties":{"x":{"type":"string","x-mcp-header":""}}}}"#,
            &long,
        ]);
        let names: Vec<&str> = all.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["echo", "bare", "odd"]);
        assert_eq!(all.remarks.len(), 7, "{:?}", all.remarks);
        let echo = &all.tools[0];
        assert_eq!((echo.description.as_str(), echo.hints.read_only_hint), ("Says it.", Some(true)));
        assert_eq!(echo.input_schema.as_ref().map(|schema| schema.get()), Some(r#"{"type": "object"}"#));
        assert_eq!(all.tools[2].hints, Hints::default());
    }
}
