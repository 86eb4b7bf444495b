//! Names that must lead somewhere (CFG-75 to CFG-77, weakness 14). What other programs accept is a warning here;
//! the policy admits nothing where such a name leads nowhere.

use std::collections::BTreeMap;

use super::Spot;
use crate::diagnostic::Report;
use crate::suggest;
use crate::tree::{Node, Object};

pub(super) fn check(root: &Spot<'_>, report: &mut Report) {
    services(root, report);
    aliases(root, report);
    agents(root, report);
    header_secrets(root, report);
}

fn map<'a>(root: &Spot<'a>, keys: &[&str]) -> Option<&'a Object> {
    root.object.get(keys[0])?.find(&keys[1..])?.object()
}

/// `; did you mean "x"?` among the keys of a map.
fn hint(name: &str, map: Option<&Object>) -> String {
    // Bounded: a suggestion is a courtesy.
    let known: Vec<&str> =
        map.into_iter().flat_map(|map| map.members.keys()).map(String::as_str).take(256).collect();
    suggest::hint(name, known.iter().copied())
}

fn services(root: &Spot<'_>, report: &mut Report) {
    let sources = map(root, &["sources"]);
    for (id, service) in root.children("services") {
        let Some(name) = service.object.get("source") else {
            service.require("source", "required: the id of an entry of sources", report);
            continue;
        };
        let (at, path, name) = (name.at, service.path_of("source"), name.text().unwrap_or_default());
        let kind = sources
            .and_then(|sources| sources.get(name))
            .map(|source| source.find(&["type"]).and_then(Node::text));
        let own_kind = sources.and_then(|sources| sources.get(id)?.find(&["type"])?.text());
        match kind {
            _ if own_kind == Some("mcp") && name != id => {
                report.merged_fault(
                    at,
                    &path,
                    format!("must reference \"{id}\": an mcp source is its own service"),
                );
            }
            None if report.is_broken(&format!("sources.{name}")) => {}
            None => {
                let message = format!("unknown source {name:?}{}", hint(name, sources));
                report.merged_fault(at, &path, message);
            }
            Some(Some("mcp")) if name != id => {
                let message =
                    format!("a second service for the mcp source {name:?}; its only service is {name:?}");
                report.merged_fault(at, &path, message);
            }
            Some(Some("apiCatalog")) => {
                let message = "an apiCatalog source finds its services itself; remove this service";
                report.merged_warning(at, &path, message);
            }
            Some(_) => {}
        }
    }
}

/// Two services that answer to one name; those of disabled sources answer to none.
fn aliases(root: &Spot<'_>, report: &mut Report) {
    let enabled = |service: &Spot<'_>| {
        let source = service.text("source").and_then(|name| map(root, &["sources"])?.get(name));
        source.and_then(|source| source.find(&["enabled"])).and_then(Node::flag) != Some(false)
    };
    // Explicit aliases last, so that a clash is reported where it can be changed.
    let mut services: Vec<_> = root.children("services").filter(|(_, service)| enabled(service)).collect();
    services.sort_by_key(|(id, service)| (service.object.has("alias"), *id));
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, service) in &services {
        let alias = service.text("alias").unwrap_or(id);
        if let Some(owner) = owners.insert(alias, id) {
            let at = service.object.get("alias").map_or(service.at, |alias| alias.at);
            let message = format!("service {owner:?} already answers to {alias:?}; choose another alias");
            report.merged_fault(at, &service.path_of("alias"), message);
        }
    }
}

fn agents(root: &Spot<'_>, report: &mut Report) {
    let Some(agents) = root.child("agents") else { return };
    let tool_sets = map(root, &["curation", "toolSets"]);
    for (_, profile) in agents.children("profiles") {
        if let Some(name) = profile.object.get("toolSet") {
            let text = name.text().unwrap_or_default();
            if !tool_sets.is_some_and(|sets| sets.has(text)) {
                let message =
                    format!("unknown tool set {text:?}{}; the profile admits nothing", hint(text, tool_sets));
                report.merged_warning(name.at, &profile.path_of("toolSet"), message);
            }
        } else if profile.text("mode") == Some("curated") {
            let message = "a curated profile without a tool set admits nothing; name one of curation.toolSets";
            report.merged_warning(profile.at, &profile.path_of("toolSet"), message);
        }
    }
    let profiles = map(root, &["agents", "profiles"]);
    if let Some(name) = agents.object.get("defaultProfile") {
        let text = name.text().unwrap_or_default();
        if !profiles.is_some_and(|profiles| profiles.has(text)) {
            let message = format!("unknown profile {text:?}{}; curated mode admits nothing", hint(text, profiles));
            report.merged_warning(name.at, &agents.path_of("defaultProfile"), message);
        }
    }
}

fn header_secrets(root: &Spot<'_>, report: &mut Report) {
    let secrets = map(root, &["secrets"]);
    for (_, source) in root.children("sources") {
        let Some(headers) = source.child("transport").and_then(|transport| transport.child("headerSecrets"))
        else {
            continue;
        };
        for (header, member) in &headers.object.members {
            let name = member.node.text().unwrap_or_default();
            if !secrets.is_some_and(|secrets| secrets.has(name)) {
                let message =
                    format!("unknown secret {name:?}{}; calls through this source fail", hint(name, secrets));
                report.merged_warning(member.node.at, &headers.path_of(header), message);
            }
        }
    }
}
