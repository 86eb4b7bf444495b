//! Which series: the values of a metric's labels, bounded, and as text. Looked up on the request path without making
//! strings.

use crate::definition::{Definition, MAX_LABELS, underscored};
use indexmap::Equivalent;
use open_cli_observe::Value;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Longest value of a label, in bytes; a measurement with a longer one is counted under `_OTHER`.
pub const MAX_LABEL_BYTES: usize = 256;
/// Stands for every value that has no series of its own (OpenTelemetry's word for methods and error types).
pub const OTHER: &str = "_OTHER";

/// Bytes that UTF-8 never has, between the values of a key.
const NUMBER: u8 = 0xfd;
const ABSENT: u8 = 0xfe;
const END: u8 = 0xff;

/// The value of a label, borrowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    /// The label is absent.
    #[default]
    None,
    /// Of a closed list.
    Static(&'static str),
    /// From outside.
    Text(&'a str),
    /// A number.
    Int(i64),
}

impl Word<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Static(text) => Some(text),
            Self::Text(text) => Some(text),
            Self::None | Self::Int(_) => None,
        }
    }

    fn hash_into(&self, state: &mut impl Hasher) {
        match self {
            Self::None => state.write_u8(ABSENT),
            Self::Int(number) => state.write_i64(*number),
            Self::Static(text) => hash_text(text, state),
            Self::Text(text) => hash_text(text, state),
        }
    }

    /// What is left of a key's `joined` after this value; `None` when it begins with another one.
    fn strip<'k>(&self, joined: &'k [u8]) -> Option<&'k [u8]> {
        match self {
            Self::None => joined.strip_prefix(&[ABSENT]),
            Self::Int(number) => joined.strip_prefix(&[NUMBER])?.strip_prefix(&number.to_le_bytes()),
            Self::Static(text) => joined.strip_prefix(text.as_bytes())?.strip_prefix(&[END]),
            Self::Text(text) => joined.strip_prefix(text.as_bytes())?.strip_prefix(&[END]),
        }
    }

    fn join(&self, joined: &mut Vec<u8>) {
        match self {
            Self::None => joined.push(ABSENT),
            Self::Int(number) => {
                joined.push(NUMBER);
                joined.extend_from_slice(&number.to_le_bytes());
            }
            Self::Static(text) => joined.extend(text.bytes().chain([END])),
            Self::Text(text) => joined.extend(text.bytes().chain([END])),
        }
    }

    fn to_value(self) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Static(text) => Some(Value::Static(text)),
            Self::Text(text) => Some(Value::Shared(Arc::from(text))),
            Self::Int(number) => Some(Value::Int(number)),
        }
    }
}

fn hash_text(text: &str, state: &mut impl Hasher) {
    state.write(text.as_bytes());
    state.write_u8(END);
}

/// One series.
#[derive(Debug)]
pub(crate) struct Key {
    /// Unique among the series of its metric, as long as the metric lives.
    pub(crate) id: u32,
    /// The values one after the other: to be compared without a walk through memory.
    joined: Box<[u8]>,
    /// A value for each label of the definition, in order.
    pub(crate) values: Box<[Option<Value>]>,
    /// `http_request_method="GET",url_scheme="http"`, escaped.
    pub(crate) text: Box<str>,
}

impl Key {
    pub(crate) fn new(definition: &Definition, id: u32, words: &[Word<'_>]) -> Self {
        let values: Box<[Option<Value>]> = words.iter().map(|word| word.to_value()).collect();
        let mut text = String::new();
        for (label, value) in definition.labels.iter().zip(&values) {
            let Some(value) = value else { continue };
            if !text.is_empty() {
                text.push(',');
            }
            let _ = write!(text, "{}=\"", underscored(label.name));
            match value {
                Value::Int(number) => _ = write!(text, "{number}"),
                Value::Bool(truth) => _ = write!(text, "{truth}"),
                _ => escape(value.as_str().unwrap_or_default(), &mut text),
            }
            text.push('"');
        }
        let mut joined = Vec::new();
        words.iter().for_each(|word| word.join(&mut joined));
        Self { id, joined: joined.into_boxed_slice(), values, text: text.into_boxed_str() }
    }

    /// The value of this label.
    pub(crate) fn value(&self, definition: &Definition, label: &str) -> Option<&Value> {
        let place = definition.labels.iter().position(|known| known.name == label)?;
        self.values.get(place)?.as_ref()
    }
}

/// Escapes a label's value, as both text formats want it.
pub(crate) fn escape(value: &str, text: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            _ => text.push(c),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for value in &self.values {
            match value {
                None => state.write_u8(ABSENT),
                Some(Value::Int(number)) => state.write_i64(*number),
                Some(value) => hash_text(value.as_str().unwrap_or_default(), state),
            }
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.joined == other.joined
    }
}

impl Eq for Key {}

/// Finds a [`Key`] by borrowed values.
pub(crate) struct Lookup<'a>(pub(crate) &'a [Word<'a>]);

impl Hash for Lookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| word.hash_into(state));
    }
}

impl Equivalent<Arc<Key>> for Lookup<'_> {
    fn equivalent(&self, key: &Arc<Key>) -> bool {
        self.0.iter().try_fold(&*key.joined, |rest, word| word.strip(rest)).is_some_and(<[u8]>::is_empty)
    }
}

/// Values that fit the definition: one for each label, none too long, of open labels `_OTHER` when `is_collapsed`.
pub(crate) fn fitted<'a>(
    definition: &Definition,
    words: &[Word<'a>],
    is_collapsed: bool,
) -> ([Word<'a>; MAX_LABELS], usize) {
    let mut fitted = [Word::None; MAX_LABELS];
    let labels = definition.labels.len().min(MAX_LABELS);
    for (place, label) in definition.labels.iter().take(labels).enumerate() {
        let word = words.get(place).copied().unwrap_or_default();
        let is_too_long = word.text().is_some_and(|text| text.len() > MAX_LABEL_BYTES);
        let becomes_other = is_too_long || (is_collapsed && label.is_open && word != Word::None);
        fitted[place] = if becomes_other { Word::Static(OTHER) } else { word };
    }
    (fitted, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Kind, closed, open};

    const METRIC: Definition =
        Definition::new("m", Kind::Counter, "", &[open("tool.id"), closed("code"), closed("x")], "");

    #[test]
    fn a_key_is_found_by_what_it_was_made_of() {
        let words = [Word::Text("a\"\\\nb"), Word::Int(200), Word::None];
        let key = Arc::new(Key::new(&METRIC, 1, &words));
        assert_eq!(&*key.text, r#"tool_id="a\"\\\nb",code="200""#);
        let mut set = indexmap::IndexSet::new();
        set.insert(key);
        assert!(set.contains(&Lookup(&words)));
        for other in [
            [Word::Text("a"), Word::Int(200), Word::None],
            [Word::Text("a\"\\\nb"), Word::Static("200"), Word::None],
            [Word::Text("a\"\\\nb"), Word::Int(200), Word::Static("")],
        ] {
            assert!(!set.contains(&Lookup(&other)), "{other:?}");
        }
    }

    #[test]
    fn long_and_collapsed_values_are_other() {
        let long = "x".repeat(MAX_LABEL_BYTES + 1);
        let (words, labels) = fitted(&METRIC, &[Word::Text(&long), Word::Static("ok")], false);
        assert_eq!((&words[..2], labels), (&[Word::Static(OTHER), Word::Static("ok")][..], 3));
        let (words, _) = fitted(&METRIC, &[Word::Text("t"), Word::Static("ok")], true);
        assert_eq!(words[..2], [Word::Static(OTHER), Word::Static("ok")]);
    }
}
