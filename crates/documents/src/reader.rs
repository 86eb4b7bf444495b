//! Reading documents one level of references at a time: local ones in one blocking pass, remote ones through the cache,
//! a few at once. Not for following references; that is [`crate::load`].

use crate::error::DocumentError;
use crate::format::to_json;
use crate::http::{FetchRequest, Fetcher};
use crate::load::set_too_large;
use crate::local::{FileStamp, LocalReader};
use crate::refs::{References, references};
use crate::{Document, DocumentsConfig, FetchPolicy, Location, LocationError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use open_cli_contract::catalog::FetchRecord;
use open_cli_observe::Trace;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// A document that was read.
pub(crate) struct Part {
    pub(crate) document: Document,
    pub(crate) references: References,
    pub(crate) digest: [u8; 32],
    /// The larger of what was read and what it became.
    pub(crate) bytes: usize,
}

/// Everything that reading one document gives.
pub(crate) struct Read {
    pub(crate) part: Result<Part, DocumentError>,
    pub(crate) stamp: Option<FileStamp>,
    pub(crate) fetch: Option<FetchRecord>,
}

/// What reading needs. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) config: &'a Arc<DocumentsConfig>,
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) policy: &'a FetchPolicy,
    pub(crate) trace: &'a Trace,
}

/// What a program makes of itself can't be read again.
fn nowhere(location: &Location) -> DocumentError {
    LocationError::NotAPath { text: location.to_string() }.into()
}

impl Reader<'_> {
    /// Reads the bytes of one document.
    pub(crate) async fn content(&self, location: &Location) -> Result<Bytes, DocumentError> {
        match location {
            Location::Url(url) => {
                let fetched = self.fetcher.fetch(&FetchRequest::get(url.clone()), self.policy, self.trace).await;
                Ok(fetched?.body)
            }
            Location::Made(_) => Err(nowhere(location)),
            Location::File(path) => {
                let (config, path) = (Arc::clone(self.config), path.clone());
                let read =
                    tokio::task::spawn_blocking(move || local_reader(&config, |reader| reader.read(&path).1));
                read.await.unwrap_or_else(|_| Err(DocumentError::Stopped { document: location.to_string() }))
            }
        }
    }

    /// Reads the documents of one level, each with whether the operator chose it; the results are in their order.
    pub(crate) async fn read_level(&self, level: &[(&Location, bool)], budget: usize) -> Vec<Read> {
        let mut paths = Vec::new();
        let mut urls = Vec::new();
        for (location, is_trusted) in level {
            match location {
                Location::File(path) => paths.push(path.clone()),
                Location::Url(url) => urls.push(self.read_url(url.clone(), *is_trusted)),
                Location::Made(_) => {}
            }
        }
        let remote = stream::iter(urls).buffered(self.config.concurrent_fetches.max(1)).collect::<Vec<_>>();
        let (local, remote) = tokio::join!(self.read_files(paths, budget), remote);
        let (mut local, mut remote) = (local.into_iter(), remote.into_iter());
        let next_of = |&(location, _): &(&Location, bool)| match location {
            Location::File(_) => local.next(),
            Location::Url(_) => remote.next(),
            Location::Made(_) => Some(Read { part: Err(nowhere(location)), stamp: None, fetch: None }),
        };
        level.iter().map(next_of).map(|read| read.expect("invariant: one result per document")).collect()
    }

    async fn read_files(&self, paths: Vec<PathBuf>, budget: usize) -> Vec<Read> {
        if paths.is_empty() {
            return Vec::new();
        }
        let config = Arc::clone(self.config);
        let names = paths.clone();
        let pass = tokio::task::spawn_blocking(move || read_files(&config, paths, budget));
        pass.await.unwrap_or_else(|_| {
            let stopped = |path: PathBuf| DocumentError::Stopped { document: path.display().to_string() };
            names.into_iter().map(|path| Read { part: Err(stopped(path)), stamp: None, fetch: None }).collect()
        })
    }

    async fn read_url(&self, url: Url, is_trusted: bool) -> Read {
        let guard = self.policy.guard.as_ref().filter(|_| is_trusted).map(|guard| Arc::new(guard.trusting(&url)));
        let trusting = guard.map(|guard| FetchPolicy { guard: Some(guard), ..self.policy.clone() });
        let policy = trusting.as_ref().unwrap_or(self.policy);
        let fetched = match self.fetcher.fetch(&FetchRequest::get(url), policy, self.trace).await {
            Ok(fetched) => fetched,
            Err(error) => return Read { part: Err(error), stamp: None, fetch: None },
        };
        let document = fetched.record.url.clone();
        let parse = move || part(Location::Url(fetched.final_url), &fetched.body);
        let parsed = tokio::task::spawn_blocking(parse).await;
        let part = parsed.unwrap_or(Err(DocumentError::Stopped { document }));
        Read { part, stamp: None, fetch: Some(fetched.record) }
    }
}

/// One blocking pass over local documents.
fn read_files(config: &DocumentsConfig, paths: Vec<PathBuf>, mut budget: usize) -> Vec<Read> {
    local_reader(config, |reader| {
        let read = |path: PathBuf| {
            if budget == 0 {
                let error = set_too_large(config, &Location::File(path));
                return Read { part: Err(error), stamp: None, fetch: None };
            }
            let (stamp, content) = reader.read(&path);
            let part = content.and_then(|content| part(Location::File(path), &content));
            budget = budget.saturating_sub(part.as_ref().map_or(0, |part| part.bytes));
            Read { part, stamp: Some(stamp), fetch: None }
        };
        paths.into_iter().map(read).collect()
    })
}

fn local_reader<T>(config: &DocumentsConfig, work: impl FnOnce(&LocalReader<'_>) -> T) -> T {
    let root = config.local_root.as_ref().map(|root| root.canonicalize().unwrap_or_else(|_| root.clone()));
    work(&LocalReader { max_bytes: config.max_file_bytes, root: root.as_deref() })
}

fn part(location: Location, content: &Bytes) -> Result<Part, DocumentError> {
    let json =
        to_json(content).map_err(|fault| DocumentError::Format { document: location.to_string(), fault })?;
    Ok(Part {
        references: references(&json),
        digest: Sha256::digest(content).into(),
        bytes: content.len().max(json.len()),
        document: Document { location, json },
    })
}
