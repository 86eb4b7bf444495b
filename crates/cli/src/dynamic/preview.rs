//! `--dry-run` (client §12.10; W29): the request as it would leave the runtime, secrets masked, path values
//! percent-encoded. Nothing is sent.

use super::body::is_json;
use open_cli_contract::catalog::{Parameter, Tool};
use open_cli_contract::redact;
use open_cli_request::{Arguments, RequestTemplate};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use url::form_urlencoded::Serializer;

/// What stays as it is in a path segment (HX-4).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The text that `--dry-run` prints.
pub(super) fn preview(
    tool: &Tool,
    arguments: &[String],
    flags: &BTreeMap<String, String>,
    body: &[u8],
) -> Vec<u8> {
    let mut out = String::new();
    let is_mcp = tool.backend.as_ref().is_some_and(|backend| backend.kind == "mcp");
    if let Some(backend) = tool.backend.as_ref().filter(|_| is_mcp) {
        let name = if backend.tool_name.is_empty() { &tool.id } else { &backend.tool_name };
        let _ = writeln!(out, "MCP {name}");
    } else {
        let base = tool.servers.first().map(|server| redact::text(server));
        let shown = base.as_deref().map_or("<base-unresolved>", |base| base.trim_end_matches('/'));
        let _ = match url(tool, arguments, flags, body) {
            Some(url) => writeln!(out, "{} {url}", tool.method.to_uppercase()),
            None => writeln!(
                out,
                "{} {shown}{}{}",
                tool.method.to_uppercase(),
                path(tool, arguments),
                query(tool, flags)
            ),
        };
        if base.is_none() {
            out.push_str("Base: unresolved\n");
        }
    }
    let needs_auth = !tool.auth.is_empty() || !tool.auth_alternatives.is_empty();
    let _ = writeln!(out, "Auth: {}", if needs_auth { "required" } else { "not_required" });
    let _ = writeln!(out, "Approval: {}", if tool.safety.requires_approval { "required" } else { "not_required" });
    if !is_mcp {
        headers(tool, flags, &mut out);
    }
    if !body.is_empty() && !is_mcp {
        let declared = tool.request_body.as_ref().map(|body| body.content_types.as_slice()).unwrap_or_default();
        let json = declared.iter().find(|content| is_json(&content.media_type));
        let media = json.or(declared.first()).map_or("application/json", |content| &content.media_type);
        let _ = writeln!(out, "Content-Type: {media}");
    }
    let mut out = out.into_bytes();
    if !is_mcp || !body.is_empty() {
        out.push(b'\n');
    }
    out.extend_from_slice(body);
    if !body.is_empty() && !body.ends_with(b"\n") {
        out.push(b'\n');
    }
    out
}

/// The URL as the runtime will write it, by the same rules; credentials by their name are masked. `None` when the
/// tool has no usable server, or the runtime would refuse the arguments.
fn url(tool: &Tool, arguments: &[String], flags: &BTreeMap<String, String>, body: &[u8]) -> Option<String> {
    let body = (!body.is_empty()).then(|| body.to_vec().into());
    // Whether the values fit is the runtime's to say.
    let given =
        Arguments { path_args: arguments, flags, body, validate: false, masked: true, ..Arguments::default() };
    let filled = RequestTemplate::compile(tool).fill(&given).ok()?;
    filled.url.to_uri().ok().map(|uri| uri.to_string())
}

fn path(tool: &Tool, arguments: &[String]) -> String {
    let mut path = tool.path.clone();
    for (parameter, value) in tool.path_params.iter().zip(arguments) {
        let value = masked(parameter, value);
        let encoded = utf8_percent_encode(&value, SEGMENT).to_string();
        path = path.replace(&format!("{{{}}}", parameter.original_name), &encoded);
    }
    path
}

fn query(tool: &Tool, flags: &BTreeMap<String, String>) -> String {
    let mut pairs: Vec<(&str, String)> = given(tool, flags, "query").collect();
    if pairs.is_empty() {
        return String::new();
    }
    pairs.sort();
    let separator = if tool.path.contains('?') { '&' } else { '?' };
    format!("{separator}{}", Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn headers(tool: &Tool, flags: &BTreeMap<String, String>, out: &mut String) {
    for (name, value) in given(tool, flags, "header") {
        let _ = writeln!(out, "{name}: {}", crate::text::one_line(&value));
    }
    for (name, value) in given(tool, flags, "cookie") {
        let _ = writeln!(out, "Cookie: {name}={}", crate::text::one_line(&value));
    }
}

fn given<'a>(
    tool: &'a Tool,
    flags: &'a BTreeMap<String, String>,
    location: &'a str,
) -> impl Iterator<Item = (&'a str, String)> + 'a {
    tool.flags.iter().filter(move |parameter| parameter.location == location).filter_map(move |parameter| {
        let value = flags.get(&parameter.name).or_else(|| flags.get(&parameter.original_name))?;
        Some((parameter.original_name.as_str(), masked(parameter, value)))
    })
}

/// A credential by its name is not shown.
fn masked(parameter: &Parameter, value: &str) -> String {
    if redact::is_token_parameter(&parameter.original_name) { redact::MASK.to_owned() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::tree::tests::sample;

    fn show(id: &str, arguments: &[&str], flags: &[(&str, &str)], body: &str) -> String {
        let answer = sample();
        let tool = answer.view.tools.iter().find(|tool| tool.id == id).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|a| a.to_string()).collect();
        let flags = flags.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        String::from_utf8(preview(tool, &arguments, &flags, body.as_bytes())).unwrap()
    }

    /// DR1 to DR5, with W29's encoding and headers.
    #[test]
    fn a_dry_run_shows_the_request_encoded_and_masked() {
        insta::assert_snapshot!(show(
            "shelf:getBook",
            &["a b/ü"],
            &[("lang", "d e"), ("x-request-id", "r\n1")],
            ""
        ));
        insta::assert_snapshot!(show(
            "shelf:addBook",
            &[],
            &[("notify", "true"), ("format", "a4")],
            "{\"title\":\"x\"}"
        ));
    }

    /// DR2.
    #[test]
    fn a_tool_without_server_says_so() {
        assert_eq!(
            show("shelf:ping", &[], &[], ""),
            "GET <base-unresolved>/ping\nBase: unresolved\nAuth: not_required\nApproval: not_required\n\n"
        );
    }

    #[test]
    fn an_mcp_tool_shows_its_own_name() {
        let mut tool = sample().view.tools.remove(0);
        tool.backend = Some(open_cli_contract::catalog::Backend {
            kind: "mcp".into(),
            source_id: String::new(),
            tool_name: "add_book".into(),
            transport: String::new(),
            input_wrapped: false,
        });
        let text = String::from_utf8(preview(&tool, &[], &BTreeMap::new(), b"{}")).unwrap();
        assert_eq!(text, "MCP add_book\nAuth: required\nApproval: required\n\n{}\n");
    }

    #[test]
    fn credentials_in_parameters_are_masked() {
        let mut tool = sample().view.tools.into_iter().find(|tool| tool.id == "shelf:getBook").unwrap();
        tool.flags[0].original_name = "api_key".into();
        let flags = [("lang".to_owned(), "s3cret".to_owned())].into();
        let text = String::from_utf8(preview(&tool, &["1".into()], &flags, b"")).unwrap();
        assert!(text.contains("api_key=REDACTED") && !text.contains("s3cret"), "{text}");
    }
}
