//! The lock file: definitions that an operator has looked at. Written in one spelling and in a fixed order, so that a
//! difference of two versions of it says what changed. Not for reading or replacing files.

use crate::compare::compare;
use crate::definer::hash_of;
use open_cli_contract::changes::{Change, ChangeKind, ChangeSeverity};
use open_cli_contract::definition::{DEFINITIONS_FORMAT, Definition, Definitions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Largest lock file that is read.
pub const MAX_LOCK_BYTES: u64 = 256 << 20;

/// Changes that a reason names.
const MAX_TOLD: usize = 3;

/// Why a lock file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is not the JSON of a lock file.
    #[error(
        "it is no lock file: {0}; take it from version control, or write it anew with `open-cli-toolbox catalog lock`"
    )]
    Malformed(String),
    /// It was written by another version.
    #[error(
        "its format is {0:?}, and this version reads {DEFINITIONS_FORMAT:?}; write it anew with `open-cli-toolbox catalog lock`"
    )]
    Format(String),
}

/// Definitions that are pinned.
#[derive(Debug, Default)]
pub struct Lock {
    tools: BTreeMap<String, Definition>,
}

/// What a lock says about a tool as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is what was pinned; or what changed leaves its meaning.
    Sound,
    /// It is not in the lock.
    New,
    /// Its meaning changed.
    Changed(Vec<Change>),
    /// Its entry was changed by hand and says nothing.
    Forged,
}

impl Lock {
    /// Reads the text of a lock file.
    pub fn parse(text: &[u8]) -> Result<Self, LockError> {
        let definitions: Definitions =
            serde_json::from_slice(text).map_err(|error| LockError::Malformed(error.to_string()))?;
        if definitions.format != DEFINITIONS_FORMAT {
            return Err(LockError::Format(definitions.format));
        }
        Ok(Self { tools: definitions.tools })
    }

    /// Pinned tools, ascending id.
    pub fn tools(&self) -> &BTreeMap<String, Definition> {
        &self.tools
    }

    /// The pinned definition's hash; a quick look before the definition is made.
    pub fn hash(&self, id: &str) -> Option<&str> {
        Some(self.tools.get(id)?.hash.as_str())
    }

    /// What it says about a tool.
    pub fn judge(&self, id: &str, now: &Definition) -> Verdict {
        let Some(pinned) = self.tools.get(id) else { return Verdict::New };
        if pinned.hash == now.hash {
            return Verdict::Sound;
        }
        // What differs would be read off an entry that is not what was pinned.
        if hash_of(pinned) != pinned.hash {
            return Verdict::Forged;
        }
        let mut changes =
            compare(&Definition { about: None, ..pinned.clone() }, &Definition { about: None, ..now.clone() });
        let is_described = |definition: &Definition| !definition.description.is_empty();
        // Of a tool that steers agents by what it says about itself, everything counts.
        let is_strict = is_described(pinned) || is_described(now);
        let matters = |change: &Change| is_strict || change.severity <= ChangeSeverity::Breaking;
        // Hashes that differ and nothing that does: whatever it is, nobody has looked at it.
        let is_unexplained = changes.is_empty();
        changes.retain(matters);
        if changes.is_empty() && !is_unexplained { Verdict::Sound } else { Verdict::Changed(changes) }
    }
}

/// The text of a lock file: a line for each parameter and each media type, a few for each tool.
pub fn render<'a>(tools: impl IntoIterator<Item = (&'a String, &'a Definition)>) -> String {
    let mut out = format!("{{\n  \"format\": {},\n  \"tools\": {{", Value::from(DEFINITIONS_FORMAT));
    let mut is_first = true;
    for (id, definition) in tools {
        let gap = if std::mem::take(&mut is_first) { "" } else { "," };
        let _ = write!(out, "{gap}\n    {}: {{", Value::from(id.as_str()));
        let plain = Definition { about: None, ..definition.clone() };
        // Text, lists and maps with text for keys can always be written.
        let members = serde_json::to_value(&plain).unwrap_or_default();
        for (i, (name, value)) in members.as_object().into_iter().flatten().enumerate() {
            let gap = if i == 0 { "" } else { "," };
            let _ = write!(out, "{gap}\n      {}: ", Value::from(name.as_str()));
            member(name, value, &mut out);
        }
        out.push_str("\n    }");
    }
    out.push_str(if is_first { "}\n}\n" } else { "\n  }\n}\n" });
    out
}

fn member(name: &str, value: &Value, out: &mut String) {
    match (name, value) {
        ("parameters", Value::Array(parameters)) => lines(parameters, 6, out),
        ("body", Value::Object(body)) => {
            out.push('{');
            for (i, (name, value)) in body.iter().enumerate() {
                let gap = if i == 0 { "" } else { "," };
                let _ = write!(out, "{gap}\n        {}: ", Value::from(name.as_str()));
                match value {
                    Value::Object(content) if name == "content" => media_types(content, out),
                    other => _ = write!(out, "{other}"),
                }
            }
            out.push_str("\n      }");
        }
        (_, value) => _ = write!(out, "{value}"),
    }
}

fn media_types(content: &serde_json::Map<String, Value>, out: &mut String) {
    out.push('{');
    for (i, (media_type, media)) in content.iter().enumerate() {
        let gap = if i == 0 { "" } else { "," };
        let _ = write!(out, "{gap}\n          {}: {{", Value::from(media_type.as_str()));
        for (i, (name, value)) in media.as_object().into_iter().flatten().enumerate() {
            let gap = if i == 0 { "" } else { "," };
            let _ = write!(out, "{gap}\n            {}: ", Value::from(name.as_str()));
            match value {
                Value::Array(members) if name == "members" => lines(members, 12, out),
                other => _ = write!(out, "{other}"),
            }
        }
        let is_empty = media.as_object().is_none_or(serde_json::Map::is_empty);
        out.push_str(if is_empty { "}" } else { "\n          }" });
    }
    out.push_str(if content.is_empty() { "}" } else { "\n        }" });
}

/// A list with an element a line.
fn lines(elements: &[Value], indent: usize, out: &mut String) {
    out.push('[');
    for (i, element) in elements.iter().enumerate() {
        let gap = if i == 0 { "" } else { "," };
        let _ = write!(out, "{gap}\n{:1$}{element}", "", indent + 2);
    }
    let _ = write!(out, "\n{:1$}]", "", indent);
}

impl Verdict {
    /// Why the tool must not be called, without a word of its description: agents read this. `None` when it may.
    pub fn reason(&self) -> Option<String> {
        self.told(|change| {
            ChangeKind::parse(&change.kind).map_or_else(|| change.kind.clone(), |k| k.meaning().into())
        })
    }

    /// The same for operators, with what was and what is.
    pub fn detail(&self) -> Option<String> {
        self.told(told)
    }

    fn told(&self, tell: impl Fn(&Change) -> String) -> Option<String> {
        match self {
            Self::Sound => None,
            Self::New => Some("it is not in the lock file".into()),
            Self::Forged => Some("its entry in the lock file does not fit its hash".into()),
            Self::Changed(changes) if changes.is_empty() => Some("its definition is not the pinned one".into()),
            Self::Changed(changes) => {
                let mut parts: Vec<String> = Vec::new();
                for part in changes.iter().map(tell) {
                    if !parts.contains(&part) {
                        parts.push(part);
                    }
                }
                let more = parts.len().saturating_sub(MAX_TOLD);
                parts.truncate(MAX_TOLD);
                if more > 0 {
                    parts.push(format!("and {more} more"));
                }
                Some(parts.join("; "))
            }
        }
    }
}

/// `query limit: a parameter takes fewer values (number -> integer)`.
fn told(change: &Change) -> String {
    let meaning = ChangeKind::parse(&change.kind).map_or(change.kind.as_str(), |kind| kind.meaning());
    let place = if change.at.is_empty() { String::new() } else { format!("{}: ", change.at) };
    let moved = match (change.from.as_str(), change.to.as_str()) {
        ("", "") => String::new(),
        ("", to) => format!(" ({to})"),
        (from, "") => format!(" (was {from})"),
        (from, to) => format!(" ({from} -> {to})"),
    };
    format!("{place}{meaning}{moved}")
}
