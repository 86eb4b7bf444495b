//! One discovery under way: asks for documents through the cache, within the limits of time. The one place from which
//! a request leaves, and so the one hook for rules about addresses.

use crate::outcome::{Step, StepKind};
use crate::{FollowRule, Limits};
use open_cli_contract::catalog::DiscoveryMethod;
use open_cli_contract::redact;
use open_cli_documents::{DocumentError, Documents, FetchMethod, FetchPolicy, FetchRequest, Fetched};
use open_cli_observe::Trace;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use url::Url;

pub(crate) struct Session<'a> {
    pub(crate) documents: &'a Documents,
    pub(crate) limits: &'a Limits,
    pub(crate) rule: Option<&'a FollowRule>,
    pub(crate) policy: &'a FetchPolicy,
    pub(crate) deadline: Instant,
}

/// Where to look, and why.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) kind: StepKind,
    pub(crate) method: FetchMethod,
    pub(crate) url: &'a Url,
    /// The document that led here; `None` for the address that was configured.
    pub(crate) holder: Option<&'a Url>,
    pub(crate) accept: Option<&'static str>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("{}", brief(.0))]
    Document(DocumentError),
    #[error("no answer within {0:?} (request_time)")]
    Slow(Duration),
    #[error("not asked, discovery has taken {0:?} (total_time)")]
    OutOfTime(Duration),
    #[error("not followed: {0}")]
    Refused(String),
}

impl Unanswered {
    /// True when another look may succeed, so that guessing elsewhere would only make the result flap.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Slow(_) | Self::OutOfTime(_) => true,
            Self::Refused(_) => false,
            Self::Document(error) => match error {
                DocumentError::Transport { .. }
                | DocumentError::Timeout { .. }
                | DocumentError::Client { .. }
                | DocumentError::Stopped { .. } => true,
                DocumentError::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
                _ => false,
            },
        }
    }
}

/// Without the URL where there is something shorter: a step names its URL.
fn brief(error: &DocumentError) -> String {
    match error {
        DocumentError::Status { status, .. } => format!("unexpected status {status}"),
        DocumentError::Transport { reason, .. } => format!("can't be fetched: {reason}"),
        error => error.to_string(),
    }
}

impl Session<'_> {
    /// Asks, and says so. The step of an answer is to be finished by who reads the answer.
    pub(crate) async fn ask(&self, place: Place<'_>, trace: &Trace) -> (Step, Result<Fetched, Unanswered>) {
        use crate::outcome::StepOutcome::{Failed, NotAsked};
        let mut step = Step::new(place.kind, redact::url(place.url), place.method);
        let result = self.fetch(place, trace).await;
        match &result {
            Ok(fetched) => step.cache_outcome = fetched.record.cache_outcome,
            Err(error) => {
                let is_asked = !matches!(error, Unanswered::OutOfTime(_) | Unanswered::Refused(_));
                step = step.came_to(if is_asked { Failed } else { NotAsked }, error.to_string());
            }
        }
        (step, result)
    }

    async fn fetch(&self, place: Place<'_>, trace: &Trace) -> Result<Fetched, Unanswered> {
        if let (Some(rule), Some(holder)) = (self.rule, place.holder) {
            rule(holder, place.url).map_err(Unanswered::Refused)?;
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Unanswered::OutOfTime(self.limits.total_time));
        }
        let patience = left.min(self.limits.request_time);
        let method = match place.kind {
            StepKind::ApiCatalog | StepKind::LinkedCatalog | StepKind::WellKnownCatalog => {
                DiscoveryMethod::Rfc9727
            }
            StepKind::ServiceRoot | StepKind::ServiceMeta => DiscoveryMethod::Rfc8631,
            StepKind::WellKnownDescription => DiscoveryMethod::Heuristic,
        };
        let policy = FetchPolicy { method, ..self.policy.clone() };
        let accept = place.accept.map(str::to_owned);
        let request = FetchRequest { method: place.method, url: place.url.clone(), accept };
        match timeout(patience, self.documents.fetch(&request, &policy, trace)).await {
            Ok(result) => result.map_err(Unanswered::Document),
            Err(_) if patience < self.limits.request_time => Err(Unanswered::OutOfTime(self.limits.total_time)),
            Err(_) => Err(Unanswered::Slow(patience)),
        }
    }
}
