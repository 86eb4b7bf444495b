//! What all sinks have in common: a batch goes out, and the other side took it, or did not, or perhaps did.

use crate::BATCH_BYTES;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;

/// A record on its way.
pub(crate) struct Entry {
    /// Its number; none in lines from before the chain.
    pub(crate) seq: Option<u64>,
    /// Its line, as it was written.
    pub(crate) line: Box<RawValue>,
}

impl Entry {
    pub(crate) fn new(line: Box<RawValue>) -> Self {
        #[derive(Deserialize)]
        struct Numbered {
            #[serde(default)]
            seq: Option<u64>,
        }
        let seq = serde_json::from_str::<Numbered>(line.get()).ok().and_then(|numbered| numbered.seq);
        Self { seq, line }
    }
}

/// Numbers of records that will never be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lost {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Records to be sent, at least one.
pub(crate) struct Batch<'a> {
    pub(crate) entries: &'a [Entry],
    /// Records right before them that are lost and of which this receiver was not told.
    pub(crate) lost: Option<Lost>,
    /// Longest that this may take.
    pub(crate) within: Duration,
}

impl Batch<'_> {
    /// How many records, from the first, fit when each becomes as long as `length` says.
    pub(crate) fn fitting(&self, length: impl Fn(&Entry) -> usize) -> usize {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += length(entry);
            bytes <= BATCH_BYTES
        };
        self.entries.iter().take_while(fits).count().max(1).min(self.entries.len())
    }
}

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// How many of the batch's records, from the first.
    pub(crate) taken: usize,
    /// How many of them the other side threw away, or could not be put into its format.
    pub(crate) rejected: u64,
    /// They left this program, and that is all that is known until [`Deliver::confirm`].
    pub(crate) in_doubt: bool,
    /// Wait that long before the next batch.
    pub(crate) pause: Duration,
}

/// The other side did not take it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened, for the log. No secrets, and of the URL no more than its host.
    pub(crate) what: String,
    /// Not before that long, as the other side says.
    pub(crate) after: Option<Duration>,
    /// A smaller batch may do.
    pub(crate) is_too_large: bool,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), after: None, is_too_large: false }
    }
}

/// A way to deliver.
pub(crate) trait Deliver: Send {
    /// Sends the batch, or as many of its records, from the first, as go at once. After a failure all that is in doubt
    /// is sent again.
    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, Failure>;

    /// Asks whether what is in doubt arrived.
    fn confirm(&mut self, _within: Duration) -> Result<(), Failure> {
        Ok(())
    }
}
