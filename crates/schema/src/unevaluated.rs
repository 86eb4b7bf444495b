//! `unevaluatedProperties`, `unevaluatedItems` (2020-12 §11): what no other keyword of the schema, or of the schemas in
//! place that fit, has said anything about. A second walk, only where these keywords stand.

use crate::Schema;
use crate::check::{Budget, Path, Report, Step};
use crate::json::Json;
use crate::node::{ListRules, Node, NodeId, ObjectRules, Types};

/// What was evaluated: a flag for each member or item.
type Seen = Vec<bool>;

impl Schema {
    pub(crate) fn check_unevaluated<R: Report>(
        &self,
        node: &Node,
        value: &Json<'_>,
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) -> bool {
        let (rest, length) = match value {
            Json::Object(members) => (node.object.as_ref().and_then(|object| object.unevaluated), members.len()),
            Json::List(items) => (node.list.as_ref().and_then(|list| list.unevaluated), items.len()),
            _ => return true,
        };
        let Some(rest) = rest else { return true };
        let mut seen = vec![false; length];
        self.mark(node, value, false, &mut seen, budget);
        let mut ok = true;
        for index in seen.iter().enumerate().filter(|(_, seen)| !**seen).map(|(index, _)| index) {
            let (step, inner) = match value {
                Json::Object(members) => (Step::Member(&members[index].0), &members[index].1),
                Json::List(items) => (Step::Item(index), &items[index]),
                _ => return true,
            };
            let at = Path { parent: Some(at), step };
            if self.node(rest).types == Types::NONE {
                report.fault(&at, || "nothing here: the description does not know it".into());
                ok = false;
            } else if !self.check(rest, inner, &at, budget, report) {
                ok = false;
            }
            if !ok && !R::COLLECTS {
                return false;
            }
        }
        ok
    }

    fn mark_in(&self, id: NodeId, value: &Json<'_>, seen: &mut Seen, budget: &mut Budget) {
        if !seen.iter().all(|seen| *seen) && self.quietly(id, value, budget) {
            self.mark(self.node(id), value, true, seen, budget);
        }
    }

    /// Marks what the node evaluates; its own `unevaluated…` keywords only when it stands within another.
    fn mark(&self, node: &Node, value: &Json<'_>, is_inner: bool, seen: &mut Seen, budget: &mut Budget) {
        if let Some(reference) = node.reference {
            self.mark_in(reference, value, seen, budget);
        }
        match (value, &node.object, &node.list) {
            (Json::Object(members), Some(rules), _) => {
                let is_rest = |rest: Option<NodeId>| rest.is_some();
                for ((key, _), seen) in members.iter().zip(seen.iter_mut()) {
                    *seen |= evaluates(rules, key) || (is_inner && is_rest(rules.unevaluated));
                }
                for (name, id) in &rules.dependent {
                    if members.iter().any(|(key, _)| **key == **name) {
                        self.mark_in(*id, value, seen, budget);
                    }
                }
            }
            (Json::List(items), _, Some(rules)) => self.mark_items(rules, items, is_inner, seen, budget),
            _ => {}
        }
        let Some(combined) = &node.combined else { return };
        for id in combined.all_of.iter().chain(&combined.any_of).chain(&combined.one_of) {
            self.mark_in(*id, value, seen, budget);
        }
        if let Some(condition) = &combined.condition {
            let branch = if self.quietly(condition.when, value, budget) {
                self.mark_in(condition.when, value, seen, budget);
                condition.then
            } else {
                condition.otherwise
            };
            if let Some(branch) = branch {
                self.mark_in(branch, value, seen, budget);
            }
        }
    }

    fn mark_items(
        &self,
        rules: &ListRules,
        items: &[Json<'_>],
        is_inner: bool,
        seen: &mut Seen,
        budget: &mut Budget,
    ) {
        let all = rules.items.is_some() || (is_inner && rules.unevaluated.is_some());
        for (index, (item, seen)) in items.iter().zip(seen.iter_mut()).enumerate() {
            *seen |= all
                || index < rules.prefix.len()
                || rules.contains.as_ref().is_some_and(|contains| self.quietly(contains.node, item, budget));
        }
    }
}

fn evaluates(rules: &ObjectRules, key: &str) -> bool {
    rules.additional.is_some()
        || rules.property(key).is_some()
        || rules.patterns.iter().any(|(pattern, _)| pattern.regex.is_match(key))
}
