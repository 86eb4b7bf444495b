//! Bounds of an upstream's calls, each with its default.

use std::time::Duration;

/// Bounds of an upstream's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the name to an established connection, TLS included. 10 s.
    pub connect_timeout: Duration,
    /// From the start of the call to its last byte: redirects, retries and pauses included. 60 s.
    pub total_timeout: Duration,
    /// From the start of an attempt to the head of its answer. None: as long as the call may take.
    pub first_byte_timeout: Option<Duration>,
    /// Requests in all for one call that may be repeated. 3.
    pub max_attempts: u32,
    /// Longest `Retry-After` that is waited for; asked for more, the answer stands. 5 s.
    pub max_retry_after: Duration,
    /// Hundredths of a retry that each call earns. 20: one retry for five calls, beside ten that are there at first.
    pub retry_budget_percent: u32,
    /// Requests under way at once. 512.
    pub max_concurrent: usize,
    /// Calls that wait for one of those to end. 1024.
    pub max_queued: usize,
    /// How long they wait. 10 s.
    pub queue_timeout: Duration,
    /// Failures in a row that open the circuit breaker; 0 switches it off. 20.
    pub breaker_failures: u32,
    /// How long it stays open; longer when it opens again at once. 5 s.
    pub breaker_open: Duration,
    /// Largest answer. 16 MiB.
    pub max_response_bytes: u64,
    /// Redirects followed in one attempt. 5.
    pub max_redirects: u32,
    /// Idle connections kept for one origin. 256.
    pub max_idle_per_host: usize,
    /// How long an idle connection is kept. 50 s, below the 60 s and more that servers commonly keep theirs, so
    /// that it is us who hang up.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            first_byte_timeout: None,
            max_attempts: 3,
            max_retry_after: Duration::from_secs(5),
            retry_budget_percent: 20,
            max_concurrent: 512,
            max_queued: 1024,
            queue_timeout: Duration::from_secs(10),
            breaker_failures: 20,
            breaker_open: Duration::from_secs(5),
            max_response_bytes: 16 * 1024 * 1024,
            max_redirects: 5,
            max_idle_per_host: 256,
            idle_timeout: Duration::from_secs(50),
        }
    }
}
