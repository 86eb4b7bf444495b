//! How upstreams are called: time, retries, circuit breaker, concurrency and where calls may lead. Not for what callers
//! may do.

use serde::Serialize;

use crate::words::RateLimitPer;

/// `sources.<id>.network` and `services.<id>.network`. What is absent has the runtime's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// From the name to an established connection, TLS included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// From a request that was sent to the head of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_timeout_ms: Option<u64>,
    /// The whole call: redirects, retries and pauses included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_timeout_ms: Option<u64>,
    /// Largest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_response_bytes: Option<u64>,
    /// Requests in all for one call; 1 means no retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Longest `Retry-After` that is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retry_after_ms: Option<u64>,
    /// Retries that calls earn: 20 allows one retry for five calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget_percent: Option<u32>,
    /// Calls under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent: Option<u32>,
    /// Calls that wait for one of those to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queued: Option<u32>,
    /// How long they wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_timeout_ms: Option<u64>,
    /// Failures in a row that open the circuit breaker; 0 switches it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker_failures: Option<u32>,
    /// How long it stays open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker_open_ms: Option<u64>,
    /// Addresses inside that may be reached although a description from elsewhere names them: IP addresses, CIDR
    /// blocks, or the words `loopback` and `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_addresses: Option<Vec<String>>,
}

impl Network {
    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is set here, and for the rest what `outer` says.
    #[must_use]
    pub fn over(&self, outer: &Self) -> Self {
        Self {
            connect_timeout_ms: self.connect_timeout_ms.or(outer.connect_timeout_ms),
            first_byte_timeout_ms: self.first_byte_timeout_ms.or(outer.first_byte_timeout_ms),
            total_timeout_ms: self.total_timeout_ms.or(outer.total_timeout_ms),
            max_response_bytes: self.max_response_bytes.or(outer.max_response_bytes),
            max_attempts: self.max_attempts.or(outer.max_attempts),
            max_retry_after_ms: self.max_retry_after_ms.or(outer.max_retry_after_ms),
            retry_budget_percent: self.retry_budget_percent.or(outer.retry_budget_percent),
            max_concurrent: self.max_concurrent.or(outer.max_concurrent),
            max_queued: self.max_queued.or(outer.max_queued),
            queue_timeout_ms: self.queue_timeout_ms.or(outer.queue_timeout_ms),
            breaker_failures: self.breaker_failures.or(outer.breaker_failures),
            breaker_open_ms: self.breaker_open_ms.or(outer.breaker_open_ms),
            allow_addresses: self.allow_addresses.clone().or_else(|| outer.allow_addresses.clone()),
        }
    }
}

/// `policy.rateLimits.<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Patterns over tool ids; empty means every tool.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// What is counted apart.
    pub per: RateLimitPer,
    /// Calls in one window.
    pub requests: u32,
    /// Length of the window.
    pub window_seconds: u32,
}
