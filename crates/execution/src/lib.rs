//! A tool call to an upstream request and back (catalog-and-execution §20, RT-1 to RT-7, §22): sending with
//! limits, redirects, retries, and the answer sorted into JSON, text and bytes.
//!
//! Not for building the request (`open-cli-request`), not for finding secrets (`open-cli-credentials`) and not
//! for our own HTTP answers.

mod body;
mod connect;
mod error;
mod limits;
mod patience;
mod redirect;
mod result;
mod retry;
mod send;
mod tls;
mod upstream;
mod wire;

pub use error::ExecutionError;
pub use limits::Limits;
pub use result::{ResultBody, ToolResult};
pub use upstream::{Call, Upstream};
