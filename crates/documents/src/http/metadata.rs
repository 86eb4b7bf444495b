//! What the cache knows about a stored answer: the JSON of `<stem>.json` (config-and-state §4.2), plus members of our
//! own: digest and length of the body (weakness 40), the `Accept` we sent, and where redirects led.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// "No time", as the contract writes it.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    /// Credentials redacted, as in `url`: the file's name keeps entries of different credentials apart.
    pub(super) key: String,
    pub(super) url: String,
    pub(super) method: String,
    pub(super) headers: Headers,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) etag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) last_modified: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) cache_control: String,
    /// Time of the last full body.
    #[serde(with = "zero_is_none")]
    pub(super) cached_at: Option<Timestamp>,
    /// For other readers of the file. We compute it from the headers each time.
    #[serde(with = "zero_is_none")]
    pub(super) expires_at: Option<Timestamp>,
    #[serde(with = "zero_is_none")]
    pub(super) last_validated_at: Option<Timestamp>,
    pub(super) status_code: u16,
    /// Never written as true (CACHE-11).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) stale: bool,
    /// Lower-case hex; empty in entries of other writers, which are then not verified.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) body_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body_length: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) request_accept: String,
    /// Kept when `Vary` names it, because ours changes with our version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) request_user_agent: String,
    /// Where redirects led, credentials redacted; empty when there were none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) final_url: String,
}

impl Metadata {
    /// Reads the file. `{}` and `null` are an entry that is never fresh (CACHE-19); an array or anything else that
    /// does not fit is corrupt (CACHE-17).
    pub(super) fn decode(json: &[u8]) -> Result<Self, serde_json::Error> {
        // A derived reader would take an array of values, too.
        let first = json.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'[') {
            return Err(serde::de::Error::custom("an array"));
        }
        let mut metadata = serde_json::from_slice::<Option<Self>>(json)?.unwrap_or_default();
        if metadata.headers.first("Cache-Control").is_none() && !metadata.cache_control.is_empty() {
            metadata.headers.append("Cache-Control", &metadata.cache_control);
        }
        Ok(metadata)
    }

    /// The time the answer was last known to be the origin's.
    pub(super) fn validated_at(&self) -> Option<Timestamp> {
        self.last_validated_at.or(self.cached_at)
    }

    /// Takes the three members that repeat a header from the headers (first line each), where there is one.
    pub(super) fn repeat_headers(&mut self) {
        for (member, name) in [
            (&mut self.etag, "Etag"),
            (&mut self.last_modified, "Last-Modified"),
            (&mut self.cache_control, "Cache-Control"),
        ] {
            if let Some(line) = self.headers.first(name) {
                line.clone_into(member);
            }
        }
    }
}

/// Response headers: canonical name to lines.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Headers(BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

impl Headers {
    /// Lines of a header, by its canonical name (`Etag`, `Cache-Control`).
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Like [`Headers::all`], for a name in any case.
    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(&canonical(name)).into_iter().flatten().map(String::as_str)
    }

    /// Adds a line.
    pub(super) fn append(&mut self, name: &str, value: &str) {
        self.0.entry(canonical(name)).or_default().push(value.to_owned());
    }

    /// Replaces header by header (RFC 9111 §3.2). `Age` and `Date` are about one answer: the old ones go in any case.
    pub(super) fn overlay(&mut self, newer: Self) {
        /// They describe the empty body of the 304, or its connection.
        const OF_THE_MESSAGE: &[&str] = &["Connection", "Content-Length", "Content-Range", "Transfer-Encoding"];
        self.0.remove("Age");
        self.0.remove("Date");
        for (name, lines) in newer.0 {
            if !OF_THE_MESSAGE.contains(&name.as_str()) {
                self.0.insert(name, lines);
            }
        }
    }
}

/// `etag` becomes `Etag`, `WWW-authenticate` becomes `Www-Authenticate`.
fn canonical(name: &str) -> String {
    let mut is_start = true;
    let fold = |c: char| {
        let folded = if is_start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        is_start = c == '-';
        folded
    };
    name.chars().map(fold).collect()
}

mod zero_is_none {
    use super::*;

    pub(super) fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_str(ZERO_TIME),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let time = Option::<Timestamp>::deserialize(deserializer)?;
        let is_zero = |time: &Timestamp| time.to_string() == ZERO_TIME;
        Ok(time.filter(|time| !is_zero(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §4.2: names, presence, the zero time, canonical header names.
    #[test]
    fn the_file_has_the_contracts_members() {
        let mut metadata = Metadata {
            key: "GET:https://h.example/a".into(),
            url: "https://h.example/a".into(),
            method: "GET".into(),
            status_code: 200,
            ..Metadata::default()
        };
        metadata.headers.append("etag", "\"v1\"");
        metadata.headers.append("x-REQUEST-id", "7");
        metadata.repeat_headers();
        let json = serde_json::to_string(&metadata).expect("JSON");
        assert_eq!(
            json,
            concat!(
                r#"{"key":"GET:https://h.example/a","url":"https://h.example/a","method":"GET","#,
                r#""headers":{"Etag":["\"v1\""],"X-Request-Id":["7"]},"etag":"\"v1\"","#,
                r#""cachedAt":"0001-01-01T00:00:00Z","expiresAt":"0001-01-01T00:00:00Z","#,
                r#""lastValidatedAt":"0001-01-01T00:00:00Z","statusCode":200}"#
            )
        );
        assert_eq!(Metadata::decode(json.as_bytes()).expect("reads back"), metadata);
    }

    /// CACHE-17, CACHE-19
    #[test]
    fn what_does_not_fit_is_corrupt_and_nothing_is_an_empty_entry() {
        for empty in ["{}", "null", " {\"headers\":null}"] {
            assert_eq!(Metadata::decode(empty.as_bytes()).expect(empty), Metadata::default());
        }
        for corrupt in ["", "[]", "[1]", "{", "7", r#"{"statusCode":"200"}"#, r#"{"cachedAt":"yesterday"}"#] {
            assert!(Metadata::decode(corrupt.as_bytes()).is_err(), "{corrupt}");
        }
        let other =
            Metadata::decode(br#"{"cachedAt":"2026-03-01T10:00:00.123456789+01:00","new":1}"#).expect("read");
        assert_eq!(other.validated_at().map(|t| t.to_string()).as_deref(), Some("2026-03-01T09:00:00.123456789Z"));
    }
}
