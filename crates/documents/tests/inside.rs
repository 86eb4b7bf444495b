//! No way inside: what documents from elsewhere may name (issue 5, point 7).

mod common;

use common::*;
use open_cli_contract::reach::Reach;
use open_cli_documents::{FetchPolicy, Guard, Location};
use std::sync::Arc;
use url::Url;

fn guarded(trusted: &[&Url], allowed: &[&str]) -> FetchPolicy {
    let guard = Guard::new(trusted.iter().copied(), Reach::public_and(allowed.iter().copied()));
    FetchPolicy { guard: Some(Arc::new(guard)), ..FetchPolicy::default() }
}

#[tokio::test]
async fn a_reference_of_a_remote_document_leads_nowhere_inside() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let secret = Origin::start(|_| ok(&["Cache-Control: max-age=60"], "{\"S\":{\"type\":\"string\"}}")).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let mut target = secret.url("/s.json");
        target.set_host(Some(host)).expect("a host");
        let body = format!("{{\"openapi\":\"3.1.0\",\"paths\":{{\"/a\":{{\"$ref\":\"{target}#/S\"}}}}}}");
        let origin = Origin::start(move |_| ok(&[], &body)).await;
        let url = origin.url("/api.json");
        let location = Location::Url(url.clone());
        let documents = documents(dir.path());
        let loaded =
            documents.load(&location, &guarded(&[&url], &[]), &quiet()).await.expect("the root is trusted");
        assert_eq!(loaded.set.iter().count(), 1, "{host}");
        assert!(loaded.diagnostics[0].message.contains("network.allowAddresses"), "{:?}", loaded.diagnostics);
        assert!(secret.requests().is_empty(), "{host}");
    }
    // Allowed, it is read and stored; for those who may not, what is stored is not there.
    let body =
        format!("{{\"openapi\":\"3.1.0\",\"paths\":{{\"/a\":{{\"$ref\":\"{}#/S\"}}}}}}", secret.url("/s.json"));
    let origin = Origin::start(move |_| ok(&[], &body)).await;
    let url = origin.url("/api.json");
    let (documents, location) = (documents(dir.path()), Location::Url(url.clone()));
    let count = async |policy: &FetchPolicy| {
        documents.load(&location, policy, &quiet()).await.expect("loaded").set.iter().count()
    };
    assert_eq!(count(&guarded(&[&url], &["loopback"])).await, 2);
    assert_eq!(count(&FetchPolicy::default()).await, 2);
    assert_eq!(count(&guarded(&[&url], &[])).await, 1);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_inside_either() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let secret = Origin::start(|_| ok(&[], "{}")).await;
    let location = format!("Location: {}", secret.url("/s.json"));
    let origin = Origin::start(move |_| status(302, &[&location], "")).await;
    let url = origin.url("/api.json");
    let got = get(&documents(dir.path()), &url, guarded(&[&url], &[])).await.expect_err("inside").to_string();
    assert!(got.contains("127.0.0.1 is not a public address (loopback)"), "{got}");
    assert!(secret.requests().is_empty());
    assert!(get(&documents(dir.path()), &url, guarded(&[&url, &secret.url("/")], &[])).await.is_ok());
}

/// What the operator's own file refers to is the operator's choice.
#[tokio::test]
async fn a_reference_of_a_local_file_is_trusted() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let inside = Origin::start(|_| ok(&[], "{\"S\":{\"type\":\"string\"}}")).await;
    let text =
        format!("{{\"openapi\":\"3.1.0\",\"paths\":{{\"/a\":{{\"$ref\":\"{}#/S\"}}}}}}", inside.url("/s.json"));
    write(&dir.path().join("api.json"), text.as_bytes());
    let location = Location::parse("api.json", dir.path()).expect("a location");
    let loaded = documents(dir.path()).load(&location, &guarded(&[], &[]), &quiet()).await.expect("loaded");
    assert_eq!((loaded.set.iter().count(), loaded.diagnostics.len()), (2, 0));
}
