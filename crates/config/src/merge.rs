//! Laying a scope over the scopes before it (config-and-state §1.5). Works on trees, so that every value keeps
//! the place where it was written and "explicitly set" is simply "present" (weakness 9). What the managed scope
//! says about sources, secrets, sign-in and exec secrets is final (weakness 6, deviation 8).

pub(crate) mod transitions;

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::locations::Scope;
use crate::table::{Kind, Managed, ROOT, Shape};
use crate::tree::{Member, Node, Object, Value, join};

/// Lays the tree of a later scope over the accumulated one. Both have passed validation.
pub(crate) fn scope(accumulated: &mut Node, later: Node, report: &mut Report) {
    accumulated.at = later.at;
    if let (Some(into), Value::Object(from)) = (accumulated.object_mut(), later.value) {
        Merge { report }.object(into, from, &ROOT, "");
    }
}

struct Merge<'a> {
    report: &'a mut Report,
}

impl Merge<'_> {
    fn object(&mut self, into: &mut Object, from: Object, shape: &'static Shape, path: &str) {
        if let Some(transition) = shape.before_merge {
            transition(into, &from);
        }
        for (key, member) in from.members {
            if let Some(field) = shape.field(&key) {
                let path = join(path, &key);
                self.member(into, key, member, &field.kind, field.managed, &path);
            }
        }
    }

    fn member(
        &mut self,
        into: &mut Object,
        key: String,
        later: Member,
        kind: &'static Kind,
        managed: Managed,
        path: &str,
    ) {
        if managed == Managed::Final && self.is_final(into.get(&key), &later.node, path) {
            return;
        }
        let Member { key_at, node } = later;
        match (kind, node.value) {
            (Kind::Object(shape), Value::Object(from)) => {
                let slot = slot(into, key, Member { key_at, node: Node::empty_object(node.at) });
                if let Some(into) = slot.object_mut() {
                    self.object(into, from, shape, path);
                }
            }
            (Kind::Map(kind), Value::Object(from)) => {
                let slot = slot(into, key, Member { key_at, node: Node::empty_object(node.at) });
                if let Some(into) = slot.object_mut() {
                    self.entries(into, from, kind, managed, path);
                }
            }
            (Kind::Patterns, Value::List(from)) => {
                let empty = Node { at: node.at, value: Value::List(Vec::new()) };
                let slot = slot(into, key, Member { key_at, node: empty });
                if let Value::List(items) = &mut slot.value {
                    unite(items, from);
                }
            }
            (_, value) => {
                into.members.insert(key, Member { key_at, node: Node { at: node.at, value } });
            }
        }
    }

    fn entries(&mut self, into: &mut Object, from: Object, kind: &'static Kind, managed: Managed, path: &str) {
        for (id, member) in from.members {
            let path = join(path, &id);
            if matches!(member.node.value, Value::Null) {
                self.remove(into, &id, &member, &path);
                continue;
            }
            let managed = if managed == Managed::FinalEntries { Managed::Final } else { Managed::Open };
            self.member(into, id, member, kind, managed, &path);
        }
    }

    /// Weakness 18: `null` takes back what an earlier scope said, unless that was the managed one.
    fn remove(&mut self, into: &mut Object, id: &str, later: &Member, path: &str) {
        let from_managed = into.members.get(id).map(|earlier| self.report.scope(earlier.key_at) == Scope::Managed);
        match from_managed {
            Some(false) => {
                into.remove(id);
            }
            Some(true) => {
                let message = "the managed configuration defines this; it cannot be removed, and null is ignored";
                self.report.warning(later.key_at, path, message);
            }
            None => {
                let message = "null removes what an earlier scope defines, but none defines this";
                self.report.warning(later.key_at, path, message);
            }
        }
    }

    /// Did the managed scope have the last word? Saying the same again is no attempt to override.
    fn is_final(&mut self, earlier: Option<&Node>, later: &Node, path: &str) -> bool {
        let Some(earlier) = earlier else { return false };
        if earlier.is_empty() || self.report.scope(earlier.at) != Scope::Managed {
            return false;
        }
        if self.report.scope(later.at) == Scope::Managed {
            return false;
        }
        if !earlier.covers(later) {
            let message = "the managed configuration sets this and is final; the value here is ignored";
            self.report.warning(later.at, path, message);
        }
        true
    }
}

/// The accumulated member, created when absent, now belonging to the place of the later one. The key keeps the
/// place of the scope that introduced it.
fn slot(into: &mut Object, key: String, later: Member) -> &mut Node {
    let at = later.node.at;
    let node = &mut into.members.entry(key).or_insert(later).node;
    node.at = at;
    node
}

/// Existing order first, then what is new; exact duplicates and empty texts are dropped.
fn unite(items: &mut Vec<Node>, from: Vec<Node>) {
    let mut seen: HashSet<String> = items.iter().filter_map(Node::text).map(str::to_owned).collect();
    items.extend(
        from.into_iter()
            .filter(|item| item.text().is_some_and(|text| !text.is_empty() && seen.insert(text.to_owned()))),
    );
}
