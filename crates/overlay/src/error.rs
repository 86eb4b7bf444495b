//! Why a document is no overlay at all. Faults inside an overlay are diagnostics.

use crate::limits::{MAX_ACTIONS, MAX_OVERLAY_BYTES};
use open_cli_contract::diagnostic::DiagnosticCode;

/// The bytes can't be used as an overlay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// Larger than [`MAX_OVERLAY_BYTES`].
    #[error("the overlay is larger than {MAX_OVERLAY_BYTES} bytes; split it")]
    TooLarge,
    /// Not JSON. YAML must have been transcoded.
    #[error("the overlay is not valid JSON: {0}")]
    Json(String),
    /// A list or a scalar.
    #[error("the overlay is {found}: an object with \"overlay\" and \"actions\" is expected")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// Some other description by mistake.
    #[error("this is no overlay but has \"{member}\", like {what}; check the reference")]
    NotAnOverlay {
        /// The telling member.
        member: &'static str,
        /// What has such a member.
        what: &'static str,
    },
    /// A version whose meaning is not known.
    #[error("Overlay version {version} is not known here; 1.0, 1.1 and 1.2 are")]
    Version {
        /// As written, bounded.
        version: String,
    },
    /// `actions` is not a list.
    #[error("\"actions\" is {found}: a list of actions is expected")]
    Actions {
        /// What it is instead.
        found: &'static str,
    },
    /// More than [`MAX_ACTIONS`].
    #[error("the overlay has more than {MAX_ACTIONS} actions; split it")]
    TooManyActions,
}

impl OverlayError {
    /// A stable word for diagnostics.
    pub fn code(&self) -> &'static str {
        DiagnosticCode::OverlayInvalid.as_str()
    }
}
