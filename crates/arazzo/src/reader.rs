//! Members of one object of a document, read by name, with a diagnostic for what is not as it should be.

use crate::diagnostic::{Report, code, kind_name, quoted};
use crate::limits::MAX_ITEMS;
use serde_json::{Map, Value};

/// The pointer of a member.
pub(crate) fn below(pointer: &str, token: &str) -> String {
    let escaped = if token.contains(['~', '/']) { &*token.replace('~', "~0").replace('/', "~1") } else { token };
    format!("{pointer}/{escaped}")
}

/// An object and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    pub(crate) map: &'a Map<String, Value>,
    pub(crate) pointer: &'a str,
}

impl<'a> Members<'a> {
    pub(crate) fn new(map: &'a Map<String, Value>, pointer: &'a str) -> Self {
        Self { map, pointer }
    }

    /// The object at a pointer; anything else is an error.
    pub(crate) fn of(value: &'a Value, pointer: &'a str, what: &str, report: &mut Report) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, pointer }),
            other => {
                let message = format!("{what} is {}; an object is expected", kind_name(other));
                report.error(code::FIELD, pointer, message, "");
                None
            }
        }
    }

    /// A member; null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(crate) fn below(&self, name: &str) -> String {
        below(self.pointer, name)
    }

    /// Warns of members that the specification does not have; `x-…` are free. A member that differs from a known one
    /// only in case is pointed out (W52).
    pub(crate) fn check_known(&self, known: &[&str], report: &mut Report) {
        for name in self.map.keys() {
            if known.contains(&name.as_str()) || name.starts_with("x-") {
                continue;
            }
            let hint = match known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
                Some(near) => format!("names are case-sensitive: write \"{near}\""),
                None => "remove it, or let its name begin with `x-`".to_owned(),
            };
            let message = format!("the member {} is not known here and has no effect", quoted(name));
            report.warning(code::FIELD_UNKNOWN, self.pointer, message, &hint);
        }
    }

    /// A text; anything else is an error.
    pub(crate) fn text(&self, name: &str, report: &mut Report) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            other => {
                let message = format!("\"{name}\" is {}; a text is expected", kind_name(other));
                report.error(code::FIELD, &self.below(name), message, "put it in quotes");
                None
            }
        }
    }

    /// A text that is there for people; anything else is a warning.
    pub(crate) fn prose(&self, name: &str, report: &mut Report) -> String {
        match self.get(name) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => {
                let message = format!("\"{name}\" is {}; a text is expected", kind_name(other));
                report.warning(code::FIELD, &self.below(name), message, "put it in quotes");
                String::new()
            }
        }
    }

    /// A text that must be there and not be empty.
    pub(crate) fn required_text(&self, name: &str, report: &mut Report) -> Option<&'a str> {
        match self.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            None | Some(Value::String(_)) => {
                report.error(code::FIELD, self.pointer, format!("\"{name}\" is missing"), "");
                None
            }
            Some(_) => self.text(name, report),
        }
    }

    /// The items of a list, each with its pointer, as far as [`MAX_ITEMS`].
    pub(crate) fn list(&self, name: &str, report: &mut Report) -> Vec<(&'a Value, String)> {
        self.list_of(name, MAX_ITEMS, report)
    }

    pub(crate) fn list_of(&self, name: &str, most: usize, report: &mut Report) -> Vec<(&'a Value, String)> {
        let items = match self.get(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                let message = format!("\"{name}\" is {}; a list is expected", kind_name(other));
                report.error(code::FIELD, &self.below(name), message, "");
                return Vec::new();
            }
        };
        if items.len() > most {
            let message = format!("\"{name}\" has {} items; {most} are read", items.len());
            report.error(code::LIMIT, &self.below(name), message, "split it");
        }
        let at = self.below(name);
        items.iter().take(most).enumerate().map(|(i, item)| (item, format!("{at}/{i}"))).collect()
    }

    /// The members of an object, each with its pointer.
    pub(crate) fn object(&self, name: &str, report: &mut Report) -> Vec<(&'a str, &'a Value, String)> {
        let members = match self.get(name) {
            None => return Vec::new(),
            Some(Value::Object(members)) => members,
            Some(other) => {
                let message = format!("\"{name}\" is {}; an object is expected", kind_name(other));
                report.error(code::FIELD, &self.below(name), message, "");
                return Vec::new();
            }
        };
        let at = self.below(name);
        if members.len() > MAX_ITEMS {
            let message = format!("\"{name}\" has {} members; {MAX_ITEMS} are read", members.len());
            report.error(code::LIMIT, &at, message, "split it");
        }
        let one = |(key, value): (&'a String, &'a Value)| (key.as_str(), value, below(&at, key));
        members.iter().take(MAX_ITEMS).map(one).collect()
    }

    /// Lists that say something must have an item, each once (`minItems`, `uniqueItems`).
    pub(crate) fn check_list(&self, name: &str, must_have_one: bool, report: &mut Report) {
        let Some(Value::Array(items)) = self.get(name) else { return };
        if items.is_empty() && must_have_one {
            let message = format!("\"{name}\" is empty");
            report.error(code::FIELD, &self.below(name), message, "leave it out, or fill it");
        }
        // Lists are short: they are bounded where they are read.
        for (i, item) in items.iter().enumerate().take(MAX_ITEMS) {
            if items[..i].contains(item) {
                let message = format!("\"{name}\" has the same item twice");
                report.error(code::DUPLICATE, &format!("{}/{i}", self.below(name)), message, "remove one of them");
            }
        }
    }
}

/// Names of outputs and components: `^[a-zA-Z0-9\.\-_]+$`.
pub(crate) fn is_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}
