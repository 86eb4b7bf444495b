//! `disabledTools` fails closed (§17, deviation 6): whatever refers to nothing but disabled tools was written by somebody who
//! thinks that they are served, so their service is not. Tools that an overlay removed are another matter (W51).

use super::Made;
use crate::diagnostics::error;
use crate::overlays::ReadOverlay;
use crate::plan::Plan;
use crate::service::BuiltService;
use open_cli_config::Loaded;
use open_cli_contract::catalog::Diagnostic;
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_contract::glob::Pattern;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// DT-7.
fn label<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<String> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    let word = if names.len() == 1 { "tool" } else { "tools" };
    format!("disabled MCP {word} {}", Vec::from_iter(names).join(", "))
}

fn refused(message: String) -> Diagnostic {
    let code = DiagnosticCode::McpToolDisabled;
    error("", code.as_str(), message, code.advice())
}

/// DT-2, DT-3: actions of overlays whose target is nothing but disabled tools, however it is spelled. Blocking.
pub(crate) fn check_overlays(plan: &Plan, made: &Made, overlays: &[ReadOverlay]) -> Result<(), Box<Diagnostic>> {
    let Some(with_disabled) = &made.with_disabled else { return Ok(()) };
    // What this program wrote can be read.
    let document: Value = serde_json::from_str(with_disabled).unwrap_or_default();
    for overlay in overlays {
        for action in overlay.overlay.actions() {
            let Some(paths) = action.members_of("paths", &document).filter(|paths| !paths.is_empty()) else {
                continue;
            };
            let disabled: Vec<&str> =
                paths.iter().filter_map(|path| made.disabled.get(*path)).map(String::as_str).collect();
            if disabled.len() == paths.len() {
                return Err(Box::new(refused(format!(
                    "source \"{}\", service \"{}\": overlay \"{}\", {}, target {} refers to the {}",
                    plan.source_id,
                    plan.name(),
                    overlay.location,
                    action.number(),
                    action.target,
                    label(disabled)
                ))));
            }
        }
    }
    Ok(())
}

/// DT-5, DT-6: takes out the services whose disabled tools are all that a pattern of the policy matches.
pub(crate) fn unserved(loaded: &Loaded, services: &mut Vec<Arc<BuiltService>>) -> Vec<Diagnostic> {
    let disabled_of = |built: &BuiltService| {
        built.inputs.mcp.as_ref().map(|mcp| Arc::clone(&mcp.disabled)).filter(|disabled| !disabled.is_empty())
    };
    if !services.iter().any(|built| disabled_of(built).is_some()) {
        return Vec::new();
    }
    let live: Vec<&str> = services.iter().flat_map(|built| built.shelf.ids()).collect();
    // A pattern that matches a tool which is served is fine (DT-8).
    let lost: Vec<(String, Pattern)> = patterns(loaded)
        .map(|(artifact, pattern)| (artifact, Pattern::new(pattern)))
        .filter(|(_, pattern)| !live.iter().any(|id| pattern.matches(id)))
        .collect();
    let mut diagnostics = Vec::new();
    let mut gone = BTreeSet::new();
    for built in services.iter() {
        let (id, source) = (&built.service.id, &built.service.source_id);
        let Some(disabled) = disabled_of(built) else { continue };
        for (artifact, pattern) in &lost {
            let is_matched = |name: &&String| pattern.matches(&format!("{id}:{name}"));
            let matched: Vec<&str> = disabled.iter().filter(is_matched).map(String::as_str).collect();
            if !matched.is_empty() {
                let message = format!(
                    "source \"{source}\", service \"{id}\": {artifact} pattern \"{}\" matches nothing but the {}",
                    pattern.as_str(),
                    label(matched)
                );
                diagnostics.push(Diagnostic { source: id.clone(), ..refused(message) });
                gone.insert(id.clone());
            }
        }
    }
    services.retain(|built| !gone.contains(&built.service.id));
    diagnostics
}

/// In the order in which they are checked. `policy.deny` may name what is not there: it asks for nothing.
fn patterns(loaded: &Loaded) -> impl Iterator<Item = (String, &str)> {
    let config = &loaded.config;
    let approval =
        config.policy.approval_required.iter().map(|p| ("policy.approvalRequired".to_owned(), p.as_str()));
    let managed = loaded.managed_deny.iter().map(|p| ("policy.managedDeny".to_owned(), p.as_str()));
    let sets = config.curation.tool_sets.iter().flat_map(|(name, set)| {
        let allow = set.allow.iter().map(move |p| (format!("toolSet \"{name}\" allow"), p.as_str()));
        allow.chain(set.deny.iter().map(move |p| (format!("toolSet \"{name}\" deny"), p.as_str())))
    });
    approval.chain(managed).chain(sets)
}
