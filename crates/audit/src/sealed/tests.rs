//! A segment as its reader sees it.

use super::*;
use crate::chain::{Position, splice};
use open_cli_files::append_private;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;

pub(crate) struct Place {
    pub(crate) root: tempfile::TempDir,
    pub(crate) source: PathBuf,
    pub(crate) gz: PathBuf,
    pub(crate) idx: PathBuf,
}

pub(crate) fn place_with(text: &[u8]) -> Place {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = |name: &str| root.path().join(name);
    let (source, gz, idx) = (at("source"), at("s.gz"), at("s.idx"));
    append_private(&source).expect("opened").write_all(text).expect("written");
    Place { root, source, gz, idx }
}

/// `count` linked lines; the tool is one of ten.
pub(crate) fn linked(count: usize) -> Vec<u8> {
    let (mut text, mut position) = (Vec::new(), Position::default());
    for i in 0..count {
        let body = format!(
            "{{\"timestamp\":\"{}\",\"toolId\":\"tool-{}\",\"decision\":\"allowed\",\"requestId\":\"r-{i}\",\"pad\":\"{}\"}}",
            Timestamp::from_second(1_767_225_600 + i as i64).expect("in range"),
            i % 10,
            "x".repeat(300),
        );
        position = splice(&mut text, body.as_bytes(), position);
    }
    text
}

/// The texts of the blocks; None for a damaged one.
fn blocks(gz: &Path) -> Vec<Option<Vec<u8>>> {
    let mut blocks = Blocks::open(gz).expect("opened");
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(block) = blocks.next().expect("readable") {
        assert_eq!(block.at, at, "no byte is left out");
        at += block.length;
        found.push(block.text.map(|(text, crc)| {
            assert_eq!(super::crc(text), crc);
            text.to_vec()
        }));
    }
    assert_eq!(at, blocks.compressed_bytes());
    found
}

#[test]
fn a_sealed_segment_is_gzip_and_has_the_text_that_was_sealed() {
    let place = place_with(&linked(5_000));
    let text = std::fs::read(&place.source).expect("readable");
    let info = write_segment(&place.source, &place.gz, &place.idx).expect("sealed");
    let last = text.strip_suffix(b"\n").expect("LF").rsplit(|byte| *byte == b'\n').next().expect("a line");
    assert_eq!(
        info,
        SealedInfo {
            records: 5_000,
            bad_lines: 0,
            bytes: text.len() as u64,
            first_seq: 1,
            last_seq: 5_000,
            sha256: Hash::of(&text),
            last_line_hash: Hash::of(last),
            first_time: Timestamp::from_second(1_767_225_600).ok(),
            last_time: Timestamp::from_second(1_767_225_600 + 4_999).ok(),
        }
    );
    let found = blocks(&place.gz);
    assert!(found.len() > 5 && found.iter().flatten().all(|block| block.ends_with(b"\n")));
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>().concat(), text);

    let mut plain = Vec::new();
    let file = File::open(&place.gz).expect("opened");
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut plain).expect("gzip");
    assert_eq!(plain, text);
    let output = Command::new("gzip").arg("-dc").arg(&place.gz).output().expect("gzip runs");
    assert!(output.status.success() && output.stdout == text, "{}", String::from_utf8_lossy(&output.stderr));
    let names = std::fs::read_dir(place.root.path()).expect("readable").count();
    assert_eq!(names, 3, "nothing is left behind");
}

#[test]
fn any_text_is_sealed() {
    let a = "{\"timestamp\":\"2026-01-01T00:00:00Z\"}";
    let long = "x".repeat(5 << 20);
    for (text, records, bad, last_line) in [
        (String::new(), 0, 0, None),
        ("\n\n".into(), 0, 0, None),
        (a.into(), 1, 0, Some(a)),
        (format!("{a}\n\n\n"), 1, 0, Some(a)),
        (format!("{a}\nx"), 1, 1, Some("x")),
        (format!("{a}\n{long}\n{a}{a}\n"), 3, 1, None),
        (format!("{a}\n{long}\n"), 1, 1, Some(&long)),
        (format!("{a}\n{long}"), 1, 1, Some(&long)),
    ] {
        let place = place_with(text.as_bytes());
        let info = write_segment(&place.source, &place.gz, &place.idx).expect("sealed");
        assert_eq!((info.records, info.bad_lines, info.bytes), (records, bad, text.len() as u64));
        if let Some(line) = last_line {
            assert_eq!(info.last_line_hash, Hash::of(line.as_bytes()));
        }
        assert_eq!(blocks(&place.gz).into_iter().flatten().collect::<Vec<_>>().concat(), text.as_bytes());
        let mut plain = String::new();
        let file = File::open(&place.gz).expect("opened");
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut plain).expect("gzip");
        assert_eq!(plain, text);
    }
}

#[test]
fn a_damaged_block_costs_that_block_only() {
    let place = place_with(&linked(5_000));
    write_segment(&place.source, &place.gz, &place.idx).expect("sealed");
    let whole = blocks(&place.gz);
    let good = std::fs::read(&place.gz).expect("readable");
    let starts: Vec<_> = memchr::memmem::find_iter(&good, &member::MAGIC).collect();
    assert_eq!(starts.len(), whole.len());
    // Content, magic, the length in the header, and a header that claims to end where the file does.
    for (damaged, value) in [(1000, 0x55), (2, 0x55), (17, 0x55), (18, 0x55), (16, 0)] {
        for block in [0, 3, whole.len() - 1] {
            let mut bytes = good.clone();
            bytes[starts[block] + damaged] ^= value;
            bytes[starts[block] + 1001] ^= 0x55;
            let path = place.root.path().join("damaged.gz");
            open_cli_files::replace(&path, &bytes, Durability::Unsynced).expect("written");
            let mut expected = whole.clone();
            expected[block] = None;
            assert!(blocks(&path) == expected, "byte {damaged} of block {block}");
        }
    }
    // The end is missing.
    let path = place.root.path().join("cut.gz");
    open_cli_files::replace(&path, &good[..good.len() - 5], Durability::Unsynced).expect("written");
    let found = blocks(&path);
    assert_eq!((found.len(), found.last()), (whole.len(), Some(&None)));
    // What is no segment at all.
    open_cli_files::replace(&path, &vec![7; 1 << 20], Durability::Unsynced).expect("written");
    assert_eq!(blocks(&path), [None]);
}

#[test]
fn a_source_that_is_not_there_is_an_error_and_leaves_nothing() {
    let place = place_with(b"");
    let error = write_segment(&place.root.path().join("missing"), &place.gz, &place.idx).expect_err("missing");
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!place.gz.exists() && !place.idx.exists());
    let nowhere = place.root.path().join("nowhere/s.idx");
    write_segment(&place.source, &place.gz, &nowhere).expect_err("no such folder");
    assert!(!place.gz.exists(), "a segment is in place after its index only");
}
