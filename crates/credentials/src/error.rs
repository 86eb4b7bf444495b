//! Why no alternative resolved. Messages name secrets, variables, files and schemes, never values.

use open_cli_contract::problem::ErrorCode;
use std::fmt;

/// Credentials could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Every alternative failed.
    #[error("{0}")]
    NoneResolved(Attempts),
}

impl CredentialsError {
    /// The code it is answered with.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::CredentialsUnavailable
    }
}

/// Each alternative once, in order (UP-9 as amended by weakness W-40): `scheme+scheme: reason; …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts(pub(crate) Vec<Attempt>);

/// One alternative that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// `scheme+scheme`.
    pub(crate) schemes: String,
    /// One reason for each requirement that failed.
    pub(crate) reasons: Vec<String>,
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, attempt) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", attempt.schemes, attempt.reasons.join(", "))?;
        }
        Ok(())
    }
}

/// Why one requirement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nobody configured the secret: with `{}` among the alternatives, anonymous access may be used.
    NotConfigured(String),
    /// It is configured and does not work.
    Broken(String),
}
