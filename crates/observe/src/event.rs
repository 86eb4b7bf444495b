//! Events: one thing that happened, flat (config-and-state §6.1, §6.3).

use open_cli_contract::catalog::CacheOutcome;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::time::Duration;

/// One thing that happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// E.g. `runtime.tools.execute`.
    pub name: Cow<'static, str>,
    /// Service id.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub service: String,
    /// Tool id, HTTP method, or the endpoint's word.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub operation: String,
    /// URL, credentials redacted.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub url: String,
    /// What the document cache did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_outcome: Option<CacheOutcome>,
    /// HTTP status.
    #[serde(skip_serializing_if = "is_zero")]
    pub status_code: u16,
    /// How long it took; integer nanoseconds in JSON, the key is the contract's.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "nanoseconds")]
    pub duration: Option<Duration>,
    /// Error code word, empty on success.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub error_category: Cow<'static, str>,
    /// The request.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub request_id: String,
}

fn is_zero(value: &u16) -> bool {
    *value == 0
}

fn nanoseconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let nanos = duration.unwrap_or_default().as_nanos();
    serializer.serialize_u64(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl Event {
    /// An event of this name; the request id is filled in when it is emitted through a `Trace`.
    pub fn named(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), ..Self::default() }
    }
}
