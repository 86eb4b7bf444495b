//! Percent-encoding of path values (HX-4), query values (HX-6), cookie values (HX-7) and template literals.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// HX-4: unreserved characters and `$ & + = : @` stay.
const PATH_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// HX-6: unreserved characters stay; a space becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a path template may contain but a URL may not. `%` is handled apart.
const PATH_LITERAL: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// RFC 6265 §4.1.1: everything but cookie-octets, and `%` so that encoded values decode.
const COOKIE_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// `allowReserved` in a query: reserved characters stay, but for those that would begin something else: `&`, `+`, `#`,
/// and the brackets that no URL may have there.
const RESERVED_QUERY: &AsciiSet = &FORM
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// `allowReserved` in a path: what RFC 3986 allows in a segment stays.
const RESERVED_PATH: &AsciiSet =
    &PATH_VALUE.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*').remove(b',').remove(b';');

/// Appends a path value of a parameter with `allowReserved`.
pub(crate) fn push_reserved_path(out: &mut String, value: &str) {
    out.extend(utf8_percent_encode(value, RESERVED_PATH));
}

/// Appends a query value of a parameter with `allowReserved`: escapes that are there already stay (RFC 6570 §3.2.3).
pub(crate) fn push_reserved_query(out: &mut String, text: &str) {
    for (i, part) in text.split('%').enumerate() {
        if i > 0 {
            let is_escape = part.len() >= 2 && part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
            out.push_str(if is_escape { "%" } else { "%25" });
        }
        out.extend(utf8_percent_encode(part, RESERVED_QUERY));
    }
}

/// Appends a path value.
pub(crate) fn push_path_value(out: &mut String, value: &str) {
    out.extend(utf8_percent_encode(value, PATH_VALUE));
}

/// Appends a query name or value.
pub(crate) fn push_form(out: &mut String, text: &str) {
    // A literal `%` is encoded too, so the chunk `%20` can only be a space.
    out.extend(utf8_percent_encode(text, FORM).map(|chunk| if chunk == "%20" { "+" } else { chunk }));
}

/// Appends text with everything but unreserved characters encoded (RFC 3986 §2.3).
pub(crate) fn push_strict(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, FORM));
}

/// A query name or value, encoded.
pub(crate) fn form(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    push_form(&mut out, text);
    out
}

/// A literal part of a path template; escapes that are there already stay.
pub(crate) fn path_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('%').enumerate() {
        if i > 0 {
            let is_escape = part.len() >= 2 && part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
            out.push_str(if is_escape { "%" } else { "%25" });
        }
        out.extend(utf8_percent_encode(part, PATH_LITERAL));
    }
    out
}

/// A cookie value: verbatim when every byte is a cookie-octet, else percent-encoded.
pub(crate) fn cookie_value(value: &str) -> String {
    let is_octet = |b: u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    if value.bytes().all(is_octet) { value.to_owned() } else { utf8_percent_encode(value, COOKIE_VALUE).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HX-4, the table of the contract.
    #[test]
    fn path_values_are_encoded_as_the_table_says() {
        for (value, expected) in [
            ("a b", "a%20b"),
            ("a/b", "a%2Fb"),
            ("ü", "%C3%BC"),
            ("a#b", "a%23b"),
            ("%41", "%2541"),
            ("a:b@c&d=e+f$g", "a:b@c&d=e+f$g"),
            ("a;b,c?d", "a%3Bb%2Cc%3Fd"),
            ("a'b(c)*!~", "a%27b%28c%29%2A%21~"),
            ("a\\b\r\n", "a%5Cb%0D%0A"),
        ] {
            let mut out = String::new();
            push_path_value(&mut out, value);
            assert_eq!(out, expected);
        }
    }

    /// HX-6.
    #[test]
    fn query_values_are_form_encoded() {
        for (value, expected) in
            [("1,2 3&4", "1%2C2+3%264"), ("", ""), ("a+b%20", "a%2Bb%2520"), ("x~*", "x~%2A"), ("é", "%C3%A9")]
        {
            assert_eq!(form(value), expected);
            let text = format!("k={expected}");
            let decoded: Vec<_> = ::url::form_urlencoded::parse(text.as_bytes()).collect();
            assert_eq!(decoded[0].1, value);
        }
    }

    #[test]
    fn reserved_characters_stay_where_they_are_allowed_to_and_do_no_harm() {
        for (value, query, path) in [
            ("a:b/c?d@e", "a:b/c?d@e", "a:b%2Fc%3Fd@e"),
            ("a&b=c+d#e[f]", "a%26b=c%2Bd%23e%5Bf%5D", "a&b=c+d%23e%5Bf%5D"),
            ("%2F 100%", "%2F%20100%25", "%252F%20100%25"),
            ("(x)*;,!'", "(x)*;,!'", "(x)*;,!'"),
        ] {
            let (mut q, mut p) = (String::new(), String::new());
            push_reserved_query(&mut q, value);
            push_reserved_path(&mut p, value);
            assert_eq!((q.as_str(), p.as_str()), (query, path), "{value}");
        }
    }

    #[test]
    fn literals_keep_their_escapes_and_lose_what_no_url_may_have() {
        for (literal, expected) in
            [("/a%2Fb", "/a%2Fb"), ("/100%/x", "/100%25/x"), ("/a b{", "/a%20b%7B"), ("/%é", "/%25%C3%A9")]
        {
            assert_eq!(path_literal(literal), expected);
        }
    }

    #[test]
    fn cookie_values_are_encoded_only_when_needed() {
        for (value, expected) in [
            ("abc==", "abc=="),
            ("50%", "50%"),
            ("x y", "x%20y"),
            ("a;b=c%", "a%3Bb=c%25"),
            ("a\r\nb", "a%0D%0Ab"),
        ] {
            assert_eq!(cookie_value(value), expected);
        }
    }
}
