//! From a batch to the collector: one request at a time, again when that helps, never for longer than allowed. Uses
//! hyper as it is, outside of any trace: what is sent here is never observed itself.

mod client;
mod error;
#[cfg(feature = "grpc")]
mod grpc;
mod http;
mod retry;
mod sender;
mod tls;

pub use error::StartError;
pub(crate) use sender::Sender;
