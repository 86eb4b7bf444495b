//! A root document and what its `$ref`s reach, level by level (catalog-and-execution §4.3 with weaknesses W13 to
//! W15): local documents in one blocking pass per level, remote ones through the cache, a few at a time.

use crate::error::DocumentError;
use crate::format::require_object;
use crate::local::FileStamp;
use crate::reader::{Part, Read, Reader};
use crate::refs::{self, External, Id, References};
use crate::{Document, DocumentSet, DocumentsConfig, FetchPolicy, Location};
use bytes::Bytes;
use jiff::Timestamp;
use open_cli_contract::catalog::{Diagnostic, FetchRecord, Severity};
use open_cli_contract::redact;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// What [`crate::Documents::load`] gives.
#[derive(Debug, Clone)]
pub struct LoadedSet {
    /// The documents.
    pub set: DocumentSet,
    /// One record per remote document, in the order of the references.
    pub fetches: Vec<FetchRecord>,
    /// Every local file that was asked for, also those that are not there.
    pub files: Vec<FileStamp>,
    /// When the first of the remote documents should be asked for again. A document that is never fresh counts from
    /// its last validation, a reference that could not be fetched from now. `None`: nothing remote, or refreshed by
    /// hand only.
    pub expires_at: Option<Timestamp>,
    /// References that lead nowhere; `source` is left empty for the caller to fill. The pointer of a reference in
    /// another document than the root has that document's location before a `#`.
    pub diagnostics: Vec<Diagnostic>,
    /// SHA-256 over every input byte, in the order of the references. Locations do not count.
    pub digest: [u8; 32],
}

/// A document to read, and the first reference to it; none for the root.
struct Wanted {
    location: Location,
    reference: Option<Reference>,
    /// A local file refers to it: the operator chose it.
    is_trusted: bool,
    /// What it is where its schema has an `$id`, which is what the reference is relative to.
    by_scope: Option<Location>,
    /// Written as a whole address, as names of schemas are: it is asked for after those that can be nothing else.
    is_absolute: bool,
}

/// Where a reference stands.
struct Reference {
    /// Location of the holder; `None` for the root.
    holder: Option<Location>,
    external: External,
}

/// One document that was read on its own, its references not followed.
#[derive(Debug, Clone)]
pub struct Single {
    /// Where it was asked for.
    pub asked: Location,
    /// The document.
    pub document: Document,
    /// The record of a remote document.
    pub fetch: Option<FetchRecord>,
    /// What a local document looked like.
    pub stamp: Option<FileStamp>,
    /// When a remote document should be asked for again; `None` also for what is refreshed by hand only.
    pub expires_at: Option<Timestamp>,
    /// SHA-256 of the bytes as read.
    pub digest: [u8; 32],
    bytes: usize,
    /// `None` after a change.
    references: Option<References>,
}

impl Single {
    /// A description that nobody published, under a name; `digest` stands for everything it was made from. What it
    /// refers to is never fetched.
    pub fn made(name: String, json: Bytes, digest: [u8; 32], expires_at: Option<Timestamp>) -> Self {
        let location = Location::Made(name);
        Self {
            asked: location.clone(),
            digest,
            bytes: json.len(),
            document: Document { location, json },
            fetch: None,
            stamp: None,
            expires_at,
            references: Some(References::default()),
        }
    }

    /// The same with other content, say after an overlay; references are those of the new content. Digest and place
    /// stay those of what was read.
    #[must_use]
    pub fn with_json(mut self, json: Bytes) -> Self {
        self.bytes = self.bytes.max(json.len());
        self.document.json = json;
        self.references = None;
        self
    }
}

/// Reads one document.
pub(crate) async fn read_one(reader: Reader<'_>, location: &Location) -> Result<Single, DocumentError> {
    let mut read = reader.read_level(&[(location, false)], reader.config.max_set_bytes).await;
    let Read { part, stamp, fetch } = read.pop().expect("invariant: one result per document");
    let Part { document, references, digest, bytes } = part?;
    let expires_at = fetch.as_ref().map(next_look).filter(|_| !reader.policy.manual_only);
    let asked = location.clone();
    Ok(Single { asked, document, fetch, stamp, expires_at, digest, bytes, references: Some(references) })
}

/// A document that is never fresh counts from its last validation.
fn next_look(record: &FetchRecord) -> Timestamp {
    record.expires_at.unwrap_or(record.fetched_at)
}

/// Reads what a root document refers to.
pub(crate) async fn follow(reader: Reader<'_>, root: Single) -> Result<LoadedSet, DocumentError> {
    let Single { asked: location, document, fetch, stamp, digest, bytes, references, .. } = root;
    let references = if matches!(location, Location::Made(_)) { Some(References::default()) } else { references };
    let (document, references) = match references {
        Some(references) => (document, references),
        None => {
            let name = document.location.to_string();
            let scan = move || {
                let references = refs::references(&document.json);
                (document, references)
            };
            let scanned = tokio::task::spawn_blocking(scan).await;
            scanned.map_err(|_| DocumentError::Stopped { document: name })?
        }
    };
    let config = reader.config;
    let mut collected = Collected::new(config, reader.policy, &location);
    let read = Read { part: Ok(Part { document, references, digest, bytes }), stamp, fetch };
    let root = Wanted {
        location: location.clone(),
        reference: None,
        is_trusted: false,
        by_scope: None,
        is_absolute: false,
    };
    let mut level = collected.take(root, read)?;
    loop {
        let level_now = collected.next_level(level);
        if level_now.is_empty() {
            break;
        }
        level = level_now;
        let budget = config.max_set_bytes.saturating_sub(collected.bytes);
        let locations: Vec<_> = level.iter().map(|wanted| (&wanted.location, wanted.is_trusted)).collect();
        let read = reader.read_level(&locations, budget).await;
        let mut next = Vec::new();
        for (wanted, read) in level.into_iter().zip(read) {
            next.extend(collected.take(wanted, read)?);
        }
        level = next;
    }
    collected.finish(&location)
}

pub(crate) fn set_too_large(config: &DocumentsConfig, location: &Location) -> DocumentError {
    DocumentError::TooLarge {
        document: format!("the set with {location}"),
        limit: config.max_set_bytes as u64,
        setting: "max_set_bytes",
    }
}

/// What has been read so far.
struct Collected<'a> {
    config: &'a DocumentsConfig,
    policy: &'a FetchPolicy,
    set: Option<DocumentSet>,
    fetches: Vec<FetchRecord>,
    files: Vec<FileStamp>,
    diagnostics: Vec<Diagnostic>,
    digest: Sha256,
    bytes: usize,
    /// Every location asked for so far.
    known: HashSet<Location>,
    /// Schemas with a name of their own: by address, and by what is no address.
    ids: HashSet<Location>,
    names: HashSet<String>,
    /// Written as whole addresses, to be asked for when nothing else is left.
    later: Vec<Wanted>,
    /// References that led nowhere; the name of a schema is no document to be read.
    unread: Vec<(Diagnostic, [Option<Location>; 2], String)>,
    /// A bound of the set was met: no further references are followed.
    is_full: bool,
    failed_fetch_at: Option<Timestamp>,
}

impl<'a> Collected<'a> {
    fn new(config: &'a DocumentsConfig, policy: &'a FetchPolicy, root: &Location) -> Self {
        Self {
            config,
            policy,
            set: None,
            fetches: Vec::new(),
            files: Vec::new(),
            diagnostics: Vec::new(),
            digest: Sha256::new(),
            bytes: 0,
            known: HashSet::from([root.clone()]),
            ids: HashSet::new(),
            names: HashSet::new(),
            later: Vec::new(),
            unread: Vec::new(),
            is_full: false,
            failed_fetch_at: None,
        }
    }

    /// What is to be read next: nothing that is the name of a schema of the set.
    fn next_level(&mut self, mut level: Vec<Wanted>) -> Vec<Wanted> {
        let (later, mut now): (Vec<_>, Vec<_>) = level.drain(..).partition(|wanted| wanted.is_absolute);
        self.later.extend(later);
        if now.is_empty() {
            now = std::mem::take(&mut self.later);
        }
        now.retain(|wanted| !self.is_name(&[Some(wanted.location.clone()), wanted.by_scope.clone()], ""));
        now
    }

    fn is_name(&self, locations: &[Option<Location>; 2], text: &str) -> bool {
        locations.iter().flatten().any(|location| self.ids.contains(location)) || self.names.contains(text)
    }

    /// Takes note of the schemas that a document gives names; their addresses, by index.
    fn identify(&mut self, location: &Location, ids: &[Id]) -> Vec<Option<Location>> {
        let mut addresses: Vec<Option<Location>> = vec![None; ids.len()];
        // Outer ones come after inner ones.
        for (place, id) in ids.iter().enumerate().rev() {
            let base = id.parent.and_then(|parent| addresses[parent].clone());
            match base.as_ref().unwrap_or(location).join(&id.text) {
                Ok(address) => {
                    self.ids.insert(address.clone());
                    addresses[place] = Some(address);
                }
                Err(_) => drop(self.names.insert(id.text.clone())),
            }
        }
        addresses
    }

    /// Adds what was read and says what it refers to. An error is one of the root.
    fn take(&mut self, wanted: Wanted, read: Read) -> Result<Vec<Wanted>, DocumentError> {
        self.files.extend(read.stamp);
        if read.fetch.is_none() && wanted.location.is_remote() {
            self.failed_fetch_at = Some(Timestamp::now());
        }
        self.fetches.extend(read.fetch);
        let Some(reference) = &wanted.reference else {
            let part = read.part?;
            require_object(&part.document.json)
                .map_err(|fault| DocumentError::Format { document: part.document.location.to_string(), fault })?;
            return Ok(self.add(part, wanted.location, true));
        };
        let part = read.part.and_then(|part| {
            let is_too_large = self.bytes + part.bytes > self.config.max_set_bytes;
            if is_too_large { Err(set_too_large(self.config, &wanted.location)) } else { Ok(part) }
        });
        match part {
            Ok(part) => Ok(self.add(part, wanted.location, false)),
            Err(DocumentError::TooLarge { setting: "max_set_bytes", .. }) => {
                let limit = format!("more than {} bytes (max_set_bytes)", self.config.max_set_bytes);
                self.full(reference, &limit);
                Ok(Vec::new())
            }
            Err(error) => {
                let locations = [Some(wanted.location.clone()), wanted.by_scope.clone()];
                self.unread.push((unreadable(reference, &error), locations, String::new()));
                Ok(Vec::new())
            }
        }
    }

    fn add(&mut self, part: Part, asked: Location, is_root: bool) -> Vec<Wanted> {
        self.bytes += part.bytes;
        self.digest.update(part.digest);
        let location = part.document.location.clone();
        // The same URL by another way is the same document.
        let is_new = self.known.insert(location.clone()) || location == asked;
        match &mut self.set {
            Some(set) => set.add(part.document, asked),
            None => {
                let mut set = DocumentSet::of_root(part.document.clone());
                set.add(part.document, asked);
                self.set = Some(set);
            }
        }
        if !is_new {
            return Vec::new();
        }
        let holder = (!is_root).then(|| location.clone());
        let mut wanted = Vec::new();
        let addresses = self.identify(&location, &part.references.ids);
        for external in part.references.external {
            let reference = Reference { holder: holder.clone(), external };
            if self.is_full {
                break;
            }
            let text = &reference.external.target;
            let scope = reference.external.scope.and_then(|scope| addresses[scope].as_ref());
            let by_scope = scope.and_then(|scope| scope.join(text).ok());
            let is_absolute = text.contains("://");
            match location.join(text) {
                Ok(target) if self.known.contains(&target) => {}
                Ok(_) if self.known.len() >= self.config.max_documents => {
                    let limit = format!("more than {} documents (max_documents)", self.config.max_documents);
                    self.full(&reference, &limit);
                }
                Ok(target) => {
                    self.known.insert(target.clone());
                    let is_trusted = !location.is_remote();
                    let reference = Some(reference);
                    wanted.push(Wanted { location: target, reference, is_trusted, by_scope, is_absolute });
                }
                Err(error) => {
                    let name = text.clone();
                    self.unread.push((unreadable(&reference, &error.into()), [None, by_scope], name));
                }
            }
        }
        wanted
    }

    /// Says once that a bound is met.
    fn full(&mut self, reference: &Reference, limit: &str) {
        if !self.is_full {
            self.is_full = true;
            self.diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: "reference_limit".to_owned(),
                source: String::new(),
                pointer: reference.pointer(),
                message: format!("The references reach {limit}; this one and later ones were not followed."),
                hint: "Bundle the description into fewer documents, or raise the limit.".to_owned(),
            });
        }
    }

    fn finish(mut self, root: &Location) -> Result<LoadedSet, DocumentError> {
        let unread = std::mem::take(&mut self.unread);
        let nowhere = unread.into_iter().filter(|(_, locations, name)| !self.is_name(locations, name));
        let nowhere: Vec<Diagnostic> = nowhere.map(|(diagnostic, ..)| diagnostic).collect();
        self.diagnostics.extend(nowhere);
        let expires = self.fetches.iter().map(next_look).chain(self.failed_fetch_at).min();
        Ok(LoadedSet {
            // The first level either has the root or has ended in an error.
            set: self.set.ok_or_else(|| DocumentError::Stopped { document: root.to_string() })?,
            fetches: self.fetches,
            files: self.files,
            expires_at: expires.filter(|_| !self.policy.manual_only),
            diagnostics: self.diagnostics,
            digest: self.digest.finalize().into(),
        })
    }
}

impl Reference {
    fn pointer(&self) -> String {
        match &self.holder {
            None => self.external.pointer.clone(),
            Some(holder) => format!("{holder}#{}", self.external.pointer),
        }
    }
}

fn unreadable(reference: &Reference, error: &DocumentError) -> Diagnostic {
    let External { target, count, .. } = &reference.external;
    let others = match count {
        1 => String::new(),
        count => format!(" ({count} references)"),
    };
    Diagnostic {
        severity: Severity::Error,
        code: "reference_unreadable".to_owned(),
        source: String::new(),
        pointer: reference.pointer(),
        message: format!("The reference `{}` leads nowhere: {error}{others}.", redact::text(target)),
        hint: "Correct the reference, or put the document there.".to_owned(),
    }
}
