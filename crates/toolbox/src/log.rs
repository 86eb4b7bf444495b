//! The program's log: one line an event on standard error, for people or as JSON, with a filter that can be changed
//! while the program runs, and a bridge to OTLP. Not for audit, nor for spans.

mod lines;

pub use lines::LogLines;

use open_cli_observe::Value;
use open_cli_otlp::{LogExporter, LogRecord, Severity};
use parking_lot::Mutex;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, reload};

/// Target of the access log's lines.
pub(crate) const ACCESS: &str = "access";
/// Longest filter that is taken.
const MAX_FILTER: usize = 1024;
/// How long a panic waits until the lines before it are written.
const BEFORE_PANIC: Duration = Duration::from_millis(500);
/// What the exporter and its libraries say is not exported: that would go round in circles.
const NOT_EXPORTED: [&str; 5] = ["open_cli_otlp", "hyper", "h2", "rustls", "tokio"];

/// Form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object.
    Json,
}

/// How the log is to begin.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// `info`, or `warn,open_cli_catalog=debug`.
    pub filter: String,
    /// Form of a line.
    pub format: LogFormat,
    /// A line for each request that was answered.
    pub has_access_log: bool,
    /// Each line is written where it is made, by whoever makes it.
    pub is_direct: bool,
    /// Colours.
    pub has_colour: bool,
}

/// The running log.
pub struct LogControl {
    filter: Mutex<String>,
    has_access_log: bool,
    set: Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>,
    exporter: Arc<OnceLock<Arc<LogExporter>>>,
    lines: LogLines,
}

impl LogControl {
    /// The lines on their way out: to be flushed before the program ends.
    pub fn lines(&self) -> &LogLines {
        &self.lines
    }

    /// The filter in force, as it was given.
    pub fn filter(&self) -> String {
        self.filter.lock().clone()
    }

    /// Puts another filter in force.
    ///
    /// # Errors
    /// When it is none.
    pub fn set_filter(&self, text: &str) -> Result<(), String> {
        let parsed = parse(text, self.has_access_log)?;
        let mut filter = self.filter.lock();
        (self.set)(parsed)?;
        text.clone_into(&mut filter);
        Ok(())
    }

    /// Sends what is logged from now on to a collector too. The first exporter stays.
    pub(crate) fn export_to(&self, exporter: Arc<LogExporter>) {
        let _ = self.exporter.set(exporter);
    }
}

/// Starts the program's log.
///
/// # Errors
/// When the filter is none, or the program has a log already.
pub fn start(options: &LogOptions) -> Result<LogControl, String> {
    let parsed = parse(&options.filter, options.has_access_log)?;
    let (filter, handle) = reload::Layer::new(parsed);
    let exporter = Arc::new(OnceLock::new());
    let format = options.format;
    let written = match options.is_direct {
        true => LogLines::direct(),
        false => LogLines::start(std::io::stderr(), Box::new(move |lost| told(format, lost)))
            .map_err(|error| format!("its thread can't be started: {error}"))?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(written.clone()).with_ansi(options.has_colour);
    let lines = match options.format {
        LogFormat::Human => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(Bridge(Arc::clone(&exporter)))
        .try_init()
        .map_err(|error| error.to_string())?;
    flush_before_panics(written.clone());
    Ok(LogControl {
        filter: Mutex::new(options.filter.clone()),
        has_access_log: options.has_access_log,
        set: Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string())),
        exporter,
        lines: written,
    })
}

/// What led to a panic comes before it.
fn flush_before_panics(lines: LogLines) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        lines.flush(BEFORE_PANIC);
        usual(panic);
    }));
}

/// The line that stands for those that were lost.
fn told(format: LogFormat, lost: u64) -> String {
    let now = open_cli_contract::Timestamp::now();
    let message = "log lines were lost: they came faster than standard error is read";
    match format {
        LogFormat::Human => format!("{now:.6}  WARN {lost} {message}\n"),
        LogFormat::Json => {
            let line = serde_json::json!({
                "timestamp": format!("{now:.6}"), "level": "WARN", "message": message, "lost": lost, "target": "log",
            });
            format!("{line}\n")
        }
    }
}

/// A filter, with the access log on or off unless the text says it.
fn parse(text: &str, has_access_log: bool) -> Result<EnvFilter, String> {
    if text.len() > MAX_FILTER {
        return Err(format!("the filter is longer than {MAX_FILTER} bytes"));
    }
    let says = text.split(',').any(|directive| directive.trim().starts_with(ACCESS));
    let text = match (says, has_access_log) {
        (true, _) => text.to_owned(),
        (false, true) => format!("{text},{ACCESS}=info"),
        (false, false) => format!("{text},{ACCESS}=off"),
    };
    EnvFilter::try_new(text).map_err(|error| error.to_string())
}

/// Hands events over to the exporter, once there is one.
struct Bridge(Arc<OnceLock<Arc<LogExporter>>>);

impl<S: Subscriber> Layer<S> for Bridge {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(exporter) = self.0.get() else { return };
        let metadata = event.metadata();
        if NOT_EXPORTED.iter().any(|target| metadata.target().starts_with(target)) {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = u64::try_from(open_cli_contract::Timestamp::now().as_nanosecond()).unwrap_or_default();
        let mut attributes: open_cli_otlp::Attributes =
            vec![("log.target".into(), Value::from(metadata.target()))];
        attributes.extend(fields.others);
        exporter.push(LogRecord {
            time_nanos: now,
            observed_nanos: now,
            severity: severity(*metadata.level()),
            body: fields.message,
            attributes,
            trace_id: fields.trace_id,
            span_id: None,
            event_name: None,
        });
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::ERROR => Severity::Error,
        Level::WARN => Severity::Warn,
        Level::INFO => Severity::Info,
        Level::DEBUG => Severity::Debug,
        Level::TRACE => Severity::Trace,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    trace_id: Option<open_cli_contract::trace::TraceId>,
    others: open_cli_otlp::Attributes,
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name().into(), Value::from(value)));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.push((field.name().into(), Value::from(value)));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name().into(), Value::from(value)));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.push((field.name().into(), Value::from(value.to_owned())));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            "trace_id" => {
                self.trace_id = open_cli_contract::trace::TraceId::parse(&text);
                self.others.push(("trace_id".into(), Value::from(text)));
            }
            name => self.others.push((name.into(), Value::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_checked_and_the_access_log_is_off_unless_it_is_asked_for() {
        for (text, has_access_log, expected) in [
            ("info", false, "access=off,info"),
            ("info", true, "access=info,info"),
            ("warn,access=debug", false, "access=debug,warn"),
            ("warn,open_cli_catalog=debug", false, "open_cli_catalog=debug,access=off,warn"),
        ] {
            assert_eq!(parse(text, has_access_log).expect("a filter").to_string(), expected, "{text}");
        }
        for bad in ["open_cli=loud", &"x".repeat(2000)] {
            assert!(parse(bad, false).is_err(), "{bad}");
        }
    }
}
