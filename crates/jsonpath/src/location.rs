//! Where a node is: a list of names and indexes. Printed as a normalized path (RFC 9535 §2.7) or as a JSON Pointer
//! (RFC 6901).

use serde_json::Value;
use std::fmt;

/// One step from a value to a child.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LocationStep {
    /// Member of an object.
    Name(Box<str>),
    /// Element of an array.
    Index(usize),
}

impl LocationStep {
    /// The name of a member.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Index(_) => None,
        }
    }

    /// The index of an element.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Name(_) => None,
            Self::Index(index) => Some(*index),
        }
    }
}

/// The place of one node in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Location(pub(crate) Box<[LocationStep]>);

impl Location {
    /// The steps from the root; none for the root itself.
    pub fn steps(&self) -> &[LocationStep] {
        &self.0
    }

    /// As a JSON Pointer.
    pub fn to_pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            match step {
                LocationStep::Name(name) => Self::push_token(&mut pointer, name),
                LocationStep::Index(index) => Self::push_token(&mut pointer, &index.to_string()),
            }
        }
        pointer
    }

    /// The node, when the document still has it.
    pub fn get<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            LocationStep::Name(name) => value.as_object()?.get(&**name),
            LocationStep::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// Adds `/` and the token, escaped.
    pub fn push_token(pointer: &mut String, token: &str) {
        pointer.push('/');
        for c in token.chars() {
            match c {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                c => pointer.push(c),
            }
        }
    }
}

/// The normalized path.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.0 {
            match step {
                LocationStep::Index(index) => write!(f, "[{index}]")?,
                LocationStep::Name(name) => {
                    f.write_str("['")?;
                    for c in name.chars() {
                        match c {
                            '\u{8}' => f.write_str("\\b")?,
                            '\t' => f.write_str("\\t")?,
                            '\n' => f.write_str("\\n")?,
                            '\u{c}' => f.write_str("\\f")?,
                            '\r' => f.write_str("\\r")?,
                            '\'' => f.write_str("\\'")?,
                            '\\' => f.write_str("\\\\")?,
                            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                            c => write!(f, "{c}")?,
                        }
                    }
                    f.write_str("']")?;
                }
            }
        }
        Ok(())
    }
}
