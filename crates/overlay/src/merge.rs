//! How `update` and `copy` values are merged into a node (Overlay 1.1 §4.4.3, W18): objects recursively, lists by
//! appending, scalars by replacing. What does not fit is found before anything is changed.

use crate::overlay::kind_name;
use serde_json::Value;

/// Two values that can't be merged.
#[derive(Debug, PartialEq)]
pub(crate) struct Mismatch {
    /// Member names below the node.
    pub(crate) below: Vec<String>,
    pub(crate) has: &'static str,
    pub(crate) given: &'static str,
}

/// What a value weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) values: usize,
    pub(crate) bytes: usize,
    /// 0 for a scalar, 1 for an empty list.
    pub(crate) depth: usize,
}

/// True for what replaces and is replaced as a whole.
pub(crate) fn is_scalar(value: &Value) -> bool {
    !(value.is_object() || value.is_array())
}

/// Whether the value can be merged into a selected node.
pub(crate) fn check_target(target: &Value, value: &Value) -> Result<(), Mismatch> {
    // To a list anything can be appended.
    if target.is_array() { Ok(()) } else { check(target, value) }
}

fn check(target: &Value, value: &Value) -> Result<(), Mismatch> {
    match (target, value) {
        (Value::Object(target), Value::Object(value)) => value.iter().try_for_each(|(name, value)| {
            let Some(target) = target.get(name) else { return Ok(()) };
            check(target, value).map_err(|mut mismatch| {
                mismatch.below.insert(0, name.clone());
                mismatch
            })
        }),
        (Value::Array(_), Value::Array(_)) => Ok(()),
        _ if is_scalar(target) && is_scalar(value) => Ok(()),
        _ => Err(Mismatch { below: Vec::new(), has: kind_name(target), given: kind_name(value) }),
    }
}

/// Merges the value into a selected node that [`check_target`] found fit.
pub(crate) fn into_target(target: &mut Value, value: &Value) {
    match target {
        Value::Array(elements) if !value.is_array() => elements.push(value.clone()),
        target => merge(target, value),
    }
}

fn merge(target: &mut Value, value: &Value) {
    match (target, value) {
        (Value::Object(target), Value::Object(value)) => {
            for (name, value) in value {
                match target.get_mut(name) {
                    Some(target) => merge(target, value),
                    None => {
                        target.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(target), Value::Array(value)) => target.extend_from_slice(value),
        (target, value) => *target = value.clone(),
    }
}

pub(crate) fn size(value: &Value) -> Size {
    let mut total = Size { values: 1, ..Size::default() };
    let mut add = |child: Size| {
        total.values += child.values;
        total.bytes += child.bytes;
        total.depth = total.depth.max(child.depth);
    };
    match value {
        Value::String(text) => total.bytes = text.len(),
        Value::Array(elements) => {
            elements.iter().for_each(|element| add(size(element)));
            total.depth += 1;
        }
        Value::Object(members) => {
            for (name, member) in members {
                let mut member = size(member);
                member.bytes += name.len();
                add(member);
            }
            total.depth += 1;
        }
        _ => {}
    }
    total
}
