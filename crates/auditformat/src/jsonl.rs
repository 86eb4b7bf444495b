//! JSON lines: the record as it came.

use crate::Record;

/// Line ends within JSON are white space only, so that leaving them out changes nothing.
pub(crate) fn line(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend(record.line().iter().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_not_changed() {
        for text in crate::samples::LINES {
            let mut out = Vec::new();
            line(&Record::parse(text.as_bytes()).expect("a record"), &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), format!("{text}\n"));
        }
    }
}
