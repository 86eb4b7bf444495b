//! `pattern` as ECMA-262 writes it, on an engine whose time is linear in the text (no ReDoS). What can't be had that
//! way (lookaround, back references) is unsupported and said so; it is never guessed at.

use regex::{Regex, RegexBuilder};

/// Longest pattern.
const MAX_PATTERN_BYTES: usize = 4096;
/// Memory of one compiled pattern.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;
/// `\s` of ECMA-262 (WhiteSpace and LineTerminator), for inside a class.
const SPACE: &str =
    r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";

/// Why a pattern can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `(?=`, `(?!`, `(?<=`, `(?<!`.
    #[error("it looks ahead or behind, which can take exponential time")]
    Lookaround,
    /// `\1`, `\k<name>`.
    #[error("it refers back to a group, which can take exponential time")]
    BackReference,
    /// Not a pattern, or one of another language.
    #[error("it is no regular expression of ECMA-262")]
    Syntax,
    /// Beyond a bound.
    #[error("it is longer than {MAX_PATTERN_BYTES} bytes, or its compiled form than {MAX_COMPILED_BYTES}")]
    TooLarge,
}

/// True when `compile` will most likely take it; costs far less.
pub fn check(pattern: &str) -> Result<(), PatternError> {
    translate(pattern).map(drop)
}

pub(crate) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let translated = translate(pattern)?;
    RegexBuilder::new(&translated).size_limit(MAX_COMPILED_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
        _ => PatternError::Syntax,
    })
}

/// The same pattern in the words of the `regex` crate.
fn translate(pattern: &str) -> Result<String, PatternError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::TooLarge);
    }
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        match c {
            '\\' => rest = escape(rest, false, &mut out)?,
            '[' => rest = class(rest, &mut out)?,
            '(' => rest = group(rest, &mut out)?,
            // A line terminator is none of these in ECMA-262.
            '.' => {
                out.push_str(r"[^\n\r\x{2028}\x{2029}]");
                rest = &rest[1..];
            }
            // Without the flag `m`, the end is the end of the text.
            '$' => {
                out.push_str(r"\z");
                rest = &rest[1..];
            }
            '{' if !is_quantifier(rest) => {
                out.push_str(r"\{");
                rest = &rest[1..];
            }
            // A space or `#` means itself; the flag `x` is not set.
            _ => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Ok(out)
}

/// `{2}`, `{2,}`, `{2,3}`; any other brace means itself.
fn is_quantifier(text: &str) -> bool {
    let Some((inside, _)) = text[1..].split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

fn group<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, PatternError> {
    for look in ["(?=", "(?!", "(?<=", "(?<!"] {
        if rest.starts_with(look) {
            return Err(PatternError::Lookaround);
        }
    }
    for plain in ["(?:", "(?<"] {
        if let Some(rest) = rest.strip_prefix(plain) {
            out.push_str(plain);
            return Ok(rest);
        }
    }
    // Flags in the middle are another language's.
    if rest.starts_with("(?") {
        return Err(PatternError::Syntax);
    }
    out.push('(');
    Ok(&rest[1..])
}

fn class<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, PatternError> {
    let mut rest = &rest[1..];
    let is_negated = rest.starts_with('^');
    if is_negated {
        rest = &rest[1..];
    }
    // `[]` matches nothing, `[^]` everything.
    if let Some(behind) = rest.strip_prefix(']') {
        out.push_str(if is_negated { r"(?s:.)" } else { r"[^\x{0}-\x{10FFFF}]" });
        return Ok(behind);
    }
    out.push_str(if is_negated { "[^" } else { "[" });
    loop {
        let c = rest.chars().next().ok_or(PatternError::Syntax)?;
        match c {
            ']' => {
                out.push(']');
                return Ok(&rest[1..]);
            }
            '\\' => rest = escape(rest, true, out)?,
            // These have a meaning inside a class here, and none there.
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                rest = &rest[1..];
            }
            '-' => {
                // A dash at an end, or behind a class, means itself.
                let is_range = !out.ends_with(['[', '^'])
                    && !rest[1..].starts_with(']')
                    && !ends_with_class(out)
                    && !starts_with_class(&rest[1..]);
                out.push_str(if is_range { "-" } else { r"\-" });
                rest = &rest[1..];
            }
            _ => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
}

/// The class so far ends with `\d`, `\p{…}` and the like, as translated.
fn ends_with_class(out: &str) -> bool {
    out.ends_with(']') || (out.ends_with('}') && !out.rfind('\\').is_some_and(|at| out[at..].starts_with(r"\x{")))
}

fn starts_with_class(rest: &str) -> bool {
    rest.strip_prefix('\\').is_some_and(|rest| rest.starts_with(['d', 'D', 'w', 'W', 's', 'S', 'p', 'P']))
}

/// What stands behind a backslash; `rest` begins with it.
fn escape<'a>(rest: &'a str, in_class: bool, out: &mut String) -> Result<&'a str, PatternError> {
    let mut chars = rest[1..].chars();
    let c = chars.next().ok_or(PatternError::Syntax)?;
    let behind = chars.as_str();
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' | 'S' => {
            out.push_str(if c == 's' { "[" } else { "[^" });
            out.push_str(SPACE);
            out.push(']');
        }
        'b' if in_class => out.push_str(r"\x08"),
        // ASCII, as `\w` is.
        'b' => out.push_str(r"(?-u:\b)"),
        'B' if !in_class => return Err(PatternError::Syntax),
        'n' | 'r' | 't' => {
            out.push('\\');
            out.push(c);
        }
        'v' => out.push_str(r"\x0B"),
        'f' => out.push_str(r"\x0C"),
        '0' if !behind.starts_with(|c: char| c.is_ascii_digit()) => out.push_str(r"\x00"),
        '0'..='9' => return Err(PatternError::BackReference),
        'k' if !in_class => return Err(PatternError::BackReference),
        'c' => {
            let letter = behind.chars().next().filter(char::is_ascii_alphabetic).ok_or(PatternError::Syntax)?;
            push_code(out, u32::from(letter) % 32);
            return Ok(&behind[1..]);
        }
        'x' => {
            let (code, behind) = hex(behind, 2)?;
            push_code(out, code);
            return Ok(behind);
        }
        'u' => return unicode(behind, out),
        'p' | 'P' => {
            let (name, behind) =
                behind.strip_prefix('{').and_then(|b| b.split_once('}')).ok_or(PatternError::Syntax)?;
            out.push('\\');
            out.push(c);
            out.push('{');
            out.push_str(name.strip_prefix("General_Category=").unwrap_or(name));
            out.push('}');
            return Ok(behind);
        }
        // Any other character means itself.
        _ if c.is_ascii_alphanumeric() => out.push(c),
        _ if c.is_ascii() && !c.is_ascii_control() && c != ' ' => {
            out.push('\\');
            out.push(c);
        }
        _ => out.push(c),
    }
    Ok(behind)
}

fn unicode<'a>(behind: &'a str, out: &mut String) -> Result<&'a str, PatternError> {
    if let Some(braced) = behind.strip_prefix('{') {
        let (digits, behind) = braced.split_once('}').ok_or(PatternError::Syntax)?;
        let code = u32::from_str_radix(digits, 16).map_err(|_| PatternError::Syntax)?;
        push_code(out, code);
        return Ok(behind);
    }
    let (code, behind) = hex(behind, 4)?;
    // A pair of surrogates is one character.
    if let (0xD800..=0xDBFF, Some(low)) = (code, behind.strip_prefix(r"\u")) {
        let (low, behind) = hex(low, 4)?;
        if (0xDC00..=0xDFFF).contains(&low) {
            push_code(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
            return Ok(behind);
        }
    }
    push_code(out, code);
    Ok(behind)
}

fn hex(text: &str, digits: usize) -> Result<(u32, &str), PatternError> {
    let code = text.get(..digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.map(|code| (code, &text[digits..])).ok_or(PatternError::Syntax)
}

fn push_code(out: &mut String, code: u32) {
    // A lone surrogate is no character: `regex` refuses it, and so do we.
    out.push_str(&format!(r"\x{{{code:X}}}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_ecma_262() {
        for (pattern, text, expected) in [
            ("^[0-9]{5}$", "12345", true),
            ("^[0-9]{5}$", "12345\n", false),
            (r"^\d+$", "٣", false),
            (r"^\w+$", "é", false),
            (r"^\s$", "\u{feff}", true),
            (r"^\S$", "\u{a0}", false),
            ("a.b", "a\rb", false),
            ("es", "expression", true),
            (r"^a\/b$", "a/b", true),
            (r"^\x41\u0042\u{43}$", "ABC", true),
            (r"^\ud83d\ude00$", "😀", true),
            (r"^\cA$", "\u{1}", true),
            ("^[a&&b]+$", "&", true),
            ("^[[]$", "[", true),
            ("^[]$", "", false),
            ("^[^]$", "\n", true),
            (r"^[\w-]+$", "a-b", true),
            (r"^[\w-.]+$", "a.b-", true),
            (r"^[a-z\-]+$", "-", true),
            (r"^[+-]$", "-", true),
            (r"^[^-]$", "-", false),
            (r"^[\u0041-\u005A]$", "M", true),
            (r"^\p{L}+$", "é", true),
            (r"^\p{General_Category=Lu}$", "É", true),
            ("^a{,2}$", "a{,2}", true),
            ("^{x}$", "{x}", true),
            ("^(?<year>[0-9]{4})$", "2026", true),
            (r"\ba\b", "b a b", true),
            (r"^[\b]$", "\u{8}", true),
            (r"^\0$", "\0", true),
            (r"^\-\_\@$", "-_@", true),
            (r"^a b#c$", "a b#c", true),
        ] {
            let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn what_is_not_linear_or_no_pattern_is_refused() {
        use PatternError::{BackReference, Lookaround, Syntax, TooLarge};
        for (pattern, expected) in [
            ("(?=a)b", Lookaround),
            ("(?<!a)b", Lookaround),
            (r"(a)\1", BackReference),
            (r"(?<x>a)\k<x>", BackReference),
            ("(?i)a", Syntax),
            ("a(", Syntax),
            ("[a", Syntax),
            (r"\u12", Syntax),
            ("*a", Syntax),
            (r"\ud800", Syntax),
            ("a{1000}{1000}{1000}", TooLarge),
            (&"a".repeat(MAX_PATTERN_BYTES + 1), TooLarge),
        ] {
            assert_eq!(compile(pattern).map(|_| ()), Err(expected), "{pattern}");
        }
    }
}
