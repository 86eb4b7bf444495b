//! What is sent where: the standard `OTEL_*` variables (OpenTelemetry specification 1.5x, "Environment Variable
//! Specification" and "OTLP Exporter Configuration"). A variable that is empty is not set; one that can't be understood
//! is an error that names it. Nothing is sent unless an endpoint is named or an exporter is asked for: a program that
//! was told nothing must not look for a collector.

mod headers;
mod read;
mod target;

use crate::{Attributes, Resource, Signal};
use open_cli_observe::{Sampler, Value};
use read::Variables;
use std::time::Duration;
pub use target::{Compression, Protocol, Target, TlsFiles};

/// A variable that can't be understood. Values are not shown where they may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct SettingsError {
    /// The variable.
    pub variable: String,
    /// What is wrong and what to do.
    pub reason: String,
}

/// All that the `OTEL_*` variables say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// `OTEL_SERVICE_NAME`, else `service.name` of `OTEL_RESOURCE_ATTRIBUTES`.
    pub service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES` without `service.name`.
    pub resource_attributes: Vec<(String, String)>,
    /// Which traces are sampled.
    pub sampling: Sampling,
    /// Which measurements become exemplars.
    pub exemplars: ExemplarFilter,
    /// Where traces go.
    pub traces: Option<Target>,
    /// Where metrics go.
    pub metrics: Option<Target>,
    /// Where logs go.
    pub logs: Option<Target>,
    /// `OTEL_BSP_*`.
    pub span_batches: Batches,
    /// `OTEL_BLRP_*`.
    pub log_batches: Batches,
    /// `OTEL_METRIC_EXPORT_*`.
    pub metric_reading: Reading,
}

/// `OTEL_TRACES_SAMPLER` and its `_ARG`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// The caller's decision counts when there is one.
    pub parent_based: bool,
    /// Share of the other traces, from 0.0 to 1.0.
    pub ratio: f64,
}

impl Sampling {
    /// For traces of which nobody else has decided.
    pub fn sampler(&self) -> Sampler {
        let sampler = Sampler::ratio(self.ratio);
        if self.parent_based { sampler } else { sampler.regardless_of_parent() }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self { parent_based: true, ratio: 1.0 }
    }
}

/// `OTEL_METRICS_EXEMPLAR_FILTER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExemplarFilter {
    /// Measurements made in a sampled trace.
    #[default]
    TraceBased,
    /// Every measurement made in a trace.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

/// How spans and records become batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// Most that wait; more are dropped and counted.
    pub queue: usize,
    /// Most in a request; 512, or as many as this if it is less, are sent at once.
    pub batch: usize,
    /// Longest that one waits for others.
    pub delay: Duration,
    /// Longest that a batch is tried, repetitions included.
    pub timeout: Duration,
}

/// The standard's defaults (2048 and 512) are made for 50 requests a second; a runtime that does 20,000 calls a second
/// would drop most of their spans.
impl Default for Batches {
    fn default() -> Self {
        let (delay, timeout) = (Duration::from_secs(5), Duration::from_secs(30));
        Self { queue: 65_536, batch: 2_048, delay, timeout }
    }
}

/// When metrics are read and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How often.
    pub interval: Duration,
    /// Longest that a reading is tried, repetitions included.
    pub timeout: Duration,
}

impl Default for Reading {
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), timeout: Duration::from_secs(30) }
    }
}

impl Settings {
    /// Reads the variables through `variable`, so that flags can stand in for them and tests need no environment.
    ///
    /// # Errors
    /// When a variable can't be understood.
    pub fn from_env(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variables = Variables(variable);
        let mut resource_attributes = headers::resource_attributes(&variables)?;
        let of_attributes = resource_attributes.iter().position(|(name, _)| name == "service.name");
        let of_attributes = of_attributes.map(|at| resource_attributes.remove(at).1);
        let mut settings = Self {
            service_name: variables.get("OTEL_SERVICE_NAME").or(of_attributes),
            resource_attributes,
            sampling: sampling(&variables)?,
            exemplars: variables.one_of(
                "OTEL_METRICS_EXEMPLAR_FILTER",
                &[
                    ("trace_based", ExemplarFilter::TraceBased),
                    ("always_on", ExemplarFilter::AlwaysOn),
                    ("always_off", ExemplarFilter::AlwaysOff),
                ],
            )?,
            traces: target::read(&variables, Signal::Traces)?,
            metrics: target::read(&variables, Signal::Metrics)?,
            logs: target::read(&variables, Signal::Logs)?,
            span_batches: batches(&variables, "BSP", Duration::from_secs(5))?,
            log_batches: batches(&variables, "BLRP", Duration::from_secs(1))?,
            metric_reading: Reading {
                interval: variables.millis("OTEL_METRIC_EXPORT_INTERVAL", Reading::default().interval)?,
                timeout: variables.millis("OTEL_METRIC_EXPORT_TIMEOUT", Reading::default().timeout)?,
            },
        };
        if variables.truth("OTEL_SDK_DISABLED")? {
            (settings.traces, settings.metrics, settings.logs) = (None, None, None);
        }
        Ok(settings)
    }

    /// The resource: what the program says of itself, and what the variables say instead.
    pub fn resource(&self, own: Attributes) -> Resource {
        let mut attributes = own;
        let said = self.resource_attributes.iter();
        attributes.extend(said.map(|(name, value)| (name.clone().into(), Value::from(value.clone()))));
        if let Some(name) = &self.service_name {
            attributes.push(("service.name".into(), Value::from(name.clone())));
        }
        Resource::new(attributes)
    }
}

fn sampling(variables: &Variables<'_>) -> Result<Sampling, SettingsError> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
    let Some(word) = variables.get(NAME) else { return Ok(Sampling::default()) };
    let word = word.to_ascii_lowercase();
    let (parent_based, rest) = match word.strip_prefix("parentbased_") {
        Some(rest) => (true, rest),
        None => (false, &*word),
    };
    let ratio = match rest {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => match variables.get(ARGUMENT) {
            None => 1.0,
            Some(text) => text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| {
                read::error(ARGUMENT, format!("{text:?} is no share of the traces; give a number from 0 to 1"))
            })?,
        },
        _ => {
            let reason = format!(
                "there is no sampler {word:?} here; use always_on, always_off, traceidratio, or one of them after \
                 parentbased_"
            );
            return Err(read::error(NAME, reason));
        }
    };
    Ok(Sampling { parent_based, ratio })
}

fn batches(variables: &Variables<'_>, processor: &str, delay: Duration) -> Result<Batches, SettingsError> {
    const MAX_QUEUE: usize = 16 << 20;
    let standard = Batches::default();
    let name = |rest: &str| format!("OTEL_{processor}_{rest}");
    let queue = variables.count(&name("MAX_QUEUE_SIZE"), MAX_QUEUE)?.unwrap_or(standard.queue);
    let named = name("MAX_EXPORT_BATCH_SIZE");
    let batch = match variables.count(&named, MAX_QUEUE)? {
        Some(batch) if batch > queue => {
            let reason = format!("{batch} is more than the queue holds ({queue}, {})", name("MAX_QUEUE_SIZE"));
            return Err(read::error(&named, reason));
        }
        Some(batch) => batch,
        None => standard.batch.min(queue),
    };
    Ok(Batches {
        queue,
        batch,
        delay: variables.millis(&name("SCHEDULE_DELAY"), delay)?,
        timeout: variables.millis(&name("EXPORT_TIMEOUT"), standard.timeout)?,
    })
}

#[cfg(test)]
mod tests;
