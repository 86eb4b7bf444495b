//! `catalog`: the lock file that pins the definitions of tools.

use crate::reference::Reference;
use crate::words::NewTools;
use serde::Serialize;

/// `catalog`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogSettings {
    /// The lock file; without one nothing is pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<Reference>,
    /// What becomes of tools that the lock file does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_tools: Option<NewTools>,
}

impl CatalogSettings {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
