//! What can go wrong with a document, as one list. Messages name the document (URLs redacted), the reason, and the
//! setting or step that helps.

use crate::{Location, LocationError, YamlError};
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::diagnostic::DiagnosticCode;
use std::path::PathBuf;
use std::time::Duration;

/// A document can't be had. `Clone`, because callers that wait for one fetch share its result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The reference is no location.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A local file is not there.
    #[error("there is no file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A local file can't be read.
    #[error("{} can't be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A local path is a directory, a device, a pipe.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A local file is outside the only folder that documents are read from.
    #[error("{} is outside the folder that documents may be read from (local_root)", path.display())]
    OutsideRoot {
        /// The file.
        path: PathBuf,
    },
    /// A document is larger than a setting allows.
    #[error("{document} is larger than {limit} bytes ({setting})")]
    TooLarge {
        /// The document.
        document: String,
        /// The bound.
        limit: u64,
        /// Its name in [`crate::DocumentsConfig`].
        setting: &'static str,
    },
    /// The origin could not be asked, or broke off.
    #[error("{url} can't be fetched: {reason}")]
    Transport {
        /// The URL, redacted.
        url: String,
        /// What the network says.
        reason: String,
    },
    /// The origin did not answer in time.
    #[error("{url} did not answer within {limit:?} (total_timeout)")]
    Timeout {
        /// The URL, redacted.
        url: String,
        /// The bound.
        limit: Duration,
    },
    /// Too many redirects, or one to where they are not followed.
    #[error("{url} redirects too often or to where redirects are not followed: {reason}")]
    Redirect {
        /// The URL, redacted.
        url: String,
        /// What was wrong with the last one.
        reason: String,
    },
    /// The address is inside, and a document from elsewhere chose it.
    #[error(
        "{url} is not asked: {reason}, and it was a document from elsewhere that named it (network.allowAddresses)"
    )]
    Inside {
        /// The URL, redacted.
        url: String,
        /// The address, and what kind it is.
        reason: String,
    },
    /// The origin answered something else than the document (CP-3).
    #[error("unexpected status {status} from {url}")]
    Status {
        /// The URL, redacted.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// Nothing is asked over the network, and nothing is stored.
    #[error("{url} is not in the document cache, and nothing is fetched offline")]
    Offline {
        /// The URL, redacted.
        url: String,
    },
    /// The HTTP client can't be set up.
    #[error("the HTTP client can't be set up: {reason}")]
    Client {
        /// What it says.
        reason: String,
    },
    /// The bytes are no document.
    #[error("{document} {fault}")]
    Format {
        /// The document.
        document: String,
        /// What is wrong with it.
        fault: FormatError,
    },
    /// The work was stopped because the process is ending.
    #[error("reading {document} was stopped")]
    Stopped {
        /// The document.
        document: String,
    },
}

impl DocumentError {
    /// A stable word for diagnostics.
    pub fn code(&self) -> &'static str {
        let code = match self {
            Self::Location(_) => DiagnosticCode::LocationInvalid,
            Self::Missing { .. } | Self::Unreadable { .. } | Self::NotAFile { .. } | Self::OutsideRoot { .. } => {
                DiagnosticCode::FileUnreadable
            }
            Self::TooLarge { .. } => DiagnosticCode::DocumentTooLarge,
            Self::Transport { .. }
            | Self::Timeout { .. }
            | Self::Redirect { .. }
            | Self::Offline { .. }
            | Self::Client { .. }
            | Self::Stopped { .. } => DiagnosticCode::FetchFailed,
            Self::Inside { .. } => DiagnosticCode::FetchForbidden,
            Self::Status { .. } => DiagnosticCode::FetchStatus,
            Self::Format { .. } => DiagnosticCode::DocumentInvalid,
        };
        code.as_str()
    }

    /// The diagnostic about the document at this location; `source` is left empty for the caller to fill.
    pub fn diagnostic(&self, location: &Location) -> Diagnostic {
        let code = self.code();
        Diagnostic {
            severity: Severity::Error,
            code: code.to_owned(),
            source: String::new(),
            pointer: format!("{location}#"),
            message: self.to_string(),
            hint: DiagnosticCode::parse(code).map_or("", DiagnosticCode::advice).to_owned(),
        }
    }

    /// True when the origin could not be asked, so that a stored answer may stand in.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Timeout { .. } => true,
            Self::Status { status, .. } => *status == 429 || (500..600).contains(status),
            _ => false,
        }
    }
}

/// Why bytes are not an API description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Some other encoding, or no text at all.
    #[error("is not UTF-8 text (byte {position}); convert it to UTF-8")]
    NotUtf8 {
        /// First byte that is wrong.
        position: usize,
    },
    /// A page for people, often a sign-in page or an error page.
    #[error("is an HTML page, not an API description; check the address, and whether it needs a sign-in")]
    Html,
    /// An XML document.
    #[error("is an XML document, not an API description")]
    Xml,
    /// JSON with a fault.
    #[error("is not valid JSON: {reason}")]
    Json {
        /// First line is 1; 0 when the fault is in no one place.
        line: usize,
        /// First column is 1, in bytes.
        column: usize,
        /// What is wrong, and where.
        reason: String,
    },
    /// YAML with a fault.
    #[error("is not valid YAML: {0}")]
    Yaml(#[from] YamlError),
    /// A list or a scalar where an object is meant (OA-2).
    #[error("is {found}: expected object document")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
}
