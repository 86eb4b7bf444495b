//! Lines of the log on their way out: a bounded buffer and a thread of its own that writes it, so that whoever does not
//! read standard error stalls that thread and no request. What does not fit is counted, and told once there is room.
//! Not for what a line says.

use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// Most bytes of lines that wait.
const MAX_WAITING: usize = 1 << 20;
/// A buffer that grew beyond this is given back.
const KEPT: usize = 64 << 10;

/// What is said when lines were lost, by their number.
pub(super) type Tell = Box<dyn Fn(u64) -> String + Send>;

/// Takes lines and never waits for those who read them. Cheap to clone.
#[derive(Clone)]
pub struct LogLines(Arc<Shared>);

struct Shared {
    /// There is no thread: lines go to standard error at once.
    is_direct: bool,
    waiting: Mutex<Waiting>,
    /// Something came, or all is written.
    changed: Condvar,
    lost: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    /// Lines that did not fit since the last ones that did.
    lost: u64,
    /// The thread has something in hand.
    is_writing: bool,
}

impl LogLines {
    /// Starts the thread. It lives as long as the program.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start(out: impl Write + Send + 'static, tell: Tell) -> io::Result<Self> {
        let lines = Self::new(false);
        let of_thread = lines.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || of_thread.0.run(out, &tell))?;
        Ok(lines)
    }

    /// Without a thread: whoever makes a line writes it to standard error, and waits for whoever reads.
    pub(super) fn direct() -> Self {
        Self::new(true)
    }

    fn new(is_direct: bool) -> Self {
        let (waiting, changed, lost) = (Mutex::default(), Condvar::new(), AtomicU64::new(0));
        Self(Arc::new(Shared { is_direct, waiting, changed, lost }))
    }

    /// Waits until what was logged is written, and no longer than this; true when it is.
    pub fn flush(&self, within: Duration) -> bool {
        let ends = Instant::now() + within;
        let mut waiting = self.0.waiting.lock();
        while !waiting.is_done() {
            if self.0.changed.wait_until(&mut waiting, ends).timed_out() {
                return waiting.is_done();
            }
        }
        true
    }

    /// How many lines did not fit so far.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    fn push(&self, line: &[u8]) {
        if self.0.is_direct {
            // Whoever closed our standard error does not want the line.
            let _ = io::stderr().write_all(line);
            return;
        }
        let mut waiting = self.0.waiting.lock();
        if waiting.text.len() + line.len() > MAX_WAITING {
            waiting.lost += 1;
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let is_first = waiting.text.is_empty() && !waiting.is_writing;
        waiting.text.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.0.changed.notify_all();
        }
    }
}

impl Waiting {
    fn is_done(&self) -> bool {
        self.text.is_empty() && self.lost == 0 && !self.is_writing
    }
}

impl Shared {
    fn run(&self, mut out: impl Write, tell: &Tell) {
        let mut text = Vec::new();
        loop {
            let mut waiting = self.waiting.lock();
            waiting.is_writing = false;
            if waiting.is_done() {
                self.changed.notify_all();
            }
            while waiting.is_done() {
                self.changed.wait(&mut waiting);
            }
            std::mem::swap(&mut waiting.text, &mut text);
            let lost = std::mem::take(&mut waiting.lost);
            waiting.is_writing = true;
            drop(waiting);
            // Whoever closed our standard error does not want the lines.
            let _ = out.write_all(&text);
            if lost > 0 {
                let _ = out.write_all(tell(lost).as_bytes());
            }
            let _ = out.flush();
            text.clear();
            text.shrink_to(KEPT);
        }
    }
}

/// One event's line.
impl Write for &LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = &'a LogLines;
    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    /// Takes what is written once it may.
    struct Reader {
        may: Receiver<()>,
        read: Arc<Mutex<String>>,
    }

    impl Write for Reader {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.may.recv();
            self.read.lock().push_str(&String::from_utf8_lossy(text));
            Ok(text.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_delays_nobody_and_is_told_how_much_it_missed() {
        let (go, may) = channel();
        let read = Arc::new(Mutex::new(String::new()));
        let out = Reader { may, read: Arc::clone(&read) };
        let lines = LogLines::start(out, Box::new(|lost| format!("{lost} lost\n"))).expect("a thread");
        let line = [&b"x".repeat(1023)[..], b"\n"].concat();
        let begun = Instant::now();
        for _ in 0..4096 {
            (&lines).write_all(&line).expect("never fails");
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody reads, and nobody waits");
        assert!(lines.lost() >= 4096 - 1024 - 1024, "{}", lines.lost());
        assert!(!lines.flush(Duration::from_millis(20)), "nothing is written yet");
        drop(go);
        assert!(lines.flush(Duration::from_secs(60)));
        let read = read.lock();
        let written = read.lines().filter(|line| line.starts_with('x')).count() as u64;
        assert_eq!(written + lines.lost(), 4096);
        assert!(read.ends_with(&format!("{} lost\n", lines.lost())), "{}", &read[read.len() - 40..]);
    }
}
