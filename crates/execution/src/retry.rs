//! When a refused call is tried again (RT-1 to RT-4 as amended by weakness 63). Pure.

use crate::Limits;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use std::time::Duration;

/// Pause before the second attempt; doubled for each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause that nobody asked for.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long to wait before the next attempt; `None` when the answer stands. `jitter` is in `0..1`.
pub(crate) fn pause(
    attempt: u32,
    limits: &Limits,
    status: StatusCode,
    headers: &HeaderMap,
    now: impl FnOnce() -> Timestamp,
    jitter: impl FnOnce() -> f64,
) -> Option<Duration> {
    if attempt >= limits.max_attempts || !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        return None;
    }
    let backoff = backoff(attempt, jitter);
    match headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| parse(text, now)) {
        Some(asked) if asked > limits.max_retry_after => None,
        Some(asked) => Some(asked.max(backoff)),
        None => Some(backoff),
    }
}

/// The pause before the next attempt when nobody asked for one: twice as long each time, and between half and the whole of
/// that, so that callers refused together do not come back together.
pub(crate) fn backoff(attempt: u32, jitter: impl FnOnce() -> f64) -> Duration {
    let whole = PAUSE_FIRST.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX)).min(PAUSE_MAX);
    whole.mul_f64(0.5 + jitter().clamp(0.0, 1.0) / 2.0)
}

/// RFC 9110 §10.2.3: seconds, or a date. A date in the past is no wait.
fn parse(text: &str, now: impl FnOnce() -> Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now())).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn at(attempt: u32, status: u16, retry_after: Option<&'static str>, jitter: f64) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        let now = || "2026-11-22T10:00:00Z".parse().expect("a time");
        pause(attempt, &Limits::default(), StatusCode::from_u16(status).expect("a status"), &headers, now, || {
            jitter
        })
    }

    /// Weakness 63.
    #[test]
    fn pauses_grow_with_jitter_and_end_after_three_attempts() {
        let ms = Duration::from_millis;
        for (attempt, status, jitter, expected) in [
            (1, 429, 1.0, Some(ms(100))),
            (1, 429, 0.0, Some(ms(50))),
            (2, 503, 1.0, Some(ms(200))),
            (3, 503, 1.0, None),
            (1, 500, 1.0, None),
            (1, 502, 1.0, Some(ms(100))),
            (2, 504, 0.0, Some(ms(100))),
            (1, 200, 1.0, None),
        ] {
            assert_eq!(at(attempt, status, None, jitter), expected, "{attempt} {status}");
        }
    }

    /// RFC 9110 §10.2.3.
    #[test]
    fn retry_after_is_honoured_up_to_its_limit() {
        let s = Duration::from_secs;
        for (header, expected) in [
            ("2", Some(s(2))),
            ("5", Some(s(5))),
            ("6", None),
            ("99999999999999999999999", None),
            ("0", Some(Duration::from_millis(100))),
            ("Sun, 22 Nov 2026 10:00:03 GMT", Some(s(3))),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(Duration::from_millis(100))),
            ("Sun, 22 Nov 2026 11:00:00 GMT", None),
            ("soon", Some(Duration::from_millis(100))),
        ] {
            assert_eq!(at(1, 429, Some(header), 1.0), expected, "{header}");
        }
    }
}
