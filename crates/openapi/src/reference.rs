//! What following `$ref`s can give: the way to the target, which members beside a `$ref` count, why it fails. Not
//! the following itself (see `tree`).

use crate::json::{Object, Place};

/// Why a `$ref` leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("is not a location")]
    NotALocation,
    #[error("names a document that was not loaded")]
    NotLoaded,
    #[error("names a document that is not JSON")]
    NotJson,
    #[error("names something that is not there")]
    Missing,
    #[error("leads back to itself")]
    Cycle,
    #[error("is the start of a chain of more than 64 references")]
    TooDeep,
    #[error("leads to something that is no object")]
    NotAnObject,
    #[error("is one of so many references that reading them all would take too long")]
    TooMuch,
}

/// Which members beside a `$ref` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Siblings {
    /// Swagger 2.0 and OpenAPI 3.0.
    Ignored,
    /// Reference Object of OpenAPI 3.1: `summary` and `description`.
    Described,
    /// Path items; schemas of OpenAPI 3.1.
    All,
}

/// The way from a value to the end of its `$ref`s.
pub(crate) struct Trail<'a> {
    /// Objects with a `$ref`, the first one outermost.
    pub(crate) layers: Vec<Object<'a>>,
    /// What the last of them names; the value itself when it is no reference.
    pub(crate) target: Place<'a>,
    /// The target, if it is an object.
    pub(crate) object: Option<Object<'a>>,
}

impl<'a> Trail<'a> {
    /// The target with the siblings that count laid over it, the outermost on top.
    pub(crate) fn merged(self, siblings: Siblings) -> Result<Object<'a>, Unresolved> {
        let mut object = self.object.ok_or(Unresolved::NotAnObject)?;
        for layer in self.layers.into_iter().rev() {
            object.overlay(layer, |name| match siblings {
                Siblings::Ignored => false,
                Siblings::Described => matches!(name, "summary" | "description"),
                Siblings::All => true,
            });
        }
        Ok(object)
    }
}
