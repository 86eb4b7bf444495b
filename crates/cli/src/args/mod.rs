//! The command line: one table of flags and commands, one parser (weakness W5).

mod flag;
mod line;
mod parse;

pub(crate) use flag::{Flag, GLOBAL_FLAGS, TOOL_FLAGS, Takes, find, is_reserved};
pub(crate) use line::{ColorChoice, Format, Globals, Line};
pub(crate) use parse::{parse, swallowed, unknown_flag};
