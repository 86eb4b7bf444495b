//! The way to the upstream of one service: its bounds, and what is known of its state. Lives as long as the service does,
//! whatever happens to the catalog meanwhile. Not for what a call sends.

use crate::breaker::Breaker;
use crate::budget::Budget;
use crate::places::Places;
use crate::pool::Pools;
use crate::{Limits, Reach};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The way to one service's upstream.
#[derive(Debug)]
pub struct Route {
    pub(crate) limits: Limits,
    /// Where targets may be that the operator did not write.
    pub(crate) elsewhere: Reach,
    pub(crate) state: Arc<State>,
    pub(crate) places: Places,
    /// Connections of its own, where it can't use the shared ones.
    own: OnceLock<Pools>,
    own_elsewhere: OnceLock<Pools>,
}

/// What is known of an upstream. Kept when its bounds change.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) breaker: Breaker,
    pub(crate) budget: Budget,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    retries: AtomicU64,
    breaker_opened: AtomicU64,
    breaker_refused: AtomicU64,
    queue_refused: AtomicU64,
}

/// What happened on a route, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteStats {
    /// Attempts after the first.
    pub retries: u64,
    /// Times the circuit breaker opened.
    pub breaker_opened: u64,
    /// Calls that it refused.
    pub breaker_refused: u64,
    /// Calls that found no place in the queue, or waited too long there.
    pub queue_refused: u64,
    /// The circuit breaker is open.
    pub is_open: bool,
}

impl Route {
    /// A route with these bounds. `elsewhere` is where targets may be that the operator did not write: servers that a
    /// description from elsewhere names, and redirects to other origins.
    pub fn new(limits: Limits, elsewhere: Reach) -> Self {
        let state = Arc::new(State { breaker: Breaker::new(), budget: Budget::new(), counts: Counts::default() });
        let places = Places::new(limits.max_concurrent);
        Self { limits, elsewhere, state, places, own: OnceLock::new(), own_elsewhere: OnceLock::new() }
    }

    /// The same upstream under other bounds. What is known of it stays known.
    #[must_use]
    pub fn with(&self, limits: Limits, elsewhere: Reach) -> Self {
        Self { state: Arc::clone(&self.state), ..Self::new(limits, elsewhere) }
    }

    /// Is it this way already?
    pub fn is(&self, limits: &Limits, elsewhere: &Reach) -> bool {
        self.limits == *limits && self.elsewhere == *elsewhere
    }

    /// What happened so far.
    pub fn stats(&self) -> RouteStats {
        let counts = &self.state.counts;
        RouteStats {
            retries: counts.retries.load(Ordering::Relaxed),
            breaker_opened: counts.breaker_opened.load(Ordering::Relaxed),
            breaker_refused: counts.breaker_refused.load(Ordering::Relaxed),
            queue_refused: counts.queue_refused.load(Ordering::Relaxed),
            is_open: self.state.breaker.is_open(),
        }
    }

    /// The connections for a request: the program's own where nothing is special about it. Connections are never shared
    /// by those who may go somewhere and those who may not.
    pub(crate) fn pools<'a>(&'a self, shared: &'a Shared, is_elsewhere: bool) -> &'a Pools {
        let (reach, own) = match is_elsewhere {
            false => (&Reach::ANYWHERE, &self.own),
            true => (&self.elsewhere, &self.own_elsewhere),
        };
        if self.limits.connect_timeout == shared.limits.connect_timeout {
            if reach.is_anywhere() {
                return &shared.anywhere;
            }
            if *reach == shared.public_only {
                return shared.public.get_or_init(|| Pools::new(&shared.limits, &shared.public_only));
            }
        }
        own.get_or_init(|| Pools::new(&self.limits, reach))
    }
}

/// Connections of all routes without wishes of their own.
pub(crate) struct Shared {
    limits: Limits,
    anywhere: Pools,
    public_only: Reach,
    public: OnceLock<Pools>,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Self {
        let anywhere = Pools::new(&limits, &Reach::ANYWHERE);
        Self { limits, anywhere, public_only: Reach::public_and([]), public: OnceLock::new() }
    }
}

impl State {
    pub(crate) fn retried(&self) {
        self.counts.retries.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn breaker_opened(&self) {
        self.counts.breaker_opened.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn breaker_refused(&self) {
        self.counts.breaker_refused.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn queue_refused(&self) {
        self.counts.queue_refused.fetch_add(1, Ordering::Relaxed);
    }
}
