//! How results look: formats, tables, colour, and the handle to stdout.

mod paint;
mod pretty;
mod screen;
mod table;
mod yaml;

pub(crate) use paint::Paint;
pub(crate) use pretty::pretty;
pub(crate) use screen::{Screen, Terminals};
pub(crate) use table::{Table, of_value};
pub(crate) use yaml::yaml;
