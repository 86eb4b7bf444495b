//! Metadata documents of a service (`service-meta`): sets of links that attach overlays, skills and workflows
//! (ML-1 to ML-5). One that can't be read costs what it would have attached, not the service (W2); that something is
//! missing is said, because it may be what makes the service safe.

use crate::content::{self, Kind};
use crate::linkset::{self, Linkset};
use crate::outcome::{ServiceMeta, StepKind, StepOutcome, diagnostic};
use crate::relations::{Attachment, Link, is_same, resolve};
use crate::service::{Completed, faulty};
use crate::session::{Place, Session};
use open_cli_contract::catalog::{FetchRecord, Severity};
use open_cli_documents::{FetchMethod, Fetched};
use open_cli_observe::Trace;
use url::Url;

const HINT: &str = "Correct the document where it is published.";

/// Reads the documents, one after the other, into `attached`.
#[expect(clippy::too_many_arguments, reason = "all of them belong to one call in one place")]
pub(crate) async fn attach(
    session: &Session<'_>,
    base: &Url,
    holder: &Url,
    links: &[Link],
    attached: &mut ServiceMeta,
    out: &mut Completed,
    fetches: &mut Vec<FetchRecord>,
    trace: &Trace,
) {
    for link in links.iter().take(session.limits.max_metadata) {
        let Some(url) = link.href.origin_url() else { continue };
        let kind = StepKind::ServiceMeta;
        let place = Place { kind, method: FetchMethod::Get, url, holder: Some(holder), accept: None };
        if !content::may_be_linkset(&link.media_type) {
            // RFC 9727 appendix A.1 itself has metadata of other kinds.
            let step = crate::Step::new(kind, link.href.to_string(), FetchMethod::Get);
            let detail = format!("not asked, its type {} is no set of links", content::essence(&link.media_type));
            out.steps.push(step.came_to(StepOutcome::NotAsked, detail));
            continue;
        }
        let (step, answer) = session.ask(place, trace).await;
        let shown = step.url.clone();
        let unreadable = |reason: String| {
            let message = format!("The metadata {shown} {reason}; what it attaches to the service is left out.");
            diagnostic(Severity::Error, "service_meta_unreadable", &shown, message, HINT)
        };
        let fetched = match answer {
            Ok(fetched) => fetched,
            Err(error) => {
                attached.is_incomplete = true;
                out.diagnostics.push(unreadable(format!("can't be read ({error})")));
                out.steps.push(step);
                continue;
            }
        };
        match read(session, &fetched) {
            Ok(set) => {
                let mut is_cut = set.is_cut;
                let mut faults = set.faults;
                let (mut count, mut others) = (0, 0);
                for link in resolve(set.links, &fetched.final_url, &mut faults) {
                    // ML-3 looks at the whole of `rel`.
                    let Some(attachment) = Attachment::of(&link.relations.join(" ")) else { continue };
                    if link.anchor.as_ref().is_none_or(|anchor| is_about(anchor, base, url)) {
                        is_cut |= !attached.add(attachment, &link.target);
                        count += 1;
                    } else {
                        others += 1;
                    }
                }
                let also =
                    if others > 0 { format!(", {others} links are about other services") } else { String::new() };
                let outcome = if count > 0 { StepOutcome::Found } else { StepOutcome::Nothing };
                out.steps.push(step.came_to(outcome, format!("attaches {count} documents{also}")));
                out.diagnostics.extend(faulty(&shown, &faults));
                if is_cut {
                    attached.is_incomplete = true;
                    let message = format!("{shown} has more links than are read; later ones are left out.");
                    let code = "discovery_limit";
                    out.diagnostics.push(diagnostic(
                        Severity::Error,
                        code,
                        &shown,
                        message,
                        "Split the document.",
                    ));
                }
            }
            Err(reason) => {
                attached.is_incomplete = true;
                out.diagnostics.push(unreadable(reason.clone()));
                out.steps.push(step.came_to(StepOutcome::Unusable, format!("the answer {reason}")));
            }
        }
        fetches.push(fetched.record);
    }
    if links.len() > session.limits.max_metadata {
        attached.is_incomplete = true;
        let limit = session.limits.max_metadata;
        let message =
            format!("The service links to {} metadata documents; the first {limit} are read.", links.len());
        let hint = "Put the links into fewer documents.";
        out.diagnostics.push(diagnostic(
            Severity::Error,
            "discovery_limit",
            base_shown(base).as_str(),
            message,
            hint,
        ));
    }
}

fn base_shown(base: &Url) -> String {
    open_cli_contract::redact::url(base)
}

/// A document may speak of several services.
fn is_about(anchor: &Url, base: &Url, document: &Url) -> bool {
    is_same(anchor, base) || is_same(anchor, document)
}

/// The error completes "the answer …".
pub(crate) fn read(session: &Session<'_>, fetched: &Fetched) -> Result<Linkset, String> {
    let limits = session.limits;
    if fetched.body.len() > limits.max_linkset_bytes {
        return Err(format!("is larger than {} bytes (max_linkset_bytes)", limits.max_linkset_bytes));
    }
    let declared = content::declared(fetched);
    match content::kind(&fetched.body, &declared) {
        Kind::Html => Err("is an HTML page, not a set of links".to_owned()),
        Kind::Description => Err("is an API description, not a set of links".to_owned()),
        Kind::Empty if declared == "application/linkset" => Ok(Linkset::default()),
        Kind::Empty => Err("is empty".to_owned()),
        Kind::LinksetText => Ok(linkset::from_text(&String::from_utf8_lossy(&fetched.body), limits.max_links)),
        Kind::Json | Kind::Other => linkset::from_json(&fetched.body, limits.max_links),
    }
}
