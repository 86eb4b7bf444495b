//! Query parameters of a request: decoded, last one wins, absent and empty are the same.

use open_cli_contract::Timestamp;
use open_cli_contract::problem::{ErrorCode, Problem};
use std::time::Duration;
use url::form_urlencoded;

/// The query of one request.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A parameter that is a time.
pub(crate) fn time(query: &Query, name: &str) -> Result<Option<Timestamp>, Box<Problem>> {
    match query.get(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| invalid(name, text, "an RFC 3339 time")),
    }
}

/// A parameter that is a number.
pub(crate) fn number(query: &Query, name: &str) -> Result<Option<u64>, Box<Problem>> {
    match query.get(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| invalid(name, text, "a whole number")),
    }
}

/// A parameter that is a time in milliseconds, with a fraction or without.
pub(crate) fn milliseconds(query: &Query, name: &str) -> Result<Option<Duration>, Box<Problem>> {
    let parsed = |text: &str| {
        let milliseconds: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    };
    match query.get(name) {
        "" => Ok(None),
        text => parsed(text).map(Some).ok_or_else(|| invalid(name, text, "a number of milliseconds")),
    }
}

/// A parameter that is something else than it should be.
pub(crate) fn invalid(name: &str, value: &str, expected: &str) -> Box<Problem> {
    Problem::new(ErrorCode::InvalidRequest, format!("The parameter {name} is \"{value}\", not {expected}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_may_have_a_fraction_and_nothing_else() {
        let read = |text: &str| milliseconds(&Query::parse(Some(&format!("slowMs={text}"))), "slowMs");
        for (text, micros) in [("", None), ("200", Some(200_000)), ("0.5", Some(500)), ("1e3", Some(1_000_000))] {
            assert_eq!(read(text).expect(text).map(|time| time.as_micros()), micros, "{text}");
        }
        for text in ["-1", "NaN", "inf", "1e300", "1,5", "fast"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
