//! HTTP for both transports: one client, messages out with the right headers, statuses sorted. Credentials go to the
//! configured origin only: other redirects are not followed (W47). Not for what comes back in the body.

use crate::error::Fault;
use crate::limits::{MAX_ERROR_BODY, MAX_REDIRECTS};
use crate::message;
use crate::protocol::UNKNOWN_METHOD;
use crate::spec::Endpoint;
use crate::text::one_line;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use open_cli_contract::redact;
use reqwest::{Client, Response, redirect, retry};
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// From the name to an established connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Body of an error that is shown.
const MAX_SHOWN_BODY: usize = 300;

/// The client of all servers, built when the first is called: without servers over HTTP nobody needs it.
#[derive(Default)]
pub(crate) struct HttpClient(OnceLock<Result<Client, String>>);

impl HttpClient {
    pub(crate) fn get(&self) -> Result<Client, String> {
        self.0.get_or_init(build).clone()
    }
}

fn build() -> Result<Client, String> {
    let follow = redirect::Policy::custom(|attempt| {
        let is_same_origin = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
        // Others would make a GET of a POST.
        let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
        match is_same_origin && keeps_method && attempt.previous().len() <= MAX_REDIRECTS {
            true => attempt.follow(),
            false => attempt.stop(),
        }
    });
    let builder = Client::builder()
        .user_agent(concat!("open-cli/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(follow)
        // A try again is a decision of ours.
        .retry(retry::never());
    builder.build().map_err(|error| format!("no HTTP client: {}", root_cause(&error)))
}

/// A server's address, and as whom it is called.
#[derive(Clone)]
pub(crate) struct Wire {
    client: Client,
    pub(crate) endpoint: Endpoint,
}

impl Wire {
    pub(crate) fn new(client: Client, endpoint: Endpoint) -> Self {
        Self { client, endpoint }
    }

    /// Sends a message, once more when the server rejects credentials that can be had anew. A status outside 2xx is a
    /// fault.
    pub(crate) async fn post(&self, url: &Url, message: &Bytes, headers: &HeaderMap) -> Result<Response, Fault> {
        let response = self.send(Method::POST, url, headers, Some(message)).await?;
        if response.status().as_u16() == 401 && self.endpoint.authorization.rejected() {
            return accepted(self.send(Method::POST, url, headers, Some(message)).await?).await;
        }
        accepted(response).await
    }

    /// Opens a stream.
    pub(crate) async fn get(&self, headers: &HeaderMap) -> Result<Response, Fault> {
        let response = self.send(Method::GET, &self.endpoint.url, headers, None).await?;
        if response.status().as_u16() == 401 && self.endpoint.authorization.rejected() {
            return accepted(self.send(Method::GET, &self.endpoint.url, headers, None).await?).await;
        }
        accepted(response).await
    }

    /// Tells that a session is over; whether anybody cares is not asked (SH-8).
    pub(crate) async fn delete(&self, headers: &HeaderMap) {
        let _ = self.send(Method::DELETE, &self.endpoint.url, headers, None).await;
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        message: Option<&Bytes>,
    ) -> Result<Response, Fault> {
        let mut all = self.endpoint.authorization.headers().await.map_err(Fault::Credentials)?;
        all.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        for (name, value) in headers {
            all.insert(name.clone(), value.clone());
        }
        let mut request = self.client.request(method, url.clone());
        if let Some(message) = message {
            all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(message.clone());
        }
        request.headers(all).send().await.map_err(|error| unsent(url, &error))
    }
}

/// A connection that could not be made; anything later may have reached the server.
fn unsent(url: &Url, error: &reqwest::Error) -> Fault {
    let cause = format!("{}: {}", redact::url(url), root_cause(error));
    if error.is_connect() { Fault::NotSent(cause) } else { Fault::Lost(cause) }
}

async fn accepted(response: Response) -> Result<Response, Fault> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = redact::url(response.url());
    let header = |name: HeaderName| {
        response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    if status.is_redirection() {
        let to = header(LOCATION).map(|to| redact::text(&one_line(&to, MAX_SHOWN_BODY))).unwrap_or_default();
        let cause = format!("{url} redirects to {to:?}, which is not followed; configure that address instead");
        return Err(Fault::Status { status: status.as_u16(), cause });
    }
    let challenge = header(WWW_AUTHENTICATE);
    let body = body(response, MAX_ERROR_BODY).await.unwrap_or_default();
    if let Some(error) = message::error_in(&body)
        && !matches!(status.as_u16(), 401 | 403)
    {
        // 404 says that a session is gone, whatever the body says (SH-5); many servers say 400 and why.
        let is_session =
            (-32019..=-32000).contains(&error.code) && error.message.to_lowercase().contains("session");
        let is_gone = match status.as_u16() {
            404 => error.code != UNKNOWN_METHOD,
            400 => is_session,
            _ => false,
        };
        return Err(if is_gone { Fault::Status { status: 404, cause: error.message } } else { Fault::Rpc(error) });
    }
    let said = one_line(&String::from_utf8_lossy(&body), MAX_SHOWN_BODY);
    let said = if said.is_empty() { String::new() } else { format!(": {}", redact::text(&said)) };
    let cause = match (status.as_u16(), challenge) {
        (401, Some(challenge)) => format!(
            "{url} answers 401 and asks for {}; set `transport.headerSecrets` or `oauth` of the source",
            one_line(&challenge, MAX_SHOWN_BODY)
        ),
        (401 | 403, _) => {
            format!("{url} answers {status}; check `transport.headers` and `headerSecrets` of the source")
        }
        (404 | 405, _) => {
            format!("{url} answers {status}{said}; check the address and `transport.type` of the source")
        }
        _ => format!("{url} answers {status}{said}"),
    };
    Err(Fault::Status { status: status.as_u16(), cause })
}

/// The body, at most so many bytes.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Bytes, Fault> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        return Err(Fault::TooLarge(limit));
    }
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Fault::Lost(root_cause(&error)))? {
        if body.len() + piece.len() > limit {
            return Err(Fault::TooLarge(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// The media type of an answer is that of an event stream.
pub(crate) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The innermost error says what happened; layers around it may show the URL.
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
