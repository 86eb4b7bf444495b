//! The hosted runtime, as a library: [`Toolbox::builder`] starts one inside any program, with an observer of its
//! own. The binary `open-cli-toolbox` is this library with flags, signals and a log.

mod configs;
pub mod flags;
mod http;
mod leases;
mod server;
pub mod settings;
mod shutdown;
mod start;
mod state;
mod workers;

pub use settings::{Serves, Settings, ShutdownMode};
pub use start::{Running, StartError, Toolbox, ToolboxBuilder};
