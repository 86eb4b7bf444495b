//! Rate limits of the policy (`policy.rateLimits`): how often what may be called, counted apart for each caller, tool or
//! service. The generic cell rate algorithm: one time for each count, no window that everybody waits for the start of.
//! Not for whether a tool may be called at all.

use http::HeaderValue;
use open_cli_config::{Loaded, RateLimit, RateLimitPer};
use open_cli_contract::glob::Pattern;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Counts that are kept; whoever comes when there are as many is counted together with the others that do.
const MAX_COUNTS: usize = 100_000;

/// The limits of a configuration, and the configuration that they are of.
type Compiled = (Arc<Loaded>, Arc<Vec<Limit>>);

/// All counts of the runtime.
pub(crate) struct RateLimits {
    born: Instant,
    /// Limits, compiled, by configuration.
    compiled: RwLock<HashMap<String, Compiled>>,
    counts: Mutex<HashMap<Key, Duration>>,
}

/// What is counted: configuration, limit, and what that counts apart.
type Key = (String, String, String);

struct Limit {
    id: String,
    tools: Vec<Pattern>,
    per: RateLimitPer,
    requests: u32,
    window: Duration,
}

/// A call that is to be counted.
pub(crate) struct Counted<'a> {
    pub(crate) config: &'a str,
    pub(crate) tool: &'a str,
    pub(crate) service: &'a str,
    /// Its principal, or where it calls from.
    pub(crate) caller: &'a str,
}

/// What the caller is told (draft-ietf-httpapi-ratelimit-headers).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) requests: u32,
    pub(crate) window: Duration,
    /// Calls that are left now.
    pub(crate) remaining: u32,
    /// When there will be one more.
    pub(crate) reset: Duration,
}

impl Standing {
    /// `RateLimit-Policy`.
    pub(crate) fn policy(&self) -> Option<HeaderValue> {
        self.header(&format!("q={};w={}", self.requests, self.window.as_secs()))
    }

    /// `RateLimit`.
    pub(crate) fn limit(&self) -> Option<HeaderValue> {
        self.header(&format!("r={};t={}", self.remaining, whole_seconds(self.reset)))
    }

    fn header(&self, parameters: &str) -> Option<HeaderValue> {
        let id: String = self.id.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
        HeaderValue::from_str(&format!("\"{id}\";{parameters}")).ok()
    }
}

/// Rounded up: a caller that waits so long is not too early.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl RateLimits {
    pub(crate) fn new() -> Self {
        Self { born: Instant::now(), compiled: RwLock::default(), counts: Mutex::default() }
    }

    /// Counts a call. The standing is that of the limit with the fewest calls left; the error that of the limit that is
    /// reached, and then nothing is counted.
    pub(crate) fn count(&self, config: &Arc<Loaded>, call: &Counted<'_>) -> Result<Option<Standing>, Standing> {
        let compiled = self.compiled(config, call.config);
        self.count_at(self.born.elapsed(), &compiled, call)
    }

    fn compiled(&self, config: &Arc<Loaded>, identity: &str) -> Arc<Vec<Limit>> {
        if let Some((known, limits)) = self.compiled.read().get(identity)
            && Arc::ptr_eq(known, config)
        {
            return Arc::clone(limits);
        }
        let limits = config.config.policy.rate_limits.iter().map(|(id, limit)| Limit::new(id, limit)).collect();
        let limits = Arc::new(limits);
        self.compiled.write().insert(identity.to_owned(), (Arc::clone(config), Arc::clone(&limits)));
        limits
    }

    fn count_at(&self, now: Duration, limits: &[Limit], call: &Counted<'_>) -> Result<Option<Standing>, Standing> {
        let mut counts = self.counts.lock();
        if counts.len() >= MAX_COUNTS {
            counts.retain(|_, full_at| *full_at > now);
        }
        let is_full = counts.len() >= MAX_COUNTS;
        let mut passed = Vec::new();
        for limit in limits.iter().filter(|limit| limit.applies_to(call.tool)) {
            let mut key = (call.config.to_owned(), limit.id.clone(), limit.apart(call).to_owned());
            if is_full && !counts.contains_key(&key) {
                key.2 = "\u{0}others".to_owned();
            }
            // The time until which the calls so far have used the limit up.
            let used_until = counts.get(&key).copied().unwrap_or_default().max(now) + limit.each();
            let ahead = used_until - now;
            if ahead > limit.window {
                return Err(limit.standing(0, ahead - limit.window));
            }
            let remaining = (limit.window - ahead).as_nanos() / limit.each().as_nanos().max(1);
            let reset = if remaining == 0 { limit.each() } else { Duration::ZERO };
            let standing = limit.standing(u32::try_from(remaining).unwrap_or(u32::MAX), reset);
            passed.push((key, used_until, standing));
        }
        let mut tightest: Option<Standing> = None;
        for (key, used_until, standing) in passed {
            counts.insert(key, used_until);
            if tightest.as_ref().is_none_or(|known| standing.remaining < known.remaining) {
                tightest = Some(standing);
            }
        }
        Ok(tightest)
    }
}

impl Limit {
    fn new(id: &str, limit: &RateLimit) -> Self {
        Self {
            id: id.to_owned(),
            tools: limit.tools.iter().map(|text| Pattern::new(text)).collect(),
            per: limit.per,
            requests: limit.requests.max(1),
            window: Duration::from_secs(limit.window_seconds.max(1).into()),
        }
    }

    fn applies_to(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.iter().any(|pattern| pattern.matches(tool))
    }

    fn apart<'a>(&self, call: &Counted<'a>) -> &'a str {
        match self.per {
            RateLimitPer::Principal => call.caller,
            RateLimitPer::Tool => call.tool,
            RateLimitPer::Service => call.service,
            RateLimitPer::All => "",
        }
    }

    /// The part of the window that one call uses up.
    fn each(&self) -> Duration {
        self.window / self.requests
    }

    fn standing(&self, remaining: u32, reset: Duration) -> Standing {
        Standing { id: self.id.clone(), requests: self.requests, window: self.window, remaining, reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(id: &str, tools: &[&str], per: RateLimitPer, requests: u32, window_seconds: u32) -> Limit {
        let tools = tools.iter().map(|tool| (*tool).to_owned()).collect();
        Limit::new(id, &RateLimit { tools, per, requests, window_seconds })
    }

    fn call<'a>(tool: &'a str, caller: &'a str) -> Counted<'a> {
        Counted { config: "c", tool, service: "s", caller }
    }

    #[test]
    fn a_window_allows_its_calls_at_once_and_then_one_after_the_other() {
        let (rates, limits) = (RateLimits::new(), [limit("l", &[], RateLimitPer::Principal, 3, 60)]);
        let ask = |at: Duration, caller| rates.count_at(at, &limits, &call("s:a", caller));
        let remaining: Vec<u32> =
            (0..3).map(|_| ask(SECOND, "ann").expect("allowed").expect("limited").remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = ask(SECOND, "ann").expect_err("reached");
        assert_eq!((refused.remaining, refused.reset, refused.id.as_str()), (0, 20 * SECOND, "l"));
        assert!(ask(SECOND, "bob").is_ok(), "counted apart");
        assert!(ask(20 * SECOND, "ann").is_err());
        assert!(ask(21 * SECOND, "ann").is_ok());
        assert!(ask(21 * SECOND, "ann").is_err());
        // After a whole window everything is there again, and no more than that.
        let later = 500 * SECOND;
        assert_eq!((0..9).filter(|_| ask(later, "ann").is_ok()).count(), 3);
    }

    #[test]
    fn each_limit_counts_its_own_and_a_refused_call_counts_nowhere() {
        let limits = [
            limit("all", &[], RateLimitPer::All, 4, 60),
            limit("writes", &["s:make*"], RateLimitPer::Tool, 1, 60),
        ];
        let rates = RateLimits::new();
        let ask = |tool| rates.count_at(SECOND, &limits, &call(tool, "ann"));
        assert_eq!(ask("s:makeThing").expect("allowed").expect("limited").id, "writes", "the tightest is told");
        assert_eq!(ask("s:makeThing").expect_err("reached").id, "writes");
        assert!(ask("s:makeOther").is_ok(), "another tool");
        assert_eq!(
            ask("s:list").expect("allowed").expect("limited").remaining,
            1,
            "the refused one did not count"
        );
        assert!(ask("s:list").is_ok());
        assert_eq!(ask("s:list").expect_err("reached").id, "all");
    }

    #[test]
    fn the_headers_say_what_is_left() {
        let limit = limit("a\"b\r\n", &[], RateLimitPer::All, 100, 60);
        let standing = limit.standing(7, Duration::from_millis(1500));
        assert_eq!(standing.policy().expect("a header"), "\"ab\";q=100;w=60");
        assert_eq!(standing.limit().expect("a header"), "\"ab\";r=7;t=2");
    }
}
