//! Which version a document is written in. Leniency on the text, not on the meaning: `3.0` without quotes and
//! `3.1.0-rc1` are understood, `4.0` is refused.

use crate::error::ReadError;
use crate::json::{Kind, Object};
use crate::report::{Report, code, quoted};
use std::borrow::Cow;

/// What a document is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V20,
    V30,
    V31,
    V32,
}

/// Members by which other kinds of documents are known, and what to call them.
const OTHER_KINDS: &[(&str, &str)] = &[
    ("asyncapi", "an AsyncAPI document"),
    ("arazzo", "an Arazzo document"),
    ("overlay", "an Overlay document"),
    ("linkset", "a linkset (RFC 9264)"),
    ("$schema", "a JSON Schema"),
    ("components", "a part of a description that another document refers to"),
    ("paths", "a description whose version line is missing"),
];

impl Version {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V20 => "2.0",
            Self::V30 => "3.0",
            Self::V31 => "3.1",
            Self::V32 => "3.2",
        }
    }

    /// Reads the version of a root document.
    pub(crate) fn of(root: &Object<'_>, report: &mut Report) -> Result<Self, ReadError> {
        let (member, place) = match (root.get("openapi"), root.get("swagger")) {
            (Some(place), _) => ("openapi", place),
            (None, Some(place)) => ("swagger", place),
            (None, None) => {
                let kind = OTHER_KINDS.iter().find(|(member, _)| root.get(member).is_some());
                let resembles = kind.map(|(_, kind)| format!(" (it looks like {kind})")).unwrap_or_default();
                return Err(ReadError::NoVersion { resembles });
            }
        };
        let declared = place.text().unwrap_or(Cow::Borrowed(place.kind().with_article()));
        let unsupported = || ReadError::UnsupportedVersion { member, declared: unquoted(&declared) };
        let (major, minor) = parts(&declared).ok_or_else(unsupported)?;
        let version = match (member, major, minor) {
            ("swagger", 2, 0) => Self::V20,
            ("openapi", 3, 0) => Self::V30,
            ("openapi", 3, 1) => Self::V31,
            ("openapi", 3, 2) => Self::V32,
            ("openapi", 3, _) => {
                report.warning(
                    code::VERSION,
                    "/openapi",
                    format!("OpenAPI {} is newer than this program; it is read as 3.2", quoted(&declared)),
                    "what 3.2 does not know is ignored",
                );
                Self::V32
            }
            _ => return Err(unsupported()),
        };
        if place.kind() == Kind::Number {
            report.note(
                code::VERSION,
                &format!("/{member}"),
                format!("the version {declared} is a number; it is read as {}", version.as_str()),
                "write the version in quotes",
            );
        }
        Ok(version)
    }
}

/// Major and minor number; `3` is `3.0`.
fn parts(declared: &str) -> Option<(u32, u32)> {
    let mut parts = declared.trim().split(['.', '-', '+', ' ']);
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().map_or(Ok(0), str::parse).ok()?;
    Some((major, minor))
}

fn unquoted(text: &str) -> String {
    quoted(text).trim_matches('`').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> (Result<&'static str, String>, usize) {
        let mut report = Report::default();
        let root = Object::parse(text, 0).expect("object");
        let version = Version::of(&root, &mut report).map(Version::as_str).map_err(|error| error.to_string());
        (version, report.finish().len())
    }

    /// W11, OA-4
    #[test]
    fn versions_are_read_leniently() {
        for (text, expected, diagnostics) in [
            (r#"{"openapi":"3.0.3"}"#, "3.0", 0),
            (r#"{"openapi":"3.1.0-rc1"}"#, "3.1", 0),
            (r#"{"openapi":"3.2.0"}"#, "3.2", 0),
            (r#"{"openapi":"3"}"#, "3.0", 0),
            (r#"{"openapi":3.0}"#, "3.0", 1),
            (r#"{"openapi":3.1}"#, "3.1", 1),
            (r#"{"openapi":"3.7.0"}"#, "3.2", 1),
            (r#"{"swagger":"2.0"}"#, "2.0", 0),
            (r#"{"swagger":2.0}"#, "2.0", 1),
            (r#"{"swagger":"2.0","openapi":"3.1.0"}"#, "3.1", 0),
        ] {
            assert_eq!(version(text), (Ok(expected), diagnostics), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for (text, expected) in [
            (r#"{"openapi":"4.0.0"}"#, "declares `openapi: 4.0.0`, which is not supported"),
            (r#"{"openapi":"2.0"}"#, "declares `openapi: 2.0`"),
            (r#"{"swagger":"1.2"}"#, "declares `swagger: 1.2`"),
            (r#"{"openapi":"banana"}"#, "declares `openapi: banana`"),
            (r#"{"openapi":{}}"#, "declares `openapi: an object`"),
            (r#"{"openapi":""}"#, "declares `openapi: `"),
            (r#"{"arazzo":"1.0.0"}"#, "neither `openapi` nor `swagger` (it looks like an Arazzo document)"),
            (r#"{"x":1}"#, "neither `openapi` nor `swagger`; name an OpenAPI 3.x or Swagger 2.0 document"),
        ] {
            let (version, _) = version(text);
            let error = version.expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
