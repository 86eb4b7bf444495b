//! Who sent a request, and may it do what the endpoint does? Asked before anything that costs (deviation 10): before the
//! body is read, a configuration is looked at or anything is fetched for the catalog. Where a configuration does not ask
//! for authentication, nothing here happens.

use super::{Call, Endpoint, Problem, record};
use http::header::{AUTHORIZATION, HeaderValue};
use open_cli_callers::{AuthnFault, Caller, Right, Scopes, bearer};
use open_cli_catalog::{Selection, Snapshot, ToolEntry};
use open_cli_contract::problem::ErrorCode;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The stage of a request in which its caller is looked at.
const SPAN: &str = "runtime.authenticate";
/// Selections of tools that are kept.
const MAX_SELECTIONS: usize = 256;
/// Records of turned-away callers in a burst, and what one more costs in time: nobody without a token fills the disk.
const BURST: u32 = 60;
const ONE_MORE: Duration = Duration::from_millis(200);
/// Challenges (RFC 6750 §3).
const NO_TOKEN: &str = "Bearer realm=\"open-cli\"";
const BAD_TOKEN: &str = "Bearer realm=\"open-cli\", error=\"invalid_token\"";

/// What an endpoint asks of callers, where callers are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing: probes, and how to sign in.
    Open,
    /// Anybody may ask; who shows a token is told more (HS-1, HS-2).
    Optional,
    /// A valid token.
    Caller,
    /// A valid token with this right.
    Right(Right),
}

/// Asks who sent the request, when the endpoint wants to know and the configuration too. An endpoint that learns from
/// its body which configuration is meant asks again then: with many configurations only that one's guard counts.
pub(super) async fn admit(endpoint: Endpoint, access: Access, call: &mut Call) -> Result<(), Box<Problem>> {
    let is_named_in_body = matches!(endpoint, Endpoint::Execute | Endpoint::Workflow | Endpoint::Refresh);
    match access {
        Access::Open => Ok(()),
        _ if is_named_in_body && call.state.configs.has_many() => Ok(()),
        Access::Optional => {
            let selector = call.query.get("config").to_owned();
            let is_about_all = selector.is_empty() && call.state.configs.has_many();
            if is_about_all || !call.headers.contains_key(AUTHORIZATION) {
                Ok(())
            } else {
                identify(call, &selector).await
            }
        }
        Access::Caller | Access::Right(_) => {
            let selector = call.query.get("config").to_owned();
            identify(call, &selector).await?;
            if let Access::Right(right) = access { demand(call, right).await } else { Ok(()) }
        }
    }
}

/// Finds out who sent the request, once.
pub(super) async fn identify(call: &mut Call, selector: &str) -> Result<(), Box<Problem>> {
    let guard = match (&call.guard, call.state.configs.guard(selector)?) {
        (None, None) => return Ok(()),
        (None, Some(guard)) => guard,
        (Some(passed), Some(guard)) if Arc::ptr_eq(passed, &guard) => return Ok(()),
        // The query names one configuration, and the body another.
        (Some(_), _) => {
            let detail = "The request names two configurations.";
            return Err(Problem::new(ErrorCode::RuntimeAttachMismatch, detail));
        }
    };
    call.guard = Some(Arc::clone(&guard));
    let mut span = call.trace().span(SPAN);
    let found = match bearer(call.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes)) {
        Ok(token) => guard.authenticator.authenticate(token, span.trace()).await,
        Err(fault) => Err(fault.into()),
    };
    let word = match &found {
        Ok(admitted) if admitted.was_known => "known",
        Ok(_) => "checked",
        Err(fault) => fault.word(),
    };
    span.set("authn.result", word);
    call.state.authn.count(word);
    match found {
        Ok(admitted) => {
            span.end();
            if call.span.is_recording() {
                call.span.set("user.id", admitted.caller.principal.clone());
            }
            call.caller = Some(admitted.caller);
            Ok(())
        }
        Err(fault) => {
            span.fail(&fault);
            span.end();
            call.cause = word;
            call.challenge = Some(HeaderValue::from_static(match fault {
                AuthnFault::Missing => NO_TOKEN,
                _ => BAD_TOKEN,
            }));
            // The reason is not for the caller (AUTH-12); that there was no token it knows itself.
            let detail = match fault {
                AuthnFault::Missing => "The request carries no bearer token.",
                _ => "The bearer token was not accepted.",
            };
            Err(Problem::new(ErrorCode::AuthnFailed, detail))
        }
    }
}

/// Refuses a caller without this right, on record.
pub(super) async fn demand(call: &mut Call, right: Right) -> Result<(), Box<Problem>> {
    if allows(call, right) {
        return Ok(());
    }
    let scope = right.as_str();
    let detail = match call.state.configs.has_many() {
        true => "This is about the whole runtime, whose callers belong to many configurations.".to_owned(),
        false => format!("The token's scopes do not include {scope}."),
    };
    refuse(call, scope, detail).await
}

/// A refusal for want of a scope, on record.
pub(super) async fn refuse(call: &mut Call, scope: &str, detail: String) -> Result<(), Box<Problem>> {
    let attempt = record::action(call, "authz_denial", call.name);
    call.state.record(&record::refused(attempt, ErrorCode::AuthzDenied)).await?;
    let challenge = format!("{NO_TOKEN}, error=\"insufficient_scope\", scope=\"{scope}\"");
    call.challenge = HeaderValue::from_str(&challenge).ok();
    Err(Problem::new(ErrorCode::AuthzDenied, detail).with("scope", scope))
}

/// May the caller do this? Where callers are not authenticated, everybody may. Rights over a runtime of many
/// configurations can't come from one of them: whoever may write a configuration could give them to himself.
pub(super) fn allows(call: &Call, right: Right) -> bool {
    match (&call.guard, &call.caller) {
        (None, _) => true,
        (Some(_), Some(caller)) => !call.state.configs.has_many() && caller.scopes.allows(right),
        (Some(_), None) => false,
    }
}

/// Whose records and traces the caller may see: `None` for everybody's.
pub(super) fn only_own(call: &Call, right: Right) -> Option<String> {
    if allows(call, right) {
        return None;
    }
    // An empty principal is nobody's: records without one are not shown.
    Some(call.caller.as_ref().map(|caller| caller.principal.clone()).unwrap_or_default())
}

/// Is the tool one that the caller reaches (EXE-5)?
pub(super) fn reaches(call: &Call, snapshot: &Snapshot, entry: &ToolEntry<'_>) -> bool {
    match (&call.guard, &call.caller) {
        (None, _) => true,
        (Some(_), Some(caller)) => reached(&caller.scopes, snapshot, entry),
        (Some(_), None) => false,
    }
}

/// The same for a tool that is perhaps gone: what profiles said of it is not known any more.
pub(super) fn reaches_id(call: &Call, snapshot: &Snapshot, id: &str) -> bool {
    if let Some(entry) = snapshot.tool(id) {
        return reaches(call, snapshot, &entry);
    }
    match (&call.guard, &call.caller) {
        (None, _) => true,
        (Some(_), Some(caller)) => {
            let service = id.split(':').next().unwrap_or_default();
            caller.scopes.reach(id, service, |_| false)
        }
        (Some(_), None) => false,
    }
}

/// Do the caller's scopes cover the tool, whatever `policy.deny` says?
pub(super) fn covers(call: &Call, snapshot: &Snapshot, entry: &ToolEntry<'_>) -> bool {
    call.caller.as_ref().is_some_and(|caller| covered(&caller.scopes, snapshot, entry))
}

/// SCOPE-1 to SCOPE-9.
fn reached(scopes: &Scopes, snapshot: &Snapshot, entry: &ToolEntry<'_>) -> bool {
    !entry.verdict().is_denied() && covered(scopes, snapshot, entry)
}

fn covered(scopes: &Scopes, snapshot: &Snapshot, entry: &ToolEntry<'_>) -> bool {
    let policy = snapshot.policy();
    scopes.reach(entry.id(), &entry.service().id, |profile| policy.profile_lists(profile, entry.verdict()))
}

/// The part of the catalog that the caller reaches; `None` where callers are not authenticated.
pub(super) fn selection(call: &Call, snapshot: &Snapshot) -> Option<Arc<Selection>> {
    call.guard.as_ref()?;
    let nobody = Arc::default();
    let caller = call.caller.as_ref().unwrap_or(&nobody);
    Some(call.state.selections.of(snapshot, caller))
}

/// Selections that were worked out, by what the scopes say about tools. One is replaced when its snapshot is.
#[derive(Default)]
pub(crate) struct Selections(Mutex<HashMap<[u8; 32], Arc<Selection>>>);

impl Selections {
    fn of(&self, snapshot: &Snapshot, caller: &Caller) -> Arc<Selection> {
        let key = caller.scopes.envelope();
        if let Some(known) = self.0.lock().get(key).filter(|known| known.is_of(snapshot)) {
            return Arc::clone(known);
        }
        let made = Arc::new(Selection::new(snapshot, *key, |entry| reached(&caller.scopes, snapshot, entry)));
        let mut known = self.0.lock();
        if known.len() >= MAX_SELECTIONS {
            known.clear();
        }
        known.insert(*key, Arc::clone(&made));
        made
    }
}

/// What came of the tokens of requests, counted by one word.
pub(crate) struct AuthnFigures {
    counts: [AtomicU64; RESULTS.len()],
    /// When the next record of a turned-away caller is free, and how many were not written since the last one.
    pace: Mutex<(Option<Instant>, u64)>,
}

/// All words, in the order of the documentation.
const RESULTS: [&str; 15] = [
    "known",
    "checked",
    "missing",
    "malformed",
    "unsupported_algorithm",
    "unknown_key",
    "bad_signature",
    "expired",
    "not_yet_valid",
    "wrong_issuer",
    "wrong_audience",
    "no_principal",
    "key_bound",
    "inactive",
    "unavailable",
];

impl Default for AuthnFigures {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::new(0)), pace: Mutex::default() }
    }
}

impl AuthnFigures {
    fn count(&self, word: &str) {
        if let Some(at) = RESULTS.iter().position(|known| *known == word) {
            self.counts[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        RESULTS.into_iter().zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Is the next refusal one for the record? If so, how many were left out before it.
    pub(crate) fn is_for_the_record(&self, now: Instant) -> Option<u64> {
        let mut pace = self.pace.lock();
        let free_at = pace.0.unwrap_or(now).max(now);
        if free_at.duration_since(now) > ONE_MORE * BURST {
            pace.1 += 1;
            return None;
        }
        pace.0 = free_at.checked_add(ONE_MORE);
        Some(std::mem::take(&mut pace.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_away_callers_are_recorded_in_bounded_numbers_and_those_left_out_are_counted() {
        let (figures, now) = (AuthnFigures::default(), Instant::now());
        let recorded = (0..1000).filter(|_| figures.is_for_the_record(now) == Some(0)).count();
        assert_eq!(recorded, BURST as usize + 1);
        let later = now + ONE_MORE;
        assert_eq!(figures.is_for_the_record(later), Some(1000 - recorded as u64));
        assert_eq!(figures.is_for_the_record(later), None);
        let much_later = now + Duration::from_secs(3600);
        assert_eq!(figures.is_for_the_record(much_later), Some(1));
    }
}
