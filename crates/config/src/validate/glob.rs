//! Syntax of tool patterns (catalog-and-execution §19.4): `*`, `?`, `[a-c]`, `[^a]`, `\` escapes. Only whether a
//! pattern is well formed; matching is the policy's.

/// What is wrong with the pattern, if anything.
pub(super) fn problem(pattern: &str) -> Option<&'static str> {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return Some("it ends with a lone backslash"),
            '[' => {
                if let Err(problem) = class(&mut chars) {
                    return Some(problem);
                }
            }
            _ => {}
        }
    }
    None
}

fn class(chars: &mut std::str::Chars<'_>) -> Result<(), &'static str> {
    const OPEN: &str = "`[` is never closed";
    let mut next = chars.next();
    if next == Some('^') {
        next = chars.next();
    }
    let mut first = true;
    loop {
        match next.ok_or(OPEN)? {
            ']' if first => return Err("`[]` names no character"),
            ']' => return Ok(()),
            c => bound(c, chars)?,
        }
        first = false;
        next = chars.next();
        if next == Some('-') {
            bound(chars.next().ok_or(OPEN)?, chars)?;
            next = chars.next();
        }
    }
}

/// One end of a range: any character but `-` and `]`, unless escaped.
fn bound(c: char, chars: &mut std::str::Chars<'_>) -> Result<(), &'static str> {
    match c {
        '\\' => chars.next().map(|_| ()).ok_or("it ends with a lone backslash"),
        '-' | ']' => Err("a range in `[…]` lacks one of its ends"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_patterns_are_told_from_well_formed_ones() {
        for pattern in ["", "**", "crm:*", "a[b-d]?", "a[^x]", r"a\[", r"[\]]", r"[\-a]", "]", "[a-cx]"] {
            assert_eq!(problem(pattern), None, "{pattern}");
        }
        for pattern in ["depot:[", "[]", "[a", "[a-", "[a-]", "[-a]", r"a\", r"[\", "[^]", "[^"] {
            assert!(problem(pattern).is_some(), "{pattern}");
        }
    }
}
