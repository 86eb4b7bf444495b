//! Texts of servers, bounded before they are kept or shown.

/// The beginning of a text, at most so many bytes, cut between characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// One line for a message: control characters are spaces, and what is long is cut.
pub(crate) fn one_line(text: &str, bytes: usize) -> String {
    cut(text.trim(), bytes).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Replaces secrets that a server may have been given and prints again.
#[derive(Clone, Default)]
pub(crate) struct Scrubber(Vec<String>);

/// Shorter values are words that stand everywhere.
const MIN_SECRET_BYTES: usize = 6;

impl Scrubber {
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        Self(secrets.filter(|secret| secret.len() >= MIN_SECRET_BYTES).map(str::to_owned).collect())
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        let mut clean = open_cli_contract::redact::text(text);
        for secret in &self.0 {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), open_cli_contract::redact::MASK);
            }
        }
        clean
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_secrets_do_not_come_back() {
        assert_eq!((cut("aé", 2), cut("ab", 9)), ("a", "ab"));
        assert_eq!(one_line("  a\nb\u{1b}[1m ", 99), "a b [1m");
        let scrubber = Scrubber::new(["s3cret-token", "1"].into_iter());
        assert_eq!(scrubber.clean("token s3cret-token, 1"), "token REDACTED, 1");
        assert!(!format!("{scrubber:?}").contains("s3cret"));
    }
}
