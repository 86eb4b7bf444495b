//! The part of a catalog that a caller reaches (runtime-and-admin §5.7): worked out once for all callers who reach the
//! same, then one bit for each tool.

use crate::answer::Slice;
use crate::entry::ToolEntry;
use crate::snapshot::Snapshot;
use crate::workflows::{Called, WorkflowEntry};
use open_cli_contract::catalog::{Diagnostic, Service};
use std::collections::HashSet;
use std::fmt;

/// Tools of one snapshot.
#[derive(Clone, PartialEq, Eq)]
pub struct Selection {
    /// The snapshot it belongs to.
    snapshot: String,
    /// What it was made by; part of the answers' entity tags.
    key: [u8; 32],
    bits: Vec<u64>,
    /// Places of the services that own one of them.
    services: Vec<usize>,
}

impl Selection {
    /// The tools that pass. `key` is the same for all who reach the same.
    pub fn new(snapshot: &Snapshot, key: [u8; 32], reaches: impl Fn(&ToolEntry<'_>) -> bool) -> Self {
        let mut bits = vec![0; snapshot.tool_count().div_ceil(64)];
        let mut services: Vec<usize> = Vec::new();
        for entry in snapshot.tools().filter(reaches) {
            bits[entry.index() / 64] |= 1 << (entry.index() % 64);
            // The tools of a service stand together.
            if services.last() != Some(&entry.service) {
                services.push(entry.service);
            }
        }
        Self { snapshot: snapshot.tag.clone(), key, bits, services }
    }

    /// Is the tool one of them? Only for tools of the snapshot it was made from.
    pub fn has(&self, entry: &ToolEntry<'_>) -> bool {
        self.bits.get(entry.index() / 64).is_some_and(|bits| bits >> (entry.index() % 64) & 1 == 1)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.bits.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Was it made from this snapshot?
    pub fn is_of(&self, snapshot: &Snapshot) -> bool {
        self.snapshot == snapshot.tag
    }

    pub(crate) fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection").field("snapshot", &self.snapshot).field("count", &self.len()).finish()
    }
}

impl Slice {
    /// Does the caller reach this tool?
    pub(crate) fn reaches(&self, entry: &ToolEntry<'_>) -> bool {
        self.reach.as_ref().is_none_or(|reach| reach.has(entry))
    }
}

impl Snapshot {
    /// FLT-2: services that own a tool the caller reaches; `None` for all.
    pub(crate) fn reached_services(&self, slice: &Slice) -> Option<Vec<&Service>> {
        let places = &slice.reach.as_ref()?.services;
        Some(places.iter().filter_map(|&place| Some(&*self.services.get(place)?.built.service)).collect())
    }

    /// W-13: a caller who reaches a part of the catalog learns what is wrong with that part.
    pub(crate) fn diagnostics_of(&self, slice: &Slice) -> Vec<&Diagnostic> {
        let Some(services) = self.reached_services(slice) else { return self.diagnostics.iter().collect() };
        let about: HashSet<&str> =
            services.iter().flat_map(|service| [service.id.as_str(), service.source_id.as_str()]).collect();
        self.diagnostics.iter().filter(|d| about.contains(d.source.as_str())).collect()
    }

    /// FLT-3: workflows whose steps the caller reaches, all of them.
    pub(crate) fn reached_workflows<'a>(&'a self, slice: &'a Slice) -> impl Iterator<Item = &'a WorkflowEntry> {
        let is_whole = |entry: &&WorkflowEntry| {
            slice.reach.is_none() || self.has_all_steps(entry, |tool| slice.reaches(tool))
        };
        self.workflows().iter().filter(is_whole)
    }

    /// Does every step that a run may take call a tool that passes?
    pub fn has_all_steps(&self, entry: &WorkflowEntry, passes: impl Fn(&ToolEntry<'_>) -> bool) -> bool {
        self.reached(entry).iter().all(|reached| match reached.called {
            Called::Tool(place) => self.tool_at(place).is_some_and(|tool| passes(&tool)),
            Called::Workflow(_) => true,
        })
    }
}
