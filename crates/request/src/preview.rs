//! A filled request for people: what would be sent, secrets masked (W29). Not for sending.

use crate::FilledRequest;
use base64::Engine;
use http::header::COOKIE;
use open_cli_contract::preview::{Placement, PlannedSecret, PreviewedHeader, PreviewedRequest};
use open_cli_contract::redact::MASK;
use serde_json::value::RawValue;

/// Longest body that is neither JSON nor text and is shown.
const MAX_SHOWN_BYTES: usize = 64 * 1024;
/// Longest name of an environment variable.
const MAX_VARIABLE: usize = 100;

impl FilledRequest {
    /// What would be sent with these credentials, and which secrets that takes. The request has to be filled with
    /// `masked` arguments.
    pub fn preview(mut self, service_id: &str, plan: &[Placement]) -> (PreviewedRequest, Vec<PlannedSecret>) {
        let mut secrets = std::mem::take(&mut self.secrets);
        let mut headers: Vec<PreviewedHeader> = Vec::new();
        for addition in plan {
            match addition.location {
                "query" => self.url.set_query(&addition.name, MASK),
                "cookie" => self.set_cookie(&addition.name, MASK),
                _ => {
                    self.headers.remove(addition.name.as_str());
                    let value = format!("{}{MASK}", addition.prefix);
                    headers.push(PreviewedHeader { name: addition.name.to_ascii_lowercase(), value });
                }
            }
            secrets.push(PlannedSecret {
                scheme: addition.scheme.clone(),
                location: addition.location.into(),
                name: addition.name.clone(),
                variable: shortened(crate::filled::variable(&format!("{service_id}_{}", addition.scheme))),
            });
        }
        let cookies = self.cookie_header();
        for (name, value) in self.headers.iter().filter(|(name, _)| **name != COOKIE) {
            let shown = if value.is_sensitive() { MASK.to_owned() } else { text_of(value.as_bytes()) };
            // From user information in the server's URL.
            let shown = if name == http::header::AUTHORIZATION && value.is_sensitive() {
                secrets.push(PlannedSecret {
                    scheme: String::new(),
                    location: "header".into(),
                    name: name.to_string(),
                    variable: shortened(crate::filled::variable(&format!("{service_id}_{name}"))),
                });
                format!("Basic {shown}")
            } else {
                shown
            };
            headers.push(PreviewedHeader { name: name.to_string(), value: shown });
        }
        if let Some(cookies) = cookies {
            headers.push(PreviewedHeader { name: COOKIE.to_string(), value: text_of(cookies.as_bytes()) });
        }
        headers.sort_by(|a, b| a.name.cmp(&b.name));
        secrets.iter_mut().for_each(|secret| secret.variable = shortened(std::mem::take(&mut secret.variable)));
        let mut request = PreviewedRequest {
            method: self.method.to_string(),
            url: self.url.to_uri().map(|uri| uri.to_string()).unwrap_or_default(),
            headers,
            ..PreviewedRequest::default()
        };
        if let Some(body) = &self.body {
            request.body_size = Some(body.len() as u64);
            request.parts = std::mem::take(&mut self.parts);
            if request.parts.is_empty() {
                show(&mut request, body);
            }
        }
        (request, secrets)
    }
}

fn show(request: &mut PreviewedRequest, body: &[u8]) {
    match std::str::from_utf8(body) {
        Ok(text) => match serde_json::from_str::<Box<RawValue>>(text) {
            Ok(json) if is_json(request) => request.body = Some(json),
            _ => request.text = Some(text.to_owned()),
        },
        Err(_) if body.len() <= MAX_SHOWN_BYTES => {
            request.body_base64 = Some(base64::engine::general_purpose::STANDARD.encode(body));
        }
        Err(_) => {}
    }
}

fn is_json(request: &PreviewedRequest) -> bool {
    let content_type = request.headers.iter().find(|header| header.name == "content-type");
    content_type.is_some_and(|header| crate::media::is_json(&header.value))
}

fn shortened(variable: String) -> String {
    variable.chars().take(MAX_VARIABLE).collect()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
