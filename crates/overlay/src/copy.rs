//! Where the reference's `copy: {to: …}` puts a value (OV-5, OV-7). Not for what it copies.

use crate::overlay::kind_name;
use serde_json::{Map, Value};

/// Whether the member can be written; if not, how many names lead to what is in the way, and what that is.
pub(crate) fn check(document: &Value, names: &[String]) -> Result<(), (usize, &'static str)> {
    let mut at = document;
    for (depth, name) in names.iter().enumerate() {
        let Value::Object(members) = at else { return Err((depth, kind_name(at))) };
        match members.get(name) {
            Some(next) => at = next,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Writes the member, replacing what was there; missing objects on the way are created. [`check`] found it possible.
pub(crate) fn put(document: &mut Value, names: &[String], value: Value) {
    let Some((last, parents)) = names.split_last() else { return };
    let mut at = document;
    for name in parents {
        let Value::Object(members) = at else { return };
        at = members.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(members) = at {
        members.insert(last.clone(), value);
    }
}
