//! Patterns over tool ids: `*` any run of characters (also `/`, deviation 7), `?` one character except `/`,
//! `[a-c]` and `[^a]` classes, `\` escapes, `**` alone everything. A malformed pattern matches its own text only
//! (catalog-and-execution §19.4).

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Option<Vec<Token>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    AnyChar,
    AnyRun,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    /// Compiles; never fails (see the module text for malformed patterns).
    pub fn new(text: &str) -> Self {
        let tokens = if text == "**" { Some(vec![Token::AnyRun]) } else { compile(text) };
        Self { text: text.to_owned(), tokens }
    }

    /// The pattern as configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// False when the pattern is malformed and so only matches its own text.
    pub fn is_well_formed(&self) -> bool {
        self.tokens.is_some()
    }

    /// Does the whole text match? Linear in the text for each `*`; no backtracking beyond the last one.
    pub fn matches(&self, text: &str) -> bool {
        let Some(tokens) = &self.tokens else { return self.text == text };
        let chars: Vec<char> = text.chars().collect();
        let (mut t, mut c) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while c < chars.len() {
            match tokens.get(t) {
                Some(Token::AnyRun) => {
                    retry = Some((t, c));
                    t += 1;
                    continue;
                }
                Some(token) if token.matches(chars[c]) => {
                    t += 1;
                    c += 1;
                    continue;
                }
                _ => {}
            }
            let Some((run, start)) = retry else { return false };
            retry = Some((run, start + 1));
            t = run + 1;
            c = start + 1;
        }
        tokens[t..].iter().all(|token| *token == Token::AnyRun)
    }
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::AnyChar => c != '/',
            Self::AnyRun => false,
            Self::Class { negated, ranges } => {
                c != '/' && ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn compile(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                if tokens.last() != Some(&Token::AnyRun) {
                    tokens.push(Token::AnyRun);
                }
            }
            '?' => tokens.push(Token::AnyChar),
            '\\' => tokens.push(Token::Literal(chars.next()?)),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    if chars.peek() == Some(&']') && !ranges.is_empty() {
                        chars.next();
                        break;
                    }
                    let low = class_char(&mut chars)?;
                    let high = if chars.next_if_eq(&'-').is_some() { class_char(&mut chars)? } else { low };
                    ranges.push((low, high));
                }
                tokens.push(Token::Class { negated, ranges });
            }
            _ => tokens.push(Token::Literal(c)),
        }
    }
    Some(tokens)
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '\\' => chars.next(),
        ']' | '-' => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// catalog-and-execution §19.4, with deviation 7 (`*` also matches `/`).
    #[test]
    fn patterns_match_whole_tool_ids() {
        for (pattern, text, expected) in [
            ("depot:*", "depot:listBins", true),
            ("depot:*", "depot:get:/bins/{binId}", true),
            ("depot:**", "depot:get:/bins", true),
            ("*", "depot:get:/bins", true),
            ("**", "anything/at:all", true),
            ("**", "", true),
            ("*:list*", "depot:listBins", true),
            ("*:list*", "depot:getBins", false),
            ("depot:?ut", "depot:put", true),
            ("depot:?ut", "depot:/ut", false),
            ("depot:[", "depot:[", true),
            ("depot:[", "depot:x", false),
            ("DEPOT:*", "depot:listBins", false),
            ("depot:[a-c]x", "depot:bx", true),
            ("depot:[^a]x", "depot:ax", false),
            ("depot:[^a]x", "depot:bx", true),
            ("a[!b]c", "a!c", true),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("", "", true),
            ("", "x", false),
            ("[]a]", "]", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = Pattern::new(&"*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(150)));
    }
}
