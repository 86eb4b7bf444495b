//! When to try again: exponential backoff with jitter, as the OTLP specification asks for, and `Retry-After`
//! (RFC 9110 §10.2.3).

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// First pause, before the jitter.
const FIRST: Duration = Duration::from_millis(500);
/// Longest pause of our own; a collector that comes back is found that soon.
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that grow.
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next pause: somewhere between half of the step and the whole, so that many runtimes that lost the same
    /// collector don't come back at the same moment.
    pub(super) fn pause(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(LONGEST);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// The wait that `Retry-After` asks for.
pub(super) fn after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_are_never_the_same_for_all() {
        let mut backoff = Backoff::new();
        for step in [500, 1000, 2000, 4000, 5000, 5000] {
            let pause = backoff.pause().as_millis();
            assert!((step / 2..=step).contains(&pause), "{pause} of {step}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().expect("a time");
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
