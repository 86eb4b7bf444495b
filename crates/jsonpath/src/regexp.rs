//! I-Regexp (RFC 9485) for `match` and `search`: checked, then translated to the syntax of the `regex` crate, whose
//! matching takes linear time. A pattern that is no I-Regexp matches nothing (RFC 9535 §2.4.6).

use crate::MAX_REGEXP_BYTES;
use crate::ast::Operand;
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// Deepest nesting of groups.
const MAX_GROUPS: usize = 32;
/// General categories that `\p{…}` may name (RFC 9485 §3): the letter, and the letters that may follow it.
const CATEGORIES: [(char, &str); 7] =
    [('L', "lmotu"), ('M', "cen"), ('N', "dlo"), ('P', "cdefios"), ('Z', "lps"), ('S', "ckmo"), ('C', "cfno")];

/// The second argument of `match` and `search`.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// A literal, compiled once; `None` when it is no I-Regexp.
    Fixed(Option<Regex>),
    /// From the document. `whole` for `match`.
    Computed { operand: Box<Operand>, whole: bool },
}

impl Pattern {
    /// The pattern, and a remark when it can't match anything.
    pub(crate) fn new(operand: Operand, whole: bool) -> (Self, Option<String>) {
        match operand {
            Operand::Literal(Value::String(text)) => match compile(&text, whole) {
                Ok(regex) => (Self::Fixed(Some(regex)), None),
                Err(reason) => {
                    let remark =
                        format!("a pattern of the query is no I-Regexp (RFC 9485) and matches nothing: {reason}");
                    (Self::Fixed(None), Some(remark))
                }
            },
            Operand::Literal(_) => {
                (Self::Fixed(None), Some("a pattern of the query is no text and matches nothing".to_owned()))
            }
            operand => (Self::Computed { operand: Box::new(operand), whole }, None),
        }
    }
}

/// The pattern as a [`Regex`], or why it is no I-Regexp.
pub(crate) fn compile(text: &str, whole: bool) -> Result<Regex, String> {
    if text.len() > MAX_REGEXP_BYTES {
        return Err(format!("it is longer than {MAX_REGEXP_BYTES} bytes"));
    }
    let body = translate(text)?;
    let pattern = if whole { format!("\\A(?:{body})\\z") } else { body };
    let mut builder = RegexBuilder::new(&pattern);
    let builder = builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).nest_limit(2 * MAX_GROUPS as u32);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes"),
        // The message quotes the translation, which the author never wrote.
        _ => "a range is out of order".to_owned(),
    })
}

fn translate(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut groups = 0_usize;
    // A quantifier needs something that it repeats.
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        let before = std::mem::replace(&mut repeatable, true);
        match c {
            '.' => out.push_str("[^\\n\\r]"),
            '(' => {
                groups += 1;
                if groups > MAX_GROUPS {
                    return Err(format!("groups nest deeper than {MAX_GROUPS} levels"));
                }
                out.push_str("(?:");
                repeatable = false;
            }
            ')' => {
                groups = groups.checked_sub(1).ok_or("a `)` closes nothing")?;
                out.push(')');
            }
            '|' => {
                out.push('|');
                repeatable = false;
            }
            '*' | '+' | '?' if before => {
                out.push(c);
                repeatable = false;
            }
            '{' if before => {
                quantity(&mut chars, &mut out)?;
                repeatable = false;
            }
            '*' | '+' | '?' | '{' => return Err(format!("`{c}` has nothing to repeat")),
            '}' | ']' => return Err(format!("`{c}` must be escaped")),
            '[' => class(&mut chars, &mut out)?,
            '\\' => escape(&mut chars, &mut out)?,
            // Not in the grammar as anchors, but the mapping of RFC 9485 §5.3 leaves them what they are elsewhere.
            '^' | '$' => out.push(c),
            c => literal(c, &mut out),
        }
    }
    if groups > 0 { Err("a `(` is not closed".to_owned()) } else { Ok(out) }
}

/// A character that means itself; what means something else to `regex`, outside or inside a class, is escaped.
fn literal(c: char, out: &mut String) {
    if "\\.+*?()|[]{}^$#&-~".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

/// `{2}`, `{2,}`, `{2,5}`; the brace is consumed.
fn quantity(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let mut number = || {
        let mut digits = String::new();
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        (digits, chars.next())
    };
    let wrong = "a quantity is written {2}, {2,} or {2,5}";
    let (least, end) = number();
    let least = least.parse::<u32>().map_err(|_| wrong)?;
    let _ = match end {
        Some('}') => write!(out, "{{{least}}}"),
        Some(',') => match number() {
            (most, Some('}')) if most.is_empty() => write!(out, "{{{least},}}"),
            (most, Some('}')) => {
                let most = most.parse::<u32>().map_err(|_| wrong)?;
                if most < least {
                    return Err("a quantity ends below its beginning".to_owned());
                }
                write!(out, "{{{least},{most}}}")
            }
            _ => return Err(wrong.to_owned()),
        },
        _ => return Err(wrong.to_owned()),
    };
    Ok(())
}

/// A single character after a backslash; `None` for what has none.
fn escaped(c: char) -> Option<char> {
    Some(match c {
        '(' | ')' | '*' | '+' | '-' | '.' | '?' | '[' | '\\' | ']' | '^' | '{' | '|' | '}' => c,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => return None,
    })
}

fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    match chars.next() {
        Some(c @ ('p' | 'P')) => category(c, chars, out),
        Some(c) => match escaped(c) {
            Some(c) => {
                literal(c, out);
                Ok(())
            }
            None => Err(format!("`\\{}` does not exist there; write a class such as [0-9]", c.escape_debug())),
        },
        None => Err("a backslash ends it".to_owned()),
    }
}

/// `\p{Lu}`; the letter `p` is consumed.
fn category(kind: char, chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let unknown = "a category is written as in \\p{Lu}";
    if chars.next() != Some('{') {
        return Err(unknown.to_owned());
    }
    let mut name = String::new();
    while let Some(letter) = chars.next_if(char::is_ascii_alphabetic) {
        name.push(letter);
    }
    if chars.next() != Some('}') {
        return Err(unknown.to_owned());
    }
    let mut letters = name.chars();
    let (first, second, third) = (letters.next(), letters.next(), letters.next());
    let known = CATEGORIES.iter().find(|(letter, _)| Some(*letter) == first);
    match known {
        Some((_, minor)) if third.is_none() && second.is_none_or(|letter| minor.contains(letter)) => {
            let _ = write!(out, "\\{kind}{{{name}}}");
            Ok(())
        }
        _ => Err(unknown.to_owned()),
    }
}

/// `[a-z]`, `[^\p{L}-]`; the bracket is consumed.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut empty = true;
    loop {
        match chars.next().ok_or("a `[` is not closed")? {
            ']' if empty => return Err("a class is empty".to_owned()),
            ']' => break,
            '-' if empty || chars.peek() == Some(&']') => out.push_str("\\-"),
            '-' => return Err("a `-` in a class stands first, last, or in a range".to_owned()),
            '[' => return Err("a `[` in a class must be escaped".to_owned()),
            '\\' if matches!(chars.peek(), Some('p' | 'P')) => escape(chars, out)?,
            first => {
                class_character(first, chars, out)?;
                // A `-` before the bracket is itself.
                let mut ahead = chars.clone();
                if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
                    chars.next();
                    out.push('-');
                    let last = chars.next().ok_or("a `[` is not closed")?;
                    if matches!(last, '-' | '[') {
                        return Err(format!("`{last}` can't end a range"));
                    }
                    class_character(last, chars, out)?;
                }
            }
        }
        empty = false;
    }
    out.push(']');
    Ok(())
}

fn class_character(c: char, chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    if c != '\\' {
        literal(c, out);
        return Ok(());
    }
    match chars.next().and_then(escaped) {
        Some(c) => literal(c, out),
        None => return Err("an escape in a class does not exist".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_i_regexp_means_what_rfc_9485_says() {
        for (pattern, yes, no) in [
            ("a.b", &["axb", "a\u{2028}b"][..], &["a\nb", "a\rb", "ab", "xaxb"][..]),
            ("[a&&b]+", &["&", "ab&"], &["c"]),
            ("[a~~b-]", &["~", "-"], &["c"]),
            ("[^-a]", &["b"], &["-", "a"]),
            ("[a-]", &["-", "a"], &["b"]),
            ("[\\[\\]]", &["[", "]"], &["\\"]),
            ("a{2}(b|c){1,2}", &["aab", "aacb"], &["ab", "aabbb"]),
            ("a{2,}", &["aaaa"], &["a"]),
            ("\\p{Lu}\\P{L}", &["A1"], &["AA", "a1"]),
            ("[\\p{Nd}x]", &["4", "x"], &["y"]),
            ("/v1/#a <b>", &["/v1/#a <b>"], &["/v1/#a<b>"]),
            ("", &[""], &["a"]),
            ("a|b", &["a", "b"], &["ab"]),
            ("\\n", &["\n"], &["n"]),
        ] {
            let regex = compile(pattern, true).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert!(yes.iter().all(|text| regex.is_match(text)), "{pattern}");
            assert!(!no.iter().any(|text| regex.is_match(text)), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_i_regexp_is_refused() {
        for pattern in [
            "\\d",
            "\\w+",
            "(?i)a",
            "(?:a)",
            "a*?",
            "a**",
            "*",
            "+a",
            "a{",
            "a{,2}",
            "a{2",
            "a{3,2}",
            "(",
            ")",
            "(a",
            "[",
            "[]",
            "[^]",
            "[a",
            "[[a]]",
            "[a-",
            "[b-a]",
            "[a-b-c]",
            "]",
            "}",
            "\\",
            "\\p",
            "\\p{X}",
            "\\p{Lx}",
            "\\p{Lu",
            "\\p{L-}",
            "\\p{}",
            "\\p{Script=Greek}",
            "\\b",
            "\\x41",
            "a{99999999999}",
            "((((((((((((((((((((((((((((((((((a",
            "[\\d]",
            "(a{1000}){1000}",
        ] {
            assert!(compile(pattern, false).is_err(), "{pattern} is accepted");
        }
    }
}
