//! Filling a template with the arguments of a call. All faults are found at once.

use crate::pieces::Piece;
use crate::style::{Shape, Value};
use crate::template::{FlagParameter, Place, QueryEntry};
use crate::{
    ArgumentFault, FaultKind, FilledRequest, RequestTemplate, RequestUrl, URL_MAX_BYTES, UrlTooLong, encode,
};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Weakness 61: what the runtime reads best first, anything else after it.
const ACCEPT_VALUE: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.8");
/// Room for our headers, the credentials and what the transport adds.
const HEADERS_EXPECTED: usize = 8;

/// Arguments of a call, as they came over the wire.
#[derive(Debug, Clone)]
pub struct Arguments<'a> {
    /// Values of the path parameters, in the order of the catalog.
    pub path_args: &'a [String],
    /// Values of the other parameters, by command-line or wire name.
    pub flags: &'a BTreeMap<String, String>,
    /// Body; an empty one counts as none.
    pub body: Option<Bytes>,
}

impl RequestTemplate {
    /// The request for these arguments, or everything that is wrong with them.
    pub fn fill(&self, arguments: &Arguments<'_>) -> Result<FilledRequest, Vec<ArgumentFault>> {
        let mut faults = Vec::new();
        self.check_path_args(arguments.path_args, &mut faults);
        let path = self.fill_path(arguments.path_args, &mut faults);
        let values = self.index.assign(arguments.flags, &mut faults);
        let query = self.fill_query(&values, arguments.path_args, &mut faults);

        let mut headers = HeaderMap::with_capacity(HEADERS_EXPECTED);
        headers.insert(ACCEPT, ACCEPT_VALUE);
        let mut cookies = Vec::new();
        for (parameter, value) in self.parameters.iter().zip(&values) {
            match value {
                Some(value) => place(parameter, value, &mut headers, &mut cookies, &mut faults),
                None if parameter.required => faults.push(parameter.missing()),
                None => {}
            }
        }
        let body = match self.body.fill(arguments.body.clone()) {
            Ok(Some((body, content_type))) => {
                headers.insert(CONTENT_TYPE, content_type);
                Some(body)
            }
            Ok(None) => None,
            Err(fault) => {
                faults.push(fault);
                None
            }
        };

        let (base, method) = match (&self.base, &self.method) {
            (Ok(base), Ok(method)) => (base, method),
            (base, method) => {
                let tool = [base.as_ref().err(), method.as_ref().err()].into_iter().flatten();
                faults.extend(tool.map(ArgumentFault::tool));
                return Err(faults);
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        if let Some(authorization) = &base.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let url = RequestUrl { origin: Arc::clone(&base.origin), path, query };
        if url.len() > URL_MAX_BYTES {
            return Err(vec![too_long(&url, arguments)]);
        }
        Ok(FilledRequest { method: method.clone(), url, headers, cookies, body })
    }

    /// Weakness 60: each value is there, is not empty and is no dot segment; there are no more than declared.
    fn check_path_args(&self, values: &[String], faults: &mut Vec<ArgumentFault>) {
        let mut fault = |index: usize, kind, problem: &str| {
            let parameter = &self.positional[index];
            faults.push(ArgumentFault::positional(kind, &parameter.wire, &parameter.name, problem));
        };
        for index in 0..self.positional.len() {
            match values.get(index).map(String::as_str) {
                None => fault(index, FaultKind::Missing, "is required"),
                Some("") => fault(index, FaultKind::Invalid, "must not be empty"),
                Some("." | "..") => fault(index, FaultKind::Invalid, "must not be `.` or `..`"),
                Some(_) => {}
            }
        }
        if values.len() > self.positional.len() {
            faults.push(self.surplus(values.len()));
        }
    }

    fn surplus(&self, given: usize) -> ArgumentFault {
        let expected = self.positional.iter().map(|p| format!("<{}>", p.name)).collect::<Vec<_>>().join(" ");
        let expected = if expected.is_empty() { "none".to_owned() } else { expected };
        ArgumentFault {
            kind: FaultKind::Unknown,
            argument: "pathArgs".into(),
            flag: String::new(),
            problem: format!("{given} positional arguments were given, the tool takes {expected}"),
        }
    }

    fn fill_path(&self, values: &[String], faults: &mut Vec<ArgumentFault>) -> String {
        let shaped = self.shaped_path(values, faults);
        let mut path = String::with_capacity(64);
        for piece in &self.path {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Value(index) => match shaped.iter().find(|(at, _)| at == index) {
                    Some((_, text)) => path.push_str(text),
                    None => encode::push_path_value(&mut path, value(values, *index)),
                },
                Piece::Undeclared(name) => faults.push(ArgumentFault::tool(format!(
                    "the path has a placeholder {{{name}}} that no parameter fills; correct the API description"
                ))),
            }
        }
        path
    }

    /// Lists and objects of the path, written; nothing for a path of scalars.
    fn shaped_path(&self, values: &[String], faults: &mut Vec<ArgumentFault>) -> Vec<(usize, String)> {
        let mut shaped = Vec::new();
        for (index, parameter) in self.positional.iter().enumerate() {
            let Some(shape) = &parameter.shape else { continue };
            let mut fault = |kind, problem: &str| {
                faults.push(ArgumentFault::positional(kind, &parameter.wire, &parameter.name, problem));
            };
            if let Some(problem) = shape.unsupported() {
                fault(FaultKind::Tool, problem);
                continue;
            }
            // What is missing, empty or a dot segment is a fault already.
            let Some(text) = values.get(index).filter(|text| !matches!(text.as_str(), "" | "." | "..")) else {
                continue;
            };
            match shape.read(text).map(|value| shape.path(&value)) {
                Ok(text) if text.is_empty() => fault(FaultKind::Invalid, "must not be empty"),
                Ok(text) if matches!(text.as_str(), "." | "..") => {
                    fault(FaultKind::Invalid, "must not be `.` or `..`");
                }
                Ok(text) => shaped.push((index, text)),
                Err(problem) => fault(FaultKind::Invalid, problem),
            }
        }
        shaped
    }

    /// HX-6. A parameter replaces fixed pairs of its name, which stand just before it.
    fn fill_query(
        &self,
        values: &[Option<&str>],
        path_args: &[String],
        faults: &mut Vec<ArgumentFault>,
    ) -> Vec<(Arc<str>, String)> {
        let mut query: Vec<(Arc<str>, String)> = Vec::new();
        let mut is_sorted = true;
        for entry in &self.query {
            match entry {
                QueryEntry::Fixed { name, value } => query.push((Arc::clone(name), fixed_value(value, path_args))),
                QueryEntry::Parameter { name, index } => {
                    let Some(value) = values[*index] else { continue };
                    let parameter = &self.parameters[*index];
                    let pairs = match &parameter.shape {
                        None => None,
                        Some(shape) => match self.shaped_query(shape, parameter, value) {
                            Ok(pairs) => Some(pairs),
                            Err(problem) => {
                                faults.push(parameter.invalid(problem));
                                continue;
                            }
                        },
                    };
                    if pairs.as_ref().is_some_and(Vec::is_empty) {
                        continue;
                    }
                    while query.last().is_some_and(|(last, _)| last == name) {
                        query.pop();
                    }
                    match pairs {
                        None => query.push((Arc::clone(name), encode::form(value))),
                        Some(pairs) => {
                            for (key, value) in pairs {
                                let own = key == **name;
                                is_sorted &= own;
                                query.push((if own { Arc::clone(name) } else { key.into() }, value));
                            }
                        }
                    }
                }
            }
        }
        for (parameter, value) in self.parameters.iter().zip(values) {
            let (Place::Querystring(whole), Some(value)) = (&parameter.place, value) else { continue };
            let is_fixed = |key: &str| self.query.iter().any(|entry| entry.has_name(key));
            match whole.pairs(value) {
                Ok(pairs) if pairs.iter().any(|(key, _)| is_fixed(key)) => {
                    faults.push(parameter.invalid("has a member that the tool's URL or another parameter sets"));
                }
                Ok(pairs) => {
                    is_sorted = false;
                    query.extend(pairs.into_iter().map(|(key, value)| (key.into(), value)));
                }
                Err(problem) => faults.push(parameter.invalid(problem)),
            }
        }
        if !is_sorted {
            query.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        query
    }

    /// The query parameters of a list or object; none for an empty one that may be left out.
    fn shaped_query(
        &self,
        shape: &Shape,
        parameter: &FlagParameter,
        text: &str,
    ) -> Result<Vec<(String, String)>, &'static str> {
        let value = shape.read(text)?;
        if value.is_empty() && !parameter.required {
            return Ok(Vec::new());
        }
        let pairs = shape.query(&parameter.wire, &value);
        // A member must not pass for another parameter, or override what the description fixes.
        let is_taken = |key: &str| {
            self.query.iter().any(|entry| match entry {
                QueryEntry::Fixed { name, .. } => **name == *key,
                QueryEntry::Parameter { name, index } => {
                    **name == *key && self.parameters[*index].wire != parameter.wire
                }
            })
        };
        if shape.names_from_value(&value) && pairs.iter().any(|(key, _)| is_taken(key)) {
            return Err("has a member with the name of another query parameter; rename it or use that parameter");
        }
        Ok(pairs)
    }
}

/// A missing value is a fault already; the request is not sent.
fn value(values: &[String], index: usize) -> &str {
    values.get(index).map(String::as_str).unwrap_or_default()
}

fn fixed_value(pieces: &[Piece], path_args: &[String]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Value(index) => encode::push_form(&mut out, value(path_args, *index)),
            Piece::Undeclared(name) => encode::push_form(&mut out, &format!("{{{name}}}")),
        }
    }
    out
}

fn place(
    parameter: &FlagParameter,
    value: &str,
    headers: &mut HeaderMap,
    cookies: &mut Vec<(Arc<str>, String)>,
    faults: &mut Vec<ArgumentFault>,
) {
    let mut shaped = None;
    if let Some(shape) =
        parameter.shape.as_ref().filter(|_| !matches!(parameter.place, Place::Query | Place::Querystring(_)))
    {
        match shape.read(value) {
            Ok(read) if read.is_empty() && !parameter.required => return,
            Ok(read) => shaped = Some((shape, read)),
            Err(problem) => {
                faults.push(parameter.invalid(problem));
                return;
            }
        }
    }
    match &parameter.place {
        Place::Query | Place::Querystring(_) => {}
        Place::Header { name, sensitive } => match header_value(value, shaped) {
            Ok(mut value) => {
                value.set_sensitive(*sensitive);
                headers.insert(name, value);
            }
            Err(_) => faults.push(ArgumentFault::flag(
                FaultKind::Invalid,
                &parameter.wire,
                &parameter.name,
                "a header value must not contain line breaks or control characters",
            )),
        },
        Place::Cookie => match shaped {
            Some((shape, read)) if !matches!(read, Value::Scalar(_)) => {
                let pairs = shape.cookies(&parameter.wire, &read);
                cookies.extend(pairs.into_iter().map(|(name, value)| (name.into(), value)));
            }
            _ => cookies.push((Arc::clone(&parameter.wire), encode::cookie_value(value))),
        },
        Place::Nowhere(why) => {
            faults.push(ArgumentFault::flag(FaultKind::Tool, &parameter.wire, &parameter.name, why.as_str()));
        }
    }
}

fn header_value(text: &str, shaped: Option<(&Shape, Value<'_>)>) -> Result<HeaderValue, InvalidHeaderValue> {
    match shaped {
        Some((shape, value)) => HeaderValue::try_from(shape.header(&value)),
        None => HeaderValue::from_bytes(text.as_bytes()),
    }
}

/// Names the longest argument, which is most likely the one to shorten.
fn too_long(url: &RequestUrl, arguments: &Arguments<'_>) -> ArgumentFault {
    let longest = url.query.iter().max_by_key(|(_, value)| value.len()).filter(|(_, v)| v.len() > url.path.len());
    match longest {
        Some((name, _)) => ArgumentFault::flag(FaultKind::Invalid, name, name, UrlTooLong.to_string()),
        None => ArgumentFault {
            kind: FaultKind::Invalid,
            argument: "pathArgs".into(),
            flag: String::new(),
            problem: format!("{UrlTooLong} ({} positional arguments)", arguments.path_args.len()),
        },
    }
}
