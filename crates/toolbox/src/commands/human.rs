//! Sizes, durations and times as people write and read them.

use jiff::{Span, SpanRelativeTo, Unit};
use std::time::Duration;

/// Units of sizes, each 1024 of the one before.
const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// `0 B`, `512 B`, `4.1 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let mut number = bytes as f64;
    let mut unit = 0;
    // What would be shown as 1024.0 is one of the next unit.
    while number >= 1023.95 && unit + 1 < UNITS.len() {
        number /= 1024.0;
        unit += 1;
    }
    format!("{number:.1} {}", UNITS[unit])
}

/// The two largest units: `45s`, `12m 5s`, `3h 0m`, `5d 7h`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// Reads `15s`, `7d`, `1h30m`, `2 weeks`, or a number of seconds. A day has 24 hours.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    const EXAMPLE: &str = "write it like 15s, 12h or 7d";
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: Span = text.parse().map_err(|_| format!("not a duration; {EXAMPLE}"))?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err("months and years have no fixed length; write days, like 90d".into());
    }
    let span =
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| format!("too long; {EXAMPLE}"))?;
    Duration::try_from(span).map_err(|_| format!("it is negative; {EXAMPLE}"))
}

/// A time to the second, UTC.
pub(crate) fn time(at: jiff::Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// From then to now; nothing when a clock was set back in between.
pub(crate) fn since(at: jiff::Timestamp, now: jiff::Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(at)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (4_299_162, "4.1 MiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (3 << 30, "3.0 GiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (725, "12m 5s"), (3 * 3600 + 59, "3h 0m"), (5 * 86_400 + 7 * 3600, "5d 7h")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn durations_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("15s", 15),
            ("15", 15),
            ("0", 0),
            ("7d", 7 * 86_400),
            ("2w", 14 * 86_400),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("2 days", 2 * 86_400),
            ("PT1M", 60),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for (text, part) in
            [("", "15s"), ("soon", "15s"), ("-3s", "negative"), ("1mo", "days"), ("2y", "days"), ("7x", "15s")]
        {
            let message = parse_duration(text).expect_err("refused");
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
