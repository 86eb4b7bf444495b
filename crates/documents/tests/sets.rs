//! Documents with the documents they refer to: catalog-and-execution §4.3 with weaknesses W13 to W15.

mod common;

use common::*;
use open_cli_contract::catalog::CacheOutcome;
use open_cli_documents::{Documents, DocumentsConfig, FetchPolicy, LoadedSet, Location};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

async fn load(documents: &Documents, location: &Location) -> LoadedSet {
    documents.load(location, &FetchPolicy::default(), &quiet()).await.expect("loaded")
}

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    for (name, content) in files {
        write(&dir.path().join(name), content.as_bytes());
    }
    dir
}

fn at(dir: &Path, name: &str) -> Location {
    Location::parse(name, dir).expect("location")
}

/// Locations below the folder, in order.
fn names(loaded: &LoadedSet, dir: &Path) -> Vec<String> {
    let name = |location: &Location| match location {
        Location::File(path) => path.strip_prefix(dir).expect("below").display().to_string(),
        Location::Url(url) => url.path().to_owned(),
        Location::Made(name) => name.clone(),
    };
    loaded.set.iter().map(|document| name(&document.location)).collect()
}

/// W14
#[tokio::test]
async fn local_documents_are_followed_from_where_they_are_each_once() {
    let dir = tree(&[
        ("api.yaml", "paths:\n  /a: {$ref: 'paths/a%20b.yaml#/x'}\n  /c: {$ref: ./paths/c.json}\n"),
        ("paths/a b.yaml", "x: {get: {$ref: '../schemas/s.yaml#/S'}}\ny: {$ref: c.json}\n"),
        ("paths/c.json", r##"{"get":{"$ref":"../api.yaml#/paths"},"put":{"$ref":"#/get"}}"##),
        ("schemas/s.yaml", "S: {properties: {self: {$ref: s.yaml#/S}, list: {$ref: list.yaml#/0}}}\n"),
        ("schemas/list.yaml", "- type: string\n"),
    ]);
    let loaded = load(&documents(dir.path()), &at(dir.path(), "api.yaml")).await;
    assert_eq!(
        names(&loaded, dir.path()),
        ["api.yaml", "paths/a b.yaml", "paths/c.json", "schemas/s.yaml", "schemas/list.yaml"]
    );
    assert_eq!(loaded.diagnostics, []);
    assert_eq!((loaded.files.len(), loaded.fetches.len(), loaded.expires_at), (5, 0, None));
    assert!(loaded.files.iter().all(|stamp| stamp.is_current() && stamp.state.is_some()));
    // The way an OpenAPI reader follows a reference.
    let held = loaded.set.root().location.join("paths/a%20b.yaml#/x").expect("joined");
    let json = &loaded.set.get(&held).expect("there").json;
    assert!(json.starts_with(br#"{"x":{"get":"#));
}

#[tokio::test]
async fn references_that_lead_nowhere_are_diagnostics() {
    let dir = tree(&[
        (
            "api.yaml",
            "a: {$ref: none.yaml}\nb: [{$ref: 'none.yaml#/x'}, {$ref: bad.yaml}]\nc: {$ref: 'urn:x'}\nd: {$ref: good.yaml}\n\
             e: {$ref: .}\nexample: {$ref: nowhere.yaml}\n",
        ),
        ("bad.yaml", "a: 1\na: 2\n"),
        ("good.yaml", "x: {$ref: page.html}\n"),
        ("page.html", "<!doctype html>"),
    ]);
    let loaded = load(&documents(dir.path()), &at(dir.path(), "api.yaml")).await;
    assert_eq!(names(&loaded, dir.path()), ["api.yaml", "good.yaml"]);
    let here = dir.path().display().to_string();
    let shown: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|d| format!("{:?} {} {}: {}", d.severity, d.code, d.pointer, d.message).replace(&here, "DIR"))
        .collect();
    let line = |rest: &str| format!("Error reference_unreadable {rest}");
    assert_eq!(
        shown,
        [
            line(
                "/c: The reference `urn:x` leads nowhere: `urn:x` has the scheme `urn`; documents are read from http, \
                 https and file only."
            ),
            line("/a: The reference `none.yaml` leads nowhere: there is no file DIR/none.yaml (2 references)."),
            line(
                "/b/1: The reference `bad.yaml` leads nowhere: DIR/bad.yaml is not valid YAML: line 2, column 1: the \
                 key \"a\" stands twice in one mapping."
            ),
            line("/e: The reference `.` leads nowhere: DIR is not a regular file."),
            line(
                "DIR/good.yaml#/x: The reference `page.html` leads nowhere: DIR/page.html is an HTML page, not an API \
                 description; check the address, and whether it needs a sign-in."
            ),
        ]
    );
    // That a missing file appears is a change.
    let missing = loaded.files.iter().find(|stamp| stamp.path.ends_with("none.yaml")).expect("stamped");
    assert!(missing.is_current());
    write(&missing.path, b"{}");
    assert!(!missing.is_current());
}

#[tokio::test]
async fn a_root_that_is_no_api_description_is_an_error() {
    let dir = tree(&[("list.json", "[1]"), ("empty.yaml", ""), ("page", "<html>"), ("big.yaml", "a: 123456789")]);
    let documents = with(dir.path(), |config| config.max_file_bytes = 11);
    for (name, code, expected) in [
        ("list.json", "document_invalid", "is a list: expected object document"),
        ("empty.yaml", "document_invalid", "is empty: expected object document"),
        ("page", "document_invalid", "is an HTML page"),
        ("big.yaml", "document_too_large", "is larger than 11 bytes (max_file_bytes)"),
        ("none", "file_unreadable", "there is no file"),
        (".", "file_unreadable", "is not a regular file"),
    ] {
        let result = documents.load(&at(dir.path(), name), &FetchPolicy::default(), &quiet()).await;
        let error = result.expect_err(name);
        assert_eq!(error.code(), code, "{name}");
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}

/// W13, W15
#[tokio::test]
async fn remote_documents_are_recorded_and_never_reach_local_files() {
    let dir = tree(&[("secret.yaml", "a: 1")]);
    let secret = format!("file://{}/secret.yaml", dir.path().display());
    let api = format!("a: {{$ref: parts.yaml}}\nb: {{$ref: '{secret}'}}\nc: {{$ref: /gone.json}}\n");
    let origin = Origin::start(move |seen| match seen.path.as_str() {
        "/v1/api" => status(302, &["Location: /v2/api.yaml"], ""),
        "/v2/api.yaml" => ok(&["Cache-Control: max-age=600"], &api),
        "/v2/parts.yaml" => ok(&["Cache-Control: max-age=60"], "x: {$ref: 'api.yaml#/a'}"),
        _ => status(404, &[], ""),
    })
    .await;
    let documents = documents(dir.path());
    let asked = origin.location("/v1/api");
    let loaded = load(&documents, &asked).await;
    assert_eq!(names(&loaded, dir.path()), ["/v2/api.yaml", "/v2/parts.yaml"]);
    // Found under both names; references resolve against where the redirect led.
    assert_eq!(loaded.set.get(&asked).map(|d| &d.location), Some(&loaded.set.root().location));
    let told: Vec<_> = loaded.diagnostics.iter().map(|d| (d.pointer.as_str(), d.message.as_str())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].0 == "/b" && told[0].1.contains("only http(s) is allowed there"), "{told:?}");
    assert!(told[1].0 == "/c" && told[1].1.contains("unexpected status 404"), "{told:?}");
    assert_eq!(loaded.files, []);
    let records: Vec<_> = loaded.fetches.iter().map(|record| record.url.as_str()).collect();
    assert_eq!(records, [origin.url("/v1/api").as_str(), origin.url("/v2/parts.yaml").as_str()]);
    assert!(loaded.expires_at.expect("remote") <= jiff::Timestamp::now(), "a failed reference is asked again");

    let before = origin.count();
    let again = load(&documents, &asked).await;
    assert!(again.fetches.iter().all(|record| record.cache_outcome == Some(CacheOutcome::FreshHit)));
    assert_eq!((again.digest, names(&again, dir.path())), (loaded.digest, names(&loaded, dir.path())));
    assert_eq!(origin.count(), before + 1, "only what failed");
}

#[tokio::test]
async fn the_set_expires_with_its_first_document() {
    let dir = tree(&[]);
    let origin = Origin::start(|seen| match seen.path.as_str() {
        "/root" => ok(&["Cache-Control: max-age=600"], "a: {$ref: part}"),
        _ => ok(&["Cache-Control: max-age=60"], "{}"),
    })
    .await;
    let documents = documents(dir.path());
    let loaded = load(&documents, &origin.location("/root")).await;
    let lifetime = loaded.expires_at.expect("remote").duration_since(jiff::Timestamp::now());
    assert!((50..=60).contains(&lifetime.as_secs()), "{lifetime:?}");
    let by_hand = FetchPolicy { manual_only: true, ..FetchPolicy::default() };
    let loaded = documents.load(&origin.location("/root"), &by_hand, &quiet()).await.expect("loaded");
    assert_eq!(loaded.expires_at, None);
}

#[tokio::test]
async fn remote_references_are_fetched_a_few_at_a_time_and_kept_in_order() {
    let dir = tree(&[]);
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let most_there = Arc::clone(&most);
    let origin = Origin::start(move |seen| {
        if seen.path == "/root" {
            let refs: String = (0..40).map(|n| format!("p{n}: {{$ref: part{n}}}\n")).collect();
            return ok(&[], &refs);
        }
        most_there.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        #[allow(clippy::disallowed_methods, reason = "an origin that takes its time")]
        std::thread::sleep(Duration::from_millis(2));
        open.fetch_sub(1, Ordering::SeqCst);
        ok(&[], &format!("path: {}", seen.path))
    })
    .await;
    let loaded = load(&documents(dir.path()), &origin.location("/root")).await;
    let expected: Vec<_> =
        std::iter::once("/root".to_owned()).chain((0..40).map(|n| format!("/part{n}"))).collect();
    assert_eq!(names(&loaded, dir.path()), expected);
    assert!(most.load(Ordering::SeqCst) <= 8);
}

#[tokio::test]
async fn the_digest_is_of_every_byte_and_not_of_the_place() {
    let files = [("api.yaml", "a: {$ref: b.yaml}"), ("b.yaml", "x: 1")];
    let (one, two) = (tree(&files), tree(&files));
    let digest = async |dir: &Path| load(&documents(dir), &at(dir, "api.yaml")).await.digest;
    let first = digest(one.path()).await;
    assert_eq!(first, digest(two.path()).await);
    write(&two.path().join("b.yaml"), b"x: 1 # note");
    assert_ne!(first, digest(two.path()).await);
}

#[tokio::test]
async fn sets_are_bounded_in_documents_and_bytes() {
    let refs: String = (0..9).map(|n| format!("p{n}: {{$ref: part{n}.yaml}}\n")).collect();
    let mut files = vec![("api.yaml".to_owned(), refs)];
    files.extend((0..9).map(|n| (format!("part{n}.yaml"), format!("text: {}", "x".repeat(100)))));
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    let dir = tree(&files);
    type Change = fn(&mut DocumentsConfig);
    let few: Change = |config| config.max_documents = 4;
    let small: Change = |config| config.max_set_bytes = 650;
    for (change, expected) in
        [(few, "more than 4 documents (max_documents)"), (small, "more than 650 bytes (max_set_bytes)")]
    {
        let loaded = load(&with(dir.path(), change), &at(dir.path(), "api.yaml")).await;
        assert_eq!(loaded.set.len(), 4, "{expected}");
        assert_eq!(loaded.diagnostics.len(), 1);
        let diagnostic = &loaded.diagnostics[0];
        assert_eq!((diagnostic.code.as_str(), diagnostic.pointer.as_str()), ("reference_limit", "/p3"));
        assert!(diagnostic.message.contains(expected), "{}", diagnostic.message);
    }
}

/// W5
#[tokio::test]
async fn local_reads_can_be_confined() {
    let dir = tree(&[
        ("in/api.yaml", "a: {$ref: ../out.yaml}\nb: {$ref: ok.yaml}"),
        ("in/ok.yaml", "{}"),
        ("out.yaml", "{}"),
    ]);
    let documents = with(dir.path(), |config| config.local_root = Some(dir.path().join("in")));
    let loaded = load(&documents, &at(dir.path(), "in/api.yaml")).await;
    assert_eq!(names(&loaded, dir.path()), ["in/api.yaml", "in/ok.yaml"]);
    assert!(loaded.diagnostics[0].message.contains("(local_root)"));
    let error = documents.load(&at(dir.path(), "out.yaml"), &FetchPolicy::default(), &quiet()).await;
    assert_eq!(error.expect_err("outside").code(), "file_unreadable");
}

#[test]
fn loading_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let documents = documents(Path::new("/nowhere"));
    let (policy, trace) = (FetchPolicy::default(), quiet());
    is_send(&documents.load(&Location::File("/nowhere".into()), &policy, &trace));
}

/// JSON Schema 2020-12 §8.2.1: a name of a schema is no address to be asked.
#[tokio::test]
async fn references_to_schemas_by_their_own_names_are_not_fetched() {
    let dir = tree(&[
        (
            "api.yaml",
            "components:\n  schemas:\n    Tree:\n      properties: {leaf: {$ref: leaf}, other: {$ref: 'http://127.0.0.1:1/other#/x'}}\n      $defs: {leaf: {$id: leaf}}\n      $id: http://127.0.0.1:1/tree\n    A: {$ref: 'http://127.0.0.1:1/tree'}\n    B: {$ref: 'urn:x:y'}\n    C: {$id: 'urn:x:y'}\n    D: {$ref: parts.yaml}\n    E: {$ref: 'urn:none'}\n",
        ),
        ("leaf", "type: string\n"),
        ("parts.yaml", "$id: http://127.0.0.1:1/other\nx: {}\n"),
    ]);
    let loaded = load(&documents(dir.path()), &at(dir.path(), "api.yaml")).await;
    assert_eq!(names(&loaded, dir.path()), ["api.yaml", "parts.yaml"]);
    let told: Vec<&str> = loaded.diagnostics.iter().map(|d| d.pointer.as_str()).collect();
    assert_eq!(told, ["/components/schemas/E"], "{:?}", loaded.diagnostics);
}
