//! Which steps a run of a workflow may take: what a plan shows, and what decides who may see a workflow.

use crate::snapshot::Snapshot;
use crate::workflows::{Called, WorkflowEntry, destination};
use open_cli_arazzo::Step;
use std::collections::HashSet;

/// A step that a run of a workflow may take.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'s> {
    /// The workflow that has it.
    pub workflow: &'s WorkflowEntry,
    /// The step.
    pub step: &'s Step,
    /// What it calls.
    pub called: Called,
}

impl Snapshot {
    /// Every step that a run of the workflow may take, whatever happens: those of workflows that it depends on, its
    /// own, those of workflows that steps call or actions go to. Each workflow is there once.
    pub fn reached<'s>(&'s self, entry: &'s WorkflowEntry) -> Vec<Reached<'s>> {
        let mut all = Vec::new();
        let mut done: HashSet<*const WorkflowEntry> = HashSet::new();
        let mut waiting: HashSet<*const WorkflowEntry> = HashSet::new();
        // What is on top is looked at next; a recursion would be as deep as workflows call each other.
        let mut open = vec![entry];
        while let Some(entry) = open.pop() {
            let is_new = |set: &HashSet<*const WorkflowEntry>, entry| !set.contains(&std::ptr::from_ref(entry));
            if !is_new(&done, entry) {
                continue;
            }
            let workflow = entry.workflow();
            if waiting.insert(std::ptr::from_ref(entry)) {
                // First what it depends on, then itself; whoever waits already is not waited for.
                let before =
                    workflow.depends_on.iter().filter_map(|wanted| self.workflow_at(entry.other(wanted)?));
                let before: Vec<&WorkflowEntry> = before.filter(|needed| is_new(&waiting, *needed)).collect();
                open.push(entry);
                open.extend(before.into_iter().rev());
                continue;
            }
            done.insert(std::ptr::from_ref(entry));
            let mut next = Vec::new();
            for place in &workflow.order {
                let (Some(step), Some(&called)) = (workflow.steps.get(*place), entry.calls.get(*place)) else {
                    continue;
                };
                all.push(Reached { workflow: entry, step, called });
                if let Called::Workflow(place) = called {
                    next.extend(self.workflow_at(place));
                }
                let actions = step.on_success.iter().chain(&step.on_failure).filter_map(destination);
                next.extend(actions.filter_map(|wanted| self.workflow_at(entry.other(wanted)?)));
            }
            open.extend(next.into_iter().rev());
        }
        all
    }

    /// The workflow at a place that another one names.
    pub fn workflow_at(&self, place: u32) -> Option<&WorkflowEntry> {
        self.workflows().get(place as usize)
    }
}
