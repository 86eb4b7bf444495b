//! Request ids: the caller's when it is harmless, else a UUIDv7 (weaknesses 65 to 67 of config-and-state).

use std::fmt;
use std::sync::Arc;

/// Longest request id that is taken from a caller.
pub const REQUEST_ID_MAX: usize = 128;

/// Identifies one request in answers, errors, audit records, spans and upstream requests.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A fresh, time-ordered, unpredictable id.
    pub fn generate() -> Self {
        let mut buffer = [0_u8; uuid::fmt::Hyphenated::LENGTH];
        Self(Arc::from(&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer)))
    }

    /// The caller's id when it is `[A-Za-z0-9._-]{1,128}`.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=REQUEST_ID_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        valid.then(|| Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_id_of_the_caller_is_used_and_any_other_refused() {
        for good in ["a", "A.b_c-9", &"x".repeat(128)] {
            assert_eq!(RequestId::parse(good).map(|id| id.to_string()).as_deref(), Some(good));
        }
        for bad in ["", "a b", "a\n", "ü", "a/b", &"x".repeat(129)] {
            assert!(RequestId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn generated_ids_are_distinct_ordered_and_acceptable() {
        let ids: Vec<_> = (0..100).map(|_| RequestId::generate()).collect();
        assert!(ids.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
        assert!(ids.iter().all(|id| RequestId::parse(id.as_str()).is_some()));
    }
}
