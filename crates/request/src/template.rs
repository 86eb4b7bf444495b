//! A tool compiled to a request with holes.

use crate::body::BodyTemplate;
use crate::flags::{FlagIndex, is_reserved_header};
use crate::input::{Input, Place};
use crate::pieces::{self, Piece};
use crate::servers::{self, Base};
use crate::{ArgumentFault, encode};
use ::url::Url;
use http::Method;
use open_cli_contract::catalog::{OPENAPI_30, Parameter, ParameterDetails, ServerChoice, Tool};
use open_cli_contract::preview::Unchecked;
use open_cli_schema::{Dialect, Direction, Options};
use std::sync::Arc;

/// A tool, ready to be filled. Immutable.
#[derive(Debug)]
pub struct RequestTemplate {
    pub(crate) tool_id: String,
    pub(crate) method: Result<Method, String>,
    /// The server that is called when the caller names none.
    pub(crate) base: Result<Base, String>,
    pub(crate) choices: Vec<ServerChoice>,
    /// Path behind that of the base.
    pub(crate) path: Vec<Piece>,
    pub(crate) positional: Vec<Input>,
    pub(crate) parameters: Vec<Input>,
    pub(crate) index: FlagIndex,
    /// Written in the path template.
    template_query: String,
    /// With what the base has. Ascending raw names; fixed pairs before parameters of the same name.
    pub(crate) query: Vec<QueryEntry>,
    pub(crate) body: BodyTemplate,
    unchecked: Vec<Unchecked>,
}

#[derive(Debug, Clone)]
pub(crate) enum QueryEntry {
    /// Written in the base URL or the path template (HX-2). The name is encoded.
    Fixed { name: Arc<str>, value: Vec<Piece> },
    /// A parameter, by index. The name is encoded.
    Parameter { name: Arc<str>, index: usize },
}

impl RequestTemplate {
    /// Never fails: what is wrong with the tool is reported by [`RequestTemplate::fill`]. Arguments are checked as far
    /// as the tool has its `details`.
    pub fn compile(tool: &Tool) -> Self {
        let dialect = match tool.details.as_ref().map(|details| details.schema_dialect.as_str()) {
            Some(OPENAPI_30) => Dialect::OpenApi30,
            _ => Dialect::Draft202012,
        };
        let options = Options { dialect, direction: Direction::Request };
        let mut unchecked = Vec::new();
        // A fragment is not sent (RFC 3986 §3.5).
        let template = tool.path.split('#').next().unwrap_or_default();
        let (path, template_query) = template.split_once('?').unwrap_or((template, ""));
        let names: Vec<&str> = tool.path_params.iter().map(|parameter| parameter.original_name.as_str()).collect();
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = pieces::parse(&format!("{slash}{path}"), &names, encode::path_literal);

        let kept: Vec<usize> = (0..tool.flags.len())
            .filter(|&i| tool.flags[i].location != "header" || !is_reserved_header(&tool.flags[i].original_name))
            .collect();
        let details = tool.details.as_ref().map(|details| details.parameters.as_slice()).unwrap_or_default();
        let mut input = |parameter: &Parameter, details: Option<&ParameterDetails>| {
            Input::compile(parameter, details, options, &mut unchecked)
        };
        let positional: Vec<Input> =
            tool.path_params.iter().enumerate().map(|(i, p)| input(p, details.get(i))).collect();
        let offset = tool.path_params.len();
        let parameters: Vec<Input> =
            kept.iter().map(|&i| input(&tool.flags[i], details.get(offset + i))).collect();
        let body = BodyTemplate::compile(tool, options, &mut unchecked);
        let base = servers::first(tool);
        let mut compiled = Self {
            tool_id: tool.id.clone(),
            method: Method::from_bytes(tool.method.as_bytes())
                .map_err(|_| format!("{:?} is no HTTP method; correct the API description", tool.method)),
            choices: tool.details.as_ref().map(|details| details.server_choices.clone()).unwrap_or_default(),
            path,
            positional,
            index: FlagIndex::compile(tool, &kept),
            parameters,
            template_query: template_query.to_owned(),
            query: Vec::new(),
            body,
            base,
            unchecked,
        };
        compiled.query = compiled.query_at(compiled.base.as_ref().ok());
        compiled
    }

    /// The server the tool is called at; `None` when it has no usable one.
    pub fn base_url(&self) -> Option<&Url> {
        self.base.as_ref().ok().map(|base| &base.url)
    }

    /// Checks a JSON text against the schema of the body: for tools that are not called over HTTP.
    pub fn check_json(&self, text: &str) -> Result<(), Vec<ArgumentFault>> {
        self.body.check_json(text)
    }

    /// What of the arguments can't be checked against the description.
    pub fn unchecked(&self) -> &[Unchecked] {
        &self.unchecked
    }

    /// The query at a server.
    pub(crate) fn query_at(&self, base: Option<&Base>) -> Vec<QueryEntry> {
        let names: Vec<&str> = self.positional.iter().map(|input| &*input.wire).collect();
        let of_base = base.and_then(|base| base.url.query()).unwrap_or_default();
        let mut entries: Vec<(String, bool, QueryEntry)> = Vec::new();
        for text in [of_base, &self.template_query] {
            for (name, value) in ::url::form_urlencoded::parse(text.as_bytes()) {
                let value = pieces::parse(&value, &names, encode::form);
                let encoded = encode::form(&name).into();
                entries.push((name.into_owned(), false, QueryEntry::Fixed { name: encoded, value }));
            }
        }
        for (index, input) in self.parameters.iter().enumerate() {
            if matches!(input.place, Place::Query) {
                let name = encode::form(&input.wire).into();
                entries.push((input.wire.to_string(), true, QueryEntry::Parameter { name, index }));
            }
        }
        entries.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        entries.into_iter().map(|(_, _, entry)| entry).collect()
    }
}

impl QueryEntry {
    /// Does it have this name, which is encoded?
    pub(crate) fn has_name(&self, encoded: &str) -> bool {
        let (Self::Fixed { name, .. } | Self::Parameter { name, .. }) = self;
        **name == *encoded
    }
}
