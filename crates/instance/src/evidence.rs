//! Is an audit log worth keeping? One that tells only that runtimes began and ended is not: a start leaves it. Reads
//! the live file, bounded; verifies nothing.

use crate::sizes::is_audit_file;
use open_cli_contract::audit::{RUNTIME_END, RUNTIME_START};
use serde::Deserialize;
use std::fs::DirEntry;
use std::path::Path;

/// A larger log is kept unread.
const MAX_BYTES: u64 = 256 << 10;
/// Files beside the log that hold no records.
const WITHOUT_RECORDS: [&[u8]; 3] = [b".key", b".pub", b".head"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_type: String,
}

/// Does the log, with everything beside it, tell of anything that somebody did? Yes when that can't be read.
pub(crate) fn is_evidence(log: &Path) -> bool {
    let (Some(folder), Some(name)) = (log.parent(), log.file_name()) else { return true };
    let name = name.as_encoded_bytes();
    let Ok(entries) = std::fs::read_dir(folder) else { return folder.exists() };
    let holds_records = |entry: &DirEntry| {
        let file = entry.file_name();
        let file = file.as_encoded_bytes();
        is_audit_file(file, name) && !WITHOUT_RECORDS.contains(&&file[name.len()..])
    };
    entries.flatten().filter(holds_records).any(|entry| match entry.file_name().len() == name.len() {
        true => has_records(log),
        // Something that was put aside, unless it is empty.
        false => entry.metadata().map_or(true, |found| found.len() > 0),
    })
}

fn has_records(log: &Path) -> bool {
    let Ok(text) = open_cli_files::read_bounded(log, MAX_BYTES) else { return true };
    let is_of_life = |line: &[u8]| {
        let record: Result<Record, _> = serde_json::from_slice(line);
        record.is_ok_and(|record| [RUNTIME_START, RUNTIME_END].contains(&&*record.event_type))
    };
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).any(|line| !is_of_life(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    #[test]
    fn only_starts_and_ends_of_runtimes_are_no_evidence() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let log = folder.path().join("audit.log");
        let put = |name: &str, text: &str| {
            let mut file = File::create(folder.path().join(name)).expect("created");
            file.write_all(text.as_bytes()).expect("written");
        };
        let life =
            r#"{"timestamp":"2026-01-01T00:00:00Z","eventType":"runtime_start","toolId":"runtime","seq":1}"#;
        let call = life.replace("runtime_start", "tool_execution");
        assert!(!is_evidence(&log) && !is_evidence(Path::new("/nowhere/audit.log")));
        put("audit.log.key", "key");
        put("audit.log.head", "{}");
        for (text, expected) in [
            (String::new(), false),
            (format!("{life}\n{}\n", life.replace("_start", "_end")), false),
            (format!("{life}\n{call}\n"), true),
            (format!("{life}\n{}", &life[..30]), true),
            ("not JSON".into(), true),
            (format!("{life}\n").repeat(4096), true),
        ] {
            put("audit.log", &text);
            assert_eq!(is_evidence(&log), expected, "{}", &text[..text.len().min(200)]);
        }
        put("audit.log", "");
        put("audit.log.000000000001.gz", "x");
        assert!(is_evidence(&log));
    }
}
