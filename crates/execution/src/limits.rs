//! Bounds of an upstream call, each with its default.

use std::time::Duration;

/// Bounds of an upstream call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the name to an established connection, TLS included. 10 s.
    pub connect_timeout: Duration,
    /// From the start of the call to its last byte: redirects, retries and pauses included. 60 s.
    pub total_timeout: Duration,
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
            max_response_bytes: 16 * 1024 * 1024,
            max_redirects: 5,
            max_idle_per_host: 256,
            idle_timeout: Duration::from_secs(50),
        }
    }
}
