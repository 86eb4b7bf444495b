//! Where the runtime is: order of the sources and checks of the URL (client §5.1, §5.2; weakness W10).

use crate::{ClientError, Environment};
use open_cli_contract::redact;
use std::net::IpAddr;
use url::{Host, Url};

/// Who named the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlSource {
    /// `--runtime`.
    Flag,
    /// `OPEN_CLI_RUNTIME_URL`.
    Environment,
    /// `runtime.remote.url`.
    Config,
}

/// Base URL of a runtime: `http` or `https`, with a host, without trailing slash, query, fragment or credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeUrl {
    url: Url,
    base: String,
}

impl RuntimeUrl {
    /// Checks and normalises.
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let invalid =
            |reason: &str| ClientError::InvalidUrl { url: redact::text(text), reason: reason.to_owned() };
        // `//localhost:1` is accepted by the contract; a loopback runtime speaks plain HTTP.
        let completed = match text.strip_prefix("//") {
            Some(rest) => format!("http://{rest}"),
            None => text.to_owned(),
        };
        let url = match Url::parse(&completed) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                return Err(invalid("a scheme and a host are needed, e.g. http://127.0.0.1:8765"));
            }
            Err(error) => return Err(invalid(&error.to_string())),
        };
        if url.cannot_be_a_base() || !url.has_host() || url.host_str() == Some("") {
            return Err(invalid("a scheme and a host are needed, e.g. http://127.0.0.1:8765"));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("only http and https are supported"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("credentials do not belong into the URL; use runtime.remote.oauth.tokenRef"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("a query or a fragment does not belong into a base URL"));
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, base })
    }

    /// The URL without trailing slash.
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Needs TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// This machine; never asked through a proxy.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Same scheme, host and port.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// First of `--runtime`, `OPEN_CLI_RUNTIME_URL`, `runtime.remote.url`. There is no built-in default.
pub fn choose(
    flag: Option<&str>,
    environment: &Environment,
    config: Option<&str>,
) -> Result<(RuntimeUrl, UrlSource), ClientError> {
    let (text, source) = if let Some(text) = flag {
        (text.to_owned(), UrlSource::Flag)
    } else if let Some(text) = environment.get("OPEN_CLI_RUNTIME_URL") {
        (text, UrlSource::Environment)
    } else if let Some(text) = config {
        (text.to_owned(), UrlSource::Config)
    } else {
        return Err(ClientError::NoRuntime);
    };
    Ok((RuntimeUrl::parse(&text)?, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Client §5.2, W10.
    #[test]
    fn urls_are_checked_and_lose_their_trailing_slash() {
        for (text, expected) in [
            ("http://127.0.0.1:8765", Ok("http://127.0.0.1:8765")),
            ("http://127.0.0.1:8765/", Ok("http://127.0.0.1:8765")),
            ("https://runtime.test/base//", Ok("https://runtime.test/base")),
            ("//localhost:1", Ok("http://localhost:1")),
            ("http://[::1]:9", Ok("http://[::1]:9")),
            ("10.1.1.1:80", Err("a scheme and a host")),
            ("runtime.test", Err("a scheme and a host")),
            ("localhost:8765", Err("a scheme and a host")),
            ("http://", Err("empty host")),
            ("http://h/%zz?x", Err("query")),
            ("ftp://h", Err("only http and https")),
            ("http://user:pw@h", Err("credentials")),
        ] {
            match (RuntimeUrl::parse(text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected, "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_password_in_a_refused_url_is_not_repeated() {
        let error = RuntimeUrl::parse("http://user:hunter2@h").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    /// Client §5.1.
    #[test]
    fn the_flag_beats_the_environment_beats_the_config() {
        let variables = |pairs: &[(&str, &str)]| {
            Environment::Fixed(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
        };
        let set = variables(&[("OPEN_CLI_RUNTIME_URL", "http://e")]);
        let unset = variables(&[("OPEN_CLI_RUNTIME_URL", "")]);
        let pick =
            |flag, env, config| choose(flag, env, config).map(|(url, from)| (url.as_str().to_owned(), from));
        assert_eq!(pick(Some("http://f"), &set, Some("http://c")).unwrap(), ("http://f".into(), UrlSource::Flag));
        assert_eq!(pick(None, &set, Some("http://c")).unwrap(), ("http://e".into(), UrlSource::Environment));
        assert_eq!(pick(None, &unset, Some("http://c")).unwrap(), ("http://c".into(), UrlSource::Config));
        assert!(matches!(pick(None, &unset, None), Err(ClientError::NoRuntime)));
    }

    #[test]
    fn loopback_is_recognised_in_every_spelling() {
        for (text, expected) in [
            ("http://localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://10.0.0.1", false),
            ("http://localhost.test", false),
        ] {
            assert_eq!(RuntimeUrl::parse(text).unwrap().is_loopback(), expected, "{text}");
        }
    }
}
