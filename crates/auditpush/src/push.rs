//! The sinks of a runtime: made from the settings, started, asked for figures, ended.

use crate::control::Control;
use crate::cursor_file::CursorFile;
use crate::deliver::Deliver;
use crate::gap::Gap;
use crate::otlp::Otlp;
use crate::settings::{Kind, Transport};
use crate::stats::{Figures, Stats};
use crate::syslog::{Messages, Stream, Udp};
use crate::tls;
use crate::webhook::Webhook;
use crate::worker::Worker;
use crate::{PushSettings, Sink};
use open_cli_audit::AuditReader;
use open_cli_otlp::Resource;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why records can't be pushed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A file for TLS can't be used.
    #[error(
        "--audit-push: {path} is no usable PEM file ({reason}); see --audit-push-ca and OTEL_EXPORTER_OTLP_CERTIFICATE"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS can't be set up.
    #[error("--audit-push: TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// No certificate can be for such a host.
    #[error("--audit-push {0}: no certificate can be for this host; use its DNS name or its address")]
    Host(String),
    /// The place of a sink can't be read.
    #[error("--audit-push: {0}")]
    Cursor(#[from] open_cli_files::FileError),
    /// The system has no thread left.
    #[error("--audit-push: a thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Whose records they are.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Instance id.
    pub instance: String,
    /// Name of the machine; may be empty.
    pub host: String,
    /// Version of the program.
    pub version: String,
    /// The same for OTLP.
    pub resource: Arc<Resource>,
}

/// Called on the thread of a sink.
pub(crate) type TellGap = Arc<dyn Fn(&Gap) + Send + Sync>;

/// The sinks.
#[derive(Debug)]
pub struct Push {
    control: Arc<Control>,
    stats: Vec<Arc<Stats>>,
    /// Until they run.
    waiting: Mutex<Vec<Worker>>,
}

impl Push {
    /// Sets the sinks up for the log at this path, and sends nothing yet. Whether receivers are there does not matter.
    ///
    /// # Errors
    /// When a file for TLS or a cursor can't be used.
    pub fn new(log: &Path, settings: &PushSettings, origin: Origin) -> Result<Self, StartError> {
        let (control, origin) = (Arc::new(Control::default()), Arc::new(origin));
        let mut push = Self { control, stats: Vec::new(), waiting: Mutex::default() };
        for sink in &settings.sinks {
            let file = CursorFile::new(log, &sink.hash, &sink.place);
            let (stats, kept) = (Arc::new(Stats::default()), file.load()?);
            let worker = Worker::new(
                AuditReader::new(log),
                sink.clone(),
                deliverer(sink, settings, &origin)?,
                (file, kept),
                (Arc::clone(&push.control), Arc::clone(&stats)),
                settings.timeout,
            );
            push.waiting.get_mut().push(worker);
            push.stats.push(stats);
        }
        Ok(push)
    }

    /// Starts the threads. `tell` is called when records are lost to a sink, to record that.
    ///
    /// # Errors
    /// When a thread can't be started.
    pub fn start(&self, tell: impl Fn(&Gap) + Send + Sync + 'static) -> Result<(), StartError> {
        let tell: TellGap = Arc::new(tell);
        for (number, mut worker) in std::mem::take(&mut *self.waiting.lock()).into_iter().enumerate() {
            let (control, tell) = (Arc::clone(&self.control), Arc::clone(&tell));
            // Counted before it runs, so that the end can't overtake it.
            control.enter();
            let run = move || {
                let _running = control.guard();
                worker.run(&*tell);
            };
            if let Err(error) = std::thread::Builder::new().name(format!("audit-push-{number}")).spawn(run) {
                drop(self.control.guard());
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// What was sent and what was not; `newest` is the number of the log's last record.
    pub fn figures(&self, newest: u64) -> Figures {
        let mut figures = Figures::default();
        self.stats.iter().for_each(|stats| stats.add_to(&mut figures, newest));
        figures
    }

    /// Has each sink try once more to send what is left, and ends it. Waits for that, so not for async code. False when
    /// one had to be left behind; what it did not deliver is delivered after the next start.
    pub fn end(&self, within: Duration) -> bool {
        self.control.end(within)
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.control.end(Duration::ZERO);
    }
}

fn deliverer(sink: &Sink, settings: &PushSettings, origin: &Arc<Origin>) -> Result<Box<dyn Deliver>, StartError> {
    Ok(match &sink.kind {
        Kind::Webhook { url, format } => Box::new(Webhook::new(url, *format, settings, Arc::clone(origin))?),
        Kind::Otlp(target) => Box::new(Otlp::new(target, Arc::clone(&origin.resource))?),
        Kind::Syslog { transport, host, port, format } => {
            let messages = Messages::new(*format, Arc::clone(origin));
            let tls = match transport {
                Transport::Udp => return Ok(Box::new(Udp::new(host.clone(), *port, messages))),
                Transport::Tcp => None,
                Transport::Tls => {
                    let name =
                        ServerName::try_from(host.clone()).map_err(|_| StartError::Host(sink.place.clone()))?;
                    Some((tls::for_streams(settings.ca_file.as_deref())?, name))
                }
            };
            Box::new(Stream::new(host.clone(), *port, tls, messages))
        }
    })
}
