//! stdout as a handle: who reads it decides the default format, the width and the colour (deviation 12, W39).

use super::{Paint, Table, pretty, yaml};
use crate::args::{ColorChoice, Format, Globals};
use crate::failure::Failure;
use open_cli_client::Environment;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Which standard streams are terminals.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terminals {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Terminals {
    pub(crate) fn of_process() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) terminals: Terminals,
    format: Option<Format>,
    width: Option<usize>,
    /// For stdout.
    pub(crate) paint: Paint,
    /// For stderr.
    pub(crate) error_paint: Paint,
}

impl Screen {
    pub(crate) fn new(globals: &Globals, environment: &Environment, terminals: Terminals) -> Self {
        let colour = |is_terminal: bool| Paint {
            is_on: match globals.color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => {
                    is_terminal
                        && environment.get("NO_COLOR").is_none()
                        && environment.get("TERM").as_deref() != Some("dumb")
                }
            },
        };
        let width = terminals.stdout.then(terminal_width).flatten();
        Self {
            terminals,
            format: globals.format,
            width,
            paint: colour(terminals.stdout),
            error_paint: colour(terminals.stderr),
        }
    }

    /// Format of a tool's result.
    pub(crate) fn result_format(&self) -> Format {
        self.format.unwrap_or(if self.terminals.stdout { Format::Pretty } else { Format::Json })
    }

    /// Format of a list or report.
    pub(crate) fn list_format(&self) -> Format {
        self.format.unwrap_or(if self.terminals.stdout { Format::Table } else { Format::Json })
    }

    /// Columns of the terminal; `None` when stdout is not one.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Columns that running text is broken at.
    pub(crate) fn text_width(&self) -> usize {
        self.width.unwrap_or(100).clamp(40, 120)
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::of_output(&error))
    }

    /// Writes text; the caller has ended its lines.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        self.write(text.as_bytes())
    }

    /// Writes a table, fitted to the terminal.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        self.text(&table.render(self.width, self.paint))
    }

    /// Writes a report: structured, or as the layout that `layout` gives.
    pub(crate) fn report<T: Serialize>(
        &self,
        value: &T,
        layout: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        let unwritable =
            |error: serde_json::Error| Failure::of_output(&io::Error::other(format!("not JSON: {error}")));
        match self.list_format() {
            Format::Table => self.text(&layout()?),
            Format::Yaml => self.text(&yaml(&serde_json::to_value(value).map_err(unwritable)?)),
            format => {
                let mut json = serde_json::to_vec(value).map_err(unwritable)?;
                if format == Format::Pretty {
                    json = pretty(&json);
                }
                json.push(b'\n');
                self.write(&json)
            }
        }
    }

    /// A remark for the person at the terminal. Failing to make it is no failure.
    pub(crate) fn remark(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}
