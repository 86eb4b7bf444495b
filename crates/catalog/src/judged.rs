//! What the rules say about the tools of one service. Most tools of a service are judged alike, so each verdict is
//! kept once. Not for deciding about a call; that is `policy`.

use crate::shelf::Shelf;
use open_cli_policy::{PolicyTable, ToolVerdict};

/// The rules, matched against every tool of a shelf.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Which rules these were.
    pub(crate) key: [u8; 32],
    /// Distinct verdicts.
    verdicts: Vec<ToolVerdict>,
    /// For each tool an index into them.
    which: Box<[u32]>,
    /// Patterns that match a tool of the service; see [`PolicyTable::matched`].
    pub(crate) matched: Box<[bool]>,
}

impl Judged {
    pub(crate) fn new(shelf: &Shelf, policy: &PolicyTable, key: [u8; 32]) -> Self {
        let mut verdicts: Vec<ToolVerdict> = Vec::new();
        let mut which = Vec::with_capacity(shelf.len());
        for (position, id) in shelf.ids().enumerate() {
            let verdict = policy.judge(id, shelf.requires_approval(position));
            // Neighbours are alike more often than not.
            let known = verdicts.iter().rposition(|known| *known == verdict).unwrap_or_else(|| {
                verdicts.push(verdict);
                verdicts.len() - 1
            });
            which.push(u32::try_from(known).unwrap_or(u32::MAX));
        }
        let matched = policy.matched(shelf.ids()).into();
        Self { key, verdicts, which: which.into(), matched }
    }

    pub(crate) fn verdict(&self, position: usize) -> &ToolVerdict {
        &self.verdicts[self.which[position] as usize]
    }
}
