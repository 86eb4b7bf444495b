//! Sends batches: encodes, compresses, repeats, counts. One at a time: what comes meanwhile waits in a queue.

use super::StartError;
use super::client::Client;
use super::error::{Again, Failure};
use super::retry::Backoff;
use crate::batch::Batch;
use crate::control::Control;
use crate::proto::Accepted;
use crate::settings::{Compression, Target};
use crate::stats::add;
use crate::{Resource, Stats};
use bytes::Bytes;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Longest request, uncompressed; gRPC servers take 4 MiB by default. More is sent in parts.
const MAX_BODY: usize = 3 << 20;
/// Longest `Retry-After` that is heeded.
const MAX_AFTER: Duration = Duration::from_secs(300);
/// Pause between tries when the program is about to end.
const LAST_PAUSE: Duration = Duration::from_millis(100);
/// How often at most the log tells of rejected items.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// Sends batches of one signal to one collector.
pub(crate) struct Sender {
    client: Client,
    place: String,
    resource: Arc<Resource>,
    control: Arc<Control>,
    stats: Arc<Stats>,
    /// Longest that a batch is tried.
    budget: Duration,
    /// The collector asked for quiet until then.
    not_before: Option<Instant>,
    /// Items lost since the collector was last heard, when that is being told.
    lost: Option<usize>,
    told_rejected: Option<Instant>,
    body: Vec<u8>,
    zipped: Vec<u8>,
}

impl Sender {
    /// A sender that ends its pauses when the control says so.
    pub(crate) fn new<B: Batch>(
        target: &Target,
        budget: Duration,
        resource: Arc<Resource>,
        (control, stats): (Arc<Control>, Arc<Stats>),
    ) -> Result<Self, StartError> {
        Ok(Self {
            client: Client::new(target, B::SIGNAL)?,
            place: target.place(),
            resource,
            control,
            stats,
            budget,
            not_before: None,
            lost: None,
            told_rejected: None,
            body: Vec::new(),
            zipped: Vec::new(),
        })
    }

    /// Sends these items, in several requests when they are too long for one. They are counted as they are settled.
    pub(crate) async fn send<B: Batch>(&mut self, items: &[B::Item]) {
        let mut parts = vec![items];
        while let Some(part) = parts.pop() {
            let body = self.encoded::<B>(part);
            if body.len() > MAX_BODY && part.len() > 1 {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
                self.body = body;
                continue;
            }
            let (body, sent) = self.compressed(body);
            let outcome = self.deliver(&sent).await;
            // The connection has given its share back by now, so that this takes the buffer and copies nothing.
            let buffer = Vec::from(sent);
            match self.client.compression {
                Compression::None => self.body = buffer,
                Compression::Gzip => (self.body, self.zipped) = (body, buffer),
            }
            self.settle(part.iter().map(B::weight).sum(), outcome);
        }
    }

    fn encoded<B: Batch>(&mut self, items: &[B::Item]) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        body.resize(self.prefix(), 0);
        B::encode(&mut body, &self.resource, items);
        self.fill_prefix(&mut body, false);
        body
    }

    /// The buffer that stays here, and what is sent.
    fn compressed(&mut self, body: Vec<u8>) -> (Vec<u8>, Bytes) {
        if self.client.compression == Compression::None {
            return (Vec::new(), Bytes::from(body));
        }
        let mut zipped = std::mem::take(&mut self.zipped);
        zipped.clear();
        zipped.resize(self.prefix(), 0);
        let mut encoder = GzEncoder::new(zipped, flate2::Compression::fast());
        let written = encoder.write_all(&body[self.prefix()..]).and_then(|()| encoder.finish());
        let mut zipped = written.expect("invariant: writing to memory does not fail");
        self.fill_prefix(&mut zipped, true);
        (body, Bytes::from(zipped))
    }

    #[cfg(feature = "grpc")]
    fn prefix(&self) -> usize {
        if self.client.protocol == crate::Protocol::Grpc { super::grpc::PREFIX } else { 0 }
    }
    #[cfg(not(feature = "grpc"))]
    fn prefix(&self) -> usize {
        0
    }

    #[cfg(feature = "grpc")]
    fn fill_prefix(&self, message: &mut [u8], is_compressed: bool) {
        if self.prefix() > 0 {
            super::grpc::fill_prefix(message, is_compressed);
        }
    }
    #[cfg(not(feature = "grpc"))]
    fn fill_prefix(&self, _message: &mut [u8], _is_compressed: bool) {}

    /// Tries until the collector has taken it, refuses for good, or the time is over.
    async fn deliver(&mut self, body: &Bytes) -> Result<Accepted, Failure> {
        if let Some(not_before) = self.not_before.take() {
            self.control.pause(not_before.duration_since(Instant::now()), LAST_PAUSE).await;
        }
        let end = Instant::now() + self.budget;
        let mut backoff = Backoff::new();
        loop {
            let answer = timeout_at(end, self.client.send(body.clone())).await;
            let failure = match answer {
                Ok(Ok(accepted)) => {
                    add(&self.stats.sends, 1);
                    return Ok(accepted);
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::transport("no answer in time"),
            };
            add(&self.stats.failures, 1);
            tracing::debug!("a request to {} failed: {}", self.place, failure.what);
            let pause = match failure.again {
                Again::Never => return Err(failure),
                Again::Soon => backoff.pause(),
                Again::After(pause) => {
                    let pause = pause.min(MAX_AFTER).max(backoff.pause());
                    self.not_before = Some(Instant::now() + pause);
                    pause
                }
            };
            if Instant::now() + pause >= end {
                return Err(failure);
            }
            self.not_before = None;
            self.control.pause(pause, LAST_PAUSE).await;
        }
    }

    fn settle(&mut self, weight: usize, outcome: Result<Accepted, Failure>) {
        self.stats.queued.fetch_sub(weight as u64, Ordering::Relaxed);
        match outcome {
            Ok(accepted) => {
                let rejected = usize::try_from(accepted.rejected).unwrap_or(usize::MAX).min(weight);
                add(&self.stats.exported, weight - rejected);
                add(&self.stats.rejected, rejected);
                if let Some(lost) = self.lost.take() {
                    tracing::info!("OTLP: {} answers again; {lost} items were lost meanwhile", self.place);
                }
                self.tell_rejected(rejected, &accepted.message);
            }
            Err(failure) => {
                add(&self.stats.dropped_failed, weight);
                if self.lost.is_none() {
                    tracing::warn!(
                        "OTLP: {} takes nothing ({}); items are lost until it does",
                        self.place,
                        failure.what
                    );
                }
                *self.lost.get_or_insert(0) += weight;
            }
        }
    }

    fn tell_rejected(&mut self, rejected: usize, message: &str) {
        let is_old = self.told_rejected.is_none_or(|told| told.elapsed() >= TELL_AGAIN);
        if (rejected > 0 || !message.is_empty()) && is_old {
            self.told_rejected = Some(Instant::now());
            tracing::warn!("OTLP: {} threw {rejected} items away: {message:?}", self.place);
        }
    }
}
