//! Which server a call goes to: the tool's first, or one that the description offers, with the variables that it leaves
//! to callers (OpenAPI 3.1 §4.8.5). What a caller writes can never name another host: a variable in front of the path
//! takes listed values only.

use crate::fault::{ArgumentFault, FaultKind, echo};
use ::url::{Position, Url};
use http::HeaderValue;
use http::uri::{Authority, Scheme};
use open_cli_contract::catalog::{ServerChoice, Tool};
use open_cli_contract::redact;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest value of a variable.
const MAX_VALUE: usize = 256;

/// Scheme and authority of a tool, parsed once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
}

/// A server that can be called.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) url: Url,
    pub(crate) origin: Arc<Origin>,
    /// From user information in the server's URL.
    pub(crate) authorization: Option<HeaderValue>,
}

/// HX-1: the first server, absolute, `http` or `https`.
pub(crate) fn first(tool: &Tool) -> Result<Base, String> {
    match tool.servers.first() {
        Some(server) => base(server, &tool.id),
        None => Err(format!(
            "missing base url for tool {}; name a server in the API description or the config",
            tool.id
        )),
    }
}

/// The server that a caller chose.
pub(crate) fn chosen(
    choices: &[ServerChoice],
    server: &str,
    variables: &BTreeMap<String, String>,
    tool_id: &str,
) -> Result<Base, Box<ArgumentFault>> {
    let choice = match server {
        "" => choices.first(),
        wanted => choices.iter().find(|choice| {
            let plain = |url: &str| url.trim_end_matches('/').to_owned();
            choice.name == wanted || [&choice.url, &choice.template].iter().any(|url| plain(url) == plain(wanted))
        }),
    };
    let Some(choice) = choice else { return Err(Box::new(unknown(choices, server))) };
    if variables.is_empty() {
        return base(&choice.url, tool_id).map_err(|problem| Box::new(ArgumentFault::tool(problem)));
    }
    let url = with_variables(choice, variables)?;
    base(&url, tool_id).map_err(|problem| Box::new(ArgumentFault::tool(problem)))
}

fn unknown(choices: &[ServerChoice], server: &str) -> ArgumentFault {
    let what = if server.is_empty() { "--server-var" } else { "--server" };
    let problem = if choices.is_empty() {
        "the description, or the operator, leaves no choice of servers".to_owned()
    } else {
        let names = choices.iter().map(|choice| match choice.name.as_str() {
            "" => redact::text(&choice.url),
            name => name.to_owned(),
        });
        format!("is none of the servers offered: {}", names.collect::<Vec<_>>().join(", "))
    };
    let name = if server.is_empty() { "serverVariables" } else { "server" };
    ArgumentFault::of(FaultKind::Unknown, name, what, problem)
}

fn with_variables(choice: &ServerChoice, given: &BTreeMap<String, String>) -> Result<String, Box<ArgumentFault>> {
    let fault = |name: &str, problem: String| {
        let flag = format!("--server-var {}", echo(name));
        Err(Box::new(ArgumentFault::of(FaultKind::Invalid, "serverVariables", flag, problem)))
    };
    for name in given.keys() {
        if !choice.variables.contains_key(name) {
            let known: Vec<&str> = choice.variables.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return fault(name, format!("the server has no such variable for callers; it has {known}"));
        }
    }
    let mut url = choice.template.clone();
    for (name, variable) in &choice.variables {
        let hole = format!("{{{name}}}");
        let value = match given.get(name) {
            None => &variable.default,
            Some(value) if variable.choices.is_empty() => {
                if !is_in_path(&choice.template, &hole) {
                    return fault(name, "is part of the host; only the operator can set it".into());
                }
                if !is_plain(value) {
                    return fault(name, "takes letters, digits, `-`, `_`, `.` and `~` only".into());
                }
                value
            }
            Some(value) if variable.choices.contains(value) => value,
            Some(_) => return fault(name, format!("expected one of: {}", variable.choices.join(", "))),
        };
        url = url.replace(&hole, value);
    }
    Ok(url)
}

/// Every place of the variable is behind the authority.
fn is_in_path(template: &str, hole: &str) -> bool {
    let Some(authority) = template.find("://").map(|at| at + 3) else { return false };
    let Some(path) = template[authority..].find('/').map(|at| authority + at) else { return false };
    template.find(hole).is_some_and(|at| at > path)
}

fn is_plain(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    !value.is_empty() && value.len() <= MAX_VALUE && value.bytes().all(plain) && !matches!(value, "." | "..")
}

fn base(server: &str, tool_id: &str) -> Result<Base, String> {
    // What does not parse can't be redacted, so it is only shown when it has no place for a secret.
    let has_secret_place = server.contains(['@', '?']);
    let shown = if has_secret_place && Url::parse(server).is_err() { "…".into() } else { redact::text(server) };
    let mut url = match Url::parse(server) {
        Ok(url) => url,
        Err(::url::ParseError::RelativeUrlWithoutBase) => {
            return Err(format!("the server {shown:?} of tool {tool_id} is relative; name an absolute one"));
        }
        Err(error) => return Err(format!("the server {shown:?} of tool {tool_id} is no URL: {error}")),
    };
    let scheme = match url.scheme() {
        "http" => Scheme::HTTP,
        "https" => Scheme::HTTPS,
        other => {
            return Err(format!("the server of tool {tool_id} has scheme {other}; only http and https work"));
        }
    };
    let authorization = user_information(&url);
    // Fails only for URLs without a host; http and https have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let authority = Authority::try_from(&url[Position::BeforeHost..Position::AfterPort])
        .map_err(|_| format!("the server {shown:?} of tool {tool_id} has a host that can't be called"))?;
    Ok(Base { url, origin: Arc::new(Origin { scheme, authority }), authorization })
}

/// `https://user:password@host` authenticates with HTTP Basic, unless credentials are configured.
fn user_information(url: &Url) -> Option<HeaderValue> {
    use base64::Engine;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut plain = decode(url.username());
    plain.push(b':');
    plain.extend(decode(url.password().unwrap_or_default()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(&plain);
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::catalog::ServerVariable;

    fn choices() -> Vec<ServerChoice> {
        let variable = |default: &str, choices: &[&str]| ServerVariable {
            default: default.into(),
            choices: choices.iter().map(|c| (*c).into()).collect(),
            description: String::new(),
        };
        vec![
            ServerChoice { url: "https://a.example/v1".into(), name: "live".into(), ..ServerChoice::default() },
            ServerChoice {
                url: "https://eu.b.example:443/v1/".into(),
                template: "https://{region}.b.example:{port}/{version}/".into(),
                variables: BTreeMap::from([
                    ("region".into(), variable("eu", &["eu", "us"])),
                    ("port".into(), variable("443", &[])),
                    ("version".into(), variable("v1", &[])),
                ]),
                ..ServerChoice::default()
            },
        ]
    }

    #[test]
    fn a_caller_chooses_among_what_is_offered() {
        for (server, variables, expected) in [
            ("", &[][..], Ok("https://a.example/v1")),
            ("live", &[], Ok("https://a.example/v1")),
            ("https://a.example/v1/", &[], Ok("https://a.example/v1")),
            ("https://eu.b.example:443/v1", &[], Ok("https://eu.b.example/v1/")),
            (
                "https://eu.b.example:443/v1",
                &[("region", "us"), ("version", "v2.1")],
                Ok("https://us.b.example/v2.1/"),
            ),
            ("https://evil.example", &[], Err("none of the servers offered: live, https://eu.b.example:443/v1/")),
            ("https://eu.b.example:443/v1", &[("region", "evil.example/")], Err("expected one of: eu, us")),
            ("https://eu.b.example:443/v1", &[("port", "8443")], Err("only the operator")),
            ("https://eu.b.example:443/v1", &[("version", "..")], Err("letters")),
            ("https://eu.b.example:443/v1", &[("version", "v1/../admin")], Err("letters")),
            ("https://eu.b.example:443/v1", &[("version", "")], Err("letters")),
            ("https://eu.b.example:443/v1", &[("nope", "1")], Err("no such variable")),
            ("live", &[("region", "us")], Err("no such variable")),
        ] {
            let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let found = chosen(&choices(), server, &variables, "t").map(|base| base.url.to_string());
            match expected {
                Ok(url) => assert_eq!(found.as_deref().map_err(ToString::to_string), Ok(url)),
                Err(word) => {
                    let fault = found.expect_err(server).to_string();
                    assert!(fault.contains(word), "{fault}");
                }
            }
        }
        let fault = chosen(&[], "x", &BTreeMap::new(), "t").expect_err("no choice");
        assert!(fault.to_string().contains("leaves no choice"));
    }
}
