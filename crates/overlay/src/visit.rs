//! Going to many places of one document: neighbours share the way to them, so that each member is looked up about
//! once and not once for each place below it.

use open_cli_jsonpath::LocationStep;
use serde_json::Value;

/// What is done at one place, with the items that lead there.
type Visit<'v, T, E> = &'v mut dyn FnMut(&mut Value, &[T]) -> Result<(), E>;

/// Calls `visit` with each place and the items there, in the order of the items. Items of one place that stand
/// together are given together. Places that are not there are skipped.
pub(crate) fn each<T, E>(
    document: &mut Value,
    items: &[T],
    path: &dyn Fn(&T) -> &[LocationStep],
    visit: Visit<'_, T, E>,
) -> Result<(), E> {
    below(document, items, 0, path, visit)
}

/// As deep as the longest path, which a query's bound on recursion bounds.
fn below<T, E>(
    value: &mut Value,
    items: &[T],
    depth: usize,
    path: &dyn Fn(&T) -> &[LocationStep],
    visit: Visit<'_, T, E>,
) -> Result<(), E> {
    for group in items.chunk_by(|a, b| path(a).get(depth) == path(b).get(depth)) {
        let Some(step) = path(&group[0]).get(depth) else {
            visit(value, group)?;
            continue;
        };
        let child = match (step, &mut *value) {
            (LocationStep::Name(name), Value::Object(members)) => members.get_mut(&**name),
            (LocationStep::Index(index), Value::Array(elements)) => elements.get_mut(*index),
            _ => None,
        };
        if let Some(child) = child {
            below(child, group, depth + 1, path, visit)?;
        }
    }
    Ok(())
}
