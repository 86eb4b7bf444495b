//! Definitions of a service's tools, made when they are asked for and not before: to compare two revisions, to hold a
//! tool against its lock, to export. Not for what a definition is; that is `changes`.

use crate::shelf::Shelf;
use crate::snapshot::Snapshot;
use open_cli_changes::Definer;
use open_cli_contract::catalog::Tool;
use open_cli_contract::definition::{DEFINITIONS_FORMAT, Definition, Definitions};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// What was made of the tools of a service so far.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    marks: OnceLock<Box<[u128]>>,
    hashes: OnceLock<Box<[String]>>,
}

impl Shelf {
    /// A number for each tool that differs when anything about the tool does, its id included: neighbours in memory, so
    /// that 100,000 of them are compared in a moment.
    pub(crate) fn marks(&self) -> &[u128] {
        self.derived.marks.get_or_init(|| {
            // Many tools share their schemas, which are large.
            let mut schemas: HashMap<usize, [u8; 32]> = HashMap::new();
            let mark = |position: usize| {
                let [body, details, _, shared, _] = self.detailed(position, true);
                let mut hash = Sha256::new();
                hash.update(body.len().to_le_bytes());
                hash.update(&body);
                hash.update(&details);
                if !shared.is_empty() {
                    let digest = || Sha256::digest(&shared).into();
                    hash.update(schemas.entry(shared.as_ptr() as usize).or_insert_with(digest));
                }
                let digest: [u8; 32] = hash.finalize().into();
                let mut mark = [0; 16];
                mark.copy_from_slice(&digest[..16]);
                u128::from_le_bytes(mark)
            };
            (0..self.len()).map(mark).collect()
        })
    }

    /// Hashes of the definitions, in the order of the tools.
    pub(crate) fn hashes(&self) -> &[String] {
        self.derived.hashes.get_or_init(|| {
            let mut definer = Definer::new();
            (0..self.len()).map(|position| self.definition(position, &mut definer).hash).collect()
        })
    }

    /// Of the tool as it is shown: credentials are no part of a definition.
    pub(crate) fn definition(&self, position: usize, definer: &mut Definer) -> Definition {
        let json = self.detailed(position, true).concat();
        match serde_json::from_slice::<Tool>(&json) {
            Ok(tool) => definer.definition(&tool),
            Err(error) => {
                // We wrote it ourselves. No other definition is like this one, so nothing is taken for the same.
                tracing::error!(%error, tool = %self.id(position), "a tool's own JSON can't be read");
                Definition { hash: format!("unreadable:{}", self.id(position)), ..Definition::default() }
            }
        }
    }
}

impl Snapshot {
    /// The definitions of all tools; with `with_about` of what no call depends on too. Takes a while: blocking.
    pub fn definitions(&self, with_about: bool) -> Definitions {
        let mut tools = BTreeMap::new();
        for placed in &self.services {
            let shelf = &placed.built.shelf;
            let mut definer = if with_about { Definer::with_about() } else { Definer::new() };
            let definition = |position| (shelf.id(position).to_owned(), shelf.definition(position, &mut definer));
            tools.extend((0..shelf.len()).map(definition));
        }
        Definitions {
            format: DEFINITIONS_FORMAT.to_owned(),
            revision: self.fingerprint().to_owned(),
            generated_at: Some(self.generated_at),
            tools,
        }
    }
}
