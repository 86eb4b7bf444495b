//! The protobuf wire format (protobuf.dev/programming-guides/encoding): what OTLP's messages need of it, written
//! forwards into one buffer. Not a general encoder: no groups, no maps, no reflection.

/// Bytes kept for the length of a message whose length is known only afterwards. A varint may be padded; four bytes
/// hold lengths below 256 MiB.
const LENGTH_BYTES: usize = 4;
/// What the four bytes can say.
const MAX_LENGTH: usize = (1 << 28) - 1;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Appends a varint.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes a varint takes.
pub(crate) fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn key(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

/// Appends a whole number; negative ones as their two's complement (`int64`, `int32`).
pub(crate) fn uint(out: &mut Vec<u8>, field: u32, value: u64) {
    key(out, field, VARINT);
    varint(out, value);
}

/// Appends a `sint32` (zigzag).
pub(crate) fn sint(out: &mut Vec<u8>, field: u32, value: i32) {
    uint(out, field, u64::from((value << 1 ^ value >> 31) as u32));
}

/// Appends a `fixed64`.
pub(crate) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    key(out, field, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a `double`.
pub(crate) fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    fixed64(out, field, value.to_bits());
}

/// Appends a `fixed32`.
pub(crate) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    key(out, field, FIXED32);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends bytes or text, or a message whose bytes are at hand.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    header(out, field, value.len());
    out.extend_from_slice(value);
}

/// Appends text unless it is empty.
pub(crate) fn text(out: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        bytes(out, field, value.as_bytes());
    }
}

/// Appends the head of a message whose length is known.
pub(crate) fn header(out: &mut Vec<u8>, field: u32, length: usize) {
    key(out, field, LENGTH);
    varint(out, length as u64);
}

/// Length of a field with that many bytes, head included, when its number is below 16.
pub(crate) fn sized(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

/// Appends a message that `fill` writes; its length is put in afterwards. One that is longer than can be said is
/// left out: batches are bounded far below that.
pub(crate) fn message(out: &mut Vec<u8>, field: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let beginning = out.len();
    key(out, field, LENGTH);
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    fill(out);
    let length = out.len() - start - LENGTH_BYTES;
    if length > MAX_LENGTH {
        out.truncate(beginning);
        return;
    }
    for (index, byte) in out[start..start + LENGTH_BYTES].iter_mut().enumerate() {
        let more = if index + 1 < LENGTH_BYTES { 0x80 } else { 0 };
        *byte = (length >> (7 * index)) as u8 & 0x7f | more;
    }
}

/// Appends numbers of eight bytes each (`packed`).
pub(crate) fn packed_fixed64(out: &mut Vec<u8>, field: u32, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() > 0 {
        header(out, field, values.len() * 8);
        values.for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }
}

/// Appends varints (`packed`).
pub(crate) fn packed_varint(out: &mut Vec<u8>, field: u32, values: &[u64]) {
    if !values.is_empty() {
        header(out, field, values.iter().map(|value| varint_len(*value)).sum());
        values.iter().for_each(|value| varint(out, *value));
    }
}

/// A field that was read.
#[cfg(feature = "send")]
#[derive(Debug, PartialEq)]
pub(crate) enum Field<'a> {
    /// A varint.
    Number(u64),
    /// Bytes, text or a message.
    Bytes(&'a [u8]),
    /// Of another kind; nothing that is read here has one.
    Other,
}

/// Reads the fields of a message; ends at its end, or where it is malformed.
#[cfg(feature = "send")]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

#[cfg(feature = "send")]
impl<'a> Fields<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(feature = "send")]
impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.number()?;
        let field = match (key & 7) as u32 {
            VARINT => Field::Number(self.number()?),
            FIXED64 => self.take(8).map(|_| Field::Other)?,
            LENGTH => {
                let length = usize::try_from(self.number()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            FIXED32 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        };
        Some((key >> 3, field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_whose_length_comes_later_reads_like_any_other() {
        let mut out = Vec::new();
        message(&mut out, 1, |out| {
            uint(out, 2, 300);
            message(out, 3, |_| ());
            text(out, 4, "x");
            fixed32(out, 16, 7);
            double(out, 5, 1.5);
        });
        let (field, Field::Bytes(inner)) = Fields(&out).next().expect("a field") else { panic!("bytes") };
        assert_eq!(field, 1);
        let fields: Vec<_> = Fields(inner).collect();
        let expected = [
            (2, Field::Number(300)),
            (3, Field::Bytes(&[])),
            (4, Field::Bytes(b"x")),
            (16, Field::Other),
            (5, Field::Other),
        ];
        assert_eq!(fields, expected);
    }

    proptest! {
        #[test]
        fn a_varint_is_as_long_as_said_and_reads_back(value: u64) {
            let mut out = Vec::new();
            varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_len(value));
            prop_assert_eq!(Fields(&out).number(), Some(value));
        }

        #[test]
        fn reading_ends_on_any_bytes(bytes: Vec<u8>) {
            prop_assert!(Fields(&bytes).count() <= bytes.len());
        }
    }
}
