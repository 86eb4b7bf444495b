//! What of a dead instance goes and what stays. Only names that this product gives are taken; whatever else lies in
//! the folder stays. A room that keeps new files in the state folder adds them to [`kind`].

use super::{Kept, PruneOptions, Removed, Stop};
use crate::evidence::is_evidence;
use crate::layout::{AUDIT_LOG, CHILDREN, LOCK, OAUTH, RUNTIME_RECORD, TRACES};
use crate::list::Instance;
use crate::marker::MARKER;
use crate::{Roots, sizes};
use open_cli_files::{FileError, TEMPORARY_PREFIX};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most entries of a state folder; a folder with more is left alone.
const MAX_ENTRIES: usize = 100_000;

/// The parts of an instance, and what becomes of each.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) removed: Vec<Removed>,
    pub(super) kept: Vec<Kept>,
    /// Entries of the state folder that go.
    pub(super) entries: Vec<PathBuf>,
    /// The state folder goes, with all entries.
    pub(super) whole: Option<PathBuf>,
    /// The cache folder goes.
    pub(super) cache: Option<PathBuf>,
}

/// What an entry of a state folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Runtime,
    Traces,
    Tokens,
    Audit,
    /// The lock and the marker: they go last, with the folder.
    Frame,
    Other,
}

fn kind(name: &str, audit_name: &str) -> Kind {
    // The reference names its temporary files after the file and its pid.
    let is_leftover =
        |file: &str| name.strip_prefix(file).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".tmp"));
    let is_audit = |log: &str| sizes::is_audit_file(name.as_bytes(), log.as_bytes());
    match name {
        LOCK | MARKER => Kind::Frame,
        RUNTIME_RECORD | CHILDREN => Kind::Runtime,
        TRACES => Kind::Traces,
        OAUTH => Kind::Tokens,
        _ if name.starts_with(TEMPORARY_PREFIX) || [RUNTIME_RECORD, CHILDREN].into_iter().any(is_leftover) => {
            Kind::Runtime
        }
        _ if is_audit(AUDIT_LOG) || is_audit(audit_name) => Kind::Audit,
        _ => Kind::Other,
    }
}

impl Plan {
    pub(super) fn of(roots: &Roots, instance: &Instance, options: PruneOptions) -> Result<Self, Stop> {
        let mut plan = Self::default();
        plan.state(instance, options)?;
        plan.cache(roots, instance);
        if plan.whole.is_some() || plan.cache.is_some() || !plan.entries.is_empty() {
            return Ok(plan);
        }
        let has_only_audit = plan.kept.iter().all(|part| part.what == "audit");
        let left =
            if has_only_audit { "its audit log is left; --with-audit removes it" } else { "what stays is left" };
        Err(Stop::Keep(format!("only {left}")))
    }

    fn state(&mut self, instance: &Instance, options: PruneOptions) -> Result<(), Stop> {
        let folder = &instance.state_dir;
        let audit_name = instance.audit_path.strip_prefix(folder).map(|path| path.to_string_lossy().into_owned());
        let audit_name = audit_name.as_deref().unwrap_or(AUDIT_LOG);
        let takes_audit = options.with_audit || !is_evidence(&folder.join(audit_name));
        let mut parts: BTreeMap<Kind, u64> = BTreeMap::new();
        for path in entries(folder)? {
            let kind = kind(&path.file_name().unwrap_or_default().to_string_lossy(), audit_name);
            if kind == Kind::Frame {
                continue;
            }
            let bytes = sizes::of(&path).bytes;
            if kind == Kind::Other {
                self.kept.push(Kept { what: "other", path, bytes, why: "not written by open-cli" });
                continue;
            }
            let sum = parts.entry(kind).or_default();
            *sum = sum.saturating_add(bytes);
            if kind != Kind::Audit || takes_audit {
                self.entries.push(path);
            }
        }
        for (kind, bytes) in parts {
            let (what, path) = match kind {
                Kind::Traces => ("traces", folder.join(TRACES)),
                Kind::Tokens => ("oauth", folder.join(OAUTH)),
                Kind::Audit => ("audit", folder.join(audit_name)),
                Kind::Runtime | Kind::Frame | Kind::Other => ("runtime", folder.clone()),
            };
            if kind == Kind::Audit && !takes_audit {
                self.kept.push(Kept { what, path, bytes, why: "it is evidence; --with-audit removes it" });
            } else {
                self.removed.push(Removed { what, path, bytes });
            }
        }
        if self.kept.is_empty() {
            self.whole = Some(folder.clone());
        }
        let audit = &instance.audit_path;
        if !audit.starts_with(folder) && audit.exists() {
            let bytes = sizes::of_audit(audit).bytes;
            let why = "it lies outside of the instance's folder";
            self.kept.push(Kept { what: "audit", path: audit.clone(), bytes, why });
        }
        Ok(())
    }

    /// Only the place that the roots give is surely nobody else's.
    fn cache(&mut self, roots: &Roots, instance: &Instance) {
        let own = roots.cache_dir(&instance.id);
        if let Some(path) = &own {
            // Neither the folder nor the one above it may lead elsewhere.
            let is_folder = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
            if is_folder(path) && path.parent().is_some_and(is_folder) {
                self.removed.push(Removed { what: "cache", path: path.clone(), bytes: sizes::of(path).bytes });
                self.cache = Some(path.clone());
            }
        }
        let used = &instance.cache_dir;
        if own.as_ref() != Some(used) && used.is_dir() {
            let why = "it was chosen with --cache-dir and may be used by others";
            self.kept.push(Kept { what: "cache", path: used.clone(), bytes: sizes::of(used).bytes, why });
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let failed = |cause| FileError::Read { path: folder.to_owned(), cause };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        if found.len() == MAX_ENTRIES {
            return Err(Stop::Keep(format!("it has more than {MAX_ENTRIES} files")));
        }
        found.push(entry.map_err(failed)?.path());
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_product_gives_are_taken() {
        for (name, expected) in [
            ("runtime.json", Kind::Runtime),
            ("runtime.json.4711.tmp", Kind::Runtime),
            ("managed-mcp-pids.json", Kind::Runtime),
            (".tmp-open-cli-abc", Kind::Runtime),
            ("traces", Kind::Traces),
            ("oauth", Kind::Tokens),
            ("audit.log", Kind::Audit),
            ("audit.log.000000000001.gz", Kind::Audit),
            ("audit.log.key", Kind::Audit),
            ("calls.log.1", Kind::Audit),
            ("lock", Kind::Frame),
            ("instance.json", Kind::Frame),
            ("notes.txt", Kind::Other),
            ("runtime.jsonx", Kind::Other),
            ("audit.logs", Kind::Other),
            ("Traces", Kind::Other),
        ] {
            assert_eq!(kind(name, "calls.log"), expected, "{name}");
        }
    }
}
