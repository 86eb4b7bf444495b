//! Tools held against the lock file (`catalog.lock`): one whose meaning is not the pinned one is quarantined until an
//! operator accepts it. Follows from the lock and the documents alone, so a restart changes nothing. A lock that can't be
//! read holds every tool. Not for what a difference is; that is `changes`.

use crate::diagnostics::{error, warning};
use crate::service::BuiltService;
use crate::shelf::Shelf;
use bytes::Bytes;
use open_cli_changes::{Definer, Lock, MAX_LOCK_BYTES, Verdict};
use open_cli_config::{Config, NewTools};
use open_cli_contract::catalog::{Diagnostic, Safety, Tool};
use open_cli_documents::FileStamp;
use open_cli_policy::ToolVerdict;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Quarantined tools that have a diagnostic each; the rest is counted.
const MAX_TOLD: usize = 200;
/// Ids that a diagnostic about several tools names.
const MAX_NAMED: usize = 10;
const ACCEPT: &str =
    "Look at the difference with `open-cli-toolbox catalog accept --dry-run`, then accept it, or have it mended.";

/// A lock file as it was read.
#[derive(Debug)]
pub(crate) struct LockFile {
    pub(crate) stamp: FileStamp,
    /// Of its content; of the error when there is none.
    digest: [u8; 32],
    lock: Result<Lock, String>,
}

/// The lock that is in force.
#[derive(Debug, Clone)]
pub(crate) struct Pins {
    pub(crate) file: Arc<LockFile>,
    new_tools: NewTools,
}

/// Why a tool must not be called, and what is told of it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) reason: Arc<str>,
    /// What the rules say, and the quarantine.
    pub(crate) verdict: ToolVerdict,
    /// The tool as it is told: how it is called, and that it can't be.
    pub(crate) json: Bytes,
}

/// What the lock makes of a catalog.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// By place of the service and position of the tool in it.
    pub(crate) held: HashMap<usize, BTreeMap<usize, Held>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Judged {
    fn hold(&mut self, place: usize, position: usize, held: Held) {
        self.held.entry(place).or_default().insert(position, held);
    }
}

impl LockFile {
    /// Blocking.
    fn read(path: &Path) -> Self {
        // Before it is read: a change in between shows as a change afterwards.
        let stamp = FileStamp::of(path);
        let content = read_bounded(path).map_err(|error| error.to_string());
        let lock = content.and_then(|content| {
            let digest: [u8; 32] = Sha256::digest(&content).into();
            Ok((digest, Lock::parse(&content).map_err(|error| error.to_string())?))
        });
        match lock {
            Ok((digest, lock)) => Self { stamp, digest, lock: Ok(lock) },
            Err(message) => Self { stamp, digest: Sha256::digest(&message).into(), lock: Err(message) },
        }
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let mut content = Vec::new();
    file.take(MAX_LOCK_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_LOCK_BYTES {
        return Err(std::io::Error::other(format!("it is larger than {MAX_LOCK_BYTES} bytes")));
    }
    Ok(content)
}

impl Pins {
    /// The lock that the configuration names; what is known of it stays while the file is the same. Blocking.
    pub(crate) fn of(config: &Config, known: Option<&Self>) -> Option<Self> {
        let path = config.catalog.lock.as_ref()?.path();
        let known = known.filter(|pins| pins.file.stamp.path == path && pins.file.stamp.is_current());
        let file = known.map_or_else(|| Arc::new(LockFile::read(&path)), |pins| Arc::clone(&pins.file));
        Some(Self { file, new_tools: config.catalog.new_tools.unwrap_or(NewTools::Warn) })
    }

    /// Of the lock's content.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.file.digest
    }

    /// Holds every tool against the lock. Reads those that it has not seen yet: blocking.
    pub(crate) fn judge(&self, services: &[Arc<BuiltService>]) -> Judged {
        let mut judged = Judged::default();
        match &self.file.lock {
            Ok(lock) => self.judge_by(lock, services, &mut judged),
            Err(message) => self.hold_all(message, services, &mut judged),
        }
        judged
    }

    fn judge_by(&self, lock: &Lock, services: &[Arc<BuiltService>], judged: &mut Judged) {
        let mut untold = 0;
        for (place, built) in services.iter().enumerate() {
            let mut definer = Definer::new();
            let mut new = Few::default();
            for (position, hash) in built.shelf.hashes().iter().enumerate() {
                let id = built.shelf.id(position);
                let verdict = match lock.hash(id) {
                    Some(pinned) if pinned == hash => continue,
                    Some(_) => lock.judge(id, &built.shelf.definition(position, &mut definer)),
                    None => Verdict::New,
                };
                if verdict == Verdict::New && self.new_tools != NewTools::Quarantine {
                    new.add(id);
                    continue;
                }
                let (Some(reason), Some(detail)) = (verdict.reason(), verdict.detail()) else { continue };
                judged.hold(place, position, Held::new(&built.shelf, position, reason.into()));
                if judged.diagnostics.len() < MAX_TOLD {
                    let message = format!("{id} can't be called: {detail}");
                    judged.diagnostics.push(error(&built.service.id, "tool_quarantined", message, ACCEPT));
                } else {
                    untold += 1;
                }
            }
            if self.new_tools == NewTools::Warn && new.count > 0 {
                let message = format!("{} not in the lock file: {}", new.are("tool"), new.named());
                let hint = "Look at them and accept them with `open-cli-toolbox catalog accept`.";
                judged.diagnostics.push(warning(&built.service.id, "tool_unpinned", message, hint));
            }
        }
        if untold > 0 {
            let message = format!("{untold} more tools can't be called and are not listed");
            judged.diagnostics.push(error("catalog.lock", "tool_quarantined", message, ACCEPT));
        }
        judged.diagnostics.extend(missing(lock, services));
    }

    /// Fail closed: without the lock nobody knows what was looked at.
    fn hold_all(&self, message: &str, services: &[Arc<BuiltService>], judged: &mut Judged) {
        let reason: Arc<str> = "the lock file can't be read".into();
        for (place, built) in services.iter().enumerate() {
            for position in 0..built.shelf.len() {
                judged.hold(place, position, Held::new(&built.shelf, position, Arc::clone(&reason)));
            }
        }
        let path = self.file.stamp.path.display();
        let message = format!("the lock file {path} can't be used, so no tool can be called: {message}");
        let hint = "Mend the file, or write it anew with `open-cli-toolbox catalog lock`.";
        judged.diagnostics.push(error("catalog.lock", "lock_unreadable", message, hint));
    }
}

/// Pinned tools that are gone, told by service.
fn missing(lock: &Lock, services: &[Arc<BuiltService>]) -> Vec<Diagnostic> {
    let mut gone: BTreeMap<&str, Few<'_>> = BTreeMap::new();
    let tools_of: HashMap<&str, &BuiltService> =
        services.iter().map(|built| (built.service.id.as_str(), &**built)).collect();
    for id in lock.tools().keys() {
        // Ids of services may have colons too.
        let known = id.match_indices(':').find_map(|(colon, _)| tools_of.get_key_value(&id[..colon]));
        let (service, is_there) = match known {
            Some((service, built)) => (*service, built.shelf.position(id).is_some()),
            None => (id.split(':').next().unwrap_or_default(), false),
        };
        if !is_there {
            gone.entry(service).or_default().add(id);
        }
    }
    let told = |(service, few): (&str, Few<'_>)| {
        let message = format!("{} in the lock file and not in the catalog: {}", few.are("tool"), few.named());
        let hint = "When it is meant to be gone, `open-cli-toolbox catalog accept` takes it out of the lock file.";
        warning(service, "pinned_tool_missing", message, hint)
    };
    gone.into_iter().map(told).collect()
}

/// A count with the first few names.
#[derive(Default)]
struct Few<'a> {
    count: usize,
    names: Vec<&'a str>,
}

impl<'a> Few<'a> {
    fn add(&mut self, name: &'a str) {
        self.count += 1;
        if self.names.len() < MAX_NAMED {
            self.names.push(name);
        }
    }

    /// `1 tool is`, `3 tools are`.
    fn are(&self, what: &str) -> String {
        if self.count == 1 { format!("1 {what} is") } else { format!("{} {what}s are", self.count) }
    }

    fn named(&self) -> String {
        let more = if self.count > self.names.len() { ", …" } else { "" };
        format!("{}{more}", self.names.join(", "))
    }
}

impl Held {
    /// Nothing of what the description says about the tool is told on: agents read it, and nobody has looked at it.
    fn new(shelf: &Shelf, position: usize, reason: Arc<str>) -> Self {
        let json = Self::told(shelf, position, &reason).unwrap_or_else(|error| {
            // We wrote it ourselves. It is told of by its id, then.
            tracing::error!(%error, tool = %shelf.id(position), "a tool's own JSON can't be read");
            serde_json::json!({ "id": shelf.id(position), "quarantine": &*reason }).to_string().into()
        });
        Self { reason, verdict: ToolVerdict::default(), json: Bytes::from(json) }
    }

    /// Adds the quarantine to what the rules say.
    pub(crate) fn judge(&mut self, verdict: &ToolVerdict) {
        self.verdict = verdict.clone().quarantined(Arc::clone(&self.reason));
    }

    fn told(shelf: &Shelf, position: usize, reason: &str) -> serde_json::Result<Vec<u8>> {
        let tool: Tool = serde_json::from_slice(&shelf.listed(position, position))?;
        let summary = format!("Quarantined: {reason}");
        let told = Tool {
            summary,
            description:
                "Its definition is not the one that was pinned. An operator has to look at the difference and \
                          accept it: `open-cli-toolbox catalog accept`."
                    .into(),
            quarantine: reason.to_owned(),
            aliases: Vec::new(),
            path_params: Vec::new(),
            flags: Vec::new(),
            request_body: None,
            auth_alternatives: Vec::new(),
            auth: Vec::new(),
            safety: Safety { destructive: true, read_only: false, requires_approval: true, idempotent: false },
            output: None,
            pagination: None,
            retry: None,
            guidance: None,
            servers: Vec::new(),
            details: None,
            ..tool
        };
        serde_json::to_vec(&told)
    }
}
