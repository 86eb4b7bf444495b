//! One collector, one signal: a request there and its answer, over a connection that stays open.

use super::error::{Failure, with_causes};
use super::{StartError, http as over_http, tls};
use crate::Signal;
use crate::proto::Accepted;
use crate::settings::{Compression, Protocol, Target};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

/// Longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;
/// How long an idle connection stays open: longer than the usual pause between metrics.
const IDLE: Duration = Duration::from_secs(90);
/// Shorter words of a header are words, like `Basic`.
const SHORTEST_SECRET: usize = 7;
const USER_AGENT_WORD: &str = concat!("open-cli/", env!("CARGO_PKG_VERSION"), " OTLP");

type Connections = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A collector.
pub(super) struct Client {
    connections: Connections,
    uri: Uri,
    headers: HeaderMap,
    timeout: Duration,
    pub(super) protocol: Protocol,
    pub(super) compression: Compression,
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) head: http::response::Parts,
    pub(super) body: Bytes,
    /// gRPC's status is there.
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "only gRPC has trailers"))]
    pub(super) trailers: HeaderMap,
}

impl Client {
    pub(super) fn new(target: &Target, signal: Signal) -> Result<Self, StartError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(target.timeout));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls::config(target)?).https_or_http();
        let mut pool = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        pool.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(1);
        let mut headers = target.headers.clone();
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT_WORD));
        let (connector, uri) = match target.protocol {
            Protocol::HttpProtobuf => {
                over_http::headers(&mut headers, target.compression);
                (https.enable_http1().wrap_connector(http), target.endpoint.clone())
            }
            #[cfg(feature = "grpc")]
            Protocol::Grpc => {
                pool.http2_only(true);
                super::grpc::headers(&mut headers, target);
                (https.enable_http2().wrap_connector(http), super::grpc::uri(&target.endpoint, signal))
            }
            #[cfg(not(feature = "grpc"))]
            Protocol::Grpc => return Err(StartError::NoGrpc),
        };
        let _ = signal;
        let (timeout, protocol, compression) = (target.timeout, target.protocol, target.compression);
        Ok(Self { connections: pool.build(connector), uri, headers, timeout, protocol, compression })
    }

    /// Sends one request and understands the answer.
    pub(super) async fn send(&self, body: Bytes) -> Result<Accepted, Failure> {
        let answer = match tokio::time::timeout(self.timeout, self.exchange(body)).await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(Failure::transport(format!("no answer within {} s", self.timeout.as_secs_f64())));
            }
        };
        let understood = match self.protocol {
            Protocol::HttpProtobuf => over_http::understood(&answer),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => super::grpc::understood(&answer),
            #[cfg(not(feature = "grpc"))]
            Protocol::Grpc => Err(Failure::transport("this build has no gRPC")),
        };
        understood.map_err(|failure| Failure { what: self.without_secrets(failure.what), ..failure })
    }

    /// Collectors like to repeat the key that they refuse.
    fn without_secrets(&self, mut text: String) -> String {
        for value in self.headers.values().filter(|value| value.is_sensitive()) {
            let value = String::from_utf8_lossy(value.as_bytes());
            for word in value.split_whitespace().filter(|word| word.len() >= SHORTEST_SECRET) {
                text = text.replace(word, "[redacted]");
            }
        }
        text
    }

    async fn exchange(&self, body: Bytes) -> Result<Answer, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let sent = self.connections.request(request).await;
        let response = sent.map_err(|error| Failure::transport(with_causes(&error)))?;
        whole(response).await
    }
}

async fn whole(response: Response<Incoming>) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(collected) => {
            let trailers = collected.trailers().cloned().unwrap_or_default();
            Ok(Answer { head, body: collected.to_bytes(), trailers })
        }
        // Too long to be a word about the request, which was taken or refused by its status all the same.
        Err(error) if error.is::<LengthLimitError>() => {
            Ok(Answer { head, body: Bytes::new(), trailers: HeaderMap::new() })
        }
        Err(error) => Err(Failure::transport(with_causes(&*error))),
    }
}

/// The content type of requests.
pub(super) fn content_type(headers: &mut HeaderMap, value: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_the_collector_repeats_is_not_passed_on() {
        let variables = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://127.0.0.1:1".to_owned()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some("authorization=Bearer%20k3y-of-mine,x-key=s3cret-too".to_owned()),
            _ => None,
        };
        let target = crate::Settings::from_env(&variables).expect("settings").traces.expect("traces");
        let client = Client::new(&target, Signal::Traces).expect("a client");
        let told = client.without_secrets("status 401: no tenant for k3y-of-mine or s3cret-too, Bearer".into());
        assert_eq!(told, "status 401: no tenant for [redacted] or [redacted], Bearer");
    }
}
