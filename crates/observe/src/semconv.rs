//! Words of the stable OpenTelemetry HTTP conventions (semantic-conventions 1.44) that more than one room says.

/// The method for `http.request.method` and for span names: methods that are not well known are `_OTHER`, so that
/// hostile callers can't make up new series.
pub fn method(method: &str) -> &'static str {
    const KNOWN: [&str; 10] =
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// Status codes as text, for `error.type`.
pub fn status_word(status: u16) -> String {
    status.to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn made_up_methods_are_one() {
        assert_eq!(
            (super::method("GET"), super::method("get"), super::method("X-1")),
            ("GET", "_OTHER", "_OTHER")
        );
    }
}
