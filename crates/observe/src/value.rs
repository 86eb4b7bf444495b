//! What an attribute may hold: text, whole numbers and truth values, as OpenTelemetry has them. No secret belongs here.

use crate::arena::MAX_TEXT;
use open_cli_contract::ids::RequestId;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word of ours.
    Static(&'static str),
    /// Text, cut to 1 KiB.
    Text(Box<str>),
    /// Text that many spans share.
    Shared(Arc<str>),
    /// Whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl Value {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Static(text) => Some(text),
            Self::Text(text) => Some(text),
            Self::Shared(text) => Some(text),
            Self::Int(_) | Self::Bool(_) => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(bounded(text).into_boxed_str())
    }
}
impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        if text.len() > MAX_TEXT { Self::from(text.as_ref().to_owned()) } else { Self::Shared(text) }
    }
}
impl From<&RequestId> for Value {
    fn from(id: &RequestId) -> Self {
        Self::Text(id.as_str().into())
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}
impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Int(number.into())
    }
}
impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Static(text) => serializer.serialize_str(text),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Shared(text) => serializer.serialize_str(text),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
        }
    }
}

/// At most [`MAX_TEXT`] bytes, cut between characters.
fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
