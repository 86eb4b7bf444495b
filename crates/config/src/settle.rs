//! What follows from the merged configuration as a whole: the sign-in profile of the runtime and the service of
//! each MCP source. Done once, after the last scope (weakness 8).

use crate::diagnostic::Report;
use crate::table::LEGACY_INTROSPECTION;
use crate::tree::{At, Node, Object};
use crate::words::ValidationProfile;

/// Completes the merged tree.
pub(crate) fn settle(root: &mut Node, report: &mut Report) {
    auth(root, report);
    services(root);
}

/// CFG-40 to CFG-43: the legacy `mode` beats any profile, now with a warning; without it the last profile wins.
fn auth(root: &mut Node, report: &mut Report) {
    let auth = ["runtime", "server", "auth"].iter().try_fold(root, |node, key| node.object_mut()?.get_mut(key));
    let Some(auth) = auth.and_then(Node::object_mut) else { return };
    let introspection = ValidationProfile::Oauth2Introspection.as_str();
    match (auth.get("mode"), auth.get("validationProfile")) {
        (Some(mode), profile) => {
            if let Some(profile) = profile.filter(|profile| profile.text() != Some(introspection)) {
                let message = format!(
                    "conflicts with the legacy mode {LEGACY_INTROSPECTION}, which wins; remove runtime.server.auth.mode"
                );
                report.merged_warning(profile.at, "runtime.server.auth.validationProfile", message);
            }
            let at = mode.at;
            auth.set("validationProfile", Node::text_at(at, introspection));
        }
        (None, Some(profile)) if profile.text() == Some(introspection) => {
            let at = profile.at;
            auth.set("mode", Node::text_at(at, LEGACY_INTROSPECTION));
        }
        _ => {}
    }
}

/// CFG-50: an MCP source has a service of its own name.
fn services(root: &mut Node) {
    let Some(root) = root.object_mut() else { return };
    let is_mcp = |source: &Object| source.text("type") == Some("mcp");
    let mcp: Vec<(String, At)> = root
        .get("sources")
        .and_then(Node::object)
        .into_iter()
        .flat_map(|sources| &sources.members)
        .filter(|(_, member)| member.node.object().is_some_and(is_mcp))
        .map(|(name, member)| (name.clone(), member.node.at))
        .collect();
    for (name, at) in mcp {
        let service = root.child("services", at).child(&name, at);
        if !service.has("source") {
            service.set("source", Node::text_at(at, &name));
        }
    }
}
