//! Extended parameter values as RFC 8187 §3.2 has them: `UTF-8'de'n%c3%a4chstes%20Kapitel`. For `title*`.

use percent_encoding::percent_decode_str;

/// The text, whatever its language. `None` when the value is none, or its charset is not known.
pub(crate) fn decode(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let decoded = percent_decode_str(encoded);
    if charset.eq_ignore_ascii_case("utf-8") {
        return decoded.decode_utf8().ok().map(|text| text.into_owned());
    }
    // Not allowed for senders since RFC 8187, and still sent.
    charset.eq_ignore_ascii_case("iso-8859-1").then(|| decoded.map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8187 §3.2.3
    #[test]
    fn values_name_their_charset() {
        for (value, expected) in [
            ("UTF-8''%c2%a3%20and%20%e2%82%ac%20rates", Some("£ and € rates")),
            ("utf-8'de'n%C3%A4chstes%20Kapitel", Some("nächstes Kapitel")),
            ("iso-8859-1'en'%A3%20rates", Some("£ rates")),
            ("UTF-8''", Some("")),
            ("UTF-8''%ff", None),
            ("koi8-r''x", None),
            ("plain", None),
            ("UTF-8'en", None),
            ("", None),
        ] {
            assert_eq!(decode(value).as_deref(), expected, "{value}");
        }
    }
}
