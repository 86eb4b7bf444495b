//! What an action selected, while the document can still be looked at: everything that can be refused is found here,
//! before anything is changed.

use crate::Version;
use crate::action::{Action, Refusal};
use crate::diagnostic::{code, quoted};
use crate::merge::{self, Mismatch};
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_jsonpath::{Location, Node};
use serde_json::Value;

/// The selected nodes, each once.
pub(crate) struct Targets<'a, 'd> {
    pub(crate) action: &'a Action,
    nodes: Vec<Node<'d>>,
    objects: usize,
    lists: usize,
    scalars: usize,
}

impl<'a, 'd> Targets<'a, 'd> {
    pub(crate) fn new(action: &'a Action, mut nodes: Vec<Node<'d>>, may_repeat: bool) -> Self {
        if may_repeat {
            nodes.sort_unstable_by(|a, b| a.location.cmp(&b.location));
            nodes.dedup_by(|a, b| a.location == b.location);
        }
        let objects = nodes.iter().filter(|node| node.value.is_object()).count();
        let lists = nodes.iter().filter(|node| node.value.is_array()).count();
        let scalars = nodes.len() - objects - lists;
        Self { action, nodes, objects, lists, scalars }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node, when there is exactly one.
    pub(crate) fn single(&self) -> Option<&'d Value> {
        match self.nodes.as_slice() {
            [node] => Some(node.value),
            _ => None,
        }
    }

    /// Steps to the deepest node.
    pub(crate) fn depth(&self) -> usize {
        self.nodes.iter().map(|node| node.location.steps().len()).max().unwrap_or_default()
    }

    pub(crate) fn only_objects(&self) -> bool {
        self.objects == self.nodes.len()
    }

    pub(crate) fn into_locations(self) -> Vec<Location> {
        self.nodes.into_iter().map(|node| node.location).collect()
    }

    /// OV-8
    pub(crate) fn check_removable(&self) -> Result<(), Refusal> {
        if self.nodes.iter().all(|node| !node.location.steps().is_empty()) {
            return Ok(());
        }
        let message = format!("{} would remove the whole document", self.action.number());
        Err(self.action.refuses(code::MISMATCH, "remove", message, "select members of the document: $.*"))
    }

    /// Whether the value can be merged into each node.
    pub(crate) fn check_fits(
        &self,
        version: Version,
        field: &'static str,
        value: &Value,
    ) -> Result<Option<Diagnostic>, Refusal> {
        let warning = self.check_kinds(version, field, value)?;
        for node in &self.nodes {
            merge::check_target(node.value, value)
                .map_err(|mismatch| refuse_mismatch(self.action, field, &node.location, &mismatch))?;
        }
        Ok(warning)
    }

    /// The nodes must be all objects, all lists or all scalars, and the value must suit them. Overlay 1.0 has no such
    /// rule about objects and lists, and says nothing of scalars.
    fn check_kinds(
        &self,
        version: Version,
        field: &'static str,
        value: &Value,
    ) -> Result<Option<Diagnostic>, Refusal> {
        let Self { action, objects, lists, scalars, .. } = self;
        let target = quoted(&action.target);
        let mixed = [objects, lists, scalars].into_iter().filter(|count| **count > 0).count() > 1;
        if mixed && (*scalars > 0 || version > Version::V1_0) {
            let message = format!(
                "{field} target {target} selects {objects} objects, {lists} lists and {scalars} scalars together"
            );
            let hint = "select one kind, for example with a filter: [?@.responses] selects operations";
            return Err(action.refuses(code::MISMATCH, field, message, hint));
        }
        if *scalars > 0 && !merge::is_scalar(value) {
            // OV-4
            let message = format!("{field} target {target} is not an object");
            let hint = "select the object that holds it";
            return Err(action.refuses(code::MISMATCH, field, message, hint));
        }
        if version > Version::V1_0 {
            return Ok(None);
        }
        let message = match (*scalars > 0, mixed) {
            (true, _) => format!("target {target} selects scalars, which Overlay 1.0 can't {field}"),
            (false, true) => format!("target {target} selects objects and lists together"),
            (false, false) => return Ok(None),
        };
        let hint = "they are changed as Overlay 1.1 has it; write overlay: 1.1.0";
        Ok(Some(action.says(Severity::Warning, code::MISMATCH, field, message, hint)))
    }
}

/// The value does not fit into what is at the location.
pub(crate) fn refuse_mismatch(
    action: &Action,
    field: &'static str,
    location: &Location,
    mismatch: &Mismatch,
) -> Refusal {
    let mut pointer = location.to_pointer();
    mismatch.below.iter().for_each(|name| Location::push_token(&mut pointer, name));
    let Mismatch { has, given, .. } = mismatch;
    let place = quoted(&pointer);
    let message =
        format!("{field} of {} does not fit at {place}: there is {has}, given is {given}", action.number());
    let hint = "to replace a value by one of another kind, remove it first";
    action.refuses(code::MISMATCH, field, message, hint)
}
