//! Rules for `sources` (CFG-60 to CFG-74), disabled ones included.

use url::Url;

use super::Spot;
use crate::diagnostic::Report;
use crate::tree::Node;
use crate::words::{SourceKind, TransportKind};

pub(super) fn check(root: &Spot<'_>, report: &mut Report) {
    for (_, source) in root.children("sources") {
        match source.text("type").and_then(SourceKind::from_word) {
            Some(SourceKind::Mcp) => mcp(&source, report),
            Some(kind) => document(&source, kind, report),
            None => {
                let message = format!("required: one of {}", SourceKind::WORDS.join(", "));
                source.require("type", &message, report);
            }
        }
    }
}

fn document(source: &Spot<'_>, kind: SourceKind, report: &mut Report) {
    if source.require("uri", &format!("required for {kind} sources"), report) && kind != SourceKind::OpenApi {
        let is_url = |text: &str| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        // CFG-81: these are asked over HTTP, so a relative path can only be a mistake.
        if let Some(uri) = source.object.get("uri").filter(|uri| !uri.text().is_some_and(is_url)) {
            let message = format!("must be an absolute http or https URL for {kind} sources");
            report.merged_fault(uri.at, &source.path_of("uri"), message);
        }
    }
    for key in ["transport", "oauth"] {
        source.forbid_even_empty(key, "only allowed for mcp sources", report);
    }
    source.forbid("disabledTools", "only allowed for mcp sources", report);
}

fn mcp(source: &Spot<'_>, report: &mut Report) {
    source.forbid("uri", "not allowed for mcp sources; the address belongs in transport.url", report);
    if !source.require("transport", "required for mcp sources", report) {
        return;
    }
    let Some(transport) = source.child("transport") else { return };
    let Some(kind) = transport.text("type").and_then(TransportKind::from_word) else {
        let message = format!("required: one of {}", TransportKind::WORDS.join(", "));
        transport.require("type", &message, report);
        return;
    };
    let refused = format!("not allowed for {kind}");
    let (needed, foreign): (_, &[&str]) = match kind {
        TransportKind::Stdio => ("command", &["url", "headers", "headerSecrets"]),
        TransportKind::Sse | TransportKind::StreamableHttp => ("url", &["command", "args", "env"]),
    };
    transport.require(needed, &format!("required for {kind}"), report);
    for key in foreign {
        transport.forbid(key, &refused, report);
    }
    if kind == TransportKind::StreamableHttp {
        if let Some(oauth) = source.child("oauth") {
            client_credentials(&oauth, report);
        }
    } else {
        source.forbid_even_empty("oauth", &refused, report);
    }
    headers(&transport, source.object.has("oauth"), report);
}

/// CFG-68 to CFG-72.
fn client_credentials(oauth: &Spot<'_>, report: &mut Report) {
    if !oauth.require("mode", "required: clientCredentials", report) {
        return;
    }
    match oauth.text("mode") {
        Some("clientCredentials") => {}
        Some(word) => {
            let message = match word {
                "openIdConnect" => "not a direct oauth mode; use clientCredentials with an issuer",
                _ => "must be clientCredentials; an MCP server is called without a person present",
            };
            let at = oauth.object.get("mode").map_or(oauth.at, |mode| mode.at);
            report.merged_fault(at, &oauth.path_of("mode"), message);
            return;
        }
        None => return,
    }
    for key in ["clientId", "clientSecret"] {
        oauth.require(key, "required for clientCredentials", report);
    }
    if !oauth.object.has("issuer") && !oauth.object.has("tokenURL") {
        report.merged_fault(oauth.at, &oauth.path, "issuer or tokenURL is required for clientCredentials");
    }
    for key in ["authorizationURL", "interactive", "callbackPort", "redirectURI"] {
        oauth.forbid_even_empty(key, "not allowed for clientCredentials", report);
    }
}

/// CFG-73, CFG-74: a header has one owner.
fn headers(transport: &Spot<'_>, has_oauth: bool, report: &mut Report) {
    let map = |key: &str| transport.object.get(key).and_then(Node::object).map(|object| &object.members);
    let (plain, secret) = (map("headers"), map("headerSecrets"));
    for (map, members) in [("headers", plain), ("headerSecrets", secret)] {
        for (name, member) in members.into_iter().flatten() {
            let path = transport.path_of(&format!("{map}.{name}"));
            let in_plain = || plain.into_iter().flatten().any(|(other, _)| other.eq_ignore_ascii_case(name));
            if has_oauth && name.eq_ignore_ascii_case("authorization") {
                report.merged_fault(member.key_at, &path, "owned by oauth; remove this header or the oauth block");
            } else if map == "headerSecrets" && in_plain() {
                report.merged_fault(member.key_at, &path, "duplicates a name in headers; keep one of them");
            }
        }
    }
}
