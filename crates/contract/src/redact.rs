//! URLs without their secrets: userinfo and known token parameters are replaced before a URL reaches a log, a
//! span, an event, an audit record, the catalog or an error (weakness 52 of config-and-state).

use url::Url;

/// Stands where a secret was.
pub const MASK: &str = "REDACTED";
/// Longest text that [`quoted`] searches for credentials; of a longer one the rest is never shown.
const MAX_MASKED: usize = 4096;

/// Query parameters whose value is a credential, compared without case, `-` and `_`.
const TOKEN_PARAMETERS: &[&str] = &[
    "accesskey",
    "accesstoken",
    "apikey",
    "appkey",
    "auth",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "code",
    "credential",
    "idtoken",
    "jwt",
    "key",
    "passwd",
    "password",
    "pwd",
    "refreshtoken",
    "secret",
    "sessiontoken",
    "sharedaccesssignature",
    "sig",
    "signature",
    "subscriptionkey",
    "token",
    "xamzcredential",
    "xamzsecuritytoken",
    "xamzsignature",
    "xapikey",
];

/// True for a query parameter, header or cookie whose value is a credential by its name.
pub fn is_token_parameter(name: &str) -> bool {
    let folded: String =
        name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    TOKEN_PARAMETERS.binary_search(&folded.as_str()).is_ok()
}

/// The URL with userinfo and token parameters masked and the fragment dropped.
pub fn url(url: &Url) -> String {
    let has_userinfo = !url.username().is_empty() || url.password().is_some();
    let has_token = url.query_pairs().any(|(name, _)| is_token_parameter(&name));
    if !has_userinfo && !has_token && url.fragment().is_none() {
        return url.as_str().to_owned();
    }
    let mut clean = url.clone();
    clean.set_fragment(None);
    if has_userinfo {
        // Fails only for URLs without a host, which have no userinfo.
        let _ = clean.set_username(MASK);
        let _ = clean.set_password(None);
    }
    if has_token {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| {
                let value = if is_token_parameter(&name) { MASK.to_owned() } else { value.into_owned() };
                (name.into_owned(), value)
            })
            .collect();
        clean.query_pairs_mut().clear().extend_pairs(pairs);
    }
    clean.into()
}

/// Like [`url()`], for text that may or may not be a URL.
pub fn text(text: &str) -> String {
    match Url::parse(text) {
        Ok(parsed) if parsed.has_host() => {
            let clean = url(&parsed);
            // `https://h` parses to `https://h/`: give back what was written when nothing was masked.
            if clean == parsed.as_str() { text.to_owned() } else { clean }
        }
        _ => text.to_owned(),
    }
}

/// A foreign text as part of a message: quoted, control characters escaped, credentials in URLs masked, cut after `max`
/// characters.
pub fn quoted(shown: &str, max: usize) -> String {
    // Masking needs the whole userinfo, so it comes before the cut to what is shown.
    let head: String = shown.chars().take(MAX_MASKED).collect();
    let head = if head.contains("://") { text(&head) } else { head };
    let mut quoted = String::from("\"");
    let mut rest = head.chars();
    for c in rest.by_ref().take(max) {
        if c.is_control() { quoted.extend(c.escape_default()) } else { quoted.push(c) }
    }
    let cut = rest.next().is_some();
    quoted + if cut { "…\"" } else { "\"" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_masked() {
        for (input, expected) in [
            ("https://h.example/a?b=1", "https://h.example/a?b=1"),
            ("https://h.example", "https://h.example"),
            ("https://u:p@h.example/a", "https://REDACTED@h.example/a"),
            ("https://h.example/a?api_key=s&b=1", "https://h.example/a?api_key=REDACTED&b=1"),
            ("https://h.example/a?X-Amz-Signature=s", "https://h.example/a?X-Amz-Signature=REDACTED"),
            ("https://h.example/a#access_token=s", "https://h.example/a"),
            ("./local.yaml", "./local.yaml"),
        ] {
            assert_eq!(text(input), expected);
        }
    }

    #[test]
    fn the_list_is_sorted_for_the_binary_search() {
        assert!(TOKEN_PARAMETERS.is_sorted());
    }

    #[test]
    fn a_quotation_is_bounded_and_holds_no_credential_and_no_control_character() {
        assert_eq!(quoted("a\nb", 9), "\"a\\nb\"");
        assert_eq!(quoted("abcdef", 3), "\"abc…\"");
        let long = format!("https://user:hunter2@h/{}", "x".repeat(10_000));
        let shown = quoted(&long, 40);
        assert!(!shown.contains("hunter2") && shown.chars().count() == 43, "{shown}");
    }
}
