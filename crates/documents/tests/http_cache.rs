//! The HTTP cache against a real origin: config-and-state §4 with weaknesses 40 to 52.

mod common;

use common::*;
use open_cli_documents::{FetchMethod, FetchPolicy, FetchRequest};
use std::time::Duration;

const DEFAULT: FetchPolicy = FetchPolicy {
    max_age: None,
    manual_only: false,
    force_refresh: false,
    method: open_cli_contract::catalog::DiscoveryMethod::Explicit,
    guard: None,
};
const FORCED: FetchPolicy = FetchPolicy {
    max_age: None,
    manual_only: false,
    force_refresh: true,
    method: open_cli_contract::catalog::DiscoveryMethod::Explicit,
    guard: None,
};
const MANUAL: FetchPolicy = FetchPolicy {
    max_age: None,
    manual_only: true,
    force_refresh: false,
    method: open_cli_contract::catalog::DiscoveryMethod::Explicit,
    guard: None,
};

fn aged(seconds: u64) -> FetchPolicy {
    FetchPolicy { max_age: Some(Duration::from_secs(seconds)), ..DEFAULT }
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

/// The `Cache-Control` table of §4.4, as the deviations have it: what the next call does.
#[tokio::test]
async fn the_next_call_follows_the_headers() {
    for (lines, max_age, expected) in [
        (&[][..], 0, "refreshed"),
        (&[], 30, "fresh_hit"),
        (&["Cache-Control: max-age=60"], 0, "fresh_hit"),
        (&["cache-control: Max-Age=60"], 0, "fresh_hit"),
        (&["Cache-Control: max-age = \"60\""], 0, "fresh_hit"),
        (&["Cache-Control: max-age=1.5"], 0, "refreshed"),
        (&["Cache-Control: public;max-age=60"], 0, "refreshed"),
        (&["Cache-Control: max-age=0"], 30, "refreshed"),
        (&["Cache-Control: no-store, max-age=60"], 30, "miss"),
        (&["Cache-Control: no-cache, max-age=60"], 30, "refreshed"),
        (&["Cache-Control: no-cache", "ETag: \"1\""], 30, "revalidated_hit"),
        (&["Cache-Control: private, max-age=60"], 0, "fresh_hit"),
        (&["Cache-Control: s-maxage=60"], 0, "refreshed"),
        (&["Cache-Control: no-cache", "Cache-Control: max-age=60"], 0, "refreshed"),
        (&["Expires: Thu, 01 Dec 2095 16:00:00 GMT"], 0, "fresh_hit"),
        (&["Expires: 0"], 30, "refreshed"),
        (&["Cache-Control: max-age=60", "Age: 59"], 0, "fresh_hit"),
        (&["Cache-Control: max-age=60", "Age: 61"], 0, "refreshed"),
        (&["Cache-Control: max-age=99999999999"], 0, "fresh_hit"),
    ] {
        let dir = dir();
        let origin = Origin::start(move |seen| match seen.header("if-none-match") {
            Some(_) => status(304, &[], ""),
            None => ok(lines, "{}"),
        })
        .await;
        let url = origin.url("/a");
        let documents = documents(dir.path());
        assert_eq!(outcome(&documents, &url, aged(max_age)).await, "miss", "{lines:?}");
        assert_eq!(outcome(&documents, &url, aged(max_age)).await, expected, "{lines:?} {max_age}");
        assert_eq!(origin.count(), if expected == "fresh_hit" { 1 } else { 2 }, "{lines:?}");
    }
}

#[tokio::test]
async fn a_fresh_entry_is_served_without_network_also_after_a_restart() {
    let dir = dir();
    let origin = Origin::start(|_| ok(&["Cache-Control: max-age=60", "ETag: \"v1\""], "{\"a\":1}")).await;
    let url = origin.url("/a.json");
    assert_eq!(outcome(&documents(dir.path()), &url, DEFAULT).await, "miss");
    let key = format!("GET:{url}");
    let (metadata, body) = files_of(dir.path(), &key);
    assert_eq!(std::fs::read(body).expect("body"), b"{\"a\":1}");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(metadata).expect("file")).expect("JSON");
    for (name, expected) in [
        ("key", key.as_str()),
        ("url", url.as_str()),
        ("method", "GET"),
        ("etag", "\"v1\""),
        ("cacheControl", "max-age=60"),
    ] {
        assert_eq!(json[name], expected, "{name}");
    }
    assert_eq!((&json["headers"]["Etag"][0], &json["statusCode"]), (&"\"v1\"".into(), &200.into()));

    let fetched = get(&documents(dir.path()), &url, DEFAULT).await.expect("fetched");
    assert_eq!((&*fetched.body, origin.count()), (&b"{\"a\":1}"[..], 1));
    let record = fetched.record;
    assert_eq!((record.cache_outcome.map(|o| o.as_str()), record.status_code), (Some("fresh_hit"), 200));
    assert_eq!((record.etag.as_str(), record.cache_control.as_str()), ("\"v1\"", "max-age=60"));
    assert_eq!(record.request_method, "GET");
    let lifetime = record.expires_at.expect("set").duration_since(record.fetched_at).as_secs();
    assert!((59..=60).contains(&lifetime) && !record.stale, "{lifetime}");
}

/// Step 6
#[tokio::test]
async fn a_304_keeps_the_body_and_renews_the_rest() {
    let dir = dir();
    let first = &["ETag: \"v1\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "X-A: old", "Age: 5"];
    let origin = Origin::start(|_| ok(first, "{\"a\":1}")).await;
    let url = origin.url("/a");
    let documents = documents(dir.path());
    assert_eq!(outcome(&documents, &url, DEFAULT).await, "miss");
    let key = format!("GET:{url}");
    edit(dir.path(), &key, |metadata| {
        metadata["cachedAt"] = hours_ago(5).into();
        metadata["lastValidatedAt"] = hours_ago(5).into();
    });
    origin.now(|_| status(304, &["ETag: \"v2\"", "X-A: new", "Cache-Control: max-age=60"], ""));
    let fetched = get(&documents, &url, DEFAULT).await.expect("revalidated");
    let asked = origin.requests().pop().expect("asked");
    assert_eq!(asked.header("if-none-match"), Some("\"v1\""));
    assert_eq!(asked.header("if-modified-since"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(asked.header("user-agent"), Some(concat!("open-cli-toolbox/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(fetched.record.cache_outcome.map(|o| o.as_str()), Some("revalidated_hit"));
    assert_eq!((&*fetched.body, fetched.record.status_code), (&b"{\"a\":1}"[..], 200));
    assert_eq!(fetched.header_lines("x-a").collect::<Vec<_>>(), ["new"]);
    edit(dir.path(), &key, |metadata| {
        assert_eq!(metadata["etag"], "\"v2\"");
        assert_eq!(metadata["lastModified"], "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(metadata["headers"].get("Age").is_none() && metadata.get("stale").is_none());
        assert!(metadata["cachedAt"].as_str() < metadata["lastValidatedAt"].as_str());
        assert!(metadata["expiresAt"].as_str() > metadata["lastValidatedAt"].as_str());
    });
    assert_eq!(outcome(&documents, &url, DEFAULT).await, "fresh_hit");
}

/// CACHE-14, CACHE-15, step 2
#[tokio::test]
async fn the_sources_refresh_settings_decide_whether_to_ask() {
    let dir = dir();
    let origin = Origin::start(|seen| match seen.path.as_str() {
        "/etag" if seen.header("if-none-match").is_some() => status(304, &[], ""),
        "/etag" => ok(&["ETag: \"v1\"", "Cache-Control: max-age=60"], "{}"),
        _ => ok(&[], "{}"),
    })
    .await;
    let documents = documents(dir.path());
    let (etag, plain) = (origin.url("/etag"), origin.url("/plain"));
    for (url, policy, expected) in [
        (&etag, MANUAL, "miss"),
        (&etag, MANUAL, "fresh_hit"),
        (&etag, FORCED, "revalidated_hit"),
        (&etag, FetchPolicy { manual_only: true, ..FORCED }, "revalidated_hit"),
        (&plain, DEFAULT, "miss"),
        (&plain, MANUAL, "stale_hit"),
        (&plain, FORCED, "refreshed"),
        // Weakness 50: what is stored already follows the configuration of now.
        (&plain, aged(30), "fresh_hit"),
        (&plain, DEFAULT, "refreshed"),
    ] {
        assert_eq!(outcome(&documents, url, policy.clone()).await, expected, "{url} {policy:?}");
    }
    assert!(get(&documents, &plain, MANUAL).await.expect("stored").record.stale);
}

/// Weaknesses 44, 45
#[tokio::test]
async fn stored_answers_stand_in_for_outages_only() {
    let refused = |status: u16| format!("unexpected status {status} from ");
    let truncated = b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n{".to_vec();
    let lasting = "HTTP/1.1 302 x\r\nLocation: /a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for (answer, expected) in [
        (down(), "stale_hit".to_owned()),
        (Answer::Raw(truncated), "stale_hit".to_owned()),
        (Answer::Raw(b"not HTTP\r\n\r\n".to_vec()), "stale_hit".to_owned()),
        (status(500, &[], ""), "stale_hit".to_owned()),
        (status(503, &[], ""), "stale_hit".to_owned()),
        (status(429, &[], ""), "stale_hit".to_owned()),
        (status(401, &[], ""), refused(401)),
        (status(403, &[], ""), refused(403)),
        (status(404, &[], ""), refused(404)),
        (status(410, &[], ""), refused(410)),
        (status(204, &[], ""), refused(204)),
        (status(206, &[], "{"), refused(206)),
        (status(302, &[], ""), refused(302)),
        (Answer::Raw(lasting.into()), "redirects too often".to_owned()),
    ] {
        let dir = dir();
        let origin = Origin::start(|_| ok(&[], "{\"good\":1}")).await;
        let url = origin.url("/a");
        let documents = documents(dir.path());
        assert_eq!(outcome(&documents, &url, DEFAULT).await, "miss");
        let again = answer.clone();
        origin.now(move |_| again.clone());
        let got = outcome(&documents, &url, DEFAULT).await;
        assert!(got.contains(&expected), "{expected}: {got}");
        if expected == "stale_hit" {
            let fetched = get(&documents, &url, DEFAULT).await.expect("stands in");
            assert!(fetched.record.stale && &*fetched.body == b"{\"good\":1}");
            let too_old = hours_ago(7 * 24 + 1);
            edit(dir.path(), &format!("GET:{url}"), |m| m["lastValidatedAt"] = too_old.into());
            assert_ne!(outcome(&documents, &url, DEFAULT).await, "stale_hit", "too old");
            assert_eq!(outcome(&documents, &url, MANUAL).await, "stale_hit", "nobody asked the origin");
        }
        // The good copy was not replaced, whatever came.
        origin.now(|_| status(503, &[], ""));
        edit(dir.path(), &format!("GET:{url}"), |m| m["lastValidatedAt"] = hours_ago(1).into());
        assert_eq!(&*get(&documents, &url, DEFAULT).await.expect("stored").body, b"{\"good\":1}");
    }
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_an_error() {
    let dir = dir();
    let origin = Origin::start(|_| status(304, &[], "")).await;
    let got = outcome(&documents(dir.path()), &origin.url("/a?token=t"), DEFAULT).await;
    assert_eq!(got, format!("unexpected status 304 from {}", origin.url("/a?token=REDACTED")));
}

/// CACHE-17, CACHE-18, CACHE-19, CACHE-22, weakness 40
#[tokio::test]
async fn damaged_entries_are_fetched_anew_and_never_served() {
    type Damage = fn(&std::path::Path, &std::path::Path);
    let damages: [(&str, Damage); 5] = [
        ("metadata", |metadata, _| write(metadata, b"[]")),
        ("no body", |_, body| std::fs::remove_file(body).expect("removed")),
        ("torn pair", |_, body| write(body, b"{\"new\":2}")),
        ("bad time", |metadata, _| write(metadata, b"{\"lastValidatedAt\":\"noon\"}")),
        ("nothing known", |metadata, _| write(metadata, b"{}")),
    ];
    for (name, damage) in damages {
        let dir = dir();
        let origin = Origin::start(|_| ok(&["Cache-Control: max-age=60", "ETag: \"1\""], "{}")).await;
        let url = origin.url("/a");
        let (metadata, body) = files_of(dir.path(), &format!("GET:{url}"));
        assert_eq!(outcome(&documents(dir.path()), &url, DEFAULT).await, "miss");
        damage(&metadata, &body);
        assert_eq!(outcome(&documents(dir.path()), &url, DEFAULT).await, "refreshed", "{name}");
        assert_eq!(origin.requests()[1].header("if-none-match"), None, "{name}");
        damage(&metadata, &body);
        origin.now(|_| down());
        let got = outcome(&documents(dir.path()), &url, DEFAULT).await;
        assert!(got.contains("can't be fetched"), "{name}: {got}");
    }
}

/// Weakness 41
#[tokio::test]
async fn what_must_not_be_stored_is_not_and_drives_out_what_was() {
    let dir = dir();
    let origin = Origin::start(|_| ok(&["Cache-Control: max-age=0"], "{}")).await;
    let url = origin.url("/a");
    let documents = documents(dir.path());
    let (metadata, body) = files_of(dir.path(), &format!("GET:{url}"));
    assert_eq!(outcome(&documents, &url, DEFAULT).await, "miss");
    assert!(metadata.exists() && body.exists());
    origin.now(|_| ok(&["Cache-Control: no-store"], "{}"));
    assert_eq!(outcome(&documents, &url, DEFAULT).await, "refreshed");
    assert!(!metadata.exists() && !body.exists());
    assert_eq!(outcome(&documents, &url, DEFAULT).await, "miss");
}

/// Weakness 46
#[tokio::test]
async fn a_disk_that_cannot_be_written_does_not_cost_the_answer() {
    let dir = dir();
    write(&dir.path().join("http"), b"a file where the folder should be");
    let origin = Origin::start(|_| ok(&["Cache-Control: max-age=60"], "{\"a\":1}")).await;
    let documents = documents(dir.path());
    let fetched = get(&documents, &origin.url("/a"), DEFAULT).await.expect("served");
    assert_eq!(&*fetched.body, b"{\"a\":1}");
    assert_eq!(outcome(&documents, &origin.url("/a"), DEFAULT).await, "miss");
    let without = with(dir.path(), |config| config.cache_dir = None);
    for _ in 0..2 {
        assert_eq!(outcome(&without, &origin.url("/a"), DEFAULT).await, "miss");
    }
}

/// Weakness 47
#[tokio::test]
async fn answers_are_bounded_in_size_time_and_redirects() {
    let dir = dir();
    let origin = Origin::start(|seen| match seen.path.as_str() {
        "/announced" => ok(&[], &"x".repeat(200)),
        "/endless" => Answer::Raw([b"HTTP/1.1 200 x\r\n\r\n", &[b'x'; 200][..]].concat()),
        "/slow" => Answer::Hang,
        "/ftp" => status(302, &["Location: ftp://h.example/"], ""),
        path => {
            let hops: usize = path[1..].parse().expect("a number");
            if hops == 0 { ok(&[], "{}") } else { status(302, &[&format!("Location: /{}", hops - 1)], "") }
        }
    })
    .await;
    let documents = with(dir.path(), |config| {
        config.max_body_bytes = 100;
        config.max_redirects = 3;
        config.total_timeout = Duration::from_millis(300);
    });
    for (path, expected) in [
        ("/announced", "is larger than 100 bytes (max_body_bytes)"),
        ("/endless", "is larger than 100 bytes (max_body_bytes)"),
        ("/slow", "did not answer within 300ms (total_timeout)"),
        ("/3", "miss"),
        ("/4", "more than 3 (max_redirects)"),
        ("/ftp", "to the scheme ftp"),
    ] {
        let got = outcome(&documents, &origin.url(path), DEFAULT).await;
        assert!(got.contains(expected), "{path}: {got}");
    }
}

/// Weakness 49
#[tokio::test]
async fn those_who_ask_at_once_share_one_request() {
    let dir = dir();
    let origin = Origin::start(|_| ok(&[], "{}")).await;
    let documents = documents(dir.path());
    let url = origin.url("/a");
    let ask = |policy| {
        let (documents, url) = (documents.clone(), url.clone());
        tokio::spawn(async move { outcome(&documents, &url, policy).await })
    };
    let asked: Vec<_> = (0..20).map(|_| ask(DEFAULT)).collect();
    for task in asked {
        assert_eq!(task.await.expect("joined"), "miss");
    }
    assert_eq!(origin.count(), 1);
    // A forced refresh does not settle for what somebody else takes from disk.
    let (fresh, forced) = (ask(aged(60)), ask(FORCED));
    assert_eq!(forced.await.expect("joined"), "refreshed");
    assert_eq!(fresh.await.expect("joined"), "fresh_hit");
    assert_eq!(origin.count(), 2);
}

/// Weakness 52, §6.2, §6.3
#[tokio::test]
async fn credentials_in_urls_show_nowhere_and_each_fetch_is_observed() {
    let dir = dir();
    let origin = Origin::start(|seen| match seen.path.split('?').next() {
        Some("/gone") => status(410, &[], ""),
        Some("/down") => down(),
        Some("/moved") => status(302, &["Location: /new?sig=S3CRET"], ""),
        _ => ok(&["Cache-Control: max-age=60", "Set-Cookie: sid=S3CRET"], "{}"),
    })
    .await;
    let documents = documents(dir.path());
    let (recorder, trace) = recorded();
    let mut shown = String::new();
    for path in ["/a", "/a", "/gone", "/down", "/moved"] {
        let mut url = origin.url(&format!("{path}?api_key=S3CRET"));
        url.set_username("u").expect("has a host");
        url.set_password(Some("S3CRET")).expect("has a host");
        let result = documents.fetch(&FetchRequest::get(url), &DEFAULT, &trace).await;
        match result {
            Ok(fetched) => {
                shown += &serde_json::to_string(&fetched.record).expect("JSON");
                if path == "/moved" {
                    shown += fetched.final_url.as_str();
                }
            }
            Err(error) => shown += &format!("{error} {error:?}"),
        }
    }
    let authorization = origin.requests()[0].header("authorization").map(str::to_owned);
    assert!(authorization.is_some_and(|a| a.starts_with("Basic ")), "the credentials are sent");
    for file in std::fs::read_dir(dir.path().join("http")).expect("cache") {
        shown += &String::from_utf8_lossy(&std::fs::read(file.expect("entry").path()).expect("file"));
    }
    let events = recorder.events();
    let spans = recorder.spans();
    shown += &serde_json::to_string(&events).expect("JSON");
    for span in &spans {
        shown += &serde_json::to_string(&**span).expect("JSON");
    }
    assert!(shown.contains("REDACTED") && !shown.contains("S3CRET"), "{shown}");

    let told: Vec<_> = events
        .iter()
        .map(|e| {
            (
                &*e.name,
                e.operation.as_str(),
                e.cache_outcome.map(|o| o.as_str()),
                e.status_code,
                &*e.error_category,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("cache.fetch", "GET", Some("miss"), 200, ""),
            ("cache.fetch", "GET", Some("fresh_hit"), 200, ""),
            ("cache.fetch", "GET", None, 410, "http_error"),
            ("cache.fetch", "GET", None, 0, "transport_error"),
            ("cache.fetch", "GET", Some("miss"), 200, ""),
        ]
    );
    let failed: Vec<_> =
        spans.iter().map(|span| (span.name, span.attribute("method"), span.error.is_some())).collect();
    let span = |failed| ("cache.fetch", Some("GET"), failed);
    assert_eq!(failed, [span(false), span(false), span(true), span(true), span(false)]);
}

/// CACHE-1, CACHE-3, PROV-6
#[tokio::test]
async fn method_and_accept_are_part_of_the_key() {
    let dir = dir();
    let origin = Origin::start(|seen| {
        let vary = "Vary: accept, Accept-Encoding";
        ok(
            &["Cache-Control: max-age=60", vary, "Link: </a>; rel=x", "LINK: </b>; rel=y"],
            seen.header("accept").unwrap_or(""),
        )
    })
    .await;
    let documents = documents(dir.path());
    let url = origin.url("/a");
    let linkset =
        FetchRequest { accept: Some("application/linkset+json".into()), ..FetchRequest::get(url.clone()) };
    let head = FetchRequest { method: FetchMethod::Head, ..FetchRequest::get(url.clone()) };
    let get = FetchRequest::get(url.clone());
    for round in ["miss", "fresh_hit"] {
        for (request, body) in [(&linkset, "application/linkset+json"), (&head, ""), (&get, "*/*")] {
            let fetched = documents.fetch(request, &DEFAULT, &quiet()).await.expect("fetched");
            assert_eq!(fetched.record.cache_outcome.map(|o| o.as_str()), Some(round));
            assert_eq!(fetched.record.request_method, request.method.as_str());
            assert_eq!(fetched.body, body);
            assert_eq!(fetched.header_lines("link").collect::<Vec<_>>(), ["</a>; rel=x", "</b>; rel=y"]);
        }
    }
    for key in [format!("GET:{url}:application/linkset+json"), format!("HEAD:{url}"), format!("GET:{url}")] {
        assert!(files_of(dir.path(), &key).0.exists(), "{key}");
    }
    // An entry for another `Accept` under our key is none of ours.
    edit(dir.path(), &format!("GET:{url}"), |metadata| metadata["requestAccept"] = "text/html".into());
    assert_eq!(outcome(&documents, &url, DEFAULT).await, "refreshed");
}

/// RFC 9111 §4.2.4, RFC 5861 §4
#[tokio::test]
async fn the_origin_may_forbid_or_shorten_standing_in() {
    for (control, hours, expected) in [
        ("max-age=1", 1, "stale_hit"),
        ("max-age=1, stale-if-error=7200", 1, "stale_hit"),
        ("max-age=1, stale-if-error=60", 1, "unexpected status 503"),
        ("max-age=1, must-revalidate", 1, "unexpected status 503"),
        ("no-cache", 1, "unexpected status 503"),
        ("max-age=1, stale-if-error=99999999", 7 * 24 + 1, "unexpected status 503"),
    ] {
        let dir = dir();
        let line = format!("Cache-Control: {control}");
        let origin = Origin::start(move |_| ok(&[&line], "{}")).await;
        let documents = documents(dir.path());
        let url = origin.url("/a");
        assert_eq!(outcome(&documents, &url, DEFAULT).await, "miss");
        edit(dir.path(), &format!("GET:{url}"), |metadata| metadata["lastValidatedAt"] = hours_ago(hours).into());
        origin.now(|_| status(503, &[], ""));
        let got = outcome(&documents, &url, DEFAULT).await;
        assert!(got.contains(expected), "{control}: {got}");
        assert_eq!(outcome(&documents, &url, MANUAL).await, "stale_hit", "the operator's own word");
    }
}

/// RFC 9111 §4.1
#[tokio::test]
async fn an_answer_for_another_user_agent_is_none_of_ours() {
    let dir = dir();
    let origin = Origin::start(|_| ok(&["Cache-Control: max-age=60", "Vary: User-Agent"], "{}")).await;
    let url = origin.url("/a");
    for (agent, expected) in [("one/1", "miss"), ("one/1", "fresh_hit"), ("one/2", "refreshed")] {
        let documents = with(dir.path(), |config| config.user_agent = agent.to_owned());
        assert_eq!(outcome(&documents, &url, DEFAULT).await, expected, "{agent}");
    }
}

#[tokio::test]
async fn offline_only_what_is_stored_is_used_and_a_borrowed_cache_is_left_alone() {
    let (theirs, ours) = (dir(), dir());
    let origin = Origin::start(|seen| match seen.header("if-none-match") {
        Some(_) => status(304, &[], ""),
        None => ok(&["Cache-Control: max-age=0", "ETag: \"1\""], "{\"a\":1}"),
    })
    .await;
    let url = origin.url("/a");
    assert_eq!(outcome(&documents(theirs.path()), &url, DEFAULT).await, "miss");
    let key = format!("GET:{url}");
    let (metadata, body) = files_of(theirs.path(), &key);
    let before = std::fs::read(&metadata).expect("metadata");
    let borrower = |offline: bool| {
        let dir = theirs.path().join("http");
        with(ours.path(), move |config| (config.borrowed_cache_dir, config.offline) = (Some(dir), offline))
    };
    let fetched = get(&borrower(true), &url, DEFAULT).await.expect("stored");
    assert_eq!((&*fetched.body, fetched.record.stale), (&b"{\"a\":1}"[..], true));
    assert_eq!(outcome(&borrower(true), &url, FORCED).await, "stale_hit");
    assert_eq!(outcome(&borrower(true), &url, aged(60)).await, "stale_hit", "the origin says zero");
    let missing = outcome(&borrower(true), &origin.url("/b?token=t"), DEFAULT).await;
    assert!(missing.contains("is not in the document cache") && !missing.contains("=t "), "{missing}");
    assert_eq!(origin.count(), 1, "nothing was asked");
    assert_eq!(outcome(&borrower(false), &url, DEFAULT).await, "revalidated_hit");
    assert!(files_of(ours.path(), &key).0.exists());
    assert_eq!(std::fs::read(&metadata).expect("metadata"), before);
    // Damage there is not ours to mend.
    write(&body, b"other");
    let reader = with(theirs.path(), |config| {
        config.borrowed_cache_dir = config.cache_dir.take();
        config.offline = true;
    });
    let got = outcome(&reader, &url, DEFAULT).await;
    assert!(got.contains("is not in the document cache"), "{got}");
    assert!(metadata.exists() && body.exists());
}

/// Weakness 48
#[tokio::test]
async fn the_cache_can_be_swept_and_cleared() {
    let dir = dir();
    let origin = Origin::start(|_| ok(&["Cache-Control: max-age=60"], "{}")).await;
    let documents = documents(dir.path());
    assert_eq!(documents.clear_cache().await.expect("nothing there").entries, 0);
    assert_eq!(outcome(&documents, &origin.url("/a"), DEFAULT).await, "miss");
    assert_eq!(documents.sweep_cache().await.expect("swept").entries, 0);
    assert_eq!(outcome(&documents, &origin.url("/a"), DEFAULT).await, "fresh_hit");
    assert_eq!(documents.clear_cache().await.expect("cleared").entries, 1);
    assert_eq!(outcome(&documents, &origin.url("/a"), DEFAULT).await, "miss");
}
