//! Carrying actions out, in order, each on the result of the one before. An action that can't be carried out as
//! written changes nothing; the next ones still apply.

use crate::action::{Action, ActionKind, Modifier, Plan, Relocation};
use crate::diagnostic::{Report, code, diagnostic, quoted};
use crate::jsonpath::{Budget, Location, Node, QueryError};
use crate::limits::{MAX_ADDED_BYTES, MAX_ADDED_VALUES, MAX_DEPTH, MAX_STEPS};
use crate::merge::{self, Mismatch, Size};
use crate::{Overlay, Version, copy, remove};
use open_cli_contract::catalog::{Diagnostic, Severity};
use serde::Serialize;
use serde_json::Value;

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ActionStatus {
    /// The document was changed, unless what was written was there already.
    Applied,
    /// The target selects nothing.
    NoMatch,
    /// The target selects something, but the action has nothing to do with it.
    NoEffect,
    /// The action can't be carried out; it changed nothing.
    Refused,
}

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionOutcome {
    /// Its place in the list, from 0.
    pub index: usize,
    /// JSON Pointer into the overlay.
    pub pointer: String,
    /// The query as written.
    pub target: String,
    /// What the action does.
    pub kind: ActionKind,
    /// How it ended.
    pub status: ActionStatus,
    /// How many nodes the target selected.
    pub matched: usize,
    /// What this document and this action have against each other. Faults of the overlay itself are
    /// [`Overlay::diagnostics`].
    pub diagnostics: Vec<Diagnostic>,
}

/// What became of all actions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// One for each action, in order.
    pub actions: Vec<ActionOutcome>,
}

impl Applied {
    /// The diagnostics of all actions, bounded.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut report = Report::default();
        self.actions.iter().flat_map(|outcome| &outcome.diagnostics).for_each(|one| report.push(one.clone()));
        report.finish()
    }

    /// True when an action could not be carried out.
    pub fn is_incomplete(&self) -> bool {
        self.actions.iter().any(|outcome| outcome.status == ActionStatus::Refused)
    }

    /// The actions whose target selects nothing.
    pub fn unmatched(&self) -> impl Iterator<Item = &ActionOutcome> {
        self.actions.iter().filter(|outcome| outcome.status == ActionStatus::NoMatch)
    }
}

impl Overlay {
    /// Changes the document. Never fails as a whole: look at [`Applied::is_incomplete`].
    pub fn apply(&self, document: &mut Value) -> Applied {
        let mut run = Run { version: self.version, budget: Budget::new(MAX_STEPS), added: Size::default() };
        Applied { actions: self.actions.iter().map(|action| run.action(action, document)).collect() }
    }
}

/// One application of an overlay.
struct Run {
    version: Version,
    budget: Budget,
    added: Size,
}

/// How many of the selected nodes are what.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    objects: usize,
    lists: usize,
    scalars: usize,
}

/// An action at work.
struct Work<'a> {
    action: &'a Action,
    locations: Vec<Location>,
    kinds: Kinds,
}

type Refusal = Box<Diagnostic>;

impl Run {
    fn action(&mut self, action: &Action, document: &mut Value) -> ActionOutcome {
        let mut outcome = ActionOutcome {
            index: action.index,
            pointer: action.pointer.clone(),
            target: action.target.clone(),
            kind: action.kind(),
            status: ActionStatus::Refused,
            matched: 0,
            diagnostics: Vec::new(),
        };
        // Why a broken action is broken is a diagnostic of the overlay.
        let Some(plan) = &action.plan else { return outcome };
        match self.carry_out(action, plan, document, &mut outcome) {
            Ok(status) => outcome.status = status,
            Err(refusal) => outcome.diagnostics.push(*refusal),
        }
        outcome
    }

    fn carry_out(
        &mut self,
        action: &Action,
        plan: &Plan,
        document: &mut Value,
        outcome: &mut ActionOutcome,
    ) -> Result<ActionStatus, Refusal> {
        let nodes = plan.target.select(document, &mut self.budget);
        let nodes = nodes.map_err(|error| action.too_much("target", error))?;
        let work = Work::new(action, nodes, plan.target.may_repeat());
        outcome.matched = work.locations.len();
        if work.locations.is_empty() {
            let moves = matches!(plan.modifier, Modifier::Relocate(_));
            outcome.diagnostics.push(self.no_match(action, plan, document, moves));
            // OV-6
            return Ok(if moves { ActionStatus::Refused } else { ActionStatus::NoMatch });
        }
        match &plan.modifier {
            Modifier::None => return Ok(ActionStatus::NoEffect),
            Modifier::Remove => work.remove(document)?,
            Modifier::Update(value) => {
                if value.is_null() && work.kinds.objects == work.locations.len() {
                    let message = format!("\"update\" of {} is empty; nothing is merged", action.number());
                    outcome.diagnostics.push(action.says(Severity::Warning, code::NO_EFFECT, "update", message, ""));
                    return Ok(ActionStatus::NoEffect);
                }
                self.admit(&work, value)?;
                self.write(&work, "update", value, document, &mut outcome.diagnostics)?;
            }
            Modifier::Copy(source) => {
                let mut found = source.select(document, &mut self.budget);
                if source.may_repeat()
                    && let Ok(found) = &mut found
                {
                    found.sort_by(|a, b| a.location.cmp(&b.location));
                    found.dedup_by(|a, b| a.location == b.location);
                }
                let value = match found.map_err(|error| action.too_much("copy", error))?.as_slice() {
                    [node] => {
                        self.admit(&work, node.value)?;
                        node.value.clone()
                    }
                    found => {
                        let number = found.len();
                        let source = quoted(source.as_str());
                        let message = format!("copy of {}: {source} selects {number} nodes, not one", action.number());
                        return Err(action.refuses(code::COPY_SOURCE, "copy", message, ""));
                    }
                };
                self.write(&work, "copy", &value, document, &mut outcome.diagnostics)?;
            }
            Modifier::Relocate(relocation) => {
                self.relocate(&work, relocation, document, &mut outcome.diagnostics)?;
            }
        }
        Ok(ActionStatus::Applied)
    }

    fn no_match(&mut self, action: &Action, plan: &Plan, document: &Value, fails: bool) -> Diagnostic {
        let mut message = format!("target {} of {} selects nothing", quoted(&action.target), action.number());
        if let Some((there, missing)) = plan.target.dead_end(document, &mut self.budget) {
            message += &format!("; {} is there, but nothing at {}", quoted(there), quoted(missing));
        }
        let severity = if fails { Severity::Error } else { Severity::Warning };
        let hint = "compare the target with the description; names are case-sensitive";
        action.says(severity, code::NO_MATCH, "target", message, hint)
    }

    /// Merges a value into all targets, or refuses before the first.
    fn write(
        &self,
        work: &Work<'_>,
        field: &'static str,
        value: &Value,
        document: &mut Value,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<(), Refusal> {
        diagnostics.extend(work.check_kinds(self.version, field, value)?);
        for location in &work.locations {
            let Some(target) = location.get(document) else { continue };
            merge::check_target(target, value).map_err(|mismatch| work.mismatch(field, location, &mismatch))?;
        }
        for location in &work.locations {
            let Some(target) = location.get_mut(document) else { continue };
            // Targets inside of targets: what was merged into the outer one may not fit the inner one.
            merge::check_target(target, value).map_err(|mismatch| work.mismatch(field, location, &mismatch))?;
            merge::into_target(target, value);
        }
        Ok(())
    }

    /// Checks that as many copies of the value as there are targets stay within the bounds.
    fn admit(&mut self, work: &Work<'_>, value: &Value) -> Result<(), Refusal> {
        let deepest = work.locations.iter().map(|location| location.steps().len()).max().unwrap_or_default();
        // An element is appended one level below its list.
        self.charge(work.action, value, work.locations.len(), deepest + 1)
    }

    fn charge(&mut self, action: &Action, value: &Value, copies: usize, depth: usize) -> Result<(), Refusal> {
        self.budget.spend(1).map_err(|error| action.too_much("target", error))?;
        let size = merge::size(value);
        // Weighing takes time too, also for what is then refused.
        let _ = self.budget.spend(size.values as u64);
        let values = self.added.values.saturating_add(size.values.saturating_mul(copies));
        let bytes = self.added.bytes.saturating_add(size.bytes.saturating_mul(copies));
        let fault = if values > MAX_ADDED_VALUES {
            format!("the overlay adds more than {MAX_ADDED_VALUES} values to the document")
        } else if bytes > MAX_ADDED_BYTES {
            format!("the overlay adds more than {MAX_ADDED_BYTES} bytes to the document")
        } else if depth + size.depth > MAX_DEPTH {
            format!("the document would nest deeper than {MAX_DEPTH} levels")
        } else {
            (self.added.values, self.added.bytes) = (values, bytes);
            return Ok(());
        };
        let message = format!("{} is left out: {fault}", action.number());
        Err(action.refuses(code::LIMIT, "", message, "select fewer targets, or merge less"))
    }

    /// OV-2: update, then copy, then remove, on one set of targets.
    fn relocate(
        &mut self,
        work: &Work<'_>,
        relocation: &Relocation,
        document: &mut Value,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<(), Refusal> {
        if relocation.remove {
            work.check_removable()?;
        }
        if let Err((depth, what)) = copy::check(document, &relocation.names) {
            let (to, number) = (quoted(&relocation.to), work.action.number());
            let message = match depth.checked_sub(1) {
                Some(last) => {
                    format!("copy.to {to} of {number}: {} is {what}, not an object", quoted(&relocation.names[last]))
                }
                None => format!("copy.to {to} of {number}: the document is {what}, not an object"),
            };
            return Err(work.action.refuses(code::MISMATCH, "copy/to", message, ""));
        }
        if let Some(update) = &relocation.update {
            self.admit(work, update)?;
            self.write(work, "update", update, document, diagnostics)?;
        }
        let first = work.locations.first().and_then(|location| location.get(document));
        if let Some(value) = first.filter(|_| !relocation.names.is_empty()) {
            self.charge(work.action, value, 1, relocation.names.len())?;
            let value = value.clone();
            copy::put(document, &relocation.names, value);
        }
        if relocation.remove {
            remove::remove(document, &work.locations);
        }
        Ok(())
    }
}

impl<'a> Work<'a> {
    fn new(action: &'a Action, nodes: Vec<Node<'_>>, may_repeat: bool) -> Self {
        let mut kinds = Kinds::default();
        let mut locations = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.value {
                Value::Object(_) => kinds.objects += 1,
                Value::Array(_) => kinds.lists += 1,
                _ => kinds.scalars += 1,
            }
            locations.push(node.location);
        }
        if may_repeat {
            locations.sort_unstable();
            locations.dedup();
        }
        Self { action, locations, kinds }
    }

    fn check_removable(&self) -> Result<(), Refusal> {
        if self.locations.iter().all(|location| !location.steps().is_empty()) {
            return Ok(());
        }
        // OV-8
        let message = format!("{} would remove the whole document", self.action.number());
        Err(self.action.refuses(code::MISMATCH, "remove", message, "select members of the document: $.*"))
    }

    fn remove(&self, document: &mut Value) -> Result<(), Refusal> {
        self.check_removable()?;
        remove::remove(document, &self.locations);
        Ok(())
    }

    /// The targets must be all objects, all lists or all scalars, and the value must suit them. Overlay 1.0 has no
    /// such rule about objects and lists, and says nothing of scalars.
    fn check_kinds(&self, version: Version, field: &'static str, value: &Value) -> Result<Option<Diagnostic>, Refusal> {
        let Kinds { objects, lists, scalars } = self.kinds;
        let target = quoted(&self.action.target);
        let mixed = [objects, lists, scalars].into_iter().filter(|count| *count > 0).count() > 1;
        if mixed && (scalars > 0 || version > Version::V1_0) {
            let message = format!(
                "{field} target {target} selects {objects} objects, {lists} lists and {scalars} scalars together"
            );
            let hint = "select one kind, for example with a filter: [?@.responses] selects operations";
            return Err(self.action.refuses(code::MISMATCH, field, message, hint));
        }
        if scalars > 0 && !merge::is_scalar(value) {
            // OV-4
            let message = format!("{field} target {target} is not an object");
            let hint = "select the object that holds it";
            return Err(self.action.refuses(code::MISMATCH, field, message, hint));
        }
        if version > Version::V1_0 {
            return Ok(None);
        }
        let message = match (scalars > 0, mixed) {
            (true, _) => format!("target {target} selects scalars, which Overlay 1.0 can't {field}"),
            (false, true) => format!("target {target} selects objects and lists together"),
            (false, false) => return Ok(None),
        };
        let hint = "they are changed as Overlay 1.1 has it; write overlay: 1.1.0";
        Ok(Some(self.action.says(Severity::Warning, code::MISMATCH, field, message, hint)))
    }

    fn mismatch(&self, field: &'static str, location: &Location, mismatch: &Mismatch) -> Refusal {
        let mut pointer = location.to_pointer();
        mismatch.below.iter().for_each(|name| Location::push_token(&mut pointer, name));
        let number = self.action.number();
        let Mismatch { has, given, .. } = mismatch;
        let message = format!("{field} of {number} does not fit at {}: there is {has}, given is {given}", quoted(&pointer));
        let hint = "to replace a value by one of another kind, remove it first";
        self.action.refuses(code::MISMATCH, field, message, hint)
    }
}

impl Action {
    /// For messages; counted from 1 (DT-3).
    fn number(&self) -> String {
        format!("action {}", self.index + 1)
    }

    fn says(
        &self,
        severity: Severity,
        code: &'static str,
        field: &str,
        message: String,
        hint: &str,
    ) -> Diagnostic {
        let pointer = if field.is_empty() { self.pointer.clone() } else { format!("{}/{field}", self.pointer) };
        diagnostic(severity, code, &pointer, message, hint)
    }

    fn refuses(&self, code: &'static str, field: &str, message: String, hint: &str) -> Refusal {
        Box::new(self.says(Severity::Error, code, field, message, hint))
    }

    fn too_much(&self, field: &str, error: QueryError) -> Refusal {
        let message = format!("{field} {} of {} is left out: {error}", quoted(&self.target), self.number());
        self.refuses(code::LIMIT, field, message, "")
    }
}
