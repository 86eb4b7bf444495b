//! Signing in with a browser that is somewhere else: the device flow (RFC 8628; weakness W49).

use super::Request;
use super::endpoint::{Asker, Granted, NotGranted, web_url};
use crate::ClientError;
use open_cli_contract::runtime::BrowserConfig;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Pause between questions when the server names none, and the bounds of what it names.
const INTERVAL: Duration = Duration::from_secs(5);
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// Longest time a person has, whatever the server says.
const MAX_WAIT: Duration = Duration::from_secs(1800);
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Deserialize)]
struct Begun {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    #[serde(default)]
    expires_in: f64,
    #[serde(default)]
    interval: Option<f64>,
}

/// Shows the code and waits until somebody typed it.
pub(super) fn grant(
    asker: &Asker<'_>,
    login: &BrowserConfig,
    scope: &str,
    audience: &str,
    show: &dyn Fn(&Request),
) -> Result<Granted, ClientError> {
    let impossible =
        |detail: String| ClientError::SignIn { what: "Signing in with a code is not possible".into(), detail };
    if login.issuer.is_empty() {
        return Err(impossible(
            "The runtime does not say who issues its tokens (`runtime.server.auth.issuer`).".into(),
        ));
    }
    let metadata = asker.metadata(&login.issuer).map_err(|error| impossible(format!("{}.", error.detail())))?;
    let Some(url) = metadata.device_authorization_endpoint else {
        return Err(impossible(format!("{} offers no device flow.", login.issuer)));
    };
    let form = [("client_id", login.client_id.as_str()), ("scope", scope), ("audience", audience)];
    let begun: Begun = asker.post(&url, &form).map_err(|error| impossible(format!("{}.", error.detail())))?;
    let shown = web_url(begun.verification_uri_complete.as_deref().unwrap_or(&begun.verification_uri))?;
    show(&Request::EnterCode { url: shown.to_string(), code: super::endpoint::printable(&begun.user_code) });
    let seconds = |number: f64| Duration::try_from_secs_f64(number).unwrap_or(MAX_WAIT);
    let ends = Instant::now() + seconds(begun.expires_in).clamp(INTERVAL, MAX_WAIT);
    let mut pause = begun.interval.map_or(INTERVAL, seconds).clamp(MIN_INTERVAL, MAX_INTERVAL);
    let form = [("grant_type", GRANT), ("device_code", &begun.device_code), ("client_id", &login.client_id)];
    let failed = |detail: String| ClientError::SignIn { what: "The sign-in did not succeed".into(), detail };
    while Instant::now() < ends {
        wait(pause);
        match asker.post(&login.token_url, &form) {
            Ok(granted) => return Ok(granted),
            Err(error) if error.is("authorization_pending") => {}
            Err(error) if error.is("slow_down") => pause = (pause + INTERVAL).min(MAX_INTERVAL),
            // RFC 8628 §3.5: a question that got lost is asked again.
            Err(NotGranted::Failed(_)) => pause = (pause * 2).min(MAX_INTERVAL),
            Err(error) => return Err(failed(format!("{}.", error.detail()))),
        }
    }
    Err(failed("Nobody typed the code in time.".into()))
}

#[expect(clippy::disallowed_methods, reason = "this program is blocking: there is no worker to starve")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}
