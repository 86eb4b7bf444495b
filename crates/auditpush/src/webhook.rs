//! Records to a webhook: one `POST` a batch, lines in the body. A batch that is sent again has the same instance and the
//! same first number, by which a receiver finds what it has already.

use crate::StartError;
use crate::deliver::{Batch, Deliver, Entry, Failure, Sent};
use crate::http::Poster;
use crate::tls;
use crate::{Origin, PushSettings};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use open_cli_auditformat::{Format, Record};
use std::sync::Arc;
use url::Url;

/// `first-last`.
const SEQ: HeaderName = HeaderName::from_static("x-open-cli-audit-seq");
/// `first-last` of records that come no more.
const LOST: HeaderName = HeaderName::from_static("x-open-cli-audit-lost");
const INSTANCE: HeaderName = HeaderName::from_static("x-open-cli-instance");

pub(crate) struct Webhook {
    poster: Poster,
    format: Format,
    origin: Arc<Origin>,
}

impl Webhook {
    pub(crate) fn new(
        url: &Url,
        format: Format,
        settings: &PushSettings,
        origin: Arc<Origin>,
    ) -> Result<Self, StartError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        if let Ok(instance) = HeaderValue::from_str(&origin.instance) {
            headers.insert(INSTANCE, instance);
        }
        if is_in_the_clear(url) && settings.authorization.is_some() {
            tracing::warn!(
                host = url.host_str().unwrap_or_default(),
                "the Authorization header is not sent to a webhook without TLS on another machine"
            );
        } else if let Some(authorization) = &settings.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let tls = tls::for_http(settings.ca_file.as_deref(), None)?;
        Ok(Self { poster: Poster::new(url.to_string(), headers, tls), format, origin })
    }
}

/// Without TLS, and not to this machine.
fn is_in_the_clear(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    };
    url.scheme() != "https" && !is_local
}

impl Deliver for Webhook {
    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, Failure> {
        let (mut body, mut taken, mut rejected) = (Vec::new(), 0, 0);
        for entry in batch.entries {
            let before = body.len();
            if !append(self.format, entry, &self.origin.version, &mut body) {
                rejected += 1;
            }
            if taken > 0 && body.len() > crate::BATCH_BYTES {
                body.truncate(before);
                break;
            }
            taken += 1;
        }
        if body.is_empty() {
            return Ok(Sent { taken, rejected, ..Sent::default() });
        }
        let mut headers = Vec::new();
        let sent = batch.entries.get(..taken).unwrap_or_default();
        let numbers = || sent.iter().filter_map(|entry| entry.seq);
        if let (Some(first), Some(last)) = (numbers().next(), numbers().next_back()) {
            headers.extend(range(SEQ, first, last));
        }
        headers.extend(batch.lost.and_then(|lost| range(LOST, lost.from, lost.to)));
        self.poster.post(headers, &body, batch.within)?;
        Ok(Sent { taken, rejected, ..Sent::default() })
    }
}

fn range(name: HeaderName, first: u64, last: u64) -> Option<(HeaderName, HeaderValue)> {
    Some((name, HeaderValue::from_str(&format!("{first}-{last}")).ok()?))
}

/// Appends a record and an LF; false when the format has no way to say it.
pub(crate) fn append(format: Format, entry: &Entry, version: &str, out: &mut Vec<u8>) -> bool {
    // The line as it is, so that its hash can be checked by the receiver.
    if format == Format::JsonLines {
        out.extend_from_slice(entry.line.get().as_bytes());
        out.push(b'\n');
        return true;
    }
    let Ok(record) = Record::parse(entry.line.get().as_bytes()) else { return false };
    format.append(&record, version, out);
    true
}
