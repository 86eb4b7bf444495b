//! Bounds of everything a server can send or take. Not settings: what operators may set is in [`Limits`].

use std::time::Duration;

/// What operators set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of a program, or from the name of a host, to the end of the handshake. 30 s.
    pub connect_timeout: Duration,
    /// One call. 60 s.
    pub call_timeout: Duration,
    /// Largest message of a server. 16 MiB.
    pub max_message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            max_message_bytes: 16 << 20,
        }
    }
}

/// How long a server of unknown age may take to answer the question that old servers don't know.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
/// All pages of one listing.
pub(crate) const LIST_TIMEOUT: Duration = Duration::from_secs(60);
/// Tools of one server; more are left out.
pub(crate) const MAX_TOOLS: usize = 10_000;
/// Pages of one listing.
pub(crate) const MAX_PAGES: usize = 500;
/// Definitions of all tools of one server, as they were sent.
pub(crate) const MAX_LISTING_BYTES: usize = 32 << 20;
/// Longest name of a tool.
pub(crate) const MAX_NAME_BYTES: usize = 256;
/// Longest description of a tool; what is beyond is cut off.
pub(crate) const MAX_DESCRIPTION_BYTES: usize = 64 << 10;
/// Longest cursor that is sent back.
pub(crate) const MAX_CURSOR_BYTES: usize = 16 << 10;
/// Requests of one connection that wait for their answers.
pub(crate) const MAX_PENDING: usize = 1024;
/// Messages that wait to be written.
pub(crate) const MAX_QUEUED: usize = 256;
/// Messages in one JSON-RPC batch.
pub(crate) const MAX_BATCH: usize = 256;
/// Longest method name or message of a server that is shown or answered.
pub(crate) const MAX_SHOWN_BYTES: usize = 1024;
/// Longest line of standard error that is logged.
pub(crate) const MAX_STDERR_LINE: usize = 2 << 10;
/// The end of standard error that is kept for the message about a failure.
pub(crate) const MAX_STDERR_TAIL: usize = 4 << 10;
/// Lines of standard error that are logged in one [`STDERR_WINDOW`].
pub(crate) const MAX_STDERR_LINES: u32 = 100;
/// See [`MAX_STDERR_LINES`].
pub(crate) const STDERR_WINDOW: Duration = Duration::from_secs(60);
/// A line without an end that is thrown away before the connection is given up.
pub(crate) const MAX_DISCARDED_BYTES: usize = 1 << 30;
/// Redirects that are followed, on the same origin only.
pub(crate) const MAX_REDIRECTS: usize = 3;
/// Body of an HTTP error that is read.
pub(crate) const MAX_ERROR_BODY: usize = 64 << 10;
/// Pause before a stream of notifications is opened again.
pub(crate) const LISTEN_AGAIN: Duration = Duration::from_secs(5);
/// Streams that a server ends at once are not opened for ever.
pub(crate) const MAX_LISTEN_FAILURES: u32 = 5;
/// Longest pause that a server may ask for before a stream is opened again.
pub(crate) const MAX_STREAM_RETRY: Duration = Duration::from_secs(30);
/// Times that the stream of one answer is taken up again.
pub(crate) const MAX_RESUMPTIONS: u32 = 8;
/// How long a program may take to end after its input ended, before it is told to.
pub(crate) const END_OF_INPUT_PATIENCE: Duration = Duration::from_millis(200);
/// All servers together, at the end of a runtime (PROC-6).
pub const END_PATIENCE: Duration = Duration::from_secs(5);
/// PS-3: between SIGTERM and SIGKILL.
pub(crate) const TERMINATION_PATIENCE: Duration = Duration::from_millis(250);
/// First pause after a server failed twice; doubles with each failure.
pub(crate) const FIRST_BACKOFF: Duration = Duration::from_millis(250);
/// Longest pause between two starts.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// A server that lived this long starts without a pause.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(30);
/// A call waits this long for the end of a pause; longer ones are refused at once.
pub(crate) const WAITED_BACKOFF: Duration = Duration::from_secs(1);
