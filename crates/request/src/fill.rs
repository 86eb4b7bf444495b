//! Filling a template with the arguments of a call. All faults are found at once.

use crate::body::{FilledBody, GivenBody, Part};
use crate::input::{Input, Place, Written};
use crate::pieces::Piece;
use crate::servers::{self, Base};
use crate::template::QueryEntry;
use crate::value::{Given, Value};
use crate::{
    ArgumentFault, FaultKind, FilledRequest, RequestTemplate, RequestUrl, URL_MAX_BYTES, UrlTooLong, encode,
};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use open_cli_contract::preview::PlannedSecret;
use open_cli_contract::redact::MASK;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Weakness 61: what the runtime reads best first, anything else after it.
const ACCEPT_VALUE: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.8");
/// Room for our headers, the credentials and what the transport adds.
const HEADERS_EXPECTED: usize = 8;

/// Nothing given.
static NONE: BTreeMap<String, String> = BTreeMap::new();

/// Arguments of a call, as they came over the wire.
#[derive(Debug, Clone)]
pub struct Arguments<'a> {
    /// Values of the path parameters, in the order of the catalog.
    pub path_args: &'a [String],
    /// Values of the other parameters, by command-line or wire name.
    pub flags: &'a BTreeMap<String, String>,
    /// Typed values: a JSON object by name, `body` among them.
    pub typed: Option<&'a RawValue>,
    /// Body; an empty one counts as none.
    pub body: Option<Bytes>,
    /// Media type of the body; empty for the one that the description prefers.
    pub content_type: &'a str,
    /// Parts of a multipart body, behind those that the body makes.
    pub parts: &'a [Part],
    /// Name or URL of a server that the description offers; empty for the first.
    pub server: &'a str,
    /// Variables of the server.
    pub server_variables: &'a BTreeMap<String, String>,
    /// Values are checked against the description.
    pub validate: bool,
    /// For showing: values of parameters with the name of a credential are replaced by [`MASK`].
    pub masked: bool,
}

impl Default for Arguments<'_> {
    fn default() -> Self {
        Self {
            path_args: &[],
            flags: &NONE,
            typed: None,
            body: None,
            content_type: "",
            parts: &[],
            server: "",
            server_variables: &NONE,
            validate: true,
            masked: false,
        }
    }
}

/// What each input of the path or of the rest became.
type Read<'a> = Vec<Option<Written<'a>>>;

impl RequestTemplate {
    /// The request for these arguments, or everything that is wrong with them.
    pub fn fill(&self, arguments: &Arguments<'_>) -> Result<FilledRequest, Vec<ArgumentFault>> {
        let mut faults = Vec::new();
        let inputs = (self.positional.as_slice(), self.parameters.as_slice());
        if arguments.path_args.len() > self.positional.len() {
            faults.push(self.surplus(arguments.path_args.len()));
        }
        let collected = self.index.collect(arguments, inputs, &mut faults);
        let mut secrets = Vec::new();
        let positional = read_all(&self.positional, &collected.positional, arguments, &mut secrets, &mut faults);
        let values = read_all(&self.parameters, &collected.parameters, arguments, &mut secrets, &mut faults);
        let body = GivenBody {
            bytes: arguments.body.clone(),
            typed: collected.body,
            parts: arguments.parts,
            content_type: arguments.content_type,
            validate: arguments.validate,
        };
        let body = self.body.fill(body).unwrap_or_else(|wrong| {
            faults.extend(wrong);
            None
        });
        let base = self.base(arguments, &mut faults);
        let path = self.fill_path(base.as_deref(), &positional, &mut faults);
        let query = match &base {
            Some(Cow::Owned(base)) => {
                self.fill_query(&self.query_at(Some(base)), &values, &positional, &mut faults)
            }
            _ => self.fill_query(&self.query, &values, &positional, &mut faults),
        };
        let mut headers = HeaderMap::with_capacity(HEADERS_EXPECTED);
        headers.insert(ACCEPT, ACCEPT_VALUE);
        let mut cookies = Vec::new();
        for (input, written) in self.parameters.iter().zip(&values) {
            if let Some(written) = written.as_ref().filter(|written| input.required || !written.is_empty()) {
                place(input, written, &mut headers, &mut cookies, &mut faults);
            }
        }
        if let Err(problem) = &self.method {
            faults.push(ArgumentFault::tool(problem));
        }
        let (Some(base), Ok(method), true) = (base, &self.method, faults.is_empty()) else { return Err(faults) };
        if let Some(authorization) = &base.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let FilledBody { bytes, content_type, parts } = body.unwrap_or_default();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        let url = RequestUrl { origin: Arc::clone(&base.origin), path, query };
        if url.len() > URL_MAX_BYTES {
            return Err(vec![too_long(&url, arguments)]);
        }
        let body = headers.contains_key(CONTENT_TYPE).then_some(bytes);
        Ok(FilledRequest { method: method.clone(), url, headers, cookies, body, parts, secrets })
    }

    /// The server, or the fault of who named it.
    fn base<'t>(&'t self, arguments: &Arguments<'_>, faults: &mut Vec<ArgumentFault>) -> Option<Cow<'t, Base>> {
        if arguments.server.is_empty() && arguments.server_variables.is_empty() {
            return match &self.base {
                Ok(base) => Some(Cow::Borrowed(base)),
                Err(problem) => {
                    faults.push(ArgumentFault::tool(problem));
                    None
                }
            };
        }
        match servers::chosen(&self.choices, arguments.server, arguments.server_variables, &self.tool_id) {
            Ok(base) => Some(Cow::Owned(base)),
            Err(fault) => {
                faults.push(*fault);
                None
            }
        }
    }

    fn surplus(&self, given: usize) -> ArgumentFault {
        let expected = self.positional.iter().map(Input::shown).collect::<Vec<_>>().join(" ");
        let expected = if expected.is_empty() { "none".to_owned() } else { expected };
        let problem = format!("{given} positional arguments were given, the tool takes {expected}");
        ArgumentFault::of(FaultKind::Unknown, "pathArgs", "", problem)
    }

    fn fill_path(&self, base: Option<&Base>, values: &Read<'_>, faults: &mut Vec<ArgumentFault>) -> String {
        let mut path = String::with_capacity(64);
        path.push_str(base.map(|base| base.url.path().trim_end_matches('/')).unwrap_or_default());
        let own = path.len();
        let before = faults.len();
        for piece in &self.path {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Value(index) => {
                    if let Some(written) = &values[*index] {
                        self.push_value(&mut path, &self.positional[*index], written, faults);
                    }
                }
                Piece::Undeclared(name) => faults.push(ArgumentFault::tool(format!(
                    "the path has a placeholder {{{name}}} that no parameter fills; correct the API description"
                ))),
            }
        }
        // Several values, or a value and text of the template, in one segment.
        let is_dots = |segment: &str| matches!(segment, "." | "..");
        let has_values = self.path.iter().any(|piece| matches!(piece, Piece::Value(_)));
        if has_values && faults.len() == before && path[own..].split('/').any(is_dots) {
            let problem = "make a segment `.` or `..` of the path, which would lead elsewhere";
            faults.push(ArgumentFault::of(FaultKind::Invalid, "pathArgs", "", format!("the arguments {problem}")));
        }
        path
    }

    /// Weakness 60: no value is empty or a dot segment.
    fn push_value(
        &self,
        path: &mut String,
        input: &Input,
        written: &Written<'_>,
        faults: &mut Vec<ArgumentFault>,
    ) {
        let (raw, text) = match written {
            Written::Text(text) => {
                let mut out = String::new();
                encode::push_path_value(&mut out, text);
                (Some(text.as_ref()), out)
            }
            Written::Value(value) => {
                let raw = if let Value::Scalar(text) = value { Some(text.as_ref()) } else { None };
                (raw, input.style.path(&input.wire, value))
            }
        };
        let is_empty = raw == Some("") || text.is_empty() || written.is_empty();
        let is_dots = |text: &str| matches!(text, "." | "..");
        if is_empty {
            faults.push(input.fault(FaultKind::Invalid, "must not be empty"));
        } else if raw.is_some_and(is_dots) || is_dots(&text) {
            faults.push(input.fault(FaultKind::Invalid, "must not be `.` or `..`"));
        } else {
            path.push_str(&text);
        }
    }

    /// HX-6. A parameter replaces fixed pairs of its name, which stand just before it.
    fn fill_query(
        &self,
        entries: &[QueryEntry],
        values: &Read<'_>,
        positional: &Read<'_>,
        faults: &mut Vec<ArgumentFault>,
    ) -> Vec<(Arc<str>, String)> {
        let mut query: Vec<(Arc<str>, String)> = Vec::new();
        let mut is_sorted = true;
        for entry in entries {
            let (name, index) = match entry {
                QueryEntry::Fixed { name, value } => {
                    query.push((Arc::clone(name), fixed_value(value, positional)));
                    continue;
                }
                QueryEntry::Parameter { name, index } => (name, *index),
            };
            let Some(written) = &values[index] else { continue };
            let input = &self.parameters[index];
            let value = match written {
                Written::Text(text) => {
                    replace(&mut query, name);
                    query.push((Arc::clone(name), encode::form(text)));
                    continue;
                }
                Written::Value(value) if value.is_empty() && !input.required => continue,
                Written::Value(value) => value,
            };
            let pairs = input.style.query(&input.wire, value);
            if input.style.names_from_value(value)
                && pairs.iter().any(|(key, _)| self.is_taken(entries, key, index))
            {
                faults.push(input.fault(FaultKind::Invalid, TAKEN));
                continue;
            }
            replace(&mut query, name);
            for (key, value) in pairs {
                let own = key == **name;
                is_sorted &= own;
                query.push((if own { Arc::clone(name) } else { key.into() }, value));
            }
        }
        for (input, written) in self.parameters.iter().zip(values) {
            let (Place::Querystring(whole), Some(Written::Text(text))) = (&input.place, written) else { continue };
            let is_fixed = |key: &str| entries.iter().any(|entry| entry.has_name(key));
            match whole.pairs(text) {
                Ok(pairs) if pairs.iter().any(|(key, _)| is_fixed(key)) => {
                    let problem = "has a member that the tool's URL or another parameter sets";
                    faults.push(input.fault(FaultKind::Invalid, problem));
                }
                Ok(pairs) => {
                    is_sorted = false;
                    query.extend(pairs.into_iter().map(|(key, value)| (key.into(), value)));
                }
                Err(problem) => faults.push(input.fault(FaultKind::Invalid, problem)),
            }
        }
        if !is_sorted {
            query.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        query
    }

    /// A member must not pass for another parameter, or override what the description fixes.
    fn is_taken(&self, entries: &[QueryEntry], key: &str, own: usize) -> bool {
        entries.iter().any(|entry| match entry {
            QueryEntry::Fixed { name, .. } => **name == *key,
            QueryEntry::Parameter { name, index } => **name == *key && *index != own,
        })
    }
}

const TAKEN: &str = "has a member with the name of another query parameter; rename it or use that parameter";

fn read_all<'a>(
    inputs: &'a [Input],
    given: &[Option<Given<'a>>],
    arguments: &Arguments<'_>,
    secrets: &mut Vec<PlannedSecret>,
    faults: &mut Vec<ArgumentFault>,
) -> Read<'a> {
    let both = inputs.iter().zip(given);
    both.map(|(input, given)| {
        let written = read_one(input, *given, arguments.validate, faults)?;
        if arguments.masked && input.is_secret {
            secrets.push(planned(input));
            return Some(Written::Text(Cow::Borrowed(MASK)));
        }
        Some(written)
    })
    .collect()
}

fn read_one<'a>(
    input: &'a Input,
    given: Option<Given<'a>>,
    validate: bool,
    faults: &mut Vec<ArgumentFault>,
) -> Option<Written<'a>> {
    let Some(given) = input.given(given) else {
        if input.required || matches!(input.place, Place::Path) {
            faults.push(input.fault(FaultKind::Missing, "is required"));
        }
        return None;
    };
    if let Place::Nowhere(why) = &input.place {
        faults.push(input.fault(FaultKind::Tool, why));
        return None;
    }
    input.read(given, validate, faults)
}

fn planned(input: &Input) -> PlannedSecret {
    let location = match input.place {
        Place::Path => "path",
        Place::Query | Place::Querystring(_) => "query",
        Place::Header { .. } => "header",
        Place::Cookie | Place::Nowhere(_) => "cookie",
    };
    PlannedSecret {
        scheme: String::new(),
        location: location.into(),
        name: input.wire.to_string(),
        variable: crate::filled::variable(&input.wire),
    }
}

/// Fixed pairs of the name give way.
fn replace(query: &mut Vec<(Arc<str>, String)>, name: &Arc<str>) {
    while query.last().is_some_and(|(last, _)| last == name) {
        query.pop();
    }
}

fn fixed_value(pieces: &[Piece], values: &Read<'_>) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            // A missing value is a fault already; a list has no place here.
            Piece::Value(index) => {
                if let Some(Written::Text(text) | Written::Value(Value::Scalar(text))) = &values[*index] {
                    encode::push_form(&mut out, text);
                }
            }
            Piece::Undeclared(name) => encode::push_form(&mut out, &format!("{{{name}}}")),
        }
    }
    out
}

fn place(
    input: &Input,
    written: &Written<'_>,
    headers: &mut HeaderMap,
    cookies: &mut Vec<(Arc<str>, String)>,
    faults: &mut Vec<ArgumentFault>,
) {
    match &input.place {
        Place::Path | Place::Query | Place::Querystring(_) | Place::Nowhere(_) => {}
        Place::Header { name } => {
            let text = match written {
                Written::Text(text) => Cow::Borrowed(text.as_ref()),
                Written::Value(Value::Scalar(text)) => Cow::Borrowed(text.as_ref()),
                Written::Value(value) => Cow::Owned(input.style.header(value)),
            };
            match HeaderValue::from_bytes(text.as_bytes()) {
                Ok(mut value) => {
                    value.set_sensitive(input.is_secret);
                    headers.insert(name, value);
                }
                Err(_) => {
                    let problem = "a header value must not contain line breaks or control characters";
                    faults.push(input.fault(FaultKind::Invalid, problem));
                }
            }
        }
        Place::Cookie => match written {
            Written::Text(text) => cookies.push((Arc::clone(&input.wire), encode::cookie_value(text))),
            Written::Value(value) => {
                let pairs = input.style.cookies(&input.wire, value);
                cookies.extend(pairs.into_iter().map(|(name, value)| (name.into(), value)));
            }
        },
    }
}

/// Names the longest argument, which is most likely the one to shorten.
fn too_long(url: &RequestUrl, arguments: &Arguments<'_>) -> ArgumentFault {
    let longest = url.query.iter().max_by_key(|(_, value)| value.len()).filter(|(_, v)| v.len() > url.path.len());
    match longest {
        Some((name, _)) => ArgumentFault::flag(FaultKind::Invalid, name, name, UrlTooLong.to_string()),
        None => {
            let problem = format!("{UrlTooLong} ({} positional arguments)", arguments.path_args.len());
            ArgumentFault::of(FaultKind::Invalid, "pathArgs", "", problem)
        }
    }
}
