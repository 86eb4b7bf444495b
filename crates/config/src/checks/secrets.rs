//! Completeness of secrets, wherever they stand (weakness 15, CFG-20).

use super::Spot;
use crate::diagnostic::Report;
use crate::table::{OAUTH_SECRET_WORD, STATIC_SECRET_WORDS};

pub(super) fn check(root: &Spot<'_>, report: &mut Report) {
    for (_, secret) in root.children("secrets") {
        match secret.text("type") {
            Some(OAUTH_SECRET_WORD) => {
                secret.require("mode", "required: authorizationCode or clientCredentials", report);
                client(&secret, report);
            }
            None if secret.object.has("mode") => {
                secret.require("type", "required: oauth2", report);
            }
            _ => static_secret(&secret, report),
        }
    }
    for (_, source) in root.children("sources") {
        if let Some(oauth) = source.child("oauth") {
            client(&oauth, report);
        }
    }
    let Some(runtime) = root.child("runtime") else { return };
    if let Some(auth) = runtime.child("server").and_then(|server| server.child("auth")) {
        client(&auth, report);
    }
    let remote = runtime.child("remote").and_then(|remote| remote.child("oauth")?.child("client"));
    if let Some(remote) = remote {
        client(&remote, report);
    }
}

fn client(holder: &Spot<'_>, report: &mut Report) {
    for key in ["clientId", "clientSecret"] {
        if let Some(secret) = holder.child(key) {
            static_secret(&secret, report);
        }
    }
}

fn static_secret(secret: &Spot<'_>, report: &mut Report) {
    match secret.text("type") {
        None => {
            let message = format!("required: one of {}", STATIC_SECRET_WORDS.join(", "));
            secret.require("type", &message, report);
        }
        // The value may be a program's path instead of a command line.
        Some("exec") => {
            let words = secret.object.get("command").and_then(crate::tree::Node::list).unwrap_or_default();
            let program = words.first().and_then(crate::tree::Node::text).unwrap_or_default();
            let has_command = secret.object.has("command");
            if program.is_empty() && (has_command || !secret.object.has("value")) {
                let at = secret.object.get("command").map_or(secret.at, |command| command.at);
                let message = "required for exec: a program and its arguments";
                report.merged_fault(at, &secret.path_of("command"), message);
            }
        }
        Some(kind) => {
            let meaning = match kind {
                "env" => "the name of the environment variable",
                "file" => "the path of the file",
                "osKeychain" => "service/account",
                _ => "the secret",
            };
            secret.require("value", &format!("required for {kind}: {meaning}"), report);
        }
    }
}
