//! What the operator names: sinks by their URLs. A URL may hold a key in its path or query, so no error, log or `Debug`
//! output shows more of it than scheme, host and port; credentials before the host are refused.

use open_cli_auditformat::Format;
use open_cli_otlp::{Protocol, Settings, SettingsError, Target};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Longest URL.
const URL_MAX: usize = 4096;
/// Bytes of a SHA-256 that name a sink.
const HASH_BYTES: usize = 8;
/// Ports by RFC 5426, RFC 6587 (as `syslog-conn` is registered) and RFC 5425.
const UDP_PORT: u16 = 514;
const TCP_PORT: u16 = 601;
const TLS_PORT: u16 = 6514;
/// Of OTLP/HTTP.
const OTLP_LOGS: &str = "v1/logs";

/// Where audit records go.
#[derive(Debug, Clone)]
pub struct PushSettings {
    /// Each on a thread of its own.
    pub sinks: Vec<Sink>,
    /// `Authorization` of webhooks. Marked as sensitive, so it is never shown.
    pub authorization: Option<http::HeaderValue>,
    /// PEM file with the certificates that webhooks and `syslog+tls` are trusted by, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Longest that a batch may take.
    pub timeout: Duration,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self { sinks: Vec::new(), authorization: None, ca_file: None, timeout: Duration::from_secs(30) }
    }
}

impl PushSettings {
    /// Adds a sink.
    ///
    /// # Errors
    /// When it is there already: it would get everything twice.
    pub fn add(&mut self, sink: Sink) -> Result<(), SinkError> {
        if self.sinks.iter().any(|other| other.hash == sink.hash) {
            return Err(SinkError::Twice(sink.place));
        }
        self.sinks.push(sink);
        Ok(())
    }

    /// Takes the value of the `Authorization` header.
    ///
    /// # Errors
    /// When no header can have it.
    pub fn set_authorization(&mut self, value: &str) -> Result<(), SinkError> {
        let mut value = http::HeaderValue::from_str(value.trim_end_matches(['\r', '\n']))
            .map_err(|_| SinkError::Authorization)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }
}

/// Why a sink can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// No URL.
    #[error(
        "this is no URL; write for example https://siem.example/audit, syslog+tls://logs.example:6514, or otlp"
    )]
    NotAUrl,
    /// Longer than is taken.
    #[error("the URL is longer than {URL_MAX} bytes")]
    TooLong,
    /// Of another kind.
    #[error(
        "there is no sink {0}://; use http, https, syslog+udp, syslog+tcp, syslog+tls, otlp+http, otlp+https, or the \
         word otlp"
    )]
    Scheme(String),
    /// With a user or a password.
    #[error(
        "the URL of {0} holds credentials; put the Authorization header of webhooks into \
         OPEN_CLI_AUDIT_PUSH_AUTHORIZATION, and the headers of OTLP into OTEL_EXPORTER_OTLP_HEADERS"
    )]
    Credentials(String),
    /// Without a host.
    #[error("the URL has no host")]
    NoHost,
    /// Syslog with more than a host and a port.
    #[error("{0} has a path or a query, which syslog has no use for; give host and port only")]
    NotSyslog(String),
    /// What stands behind `#`.
    #[error(
        "behind # there may be format=jsonl, format=cef or format=ocsf (not for OTLP) and from=oldest or from=now, joined by &; not {0:?}"
    )]
    Option(String),
    /// OTLP over gRPC.
    #[error(
        "audit records are sent by OTLP over HTTP, and the OTEL_EXPORTER_OTLP_* variables say gRPC; name the HTTP \
         endpoint: --audit-push otlp+http://HOST:4318"
    )]
    Grpc,
    /// OTLP variables.
    #[error(transparent)]
    Otlp(#[from] SettingsError),
    /// Named already.
    #[error("{0} is named twice with the same URL; each receiver gets every record once")]
    Twice(String),
    /// `OPEN_CLI_AUDIT_PUSH_AUTHORIZATION`.
    #[error("OPEN_CLI_AUDIT_PUSH_AUTHORIZATION holds characters that no header can have")]
    Authorization,
}

/// One receiver.
#[derive(Clone, PartialEq)]
pub struct Sink {
    pub(crate) kind: Kind,
    /// Scheme, host and port.
    pub(crate) place: String,
    /// Names its cursor.
    pub(crate) hash: String,
    pub(crate) begins: Begins,
}

/// What kind of receiver.
#[derive(Clone, PartialEq)]
pub(crate) enum Kind {
    Webhook { url: Url, format: Format },
    Syslog { transport: Transport, host: String, port: u16, format: Format },
    Otlp(Box<Target>),
}

/// How syslog is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// Where a sink begins that has no cursor yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Begins {
    #[default]
    Oldest,
    Now,
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sink({})", self.place)
    }
}

impl Sink {
    /// Reads what `--audit-push` names. `variable` is for OTLP, whose headers, certificates and so on are those of the
    /// `OTEL_EXPORTER_OTLP_*` variables.
    ///
    /// # Errors
    /// When it names no sink.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SinkError> {
        let text = text.trim();
        if text.len() > URL_MAX {
            return Err(SinkError::TooLong);
        }
        let (address, options) = text.split_once('#').unwrap_or((text, ""));
        let options = Options::parse(options)?;
        let (kind, place) = if address == "otlp" {
            otlp(None, variable, &options)?
        } else {
            let url = Url::parse(address).map_err(|_| SinkError::NotAUrl)?;
            by_url(url, variable, &options)?
        };
        let hash = hash(&match &kind {
            Kind::Webhook { url, .. } => url.as_str().to_owned(),
            Kind::Syslog { .. } => place.clone(),
            Kind::Otlp(target) => format!("otlp+{}", target.endpoint),
        });
        Ok(Self { kind, place, hash, begins: options.begins })
    }

    /// Scheme, host and port: what may be shown.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Records, or a secret, cross the network in plain text.
    pub fn is_plain(&self) -> bool {
        match &self.kind {
            Kind::Webhook { url, .. } => url.scheme() == "http",
            Kind::Syslog { transport, .. } => *transport != Transport::Tls,
            Kind::Otlp(target) => target.endpoint.scheme_str() != Some("https"),
        }
    }
}

fn by_url(
    url: Url,
    variable: &dyn Fn(&str) -> Option<String>,
    options: &Options,
) -> Result<(Kind, String), SinkError> {
    let scheme = url.scheme();
    let known = ["http", "https", "syslog+udp", "syslog+tcp", "syslog+tls", "otlp+http", "otlp+https"];
    if !known.contains(&scheme) {
        return Err(SinkError::Scheme(scheme.chars().take(32).collect()));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SinkError::NoHost)?;
    let place = match url.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SinkError::Credentials(place));
    }
    if let Some(inner) = scheme.strip_prefix("otlp+") {
        let path = match url.path() {
            "" | "/" => format!("/{OTLP_LOGS}"),
            path => path.to_owned(),
        };
        let authority = place.split_once("://").map_or(host, |(_, authority)| authority);
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        return otlp(Some(&format!("{inner}://{authority}{path}{query}")), variable, options);
    }
    let format = options.format.unwrap_or(Format::JsonLines);
    let transport = match scheme {
        "syslog+udp" => (Transport::Udp, UDP_PORT),
        "syslog+tcp" => (Transport::Tcp, TCP_PORT),
        "syslog+tls" => (Transport::Tls, TLS_PORT),
        _ => return Ok((Kind::Webhook { url, format }, place)),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err(SinkError::NotSyslog(place));
    }
    let (transport, standard) = transport;
    let port = url.port().unwrap_or(standard);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let place = if url.port().is_some() { place } else { format!("{place}:{port}") };
    Ok((Kind::Syslog { transport, host, port, format }, place))
}

/// OTLP as the variables say, at an endpoint of its own or at theirs. That telemetry is off says nothing about audit.
fn otlp(
    endpoint: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
    options: &Options,
) -> Result<(Kind, String), SinkError> {
    if options.format.is_some() {
        return Err(SinkError::Option("format".into()));
    }
    let variable = |name: &str| match (name, endpoint) {
        ("OTEL_SDK_DISABLED", _) => None,
        ("OTEL_LOGS_EXPORTER", _) => Some("otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", Some(endpoint)) => Some(endpoint.to_owned()),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", Some(_)) => Some("http/protobuf".to_owned()),
        (name, _) => variable(name),
    };
    let target = Settings::from_env(&variable)?.logs.ok_or(SinkError::NoHost)?;
    if target.protocol == Protocol::Grpc {
        return Err(SinkError::Grpc);
    }
    let authority = target.endpoint.authority().map_or("", |authority| authority.as_str());
    let place = format!("otlp+{}://{authority}", target.endpoint.scheme_str().unwrap_or_default());
    Ok((Kind::Otlp(Box::new(target)), place))
}

/// What stands behind `#`.
#[derive(Default)]
struct Options {
    format: Option<Format>,
    begins: Begins,
}

impl Options {
    fn parse(text: &str) -> Result<Self, SinkError> {
        let mut options = Self::default();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            match part {
                "format=jsonl" => options.format = Some(Format::JsonLines),
                "format=cef" => options.format = Some(Format::Cef),
                "format=ocsf" => options.format = Some(Format::Ocsf),
                "from=oldest" => options.begins = Begins::Oldest,
                "from=now" => options.begins = Begins::Now,
                // Not the value: people put secrets into the strangest places.
                other => {
                    let name = other.split('=').next().unwrap_or_default();
                    return Err(SinkError::Option(name.chars().take(32).collect()));
                }
            }
        }
        Ok(options)
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Sink, SinkError> {
        Sink::parse(text, &|_| None)
    }

    #[test]
    fn a_url_names_a_sink_and_shows_no_more_than_its_host() {
        for (text, place, is_plain) in [
            ("https://siem.example/in/T0ken?key=T0ken", "https://siem.example", false),
            ("http://127.0.0.1:8088/in#format=cef", "http://127.0.0.1:8088", true),
            ("syslog+udp://logs.example", "syslog+udp://logs.example:514", true),
            ("syslog+tcp://[::1]:5514/", "syslog+tcp://[::1]:5514", true),
            ("syslog+tls://logs.example#format=ocsf&from=now", "syslog+tls://logs.example:6514", false),
            ("otlp", "otlp+http://localhost:4318", true),
            ("otlp+https://c.example:4318", "otlp+https://c.example:4318", false),
        ] {
            let sink = parsed(text).expect(text);
            assert_eq!((sink.place(), sink.is_plain()), (place, is_plain), "{text}");
            assert_eq!(format!("{sink:?}"), format!("Sink({place})"));
            assert_eq!(sink.hash.len(), 2 * HASH_BYTES);
        }
    }

    #[test]
    fn options_stand_behind_the_url_and_do_not_make_another_sink() {
        let (plain, cef) =
            (parsed("https://a.example/x").expect("a sink"), parsed("https://a.example/x#format=cef&from=now"));
        let cef = cef.expect("a sink");
        assert_eq!(plain.hash, cef.hash);
        assert_eq!((plain.begins, cef.begins), (Begins::Oldest, Begins::Now));
        assert!(
            matches!(cef.kind, Kind::Webhook { ref url, format: Format::Cef } if url.as_str() == "https://a.example/x")
        );
        let mut settings = PushSettings::default();
        settings.add(plain).expect("the first");
        let error = settings.add(cef).expect_err("the same receiver").to_string();
        assert!(error.contains("https://a.example is named twice"), "{error}");
    }

    #[test]
    fn otlp_is_as_its_variables_say() {
        let variables = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("https://c.example/otlp".to_owned()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some("api-key=T0ken".to_owned()),
            "OTEL_SDK_DISABLED" => Some("true".to_owned()),
            _ => None,
        };
        for (text, endpoint) in [
            ("otlp", "https://c.example/otlp/v1/logs"),
            ("otlp+http://d.example:4318", "http://d.example:4318/v1/logs"),
            ("otlp+https://d.example/x/logs?k=1", "https://d.example/x/logs?k=1"),
        ] {
            let sink = Sink::parse(text, &variables).expect(text);
            let Kind::Otlp(target) = &sink.kind else { panic!("OTLP") };
            assert_eq!(target.endpoint.to_string(), endpoint);
            assert_eq!(target.headers["api-key"], "T0ken");
            assert!(!format!("{sink:?}").contains("T0ken"));
        }
    }

    #[test]
    fn what_is_no_sink_is_refused_with_a_reason_that_shows_no_secret() {
        for (text, part) in [
            ("", "no URL"),
            ("siem.example/S3cret", "no URL"),
            ("ftp://h/S3cret", "ftp://"),
            ("syslog://h", "syslog+tcp"),
            ("https://u:S3cret@h/", "https://h holds credentials"),
            ("https://S3cret@h/", "OPEN_CLI_AUDIT_PUSH_AUTHORIZATION"),
            ("syslog+tls://S3cret@h", "credentials"),
            ("syslog+tls://h/S3cret", "path or a query"),
            ("syslog+tls://h?S3cret", "path or a query"),
            ("syslog+tcp://", "no host"),
            ("https://h/#format=csv", "format"),
            ("https://h/#secret=S3cret", "secret"),
            ("otlp#format=cef", "not for OTLP"),
            ("otlp+http://u:S3cret@h", "credentials"),
        ] {
            let message = parsed(text).expect_err(text).to_string();
            assert!(message.contains(part) && !message.contains("S3cret"), "{text}: {message}");
        }
        let long = format!("https://h/{}", "x".repeat(URL_MAX));
        assert_eq!(parsed(&long).expect_err("long"), SinkError::TooLong);
        let mut settings = PushSettings::default();
        assert_eq!(settings.set_authorization("Bearer \u{7f}"), Err(SinkError::Authorization));
        settings.set_authorization("Bearer S3cret\n").expect("a header");
        assert!(!format!("{settings:?}").contains("S3cret"));
    }
}
