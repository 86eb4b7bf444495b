//! Lists: what is chosen, in which order, from files in whatever form.

use super::*;
use open_cli_contract::Timestamp;
use open_cli_contract::traces::{SpanRecord, TraceSummary};

/// 200 requests over several files: each tenth refused, each 25th failed; and background work.
fn filled(directory: &Path) -> Arc<TraceFile> {
    let file = open(directory, options(64 << 10));
    for n in 0..200 {
        let outcome = match n {
            n if n % 25 == 0 => Outcome::Failed,
            n if n % 10 == 0 => Outcome::Refused,
            _ => Outcome::Done,
        };
        call(file.clone(), &format!("r-{n}"), &outcome);
        if n % 20 == 0 {
            Trace::detached(file.clone()).span("catalog.build").end();
            flushed(&file);
        }
    }
    flushed(&file);
    until_packed(directory);
    file
}

fn requests(list: &[TraceSummary]) -> Vec<&str> {
    list.iter().map(|row| row.request_id.as_deref().unwrap_or(&row.name)).collect()
}

#[test]
fn a_list_has_what_is_asked_for_newest_first() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = filled(root.path());
    assert!(with_ending(root.path(), ".gz").len() > 3);
    let all = file.store().list(&ListQuery { limit: 1000, background: true, ..ListQuery::default() });
    let all = all.expect("readable");
    assert_eq!(all.len(), 210);
    assert!(all.is_sorted_by(|a, b| a.started_at >= b.started_at));
    let middle = all[100].started_at;
    let is_late = |root: &SpanRecord| root.request_id().is_some_and(|id| id.ends_with('7'));
    let any = ListQuery { limit: 1000, ..ListQuery::default() };
    for (what, query, expected) in [
        ("requests", any, 200),
        ("failed and refused", ListQuery { errors: true, ..any }, 24),
        ("nothing is that slow", ListQuery { slow: Some(Duration::from_secs(60)), ..any }, 0),
        ("all are that slow", ListQuery { slow: Some(Duration::from_nanos(1)), ..any }, 200),
        ("tool", ListQuery { tool: Some("orders:listOrders"), ..any }, 200),
        ("another tool", ListQuery { tool: Some("orders:list"), ..any }, 0),
        ("service", ListQuery { service: Some("orders"), ..any }, 200),
        ("another service", ListQuery { service: Some("listOrders"), ..any }, 0),
        ("names", ListQuery { names: &["runtime.tools.execute", "x"], ..any }, 200),
        ("a part of a name", ListQuery { names: &["runtime"], ..any }, 0),
        ("background", ListQuery { names: &["catalog.build"], background: true, ..any }, 10),
        ("the caller decides", ListQuery { is_wanted: Some(&is_late), ..any }, 20),
        ("both sides of a moment", ListQuery { since: Some(middle), background: true, ..any }, 101),
        ("and the other", ListQuery { until: Some(middle), background: true, ..any }, 109),
        ("the future", ListQuery { since: Some(Timestamp::MAX), ..any }, 0),
        ("a limit", ListQuery { limit: 7, ..any }, 7),
        ("none", ListQuery { limit: 0, ..any }, 0),
    ] {
        let found = file.store().list(&query).expect("readable");
        assert_eq!(found.len(), expected, "{what}");
    }
    let newest = file.store().list(&ListQuery { limit: 3, ..any }).expect("readable");
    assert_eq!(requests(&newest), ["r-199", "r-198", "r-197"]);
    let failed = file.store().list(&ListQuery { limit: 3, errors: true, ..any }).expect("readable");
    assert_eq!(requests(&failed), ["r-190", "r-180", "r-175"]);
}

#[test]
fn a_stopped_instance_answers_the_same_with_and_without_indexes() {
    let root = tempfile::tempdir().expect("temporary directory");
    let query = ListQuery { limit: 1000, background: true, ..ListQuery::default() };
    let file = filled(root.path());
    let (list, found) =
        (file.store().list(&query).expect("readable"), file.store().find("r-3").expect("readable"));
    assert_eq!(found.len(), 7);
    drop(file);
    let store = TraceStore::new(root.path());
    let indexes = with_ending(root.path(), ".idx");
    let good = std::fs::read(&indexes[0]).expect("readable");
    for damage in ["none", "missing", "empty", "other"] {
        for path in &indexes {
            match damage {
                "missing" => std::fs::remove_file(path).expect("removed"),
                "empty" => replaced(path, b""),
                "other" => replaced(path, &[&good[..good.len() / 2], &[7; 9]].concat()),
                _ => {}
            }
        }
        assert_eq!(store.list(&query).expect("readable"), list, "{damage}");
        assert_eq!(store.find("r-3").expect("readable"), found, "{damage}");
        assert_eq!(std::fs::read(&indexes[0]).expect("readable"), good, "made again");
    }
}

fn replaced(path: &Path, content: &[u8]) {
    open_cli_files::replace(path, content, open_cli_files::Durability::Unsynced).expect("replaced");
}

#[test]
fn lines_of_others_damage_and_huge_lines_cost_nothing_else() {
    let root = tempfile::tempdir().expect("temporary directory");
    drop(filled(root.path()));
    let packed = with_ending(root.path(), ".gz");
    // The first file loses its second half, the second is no gzip at all, and both lose their indexes.
    let bytes = std::fs::read(&packed[0]).expect("readable");
    replaced(&packed[0], &bytes[..bytes.len() / 2]);
    replaced(&packed[1], b"not compressed");
    for path in with_ending(root.path(), ".idx") {
        std::fs::remove_file(path).expect("removed");
    }
    let live = root.path().join("traces.jsonl");
    let mut lines = std::fs::read(&live).expect("readable");
    lines.extend(format!("{{\"x\":\"{}\"}}\n[]\n\u{0}\n", "y".repeat(20 << 20)).into_bytes());
    lines.extend(
        br#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"other","kind":2,
        "startTimeUnixNano":"1769846400000000000","endTimeUnixNano":"1769846400000000001"}]}]}]}"#
            .iter()
            .filter(|byte| **byte != b'\n'),
    );
    lines.push(b'\n');
    replaced(&live, &lines);
    let store = TraceStore::new(root.path());
    assert_eq!(store.find("4bf92f3577b34da6a3ce929d0e0e4736").expect("readable").len(), 1);
    assert_eq!(store.find("r-199").expect("readable").len(), 7);
    let list = store.list(&ListQuery { limit: 1000, background: true, ..ListQuery::default() }).expect("readable");
    assert!((100..211).contains(&list.len()), "{}", list.len());
    assert!(list.iter().any(|row| row.name == "other"));
}

#[test]
fn a_folder_that_is_not_there_has_no_traces() {
    let store = TraceStore::new("/nonexistent/open-cli/traces");
    assert!(store.find("r-1").expect("none").is_empty());
    assert!(store.list(&ListQuery::default()).expect("none").is_empty());
    let root = tempfile::tempdir().expect("temporary directory");
    let file = root.path().join("file");
    open_cli_files::append_private(&file).expect("created");
    let error = TraceStore::new(&file).list(&ListQuery::default()).expect_err("no folder");
    assert!(error.to_string().contains("cannot read"), "{error}");
}
