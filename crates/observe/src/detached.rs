//! An observer on a thread of its own, behind a bounded queue: however slow it is, requests go on. What does not fit
//! is dropped and counted.

use crate::{Event, LocalTrace, Observer, Span};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What fits into the queue.
const CAPACITY: usize = 16 * 1024;

enum Message {
    Event(Box<Event>),
    Span(Arc<Span>),
    Trace(Arc<LocalTrace>),
    Flush(SyncSender<()>),
}

/// Tells an observer on a thread of its own. The observer is not told when spans begin.
pub struct Detached {
    queue: SyncSender<Message>,
    dropped: AtomicU64,
    is_enabled: bool,
}

impl Detached {
    /// Starts the thread. It ends when this is dropped, after what is queued was told.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn new(observer: Arc<dyn Observer>) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(CAPACITY);
        let is_enabled = observer.is_enabled();
        std::thread::Builder::new().name("observer".into()).spawn(move || run(&*observer, &messages))?;
        Ok(Self { queue, dropped: AtomicU64::new(0), is_enabled })
    }

    /// How much was dropped because the observer was too slow, or had panicked.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until the observer was told what happened so far. For tests and orderly ends.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    fn tell(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn run(observer: &dyn Observer, messages: &Receiver<Message>) {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Event(event) => observer.event(&event),
            Message::Span(span) => observer.span_finished(&span),
            Message::Trace(trace) => observer.trace_finished(&trace),
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

impl Observer for Detached {
    fn event(&self, event: &Event) {
        self.tell(Message::Event(Box::new(event.clone())));
    }
    fn span_finished(&self, span: &Arc<Span>) {
        self.tell(Message::Span(Arc::clone(span)));
    }
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        self.tell(Message::Trace(Arc::clone(trace)));
    }
    fn is_enabled(&self) -> bool {
        self.is_enabled
    }
}
