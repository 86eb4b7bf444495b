//! `mcpServers`, the compatibility input: each entry becomes an MCP source before its scope is merged
//! (config-and-state §1.6). Empty lists stay and clear (weakness 10), the same name may be refined under `sources`
//! (weakness 11), and the transport type is inferred where other programs leave it out (weakness 12).

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::table::TRANSPORT;
use crate::tree::{At, Member, Node, Object, Value, join};

const INPUT: &str = "mcpServers";

/// Names that came from `mcpServers` in the scopes read so far.
#[derive(Default)]
pub(crate) struct McpNames(HashSet<String>);

/// Moves the `mcpServers` of one scope into its `sources`. `accumulated` holds the scopes before it.
pub(crate) fn normalise(root: &mut Node, accumulated: &Node, names: &mut McpNames, report: &mut Report) {
    let Some(root) = root.object_mut() else { return };
    check_sources(root, accumulated, names, report);
    let Some(Value::Object(servers)) = root.remove(INPUT).map(|node| node.value) else { return };
    for (name, server) in servers.members {
        let earlier = accumulated.find(&["sources", &name]);
        let is_other =
            |source: &Node| source.find(&["type"]).and_then(Node::text).is_some_and(|kind| kind != "mcp");
        let beside = root.get("sources").and_then(Node::object).and_then(|sources| sources.get(&name));
        if beside.or(earlier).is_some_and(is_other) {
            ambiguous(report, &server, INPUT, &name, "it also names a source that is not mcp; rename one of them");
            continue;
        }
        let beside_is_removal = beside.is_some_and(|source| matches!(source.value, Value::Null));
        let server_at = server.key_at;
        let Member { node, .. } = server;
        let Node { at, value } = node;
        let source = match value {
            Value::Object(fields) => to_source(at, fields, earlier),
            value => Node { at, value },
        };
        let member = Member { key_at: server_at, node: source };
        let both = beside_is_removal || (beside.is_some() && matches!(member.node.value, Value::Null));
        let sources = root.child("sources", at);
        match sources.members.get_mut(&name) {
            Some(existing) => {
                if both || !unite(&mut existing.node, &member.node) {
                    ambiguous(report, &member, INPUT, &name, "sources gives the same setting; keep one of them");
                }
            }
            None => {
                sources.members.insert(name.clone(), member);
            }
        }
        names.0.insert(name);
    }
}

/// CFG-48, the other direction: an earlier scope's `mcpServers` name used for another kind of source.
fn check_sources(root: &mut Object, accumulated: &Node, names: &McpNames, report: &mut Report) {
    let Some(sources) = root.get_mut("sources").and_then(Node::object_mut) else { return };
    sources.members.retain(|name, member| {
        let is_other = member.node.find(&["type"]).and_then(Node::text).is_some_and(|kind| kind != "mcp");
        let taken = names.0.contains(name) && accumulated.find(&["sources", name]).is_some();
        if is_other && taken {
            ambiguous(
                report,
                member,
                "sources",
                name,
                "an earlier scope defines it under mcpServers; rename one of them",
            );
        }
        !(is_other && taken)
    });
}

/// The fault, and silence about the source of that name, which is now anyone's guess.
fn ambiguous(report: &mut Report, member: &Member, map: &str, name: &str, why: &str) {
    report.fault(member.key_at, &join(map, name), format!("ambiguous name: {why}"));
    report.mark_broken(join("sources", name));
}

/// CFG-45: the transport keys move into `transport`; without any there is none.
fn to_source(at: At, fields: Object, earlier: Option<&Node>) -> Node {
    let mut source = Object::default();
    let mut transport = Object::default();
    source.set("type", Node::text_at(at, "mcp"));
    for (key, member) in fields.members {
        let into = if TRANSPORT.field(&key).is_some() { &mut transport } else { &mut source };
        into.members.insert(key, member);
    }
    let inherited = earlier.and_then(|source| source.find(&["transport", "type"]));
    if !transport.has("type") && inherited.is_none() {
        match (transport.has("command"), transport.has("url")) {
            (true, false) => transport.set("type", Node::text_at(at, "stdio")),
            (false, true) => transport.set("type", Node::text_at(at, "streamable-http")),
            _ => {}
        }
    }
    if !transport.members.is_empty() {
        source.set("transport", Node { at, value: Value::Object(transport) });
    }
    Node { at, value: Value::Object(source) }
}

/// Adds the settings of an `mcpServers` entry to the `sources` entry of the same file. False when both give the
/// same setting; `type` may be given twice, as both say `mcp`.
fn unite(source: &mut Node, server: &Node) -> bool {
    let (Some(into), Some(from)) = (source.object_mut(), server.object()) else { return false };
    from.members.iter().all(|(key, member)| match into.members.get_mut(key) {
        None => {
            into.members.insert(key.clone(), member.clone());
            true
        }
        Some(_) if key == "type" && member.node.text() == Some("mcp") => true,
        Some(existing) if matches!(key.as_str(), "transport" | "oauth") => unite(&mut existing.node, &member.node),
        Some(_) => false,
    })
}
