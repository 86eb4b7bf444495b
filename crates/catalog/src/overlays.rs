//! Overlays on their way to a description (catalog-and-execution §5, W10, W19): read them, apply them in order, say
//! what they did not do. A service is never served without an overlay that is named for it: an overlay may be what
//! makes it safe. Not for what an overlay means; that is `overlay`.

use crate::diagnostics;
use crate::plan::{OverlayRef, text};
use bytes::Bytes;
use futures_util::stream::{StreamExt, iter};
use jiff::Timestamp;
use open_cli_contract::catalog::{Diagnostic, FetchRecord, Severity};
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_documents::{Document, Documents, FetchPolicy, FileStamp, Location};
use open_cli_observe::Trace;
use open_cli_overlay::{Applied, Overlay};
use serde_json::Value;
use std::fmt;

/// Overlays of one service that are read at the same time.
const CONCURRENT_OVERLAYS: usize = 4;

/// An overlay that was read.
#[derive(Debug, Clone)]
pub struct ReadOverlay {
    /// Where it is.
    pub location: Location,
    /// Attached by the publisher of the service, not named by the operator.
    pub is_publishers: bool,
    /// What it says.
    pub overlay: Overlay,
    pub(crate) digest: [u8; 32],
    pub(crate) fetch: Option<FetchRecord>,
    pub(crate) stamp: Option<FileStamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Why an overlay can't be had.
#[derive(Debug)]
pub struct Unread {
    message: String,
    diagnostic: Option<Diagnostic>,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<String> for Unread {
    fn from(message: String) -> Self {
        Self { message, diagnostic: None }
    }
}

/// Why a service can't have its overlays.
#[derive(Debug)]
pub(crate) struct Unapplied {
    pub(crate) message: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads the overlays, in order.
pub(crate) async fn read(
    documents: &Documents,
    wanted: &[OverlayRef],
    policy: &FetchPolicy,
    trace: &Trace,
) -> Vec<Result<ReadOverlay, Unread>> {
    let one = |overlay: OverlayRef| read_one(documents, overlay, policy, trace);
    iter(wanted.to_vec()).map(one).buffered(CONCURRENT_OVERLAYS).collect().await
}

async fn read_one(
    documents: &Documents,
    wanted: OverlayRef,
    policy: &FetchPolicy,
    trace: &Trace,
) -> Result<ReadOverlay, Unread> {
    let location = wanted.location?;
    let single = documents.read_one(&location, policy, trace).await;
    let single = single
        .map_err(|error| Unread { message: error.to_string(), diagnostic: Some(error.diagnostic(&location)) })?;
    // What its `extends` is relative to: where it was found, after redirects.
    let source = text(&single.document.location);
    let overlay = Overlay::parse(&single.document.json, &source).map_err(|error| Unread {
        message: format!("{location}: {error}"),
        diagnostic: Some(Diagnostic {
            pointer: format!("{location}#"),
            ..diagnostics::error("", error.code(), error.to_string(), DiagnosticCode::OverlayInvalid.advice())
        }),
    })?;
    Ok(ReadOverlay {
        location,
        is_publishers: wanted.is_publishers,
        overlay,
        digest: single.digest,
        fetch: single.fetch,
        stamp: single.stamp,
        expires_at: single.expires_at,
    })
}

/// All overlays, or why the service can't do without the first that is missing.
pub(crate) fn all_of(
    wanted: &[OverlayRef],
    read: Vec<Result<ReadOverlay, Unread>>,
) -> Result<Vec<ReadOverlay>, Unapplied> {
    let missing = |(overlay, error): (&OverlayRef, Unread)| {
        let whose = if overlay.is_publishers { "an overlay that its publisher attaches" } else { "an overlay" };
        let message = format!("{whose} can't be read, and the service is not served without it: {error}");
        Unapplied { message, diagnostics: error.diagnostic.into_iter().collect() }
    };
    wanted.iter().zip(read).map(|(overlay, read)| read.map_err(|error| missing((overlay, error)))).collect()
}

/// What applying one overlay came to.
pub(crate) struct Outcome {
    pub(crate) applied: Applied,
    /// Of the overlay itself and of its actions; `pointer` begins with the overlay's place.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl ReadOverlay {
    /// Applies the overlay to a description, and says what came of it.
    pub(crate) fn apply(&self, description: &Location, document: &mut Value) -> Outcome {
        let own_uri = document.get("$self").and_then(Value::as_str).map(str::to_owned);
        let extends = self.overlay.check_extends(&text(description), own_uri.as_deref());
        let applied = self.overlay.apply(document);
        let all = self.overlay.diagnostics().iter().cloned().chain(extends).chain(applied.diagnostics());
        let placed = |d: Diagnostic| Diagnostic { pointer: format!("{}#{}", self.location, d.pointer), ..d };
        Outcome { diagnostics: all.map(placed).collect(), applied }
    }
}

/// The description with all overlays applied, and what was remarkable. Blocking.
pub(crate) fn apply_all(
    description: &Document,
    overlays: &[ReadOverlay],
) -> Result<(Bytes, Vec<Diagnostic>), Unapplied> {
    let plain = |message: String| Unapplied { message, diagnostics: Vec::new() };
    let mut document: Value = serde_json::from_slice(&description.json)
        .map_err(|error| plain(format!("the overlays can't be applied to {}: {error}", description.location)))?;
    let mut diagnostics = Vec::new();
    for overlay in overlays {
        let outcome = overlay.apply(&description.location, &mut document);
        diagnostics.extend(outcome.diagnostics);
        if outcome.applied.is_incomplete() {
            let first = diagnostics.iter().rfind(|d: &&Diagnostic| d.severity == Severity::Error);
            let why = first.map(|d| format!(" ({})", d.message)).unwrap_or_default();
            let message = format!(
                "the overlay {} can't be applied in full, and the service is not served without it{why}",
                overlay.location
            );
            return Err(Unapplied { message, diagnostics });
        }
    }
    let json = serde_json::to_vec(&document).map_err(|error| plain(error.to_string()))?;
    Ok((json.into(), diagnostics))
}
