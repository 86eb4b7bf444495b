//! The connection to a program: messages out and in, one a line, and an eye on the program itself. Requests of many
//! callers share it. Not for starting it again.

use super::group::{Group, Streams};
use super::lines::{self, Line};
use super::stderr::{self, Tail};
use crate::children::Children;
use crate::error::Fault;
use crate::inbox::{Expected, Inbox};
use crate::limits::MAX_QUEUED;
use crate::spec::Program;
use bytes::Bytes;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long what a program that ended has written is still read.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// What is read at once.
const READ_BUFFER: usize = 64 << 10;

/// A running program.
pub(crate) struct Pipe {
    inbox: Arc<Inbox>,
    outgoing: mpsc::Sender<Bytes>,
    /// True when the program is to end; also when this is dropped.
    stop: watch::Sender<bool>,
    supervisor: watch::Receiver<bool>,
}

impl Pipe {
    /// Starts the program. Must be called inside a Tokio runtime, where its streams are read from then on.
    pub(crate) fn start(
        program: &Program,
        inbox: &Arc<Inbox>,
        children: &Arc<Children>,
        limit: usize,
    ) -> Result<Self, String> {
        let (group, Streams { stdin, stdout, stderr }) = Group::start(program, &inbox.server, children)?;
        let (outgoing, queue) = mpsc::channel(MAX_QUEUED);
        let (stop, stopped) = watch::channel(false);
        let (over, supervisor) = watch::channel(false);
        let tail = Arc::new(Tail::default());
        let scrubber = program.scrubber();
        let errors = tokio::spawn(stderr::follow(stderr, Arc::clone(&inbox.server), scrubber, Arc::clone(&tail)));
        let writer = tokio::spawn(write(stdin, queue));
        let reader = tokio::spawn(read(stdout, Arc::clone(inbox), outgoing.downgrade(), limit));
        let inbox_of = Arc::clone(inbox);
        tokio::spawn(async move {
            supervise(group, stopped, &inbox_of, Workers { writer, reader, errors }, &tail).await;
            let _ = over.send(true);
        });
        Ok(Self { inbox: Arc::clone(inbox), outgoing, stop, supervisor })
    }

    /// Sends a request and waits for its answer, for as long as the caller does.
    pub(crate) async fn exchange(&self, expected: &mut Expected<'_>, message: Bytes) -> Result<Bytes, Fault> {
        if self.outgoing.send(message).await.is_err() {
            let end = self.inbox.end().unwrap_or_else(|| "its input is closed".into());
            return Err(Fault::NotSent(end));
        }
        expected.answer().await
    }

    /// Sends what nobody waits for; false when the program reads too slowly.
    pub(crate) fn send_soon(&self, message: Bytes) -> bool {
        self.outgoing.try_send(message).is_ok()
    }

    /// Ends the program, and returns when it is gone.
    pub(crate) async fn end(&self) {
        self.stop.send_replace(true);
        let mut supervisor = self.supervisor.clone();
        // Fails when the supervisor is gone, and with it the program.
        let _ = supervisor.wait_for(|over| *over).await;
    }
}

struct Workers {
    writer: JoinHandle<()>,
    reader: JoinHandle<String>,
    errors: JoinHandle<()>,
}

async fn supervise(
    mut group: Group,
    mut stopped: watch::Receiver<bool>,
    inbox: &Inbox,
    workers: Workers,
    tail: &Tail,
) {
    let Workers { writer, mut reader, mut errors } = workers;
    let stop = async { stopped.wait_for(|stop| *stop).await.is_ok() };
    tokio::select! {
        _ = stop => {
            inbox.close("it is no longer needed");
            // Its input ends, which is how it is asked to end.
            writer.abort();
            group.end().await;
        }
        status = group.wait() => {
            let _ = tokio::time::timeout(LAST_WORDS, &mut reader).await;
            let _ = tokio::time::timeout(LAST_WORDS, &mut errors).await;
            inbox.close(&ended(status, tail));
            group.sweep().await;
        }
        why = &mut reader => {
            let why = why.unwrap_or_else(|_| "its output can't be read".into());
            // Most often it is ending, and its status says more.
            let status = tokio::time::timeout(LAST_WORDS, group.wait()).await;
            let _ = tokio::time::timeout(LAST_WORDS, &mut errors).await;
            inbox.close(&status.map_or(why, |status| ended(status, tail)));
            writer.abort();
            group.end().await;
        }
    }
    writer.abort();
    reader.abort();
    errors.abort();
}

fn ended(status: Option<ExitStatus>, tail: &Tail) -> String {
    let status = status.map_or_else(|| "it ended".to_owned(), |status| format!("it ended with {status}"));
    match tail.text() {
        text if text.is_empty() => status,
        text => format!("{status}: {text}"),
    }
}

async fn write(mut stdin: ChildStdin, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(message) = queue.recv().await {
        let mut line = Vec::with_capacity(message.len() + 1);
        line.extend_from_slice(&message);
        line.push(b'\n');
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Ends with the reason why nothing more comes.
async fn read(stdout: ChildStdout, inbox: Arc<Inbox>, outgoing: mpsc::WeakSender<Bytes>, limit: usize) -> String {
    let mut stdout = BufReader::with_capacity(READ_BUFFER, stdout);
    loop {
        match lines::next(&mut stdout, limit).await {
            Ok(Some(Line::Text(text))) => {
                for answer in inbox.take_in(&text) {
                    // A server that asks faster than it reads gets no answer.
                    let _ = outgoing.upgrade().is_some_and(|outgoing| outgoing.try_send(answer).is_ok());
                }
            }
            Ok(Some(Line::TooLong(id))) => inbox.too_large(id, limit),
            Ok(None) => return "it closed its output".to_owned(),
            Err(error) => return format!("its output can't be read: {error}"),
        }
    }
}
