//! Commands made from the catalog (client §12). Two requests: the slice of the catalog that the words name, and the
//! call.

mod body;
mod inputs;
mod preview;
mod result;
mod run;
mod schema;
pub(crate) mod tree;

pub(crate) use inputs::{Input, flags, positionals, tool_flags};
pub(crate) use run::{call, command_words, run, sent_words};
pub(crate) use schema::Schema;
