//! Formats that are cheap to check and mean one thing: dates, times, UUIDs, addresses, ranges of integers. Every other
//! format is an annotation (JSON Schema 2020-12 validation §7.2.1).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A format of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    DateTime,
    Date,
    Time,
    Uuid,
    Ipv4,
    Ipv6,
}

impl Format {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "uuid" => Self::Uuid,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            _ => return None,
        })
    }

    /// For messages.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::DateTime => "a date and time such as 2026-01-31T12:00:00Z",
            Self::Date => "a date such as 2026-01-31",
            Self::Time => "a time such as 12:00:00Z",
            Self::Uuid => "a UUID such as 123e4567-e89b-12d3-a456-426614174000",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
        }
    }

    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::DateTime => text
                .find(['T', 't'])
                .is_some_and(|at| is_date(&text.as_bytes()[..at]) && is_time(&text.as_bytes()[at + 1..])),
            Self::Date => is_date(text.as_bytes()),
            Self::Time => is_time(text.as_bytes()),
            Self::Uuid => is_uuid(text.as_bytes()),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        }
    }
}

/// Size in words, least and greatest value of a format of integers.
pub(crate) fn range(word: &str) -> Option<(&'static str, i128, i128)> {
    Some(match word {
        "int8" => ("8 bits", i8::MIN.into(), i8::MAX.into()),
        "int16" => ("16 bits", i16::MIN.into(), i16::MAX.into()),
        "int32" => ("32 bits", i32::MIN.into(), i32::MAX.into()),
        "int64" => ("64 bits", i64::MIN.into(), i64::MAX.into()),
        "uint8" => ("8 bits", 0, u8::MAX.into()),
        "uint16" => ("16 bits", 0, u16::MAX.into()),
        "uint32" => ("32 bits", 0, u32::MAX.into()),
        "uint64" => ("64 bits", 0, u64::MAX.into()),
        _ => return None,
    })
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// RFC 3339 `full-date`.
fn is_date(text: &[u8]) -> bool {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (number(&text[..4]), number(&text[5..7]), number(&text[8..]))
    else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// RFC 3339 `full-time`. A leap second is the last of a day in UTC.
fn is_time(text: &[u8]) -> bool {
    if text.len() < 9 || text[2] != b':' || text[5] != b':' {
        return false;
    }
    let (Some(hour), Some(minute), Some(second)) = (number(&text[..2]), number(&text[3..5]), number(&text[6..8]))
    else {
        return false;
    };
    let mut zone = &text[8..];
    if zone[0] == b'.' {
        let digits = zone[1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        zone = &zone[1 + digits..];
    }
    let offset = match zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (Some(hours), Some(minutes)) = (number(&[*h1, *h2]), number(&[*m1, *m2])) else { return false };
            if hours > 23 || minutes > 59 {
                return false;
            }
            let minutes = i64::from(hours * 60 + minutes);
            if *sign == b'+' { minutes } else { -minutes }
        }
        _ => return false,
    };
    let utc = (i64::from(hour * 60 + minute) - offset).rem_euclid(24 * 60);
    hour < 24 && minute < 60 && (second < 60 || (second == 60 && utc == 24 * 60 - 1))
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_checked_as_their_standards_say() {
        for (format, text, expected) in [
            ("date-time", "2026-01-31T23:59:59Z", true),
            ("date-time", "2026-01-31t23:59:59.123z", true),
            ("date-time", "2026-01-31T23:59:59+05:30", true),
            ("date-time", "2026-01-31T23:59:59", false),
            ("date-time", "2026-01-31 23:59:59Z", false),
            ("date-time", "1998-12-31T23:59:60Z", true),
            ("date-time", "1998-12-31T22:59:60Z", false),
            ("date-time", "1998-12-31T15:59:60-08:00", true),
            ("date-time", "2026-01-31T24:00:00Z", false),
            ("date-time", "2026-01-31T12:00:00.Z", false),
            ("date-time", "2026-01-31T12:00:00+24:00", false),
            ("date", "2024-02-29", true),
            ("date", "2023-02-29", false),
            ("date", "2023-13-01", false),
            ("date", "2023-1-01", false),
            ("time", "12:00:00Z", true),
            ("time", "12:00Z", false),
            ("uuid", "123E4567-e89b-12d3-a456-426614174000", true),
            ("uuid", "123e4567e89b12d3a456426614174000", false),
            ("ipv4", "127.0.0.1", true),
            ("ipv4", "127.0.0.01", false),
            ("ipv6", "::1", true),
            ("ipv6", "::1%eth0", false),
        ] {
            assert_eq!(Format::of(format).expect(format).fits(text), expected, "{format} {text}");
        }
        assert_eq!(Format::of("email"), None);
        assert_eq!(range("int32"), Some(("32 bits", -2_147_483_648, 2_147_483_647)));
        assert_eq!(range("double"), None);
    }
}
