//! The place of each diagnostic: which document it is about, and where in it. Documents are read once more, each once,
//! and only those that something is wrong with.

use super::finding::{Artifact, Finding, Place};
use bytes::Bytes;
use open_cli_config::{Loaded, Reference};
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::diagnostic::DiagnosticCode as Code;
use open_cli_contract::reach::Reach;
use open_cli_documents::{Documents, FetchPolicy, Guard, Location, place_of_fault, places, to_json};
use open_cli_observe::Trace;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest configuration file; what is larger was refused before.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// What a diagnostic is about.
enum About {
    /// JSON Pointer into a document.
    Document(Location, String),
    /// Members of the configuration, from the root.
    Config(Vec<String>),
    /// One of these texts in a list of the configuration.
    ConfigItem(Vec<String>, String),
}

pub(super) async fn all(
    diagnostics: Vec<Diagnostic>,
    loaded: &Loaded,
    descriptions: &HashMap<String, Location>,
    reader: &Documents,
    trace: &Trace,
) -> Vec<Finding> {
    let known = Known { loaded, descriptions };
    let mut found: Vec<Finding> = Vec::new();
    let mut by_document: BTreeMap<String, (Location, Vec<(usize, String)>)> = BTreeMap::new();
    for diagnostic in diagnostics {
        let place = match known.about(&diagnostic) {
            About::Document(location, pointer) => {
                let name = location.to_string();
                by_document.entry(name).or_insert_with(|| (location, Vec::new())).1.push((found.len(), pointer));
                None
            }
            About::Config(members) => known.config_place(&members),
            About::ConfigItem(members, message) => known.config_item(&members, &message),
        };
        found.push(Finding { diagnostic, place });
    }
    let policies = policies(loaded);
    for (location, wanted) in by_document.into_values() {
        in_document(&location, &wanted, &mut found, &policies, reader, trace).await;
    }
    found
}

/// Keys that stand twice in a description. Not part of a build, which would take twice as long.
pub(super) async fn duplicate_keys(
    descriptions: &HashMap<String, Location>,
    loaded: &Loaded,
    reader: &Documents,
    trace: &Trace,
) -> Vec<Diagnostic> {
    let policies = policies(loaded);
    let mut found = Vec::new();
    for (service, location) in descriptions {
        let Some(content) = content(location, &policies, reader, trace).await else { continue };
        found.extend(open_cli_documents::duplicate_keys(&content).into_iter().map(|pointer| Diagnostic {
            severity: Severity::Warning,
            code: Code::KeyDuplicate.as_str().to_owned(),
            source: service.clone(),
            message: format!("the key \"{}\" stands twice in its object", last_token(&pointer)),
            pointer,
            hint: Code::KeyDuplicate.advice().to_owned(),
        }));
    }
    found
}

fn last_token(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~")
}

async fn in_document(
    location: &Location,
    wanted: &[(usize, String)],
    found: &mut [Finding],
    policies: &[FetchPolicy],
    reader: &Documents,
    trace: &Trace,
) {
    let artifact = match location {
        Location::File(path) => Artifact::File(path.clone()),
        Location::Url(_) => Artifact::Url(location.to_string()),
        // Written nowhere: there is no place to name.
        Location::Made(_) => return,
    };
    let content = content(location, policies, reader, trace).await;
    let pointers: Vec<&str> = wanted.iter().map(|(_, pointer)| pointer.as_str()).collect();
    let at = content.as_ref().map(|content| match to_json(content) {
        Ok(_) => places(content, &pointers),
        Err(fault) => vec![place_of_fault(content, &fault); wanted.len()],
    });
    for (nth, (index, _)) in wanted.iter().enumerate() {
        let at = at.as_ref().and_then(|all| all.get(nth)).map(|place| (place.line, place.column));
        found[*index].place = Some(Place { artifact: artifact.clone(), at });
    }
}

/// What the build read, from where it was stored.
async fn content(
    location: &Location,
    policies: &[FetchPolicy],
    reader: &Documents,
    trace: &Trace,
) -> Option<Bytes> {
    for policy in policies {
        if let Ok(content) = reader.content(location, policy, trace).await {
            return Some(content);
        }
    }
    None
}

/// Ways in which documents were asked for: what the operator named, and what other documents named, is stored apart.
fn policies(loaded: &Loaded) -> Vec<FetchPolicy> {
    let config = &loaded.config;
    let networks = config.sources.values().map(|source| &source.network);
    let networks = networks.chain(config.services.values().map(|service| &service.network));
    let allowed: BTreeSet<Vec<String>> =
        networks.map(|network| network.allow_addresses.clone().unwrap_or_default()).collect();
    let guarded = |allowed: Vec<String>| {
        let guard = Guard::new([], Reach::public_and(allowed.iter().map(String::as_str)));
        FetchPolicy { guard: Some(Arc::new(guard)), ..FetchPolicy::default() }
    };
    std::iter::once(FetchPolicy::default()).chain(allowed.into_iter().map(guarded)).collect()
}

struct Known<'a> {
    loaded: &'a Loaded,
    /// By service id.
    descriptions: &'a HashMap<String, Location>,
}

impl Known<'_> {
    fn about(&self, diagnostic: &Diagnostic) -> About {
        let Diagnostic { code, source, pointer, .. } = diagnostic;
        let code = Code::parse(code);
        let in_config = || About::Config(self.owner(source));
        match code {
            Some(Code::PatternUnmatched) => {
                return About::ConfigItem(members(pointer), diagnostic.message.clone());
            }
            Some(Code::SecretUnresolved) => return About::Config(members(pointer)),
            _ => {}
        }
        if let Some((document, rest)) = self.split(pointer, code) {
            // What can't be had has no line; what names it has.
            let is_absent = matches!(code, Some(Code::FileUnreadable | Code::FetchFailed | Code::FetchStatus));
            let naming = is_absent.then(|| self.naming(source, &document)).flatten();
            return naming.map_or(About::Document(document, rest), About::Config);
        }
        match self.descriptions.get(source) {
            Some(description) if pointer.starts_with('/') || is_of_description(code) => {
                About::Document(description.clone(), pointer.clone())
            }
            _ => in_config(),
        }
    }

    /// `<document>#<pointer>`, if it is that: file names and pointers may have a `#` in them too.
    fn split(&self, pointer: &str, code: Option<Code>) -> Option<(Location, String)> {
        let is_url = pointer.starts_with("http://") || pointer.starts_with("https://");
        let (name, rest) = if is_url {
            pointer.split_once('#').unwrap_or((pointer, ""))
        } else {
            let at_hash = pointer.match_indices('#').map(|(at, _)| (&pointer[..at], &pointer[at + 1..]));
            let mut candidates = at_hash.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'));
            let is_whole = |rest: &str| rest.is_empty() && !is_of_description(code);
            candidates.find(|(name, rest)| Path::new(name).is_file() || is_whole(rest))?
        };
        let location = self.descriptions.values().find(|known| known.to_string() == name).cloned();
        let location = location.or_else(|| Location::parse(name, Path::new("/")).ok())?;
        Some((location, rest.to_owned()))
    }

    /// Where the configuration says what a source or service is.
    fn owner(&self, id: &str) -> Vec<String> {
        let config = &self.loaded.config;
        let map = if config.services.contains_key(id) { "services" } else { "sources" };
        vec![map.to_owned(), id.to_owned()]
    }

    /// The member of the configuration that names a document.
    fn naming(&self, source: &str, document: &Location) -> Option<Vec<String>> {
        // As they are shown: credentials of the one are masked already.
        let shown = document.to_string();
        let is_it = |reference: &Reference| {
            Location::parse(&reference.resolve(), Path::new("/"))
                .is_ok_and(|location| location.to_string() == shown)
        };
        let config = &self.loaded.config;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        if let Some(service) = config.services.get(source) {
            let lists =
                [("overlays", &service.overlays), ("skills", &service.skills), ("workflows", &service.workflows)];
            for (member, list) in lists {
                if let Some(index) = list.iter().position(is_it) {
                    return Some(words(&["services", source, member, &index.to_string()]));
                }
            }
        }
        let of_source = |(id, source): (&String, &open_cli_config::Source)| {
            source.uri.as_ref().is_some_and(is_it).then(|| words(&["sources", id, "uri"]))
        };
        config.sources.iter().find_map(of_source)
    }

    /// The place of a member, in the last file that has it: its word counts.
    fn config_place(&self, members: &[String]) -> Option<Place> {
        let pointer = pointer_of(members);
        let files: Vec<&PathBuf> = self.loaded.files.iter().map(|(_, path)| path).collect();
        for path in files.iter().rev() {
            let Some(content) = config_content(path) else { continue };
            if let Some(place) = places(&content, &[&pointer]).first().filter(|place| place.is_exact) {
                let at = Some((place.line, place.column));
                return Some(Place { artifact: Artifact::File((*path).clone()), at });
            }
        }
        let last = files.last()?;
        Some(Place { artifact: Artifact::File((*last).clone()), at: Some((1, 1)) })
    }

    /// The item of a list that the message quotes, in any file: lists of the policy add up.
    fn config_item(&self, members: &[String], message: &str) -> Option<Place> {
        let pointer = pointer_of(members);
        for (_, path) in &self.loaded.files {
            let Some(content) = config_content(path) else { continue };
            let value: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
            let items = value.pointer(&pointer).and_then(serde_json::Value::as_array);
            let is_quoted = |item: &serde_json::Value| {
                item.as_str().is_some_and(|text| message.contains(&format!("\"{text}\"")))
            };
            if let Some(index) = items.and_then(|items| items.iter().position(is_quoted)) {
                let mut members = members.to_vec();
                members.push(index.to_string());
                let place = places(&content, &[&pointer_of(&members)]).first().copied()?;
                let at = Some((place.line, place.column));
                return Some(Place { artifact: Artifact::File(path.clone()), at });
            }
        }
        self.config_place(members)
    }
}

fn config_content(path: &Path) -> Option<Vec<u8>> {
    open_cli_files::read_bounded(path, MAX_CONFIG_BYTES).ok()
}

/// A path of the configuration as its members. Only the names of secrets and tool sets may have dots in them.
fn members(path: &str) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    if let Some(key) = path.strip_prefix("secrets.") {
        return words(&["secrets", key]);
    }
    if let Some((name, list)) = path.strip_prefix("curation.toolSets.").and_then(|rest| rest.rsplit_once('.')) {
        return words(&["curation", "toolSets", name, list]);
    }
    path.split('.').map(str::to_owned).collect()
}

fn pointer_of(members: &[String]) -> String {
    members.iter().map(|member| format!("/{}", member.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Codes whose empty pointer means the whole description.
fn is_of_description(code: Option<Code>) -> bool {
    matches!(
        code,
        Some(
            Code::VersionUnusual
                | Code::PathsInvalid
                | Code::ServerMissing
                | Code::SecurityInvalid
                | Code::TagInvalid
                | Code::WebhooksIgnored
                | Code::LimitExceeded
                | Code::DiagnosticsTruncated
                | Code::ReferenceUnresolved
                | Code::ReferenceUnreadable
                | Code::ReferenceLimit
        )
    )
}
