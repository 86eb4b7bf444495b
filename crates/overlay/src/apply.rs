//! Carrying actions out, in order, each on the result of the one before. An action that can't be carried out as
//! written changes nothing; the next ones still apply.

use crate::action::{Action, ActionKind, Modifier, Plan, Refusal, Relocation};
use crate::diagnostic::{Report, code, quoted};
use crate::limits::{MAX_ADDED_BYTES, MAX_ADDED_VALUES, MAX_DEPTH, MAX_STEPS};
use crate::merge::{self, Size};
use crate::targets::{Targets, refuse_mismatch};
use crate::{Overlay, Version, copy, remove, visit};
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_jsonpath::{Budget, JsonPath, Location};
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
        self.apply_within(document, Budget::new(MAX_STEPS))
    }

    fn apply_within(&self, document: &mut Value, budget: Budget) -> Applied {
        let mut run = Run { version: self.version, budget, added: Size::default() };
        Applied { actions: self.actions.iter().map(|action| run.action(action, document)).collect() }
    }
}

/// One application of an overlay.
struct Run {
    version: Version,
    budget: Budget,
    added: Size,
}

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
        let targets = self.select(action, "target", &plan.target, document)?;
        outcome.matched = targets.len();
        if targets.len() == 0 {
            let moves = matches!(plan.modifier, Modifier::Relocate(_));
            outcome.diagnostics.push(self.no_match(action, plan, document, moves));
            // OV-6
            return Ok(if moves { ActionStatus::Refused } else { ActionStatus::NoMatch });
        }
        match &plan.modifier {
            Modifier::None => return Ok(ActionStatus::NoEffect),
            Modifier::Remove => {
                targets.check_removable()?;
                let locations = targets.into_locations();
                remove::remove(document, &locations);
            }
            Modifier::Update(value) => {
                if value.is_null() && targets.only_objects() {
                    let message = format!("\"update\" of {} is empty; nothing is merged", action.number());
                    outcome.diagnostics.push(action.says(
                        Severity::Warning,
                        code::NO_EFFECT,
                        "update",
                        message,
                        "",
                    ));
                    return Ok(ActionStatus::NoEffect);
                }
                outcome.diagnostics.extend(self.admit(&targets, "update", value)?);
                write(action, "update", &targets.into_locations(), value, document)?;
            }
            Modifier::Copy(source) => {
                let found = self.select(action, "copy", source, document)?;
                let Some(value) = found.single() else {
                    let (number, source) = (found.len(), quoted(source.as_str()));
                    let message = format!("copy of {}: {source} selects {number} nodes, not one", action.number());
                    return Err(action.refuses(code::COPY_SOURCE, "copy", message, ""));
                };
                outcome.diagnostics.extend(self.admit(&targets, "copy", value)?);
                let value = value.clone();
                write(action, "copy", &targets.into_locations(), &value, document)?;
            }
            Modifier::Relocate(relocation) => {
                if relocation.remove {
                    targets.check_removable()?;
                }
                check_destination(action, relocation, document)?;
                if let Some(update) = &relocation.update {
                    outcome.diagnostics.extend(self.admit(&targets, "update", update)?);
                }
                self.relocate(action, relocation, &targets.into_locations(), document)?;
            }
        }
        Ok(ActionStatus::Applied)
    }

    fn select<'a, 'd>(
        &mut self,
        action: &'a Action,
        field: &'static str,
        path: &JsonPath,
        document: &'d Value,
    ) -> Result<Targets<'a, 'd>, Refusal> {
        let nodes = path.select(document, &mut self.budget).map_err(|error| action.too_much(field, error))?;
        Ok(Targets::new(action, nodes, path.may_repeat()))
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

    /// Checks that the value fits into all targets, and that as many copies of it stay within the bounds.
    fn admit(
        &mut self,
        targets: &Targets<'_, '_>,
        field: &'static str,
        value: &Value,
    ) -> Result<Option<Diagnostic>, Refusal> {
        let warning = targets.check_fits(self.version, field, value)?;
        // An element is appended one level below its list.
        self.charge(targets.action, value, targets.len(), targets.depth() + 1)?;
        Ok(warning)
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
        action: &Action,
        relocation: &Relocation,
        locations: &[Location],
        document: &mut Value,
    ) -> Result<(), Refusal> {
        if let Some(update) = &relocation.update {
            write(action, "update", locations, update, document)?;
        }
        let first = locations.first().and_then(|location| location.get(document));
        if let Some(value) = first.filter(|_| !relocation.names.is_empty()) {
            self.charge(action, value, 1, relocation.names.len())?;
            let value = value.clone();
            copy::put(document, &relocation.names, value);
        }
        if relocation.remove {
            remove::remove(document, locations);
        }
        Ok(())
    }
}

/// Merges a value into targets that it was found to fit.
fn write(
    action: &Action,
    field: &'static str,
    locations: &[Location],
    value: &Value,
    document: &mut Value,
) -> Result<(), Refusal> {
    visit::each(document, locations, &|location| location.steps(), &mut |target, here| {
        // Targets inside of targets: what was merged into the outer one may not fit the inner one.
        merge::check_target(target, value)
            .map_err(|mismatch| refuse_mismatch(action, field, &here[0], &mismatch))?;
        merge::into_target(target, value);
        Ok(())
    })
}

fn check_destination(action: &Action, relocation: &Relocation, document: &Value) -> Result<(), Refusal> {
    copy::check(document, &relocation.names).map_err(|(depth, what)| {
        let (to, number) = (quoted(&relocation.to), action.number());
        let message = match depth.checked_sub(1) {
            Some(last) => {
                format!("copy.to {to} of {number}: {} is {what}, not an object", quoted(&relocation.names[last]))
            }
            None => format!("copy.to {to} of {number}: the document is {what}, not an object"),
        };
        action.refuses(code::MISMATCH, "copy/to", message, "")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_actions_share_one_budget() {
        let walk = json!({ "target": "$..[?@..nothing]", "remove": true });
        let copy = json!({ "target": "$.l[0]", "copy": "$.l[1]" });
        let text = json!({ "overlay": "1.1.0", "actions": [walk, walk, walk, copy, copy, walk] });
        let overlay = Overlay::parse(text.to_string().as_bytes(), "").expect("an overlay");
        let mut document = json!({ "l": (0..1_000).map(|n| json!({ "n": n })).collect::<Vec<_>>() });
        let applied = overlay.apply_within(&mut document, Budget::new(20_000));
        let statuses: Vec<_> = applied.actions.iter().map(|outcome| outcome.status).collect();
        assert_eq!(statuses[0], ActionStatus::NoMatch);
        assert_eq!(statuses[2..], [ActionStatus::Refused; 4]);
        assert_eq!(applied.diagnostics().last().map(|one| one.code.as_str()), Some(code::LIMIT));
    }
}
