//! The `overlay` field: which version of the specification an overlay was written for. Only major and minor count.

use crate::OverlayError;
use crate::diagnostic::{Report, code, quoted};
use serde_json::Value;
use std::fmt;

/// A version of the Overlay Specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `update` and `remove`.
    V1_0,
    /// Adds `copy` and scalars as targets.
    V1_1,
    /// Adds `$self` and reusable actions.
    V1_2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        })
    }
}

impl Version {
    const NEWEST: Self = Self::V1_2;

    /// From the field. Odd spellings are warnings, another major version is an error.
    pub(crate) fn read(field: Option<&Value>, report: &mut Report) -> Result<Self, OverlayError> {
        let hint = "write overlay: 1.2.0 (or 1.1.0, 1.0.0)";
        let text = match field {
            None => {
                let message = format!("the overlay does not say its version; it is read as {}", Self::NEWEST);
                report.warning(code::VERSION, "", message, hint);
                return Ok(Self::NEWEST);
            }
            Some(Value::String(text)) => text.clone(),
            // `overlay: 1.0` in YAML.
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => {
                let message = format!("\"overlay\" is no text; the overlay is read as {}", Self::NEWEST);
                report.warning(code::VERSION, "/overlay", message, hint);
                return Ok(Self::NEWEST);
            }
        };
        let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        let (version, exact) = match parts.as_deref() {
            Some([1, 0, rest @ ..]) => (Self::V1_0, rest.len() == 1),
            Some([1, 1, rest @ ..]) => (Self::V1_1, rest.len() == 1),
            Some([1, 2, rest @ ..]) => (Self::V1_2, rest.len() == 1),
            Some([1] | [1, ..]) => (Self::NEWEST, false),
            _ => return Err(OverlayError::Version { version: quoted(&text) }),
        };
        if !exact || !matches!(field, Some(Value::String(_))) {
            let message =
                format!("\"overlay\" is {}, which is no known version; it is read as {version}", quoted(&text));
            report.warning(code::VERSION, "/overlay", message, hint);
        }
        Ok(version)
    }
}
