//! From files to the effective configuration: read, validate, merge, check, decode. The order of steps is
//! config-and-state §1.2, except that every fault of every scope is collected before giving up (weakness 3).

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::diagnostic::{ConfigDiagnostic, ConfigError, Report, SourceFile};
use crate::json::{self, MAX_FILE_BYTES, SyntaxFault};
use crate::locations::{Locations, Scope};
use crate::mcp_servers::{self, McpNames};
use crate::model::Config;
use crate::tree::{At, Node, Value, join};
use crate::{checks, decode, merge, paths, settle, validate};

/// A configuration that may be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What all scopes say together.
    pub config: Config,
    /// `policy.deny` of the managed scope alone (CFG-31); also part of `config.policy.deny`.
    pub managed_deny: Vec<String>,
    /// The files that were read, absolute, lowest precedence first.
    pub files: Vec<(Scope, PathBuf)>,
    /// Folder of the project's file, else of the local one, else the working directory. References do not count
    /// from here but from the file that declared them.
    pub base_dir: PathBuf,
    /// What loads but deserves attention, sorted by path.
    pub warnings: Vec<ConfigDiagnostic>,
    /// Every path looked at, present or not, absolute: a change of any of them may change the configuration.
    pub probed: Vec<PathBuf>,
    /// Where each value comes from, by dotted path: values, and lists and maps that are replaced as a whole.
    pub origins: BTreeMap<String, Origin>,
}

/// The place of a value in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Scope that said it last.
    pub scope: Scope,
    /// Absolute path of its file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// Reads the files of every scope that is in force.
pub fn load(locations: &Locations) -> Result<Loaded, ConfigError> {
    let probed = locations.probed();
    let found = locations.discover()?;
    if found.is_empty() {
        return Err(ConfigError::NotFound { tried: probed });
    }
    let inputs = found.into_iter().map(|(scope, path)| read(scope, path)).collect::<Result<Vec<_>, _>>()?;
    assemble(inputs, probed, &paths::absolute(&locations.working_dir))
}

/// Like [`load`] for texts that are already read; touches no file. Relative paths are made absolute, scopes are
/// sorted by precedence.
pub fn load_text(files: &[(Scope, PathBuf, String)]) -> Result<Loaded, ConfigError> {
    let mut inputs: Vec<Input> = files
        .iter()
        .map(|(scope, path, text)| Input {
            scope: *scope,
            path: paths::absolute(path),
            bytes: text.clone().into_bytes(),
            open_to: None,
        })
        .collect();
    inputs.sort_by_key(|input| input.scope);
    let probed: Vec<PathBuf> = inputs.iter().map(|input| input.path.clone()).collect();
    let Some(last) = probed.last() else { return Err(ConfigError::NotFound { tried: probed }) };
    let working_dir = paths::folder(last);
    assemble(inputs, probed, &working_dir)
}

struct Input {
    scope: Scope,
    path: PathBuf,
    bytes: Vec<u8>,
    /// Permission bits when others than the owner may read or write the file (weakness 22).
    open_to: Option<u32>,
}

fn read(scope: Scope, path: PathBuf) -> Result<Input, ConfigError> {
    match read_bounded(&path) {
        Ok((bytes, open_to)) => Ok(Input { scope, path, bytes, open_to }),
        Err(source) => Err(ConfigError::Io { scope, path, source }),
    }
}

/// At most one byte more than allowed, which the JSON reader then refuses.
fn read_bounded(path: &Path) -> io::Result<(Vec<u8>, Option<u32>)> {
    // Asked before opening: opening a pipe without a writer waits for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = std::fs::File::open(path)?;
    let open_to = open_permissions(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes, open_to))
}

#[cfg(unix)]
fn open_permissions(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = metadata.mode() & 0o777;
    (mode & 0o066 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_permissions(_: &std::fs::Metadata) -> Option<u32> {
    None
}

fn assemble(inputs: Vec<Input>, probed: Vec<PathBuf>, working_dir: &Path) -> Result<Loaded, ConfigError> {
    let files = inputs.iter().map(|input| SourceFile { scope: input.scope, path: input.path.clone() }).collect();
    let mut report = Report::new(files);
    let mut names = McpNames::default();
    let start = At { file: 0, line: 1, column: 1 };
    let mut merged = Node::empty_object(start);
    let mut managed_deny = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        // Four scopes; load_text callers with more files than this many share the last index's place.
        let file = u16::try_from(index).unwrap_or(u16::MAX);
        let Some(mut tree) = parse(input, file, &mut report) else { continue };
        let facts = validate::file(&mut tree, &mut report);
        if let (true, Some(mode)) = (facts.literal_secrets, input.open_to) {
            let message = format!(
                "the file holds secrets in plain text and others may read it (mode {mode:04o}); chmod 600 it"
            );
            report.warning(At { file, ..start }, "", message);
        }
        mcp_servers::normalise(&mut tree, &merged, &mut names, &mut report);
        merge::scope(&mut merged, tree, &mut report);
        if input.scope == Scope::Managed {
            managed_deny = texts(merged.find(&["policy", "deny"]));
        }
    }
    settle::settle(&mut merged, &mut report);
    checks::all(&merged, &mut report);
    if report.has_faults() {
        return Err(report.into_error());
    }
    let folders: Vec<Arc<Path>> = inputs.iter().map(|input| paths::folder(&input.path).into()).collect();
    let Some(config) = decode::config(&merged, &folders) else {
        report.fault(merged.at, "", "passed every check but could not be decoded; please report this as a bug");
        return Err(report.into_error());
    };
    let mut origins = BTreeMap::new();
    collect_origins(&merged, "", &report, &mut origins);
    let files: Vec<(Scope, PathBuf)> = inputs.into_iter().map(|input| (input.scope, input.path)).collect();
    let of_scope =
        |scope| files.iter().rev().find(|(other, _)| *other == scope).map(|(_, path)| paths::folder(path));
    let base_dir =
        of_scope(Scope::Project).or_else(|| of_scope(Scope::Local)).unwrap_or_else(|| working_dir.to_owned());
    Ok(Loaded { config, managed_deny, files, base_dir, warnings: report.into_warnings(), probed, origins })
}

fn parse(input: &Input, file: u16, report: &mut Report) -> Option<Node> {
    let result = if input.bytes.len() > MAX_FILE_BYTES {
        // Said here because a cut file may end inside a character.
        let message = format!("the file is larger than the limit of {MAX_FILE_BYTES} bytes");
        Err(SyntaxFault { line: 1, column: 1, message })
    } else {
        match std::str::from_utf8(&input.bytes) {
            Ok(text) => json::read(text, file),
            Err(error) => Err(json::utf8_fault(&input.bytes, error.valid_up_to())),
        }
    };
    result
        .map_err(|fault| {
            report.fault(At { file, line: fault.line, column: fault.column }, "", fault.message);
            report.unreadable = true;
        })
        .ok()
}

fn texts(list: Option<&Node>) -> Vec<String> {
    let items = list.and_then(Node::list).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

fn collect_origins(node: &Node, path: &str, report: &Report, origins: &mut BTreeMap<String, Origin>) {
    if let Value::Object(object) = &node.value
        && !object.members.is_empty()
    {
        for (key, member) in &object.members {
            collect_origins(&member.node, &join(path, key), report, origins);
        }
        return;
    }
    let file = &report.files[usize::from(node.at.file)];
    let origin = Origin {
        scope: file.scope,
        file: file.path.clone(),
        line: node.at.line as usize,
        column: node.at.column as usize,
    };
    origins.insert(path.to_owned(), origin);
}
