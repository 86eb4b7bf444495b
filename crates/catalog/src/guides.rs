//! Skill manifests and workflow documents on their way to a service (catalog-and-execution §6, §7; deviations 6, 9). A
//! service works without them: one that can't be read is a diagnostic, and its last good state stays. Not for what they
//! mean; that is `skills` and `arazzo`.

use crate::load::{RETRY_FAILED, later};
use crate::plan::text;
use crate::skills::Skills;
use crate::stored::{Hash, Place, Stamp};
use bytes::Bytes;
use futures_util::stream::{StreamExt, iter};
use jiff::Timestamp;
use open_cli_arazzo::Description;
use open_cli_contract::catalog::{Diagnostic, FetchRecord, Severity};
use open_cli_documents::{Documents, FetchPolicy, FileStamp, Location};
use open_cli_observe::Trace;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Documents of one service that are read at the same time.
const CONCURRENT_GUIDES: usize = 4;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum GuideKind {
    Skill,
    Workflow,
}

impl GuideKind {
    fn name(self) -> &'static str {
        match self {
            Self::Skill => "skill manifest",
            Self::Workflow => "workflow document",
        }
    }

    fn code(self, what: &str) -> String {
        match self {
            Self::Skill => format!("skill_{what}"),
            Self::Workflow => format!("workflow_{what}"),
        }
    }
}

/// A document to read.
#[derive(Debug, Clone)]
pub(crate) struct GuideRef {
    pub(crate) kind: GuideKind,
    /// Where it is; the error says what is wrong with the reference.
    pub(crate) location: Result<Location, String>,
    /// Attached by the publisher of the service.
    pub(crate) is_publishers: bool,
}

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Guide {
    pub(crate) kind: GuideKind,
    pub(crate) location: Location,
    /// Where it was found, after redirects: what its relative references are relative to.
    pub(crate) base: Location,
    pub(crate) is_publishers: bool,
    content: Content,
    /// The document as it was read, to be stored.
    json: Bytes,
    pub(crate) digest: [u8; 32],
    /// What is wrong with it, `pointer` beginning with its place.
    diagnostics: Vec<Diagnostic>,
}

#[derive(Debug)]
enum Content {
    Skills(Skills),
    Workflows(Arc<Description>),
}

impl Guide {
    pub(crate) fn skills(&self) -> Option<&Skills> {
        match &self.content {
            Content::Skills(skills) => Some(skills),
            Content::Workflows(_) => None,
        }
    }

    pub(crate) fn workflows(&self) -> Option<&Arc<Description>> {
        match &self.content {
            Content::Workflows(description) => Some(description),
            Content::Skills(_) => None,
        }
    }
}

/// Everything that was read for one service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guides {
    /// Skill manifests, then workflow documents, each the publisher's before the operator's.
    pub(crate) all: Arc<[Arc<Guide>]>,
    /// Hash of what decides the tools: skill manifests.
    pub(crate) skills_digest: [u8; 32],
    /// Hash of everything.
    pub(crate) digest: [u8; 32],
    pub(crate) diagnostics: Arc<[Diagnostic]>,
    pub(crate) stamps: Vec<FileStamp>,
    pub(crate) fetches: Vec<FetchRecord>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// [`Guides`], to be stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredGuides {
    all: Vec<StoredGuide>,
    skills_digest: Hash,
    digest: Hash,
    diagnostics: Vec<Diagnostic>,
    stamps: Vec<Stamp>,
    fetches: Vec<FetchRecord>,
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredGuide {
    kind: GuideKind,
    location: Place,
    base: Place,
    is_publishers: bool,
    json: String,
    digest: Hash,
    diagnostics: Vec<Diagnostic>,
}

impl Guides {
    /// Nothing was read, or asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.stamps.is_empty() && self.fetches.is_empty() && self.diagnostics.is_empty()
    }

    /// To be stored; `None` when an address holds credentials.
    pub(crate) fn stored(&self) -> Option<StoredGuides> {
        let one = |guide: &Arc<Guide>| {
            Some(StoredGuide {
                kind: guide.kind,
                location: Place::of(&guide.location)?,
                base: Place::of(&guide.base)?,
                is_publishers: guide.is_publishers,
                json: String::from_utf8(guide.json.to_vec()).ok()?,
                digest: Hash(guide.digest),
                diagnostics: guide.diagnostics.clone(),
            })
        };
        Some(StoredGuides {
            all: self.all.iter().map(one).collect::<Option<_>>()?,
            skills_digest: Hash(self.skills_digest),
            digest: Hash(self.digest),
            diagnostics: self.diagnostics.to_vec(),
            stamps: self.stamps.iter().map(Stamp::of).collect(),
            fetches: self.fetches.clone(),
            expires_at: self.expires_at,
        })
    }

    /// What was stored; `None` when it can't be read any more.
    pub(crate) fn restored(stored: StoredGuides) -> Option<Self> {
        let one = |guide: StoredGuide| {
            let json = Bytes::from(guide.json);
            Some(Arc::new(Guide {
                kind: guide.kind,
                location: guide.location.restored()?,
                base: guide.base.restored()?,
                is_publishers: guide.is_publishers,
                content: content(guide.kind, &json).ok()?.0,
                json,
                digest: guide.digest.0,
                diagnostics: guide.diagnostics,
            }))
        };
        Some(Self {
            all: stored.all.into_iter().map(one).collect::<Option<Vec<_>>>()?.into(),
            skills_digest: stored.skills_digest.0,
            digest: stored.digest.0,
            diagnostics: stored.diagnostics.into(),
            stamps: stored.stamps.into_iter().map(FileStamp::from).collect(),
            fetches: stored.fetches,
            expires_at: stored.expires_at,
        })
    }
}

/// Everything that reading one document gives.
struct Read {
    guide: Result<Guide, String>,
    stamp: Option<FileStamp>,
    fetch: Option<FetchRecord>,
    expires_at: Option<Timestamp>,
}

/// Reads the documents. What can't be read now is as it was in `last`, where it was there.
pub(crate) async fn read(
    documents: &Documents,
    wanted: &[GuideRef],
    last: Option<&Guides>,
    policy: &FetchPolicy,
    trace: &Trace,
) -> Guides {
    if wanted.is_empty() {
        return Guides::default();
    }
    let one = |guide: GuideRef| read_one(documents, guide, policy, trace);
    let read: Vec<Read> = iter(wanted.to_vec()).map(one).buffered(CONCURRENT_GUIDES).collect().await;
    let mut guides = Guides::default();
    let mut all: Vec<Arc<Guide>> = Vec::new();
    let mut diagnostics = Vec::new();
    for (wanted, read) in wanted.iter().zip(read) {
        guides.stamps.extend(read.stamp);
        guides.fetches.extend(read.fetch);
        guides.expires_at = guides.expires_at.into_iter().chain(read.expires_at).min();
        match read.guide {
            Ok(guide) => all.push(Arc::new(guide)),
            Err(message) => {
                let known = last.into_iter().flat_map(|last| last.all.iter());
                let known = known
                    .clone()
                    .find(|guide| guide.kind == wanted.kind && wanted.location.as_ref() == Ok(&guide.location));
                diagnostics.push(unreadable(wanted, message, known.is_some()));
                all.extend(known.cloned());
            }
        }
    }
    let (mut of_skills, mut of_all) = (Sha256::new(), Sha256::new());
    for guide in &all {
        diagnostics.extend(guide.diagnostics.iter().cloned());
        of_all.update(guide.digest);
        if guide.kind == GuideKind::Skill {
            of_skills.update(guide.digest);
        }
    }
    guides.skills_digest = of_skills.finalize().into();
    guides.digest = of_all.finalize().into();
    guides.all = all.into();
    guides.diagnostics = diagnostics.into();
    guides
}

fn unreadable(wanted: &GuideRef, message: String, has_last: bool) -> Diagnostic {
    let whose = if wanted.is_publishers { " that its publisher attaches" } else { "" };
    let (what, hint) = match has_last {
        true => ("stale", "Its last good state stays in force until this is mended."),
        false => ("unreadable", "The service works without it; correct the document, or the reference."),
    };
    Diagnostic {
        severity: Severity::Error,
        code: wanted.kind.code(what),
        source: String::new(),
        pointer: wanted.location.as_ref().map(ToString::to_string).unwrap_or_default(),
        message: format!("a {}{whose} can't be used: {message}", wanted.kind.name()),
        hint: hint.into(),
    }
}

async fn read_one(documents: &Documents, wanted: GuideRef, policy: &FetchPolicy, trace: &Trace) -> Read {
    let location = match wanted.location {
        Ok(location) => location,
        Err(message) => return Read { guide: Err(message), stamp: None, fetch: None, expires_at: None },
    };
    // Looked at before it is read, so that mending it is noticed.
    let before = match &location {
        Location::File(path) => Some(FileStamp::of(path)),
        Location::Url(_) | Location::Made(_) => None,
    };
    let (kind, is_publishers) = (wanted.kind, wanted.is_publishers);
    match documents.read_one(&location, policy, trace).await {
        Ok(single) => {
            let (stamp, fetch, expires_at) = (single.stamp.or(before), single.fetch, single.expires_at);
            let digest = single.digest;
            let (base, json) = (single.document.location, single.document.json);
            let kept = json.clone();
            let parse = move || content(kind, &json);
            let parsed = tokio::task::spawn_blocking(parse).await;
            let parsed = parsed.unwrap_or_else(|error| Err(format!("reading it failed: {error}")));
            let guide = parsed.map(|(content, diagnostics)| {
                let placed = |d: Diagnostic| Diagnostic { pointer: format!("{location}#{}", d.pointer), ..d };
                let diagnostics = diagnostics.into_iter().map(placed).collect();
                // Relative references depend on where it is.
                let mut hash = Sha256::new();
                for part in
                    [text(&location).as_bytes(), text(&base).as_bytes(), &[u8::from(is_publishers)], &digest]
                {
                    hash.update(part);
                    hash.update([0]);
                }
                let digest = hash.finalize().into();
                Guide {
                    kind,
                    location: location.clone(),
                    base,
                    is_publishers,
                    content,
                    json: kept,
                    digest,
                    diagnostics,
                }
            });
            Read { guide: guide.map_err(|message| format!("{location}: {message}")), stamp, fetch, expires_at }
        }
        Err(error) => {
            let expires_at = if location.is_remote() && !policy.manual_only { later(RETRY_FAILED) } else { None };
            Read { guide: Err(error.to_string()), stamp: before, fetch: None, expires_at }
        }
    }
}

fn content(kind: GuideKind, json: &[u8]) -> Result<(Content, Vec<Diagnostic>), String> {
    match kind {
        GuideKind::Skill => {
            Skills::parse(json).map(|(skills, diagnostics)| (Content::Skills(skills), diagnostics))
        }
        GuideKind::Workflow => {
            let mut description = Description::parse(json).map_err(|error| error.to_string())?;
            let diagnostics = std::mem::take(&mut description.diagnostics);
            Ok((Content::Workflows(Arc::new(description)), diagnostics))
        }
    }
}
