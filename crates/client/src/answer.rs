//! What came back, whatever its status.

use open_cli_contract::REQUEST_ID_HEADER;
use open_cli_contract::ids::RequestId;
use std::time::Duration;
use ureq::http::{HeaderMap, header};

/// Where the runtime says where the next page begins.
const NEXT_CURSOR: &str = "x-audit-next-cursor";
/// How many lines of the audit log hold no record.
const BAD_LINES: &str = "x-audit-bad-lines";
/// Older records were left out.
const TRUNCATED: &str = "x-audit-truncated";

/// Status line and header fields.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

impl Head {
    fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The request as the runtime knows it, when it says so.
    pub(crate) fn request_id(&self) -> Option<RequestId> {
        RequestId::parse(self.text(REQUEST_ID_HEADER)?)
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.text(header::LOCATION.as_str())
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.text(header::RETRY_AFTER.as_str())?.parse().ok().map(Duration::from_secs)
    }

    pub(crate) fn next_cursor(&self) -> Option<String> {
        self.text(NEXT_CURSOR).map(str::to_owned)
    }

    pub(crate) fn bad_lines(&self) -> u64 {
        self.text(BAD_LINES).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.text(TRUNCATED).is_some_and(|word| !matches!(word, "false" | "0"))
    }

    /// One JSON value a line.
    pub(crate) fn is_lines(&self) -> bool {
        let kind = self.text(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        matches!(&*essence, "application/x-ndjson" | "application/ndjson" | "application/jsonl")
    }
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}
