//! The hosted runtime, as a library: [`Toolbox::builder`] starts one inside any program, with an observer of its
//! own. The binary `open-cli-toolbox` is this library with flags, signals and a log.

mod advertised;
mod builders;
mod chronicle;
pub mod commands;
mod configs;
pub mod flags;
mod guard;
mod http;
mod leases;
pub mod log;
mod observability;
mod push;
pub mod rate;
mod routes;
mod server;
mod settings;
mod shutdown;
mod start;
mod state;
mod telemetry;
mod workers;

pub use advertised::{AdvertisedUrl, AdvertisedUrlError};
pub use observability::Observability;
pub use settings::{AuditSettings, OnAuditError, Serves, Settings, ShutdownMode};
pub use start::{Running, StartError, Toolbox, ToolboxBuilder};
pub use telemetry::TelemetryError;
