//! What discovery gives: services, the steps that were taken, and what went wrong.

use crate::Link;
use jiff::Timestamp;
use open_cli_contract::catalog::{CacheOutcome, Diagnostic, DiscoveryMethod, FetchRecord, Severity};
use open_cli_documents::{FetchMethod, Location};
use serde::Serialize;
use std::fmt;

/// Everything one discovery found. Always given, however much went wrong: one fault costs its own part only (W2).
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// In document order, nested catalogs where they are linked (AC-8).
    pub services: Vec<DiscoveredService>,
    /// Every place that was looked at, in a fixed order.
    pub steps: Vec<Step>,
    /// What went wrong; `source` is left empty for the caller to fill.
    pub diagnostics: Vec<Diagnostic>,
    /// Records of the catalogs, nested ones after those that link them (PROV-4). Services have their own.
    pub fetches: Vec<FetchRecord>,
    /// When to look again: when the first answer is no longer fresh, or at once when something failed. `None`: only
    /// when a refresh is asked for.
    pub expires_at: Option<Timestamp>,
}

/// An API that was found.
#[derive(Debug, Clone)]
pub struct DiscoveredService {
    /// The API itself: service root, catalog item or link context. Always a URL.
    pub base: Location,
    /// Descriptions, the best first. Never empty.
    pub service_desc: Vec<Link>,
    /// Pages for people.
    pub service_doc: Vec<Link>,
    /// Where to see how the service is doing.
    pub status: Vec<Link>,
    /// What the publisher attaches.
    pub service_meta: ServiceMeta,
    /// Where the description was named: catalog, service root, or a guess.
    pub method: DiscoveryMethod,
    /// From the address asked for to the document that names the description; credentials redacted.
    pub chain: Vec<String>,
    /// Records of the service root, then of its metadata (PROV-4).
    pub fetches: Vec<FetchRecord>,
}

impl DiscoveredService {
    /// The description to load.
    pub fn description(&self) -> Option<&Location> {
        self.service_desc.first().map(|link| &link.href)
    }
}

/// What metadata documents (`service-meta`) attach to a service (ML-1 to ML-5). Each list in document order, without
/// duplicates. These are the publisher's; the operator's own come after them (W10).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceMeta {
    /// Overlays of the description.
    pub overlays: Vec<Location>,
    /// Skill manifests.
    pub skills: Vec<Location>,
    /// Arazzo documents.
    pub workflows: Vec<Location>,
    /// A metadata document could not be read, or not in full: the lists may lack something.
    pub is_incomplete: bool,
}

/// One place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Why it was looked at.
    pub kind: StepKind,
    /// Credentials redacted.
    pub url: String,
    /// `GET` or `HEAD`.
    pub request_method: &'static str,
    /// What came of it.
    pub outcome: StepOutcome,
    /// What was there, in words.
    pub detail: String,
    /// What the document cache did; absent when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_outcome: Option<CacheOutcome>,
}

/// Why a place was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// The API catalog asked for, or one nested in it.
    ApiCatalog,
    /// A catalog that a page links to (`api-catalog`), looked at because the page is none.
    LinkedCatalog,
    /// `/.well-known/api-catalog`.
    WellKnownCatalog,
    /// A service root.
    ServiceRoot,
    /// A usual name of a description.
    WellKnownDescription,
    /// Links about a service.
    ServiceMeta,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// What was looked for.
    Found,
    /// An answer, without what was looked for.
    Nothing,
    /// An answer of another kind, often an HTML page.
    Unusable,
    /// No answer, or a status that is none.
    Failed,
    /// Not asked: a limit, or a rule about addresses.
    NotAsked,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.request_method, self.url, self.detail)
    }
}

impl Step {
    pub(crate) fn new(kind: StepKind, url: String, method: FetchMethod) -> Self {
        Self {
            kind,
            url,
            request_method: method.as_str(),
            outcome: StepOutcome::NotAsked,
            detail: String::new(),
            cache_outcome: None,
        }
    }

    pub(crate) fn came_to(mut self, outcome: StepOutcome, detail: impl Into<String>) -> Self {
        self.outcome = outcome;
        self.detail = detail.into();
        self
    }
}

/// Steps that a message shows; the rest is counted.
const MAX_SHOWN_STEPS: usize = 6;

/// Several steps in a sentence.
pub(crate) fn told(steps: &[Step]) -> String {
    let mut told: Vec<String> = steps.iter().take(MAX_SHOWN_STEPS).map(ToString::to_string).collect();
    if steps.len() > MAX_SHOWN_STEPS {
        told.push(format!("{} more places likewise", steps.len() - MAX_SHOWN_STEPS));
    }
    told.join("; ")
}

pub(crate) fn diagnostic(
    severity: Severity,
    code: &str,
    place: &str,
    message: impl Into<String>,
    hint: &str,
) -> Diagnostic {
    Diagnostic {
        severity,
        code: code.to_owned(),
        source: String::new(),
        pointer: place.to_owned(),
        message: message.into(),
        hint: hint.to_owned(),
    }
}
