//! Spans of the client to a collector: OTLP over HTTP with protobuf, one request after the output was written. Without
//! `OTEL_*` variables nothing is read, built or sent.

use crate::Environment;
use crate::command_trace::FinishedTrace;
use crate::proxy::proxy_for;
use crate::transport::{USER_AGENT, tls};
use open_cli_contract::trace::TraceId;
use open_cli_observe::Value;
use open_cli_otlp::{Attributes, Protocol, Sampling, Settings, SettingsError, Target, TlsFiles, proto};
use std::path::Path;
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, parse_pem};
use url::Url;

/// Longest that a command waits for the collector.
const PATIENCE: Duration = Duration::from_secs(1);
/// Largest file of certificates that is read.
const MAX_PEM: usize = 1 << 20;
/// Variables without which nothing is exported and everything sampled.
const TELLING: &[&str] = &[
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
];

/// What the environment says about traces.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    /// Which traces are sampled.
    pub sampling: Sampling,
    settings: Option<Box<Settings>>,
}

/// Why a span was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file for TLS can't be used.
    #[error("{path} can't be used for TLS to the collector: {reason}")]
    Tls {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Only OTLP over HTTP is spoken.
    #[error("the client sends OTLP over HTTP only; set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf")]
    Protocol,
    /// No answer.
    #[error("the collector can't be reached: {0}")]
    Unreachable(String),
    /// The collector said no.
    #[error("the collector answered with status {0}")]
    Refused(u16),
}

impl Telemetry {
    /// Reads the `OTEL_*` variables, when one of them says anything about traces.
    ///
    /// # Errors
    /// When one can't be understood.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        if TELLING.iter().all(|name| environment.get(name).is_none()) {
            return Ok(Self::default());
        }
        let settings = Settings::from_env(&|name| environment.get(name))?;
        let is_exported = settings.traces.is_some();
        Ok(Self { sampling: settings.sampling, settings: is_exported.then(|| Box::new(settings)) })
    }

    /// The sampler's decision about a trace, whoever began it.
    pub(crate) fn takes(&self, id: TraceId) -> bool {
        // The share of 2^56 that is left out, as in `observe`.
        const ALL: f64 = (1_u64 << 56) as f64;
        id.random_part() >= ((1.0 - self.sampling.ratio.clamp(0.0, 1.0)) * ALL) as u64
    }

    /// Sends the spans of a command, if they are to be sent. Takes a second at most.
    ///
    /// # Errors
    /// When the collector did not take them.
    pub fn export(&self, finished: &FinishedTrace, environment: &Environment) -> Result<(), ExportError> {
        let Some(settings) = self.settings.as_deref().filter(|_| finished.trace.sampled) else { return Ok(()) };
        let Some(target) = &settings.traces else { return Ok(()) };
        if target.protocol != Protocol::HttpProtobuf {
            return Err(ExportError::Protocol);
        }
        let mut body = Vec::with_capacity(1024);
        proto::traces(&mut body, &settings.resource(own_attributes()), std::slice::from_ref(&finished.trace));
        let mut request =
            agent(target, environment)?.post(&target.endpoint).header("content-type", "application/x-protobuf");
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        let answer = request.send(&body).map_err(|error| ExportError::Unreachable(error.to_string()))?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(ExportError::Refused(status)),
        }
    }
}

/// What the program says of itself (OpenTelemetry resource conventions).
fn own_attributes() -> Attributes {
    let version = env!("CARGO_PKG_VERSION");
    vec![
        ("service.name".into(), Value::Static("open-cli")),
        ("service.version".into(), Value::Static(version)),
        ("process.pid".into(), Value::from(u64::from(std::process::id()))),
        ("os.type".into(), Value::Static(if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS })),
        ("telemetry.sdk.name".into(), Value::Static("open-cli")),
        ("telemetry.sdk.language".into(), Value::Static("rust")),
        ("telemetry.sdk.version".into(), Value::Static(version)),
    ]
}

fn agent(target: &Target, environment: &Environment) -> Result<ureq::Agent, ExportError> {
    let unreachable = |reason: &str| ExportError::Unreachable(reason.to_owned());
    let url = Url::parse(&target.endpoint.to_string()).map_err(|_| unreachable("its URL is not valid"))?;
    let proxy = proxy_for(&url, environment).map(|url| ureq::Proxy::new(&url));
    let proxy = proxy.transpose().map_err(|_| unreachable("the proxy's URL is not valid"))?;
    let needs_tls = url.scheme() == "https" || proxy.is_some();
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(USER_AGENT)
        .proxy(proxy)
        .timeout_global(Some(target.timeout.min(PATIENCE)));
    if needs_tls {
        let TlsFiles { certificate, client_certificate, client_key } = &target.tls;
        let mut builder = tls();
        if let Some(path) = certificate {
            builder = builder.root_certs(RootCerts::new_with_certs(&certificates(path)?));
        }
        if let (Some(chain), Some(key)) = (client_certificate, client_key) {
            let private = PrivateKey::from_pem(&pem(key)?).map_err(|error| unusable(key, &error))?;
            builder = builder.client_cert(Some(ClientCert::new_with_certs(&certificates(chain)?, private)));
        }
        config = config.tls_config(builder.build());
    }
    Ok(config.build().new_agent())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, ExportError> {
    let mut found = Vec::new();
    for item in parse_pem(&pem(path)?) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| unusable(path, &error))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(unusable(path, &"it holds no certificate")) } else { Ok(found) }
}

fn pem(path: &Path) -> Result<Vec<u8>, ExportError> {
    let content = std::fs::read(path).map_err(|error| unusable(path, &error))?;
    if content.len() > MAX_PEM { Err(unusable(path, &"it is too large")) } else { Ok(content) }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> ExportError {
    ExportError::Tls { path: path.display().to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandTrace, RuntimeUrl};
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;
    use ureq::http::Method;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::Fixed(variables.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect())
    }

    fn finished(environment: &Environment) -> (Telemetry, FinishedTrace) {
        let telemetry = Telemetry::read(environment).expect("valid");
        let trace = CommandTrace::start(jiff::Timestamp::now(), environment, &telemetry);
        let url = RuntimeUrl::parse("http://127.0.0.1:9").expect("a URL");
        trace.request(&Method::GET, "/v1/runtime/info", &url).expect("a span").answered(200);
        (telemetry, trace.finish(0, None).expect("a trace"))
    }

    #[test]
    fn nothing_is_exported_unless_the_environment_asks_for_it() {
        for variables in [
            &[][..],
            &[("OTEL_SERVICE_NAME", "x")],
            &[("OTEL_TRACES_SAMPLER", "always_on")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_SDK_DISABLED", "true")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_TRACES_EXPORTER", "none")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_TRACES_SAMPLER", "always_off")],
        ] {
            let environment = environment(variables);
            let (telemetry, finished) = finished(&environment);
            assert!(telemetry.export(&finished, &environment).is_ok(), "{variables:?}");
        }
        assert!(Telemetry::read(&environment(&[("OTEL_TRACES_SAMPLER", "sometimes")])).is_err());
    }

    #[test]
    fn a_collector_gets_one_request_with_the_spans() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/base", listener.local_addr().expect("an address"));
        let collector = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = vec![0; 64 << 10];
            let mut length = 0;
            while !request[..length].windows(8).any(|part| part == b"open-cli") || length < 600 {
                length += stream.read(&mut request[length..]).expect("a request");
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("answered");
            request.truncate(length);
            request
        });
        let environment =
            environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret")]);
        let (telemetry, finished) = finished(&environment);
        telemetry.export(&finished, &environment).expect("exported");
        let request = String::from_utf8_lossy(&collector.join().expect("a request")).into_owned();
        assert!(request.starts_with("POST /base/v1/traces HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("x-key: s3cret") && request.contains("GET /v1/runtime/info"), "{request}");
    }

    #[test]
    fn a_dead_or_silent_collector_costs_a_second_at_most() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", silent.local_addr().expect("an address"));
        for url in [&*url, "http://127.0.0.1:1"] {
            let environment = environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]);
            let (telemetry, finished) = finished(&environment);
            let begin = Instant::now();
            assert!(matches!(telemetry.export(&finished, &environment), Err(ExportError::Unreachable(_))));
            assert!(begin.elapsed() < PATIENCE * 3, "{:?}", begin.elapsed());
        }
    }
}
