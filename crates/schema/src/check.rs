//! The one walk over a value and its schema. Asked whether the value fits, it stops at the first fault; asked what is
//! wrong, it goes on. Its work is bounded, because alternatives within alternatives can multiply.

use crate::Schema;
use crate::faults::{choices, names};
use crate::json::Json;
use crate::node::{Combined, ListRules, Node, NodeId, ObjectRules, Types};
use crate::scalars::{are_unique, check_number, check_text, wrong};
use std::borrow::Cow;

/// Schemas that a value is held against, all in all: so many, and so many more for each value within it.
const BASE_STEPS: u64 = 20_000;
const STEPS_PER_VALUE: u64 = 200;
/// Schemas within each other. JSON itself is at most 128 deep.
const MAX_DEPTH: u32 = 512;

/// What is left of the work.
pub(crate) struct Budget {
    steps: u64,
    depth: u32,
}

impl Budget {
    pub(crate) fn of(value: &Json<'_>) -> Self {
        Self { steps: BASE_STEPS + STEPS_PER_VALUE * size(value), depth: MAX_DEPTH }
    }
}

/// Values within a value.
fn size(value: &Json<'_>) -> u64 {
    match value {
        Json::List(items) => 1 + items.iter().map(size).sum::<u64>(),
        Json::Object(members) => 1 + members.iter().map(|(_, value)| size(value)).sum::<u64>(),
        _ => 1,
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    pub(crate) parent: Option<&'p Path<'p>>,
    pub(crate) step: Step<'p>,
}

#[derive(Clone, Copy)]
pub(crate) enum Step<'p> {
    Root,
    Member(&'p str),
    Item(usize),
}

impl Path<'_> {
    pub(crate) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };
}

/// Who is told of faults.
pub(crate) trait Report {
    /// Goes on after the first fault.
    const COLLECTS: bool;
    fn fault(&mut self, at: &Path<'_>, expected: impl FnOnce() -> String);
    fn missing(&mut self, at: &Path<'_>, name: &str);
}

/// Nobody: only whether the value fits is asked.
pub(crate) struct Quiet;

impl Report for Quiet {
    const COLLECTS: bool = false;
    fn fault(&mut self, _: &Path<'_>, _: impl FnOnce() -> String) {}
    fn missing(&mut self, _: &Path<'_>, _: &str) {}
}

/// Takes part of the walk over; ends it when that part failed and the first fault is enough.
macro_rules! and {
    ($ok:ident, $part:expr) => {
        if !$part {
            if !R::COLLECTS {
                return false;
            }
            $ok = false;
        }
    };
}

impl Schema {
    /// Does the value fit?
    pub fn fits(&self, value: &Json<'_>) -> bool {
        self.fits_at(0, value)
    }

    pub(crate) fn fits_at(&self, node: NodeId, value: &Json<'_>) -> bool {
        self.check(node, value, &Path::ROOT, &mut Budget::of(value), &mut Quiet)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn quietly(&self, id: NodeId, value: &Json<'_>, budget: &mut Budget) -> bool {
        self.check(id, value, &Path::ROOT, budget, &mut Quiet)
    }

    pub(crate) fn check<R: Report>(
        &self,
        id: NodeId,
        value: &Json<'_>,
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) -> bool {
        if budget.steps == 0 || budget.depth == 0 {
            return false;
        }
        budget.steps -= 1;
        budget.depth -= 1;
        let fits = self.check_node(self.node(id), value, at, budget, report);
        budget.depth += 1;
        fits
    }

    fn check_node<R: Report>(
        &self,
        node: &Node,
        value: &Json<'_>,
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) -> bool {
        if node.nullable && matches!(value, Json::Null) {
            return true;
        }
        if !node.types.allows(Types::of(value)) {
            report.fault(at, || expected_type(node));
            return false;
        }
        let mut ok = true;
        if let Some(reference) = node.reference {
            and!(ok, self.check(reference, value, at, budget, report));
        }
        if let Some(allowed) = &node.choices
            && !allowed.iter().any(|choice| choice == value)
        {
            wrong!(report, ok, at, choices(allowed));
        }
        match value {
            Json::Text(text) => {
                if let Some(rules) = &node.text {
                    and!(ok, check_text(rules, text, at, report));
                }
            }
            Json::Number(number) => {
                if let Some(rules) = &node.number {
                    and!(ok, check_number(rules, *number, node.types, at, report));
                }
            }
            Json::List(items) => {
                if let Some(rules) = &node.list {
                    and!(ok, self.check_list(rules, items, at, budget, report));
                }
            }
            Json::Object(members) => {
                if let Some(rules) = &node.object {
                    and!(ok, self.check_object(rules, value, members, at, budget, report));
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
        if let Some(combined) = &node.combined {
            and!(ok, self.check_combined(combined, value, at, budget, report));
        }
        // Last: what the other keywords evaluated is left alone.
        if has_unevaluated(node) && (ok || !R::COLLECTS) {
            and!(ok, self.check_unevaluated(node, value, at, budget, report));
        }
        ok
    }

    fn check_list<R: Report>(
        &self,
        rules: &ListRules,
        items: &[Json<'_>],
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) -> bool {
        let mut ok = true;
        if items.len() < rules.least {
            wrong!(report, ok, at, format!("a list of at least {}", rules.least));
        }
        if let Some(most) = rules.most.filter(|most| items.len() > *most) {
            wrong!(report, ok, at, format!("a list of at most {most}"));
        }
        for (index, item) in items.iter().enumerate() {
            let Some(node) = rules.prefix.get(index).copied().or(rules.items) else { break };
            let at = Path { parent: Some(at), step: Step::Item(index) };
            and!(ok, self.check(node, item, &at, budget, report));
        }
        if let Some(contains) = &rules.contains {
            let count = items.iter().filter(|item| self.quietly(contains.node, item, budget)).count();
            if count < contains.least || contains.most.is_some_and(|most| count > most) {
                wrong!(report, ok, at, "a list with the items that the description asks for".into());
            }
        }
        if rules.unique && !are_unique(items) {
            wrong!(report, ok, at, "a list without repetitions".into());
        }
        ok
    }

    fn check_object<R: Report>(
        &self,
        rules: &ObjectRules,
        value: &Json<'_>,
        members: &[(Cow<'_, str>, Json<'_>)],
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) -> bool {
        let mut ok = true;
        let has = |name: &str| members.iter().any(|(key, _)| key == name);
        for name in rules.required.iter().filter(|name| !has(name)) {
            report.missing(at, name);
            and!(ok, false);
        }
        if members.len() < rules.least {
            wrong!(report, ok, at, format!("at least {} members", rules.least));
        }
        if let Some(most) = rules.most.filter(|most| members.len() > *most) {
            wrong!(report, ok, at, format!("at most {most} members"));
        }
        for (key, value) in members {
            let inner = Path { parent: Some(at), step: Step::Member(key) };
            let described = rules.property(key);
            let mut is_known = described.is_some();
            if let Some(node) = described {
                and!(ok, self.check(node, value, &inner, budget, report));
            }
            for (_, node) in rules.patterns.iter().filter(|(pattern, _)| pattern.regex.is_match(key)) {
                is_known = true;
                and!(ok, self.check(*node, value, &inner, budget, report));
            }
            match rules.additional {
                Some(node) if !is_known => {
                    if self.node(node).types == Types::NONE {
                        wrong!(report, ok, &inner, unknown_member(rules));
                    } else {
                        and!(ok, self.check(node, value, &inner, budget, report));
                    }
                }
                _ => {}
            }
            if let Some(names) = rules.names {
                let name = Json::Text(Cow::Borrowed(key));
                if !self.quietly(names, &name, budget) {
                    wrong!(report, ok, &inner, "a member whose name the description allows".into());
                }
            }
        }
        for (_, needed) in rules.dependent_required.iter().filter(|(name, _)| has(name)) {
            for name in needed.iter().filter(|name| !has(name)) {
                report.missing(at, name);
                and!(ok, false);
            }
        }
        for (_, node) in rules.dependent.iter().filter(|(name, _)| has(name)) {
            and!(ok, self.check(*node, value, at, budget, report));
        }
        ok
    }

    fn check_combined<R: Report>(
        &self,
        combined: &Combined,
        value: &Json<'_>,
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) -> bool {
        let mut ok = true;
        for node in &combined.all_of {
            and!(ok, self.check(*node, value, at, budget, report));
        }
        if !combined.any_of.is_empty() && !combined.any_of.iter().any(|node| self.quietly(*node, value, budget)) {
            if !R::COLLECTS {
                return false;
            }
            self.nearest(&combined.any_of, combined, value, at, budget, report);
            ok = false;
        }
        if !combined.one_of.is_empty() {
            let mut fitting = combined.one_of.iter().filter(|node| self.quietly(**node, value, budget));
            let first = fitting.next();
            let second = fitting.next();
            match (first, second) {
                (Some(_), None) => {}
                (None, _) => {
                    if !R::COLLECTS {
                        return false;
                    }
                    self.nearest(&combined.one_of, combined, value, at, budget, report);
                    ok = false;
                }
                (Some(_), Some(_)) => {
                    wrong!(report, ok, at, "a value that fits exactly one of the described shapes".into());
                }
            }
        }
        if let Some(not) = combined.not
            && self.quietly(not, value, budget)
        {
            wrong!(report, ok, at, "a value that the description does not rule out".into());
        }
        if let Some(condition) = &combined.condition {
            let branch =
                if self.quietly(condition.when, value, budget) { condition.then } else { condition.otherwise };
            if let Some(branch) = branch {
                and!(ok, self.check(branch, value, at, budget, report));
            }
        }
        ok
    }

    /// Tells of the faults of the alternative that was most likely meant: the one the discriminator names, else the
    /// only one of the value's type.
    fn nearest<R: Report>(
        &self,
        alternatives: &[NodeId],
        combined: &Combined,
        value: &Json<'_>,
        at: &Path<'_>,
        budget: &mut Budget,
        report: &mut R,
    ) {
        if let Some(discriminator) = &combined.discriminator {
            let named = value.get(&discriminator.property).and_then(Json::as_text);
            let known = named.and_then(|named| discriminator.mapping.iter().find(|(value, _)| **value == *named));
            match (named, known) {
                (_, Some((_, node))) => {
                    self.check(*node, value, at, budget, report);
                    return;
                }
                (Some(_), None) if !discriminator.mapping.is_empty() => {
                    let at = Path { parent: Some(at), step: Step::Member(&discriminator.property) };
                    let values = discriminator.mapping.iter().map(|(value, _)| &**value);
                    report.fault(&at, || format!("one of: {}", names(values)));
                    return;
                }
                (None, None) if matches!(value, Json::Object(_)) => {
                    report.missing(at, &discriminator.property);
                    return;
                }
                _ => {}
            }
        }
        let kind = Types::of(value);
        let mut of_kind = alternatives.iter().filter(|node| self.types_at(**node).allows(kind));
        match (of_kind.next(), of_kind.next()) {
            (Some(only), None) => {
                self.check(*only, value, at, budget, report);
            }
            (None, _) => report.fault(at, || {
                let all = alternatives.iter().fold(Types::NONE, |all, node| all | self.types_at(*node));
                all.expected()
            }),
            _ => report.fault(at, || format!("a value that fits one of {} described shapes", alternatives.len())),
        }
    }
}

fn has_unevaluated(node: &Node) -> bool {
    node.object.as_ref().is_some_and(|object| object.unevaluated.is_some())
        || node.list.as_ref().is_some_and(|list| list.unevaluated.is_some())
}

fn expected_type(node: &Node) -> String {
    if node.types == Types::NONE {
        return "nothing here: the description allows no value".into();
    }
    match &node.choices {
        Some(allowed) => choices(allowed),
        None => node.types.expected(),
    }
}

fn unknown_member(rules: &ObjectRules) -> String {
    if rules.properties.is_empty() {
        return "no such member: the description knows none".into();
    }
    format!("no such member: the description knows {}", names(rules.properties.iter().map(|(name, _)| &**name)))
}
