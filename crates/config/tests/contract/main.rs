//! The configuration rules of the contract, one module per section of config-and-state §1.

mod cross_checks;
mod effective;
mod fields;
mod files;
mod findings;
mod idempotent;
mod managed;
mod mcp;
mod merging;
mod references;
mod runtime;
mod scopes;
mod shared_examples;
mod support;
