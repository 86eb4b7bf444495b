//! Reading the log, by whoever may read its files: the runtime that writes it, and programs beside it. Nothing is
//! locked, and nothing has to be closed or told: see `parts` for how a reader sees each record once.

use super::parts::Parts;
use super::stream::AuditStream;
use super::{AuditPage, AuditQuery, Cursor, Order, page};
use crate::AuditError;
use crate::layout::Layout;
use std::path::Path;

/// Reads a log.
#[derive(Debug, Clone)]
pub struct AuditReader {
    layout: Layout,
}

impl AuditReader {
    /// A reader of the log at this path, that of its live file. Nothing is opened yet.
    pub fn new(path: &Path) -> Self {
        Self { layout: Layout::new(path) }
    }

    /// Where the live file is.
    pub fn path(&self) -> &Path {
        self.layout.live()
    }

    /// A page of the events that match a query, as they were written. Reads files, so keep it off threads that serve
    /// requests.
    ///
    /// # Errors
    /// When files can't be read. A missing log has no events (AUDIT-3), and what is damaged is counted in the page.
    pub fn list(&self, query: &AuditQuery) -> Result<AuditPage, AuditError> {
        page::read(&self.parts(query)?, query)
    }

    /// All events that match a query, in constant memory, without the bounds of a page.
    ///
    /// # Errors
    /// When files can't be read. The stream tells what goes wrong later.
    pub fn stream(&self, query: &AuditQuery) -> Result<AuditStream, AuditError> {
        AuditStream::new(self.parts(query)?, query)
    }

    /// At most `max` events after a place: for following the log. Costs a look at the end of the live file when
    /// there are none. [`AuditPage::next_cursor`] is where to go on.
    ///
    /// # Errors
    /// As [`AuditReader::list`].
    pub fn follow(&self, cursor: Cursor, max: usize) -> Result<AuditPage, AuditError> {
        self.list(&AuditQuery { cursor: Some(cursor), limit: Some(max), ..AuditQuery::default() })
    }

    fn parts(&self, query: &AuditQuery) -> Result<Parts, AuditError> {
        // Who follows the log is nearly always within the live file, which then is all that has to be opened.
        if query.order == Order::OldestFirst
            && let Some(seq) = query.cursor.and_then(Cursor::seq).filter(|seq| *seq > 0)
        {
            let live = Parts::live_only(&self.layout)?;
            if live.first_seq_of_live().is_some_and(|first| first <= seq) {
                return Ok(live);
            }
        }
        Parts::of(&self.layout)
    }
}
