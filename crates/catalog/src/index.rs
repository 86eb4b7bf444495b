//! From command words to tools: every prefix of every name a command answers to, hidden names included. Built once
//! per snapshot, so that a slice of the catalog costs the same whatever its size.

use crate::snapshot::ToolEntry;
use open_cli_contract::command::{command_word, group_is_collapsed};
use std::collections::HashMap;

/// Words are joined by this to make a key.
const SEPARATOR: char = '\u{1f}';

#[derive(Debug, Default)]
pub(crate) struct CommandIndex {
    prefixes: HashMap<String, Vec<u32>>,
    /// Keys that name commands, not folders of commands.
    commands: std::collections::HashSet<String>,
}

impl CommandIndex {
    /// `alias_of` gives the first word of a tool's commands.
    pub(crate) fn build<'a>(entries: &[ToolEntry], alias_of: impl Fn(&ToolEntry) -> &'a str) -> Self {
        let mut index = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            let service = command_word(alias_of(entry));
            let tool = entry.tool();
            let prepared = entry.prepared();
            let groups = [tool.group.as_str(), prepared.hidden_group.as_str()];
            let commands: Vec<String> = std::iter::once(&tool.command)
                .chain(&tool.aliases)
                .chain(&prepared.hidden_aliases)
                .map(|name| command_word(name))
                .collect();
            index.add_prefix(service.clone(), position);
            for (i, group) in groups.iter().enumerate() {
                if i > 0 && group.is_empty() {
                    continue;
                }
                let group = command_word(group);
                // A collapsed group may be typed all the same.
                let mut parents = vec![format!("{service}{SEPARATOR}{group}")];
                if group_is_collapsed(&service, &group) {
                    parents.push(service.clone());
                }
                for parent in parents {
                    index.add_prefix(parent.clone(), position);
                    for command in &commands {
                        let key = format!("{parent}{SEPARATOR}{command}");
                        index.add_prefix(key.clone(), position);
                        index.commands.insert(key);
                    }
                }
            }
        }
        index
    }

    fn add_prefix(&mut self, key: String, position: u32) {
        let positions = self.prefixes.entry(key).or_default();
        if positions.last() != Some(&position) {
            positions.push(position);
        }
    }

    /// Tools under the longest known prefix of the words, and whether that prefix names commands.
    pub(crate) fn find(&self, words: &[String]) -> Option<(&[u32], bool)> {
        (1..=words.len().min(3)).rev().find_map(|length| {
            let key = words[..length].join(&SEPARATOR.to_string());
            let positions = self.prefixes.get(&key)?;
            Some((positions.as_slice(), self.commands.contains(&key)))
        })
    }
}
