//! HTTP dates (RFC 9110 §5.6.7): the form of today and the two obsolete ones, nothing else. What is written in another
//! way is no date, and an `Expires` that is no date has expired. The name of the day is not checked.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// A year of two digits lies at most this far ahead.
const YEARS_AHEAD: i16 = 50;

/// Reads a date; `now` says which century two digits mean.
pub(super) fn http_date(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim().to_ascii_lowercase();
    let now = now.to_zoned(TimeZone::UTC).year();
    let date = fixed(&text).or_else(|| rfc850(&text, now)).or_else(|| asctime(&text))?;
    date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// `sun, 06 nov 1994 08:49:37 gmt`
fn fixed(text: &str) -> Option<DateTime> {
    let (day, rest) = text.split_once(", ")?;
    let [date, month, year, time, "gmt"] = rest.split(' ').collect::<Vec<_>>()[..] else { return None };
    civil(is_short_day(day), digits(date, 2)?, month, digits(year, 4)?, time)
}

/// `sunday, 06-nov-94 08:49:37 gmt`
fn rfc850(text: &str, now: i16) -> Option<DateTime> {
    let (day, rest) = text.split_once(", ")?;
    let [date, time, "gmt"] = rest.split(' ').collect::<Vec<_>>()[..] else { return None };
    let [date, month, year] = date.split('-').collect::<Vec<_>>()[..] else { return None };
    let year = digits(year, 2)?;
    let this_century = now - now % 100 + year;
    let year = if this_century > now + YEARS_AHEAD { this_century - 100 } else { this_century };
    civil(DAYS.contains(&day), digits(date, 2)?, month, year, time)
}

/// `sun nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<DateTime> {
    let date = text.get(8..10)?;
    let [day, month] = text.get(..7)?.split(' ').collect::<Vec<_>>()[..] else { return None };
    let [time, year] = text.get(11..)?.split(' ').collect::<Vec<_>>()[..] else { return None };
    let is_apart = text.as_bytes()[7] == b' ' && text.as_bytes()[10] == b' ';
    let date = date.strip_prefix(' ').map_or_else(|| digits(date, 2), |date| digits(date, 1));
    civil(is_apart && is_short_day(day), date?, month, digits(year, 4)?, time)
}

fn is_short_day(day: &str) -> bool {
    day.len() == 3 && DAYS.iter().any(|known| known.starts_with(day))
}

fn civil(is_day: bool, date: i16, month: &str, year: i16, time: &str) -> Option<DateTime> {
    let month = i8::try_from(MONTHS.iter().position(|known| *known == month)? + 1).ok()?;
    let [hour, minute, second] = time.split(':').map(|part| digits(part, 2)).collect::<Vec<_>>()[..] else {
        return None;
    };
    // A leap second is the one before.
    let (hour, minute, second) = (hour?, minute?, second?.min(59));
    let small = |number: i16| i8::try_from(number).ok();
    let date = DateTime::new(year, month, small(date)?, small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    is_day.then_some(date)
}

/// Exactly this many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    #[test]
    fn the_three_forms_of_a_date_are_read() {
        let now = at(784_111_777);
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            " sUN, 06 nOV 1994 08:49:37 gmt ",
            "Mon, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text, now), Some(now), "{text}");
        }
        assert_eq!(http_date("Thu Dec 31 23:59:60 1998", now), Some(at(915_148_799)));
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        let now = at(1_795_000_000);
        for (text, year) in [("50", 2050), ("76", 2076), ("77", 1977), ("26", 2026), ("00", 2000)] {
            let date = http_date(&format!("Friday, 06-Nov-{text} 08:49:37 GMT"), now).expect("a date");
            assert_eq!(date.to_zoned(TimeZone::UTC).year(), year, "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_no_date() {
        for text in [
            "",
            "0",
            "-1",
            "yesterday",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "So, 06 Nov 1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "ünï, 06 Nov 1994 08:49:37 GMT",
            "sun nov€€6 08:49:37 1994",
        ] {
            assert_eq!(http_date(text, at(784_111_777)), None, "{text}");
        }
    }
}
