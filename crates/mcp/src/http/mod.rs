//! Servers that are reached over HTTP: streamable HTTP (§14) and its predecessor with server-sent events (§15).

mod events;
mod post;
mod sse;
mod streamable;

pub(crate) use post::{HttpClient, Wire};
pub(crate) use sse::SseLink;
pub(crate) use streamable::Streamable;
