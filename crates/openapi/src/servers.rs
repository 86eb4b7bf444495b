//! Server lists: variables expanded, relative URLs resolved, and what is left to choose. Rules SV-1 to SV-7 with W16 and
//! W17. Not for Swagger 2.0 hosts (see `hosts`), and not for choosing among servers.

use crate::api::Operation;
use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_NAME_LENGTH, MAX_SERVERS};
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::tree::ROOT;
use crate::version::Version;
use open_cli_contract::catalog::{ServerChoice, ServerVariable};
use open_cli_documents::Location;
use std::collections::BTreeMap;
use url::Url;

/// Variables of one server, and values of one variable, that are kept.
const MAX_VARIABLES: usize = 100;

/// A server without anything to choose.
pub(crate) fn plain(url: String) -> ServerChoice {
    ServerChoice { url, ..ServerChoice::default() }
}

impl<'a> Reader<'a> {
    /// Document-level servers, whatever the version.
    pub(crate) fn read_servers(&mut self, root: &Object<'a>) {
        let mut servers = if self.version == Version::V20 {
            self.read_hosts(root)
        } else {
            root.get("servers").map(|place| self.server_list(place, "")).unwrap_or_default()
        };
        if servers.is_empty() {
            // SV-4
            let origin = self.tree.location(ROOT).origin_url();
            servers.extend(origin.map(|url| plain(url.origin().ascii_serialization())));
        }
        self.servers = servers.into();
    }

    /// The usable servers of a `servers` list that belongs to the object at `owner`.
    pub(crate) fn server_list(&mut self, place: Place<'a>, owner: &str) -> Vec<ServerChoice> {
        let pointer = format!("{owner}/servers");
        let Some(elements) = place.elements() else {
            self.report.warning(
                code::SERVER,
                &pointer,
                format!("`servers` is {}, not a list; it is ignored", place.kind().with_article()),
                "write a list of objects with `url`",
            );
            return Vec::new();
        };
        if elements.len() > MAX_SERVERS {
            self.report.warning(
                code::LIMIT,
                &pointer,
                format!("there are {} servers; the first {MAX_SERVERS} are kept", elements.len()),
                "",
            );
        }
        let elements = elements.into_iter().take(MAX_SERVERS).enumerate();
        elements.filter_map(|(i, server)| self.server(server, &format!("{pointer}/{i}"))).collect()
    }

    fn server(&mut self, place: Place<'a>, pointer: &str) -> Option<ServerChoice> {
        let Some(server) = Object::of(place) else {
            self.report.warning(
                code::SERVER,
                pointer,
                format!("the server is {}, not an object; it is ignored", place.kind().with_article()),
                "write an object with `url`",
            );
            return None;
        };
        let written = server.text("url").unwrap_or_default();
        let template = written.trim();
        if template.is_empty() || template.len() > MAX_NAME_LENGTH {
            // SV-6
            let what = if template.is_empty() { "has no `url`" } else { "has a `url` that is too long" };
            let message = format!("the server {what}; it is ignored");
            self.report.warning(code::SERVER, pointer, message, "write the base URL of the API");
            return None;
        }
        let expanded = match expand(template, &server) {
            Ok(expanded) => expanded,
            Err(variable) => {
                // SV-1: kept, so that no other server takes its place in the list unseen.
                self.report.error(
                    code::SERVER,
                    pointer,
                    format!("the server {} has no value for {}", quoted(template), quoted(&variable)),
                    "give the variable a `default`, or configure a base URL for the service",
                );
                return Some(plain(template.to_owned()));
            }
        };
        let url = self.absolute(&expanded, place, pointer)?;
        let variables = variables(template, &server);
        let template = if variables.is_empty() { String::new() } else { self.resolved(template, place) };
        let name = if self.version >= Version::V32 { server.string("name") } else { String::new() };
        Some(ServerChoice { url, name, description: server.string("description"), template, variables })
    }

    /// The template with its holes, absolute where its document has an address.
    fn resolved(&self, template: &str, place: Place<'a>) -> String {
        let is_relative =
            template.starts_with(['/', '.']) || !template.contains("://") && !template.starts_with('{');
        let Some(base) = self.tree.location(place.document).origin_url().filter(|_| is_relative) else {
            return template.to_owned();
        };
        // A hole would be escaped: words stand in for the braces.
        let held = template.replace('{', "open-cli-hole-").replace('}', "-open-cli-end");
        let Ok(joined) = without_userinfo(base).join(&held) else { return template.to_owned() };
        String::from(joined).replace("open-cli-hole-", "{").replace("-open-cli-end", "}")
    }

    /// SV-3, W17. `place` says which document the URL is written in; `$self` does not count here (OpenAPI 3.2,
    /// "Relative References in API URLs").
    pub(crate) fn absolute(&mut self, url: &str, place: Place<'a>, pointer: &str) -> Option<String> {
        match Url::parse(url) {
            Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => return Some(url.to_owned()),
            Ok(parsed) => {
                self.report.warning(
                    code::SERVER,
                    pointer,
                    format!("the server {} has the scheme `{}`", quoted(url), parsed.scheme()),
                    "only http and https can be called; configure a base URL for the service",
                );
                return Some(url.to_owned());
            }
            Err(url::ParseError::RelativeUrlWithoutBase) => {}
            Err(error) => return self.unusable(url, error, pointer),
        }
        match self.tree.location(place.document).origin_url() {
            Some(base) => match without_userinfo(base).join(url) {
                Ok(joined) => Some(joined.into()),
                Err(error) => self.unusable(url, error, pointer),
            },
            None => {
                self.report.warning(
                    code::SERVER_RELATIVE,
                    pointer,
                    format!("the server {} of a local document has no host", quoted(url)),
                    "configure a base URL for the service, or write an absolute URL",
                );
                Some(url.to_owned())
            }
        }
    }

    fn unusable(&mut self, url: &str, error: url::ParseError, pointer: &str) -> Option<String> {
        self.report.error(
            code::SERVER,
            pointer,
            format!("the server {} is not a URL: {error}", quoted(url)),
            "correct the URL, or configure a base URL for the service",
        );
        Some(url.to_owned())
    }

    /// W17: better said when the document is read than when the first call fails.
    pub(crate) fn remark_on_missing_server(&mut self, operations: &[Operation]) {
        // Whoever makes a description calls what it describes, without any server.
        let is_made = matches!(self.tree.location(ROOT), Location::Made(_));
        if !is_made && operations.iter().any(|operation| operation.servers.is_empty()) {
            self.report.warning(
                code::SERVER_MISSING,
                "",
                "the local document names no server".to_owned(),
                "configure a base URL for the service",
            );
        }
    }
}

/// SV-1: each `{name}` by its default. A variable without default takes the first of its `enum`. `Err` names the
/// variable without a value.
fn expand(template: &str, server: &Object<'_>) -> Result<String, String> {
    if !template.contains('{') {
        return Ok(template.to_owned());
    }
    let variables = server.object("variables").unwrap_or_default();
    let mut expanded = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        let value = variables.object(name).and_then(|variable| value_of(&variable));
        expanded.push_str(before);
        expanded.push_str(&value.ok_or_else(|| name.to_owned())?);
        if expanded.len() > MAX_NAME_LENGTH {
            return Err(name.to_owned());
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn value_of(variable: &Object<'_>) -> Option<String> {
    let present = |text: &str| !text.trim().is_empty();
    if let Some(default) = variable.text("default") {
        return present(&default).then(|| default.into_owned());
    }
    let choices = variable.get("enum").filter(|place| place.kind() == Kind::Array)?.elements()?;
    choices.first()?.text().filter(|text| present(text)).map(|text| text.into_owned())
}

/// The variables that occur in the template.
fn variables(template: &str, server: &Object<'_>) -> BTreeMap<String, ServerVariable> {
    let mut found = BTreeMap::new();
    for (name, place) in server.object("variables").into_iter().flatten().take(MAX_VARIABLES) {
        let Some(variable) = Object::of(place).filter(|_| template.contains(&format!("{{{name}}}"))) else {
            continue;
        };
        let Some(default) = value_of(&variable) else { continue };
        let choices = variable.get("enum").and_then(Place::elements).unwrap_or_default();
        let choices =
            choices.into_iter().take(MAX_VARIABLES).filter_map(|place| place.text().map(|t| t.into_owned()));
        let variable =
            ServerVariable { default, choices: choices.collect(), description: variable.string("description") };
        found.insert(name.into_owned(), variable);
    }
    found
}

/// What the document was fetched with is not for its API.
fn without_userinfo(url: &Url) -> Url {
    let mut url = url.clone();
    // Fails only for URLs that have no user information.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, local, remote};

    const PATHS: &str = r#""paths":{"/a":{"get":{}}}"#;

    /// SV-3, SV-4
    #[test]
    fn servers_of_a_remote_document_resolve_against_its_url() {
        for (servers, expected) in [
            (r#"[{"url":"v1"}]"#, "https://h.example/specs/deep/v1"),
            (r#"[{"url":"./v1"}]"#, "https://h.example/specs/deep/v1"),
            (r#"[{"url":"../v1"}]"#, "https://h.example/specs/v1"),
            (r#"[{"url":"/v1/"}]"#, "https://h.example/v1/"),
            (r#"[{"url":"//other.example/x"}]"#, "https://other.example/x"),
            (r#"[{"url":"https://api.example/v1"}]"#, "https://api.example/v1"),
            ("[]", "https://h.example"),
            ("null", "https://h.example"),
            (r#"[{"url":" "}]"#, "https://h.example"),
            (r#"{"url":"/v1"}"#, "https://h.example"),
        ] {
            let text = format!(r#"{{"openapi":"3.1.0","servers":{servers},{PATHS}}}"#);
            let api = remote("https://h.example/specs/deep/api.yaml", &text);
            assert_eq!(api.servers, [expected], "{servers}");
            assert_eq!(api.operations[0].servers, [expected], "{servers}");
        }
        let text = format!(r#"{{"openapi":"3.0.0",{PATHS}}}"#);
        assert_eq!(remote("http://h.example:8080/a/b.json", &text).servers, ["http://h.example:8080"]);
    }

    /// SV-1, W16
    #[test]
    fn variables_take_their_default_or_the_first_of_their_enum() {
        for (server, expected, diagnostics) in [
            (r#"{"url":"https://{r}.h/","variables":{"r":{"default":"eu"}}}"#, "https://eu.h/", &[][..]),
            (r#"{"url":"https://h:{p}/{p}","variables":{"p":{"default":8443}}}"#, "https://h:8443/8443", &[]),
            (r#"{"url":"https://{r}.h","variables":{"r":{"enum":["us","eu"]}}}"#, "https://us.h", &[]),
            (r#"{"url":"https://{r}.h","variables":{"r":{"default":" "}}}"#, "https://{r}.h", &["server_invalid"]),
            (r#"{"url":"https://{r}.h"}"#, "https://{r}.h", &["server_invalid"]),
            (r#"{"url":"{u}","variables":{"u":{"default":"https://h.example/x"}}}"#, "https://h.example/x", &[]),
            (r#"{"url":"ftp://h"}"#, "ftp://h", &["server_invalid"]),
            (r#"{"url":"https://h:x"}"#, "https://h:x", &["server_invalid"]),
            (r#"{"url":"/v1"}"#, "/v1", &["server_relative"]),
        ] {
            let api = local(&format!(r#"{{"openapi":"3.0.0","servers":[{server}],{PATHS}}}"#));
            assert_eq!(api.servers, [expected], "{server}");
            assert_eq!(codes(&api), diagnostics, "{server}");
        }
    }

    /// SV-7
    #[test]
    fn the_nearest_list_that_is_not_empty_wins() {
        let text = r#"{"openapi":"3.0.0","servers":[{"url":"https://d"}],"paths":{
            "/a":{"servers":[{"url":"https://p"},{"url":"https://q"}],
                "get":{"servers":[{"url":"https://o"}]},"post":{"servers":[]},"put":{}},
            "/b":{"servers":[{"url":""}],"get":{}}}}"#;
        let api = local(text);
        let servers: Vec<_> = api.operations.iter().map(|o| o.servers.join(" ")).collect();
        assert_eq!(servers, ["https://o", "https://p https://q", "https://p https://q", "https://d"]);
        assert_eq!(codes(&api), ["server_invalid"]);
    }

    /// W17
    #[test]
    fn a_local_document_without_servers_is_a_warning() {
        let api = local(&format!(r#"{{"openapi":"3.0.0",{PATHS}}}"#));
        assert!(api.servers.is_empty());
        assert_eq!(codes(&api), ["server_missing"]);
        assert!(codes(&local(r#"{"openapi":"3.1.0"}"#)).is_empty(), "no operation, no need");
    }

    #[test]
    fn long_lists_are_cut() {
        let servers = vec![r#"{"url":"https://h"}"#; 101].join(",");
        let api = local(&format!(r#"{{"openapi":"3.0.0","servers":[{servers}],{PATHS}}}"#));
        assert_eq!(api.servers.len(), 100);
        assert_eq!(codes(&api), ["limit_exceeded"]);
    }
}
