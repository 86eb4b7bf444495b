//! What an action is after parsing. and how it speaks of itself. Not for reading it (`fields`, `reuse`) nor for
//! carrying it out (`apply`).

use crate::diagnostic::{code, diagnostic, quoted};
use crate::limits::MAX_STEPS;
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_jsonpath::{Budget, JsonPath, LocationStep, Node, QueryError};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an action does to the nodes it selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Merges, appends or replaces.
    Update,
    /// Copies from somewhere in the document, or moves.
    Copy,
    /// Removes.
    Remove,
    /// Nothing: the action has no modifier, or is broken.
    None,
}

/// One action of an overlay.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its place in the list, from 0.
    pub index: usize,
    /// JSON Pointer into the overlay.
    pub pointer: String,
    /// The query as written; empty when there is none.
    pub target: String,
    /// For people.
    pub description: Option<String>,
    /// `None` when the action is broken; the overlay's diagnostics say why.
    pub(crate) plan: Option<Plan>,
}

/// What a sound action does.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) target: JsonPath,
    pub(crate) modifier: Modifier,
}

#[derive(Debug, Clone)]
pub(crate) enum Modifier {
    None,
    Update(Arc<Value>),
    /// `copy: <query>`: from there into the targets (Overlay 1.1).
    Copy(Arc<JsonPath>),
    Remove,
    /// `copy: {to: …}`: from the first target to there, after an update and before a removal (OV-2, OV-5).
    Relocate(Arc<Relocation>),
}

#[derive(Debug, Clone)]
pub(crate) struct Relocation {
    pub(crate) update: Option<Arc<Value>>,
    /// As written.
    pub(crate) to: String,
    /// Member names from the root.
    pub(crate) names: Vec<String>,
    pub(crate) remove: bool,
}

impl Action {
    /// What the action does.
    pub fn kind(&self) -> ActionKind {
        match self.plan.as_ref().map(|plan| &plan.modifier) {
            None | Some(Modifier::None) => ActionKind::None,
            Some(Modifier::Update(_)) => ActionKind::Update,
            Some(Modifier::Copy(_) | Modifier::Relocate(_)) => ActionKind::Copy,
            Some(Modifier::Remove) => ActionKind::Remove,
        }
    }

    /// The members of the object `container`, such as `paths`, that the target selects or looks into. `None` when it also
    /// selects something elsewhere, or can't be evaluated.
    pub fn members_of<'a>(&self, container: &str, document: &'a Value) -> Option<BTreeSet<&'a str>> {
        let members = document.get(container)?.as_object()?;
        let nodes = self.path()?.select(document, &mut Budget::new(MAX_STEPS)).ok()?;
        let member = |node: Node<'_>| match node.location.steps() {
            [LocationStep::Name(first), LocationStep::Name(second), ..] if **first == *container => {
                members.get_key_value(&**second).map(|(name, _)| name.as_str())
            }
            _ => None,
        };
        nodes.into_iter().map(member).collect()
    }

    /// The query; `None` when the action is broken.
    pub fn path(&self) -> Option<&JsonPath> {
        self.plan.as_ref().map(|plan| &plan.target)
    }
}

/// Why an action is not carried out.
pub(crate) type Refusal = Box<Diagnostic>;

impl Action {
    /// For messages; counted from 1 (DT-3).
    pub fn number(&self) -> String {
        format!("action {}", self.index + 1)
    }

    pub(crate) fn says(
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

    pub(crate) fn refuses(&self, code: &'static str, field: &str, message: String, hint: &str) -> Refusal {
        Box::new(self.says(Severity::Error, code, field, message, hint))
    }

    pub(crate) fn too_much(&self, field: &str, error: QueryError) -> Refusal {
        let message =
            format!("{field} of {} is left out, target {}: {error}", self.number(), quoted(&self.target));
        self.refuses(code::LIMIT, field, message, "")
    }
}
