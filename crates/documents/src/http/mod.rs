//! Remote documents: the HTTP cache of the contract (config-and-state §4) under RFC 9111 rules, with single flight,
//! events and spans. Not for what the bodies say.

mod client;
mod date;
mod fetch;
mod flights;
mod freshness;
mod inventory;
mod metadata;
mod store;

pub use client::FetchMethod;
pub use fetch::{FetchRequest, Fetched};
pub use inventory::{CacheEntry, Swept, clear_cache, list_cache};

pub(crate) use fetch::Fetcher;
