//! Redirects, followed by hand so that credentials stay at home (RT-5 as amended by weakness 64).

use crate::wire::{Wire, mask, shown};
use http::{HeaderMap, Method, StatusCode, Uri};
use open_cli_credentials::Credentials;
use open_cli_observe::Trace;
use open_cli_request::URL_MAX_BYTES;
use url::{Position, Url};

/// A redirect that is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where it pointed, redacted.
    pub(crate) to: String,
    pub(crate) why: &'static str,
}

/// The value of `Location` when the answer is a redirect.
pub(crate) fn location(status: StatusCode, headers: &HeaderMap) -> Option<&[u8]> {
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    if !is_redirect {
        return None;
    }
    headers.get(http::header::LOCATION).map(|value| value.as_bytes())
}

/// The request a redirect asks for.
///
/// 301, 302 and 303 turn everything but GET and HEAD into a GET without body; 307 and 308 keep method and body,
/// for other methods than GET and HEAD only within the origin. On a change of origin nothing of the caller's and
/// none of the credentials go along, and they do not come back on the next hop.
pub(crate) fn follow(
    wire: &Wire,
    status: StatusCode,
    location: &[u8],
    credentials: &Credentials,
    trace: &Trace,
) -> Result<Wire, Refusal> {
    let refuse = |to: String, why| Err(Refusal { to, why });
    let from = Url::parse(&wire.uri.to_string()).ok();
    let to = std::str::from_utf8(location).ok();
    let (Some(from), Some(to)) = (from, to) else {
        return refuse(wire.shown(credentials), "its location is no URL");
    };
    let Ok(mut to) = from.join(to) else {
        return refuse(shown(from, credentials), "its location is no URL");
    };
    // User information in a location would become a credential chosen by the upstream.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    if !matches!(to.scheme(), "http" | "https") {
        return refuse(shown(to, credentials), "only http and https are called");
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return refuse(shown(to, credentials), "it leaves https");
    }
    let is_safe = matches!(wire.method, Method::GET | Method::HEAD);
    let keeps_method = matches!(status.as_u16(), 307 | 308);
    let leaves_origin = from.origin() != to.origin();
    if leaves_origin && keeps_method && !is_safe {
        return refuse(shown(to, credentials), "it would send the body of the call to another origin");
    }
    let mut next = wire.clone();
    if !is_safe && !keeps_method {
        next.method = Method::GET;
        next.drop_body();
    }
    if leaves_origin {
        next.strip(trace);
        mask(&mut to, credentials, None);
    }
    let target = &to[..Position::AfterQuery];
    match Uri::try_from(target) {
        Ok(uri) if target.len() <= URL_MAX_BYTES => next.uri = uri,
        _ => return refuse(shown(to, credentials), "its location can't be called"),
    }
    Ok(next)
}
