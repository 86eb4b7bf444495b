//! Requests to the identity provider: bounded in time and size, recorded nowhere with a secret in it.

use open_cli_contract::redact;
use reqwest::{Client, RequestBuilder, redirect, retry};
use std::time::Duration;
use url::Url;

/// Time to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for a whole exchange.
pub(crate) const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// Redirects of a key set that are followed (JWKS-11), never from https to http.
const MAX_REDIRECTS: usize = 3;

/// An answer.
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
    /// `max-age` of its `Cache-Control`.
    pub(crate) max_age: Option<Duration>,
}

/// A client for a provider's endpoints.
pub(crate) fn client(follows_redirects: bool) -> Result<Client, String> {
    let follow = redirect::Policy::custom(|attempt| {
        let from_https = attempt.previous().last().is_some_and(|from| from.scheme() == "https");
        if from_https && attempt.url().scheme() != "https" {
            attempt.error("a redirect from https to http")
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("too many redirects")
        } else {
            attempt.follow()
        }
    });
    Client::builder()
        .user_agent(concat!("open-cli-toolbox/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(if follows_redirects { follow } else { redirect::Policy::none() })
        .retry(retry::never())
        .build()
        .map_err(|error| root_cause(&error))
}

/// Sends a request and reads the answer to it; anything but 200 is a failure. `url` is for the message.
pub(crate) async fn ask(request: RequestBuilder, url: &Url) -> Result<Reply, String> {
    let shown = redact::url(url);
    let failed = |error: &reqwest::Error| {
        let what = if error.is_timeout() { "did not answer in time".to_owned() } else { root_cause(error) };
        format!("{shown}: {what}")
    };
    let mut response = request.send().await.map_err(|error| failed(&error))?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        return Err(format!("{shown} answered {}", status.as_u16()));
    }
    let cache_control = response.headers().get("cache-control").and_then(|value| value.to_str().ok());
    let max_age = cache_control.and_then(max_age);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(format!("{shown} answered with more than {MAX_ANSWER_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { body, max_age })
}

/// RFC 9111 §5.2.2.1; an answer that must not be stored is stale at once.
fn max_age(cache_control: &str) -> Option<Duration> {
    cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(Duration::ZERO),
            "max-age" => value.trim().trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => None,
        }
    })
}

/// What the system said: the outer texts repeat the URL.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_an_answer_is_what_its_cache_control_says() {
        for (text, expected) in [
            ("public, max-age=600", Some(600)),
            ("MAX-AGE=\"5\"", Some(5)),
            ("no-store", Some(0)),
            ("max-age=x", None),
            ("private", None),
        ] {
            assert_eq!(max_age(text), expected.map(Duration::from_secs), "{text}");
        }
    }
}
