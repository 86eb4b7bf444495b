//! Keeps web pages away from a loopback runtime: a request that names another web origin is refused, and so is one
//! whose `Host` is not a loopback name (DNS rebinding; W-7 of runtime-and-admin).

use http::header::{HOST, HeaderMap, ORIGIN};
use open_cli_contract::problem::{ErrorCode, Problem};
use std::net::IpAddr;

/// Refuses what a browser would send on behalf of another site. `advertised` is the host of the URL that the operator
/// gave as the runtime's own: a proxy in front of it may keep it.
pub(crate) fn check(
    headers: &HeaderMap,
    binds_loopback: bool,
    advertised: Option<&str>,
) -> Result<(), Box<Problem>> {
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if let Some(origin) = headers.get(ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
        if authority.is_empty() || !authority.eq_ignore_ascii_case(host) {
            return Err(denied(format!("The origin \"{origin}\" is not the runtime's own.")));
        }
    }
    // Browsers say so for images and links too, which carry no Origin.
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()).unwrap_or("none");
    if !matches!(site, "none" | "same-origin") {
        return Err(denied(format!("The request is {site}; only the runtime's own pages may send it.")));
    }
    let is_advertised = advertised.is_some_and(|advertised| name_of(host).eq_ignore_ascii_case(advertised));
    if binds_loopback && !host.is_empty() && !is_loopback(host) && !is_advertised {
        return Err(denied(format!("The runtime listens on loopback only; the host \"{host}\" is not loopback.")));
    }
    Ok(())
}

fn denied(detail: String) -> Box<Problem> {
    Problem::new(ErrorCode::OriginDenied, detail)
}

/// The host without its port and brackets.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

fn is_loopback(host: &str) -> bool {
    let name = name_of(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn checked(host: &'static str, origin: Option<&'static str>, binds_loopback: bool) -> bool {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        check(&headers, binds_loopback, Some("tools.example")).is_ok()
    }

    /// W-7.
    #[test]
    fn web_pages_of_other_origins_and_rebound_names_are_refused() {
        assert!(checked("127.0.0.1:8765", None, true));
        assert!(checked("[::1]:8765", None, true));
        assert!(checked("localhost:8765", Some("http://localhost:8765"), true));
        assert!(checked("tools.example", None, true), "the operator says that this is its name");
        assert!(!checked("evil.example:8765", None, true));
        assert!(checked("runtime.example", None, false));
        assert!(!checked("127.0.0.1:8765", Some("https://evil.example"), true));
        assert!(!checked("127.0.0.1:8765", Some("null"), true));
        assert!(!checked("runtime.example", Some("https://evil.example"), false));
    }
}
