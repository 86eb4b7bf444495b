//! Session leases (runtime-and-admin §7): a session that heartbeats keeps the runtime, one that goes quiet is
//! dropped. In memory only; off unless interval and limit are both positive (LEASE-1).

use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Sessions that may be held at once by a shared runtime.
const MAX_SESSIONS: usize = 10_000;

/// What a heartbeat did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Leases are off.
    Off,
    /// The session is new.
    Attached,
    /// Its lease begins again.
    Renewed,
}

/// The sessions of an instance.
#[derive(Debug)]
pub(crate) struct Leases {
    lifetime: Option<Duration>,
    is_shared: bool,
    until: Mutex<HashMap<String, Instant>>,
}

impl Leases {
    pub(crate) fn new(heartbeat_seconds: u64, missed_limit: u64, is_shared: bool) -> Self {
        let seconds = heartbeat_seconds.saturating_mul(missed_limit);
        let lifetime = (seconds > 0).then(|| Duration::from_secs(seconds.min(u64::from(u32::MAX))));
        Self { lifetime, is_shared, until: Mutex::default() }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.lifetime.is_some()
    }

    /// Sessions with a live lease.
    pub(crate) fn active(&self) -> usize {
        self.until.lock().len()
    }

    /// Restarts a session's lease (LEASE-2). Refused when another session holds an exclusive runtime; checked and
    /// done under one lock (W-31).
    pub(crate) fn renew(&self, session_id: &str) -> Result<Beat, ()> {
        let Some(lifetime) = self.lifetime else { return Ok(Beat::Off) };
        let mut until = self.until.lock();
        let is_known = until.contains_key(session_id);
        let limit = if self.is_shared { MAX_SESSIONS } else { 1 };
        if !is_known && until.len() >= limit {
            return Err(());
        }
        until.insert(session_id.to_owned(), Instant::now() + lifetime);
        Ok(if is_known { Beat::Renewed } else { Beat::Attached })
    }

    /// Drops a session's lease; true when it was the last one.
    pub(crate) fn close(&self, session_id: &str) -> bool {
        let mut until = self.until.lock();
        until.remove(session_id).is_some() && until.is_empty()
    }

    /// Drops the leases that ran out and names them; with the number that is left.
    pub(crate) fn expire(&self, now: Instant) -> (Vec<String>, usize) {
        let mut until = self.until.lock();
        let mut expired: Vec<String> =
            until.iter().filter(|(_, at)| **at <= now).map(|(session, _)| session.clone()).collect();
        expired.sort();
        until.retain(|_, at| *at > now);
        (expired, until.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LEASE-1 to LEASE-6, W-31, W-33.
    #[test]
    fn an_exclusive_runtime_has_one_session() {
        let leases = Leases::new(1, 3, false);
        assert_eq!(leases.renew("a"), Ok(Beat::Attached));
        assert_eq!(leases.renew("a"), Ok(Beat::Renewed));
        assert_eq!(leases.renew("b"), Err(()));
        assert!(leases.close("a"));
        assert!(!leases.close("a"), "already gone");
        assert_eq!(leases.renew("b"), Ok(Beat::Attached));
    }

    #[test]
    fn leases_run_out() {
        let leases = Leases::new(1, 3, true);
        assert_eq!((leases.renew("a"), leases.renew("b")), (Ok(Beat::Attached), Ok(Beat::Attached)));
        assert_eq!(leases.expire(Instant::now() + Duration::from_secs(2)), (vec![], 2));
        let (expired, left) = leases.expire(Instant::now() + Duration::from_secs(4));
        assert_eq!((expired, left), (vec!["a".to_owned(), "b".to_owned()], 0));
    }

    #[test]
    fn without_both_settings_nothing_is_leased() {
        let leases = Leases::new(5, 0, false);
        assert!(!leases.is_enabled());
        assert_eq!((leases.renew("a"), leases.active()), (Ok(Beat::Off), 0));
    }
}
