//! An index as a query sees it.

use super::*;
use crate::scan::record_at;
use crate::sealed::tests::{Place, linked, place_with};
use crate::sealed::{Unpacker, write_segment};
use open_cli_contract::Timestamp;

fn sealed(text: &[u8]) -> (Place, Arc<File>) {
    let place = place_with(text);
    write_segment(&place.source, &place.gz, &place.idx).expect("sealed");
    let gz = Arc::new(File::open(&place.gz).expect("opened"));
    (place, gz)
}

/// Request ids of the records that an index names.
fn requests(index: &Index, gz: &File, wanted: &Wanted) -> Vec<String> {
    let (mut found, mut text, mut member) = (Vec::new(), Vec::new(), Vec::new());
    for group in index.groups() {
        let starts = index.starts(group).expect("a good column");
        for record in index.select(group, wanted).expect("good columns") {
            let block = group.blocks.partition_point(|block| block.first_record <= record) - 1;
            let block = &group.blocks[block];
            member.resize(block.length as usize, 0);
            crate::scan::read_at(gz, &mut member, block.at).expect("readable");
            assert_eq!(Unpacker::new().unpack(&member, &mut text), Some(block.crc));
            let record = record_at(&text, starts[record as usize] as usize).expect("a record");
            found.push(record.head.request_id.into_owned());
        }
    }
    found
}

fn wanted(values: &[(Key, &str)]) -> Wanted {
    Wanted::new(None, None, values.iter().copied())
}

#[test]
fn records_are_found_by_key_and_by_time() {
    let (place, gz) = sealed(&linked(70_000));
    let index = open_or_rebuild(&gz, &place.gz, &place.idx).expect("opened");
    assert!(index.groups().len() > 1);
    let blocks: Vec<_> = index.groups().iter().flat_map(|group| &group.blocks).collect();
    assert_eq!((blocks[0].first_seq, blocks[blocks.len() - 1].last_seq), (1, 70_000));
    assert!(blocks.windows(2).all(|pair| pair[0].last_seq + 1 == pair[1].first_seq
        && pair[0].text_at + u64::from(pair[0].text_length) == pair[1].text_at));

    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-69999")])), ["r-69999"]);
    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-70000")])), [""; 0]);
    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Tool, "tool-3"), (Key::Decision, "denied")])), [""; 0]);
    let tool = wanted(&[(Key::Tool, "tool-3"), (Key::Decision, "allowed"), (Key::Principal, "")]);
    let found = requests(&index, &gz, &tool);
    assert_eq!((found.len(), &*found[0], &*found[6_999]), (7_000, "r-3", "r-69993"));
    let at = |second: i64| Timestamp::from_second(1_767_225_600 + second).ok();
    let window = Wanted::new(at(40_000), at(40_002), [(Key::Tool, "tool-1")].into_iter());
    assert_eq!(requests(&index, &gz, &window), ["r-40001"]);
    let window = Wanted::new(at(69_998), None, std::iter::empty());
    assert_eq!(requests(&index, &gz, &window), ["r-69998", "r-69999"]);
    assert_eq!(index.groups().iter().map(|group| group.records).sum::<u32>(), 70_000);
}

/// Dictionaries of every width, times that are far apart.
#[test]
fn a_group_of_many_different_values_is_read_as_it_was_written() {
    let text: String = (0..140_000)
        .map(|i| {
            let second = i64::from(i) * 20_000_000 % 200_000_000_000;
            let time = Timestamp::from_second(second).expect("in range");
            format!(
                "{{\"timestamp\":\"{time}\",\"toolId\":\"{i}\",\"principal\":\"{}\",\"requestId\":\"{i}\"}}\n",
                i % 300
            )
        })
        .collect();
    let (place, gz) = sealed(text.as_bytes());
    let index = open_or_rebuild(&gz, &place.gz, &place.idx).expect("opened");
    for i in [0, 299, 300, 31_000, 65_600, 139_999] {
        let (id, principal) = (i.to_string(), (i % 300).to_string());
        let keys = wanted(&[(Key::Tool, &id), (Key::Principal, &principal)]);
        assert_eq!(requests(&index, &gz, &keys), [id]);
    }
}

#[test]
fn an_index_that_is_missing_damaged_or_of_another_segment_is_built_anew() {
    let (place, gz) = sealed(&linked(5_000));
    let good = std::fs::read(&place.idx).expect("readable");
    let (other, _) = sealed(&linked(4_999));
    let mut cases = vec![
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("cut", Some(good[..good.len() - 1].to_vec())),
        ("another version", Some([b"OCAUDIX0", &good[8..]].concat())),
        ("of another segment", Some(std::fs::read(&other.idx).expect("readable"))),
        ("text", Some(b"hello".repeat(100))),
    ];
    for byte in [0, good.len() - 1, good.len() - 10, good.len() - 14, good.len() - 30, good.len() - 500] {
        let mut damaged = good.clone();
        damaged[byte] ^= 1;
        cases.push(("a changed byte", Some(damaged)));
    }
    for (what, content) in cases {
        match content {
            Some(content) => open_cli_files::replace(&place.idx, &content, Durability::Unsynced).expect("written"),
            None => std::fs::remove_file(&place.idx).expect("removed"),
        }
        let index = open_or_rebuild(&gz, &place.gz, &place.idx).expect("rebuilt");
        assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-4321")])), ["r-4321"], "{what}");
        assert!(std::fs::read(&place.idx).expect("readable") == good, "{what}: the same index as before");
    }
    // A column is checked when it is read.
    let mut damaged = good.clone();
    damaged[100] ^= 1;
    open_cli_files::replace(&place.idx, &damaged, Durability::Unsynced).expect("written");
    let index = open_or_rebuild(&gz, &place.gz, &place.idx).expect("its directory is good");
    index.starts(&index.groups()[0]).expect_err("a damaged column");
}

#[test]
fn an_index_that_has_no_place_is_used_all_the_same() {
    let (place, gz) = sealed(&linked(100));
    let nowhere = place.root.path().join("nowhere/s.idx");
    let index = open_or_rebuild(&gz, &place.gz, &nowhere).expect("built");
    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-7")])), ["r-7"]);
    std::fs::remove_file(&place.gz).expect("removed");
    std::fs::remove_file(&place.idx).expect("removed");
    let index = open_or_rebuild(&gz, &place.gz, &place.idx).expect("built");
    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-7")])), ["r-7"]);
    assert!(!place.idx.exists(), "retention removed the segment");
}

#[test]
fn a_damaged_block_is_counted_and_the_rest_is_indexed() {
    let (place, _) = sealed(&linked(5_000));
    let mut bytes = std::fs::read(&place.gz).expect("readable");
    bytes[1000] ^= 0x55;
    open_cli_files::replace(&place.gz, &bytes, Durability::Unsynced).expect("written");
    std::fs::remove_file(&place.idx).expect("removed");
    let gz = Arc::new(File::open(&place.gz).expect("opened"));
    let index = open_or_rebuild(&gz, &place.gz, &place.idx).expect("built");
    let group = &index.groups()[0];
    assert_eq!((group.blocks[0].bad_lines, group.blocks[0].first_seq, group.blocks[1].bad_lines), (1, 0, 0));
    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-4999")])), ["r-4999"]);
    assert_eq!(requests(&index, &gz, &wanted(&[(Key::Request, "r-1")])), [""; 0]);
}
