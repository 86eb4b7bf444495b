//! Raw HTTP, as any client would send it.

use serde_json::Value;
use std::sync::OnceLock;
use std::time::Duration;
use ureq::Agent;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body as text.
    pub body: String,
}

impl Reply {
    /// Value of a header, empty when missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent()
    })
}

/// Sends a request; `Accept: application/json` unless the headers say otherwise.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        builder = builder.header("accept", "application/json");
    }
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let response = if body.is_empty() && method != "POST" {
        agent().run(builder.body(()).expect("request"))
    } else {
        agent().run(builder.body(body).expect("request"))
    };
    let mut response = response.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().expect("body");
    Reply { status: response.status().as_u16(), headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}

/// `GET`.
pub fn get(url: &str) -> Reply {
    request("GET", url, &[], &[])
}

/// `POST` with JSON.
pub fn post(url: &str, body: &Value) -> Reply {
    request("POST", url, &[("content-type", "application/json")], body.to_string().as_bytes())
}
