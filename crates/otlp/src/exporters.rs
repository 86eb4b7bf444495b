//! The exporters: one thread for each signal that goes somewhere.

use crate::batch::{Batch, Logs, Metrics, Traces};
use crate::control::{Control, spawn};
use crate::queue::Queue;
use crate::send::Sender;
use crate::settings::{Batches, Reading, Settings, Target};
use crate::stats::add;
use crate::{Figures, LogRecord, MetricsSnapshot, Resource, StartError, Stats};
use open_cli_observe::{LocalTrace, Observer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Sends the spans of sampled traces. Telling it of one takes a moment, whatever the collector does: what does not fit
/// into the queue is dropped and counted.
pub struct TraceExporter(Arc<Queue<Traces>>);

/// Sends log records.
pub struct LogExporter(Arc<Queue<Logs>>);

/// Sends the metrics each interval, and once more at the end.
pub struct MetricExporter {
    control: Arc<Control>,
    stats: Arc<Stats>,
}

fn start_queue<B: Batch>(
    target: &Target,
    limits: Batches,
    resource: Arc<Resource>,
) -> Result<Arc<Queue<B>>, StartError> {
    let (control, stats) = (Arc::new(Control::new()), Arc::new(Stats::default()));
    let shared = || (Arc::clone(&control), Arc::clone(&stats));
    let sender = Sender::new::<B>(target, limits.timeout, resource, shared())?;
    let queue = Arc::new(Queue::<B>::new(limits, Arc::clone(&control), Arc::clone(&stats)));
    let running = Arc::clone(&queue);
    spawn(B::THREAD, shared(), move || async move { running.run(sender).await })?;
    Ok(queue)
}

impl TraceExporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// When TLS or the thread can't be set up. Whether the collector is there does not matter.
    pub fn start(target: &Target, limits: Batches, resource: Arc<Resource>) -> Result<Self, StartError> {
        start_queue(target, limits, resource).map(Self)
    }
}

impl Observer for TraceExporter {
    fn wants_events(&self) -> bool {
        false
    }
    fn wants_spans(&self) -> bool {
        false
    }
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        if trace.sampled {
            self.0.push(Arc::clone(trace));
        }
    }
}

impl LogExporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// When TLS or the thread can't be set up. Whether the collector is there does not matter.
    pub fn start(target: &Target, limits: Batches, resource: Arc<Resource>) -> Result<Self, StartError> {
        start_queue(target, limits, resource).map(Self)
    }

    /// Takes a record, or drops and counts it. Never waits.
    pub fn push(&self, record: LogRecord) {
        self.0.push(record);
    }
}

impl MetricExporter {
    /// Starts the thread. `pull` is called there, each interval.
    ///
    /// # Errors
    /// When TLS or the thread can't be set up. Whether the collector is there does not matter.
    pub fn start(
        target: &Target,
        reading: Reading,
        resource: Arc<Resource>,
        pull: impl FnMut() -> MetricsSnapshot + Send + 'static,
    ) -> Result<Self, StartError> {
        let (control, stats) = (Arc::new(Control::new()), Arc::new(Stats::default()));
        let shared = || (Arc::clone(&control), Arc::clone(&stats));
        let sender = Sender::new::<Metrics>(target, reading.timeout, resource, shared())?;
        let (of_thread, counted) = shared();
        let work = move || read_and_send(pull, reading.interval, sender, of_thread, counted);
        spawn(Metrics::THREAD, shared(), work)?;
        Ok(Self { control, stats })
    }
}

async fn read_and_send(
    mut pull: impl FnMut() -> MetricsSnapshot,
    interval: Duration,
    mut sender: Sender,
    control: Arc<Control>,
    stats: Arc<Stats>,
) {
    let mut next = Instant::now() + interval;
    loop {
        let order = control.order();
        if !order.is_urgent && Instant::now() < next {
            control.wait_until(next).await;
            continue;
        }
        let snapshot = pull();
        if snapshot.points() > 0 {
            add(&stats.queued, snapshot.points());
            sender.send::<Metrics>(&snapshot.metrics).await;
        }
        control.done(order);
        if order.is_last {
            return;
        }
        // What was missed while the collector was away is not made up for: values are cumulative.
        next = (next + interval).max(Instant::now());
    }
}

/// What all exporters can do.
macro_rules! lifecycle {
    ($exporter:ty, $this:ident, $control:expr, $stats:expr) => {
        impl $exporter {
            /// What was sent and what was lost.
            pub fn figures(&self) -> Figures {
                let $this = self;
                $stats.figures()
            }

            /// The same counters, shared.
            pub fn stats(&self) -> Arc<Stats> {
                let $this = self;
                Arc::clone(&$stats)
            }

            /// Has everything sent that is there now; waits for that, so not for async code. False when it took too
            /// long. Whether the collector took it is in the figures.
            pub fn flush(&self, within: Duration) -> bool {
                let $this = self;
                $control.flush(within)
            }

            /// Has everything sent and ends the thread; waits for that, so not for async code. What is not sent in
            /// time is dropped and counted, and this is false.
            pub fn shutdown(&self, within: Duration) -> bool {
                let $this = self;
                $control.shutdown(within)
            }
        }

        impl Drop for $exporter {
            fn drop(&mut self) {
                let $this = self;
                // Nobody can ask for it any more.
                $control.end_within(Duration::ZERO);
            }
        }
    };
}
lifecycle!(TraceExporter, this, this.0.control, this.0.stats);
lifecycle!(LogExporter, this, this.0.control, this.0.stats);
lifecycle!(MetricExporter, this, this.control, this.stats);

/// The exporters that the settings ask for.
#[derive(Default)]
pub struct Exporters {
    /// Spans.
    pub traces: Option<Arc<TraceExporter>>,
    /// Metrics.
    pub metrics: Option<Arc<MetricExporter>>,
    /// Log records.
    pub logs: Option<Arc<LogExporter>>,
}

impl Exporters {
    /// Starts them.
    ///
    /// # Errors
    /// When TLS or a thread can't be set up. Whether the collectors are there does not matter.
    pub fn start(
        settings: &Settings,
        resource: Arc<Resource>,
        pull: impl FnMut() -> MetricsSnapshot + Send + 'static,
    ) -> Result<Self, StartError> {
        let resource = || Arc::clone(&resource);
        let traces = settings.traces.as_ref();
        let traces = traces.map(|target| TraceExporter::start(target, settings.span_batches, resource()));
        let logs = settings.logs.as_ref();
        let logs = logs.map(|target| LogExporter::start(target, settings.log_batches, resource()));
        let metrics = settings.metrics.as_ref();
        let metrics =
            metrics.map(|target| MetricExporter::start(target, settings.metric_reading, resource(), pull));
        Ok(Self {
            traces: traces.transpose()?.map(Arc::new),
            metrics: metrics.transpose()?.map(Arc::new),
            logs: logs.transpose()?.map(Arc::new),
        })
    }

    /// Ends all of them at the same time; see [`TraceExporter::shutdown`]. False when one had to be cut.
    pub fn shutdown(&self, within: Duration) -> bool {
        let ends = std::time::Instant::now() + within;
        let controls = [
            self.traces.as_ref().map(|exporter| &exporter.0.control),
            self.logs.as_ref().map(|exporter| &exporter.0.control),
            self.metrics.as_ref().map(|exporter| &exporter.control),
        ];
        let controls = || controls.into_iter().flatten();
        controls().for_each(|control| control.end_within(within));
        controls()
            .map(|control| control.shutdown(ends.saturating_duration_since(std::time::Instant::now())))
            .fold(true, |all, one| all & one)
    }
}
