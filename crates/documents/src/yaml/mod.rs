//! YAML 1.2 to compact JSON text, event by event, without a tree (catalog-and-execution §4.1). Anchored nodes are
//! replayed by copying the JSON they became, so an alias costs what it expands to and nothing more; the output, the
//! expansion, the nodes and the depth are bounded. Only the first document of a stream is read (OA-1).

mod merge;
mod scalar;
mod transcoder;

#[cfg(test)]
mod tests;

use granit_parser::{Event, Marker, Parser, ScanError, StrInput};
use transcoder::Transcoder;

/// Most JSON that YAML may become, aliases expanded.
pub(crate) const MAX_OUTPUT_BYTES: usize = 64 << 20;
/// Most scalars, lists and mappings of one document.
pub(crate) const MAX_NODES: usize = 5_000_000;
/// Longest key before its `:`, in characters. YAML's own 1024 is too few for JSON-like keys of real documents.
const MAX_KEY_CHARACTERS: usize = 16 << 10;

/// What is wrong with a YAML text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct YamlError {
    /// First line is 1.
    pub line: usize,
    /// First column is 1.
    pub column: usize,
    /// What is wrong, and what to do about it.
    pub reason: String,
}

impl YamlError {
    fn at(mark: &Marker, reason: impl Into<String>) -> Self {
        Self { line: mark.line(), column: mark.col() + 1, reason: reason.into() }
    }
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        Self::at(error.marker(), error.info())
    }
}

/// Bounds of one transcoding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) output_bytes: usize,
    pub(crate) nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output_bytes: MAX_OUTPUT_BYTES, nodes: MAX_NODES }
    }
}

/// The events of a text. There are as many as it has nodes: aliases are not followed.
pub(crate) fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let options = granit_parser::options! {
        simple_key_max_lookahead: MAX_KEY_CHARACTERS,
        emit_comments: false,
        // As libyaml has it: the text of a block scalar is what was written, also at the end of a file.
        block_scalar_eof_without_line_feed: true,
    };
    Parser::new_from_str_with_options(text, options)
}

/// The first document of the text as compact JSON; `null` when there is none.
pub(crate) fn to_json(text: &str, limits: Limits) -> Result<Vec<u8>, YamlError> {
    let mut transcoder = Transcoder::new(text.len(), limits);
    for next in parser(text) {
        let (event, span) = next?;
        let mark = &span.start;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                transcoder.scalar(&text, style, anchor, tag.as_deref(), mark)?;
            }
            Event::Alias(anchor) => transcoder.alias(anchor, mark)?,
            Event::SequenceStart(_, anchor, tag) => transcoder.start(false, anchor, tag.as_deref(), mark)?,
            Event::MappingStart(_, anchor, tag) => transcoder.start(true, anchor, tag.as_deref(), mark)?,
            Event::SequenceEnd | Event::MappingEnd => transcoder.end(mark)?,
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Ok(transcoder.finish())
}
