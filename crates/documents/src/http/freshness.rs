//! HTTP freshness as RFC 9111 §4.2 has it for a private cache, with the contract's fallback lifetime (CACHE-6 to
//! CACHE-10, weaknesses 41, 42, 43). Pure: headers in, times out.

use super::date::http_date;
use super::metadata::Headers;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Longest lifetime, in seconds; larger ones count as this (weakness 43).
pub(super) const MAX_LIFETIME_SECONDS: u64 = 1 << 31;

/// What `Cache-Control` says, all its lines together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CacheControl {
    /// Must not be kept. `must-understand` takes it back where the status is one that we understand (RFC 9111
    /// §5.2.2.3), and others are not kept in any case.
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    /// A stale answer may not be used without asking (RFC 9111 §5.2.2.2).
    pub(super) must_revalidate: bool,
    /// How long a stale answer may stand in for an error (RFC 5861 §4).
    pub(super) stale_if_error: Option<u64>,
    /// The first `max-age`, if it is a number; negative ones are 0.
    pub(super) max_age: Option<u64>,
}

impl CacheControl {
    /// Reads all lines. Names are case-insensitive, values may be quoted or spaced, commas in quotes don't separate.
    pub(super) fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut control = Self::default();
        let (mut is_first_max_age, mut must_understand) = (true, false);
        for directive in lines.into_iter().flat_map(split_directives) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => control.no_store = true,
                // `no-cache="Set-Cookie"` may be read as the bare form (RFC 9111 §5.2.2.4).
                "no-cache" => control.no_cache = true,
                "must-understand" => must_understand = true,
                "must-revalidate" => control.must_revalidate = true,
                "stale-if-error" if control.stale_if_error.is_none() => {
                    control.stale_if_error = seconds(value.trim().trim_matches('"').trim());
                }
                "max-age" if is_first_max_age => {
                    is_first_max_age = false;
                    control.max_age = seconds(value.trim().trim_matches('"').trim());
                }
                _ => {}
            }
        }
        control.no_store &= !must_understand;
        control
    }
}

fn split_directives(line: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    line.split(move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    })
}

/// Whole seconds, saturated; a negative number is 0, anything else none.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if text.starts_with('-') {
        return Some(0);
    }
    // What does not fit is certainly longer than the longest.
    Some(digits.parse().unwrap_or(u64::MAX).min(MAX_LIFETIME_SECONDS))
}

/// When a stored answer stops being fresh; `None`: it never was. Computed whenever it is asked, so that a changed
/// `max_age` of the configuration applies to what is stored already (weakness 50).
pub(super) fn expires_at(
    headers: &Headers,
    validated_at: Timestamp,
    max_age: Option<Duration>,
) -> Option<Timestamp> {
    let control = CacheControl::parse(headers.all("Cache-Control"));
    if control.no_store || control.no_cache || headers.all("Vary").any(|line| line.contains('*')) {
        return None;
    }
    let read = |text| http_date(text, validated_at);
    let date = headers.first("Date").and_then(read);
    if let Some(max_age) = control.max_age {
        return Some(add(born_at(headers, date, validated_at), max_age));
    }
    if let Some(expires) = headers.first("Expires") {
        // Not a date, `0` above all, means already expired (RFC 9111 §5.3).
        let expires = read(expires)?;
        let lifetime = expires.duration_since(date.unwrap_or(validated_at)).as_secs();
        let lifetime = u64::try_from(lifetime).unwrap_or(0).min(MAX_LIFETIME_SECONDS);
        return Some(add(born_at(headers, date, validated_at), lifetime));
    }
    // The operator's own lifetime counts from our validation, not from the origin's clock.
    let fallback = max_age.filter(|age| !age.is_zero())?;
    Some(add(validated_at, fallback.as_secs().min(MAX_LIFETIME_SECONDS)))
}

/// Until when a stored answer may stand in for one that can't be had (RFC 9111 §4.2.4, RFC 5861 §4, weakness 44);
/// `None`: its origin forbids it.
pub(super) fn stands_in_until(
    headers: &Headers,
    validated_at: Timestamp,
    max_age: Option<Duration>,
    max_stale: Duration,
) -> Option<Timestamp> {
    let control = CacheControl::parse(headers.all("Cache-Control"));
    if control.no_store || control.no_cache || control.must_revalidate {
        return None;
    }
    let fresh_until = expires_at(headers, validated_at, max_age).unwrap_or(validated_at).max(validated_at);
    let bound = max_stale.as_secs().min(MAX_LIFETIME_SECONDS);
    Some(add(fresh_until, control.stale_if_error.map_or(bound, |allowed| allowed.min(bound))))
}

/// When the answer was generated, as far as `Age` and `Date` tell (RFC 9111 §4.2.3). `validated_at` is the time the
/// request was sent, so the delay of the answer counts as age, as it should.
fn born_at(headers: &Headers, date: Option<Timestamp>, validated_at: Timestamp) -> Timestamp {
    // Of a list, which is wrong, the first counts.
    let age = headers.first("Age").and_then(|age| age.split(',').next());
    let age = age.and_then(|age| seconds(age.trim())).unwrap_or(0);
    let by_age = validated_at.saturating_sub(SignedDuration::from_secs(age.cast_signed())).unwrap_or(validated_at);
    date.map_or(by_age, |date| by_age.min(date))
}

fn add(time: Timestamp, seconds: u64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds.cast_signed())).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(784_111_777 + seconds).expect("in range")
    }

    /// Seconds of freshness; the origin's clock is ours.
    fn fresh_for(lines: &[(&str, &str)], max_age: u64) -> Option<i64> {
        let mut headers = Headers::default();
        for (name, value) in lines {
            headers.append(name, value);
        }
        let expires = expires_at(&headers, at(0), Some(Duration::from_secs(max_age)))?;
        Some(expires.duration_since(at(0)).as_secs())
    }

    /// The `Cache-Control` table of §4.4, with weaknesses 41 to 43.
    #[test]
    fn lifetimes_follow_the_headers_and_then_the_configuration() {
        const CC: &str = "Cache-Control";
        for (control, max_age, expected) in [
            ("", 0, None),
            ("", 30, Some(30)),
            ("max-age=60", 0, Some(60)),
            ("Max-Age=60", 0, Some(60)),
            ("max-age= 60", 0, Some(60)),
            ("max-age = 60", 0, Some(60)),
            ("max-age=\"60\"", 0, Some(60)),
            ("max-age=+60", 0, Some(60)),
            ("max-age=1.5", 0, None),
            ("public;max-age=60", 0, None),
            ("max-age=abc, max-age=9", 0, None),
            ("max-age=abc, max-age=9", 30, Some(30)),
            ("max-age=5, max-age=9", 0, Some(5)),
            ("max-age=0", 30, Some(0)),
            ("max-age=-5", 30, Some(0)),
            ("max-age=60", 30, Some(60)),
            ("no-store, max-age=60", 30, None),
            ("no-store, must-understand, max-age=60", 30, Some(60)),
            ("no-cache, max-age=60", 30, None),
            ("no-cache=\"A, B\", max-age=60", 30, None),
            ("private, max-age=60", 0, Some(60)),
            ("x=\", max-age=5, \", max-age=60", 0, Some(60)),
            ("s-maxage=60", 0, None),
            ("s-maxage=60", 30, Some(30)),
            ("must-revalidate", 0, None),
            ("must-revalidate", 30, Some(30)),
            ("immutable", 0, None),
            ("max-age=9999999999", 0, Some(1 << 31)),
            ("max-age=99999999999999999999999", 0, Some(1 << 31)),
        ] {
            assert_eq!(fresh_for(&[(CC, control)], max_age), expected, "{control:?}, maxAgeSeconds {max_age}");
        }
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (lines, max_age, expected) in [
            (&[(CC, "no-cache"), (CC, "max-age=60")][..], 30, None),
            (&[(CC, "public"), (CC, "max-age=60")], 0, Some(60)),
            (&[("Expires", "Sun, 06 Nov 1994 09:49:37 GMT")], 0, Some(3600)),
            (&[("Expires", "Sun, 06 Nov 1994 09:49:37 GMT"), ("Date", now)], 0, Some(3600)),
            (&[("Expires", "0")], 30, None),
            (&[("Expires", "Sun, 06 Nov 1994 07:49:37 GMT")], 30, Some(0)),
            (&[("Expires", "Sun, 06 Nov 1994 09:49:37 GMT"), (CC, "max-age=60")], 0, Some(60)),
            (&[(CC, "max-age=60"), ("Age", "59")], 0, Some(1)),
            (&[(CC, "max-age=60"), ("Age", "999")], 0, Some(-939)),
            (&[(CC, "max-age=60"), ("Age", "soon")], 0, Some(60)),
            (&[(CC, "max-age=60"), ("Age", "50, 0")], 0, Some(10)),
            // Generated ten seconds ago, somewhere on the way.
            (&[(CC, "max-age=60"), ("Date", "Sun, 06 Nov 1994 08:49:27 GMT")], 0, Some(50)),
            (&[(CC, "max-age=60"), ("Date", "Sun, 06 Nov 1994 09:49:27 GMT")], 0, Some(60)),
            (&[("Age", "10")], 30, Some(30)),
            (&[(CC, "max-age=60"), ("Vary", "*")], 0, None),
            (&[(CC, "max-age=60"), ("Vary", "Accept-Encoding")], 0, Some(60)),
        ] {
            assert_eq!(fresh_for(lines, max_age), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_stale_answer_stands_in_as_long_as_its_origin_and_the_configuration_allow() {
        for (control, expected) in [
            ("max-age=60", Some(160)),
            ("", Some(100)),
            ("max-age=60, stale-if-error=30", Some(90)),
            ("max-age=60, stale-if-error=\"30\"", Some(90)),
            ("max-age=60, stale-if-error=0", Some(60)),
            ("max-age=60, stale-if-error=9999", Some(160)),
            ("max-age=60, stale-if-error=soon", Some(160)),
            ("max-age=60, Must-Revalidate", None),
            ("no-cache, max-age=60", None),
            ("no-store", None),
            // For shared caches.
            ("max-age=60, proxy-revalidate", Some(160)),
        ] {
            let mut headers = Headers::default();
            headers.append("Cache-Control", control);
            let until = stands_in_until(&headers, at(0), None, Duration::from_secs(100));
            assert_eq!(until.map(|until| until.duration_since(at(0)).as_secs()), expected, "{control}");
        }
    }
}
