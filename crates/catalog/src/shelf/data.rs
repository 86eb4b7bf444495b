//! The texts of a shelf and where each tool's are. Not for where they are stored.

use super::names::{Found, Names};
use bytes::Bytes;
use open_cli_contract::catalog::Tool;
use std::collections::BTreeMap;

/// Tools of one service, ascending id.
#[derive(Default)]
pub(crate) struct Data {
    pub(super) records: Box<[Record]>,
    /// One behind the other.
    pub(super) ids: Box<str>,
    pub(super) groups: Box<[Box<str>]>,
    /// JSON of each tool for lists of commands, joined by commas.
    pub(super) brief: Bytes,
    /// JSON of each tool as the contract has it, joined by commas.
    pub(super) listed: Bytes,
    /// `,"details":{…` of each tool, without the last brace.
    pub(super) details: Bytes,
    /// `"bodySchemas":[…]` of the details; tools with the same schemas share it.
    pub(super) schemas: Bytes,
    pub(super) names: Names,
    /// Servers as they are called, of tools whose servers must not be shown. Never stored.
    pub(super) secret_servers: BTreeMap<usize, Vec<String>>,
}

/// Where a tool's texts end, and where its schemas are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id_end: u32,
    pub(super) group: u32,
    pub(super) brief_end: u32,
    pub(super) listed_end: u32,
    pub(super) details_end: u32,
    pub(super) schemas: (u32, u32),
    pub(super) requires_approval: bool,
}

impl Data {
    /// How many tools there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Id of the tool at a position.
    pub(crate) fn id(&self, position: usize) -> &str {
        &self.ids[self.end(position, |record| record.id_end)..self.records[position].id_end as usize]
    }

    /// All ids, ascending.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len()).map(|position| self.id(position))
    }

    /// Group of the tool at a position.
    pub(crate) fn group(&self, position: usize) -> &str {
        &self.groups[self.records[position].group as usize]
    }

    /// The tool's own safety asks for an approval.
    pub(crate) fn requires_approval(&self, position: usize) -> bool {
        self.records[position].requires_approval
    }

    /// Position of a tool.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// Positions of the tools of a group, ascending.
    pub(crate) fn of_group(&self, group: &str) -> Vec<usize> {
        let Some(wanted) = self.groups.iter().position(|known| **known == *group) else { return Vec::new() };
        (0..self.len()).filter(|&position| self.records[position].group as usize == wanted).collect()
    }

    /// What words below the service lead to: a group, a group and a command, or a command of a collapsed group.
    pub(crate) fn find(&self, words: &[String]) -> Option<Found> {
        self.names.find(words)
    }

    /// JSON for lists of commands: the tools between two positions, commas included.
    pub(crate) fn brief(&self, first: usize, last: usize) -> Bytes {
        self.between(&self.brief, first, last, |record| record.brief_end)
    }

    /// JSON as the contract has it: the tools between two positions, commas included.
    pub(crate) fn listed(&self, first: usize, last: usize) -> Bytes {
        self.between(&self.listed, first, last, |record| record.listed_end)
    }

    /// A tool's JSON with its `details`, as pieces to be sent one after the other; with body schemas on demand.
    pub(crate) fn detailed(&self, position: usize, with_schemas: bool) -> [Bytes; 5] {
        let listed = self.listed(position, position);
        let body = listed.slice(..listed.len() - 1);
        let start = self.end(position, |record| record.details_end);
        let record = &self.records[position];
        let details = self.details.slice(start..record.details_end as usize);
        let schemas = match with_schemas {
            true => self.schemas.slice(record.schemas.0 as usize..record.schemas.1 as usize),
            false => Bytes::new(),
        };
        let comma: &[u8] = if schemas.is_empty() || details.ends_with(b"{") { b"" } else { b"," };
        [body, details, Bytes::from_static(comma), schemas, Bytes::from_static(b"}}")]
    }

    /// The tool itself, with details and the servers that are called.
    pub(crate) fn tool(&self, position: usize, with_schemas: bool) -> serde_json::Result<Tool> {
        let json = self.detailed(position, with_schemas).concat();
        let mut tool: Tool = serde_json::from_slice(&json)?;
        if let Some(servers) = self.secret_servers.get(&position) {
            tool.servers.clone_from(servers);
        }
        Ok(tool)
    }

    /// Where something of the tool before ends.
    fn end(&self, position: usize, of: impl Fn(&Record) -> u32) -> usize {
        position.checked_sub(1).map_or(0, |before| of(&self.records[before]) as usize)
    }

    fn between(&self, text: &Bytes, first: usize, last: usize, of: impl Fn(&Record) -> u32) -> Bytes {
        // The comma before it is not part of it.
        let start = if first == 0 { 0 } else { of(&self.records[first - 1]) as usize + 1 };
        text.slice(start..of(&self.records[last]) as usize)
    }
}
