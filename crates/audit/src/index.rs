//! The index of a sealed segment: for each record where it is, when it happened and hashes of what queries ask for,
//! column by column, so that a query reads a few bytes per record and inflates only blocks with hits.
//!
//! An index only says where to look: every hit is confirmed on the record itself, so a collision of two hashes
//! costs time and nothing else. It holds nothing that the segment does not: a missing, damaged or outdated one is
//! built anew. Not for logs that still grow.

mod build;
mod format;
mod read;

pub(crate) use build::Builder;
pub(crate) use format::{BlockEntry, Key};
pub(crate) use read::{Index, Wanted};

use crate::AuditError;
use crate::scan::Chunk;
use crate::sealed::Blocks;
use open_cli_files::{Durability, replace_with};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// The index of a segment, from its file or built anew.
///
/// # Errors
/// When the segment can't be read. An index that can't be written is kept without a name until it is dropped.
pub(crate) fn open_or_rebuild(gz: &Arc<File>, gz_path: &Path, idx: &Path) -> Result<Index, AuditError> {
    if let Ok(file) = File::open(idx)
        && let Ok(Some(index)) = Index::open(file, gz)
    {
        return Ok(index);
    }
    rebuild(gz, gz_path, idx).map_err(|cause| AuditError::Read { path: gz_path.to_owned(), cause })
}

fn rebuild(gz: &Arc<File>, gz_path: &Path, idx: &Path) -> io::Result<Index> {
    let in_place = replace_with(idx, Durability::Unsynced, |file| build(gz, BufWriter::new(file)));
    if in_place.is_ok() {
        let file = File::open(idx);
        if !gz_path.exists() {
            // Retention was faster: an index without its segment is of no use to anybody.
            let _ = std::fs::remove_file(idx);
        }
        if let Ok(file) = file
            && let Some(index) = Index::open(file, gz)?
        {
            return Ok(index);
        }
    }
    let mut file = tempfile::tempfile()?;
    build(gz, BufWriter::new(&mut file))?;
    Index::open(file, gz)?.ok_or_else(|| io::Error::other("the segment changed while it was read"))
}

/// Builds an index from the segment.
fn build(gz: &Arc<File>, out: impl Write) -> io::Result<()> {
    let mut blocks = Blocks::of(Arc::clone(gz))?;
    let mut index = Builder::new(out)?;
    // Blocks are chunks as they were when the segment was written; whether one ends within a line shows.
    let mut is_cut = false;
    while let Some(block) = blocks.next()? {
        let length = usize::try_from(block.length).map_err(io::Error::other)?;
        match block.text {
            Some((text, crc)) => {
                let head_cut = is_cut;
                is_cut = text.len() == crate::scan::CHUNK_MAX && text.last() != Some(&b'\n');
                let chunk = Chunk { at: 0, text, head_cut, tail_cut: is_cut };
                index.block(block.at, length, crc, chunk)?;
            }
            None => {
                is_cut = false;
                index.damaged(block.at, length, block.text_length)?;
            }
        }
    }
    let length = blocks.compressed_bytes();
    index.finish(length).map(drop)
}

#[cfg(test)]
mod tests;
