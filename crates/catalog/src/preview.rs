//! What overlays would do, for people who write them: descriptions and overlays as a build would use them, without
//! building. Not for the comparison before and after; that is `overlay`.

use crate::build::{BuildError, Builder};
use crate::discover;
use crate::load::derived_id;
use crate::mcp;
use crate::overlays::{self, Outcome, ReadOverlay, Unread};
use crate::plan::{OverlayRef, Plan, Work, fetch_policy};
use bytes::Bytes;
use open_cli_contract::catalog::Diagnostic;
use open_cli_documents::{Document, DocumentSet, Location};
use open_cli_observe::Trace;
use open_cli_overlay::Applied;
use serde_json::Value;

/// A service with the overlays that are applied to it.
#[derive(Debug)]
pub struct OverlaidService {
    /// Its id, as far as its description gives one.
    pub id: String,
    /// First word of its commands.
    pub alias: String,
    /// Its source.
    pub source_id: String,
    /// Where its description is; the error says why it can't be had.
    pub description: Result<Document, String>,
    /// In the order of application; the error says why one can't be read.
    pub overlays: Vec<Result<ReadOverlay, Unread>>,
}

/// What became of one overlay.
#[derive(Debug)]
pub struct OverlayEffect {
    /// Its actions.
    pub applied: Applied,
    /// What is remarkable about it; `pointer` begins with the overlay's place.
    pub diagnostics: Vec<Diagnostic>,
}

impl ReadOverlay {
    /// Applies the overlay to the description of a service, as a build does.
    pub fn preview(&self, description: &Location, document: &mut Value) -> OverlayEffect {
        let Outcome { applied, diagnostics } = self.apply(description, document);
        OverlayEffect { applied, diagnostics }
    }
}

impl Builder {
    /// Every service of the configuration with its overlays: the publisher's, the operator's, then `more`.
    ///
    /// # Errors
    /// When the configuration can't be used.
    pub async fn overlaid(&self, more: &[Location], trace: &Trace) -> Result<Vec<OverlaidService>, BuildError> {
        let config = self.config()?;
        let mut services = Vec::new();
        for work in self.plans(&config.config).0 {
            let plans = match work {
                Work::Service(plan) => vec![*plan],
                Work::Discover(source) => {
                    let (id, source_id) = (source.name().to_owned(), source.source_id.clone());
                    let expanded = discover::expand(&self.discovery, *source, None, false, trace).await;
                    let errors = expanded.done.diagnostics.iter().filter(|d| d.severity.is_error());
                    let message: Vec<&str> = errors.map(|d| d.message.as_str()).collect();
                    if !message.is_empty() {
                        let (alias, description) = (id.clone(), Err(message.join(" ")));
                        services.push(OverlaidService { id, alias, source_id, description, overlays: Vec::new() });
                    }
                    expanded.plans
                }
            };
            for plan in plans {
                services.push(self.overlaid_one(plan, more, trace).await);
            }
        }
        Ok(services)
    }

    async fn overlaid_one(&self, mut plan: Plan, more: &[Location], trace: &Trace) -> OverlaidService {
        let more = more.iter().map(|at| OverlayRef { location: Ok(at.clone()), is_publishers: false });
        plan.overlays.extend(more);
        let policy = fetch_policy(plan.refresh, &plan.guard, plan.method, false);
        let overlays = overlays::read(&self.documents, &plan.overlays, &policy, trace).await;
        let description = match (&plan.location, &plan.mcp) {
            (Ok(_), Some(source)) => {
                let made = mcp::read(&plan, source, false, trace).await;
                made.map(|made| made.single).map_err(|(message, _)| message)
            }
            (Ok(at), None) => self.documents.read_one(at, &policy, trace).await.map_err(|error| error.to_string()),
            (Err(message), _) => Err(message.clone()),
        };
        let description = description.map(|single| single.document);
        let (id, alias) = match &plan.named {
            Some(named) => (named.id.clone(), named.alias.clone()),
            None => {
                let id = suggested_id(&plan, description.as_ref().ok(), &overlays);
                (id.clone(), id)
            }
        };
        OverlaidService { id, alias, source_id: plan.source_id, description, overlays }
    }
}

/// The id that the description suggests with its overlays; the source's when it has none.
fn suggested_id(plan: &Plan, description: Option<&Document>, overlays: &[Result<ReadOverlay, Unread>]) -> String {
    let overlaid = |document: &Document| -> Option<String> {
        let mut value: Value = serde_json::from_slice(&document.json).ok()?;
        for overlay in overlays.iter().flatten() {
            let _ = overlay.apply(&document.location, &mut value);
        }
        let json = Bytes::from(serde_json::to_vec(&value).ok()?);
        let set = DocumentSet::from_documents(vec![Document { location: document.location.clone(), json }]);
        let api = open_cli_openapi::read(&set).ok()?;
        Some(derived_id(&api, &plan.source_id, plan.location.as_ref().ok()?))
    };
    description.and_then(overlaid).unwrap_or_else(|| plan.source_id.clone())
}
