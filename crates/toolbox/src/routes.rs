//! The ways to the upstreams: one for each service of each configuration, with the bounds that the configuration says and
//! the state that outlives it. Not for what a call sends.

use open_cli_catalog::Snapshot;
use open_cli_config::{Config, Loaded, Network};
use open_cli_contract::catalog::Service;
use open_cli_execution::{Limits, Reach, Route, RouteStats};
use open_cli_request::RequestUrl;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// All of them.
pub(crate) struct Routes {
    defaults: Limits,
    /// By configuration, then by service.
    known: RwLock<HashMap<String, HashMap<String, Known>>>,
}

/// A service's way, and what it was made from.
struct Known {
    config: Arc<Loaded>,
    source: String,
    way: Arc<Way>,
}

/// A service's way to its upstream.
pub(crate) struct Way {
    pub(crate) route: Arc<Route>,
    /// The operator wrote the description, and every server in it.
    is_the_operators: bool,
    /// Else the origins that the operator wrote: where the description was asked for, and the server that is to be called.
    origins: Vec<Url>,
}

impl Way {
    /// Did somebody else choose this target?
    pub(crate) fn is_elsewhere(&self, target: &RequestUrl) -> bool {
        if self.is_the_operators {
            return false;
        }
        !self.origins.iter().any(|origin| {
            origin.scheme() == target.scheme()
                && origin.host_str().is_some_and(|host| host.eq_ignore_ascii_case(target.host()))
                && origin.port_or_known_default() == Some(target.port())
        })
    }
}

impl Routes {
    /// `defaults` are the bounds of services that say nothing.
    pub(crate) fn new(defaults: Limits) -> Self {
        Self { defaults, known: RwLock::default() }
    }

    /// The way of a service.
    pub(crate) fn of(&self, identity: &str, snapshot: &Snapshot, service: &Service) -> Arc<Way> {
        let is_current =
            |known: &&Known| Arc::ptr_eq(&known.config, snapshot.config()) && known.source == service.source_id;
        if let Some(known) =
            self.known.read().get(identity).and_then(|known| known.get(&service.id)).filter(is_current)
        {
            return Arc::clone(&known.way);
        }
        let mut known = self.known.write();
        let known = known.entry(identity.to_owned()).or_default();
        if known.len() > snapshot.services().count() {
            known.retain(|id, _| snapshot.services().any(|(service, _)| service.id == *id));
        }
        let before = known.get(&service.id).map(|known| &known.way.route);
        let way = Arc::new(self.way(&snapshot.config().config, &service.id, &service.source_id, before));
        let made = Known {
            config: Arc::clone(snapshot.config()),
            source: service.source_id.clone(),
            way: Arc::clone(&way),
        };
        known.insert(service.id.clone(), made);
        way
    }

    fn way(&self, config: &Config, service: &str, source: &str, before: Option<&Arc<Route>>) -> Way {
        let source = config.sources.get(source);
        let of_source = source.map(|source| source.network.clone()).unwrap_or_default();
        let network = match config.services.get(service) {
            Some(service) => service.network.over(&of_source),
            None => of_source,
        };
        let limits = limits(&self.defaults, &network);
        let allowed = network.allow_addresses.unwrap_or_default();
        let elsewhere = Reach::public_and(allowed.iter().map(String::as_str));
        let route = match before {
            Some(route) if route.is(&limits, &elsewhere) => Arc::clone(route),
            Some(route) => Arc::new(route.with(limits, elsewhere)),
            None => Arc::new(Route::new(limits, elsewhere)),
        };
        // A file is the operator's own; what a URL answers with is not, whoever answers.
        let described_at = source.and_then(|source| web(&source.resolved_uri()));
        let is_the_operators = source.is_some() && described_at.is_none();
        let server = config.services.get(service).and_then(|service| web(service.server.as_deref()?));
        Way { route, is_the_operators, origins: described_at.into_iter().chain(server).collect() }
    }

    /// What happened on all of them together.
    pub(crate) fn stats(&self) -> (RouteStats, u64) {
        let mut sum = RouteStats::default();
        let mut open = 0;
        for known in self.known.read().values().flat_map(HashMap::values) {
            let stats = known.way.route.stats();
            sum.retries += stats.retries;
            sum.breaker_opened += stats.breaker_opened;
            sum.breaker_refused += stats.breaker_refused;
            sum.queue_refused += stats.queue_refused;
            open += u64::from(stats.is_open);
        }
        (sum, open)
    }
}

fn web(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn limits(defaults: &Limits, network: &Network) -> Limits {
    let time = |ms: Option<u64>| ms.map(Duration::from_millis);
    let count = |count: Option<u32>, default: usize| count.map_or(default, |count| count as usize);
    Limits {
        connect_timeout: time(network.connect_timeout_ms).unwrap_or(defaults.connect_timeout),
        first_byte_timeout: time(network.first_byte_timeout_ms).or(defaults.first_byte_timeout),
        total_timeout: time(network.total_timeout_ms).unwrap_or(defaults.total_timeout),
        max_response_bytes: network.max_response_bytes.unwrap_or(defaults.max_response_bytes),
        max_attempts: network.max_attempts.unwrap_or(defaults.max_attempts),
        max_retry_after: time(network.max_retry_after_ms).unwrap_or(defaults.max_retry_after),
        retry_budget_percent: network.retry_budget_percent.unwrap_or(defaults.retry_budget_percent),
        max_concurrent: count(network.max_concurrent, defaults.max_concurrent),
        max_queued: count(network.max_queued, defaults.max_queued),
        queue_timeout: time(network.queue_timeout_ms).unwrap_or(defaults.queue_timeout),
        breaker_failures: network.breaker_failures.unwrap_or(defaults.breaker_failures),
        breaker_open: time(network.breaker_open_ms).unwrap_or(defaults.breaker_open),
        ..defaults.clone()
    }
}
