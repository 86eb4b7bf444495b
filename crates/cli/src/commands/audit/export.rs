//! `audit export`: records as a file for other programs, in constant memory. The file appears when it is complete.

use super::filter::{DECISION, Filter, LIMIT, PRINCIPAL, REQUEST_ID, SERVICE, SINCE, TOOL, TRACE_ID, TYPE, UNTIL};
use super::whole_number;
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::moment::bytes;
use crate::text::count;
use open_cli_auditformat::{Format, Record};
use open_cli_client::{AuditLines, AuditQuery};
use open_cli_files::{Durability, replace_with};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes that are written at once.
const CHUNK: usize = 256 << 10;
/// An export that takes longer says how far it is.
const SILENT: Duration = Duration::from_secs(1);
/// How often it says so.
const NEWS: Duration = Duration::from_millis(200);
/// Stdout, as the name of a file.
const STDOUT: &str = "-";

pub(crate) const EXPORT_FLAGS: &[Flag] = &[
    Flag::new("output", Takes::Value("file|-"), "Where to write (required)"),
    Flag::new("export-format", Takes::OneOf(&Format::WORDS), "Format of the records (default jsonl)"),
    SINCE,
    UNTIL,
    TYPE,
    DECISION,
    TOOL,
    SERVICE,
    PRINCIPAL,
    REQUEST_ID,
    TRACE_ID,
    Flag { about: "At most so many, the latest (default all)", ..LIMIT },
];

pub(crate) fn run(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let Some(output) = app.line.flag("output").filter(|output| !output.is_empty()) else {
        return Err(Failure::usage("`open-cli audit export` needs `--output`", "It says where to write.")
            .suggest("Write e.g. `--output audit.jsonl`, or `--output -` for stdout."));
    };
    let limit = app.line.flag("limit").unwrap_or_default();
    if !limit.is_empty() {
        whole_number("limit", limit)?;
    }
    let filter = Filter::read(app)?;
    let format = app.line.flag("export-format").and_then(Format::parse).unwrap_or(Format::JsonLines);
    let interrupt = Interrupt::listen();
    let runtime = app.runtime()?;
    let info = runtime.info().map(|sent| sent.value).unwrap_or_default();
    let version = info.get("version").and_then(Value::as_str).unwrap_or("unknown");
    let lines = runtime.audit_lines(&AuditQuery { limit, ..filter.query() })?;
    if lines.is_truncated {
        app.screen.remark("There are older records that the runtime left out.");
    }
    let mut export =
        Export { app, filter, format, version, interrupt, lines, done: Done::default(), failure: None };
    if output == STDOUT {
        let mut out = io::stdout().lock();
        let written = export.write(&mut out).and_then(|()| out.flush());
        return export.end(written.map_err(|error| Failure::of_output(&error))).map(|(exit, _)| exit);
    }
    let path = app.working_dir()?.join(output);
    // The folder is somebody else's; the file is private.
    let written = replace_with(&path, Durability::Synced, |file| export.write(file));
    let (exit, done) = export.end(written.map_err(|error| unwritten(&path, &error)))?;
    if let Some(done) = done {
        report(app, &path, format, &done)?;
    }
    Ok(exit)
}

fn unwritten(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let message = format!("{} can't be written", path.display());
    Failure::new(Exit::Other, "export_unwritten", message, error.to_string())
        .suggest("Check that the folder exists, that you may write to it, and that there is room.")
}

fn report(app: &App, path: &Path, format: Format, done: &Done) -> Result<(), Failure> {
    let summary = json!({
        "file": path, "format": format.as_str(), "records": done.records, "bytes": done.bytes,
        "unreadable": done.unreadable,
    });
    app.screen.report(&summary, || {
        let records = count(usize::try_from(done.records).unwrap_or(usize::MAX), "record");
        Ok(format!("Wrote {records} ({}) to {}.\n", bytes(done.bytes), path.display()))
    })
}

/// What was written.
#[derive(Debug, Default, Clone)]
struct Done {
    records: u64,
    bytes: u64,
    unreadable: u64,
}

struct Export<'a> {
    app: &'a App,
    filter: Filter<'a>,
    format: Format,
    version: &'a str,
    interrupt: Interrupt,
    lines: AuditLines<'a>,
    done: Done,
    /// Why it stopped, when that was not the file's fault.
    failure: Option<Failure>,
}

impl Export<'_> {
    fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut news = News::start(self.app);
        let mut chunk = Vec::with_capacity(CHUNK * 2);
        let mut line = Vec::new();
        self.format.begin(&mut chunk);
        loop {
            match self.lines.next(&mut line) {
                Ok(true) => self.append(&line, &mut chunk),
                Ok(false) => break,
                Err(error) => {
                    self.failure = Some(error.into());
                    return Err(io::Error::other("the runtime's answer ended early"));
                }
            }
            if chunk.len() >= CHUNK {
                self.flush(out, &mut chunk)?;
                news.tell(&self.done);
            }
            if self.interrupt.is_set() {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        self.flush(out, &mut chunk)
    }

    fn append(&mut self, line: &[u8], chunk: &mut Vec<u8>) {
        match Record::parse(line) {
            Ok(record) if self.filter.fits_record(&record) => {
                self.format.append(&record, self.version, chunk);
                self.done.records += 1;
            }
            Ok(_) => {}
            Err(_) => self.done.unreadable += 1,
        }
    }

    fn flush(&mut self, out: &mut dyn Write, chunk: &mut Vec<u8>) -> io::Result<()> {
        out.write_all(chunk)?;
        self.done.bytes += chunk.len() as u64;
        chunk.clear();
        Ok(())
    }

    /// The end, whatever it was; what was done when it is complete.
    fn end(self, written: Result<(), Failure>) -> Result<(Exit, Option<Done>), Failure> {
        if self.interrupt.is_set() {
            self.app.screen.remark("Interrupted; there is no complete export.");
            return Ok((Exit::Interrupted, None));
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        written?;
        if self.done.unreadable > 0 {
            let lines = count(usize::try_from(self.done.unreadable).unwrap_or(usize::MAX), "line");
            self.app.screen.remark(&format!("{lines} could not be read as a record and were left out."));
        }
        Ok((Exit::Ok, Some(self.done)))
    }
}

/// How far it is, for a person who waits.
struct News {
    begin: Instant,
    told: Option<Instant>,
    is_wanted: bool,
}

impl News {
    fn start(app: &App) -> Self {
        Self { begin: Instant::now(), told: None, is_wanted: app.screen.terminals.stderr }
    }

    fn tell(&mut self, done: &Done) {
        let now = Instant::now();
        let is_due = self.told.map_or(now - self.begin >= SILENT, |told| now - told >= NEWS);
        if self.is_wanted && is_due {
            self.told = Some(now);
            let (records, written) = (done.records, bytes(done.bytes));
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K{records} records, {written}");
        }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
