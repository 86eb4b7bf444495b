//! MCP servers as sources of tools (catalog-and-execution §12 to §16, §18, §21 with W40 to W50, W65 to W67): connections over
//! standard input and output, streamable HTTP and its predecessor, listing, the description that is made of a list of
//! tools, calls.
//!
//! A client of our own: two methods of the protocol are needed, and what makes them usable here (bounds on every message,
//! results passed on byte by byte, programs that never outlive us) is no part of the SDKs. [`Server`] is one configured
//! server over its whole life; [`Servers`] makes sure that there is one of each. Not for what the policy says to a call,
//! nor for the names that tools get in the catalog.

mod children;
mod describe;
mod error;
mod headers;
mod http;
mod inbox;
mod json;
mod limits;
mod message;
mod protocol;
mod result;
mod server;
mod servers;
mod session;
mod spec;
mod stdio;
mod text;
mod tools;

pub use children::Children;
pub use describe::{Described, Description, describe};
pub use error::McpError;
pub use limits::{END_PATIENCE, Limits};
pub use result::ToolAnswer;
pub use server::{Asking, Called, Server, ToolCall};
pub use servers::Servers;
pub use spec::{Authorization, Endpoint, Headers, Program, ServerSpec, StaticHeaders, Transport};
pub use tools::{Hints, Listing, Remark, ToolDefinition};
