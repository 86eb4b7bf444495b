//! Removing many nodes at once: each container is gone through once, deepest first, so that no index is stale (W20).

use crate::visit;
use open_cli_jsonpath::{Location, LocationStep};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::convert::Infallible;

/// Removes the nodes. The root can't be removed: the caller refuses it. Locations that lead nowhere are skipped.
/// Those of one container and one depth must stand together, as they do in the order of a query and when sorted.
pub(crate) fn remove(document: &mut Value, locations: &[Location]) {
    let mut places: Vec<Place<'_>> = Vec::with_capacity(locations.len());
    places.extend(locations.iter().filter_map(|location| {
        let (last, parent) = location.steps().split_last()?;
        Some(Place { parent, last })
    }));
    // Deeper containers first: removing in one moves nothing in another of the same depth. Stable, and cheap: whole
    // paths are not compared.
    places.sort_by_key(|place| Reverse(place.parent.len()));
    for places in places.chunk_by(|a, b| a.parent.len() == b.parent.len()) {
        let Ok(()) = visit::each(document, places, &|place| place.parent, &mut |container, places| {
            remove_here(container, places);
            Ok::<(), Infallible>(())
        });
    }
}

struct Place<'l> {
    parent: &'l [LocationStep],
    last: &'l LocationStep,
}

/// Removes children of one container.
fn remove_here(container: &mut Value, places: &[Place<'_>]) {
    let steps = places.iter().map(|place| place.last);
    match (container, places) {
        (Value::Object(members), [Place { last: LocationStep::Name(name), .. }]) => {
            members.shift_remove(&**name);
        }
        (Value::Object(members), _) => {
            let names: HashSet<&str> = steps.filter_map(LocationStep::name).collect();
            members.retain(|name, _| !names.contains(name.as_str()));
        }
        (Value::Array(elements), _) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_jsonpath::{Budget, JsonPath};
    use serde_json::json;

    #[test]
    fn no_index_goes_stale() {
        let document = json!({ "l": [[0, 1, 2], [3, [4, 5], 6], 7], "o": { "a": 1, "b": [1, 2, 3], "c": 3 } });
        for (query, after) in [
            ("$.l[*]", json!({ "l": [], "o": { "a": 1, "b": [1, 2, 3], "c": 3 } })),
            ("$..[0]", json!({ "l": [[[5], 6], 7], "o": { "a": 1, "b": [2, 3], "c": 3 } })),
            ("$..[1]", json!({ "l": [[0, 2], 7], "o": { "a": 1, "b": [1, 3], "c": 3 } })),
            ("$..[?@ > 1]", json!({ "l": [[0, 1], [[]]], "o": { "a": 1, "b": [1] } })),
            ("$.o['c','a']", json!({ "l": [[0, 1, 2], [3, [4, 5], 6], 7], "o": { "b": [1, 2, 3] } })),
        ] {
            let mut changed = document.clone();
            let nodes = JsonPath::parse(query).unwrap().select(&document, &mut Budget::new(1_000)).unwrap();
            let locations: Vec<Location> = nodes.into_iter().map(|node| node.location).collect();
            remove(&mut changed, &locations);
            assert_eq!(changed, after, "{query}");
        }
    }
}
