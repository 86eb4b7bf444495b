//! Whose answer is whose: requests of one connection that wait, and what comes in sorted to them by id (W42). The
//! same for all transports. Not for sending.

use crate::error::Fault;
use crate::limits::MAX_PENDING;
use crate::message::{self, Incoming};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// What a server says when its list of tools is another one.
const TOOLS_CHANGED: &str = "notifications/tools/list_changed";

/// The other end of a request.
type Sender = oneshot::Sender<Result<Bytes, Fault>>;

/// Counts everything after which a list of tools may be another one.
#[derive(Debug, Default)]
pub(crate) struct Version(AtomicU64);

impl Version {
    pub(crate) fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// The version after the change.
    pub(crate) fn change(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// What one connection waits for.
pub(crate) struct Inbox {
    /// Id of the source, for the log.
    pub(crate) server: Arc<str>,
    waiting: Mutex<Waiting>,
    next_id: AtomicU64,
    version: Arc<Version>,
}

#[derive(Default)]
struct Waiting {
    by_id: HashMap<u64, Sender>,
    /// Why nothing more comes.
    end: Option<String>,
}

/// A request that waits; forgotten when dropped.
pub(crate) struct Expected<'a> {
    inbox: &'a Inbox,
    pub(crate) id: u64,
    receiver: oneshot::Receiver<Result<Bytes, Fault>>,
}

impl Inbox {
    pub(crate) fn new(server: Arc<str>, version: Arc<Version>) -> Self {
        Self { server, waiting: Mutex::default(), next_id: AtomicU64::new(1), version }
    }

    /// Makes room for an answer; its id is that of the request to send.
    pub(crate) fn expect(&self) -> Result<Expected<'_>, Fault> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        if let Some(end) = &waiting.end {
            return Err(Fault::NotSent(end.clone()));
        }
        if waiting.by_id.len() >= MAX_PENDING {
            return Err(Fault::Busy);
        }
        waiting.by_id.insert(id, sender);
        Ok(Expected { inbox: self, id, receiver })
    }

    /// Sorts what came; gives what is to be sent back.
    pub(crate) fn take_in(&self, text: &Bytes) -> Vec<Bytes> {
        let mut answers = Vec::new();
        for message in message::read(text) {
            match message {
                Incoming::Answer { id, outcome } => self.settle(id, outcome.map_err(Fault::Rpc)),
                Incoming::Request { id, method } => answers.push(message::answer(&id, &method)),
                Incoming::Notification { method, params } => self.note(&method, &params),
                Incoming::Other(what) => {
                    tracing::debug!(server = %self.server, bytes = text.len(), "a message is ignored: {what}");
                }
            }
        }
        answers
    }

    fn note(&self, method: &str, params: &Bytes) {
        if method == TOOLS_CHANGED {
            self.version.change();
            tracing::info!(server = %self.server, "the list of tools changed");
        } else {
            tracing::trace!(server = %self.server, method, bytes = params.len(), "notification");
        }
    }

    /// Something may have been missed.
    pub(crate) fn may_have_changed(&self) {
        self.version.change();
    }

    /// Ends one request; one that nobody waits for any more is ignored.
    pub(crate) fn settle(&self, id: u64, outcome: Result<Bytes, Fault>) {
        let sender = self.waiting.lock().by_id.remove(&id);
        if let Some(sender) = sender {
            // Whoever waited may have gone away.
            let _ = sender.send(outcome);
        }
    }

    /// An answer that was too large to keep; without an id it may have been anybody's.
    pub(crate) fn too_large(&self, id: Option<u64>, limit: usize) {
        match id {
            Some(id) => self.settle(id, Err(Fault::TooLarge(limit))),
            None => self.fail_all(&Fault::TooLarge(limit)),
        }
    }

    fn fail_all(&self, fault: &Fault) {
        let all = std::mem::take(&mut self.waiting.lock().by_id);
        for sender in all.into_values() {
            let _ = sender.send(Err(fault.clone()));
        }
    }

    /// Nothing more comes; the first reason stays.
    pub(crate) fn close(&self, why: &str) {
        self.waiting.lock().end.get_or_insert_with(|| why.to_owned());
        self.fail_all(&Fault::Lost(why.to_owned()));
    }

    /// Why nothing more comes.
    pub(crate) fn end(&self) -> Option<String> {
        self.waiting.lock().end.clone()
    }
}

impl Expected<'_> {
    /// The answer.
    pub(crate) async fn answer(&mut self) -> Result<Bytes, Fault> {
        match (&mut self.receiver).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::Lost(self.inbox.end().unwrap_or_else(|| "the connection ended".into()))),
        }
    }

    /// The answer, if it is there already.
    pub(crate) fn answer_now(&mut self) -> Option<Result<Bytes, Fault>> {
        self.receiver.try_recv().ok()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.inbox.waiting.lock().by_id.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> Inbox {
        Inbox::new("x".into(), Arc::default())
    }

    fn text(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    /// W42.
    #[test]
    fn answers_find_their_requests_whatever_comes_between() {
        let inbox = inbox();
        let (mut first, mut second) = (inbox.expect().expect("room"), inbox.expect().expect("room"));
        assert_eq!((first.id, second.id), (1, 2));
        assert!(inbox.take_in(&text(r#"{"id":2,"result":"b"}"#)).is_empty());
        assert!(inbox.take_in(&text("listening on stdio")).is_empty());
        assert_eq!(inbox.take_in(&text(r#"{"id":9,"method":"ping"}"#)).len(), 1);
        inbox.take_in(&text(r#"{"id":77,"result":"nobody's"}"#));
        assert_eq!(first.answer_now(), None);
        inbox.take_in(&text(r#"{"id":1,"result":"a"}"#));
        assert_eq!((first.answer_now(), second.answer_now()), (Some(Ok(text("\"a\""))), Some(Ok(text("\"b\"")))));
    }

    #[test]
    fn the_end_of_a_connection_ends_what_waits_and_refuses_what_comes() {
        let inbox = inbox();
        let mut waits = inbox.expect().expect("room");
        inbox.close("it crashed");
        inbox.close("later");
        assert_eq!(waits.answer_now(), Some(Err(Fault::Lost("it crashed".into()))));
        assert_eq!(inbox.expect().err(), Some(Fault::NotSent("it crashed".into())));
    }

    #[test]
    fn room_is_bounded_and_given_back() {
        let inbox = inbox();
        let kept: Vec<_> = (0..MAX_PENDING).map(|_| inbox.expect().expect("room")).collect();
        assert_eq!(inbox.expect().err(), Some(Fault::Busy));
        drop(kept);
        let mut waits = inbox.expect().expect("room");
        inbox.too_large(Some(waits.id), 7);
        assert_eq!(waits.answer_now(), Some(Err(Fault::TooLarge(7))));
    }

    #[test]
    fn a_changed_list_of_tools_is_counted() {
        let inbox = inbox();
        inbox.take_in(&text(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#));
        inbox.take_in(&text(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#));
        assert_eq!(inbox.version.current(), 1);
    }
}
