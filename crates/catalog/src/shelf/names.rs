//! From command words to the tools of one service: every prefix of every name a command answers to, hidden names
//! included. Names are kept as 64-bit hashes: a collision could only show a tool of the same service under a name that
//! it does not have.

use open_cli_contract::catalog::{Tool, ToolDetails};
use open_cli_contract::command::{command_word, group_is_collapsed};

/// Marks a name of a command; others name folders of commands.
const IS_COMMAND: u32 = 1 << 31;
/// Between two words.
const SEPARATOR: u8 = 0x1f;
/// Commands have at most so many words below their service.
const MAX_WORDS: usize = 2;

/// What command words lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many words count; the rest is not known.
    pub(crate) words: usize,
    /// Ascending.
    pub(crate) positions: Vec<usize>,
    /// The words name commands, not a folder of commands.
    pub(crate) is_command: bool,
}

/// Sorted by hash, then position.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(super) hashes: Box<[u64]>,
    pub(super) places: Box<[u32]>,
}

impl Names {
    /// Read back: every place is a tool's.
    pub(super) fn is_sound(&self, tools: usize) -> bool {
        self.hashes.len() == self.places.len()
            && self.hashes.is_sorted()
            && self.places.iter().all(|place| ((place & !IS_COMMAND) as usize) < tools)
    }

    /// Tools under the longest known prefix of the words below the service.
    pub(crate) fn find(&self, words: &[String]) -> Option<Found> {
        (1..=words.len().min(MAX_WORDS)).rev().find_map(|count| {
            let wanted = hash(words[..count].iter().map(String::as_str));
            let start = self.hashes.partition_point(|known| *known < wanted);
            let count_same = self.hashes[start..].iter().take_while(|known| **known == wanted).count();
            let places = self.places.get(start..start + count_same).filter(|places| !places.is_empty())?;
            let is_command = places.iter().any(|place| place & IS_COMMAND != 0);
            let mut positions: Vec<usize> = places.iter().map(|place| (place & !IS_COMMAND) as usize).collect();
            positions.sort_unstable();
            positions.dedup();
            Some(Found { words: count, positions, is_command })
        })
    }
}

/// Gathers the names of the tools of a service.
pub(super) struct Gathered {
    /// First word of the commands.
    service: String,
    all: Vec<(u64, u32)>,
}

impl Gathered {
    pub(super) fn new(alias: &str) -> Self {
        Self { service: command_word(alias), all: Vec::new() }
    }

    pub(super) fn add(&mut self, position: u32, tool: &Tool, details: &ToolDetails) {
        let commands: Vec<String> = std::iter::once(&tool.command)
            .chain(&tool.aliases)
            .chain(&details.hidden_aliases)
            .map(|name| command_word(name))
            .collect();
        for (i, group) in [&tool.group, &details.hidden_group].into_iter().enumerate() {
            if i > 0 && group.is_empty() {
                continue;
            }
            let group = command_word(group);
            // A collapsed group may be typed all the same.
            self.all.push((hash([group.as_str()]), position));
            let is_collapsed = group_is_collapsed(&self.service, &group);
            for command in &commands {
                self.all.push((hash([group.as_str(), command]), position | IS_COMMAND));
                if is_collapsed {
                    self.all.push((hash([command.as_str()]), position | IS_COMMAND));
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Names {
        self.all.sort_unstable();
        self.all.dedup();
        Names {
            hashes: self.all.iter().map(|(hash, _)| *hash).collect(),
            places: self.all.iter().map(|(_, place)| *place).collect(),
        }
    }
}

/// FNV-1a. Stored, so it must stay what it is.
fn hash<'a>(words: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for word in words {
        word.bytes().for_each(&mut add);
        add(SEPARATOR);
    }
    hash
}
