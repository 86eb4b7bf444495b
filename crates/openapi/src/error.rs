//! Why a description can't be read at all. Everything smaller is a diagnostic (deviation 6 of the contract).

use open_cli_contract::diagnostic::DiagnosticCode;

/// The root document is no API description that this program reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not JSON, or not UTF-8.
    #[error("the API description can't be read: {reason}; check that the file is complete and is JSON or YAML")]
    NotJson {
        /// What the parser says.
        reason: String,
    },
    /// OA-2: the top level is a list, a text or nothing.
    #[error(
        "the API description can't be read: its top level is {found}, not an object; an OpenAPI document starts \
         with members such as `openapi`, `info` and `paths`"
    )]
    NotAnObject {
        /// What is there, with its article.
        found: &'static str,
    },
    /// Some other kind of document.
    #[error(
        "the document is no API description: it has neither `openapi` nor `swagger`{resembles}; name an OpenAPI 3.x \
         or Swagger 2.0 document"
    )]
    NoVersion {
        /// Empty, or a remark on what it looks like.
        resembles: String,
    },
    /// A version whose meaning is not known.
    #[error(
        "the API description declares `{member}: {declared}`, which is not supported; convert it to OpenAPI 3.0, \
         3.1, 3.2 or Swagger 2.0"
    )]
    UnsupportedVersion {
        /// `openapi` or `swagger`.
        member: &'static str,
        /// What the document says, shortened.
        declared: String,
    },
}

impl ReadError {
    /// A stable word for diagnostics.
    pub fn code(&self) -> &'static str {
        DiagnosticCode::DescriptionInvalid.as_str()
    }
}
