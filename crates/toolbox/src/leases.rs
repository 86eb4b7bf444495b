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

/// A session that is held.
#[derive(Debug)]
struct Lease {
    until: Instant,
    /// Principal that began it; empty where callers are not authenticated (W-21).
    owner: String,
}

/// The sessions of an instance.
#[derive(Debug)]
pub(crate) struct Leases {
    lifetime: Option<Duration>,
    is_shared: bool,
    held: Mutex<HashMap<String, Lease>>,
}

impl Leases {
    pub(crate) fn new(heartbeat_seconds: u64, missed_limit: u64, is_shared: bool) -> Self {
        let seconds = heartbeat_seconds.saturating_mul(missed_limit);
        let lifetime = (seconds > 0).then(|| Duration::from_secs(seconds.min(u64::from(u32::MAX))));
        Self { lifetime, is_shared, held: Mutex::default() }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.lifetime.is_some()
    }

    /// Sessions with a live lease.
    pub(crate) fn active(&self) -> usize {
        self.held.lock().len()
    }

    /// Restarts a session's lease (LEASE-2). Refused when another session holds an exclusive runtime, or when the
    /// session is another caller's; checked and done under one lock (W-31).
    pub(crate) fn renew(&self, session_id: &str, owner: &str) -> Result<Beat, ()> {
        let Some(lifetime) = self.lifetime else { return Ok(Beat::Off) };
        let mut held = self.held.lock();
        let known = held.get(session_id);
        let limit = if self.is_shared { MAX_SESSIONS } else { 1 };
        let is_refused = match known {
            Some(lease) => lease.owner != owner,
            None => held.len() >= limit,
        };
        if is_refused {
            return Err(());
        }
        let beat = if known.is_some() { Beat::Renewed } else { Beat::Attached };
        held.insert(session_id.to_owned(), Lease { until: Instant::now() + lifetime, owner: owner.to_owned() });
        Ok(beat)
    }

    /// Is the session another caller's?
    pub(crate) fn is_of_another(&self, session_id: &str, owner: &str) -> bool {
        self.held.lock().get(session_id).is_some_and(|lease| lease.owner != owner)
    }

    /// Drops a session's lease; true when it was the last one.
    pub(crate) fn close(&self, session_id: &str) -> bool {
        let mut held = self.held.lock();
        held.remove(session_id).is_some() && held.is_empty()
    }

    /// Drops the leases that ran out and names them; with the number that is left.
    pub(crate) fn expire(&self, now: Instant) -> (Vec<String>, usize) {
        let mut held = self.held.lock();
        let mut expired: Vec<String> =
            held.iter().filter(|(_, lease)| lease.until <= now).map(|(session, _)| session.clone()).collect();
        expired.sort();
        held.retain(|_, lease| lease.until > now);
        (expired, held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LEASE-1 to LEASE-6, W-31, W-33.
    #[test]
    fn an_exclusive_runtime_has_one_session() {
        let leases = Leases::new(1, 3, false);
        assert_eq!(leases.renew("a", ""), Ok(Beat::Attached));
        assert_eq!(leases.renew("a", ""), Ok(Beat::Renewed));
        assert_eq!(leases.renew("b", ""), Err(()));
        assert!(leases.close("a"));
        assert!(!leases.close("a"), "already gone");
        assert_eq!(leases.renew("b", ""), Ok(Beat::Attached));
    }

    /// W-21.
    #[test]
    fn a_session_belongs_to_the_caller_who_began_it() {
        let leases = Leases::new(1, 3, true);
        assert_eq!(leases.renew("a", "alice"), Ok(Beat::Attached));
        assert_eq!(leases.renew("a", "bob"), Err(()));
        assert_eq!(leases.renew("b", "bob"), Ok(Beat::Attached));
        assert!(leases.is_of_another("a", "bob") && !leases.is_of_another("a", "alice"));
        assert!(!leases.is_of_another("unknown", "bob"));
    }

    #[test]
    fn leases_run_out() {
        let leases = Leases::new(1, 3, true);
        assert_eq!((leases.renew("a", ""), leases.renew("b", "")), (Ok(Beat::Attached), Ok(Beat::Attached)));
        assert_eq!(leases.expire(Instant::now() + Duration::from_secs(2)), (vec![], 2));
        let (expired, left) = leases.expire(Instant::now() + Duration::from_secs(4));
        assert_eq!((expired, left), (vec!["a".to_owned(), "b".to_owned()], 0));
    }

    #[test]
    fn without_both_settings_nothing_is_leased() {
        let leases = Leases::new(5, 0, false);
        assert!(!leases.is_enabled());
        assert_eq!((leases.renew("a", ""), leases.active()), (Ok(Beat::Off), 0));
    }
}
