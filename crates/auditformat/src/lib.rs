//! Audit records in the formats that other programs read: JSON lines, CSV (RFC 4180), OCSF and CEF. Pure functions
//! from one record to one line, so that a log of any size passes through. Not for finding records (that is `audit`), nor
//! for sending them.

mod cef;
mod csv;
mod jsonl;
mod ocsf;
mod record;

pub use ocsf::OCSF_VERSION;
pub use record::{MAX_RECORD, Record, RecordError};

/// Who says that it recorded the events.
const VENDOR: &str = "open-cli";
/// Its program.
const PRODUCT: &str = "open-cli-toolbox";

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The records as they are, one a line.
    JsonLines,
    /// RFC 4180 with a header. Cells that a spreadsheet would take for a formula begin with `'`.
    Csv,
    /// Open Cybersecurity Schema Framework, API Activity (class 6003), one JSON object a line; see [`OCSF_VERSION`].
    Ocsf,
    /// ArcSight Common Event Format, version 0.
    Cef,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::JsonLines, Self::Csv, Self::Ocsf, Self::Cef];
    /// Their words, in the same order.
    pub const WORDS: [&'static str; 4] = ["jsonl", "csv", "ocsf", "cef"];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The format of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// Media type of a file of it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines | Self::Ocsf => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Cef => "text/plain; charset=utf-8",
        }
    }

    /// Appends what stands before the first record; nothing for most formats.
    pub fn begin(self, out: &mut Vec<u8>) {
        if self == Self::Csv {
            csv::head(out);
        }
    }

    /// Appends a record and the end of its line. `version` is that of the program that recorded it.
    pub fn append(self, record: &Record<'_>, version: &str, out: &mut Vec<u8>) {
        match self {
            Self::JsonLines => jsonl::line(record, out),
            Self::Csv => csv::line(record, out),
            Self::Ocsf => ocsf::line(record, version, out),
            Self::Cef => cef::line(record, version, out),
        }
    }
}

/// What a type of event is called; the type itself when it has no other name.
pub fn event_name(kind: &str) -> &str {
    match kind {
        "tool_execution" => "Tool executed",
        "authz_denial" => "Call refused",
        "tool_preview" => "Call previewed",
        "execution_error" => "Call failed",
        "authn_failure" => "Authentication failed",
        "authenticated_connect" => "Caller authenticated",
        "catalog_filtered" => "Catalog read",
        "token_refresh" | "refresh" => "Catalog refreshed",
        "session_close" => "Session closed",
        "session_expiry" => "Session expired",
        "lease_expiry_shutdown" => "Runtime stopped after its last session",
        "runtime_stop" => "Runtime stopped",
        "audit_read" => "Audit log read",
        "workflow_plan" => "Workflow planned",
        "log_changed" => "Log filter changed",
        "" => "Event",
        other => other,
    }
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_its_format_belong_together() {
        for (format, word) in Format::ALL.into_iter().zip(Format::WORDS) {
            assert_eq!((format.as_str(), Format::parse(word)), (word, Some(format)));
        }
        assert_eq!(Format::parse("xml"), None);
    }

    #[test]
    fn every_record_is_one_line_in_every_format_but_csv_which_quotes_line_ends() {
        for line in samples::LINES {
            let pretty = line.replace(",\"", ",\n  \"");
            let record = Record::parse(pretty.as_bytes()).expect("a record");
            for format in [Format::JsonLines, Format::Ocsf, Format::Cef] {
                let mut out = Vec::new();
                format.append(&record, "1.2.3", &mut out);
                assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1, "{format:?} {line}");
                assert!(out.ends_with(b"\n") && !out.contains(&b'\r'), "{format:?} {line}");
            }
        }
    }
}
