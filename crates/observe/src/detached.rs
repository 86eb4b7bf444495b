//! An observer on a thread of its own, behind a bounded queue: however slow it is, requests go on. What does not fit
//! is dropped and counted.

use crate::{Event, LocalTrace, Observer, Span};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// What fits into the queue.
const CAPACITY: usize = 16 * 1024;
/// Pause of a flush while the queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(1);

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
    wants_events: bool,
    wants_spans: bool,
    /// Set when the observer panicked; it is told nothing more.
    is_broken: Arc<AtomicBool>,
}

impl Detached {
    /// Starts the thread. It ends when this is dropped, after what is queued was told.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn new(observer: Arc<dyn Observer>) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(CAPACITY);
        let is_enabled = observer.is_enabled();
        let (wants_events, wants_spans) = (observer.wants_events(), observer.wants_spans());
        let is_broken = Arc::new(AtomicBool::new(false));
        let guard = Arc::clone(&is_broken);
        std::thread::Builder::new().name("observer".into()).spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| run(&*observer, &messages))).is_err() {
                guard.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(Self { queue, dropped: AtomicU64::new(0), is_enabled, wants_events, wants_spans, is_broken })
    }

    /// How much was dropped because the observer was too slow, or had panicked.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The observer panicked and is told nothing more.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Waits until the observer was told what happened so far, and no longer than this; false when it was not. For
    /// tests and orderly ends.
    pub fn flush(&self, within: Duration) -> bool {
        let ends = Instant::now() + within;
        let (done, wait) = sync_channel(1);
        let mut message = Message::Flush(done);
        loop {
            match self.queue.try_send(message) {
                Ok(()) => return wait.recv_timeout(ends.saturating_duration_since(Instant::now())).is_ok(),
                Err(TrySendError::Full(back)) if Instant::now() < ends => {
                    message = back;
                    std::thread::park_timeout(FULL_PAUSE);
                }
                Err(_) => return false,
            }
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
    fn wants_events(&self) -> bool {
        self.wants_events
    }
    fn wants_spans(&self) -> bool {
        self.wants_spans
    }
}
