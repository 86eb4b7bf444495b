//! Metrics of the runtime: counted on the request path by an [`Observer`](open_cli_observe::Observer), gathered when
//! somebody asks, shown as OpenMetrics 1.0, Prometheus text 0.0.4 and OTLP. Bounded in series and in bytes whatever
//! callers, catalogs and upstreams say. Not for spans, logs or audit, and not for sending or serving: that is `otlp`
//! and `toolbox`.
//!
//! [`Metrics`] counts what traces tell. What others already count (the audit log, exporters, the catalog) comes from
//! sources:
//!
//! ```
//! use open_cli_metrics::{Metrics, Options, names};
//! let metrics = Metrics::new(Options::default());
//! metrics.register(|collector| {
//!     collector.set(&names::CONNECTIONS, &[], 3_u64);
//!     collector.set(&names::CATALOG_DIAGNOSTICS, &["error"], 0_u64);
//! });
//! assert!(metrics.render_openmetrics().contains("open_cli_connections 3\n"));
//! ```

mod collect;
mod definition;
mod exponential;
mod facts;
mod family;
mod gather;
mod histogram;
mod key;
mod metrics;
pub mod names;
mod negotiate;
mod otlp;
mod process;
mod render;
mod runtime;
mod shard;

pub use collect::{Amount, Collector};
pub use definition::{Definition, Kind, Label, MAX_LABELS, closed, open};
pub use key::{MAX_LABEL_BYTES, OTHER};
pub use metrics::{ActiveRequest, Metrics, Options};
pub use negotiate::Format;
pub use otlp::Histograms;
pub use process::process;
pub use runtime::{catalog, runtimes};
