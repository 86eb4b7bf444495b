//! Removing many nodes at once: each container is gone through once, deepest first, so that no index is stale (W20).

use crate::jsonpath::{Location, LocationStep};
use serde_json::Value;
use std::collections::HashSet;

/// Removes the nodes. The root can't be removed: the caller refuses it. Locations that lead nowhere are skipped.
pub(crate) fn remove(document: &mut Value, locations: &[Location]) {
    let mut places: Vec<(&[LocationStep], &LocationStep)> = Vec::with_capacity(locations.len());
    places.extend(locations.iter().filter_map(|location| {
        let (last, parent) = location.steps().split_last()?;
        Some((parent, last))
    }));
    // Deeper containers first: removing in one moves nothing in another of the same depth.
    places.sort_unstable_by(|(a, a_last), (b, b_last)| {
        b.len().cmp(&a.len()).then_with(|| a.cmp(b)).then_with(|| a_last.cmp(b_last))
    });
    for group in places.chunk_by(|(a, _), (b, _)| a == b) {
        let steps = group.iter().map(|(_, last)| *last);
        match Location::descend_mut(group[0].0, document) {
            Some(Value::Object(members)) => {
                let names: HashSet<&str> = steps.filter_map(LocationStep::name).collect();
                match names.iter().next() {
                    Some(name) if names.len() == 1 => {
                        members.shift_remove(*name);
                    }
                    _ => members.retain(|name, _| !names.contains(name.as_str())),
                }
            }
            Some(Value::Array(elements)) => {
                let indexes: HashSet<usize> = steps.filter_map(LocationStep::index).collect();
                let mut at = 0;
                elements.retain(|_| {
                    at += 1;
                    !indexes.contains(&(at - 1))
                });
            }
            _ => {}
        }
    }
}
