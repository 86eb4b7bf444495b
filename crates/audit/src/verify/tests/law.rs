//! The law: whatever is done to a log is found, and nothing else is.

use super::*;
use proptest::prelude::*;

/// Something to do to a log.
#[derive(Debug, Clone)]
enum Change {
    Flip { part: prop::sample::Index, at: prop::sample::Index, bit: u8 },
    Cut { part: prop::sample::Index, at: prop::sample::Index },
    RemoveLines { part: prop::sample::Index, at: prop::sample::Index, count: usize },
    Swap { part: prop::sample::Index, a: prop::sample::Index, b: prop::sample::Index },
    Copy { part: prop::sample::Index, a: prop::sample::Index, b: prop::sample::Index },
    Insert { part: prop::sample::Index, at: prop::sample::Index, text: Vec<u8> },
    RemoveFile { part: prop::sample::Index },
    SwapFiles { a: prop::sample::Index, b: prop::sample::Index },
    Raw { part: prop::sample::Index, at: prop::sample::Index, bit: u8 },
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), index(), 0..8_u8).prop_map(|(part, at, bit)| Change::Flip { part, at, bit }),
        (index(), index()).prop_map(|(part, at)| Change::Cut { part, at }),
        (index(), index(), 1..4_usize).prop_map(|(part, at, count)| Change::RemoveLines { part, at, count }),
        (index(), index(), index()).prop_map(|(part, a, b)| Change::Swap { part, a, b }),
        (index(), index(), index()).prop_map(|(part, a, b)| Change::Copy { part, a, b }),
        (index(), index(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(part, at, text)| Change::Insert { part, at, text }),
        index().prop_map(|part| Change::RemoveFile { part }),
        (index(), index()).prop_map(|(a, b)| Change::SwapFiles { a, b }),
        (index(), index(), 0..8_u8).prop_map(|(part, at, bit)| Change::Raw { part, at, bit }),
    ]
}

/// Does it, and tells whether that changed any record. None: no, but something that may be told.
fn apply(change: &Change, path: &Path) -> Option<bool> {
    let parts = texts(path);
    let before: Vec<_> = parts.iter().map(|(_, text)| text.clone()).collect();
    let edit = |part: &prop::sample::Index, edit: &dyn Fn(&mut Vec<u8>)| {
        let (file, mut text) = parts[part.index(parts.len())].clone();
        edit(&mut text);
        put(&file, &text);
    };
    let edit_lines = |part: &prop::sample::Index, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        edit(part, &|text| {
            let mut lines = lines(text);
            change(&mut lines);
            *text = lines.concat();
        });
    };
    match change {
        Change::Flip { part, at, bit } => edit(part, &|text| {
            let at = at.index(text.len());
            text[at] ^= 1 << bit;
        }),
        Change::Cut { part, at } => edit(part, &|text| text.truncate(at.index(text.len()))),
        Change::RemoveLines { part, at, count } => edit_lines(part, &|lines| {
            let at = at.index(lines.len());
            lines.drain(at..(at + count).min(lines.len()));
        }),
        Change::Swap { part, a, b } => edit_lines(part, &|lines| {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
        }),
        Change::Copy { part, a, b } => edit_lines(part, &|lines| {
            let line = lines[a.index(lines.len())].clone();
            lines.insert(b.index(lines.len() + 1), line);
        }),
        Change::Insert { part, at, text } => edit_lines(part, &|lines| {
            let at = at.index(lines.len() + 1);
            lines.insert(at, [text.as_slice(), b"\n"].concat());
        }),
        Change::RemoveFile { part } => std::fs::remove_file(&parts[part.index(parts.len())].0).expect("removed"),
        Change::SwapFiles { a, b } => {
            let (a, b) = (&parts[a.index(parts.len())], &parts[b.index(parts.len())]);
            put(&a.0, &b.1);
            put(&b.0, &a.1);
        }
        Change::Raw { part, at, bit } => {
            let file = &parts[part.index(parts.len())].0;
            let mut bytes = std::fs::read(file).expect("readable");
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            replace(file, &bytes, Durability::Unsynced).expect("written");
            // Some bits of a gzip header mean nothing.
            let mut text = Vec::new();
            let is_changed = file.extension().is_none_or(|extension| extension != "gz")
                || MultiGzDecoder::new(&*bytes).read_to_end(&mut text).is_err()
                || before.iter().all(|before| *before != text);
            return is_changed.then_some(true);
        }
    }
    if !parts.iter().all(|(path, _)| path.exists()) {
        return Some(true);
    }
    let mut after: Vec<_> = texts(path).into_iter().map(|(_, text)| text).collect();
    if after == before {
        return Some(false);
    }
    // A file whose last record lacks nothing but its LF holds every record as it was: a crash leaves a live log like
    // that, and a start completes it (AUDIT-5).
    for (before, after) in before.iter().zip(&mut after) {
        if before.strip_suffix(b"\n") == Some(after) {
            after.push(b'\n');
        }
    }
    (after != before).then_some(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_log_verifies_until_something_is_changed(
        sizes in prop::collection::vec(1..8_usize, 1..4),
        sealed: bool,
        changes in prop::collection::vec(change(), 12),
    ) {
        let root = tempfile::tempdir().expect("temporary directory");
        let original = root.path().join("original");
        std::fs::create_dir(&original).expect("created");
        log_of(&original.join("audit.log"), &sizes, sealed);
        prop_assert_eq!(check(&original.join("audit.log")).problems, vec![]);
        for (number, change) in changes.iter().enumerate() {
            let copy = root.path().join(number.to_string());
            std::fs::create_dir(&copy).expect("created");
            for entry in std::fs::read_dir(&original).expect("readable") {
                let entry = entry.expect("readable");
                std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("copied");
            }
            let path = copy.join("audit.log");
            let is_changed = apply(change, &path);
            let report = verify(&path, &VerifyOptions::default());
            let is_ok = report.as_ref().is_ok_and(|report| report.is_ok() && report.torn_bytes == 0);
            prop_assert!(is_changed.is_none_or(|is_changed| is_ok != is_changed), "{:?}: {:?}", change, report);
        }
    }
}
