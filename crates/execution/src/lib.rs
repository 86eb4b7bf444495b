//! A tool call to an upstream request and back (catalog-and-execution §20, RT-1 to RT-7, §22): sending with
//! limits, redirects, retries, and the answer sorted into JSON, text and bytes.
//!
//! Not for building the request (`open-cli-request`), not for finding secrets (`open-cli-credentials`) and not
//! for our own HTTP answers.

mod body;
mod breaker;
mod budget;
mod connect;
mod error;
mod limits;
mod patience;
mod places;
mod pool;
mod redirect;
mod resolve;
mod result;
mod retry;
mod route;
mod send;
mod tls;
mod upstream;
mod wire;

pub use error::ExecutionError;
pub use limits::Limits;
pub use open_cli_contract::reach::Reach;
pub use result::{ResultBody, ToolResult};
pub use route::{Route, RouteStats};
pub use upstream::{Call, Upstream};
