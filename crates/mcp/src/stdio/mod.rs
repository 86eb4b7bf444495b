//! A server that is a program of ours and speaks on its standard input and output (§13, MCP "stdio").

mod group;
mod lines;
mod pipe;
mod stderr;

pub(crate) use pipe::Pipe;
