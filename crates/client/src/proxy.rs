//! Which proxy a request goes through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` in both cases (client
//! §2.3). Loopback is never proxied.

use crate::Environment;
use crate::endpoint::is_loopback;
use url::Url;

/// URL of the proxy for this target.
pub(crate) fn proxy_for(target: &Url, environment: &Environment) -> Option<String> {
    if is_loopback(target) {
        return None;
    }
    let either = |lower: &str, upper: &str| environment.get(lower).or_else(|| environment.get(upper));
    let own = if target.scheme() == "https" {
        either("https_proxy", "HTTPS_PROXY")
    } else {
        // In a CGI program a request header `Proxy:` arrives as the variable HTTP_PROXY.
        let is_cgi = environment.get("REQUEST_METHOD").is_some();
        environment.get("http_proxy").or_else(|| environment.get("HTTP_PROXY").filter(|_| !is_cgi))
    };
    let proxy = own.or_else(|| either("all_proxy", "ALL_PROXY"))?;
    let exceptions = either("no_proxy", "NO_PROXY").unwrap_or_default();
    (!is_excepted(target, &exceptions)).then_some(proxy)
}

fn is_excepted(target: &Url, exceptions: &str) -> bool {
    let host = target.host_str().unwrap_or_default().to_ascii_lowercase();
    let port = target.port_or_known_default();
    exceptions.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let entry = entry.to_ascii_lowercase();
        let (name, wanted_port) = match entry.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') && digits.parse::<u16>().is_ok() => {
                (name.to_owned(), digits.parse::<u16>().ok())
            }
            _ => (entry, None),
        };
        let name = name.trim_start_matches("*.").trim_start_matches('.');
        let fits = host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        fits && wanted_port.is_none_or(|wanted| Some(wanted) == port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_and_loopback_is_direct() {
        let p = ("http_proxy", "http://p:1");
        for (target, variables, expected) in [
            ("http://h/", &[p][..], Some("http://p:1")),
            ("http://localhost/", &[p], None),
            ("http://127.0.0.1/", &[("ALL_PROXY", "http://p:1")], None),
            ("https://h/", &[p], None),
            ("https://h/", &[("HTTPS_PROXY", "http://q:1")], Some("http://q:1")),
            ("https://h/", &[("ALL_PROXY", "http://q:1")], Some("http://q:1")),
            ("http://h/", &[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], None),
            ("http://a.h.test/", &[p, ("NO_PROXY", "x, .h.test")], None),
            ("http://h.test:81/", &[p, ("no_proxy", "h.test:80")], Some("http://p:1")),
            ("http://h.test:80/", &[p, ("no_proxy", "h.test:80")], None),
            ("http://oh.test/", &[p, ("no_proxy", "h.test")], Some("http://p:1")),
            ("http://h/", &[p, ("no_proxy", "*")], None),
        ] {
            let environment =
                Environment::Fixed(variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect());
            let found = proxy_for(&Url::parse(target).unwrap(), &environment);
            assert_eq!(found.as_deref(), expected, "{target} {variables:?}");
        }
    }
}
