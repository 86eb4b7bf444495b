//! Why a document is no Arazzo description at all. Faults inside one are diagnostics.

use crate::limits::MAX_DOCUMENT_BYTES;

/// The bytes can't be used as workflows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArazzoError {
    /// Larger than [`MAX_DOCUMENT_BYTES`].
    #[error("the workflow document is larger than {MAX_DOCUMENT_BYTES} bytes; split it")]
    TooLarge,
    /// Not JSON. YAML must have been transcoded.
    #[error("the workflow document is not valid JSON: {0}")]
    Json(String),
    /// A list or a scalar.
    #[error("the workflow document is {found}: an object with \"arazzo\" and \"workflows\" is expected")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// Some other description by mistake.
    #[error("this is no Arazzo description but has \"{member}\", like {what}; check the reference")]
    NotArazzo {
        /// The telling member.
        member: &'static str,
        /// What has such a member.
        what: &'static str,
    },
    /// A version whose meaning is not known.
    #[error("Arazzo version {version} is not known here; 1.0 and 1.1 are")]
    Version {
        /// As written, bounded.
        version: String,
    },
    /// `workflows` is not a list.
    #[error("\"workflows\" is {found}: a list of workflows is expected")]
    Workflows {
        /// What it is instead.
        found: &'static str,
    },
}
