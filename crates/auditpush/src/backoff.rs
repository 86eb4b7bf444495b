//! When to try again: exponential backoff with jitter, and `Retry-After` (RFC 9110 §10.2.3).

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// First pause, before the jitter.
const FIRST: Duration = Duration::from_millis(250);
/// Longest pause of our own; a receiver that comes back is found that soon.
const LONGEST: Duration = Duration::from_secs(30);
/// Longest pause that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// Pauses that grow.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next pause: somewhere between half of the step and the whole, so that many runtimes that lost the same
    /// receiver don't come back at the same moment.
    pub(crate) fn pause(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(LONGEST);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// The wait that `Retry-After` asks for, up to an hour.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
            Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
        }
    };
    Some(asked.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_are_never_the_same_for_all() {
        let mut backoff = Backoff::new();
        let mut step = FIRST;
        for _ in 0..12 {
            let pause = backoff.pause();
            assert!(pause >= step / 2 && pause <= step, "{pause:?} of {step:?}");
            step = (step * 2).min(LONGEST);
        }
        assert_eq!(step, LONGEST);
    }

    /// RFC 9110 §10.2.3.
    #[test]
    fn a_receiver_may_ask_for_seconds_or_a_date_and_for_no_more_than_an_hour() {
        let now: Timestamp = "2026-02-03T04:05:06Z".parse().expect("a time");
        for (value, expected) in [
            ("3", Some(3)),
            (" 0 ", Some(0)),
            ("Tue, 03 Feb 2026 04:05:16 GMT", Some(10)),
            ("Tue, 03 Feb 2026 04:05:00 GMT", Some(0)),
            ("86400", Some(3600)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
