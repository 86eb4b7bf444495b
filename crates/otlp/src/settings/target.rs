//! Where a signal goes and how.

use super::SettingsError;
use super::headers::headers;
use super::read::{Variables, error, millis, one_of};
use crate::Signal;
use http::{HeaderMap, Uri};
use std::path::PathBuf;
use std::time::Duration;

/// Where a signal goes and how. Can be printed: values of headers are not shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Whole URL over HTTP; over gRPC its path does not count.
    pub endpoint: Uri,
    /// How.
    pub protocol: Protocol,
    /// Sent with every request; secrets.
    pub headers: HeaderMap,
    /// Longest that one request may take.
    pub timeout: Duration,
    /// Of requests.
    pub compression: Compression,
    /// Files for TLS.
    pub tls: TlsFiles,
}

impl Target {
    /// Plain HTTP/protobuf to this URL, as if only the endpoint were set.
    pub fn at(endpoint: Uri) -> Self {
        Self {
            endpoint,
            protocol: Protocol::HttpProtobuf,
            headers: HeaderMap::new(),
            timeout: DEFAULT_TIMEOUT,
            compression: Compression::None,
            tls: TlsFiles::default(),
        }
    }

    /// The endpoint for people: without its query, which may hold a key.
    #[cfg(feature = "send")]
    pub(crate) fn place(&self) -> String {
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let authority = part(self.endpoint.authority().map(http::uri::Authority::as_str));
        format!("{}://{authority}{}", part(self.endpoint.scheme_str()), self.endpoint.path())
    }
}

/// Transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/HTTP with protobuf bodies.
    HttpProtobuf,
    /// OTLP/gRPC; only with the build feature `grpc`.
    Grpc,
}

/// Compression of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// gzip.
    Gzip,
}

/// PEM files. Read when the exporter starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Trusted instead of the system's root certificates.
    pub certificate: Option<PathBuf>,
    /// Certificate chain to show to the collector.
    pub client_certificate: Option<PathBuf>,
    /// Its private key.
    pub client_key: Option<PathBuf>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the variables say of a signal; `None` when it is not exported.
pub(super) fn read(variables: &Variables<'_>, signal: Signal) -> Result<Option<Target>, SettingsError> {
    let asked = asked_for(variables, signal)?;
    let own = |rest: &str| format!("OTEL_EXPORTER_OTLP_{}_{rest}", signal.word().to_ascii_uppercase());
    let pair = |rest: &str| [own(rest), format!("OTEL_EXPORTER_OTLP_{rest}")];
    let named = variables.first(&pair("ENDPOINT"));
    if asked == Some(false) || asked.is_none() && named.is_none() {
        return Ok(None);
    }
    let protocol = match variables.first(&pair("PROTOCOL")) {
        Some((name, text)) => self::protocol(&name, &text)?,
        None => Protocol::HttpProtobuf,
    };
    let endpoint = match &named {
        Some((name, text)) => endpoint(name, text, (protocol, *name == own("ENDPOINT")), signal)?,
        None => {
            let port = if protocol == Protocol::Grpc { 4317 } else { 4318 };
            endpoint("the default endpoint", &format!("http://localhost:{port}"), (protocol, false), signal)?
        }
    };
    let file = |rest: &str| variables.first(&pair(rest)).map(|(_, path)| PathBuf::from(path));
    let tls = TlsFiles {
        certificate: file("CERTIFICATE"),
        client_certificate: file("CLIENT_CERTIFICATE"),
        client_key: file("CLIENT_KEY"),
    };
    if tls.client_certificate.is_some() != tls.client_key.is_some() {
        let reason = "a client certificate needs its key, and a key its certificate; set both";
        return Err(error("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", reason));
    }
    Ok(Some(Target {
        endpoint,
        protocol,
        headers: match variables.first(&pair("HEADERS")) {
            Some((name, text)) => headers(&name, &text)?,
            None => HeaderMap::new(),
        },
        timeout: match variables.first(&pair("TIMEOUT")) {
            Some((name, text)) => millis(&name, &text)?,
            None => DEFAULT_TIMEOUT,
        },
        compression: match variables.first(&pair("COMPRESSION")) {
            Some((name, text)) => {
                one_of(&name, &text, &[("none", Compression::None), ("gzip", Compression::Gzip)])?
            }
            None => Compression::None,
        },
        tls,
    }))
}

/// `OTEL_TRACES_EXPORTER` and its like: whether OTLP is wanted, if they say so.
fn asked_for(variables: &Variables<'_>, signal: Signal) -> Result<Option<bool>, SettingsError> {
    let name = format!("OTEL_{}_EXPORTER", signal.word().to_ascii_uppercase());
    let Some(list) = variables.get(&name) else { return Ok(None) };
    let mut is_wanted = false;
    for word in list.split(',').map(|word| word.trim().to_ascii_lowercase()) {
        match &*word {
            "otlp" => is_wanted = true,
            "none" => {}
            // Served anyway.
            "prometheus" if signal == Signal::Metrics => {}
            _ => return Err(error(&name, format!("there is no exporter {word:?} here; use otlp or none"))),
        }
    }
    Ok(Some(is_wanted))
}

fn protocol(name: &str, text: &str) -> Result<Protocol, SettingsError> {
    match &*text.to_ascii_lowercase() {
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        "grpc" if cfg!(feature = "grpc") => Ok(Protocol::Grpc),
        "grpc" => Err(error(
            name,
            "this build has no gRPC; use http/protobuf (usually port 4318), or build with the feature `grpc`",
        )),
        "http/json" => {
            Err(error(name, "JSON is not sent to collectors; use http/protobuf, which all of them take"))
        }
        _ => Err(error(name, format!("{text:?} is not understood; use http/protobuf or grpc"))),
    }
}

/// The URL. What is said for a signal is taken as it is; to what is said for all the signal's path is added.
fn endpoint(
    name: &str,
    text: &str,
    (protocol, is_own): (Protocol, bool),
    signal: Signal,
) -> Result<Uri, SettingsError> {
    // The text is not shown: a URL may hold a key.
    let fault = |reason: &str| error(name, reason);
    let uri: Uri = text.parse().map_err(|_| fault("this is no URL; give one like http://localhost:4318"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(fault("the URL must begin with http:// or https://"));
    }
    let authority = uri.authority().ok_or_else(|| fault("the URL has no host"))?;
    if authority.as_str().contains('@') {
        return Err(fault("the URL holds credentials; send them with OTEL_EXPORTER_OTLP_HEADERS"));
    }
    if is_own || protocol == Protocol::Grpc {
        return Ok(uri);
    }
    let path = format!("{}{}", uri.path().trim_end_matches('/'), signal.path());
    let path = uri.query().map_or(path.clone(), |query| format!("{path}?{query}"));
    let mut parts = uri.into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).map_err(|_| fault("the path of the URL can't be extended"))
}
