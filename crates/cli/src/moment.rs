//! Times and durations as people write and read them.

use crate::failure::Failure;
use open_cli_contract::Timestamp;
use std::time::Duration;

/// Units, and how many milliseconds each has.
const UNITS: &[(&str, f64)] =
    &[("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3), ("d", 86_400e3), ("w", 604_800e3)];
/// Longest duration, some hundred years: what is longer is a mistake.
const MAX_MILLIS: f64 = 1e13;

/// `200ms`, `1h30m`, `2d`, `0.5s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut millis = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?;
        millis += number * unit;
        rest = rest[letters..].trim_start();
    }
    (millis <= MAX_MILLIS).then(|| Duration::from_nanos((millis * 1e6) as u64))
}

/// How long ago (`2h`), a day (`2026-01-31`), or a time with zone (RFC 3339).
pub(crate) fn moment(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = || now.checked_sub(duration(text)?).ok();
    let day = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(ago).or_else(day).ok_or_else(|| {
        Failure::usage(
            format!("`--{flag}` does not take {text:?}"),
            "Expected how long ago, a day, or a time with zone as in RFC 3339.",
        )
        .suggest(format!("Write e.g. `--{flag} 2h` or `--{flag} 2026-01-31T08:00:00Z`."))
    })
}

/// Whole seconds, UTC: `2026-01-31 08:00:00`; without the date when all are of today.
pub(crate) fn short_times<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let today = Timestamp::now().strftime("%Y-%m-%d ").to_string();
    let times: Vec<String> = texts.map(short_time).collect();
    if times.iter().all(|time| time.starts_with(&today)) {
        return times.iter().map(|time| time[today.len()..].to_owned()).collect();
    }
    times
}

/// Whole seconds, UTC, with the date.
pub(crate) fn short_time(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// `1.24 ms`.
pub(crate) fn span_of_time(nanos: i128) -> String {
    let nanos = nanos as f64;
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.0} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// `3.4 MB`.
pub(crate) fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        n if n < 1e3 => format!("{n:.0} B"),
        n if n < 1e6 => format!("{:.1} kB", n / 1e3),
        n if n < 1e9 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.1} GB", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, millis) in [
            ("200ms", Some(200.0)),
            ("0.5ms", Some(0.5)),
            ("1h", Some(3_600_000.0)),
            ("1h30m", Some(5_400_000.0)),
            ("1d 12h", Some(129_600_000.0)),
            ("2w", Some(1_209_600_000.0)),
            ("", None),
            ("5", None),
            ("h", None),
            ("1y", None),
            ("-1h", None),
            ("1..2s", None),
            ("999999999999w", None),
            ("1ü", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_secs_f64() * 1e3), millis, "{text}");
        }
    }

    #[test]
    fn a_moment_is_an_age_a_day_or_a_time() {
        let now: Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2h", "2026-01-31T06:00:00Z"),
            ("2026-01-30", "2026-01-30T00:00:00Z"),
            ("2026-01-30T09:00:00+01:00", "2026-01-30T08:00:00Z"),
        ] {
            assert_eq!(moment("since", text, now).unwrap().to_string(), expected, "{text}");
        }
        let failure = moment("since", "yesterday", now).unwrap_err();
        assert!(failure.message.contains("--since") && failure.suggestion.contains("2h"));
        assert!(moment("since", "9000w", Timestamp::MIN).is_err());
    }

    #[test]
    fn amounts_have_the_unit_a_person_would_choose() {
        for (nanos, expected) in
            [(999, "999 ns"), (1_500, "2 µs"), (1_240_000, "1.24 ms"), (61_500_000_000, "61.50 s")]
        {
            assert_eq!(span_of_time(nanos), expected);
        }
        for (count, expected) in [(7, "7 B"), (1_500, "1.5 kB"), (2_340_000, "2.3 MB"), (5_000_000_000, "5.0 GB")]
        {
            assert_eq!(bytes(count), expected);
        }
    }
}
