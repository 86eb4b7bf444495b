//! Reading a log as text: in pieces, in lines, in records. Bounds are on a line, not on the file (AUDIT-4,
//! weakness 55).
//!
//! Not for compressed segments (see `sealed`) and not for choosing records (see `query`).

mod chunks;
mod records;

pub(crate) use chunks::{CHUNK, CHUNK_MAX, Chunk, Chunks, Direction, read_at};
pub(crate) use records::{Head, Record, each_record, lines, record_at, records_of};
