//! API catalogs at a real origin: catalog-and-execution §2 with weaknesses W2, W4 to W7.

mod common;

use common::*;
use open_cli_contract::catalog::{CacheOutcome, DiscoveryMethod};
use open_cli_discovery::{
    API_CATALOG_LINK, API_CATALOG_MEDIA_TYPE, API_CATALOG_PATH, Limits, PublishedApi, PublishedLink, StepOutcome,
    publish,
};
use open_cli_documents::FetchPolicy;
use open_cli_observe::{Recorder, Trace};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DESC: &str = "Link: <openapi.json>; rel=service-desc";

/// A catalog that names a description for each of these services.
fn described(names: &[&str]) -> Answer {
    let contexts: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"anchor":"/{name}","service-desc":[{{"href":"/{name}.json"}}]}}"#))
        .collect();
    linkset(format!(r#"{{"linkset":[{}]}}"#, contexts.join(",")))
}

/// A catalog that links to others, then names descriptions.
fn nested(catalogs: &[&str], names: &[&str]) -> Answer {
    let mut entries: Vec<String> =
        catalogs.iter().map(|catalog| format!(r#"{{"href":"{catalog}","rel":"api-catalog"}}"#)).collect();
    entries
        .extend(names.iter().map(|n| format!(r#"{{"anchor":"/{n}","service-desc":[{{"href":"/{n}.json"}}]}}"#)));
    linkset(format!(r#"{{"linkset":[{}]}}"#, entries.join(",")))
}

/// The example of catalog-and-execution §2: AC-1, AC-3, AC-6, AC-8, AC-10, AC-12, AC-13.
#[tokio::test]
async fn the_contracts_example_gives_two_services_one_cycle_and_two_records() {
    let origin = Origin::start([
        (
            "/cat",
            linkset(
                r#"{"linkset":[{"href":"/svc/a","rel":"item"},{"href":"more","rel":"api-catalog"},{"href":"/svc/a","rel":"item"}]}"#,
            ),
        ),
        ("/more", linkset(r#"{"links":[{"href":"svc/b","rel":"item"},{"href":"/cat","rel":"api-catalog"}]}"#)),
        ("/svc/a", ok(&["Link: <a.json>; rel=service-desc"], "")),
        ("/svc/b", ok(&["Link: <b.json>; rel=service-desc"], "")),
    ])
    .await;
    let found = catalog(&origin, "/cat").await;
    assert_eq!(origin.services(&found), ["/svc/a -> /svc/a.json", "/svc/b -> /svc/b.json"]);
    assert_eq!(origin.codes(&found), ["warning api_catalog_cycle /more"]);
    assert_eq!(
        origin.steps(&found),
        [
            "GET /cat: 200 a catalog: 2 items, 1 catalogs, 0 descriptions",
            "GET /more: 200 a catalog: 1 items, 1 catalogs, 0 descriptions",
            "HEAD /svc/a: 200; links to a service-desc",
            "HEAD /svc/b: 200; links to a service-desc",
        ]
    );
    let records: Vec<String> = found.fetches.iter().map(|record| origin.plain(&record.url)).collect();
    assert_eq!(records, ["/cat", "/more"]);
    assert!(found.fetches.iter().all(|record| record.method == DiscoveryMethod::Rfc9727));
    let service = &found.services[1];
    assert_eq!(service.method, DiscoveryMethod::Rfc8631);
    assert_eq!(service.fetches.len(), 1);
    assert_eq!(
        (service.fetches[0].method, service.fetches[0].request_method.as_str()),
        (DiscoveryMethod::Rfc8631, "HEAD")
    );
    assert_eq!(service.chain.iter().map(|url| origin.plain(url)).collect::<Vec<_>>(), ["/cat", "/more", "/svc/b"]);
    assert_eq!(origin.requests()[0], "GET /cat application/linkset+json");
    assert_eq!(origin.requests().iter().filter(|request| request.starts_with("GET")).count(), 2);
}

/// RFC 9727 appendix A.1, W6: what the catalog says itself is not asked for again.
#[tokio::test]
async fn a_standard_linkset_names_descriptions_itself() {
    let body = r#"{"linkset":[
        {"anchor":"{base}/apis/foo_api","service-desc":[{"href":"{base}/apis/foo_api/spec","type":"application/yaml"}],
         "status":[{"href":"{base}/apis/foo_api/status","type":"application/json"}],
         "service-doc":[{"href":"{base}/apis/foo_api/doc","type":"text/html","title":"Foo"}],
         "service-meta":[{"href":"{base}/apis/foo_api/policies","type":"text/xml"}]},
        {"anchor":"{base}/apis/bar_api","service-desc":[{"href":"{base}/apis/bar_api/spec","type":"application/yaml"}]},
        {"anchor":"{base}/contact","service-doc":[{"href":"{base}/contact"}]},
        {"anchor":"{base}/.well-known/api-catalog","item":[{"href":"{base}/apis/bar_api"}]}]}"#;
    let origin = Origin::start([(
        "/.well-known/api-catalog",
        ok(&[&format!("Content-Type: {API_CATALOG_MEDIA_TYPE}")], body),
    )])
    .await;
    let found = catalog(&origin, "/.well-known/api-catalog").await;
    assert_eq!(
        origin.services(&found),
        ["/apis/foo_api -> /apis/foo_api/spec", "/apis/bar_api -> /apis/bar_api/spec"]
    );
    let foo = &found.services[0];
    assert_eq!((foo.method, foo.fetches.len()), (DiscoveryMethod::Rfc9727, 0));
    assert_eq!((foo.service_doc[0].title.as_str(), foo.status.len()), ("Foo", 1));
    assert_eq!(origin.count(), 1);
    assert_eq!(origin.codes(&found), [""; 0]);
    assert_eq!(
        origin.steps(&found)[1],
        "GET /apis/foo_api/policies: not asked, its type text/xml is no set of links"
    );
}

#[tokio::test]
async fn the_text_form_wrong_types_and_items_that_are_descriptions_are_understood() {
    let text = "<{base}/a.json>\n ; rel=\"service-desc\"\n ; anchor=\"{base}/a\",\n<more>; rel=api-catalog";
    let origin = Origin::start([
        ("/cat", ok(&["Content-Type: application/linkset"], text)),
        (
            "/more",
            ok(
                &[HTML],
                r#"{"linkset":[{"item":[{"href":"/b.json","type":"application/vnd.oai.openapi+json"}]}]}"#,
            ),
        ),
    ])
    .await;
    let found = catalog(&origin, "/cat").await;
    assert_eq!(origin.services(&found), ["/a -> /a.json", "/b.json -> /b.json"]);
    assert_eq!(origin.count(), 2);
}

/// W2, AC-8, AC-11
#[tokio::test]
async fn nested_catalogs_keep_document_order_and_fail_alone() {
    let origin = Origin::start([
        ("/cat", nested(&["/x", "/broken", "/page", "/y"], &["last"])),
        ("/x", nested(&["/x/deep"], &["x"])),
        ("/x/deep", nested(&["/y"], &["deep"])),
        ("/y", described(&["y"])),
        ("/broken", linkset("{")),
        ("/page", ok(&[HTML], "<!doctype html><title>Sign in</title>")),
    ])
    .await;
    let found = catalog(&origin, "/cat").await;
    // `/y` is reached first through `/x/deep`.
    assert_eq!(
        origin.services(&found),
        ["/y -> /y.json", "/deep -> /deep.json", "/x -> /x.json", "/last -> /last.json"]
    );
    assert_eq!(
        origin.codes(&found),
        ["error api_catalog_unreadable /broken", "error api_catalog_unreadable /page"]
    );
    let outcomes: Vec<StepOutcome> = found.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes[2..4], [StepOutcome::Unusable, StepOutcome::Unusable]);
    assert!(found.diagnostics[1].message.contains("is an HTML page"), "{}", found.diagnostics[1].message);
    assert!(found.expires_at.is_some_and(|at| at <= jiff::Timestamp::now()));
}

/// W5
#[tokio::test]
async fn depth_catalogs_services_and_links_are_bounded() {
    let mut answers: HashMap<String, Answer> = HashMap::new();
    for depth in 0..10 {
        let (next, name) = (format!("/c{}", depth + 1), format!("s{depth}"));
        answers.insert(format!("/c{depth}"), nested(&[&next], &[&name]));
    }
    let wide: Vec<String> = (0..20).map(|n| format!("/w{n}")).collect();
    for name in &wide {
        answers.insert(name.clone(), described(&[&name[1..]]));
    }
    answers.insert("/wide".into(), nested(&wide.iter().map(String::as_str).collect::<Vec<_>>(), &[]));
    let many: Vec<String> = (0..20).map(|n| format!("m{n}")).collect();
    answers.insert("/many".into(), described(&many.iter().map(String::as_str).collect::<Vec<_>>()));
    let origin = Origin::with(answers).await;
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (path, limits, services, message) in [
        (
            "/c0",
            limits(|l| l.max_depth = 3),
            4,
            "1 links to API catalogs are not followed: nested deeper than 3 (max_depth).",
        ),
        (
            "/c0",
            limits(|l| l.max_depth = 0),
            1,
            "1 links to API catalogs are not followed: nested deeper than 0 (max_depth).",
        ),
        (
            "/wide",
            limits(|l| l.max_catalogs = 6),
            5,
            "15 links to API catalogs are not followed: beyond the first 6 (max_catalogs).",
        ),
        (
            "/many",
            limits(|l| l.max_services = 7),
            7,
            "The API catalogs list more than 7 services (max_services); 13 links to others are left out.",
        ),
        ("/many", limits(|l| l.max_links = 9), 9, "Only the first 9 links of /many are read (max_links)."),
    ] {
        let found = catalog_within(&origin, path, limits).await;
        assert_eq!(found.services.len(), services, "{path}");
        let messages: Vec<String> = found.diagnostics.iter().map(|d| origin.plain(&d.message)).collect();
        assert_eq!(messages, [message], "{path}");
        assert!(found.diagnostics.iter().all(|d| d.code == "discovery_limit"));
    }
    let found = catalog_within(&origin, "/many", limits(|l| l.max_linkset_bytes = 100)).await;
    assert!(found.diagnostics[0].message.contains("larger than 100 bytes (max_linkset_bytes)"));
}

/// AC-10, W7: every kind of loop ends.
#[tokio::test]
async fn loops_end_and_are_told() {
    let origin = Origin::start([
        ("/self", nested(&["/self", "#x"], &["s"])),
        ("/a", nested(&["/b"], &[])),
        ("/b", nested(&["/c", "/a"], &[])),
        ("/c", nested(&["/a", "/b"], &["c"])),
        ("/turn", status(302, &["Location: /turn2"], "")),
        ("/turn2", nested(&["/turn"], &["t"])),
    ])
    .await;
    for (path, services, codes) in [
        ("/self", 1, &["note api_catalog_cycle /self"][..]),
        ("/a", 1, &["warning api_catalog_cycle /c", "warning api_catalog_cycle /c"]),
        ("/turn", 1, &["note api_catalog_cycle /turn"]),
    ] {
        let found = catalog(&origin, path).await;
        assert_eq!(
            (found.services.len(), origin.codes(&found)),
            (services, codes.iter().map(|c| (*c).to_owned()).collect()),
            "{path}"
        );
    }
}

/// AC-2, and what the steps tell.
#[tokio::test]
async fn a_page_instead_of_a_catalog_leads_on_and_every_step_is_told() {
    let page = "<!doctype html><head><link rel=api-catalog href='missing.json'></head>\
                <a href=/apis rel=api-catalog>Our APIs</a>";
    let origin = Origin::start([
        ("/", ok(&[HTML], page)),
        ("/apis", described(&["a"])),
        ("/known", ok(&[HTML, "Link: </hidden>; rel=\"api-catalog\""], "<html>")),
        ("/.well-known/api-catalog", described(&["w"])),
        ("/spec", ok(&["Content-Type: application/json"], DESCRIPTION)),
        ("/down", status(503, &[], "")),
    ])
    .await;
    for (path, services, last_step, code) in [
        (
            "/",
            &["/a -> /a.json"][..],
            "GET /apis: 200 a catalog: 0 items, 0 catalogs, 1 descriptions",
            "note api_catalog_elsewhere /",
        ),
        (
            "/known",
            &["/w -> /w.json"],
            "GET /.well-known/api-catalog: 200 a catalog: 0 items, 0 catalogs, 1 descriptions",
            "note api_catalog_elsewhere /known",
        ),
        (
            "/spec",
            &["/w -> /w.json"],
            "GET /.well-known/api-catalog: 200 a catalog: 0 items, 0 catalogs, 1 descriptions",
            "note api_catalog_elsewhere /spec",
        ),
        // Another catalog must not take the place of one that is down for a while.
        ("/down", &[], "GET /down: unexpected status 503", "error api_catalog_unreadable /down"),
    ] {
        let found = catalog(&origin, path).await;
        assert_eq!(origin.services(&found), services, "{path}");
        assert_eq!(origin.steps(&found).last().map(String::as_str), Some(last_step), "{path}");
        assert_eq!(origin.codes(&found), [code], "{path}");
    }
    let found = catalog(&origin, "/").await;
    assert_eq!(
        origin.steps(&found)[..2],
        ["GET /: 200, the answer is an HTML page, not a set of links", "GET /missing.json: unexpected status 404"]
    );
    assert_eq!(found.services[0].chain.iter().map(|url| origin.plain(url)).collect::<Vec<_>>(), ["/", "/apis"]);
}

#[tokio::test]
async fn a_catalog_that_is_nowhere_is_an_error_that_names_every_place() {
    let origin = Origin::start([
        ("/cat", ok(&[HTML], "<html>sign in")),
        ("/.well-known/api-catalog", ok(&[HTML], "<html>sign in")),
        ("/empty", linkset("{\"linkset\":[]}")),
        ("/other", linkset(r#"{"linkset":[{"anchor":"/x","next":[{"href":"/y"}]}]}"#)),
    ])
    .await;
    let found = catalog(&origin, "/cat").await;
    assert_eq!(
        origin.plain(&found.diagnostics[0].message),
        "No API catalog was found at /cat. GET /cat: 200, the answer is an HTML page, not a set of links; \
         GET /.well-known/api-catalog: 200, the answer is an HTML page, not a set of links."
    );
    for path in ["/empty", "/other"] {
        let found = catalog(&origin, path).await;
        assert_eq!(origin.codes(&found), [format!("warning api_catalog_empty {path}")]);
        assert_eq!(found.steps[0].outcome, StepOutcome::Nothing);
    }
    let local = url::Url::parse("file:///etc/catalog.json").expect("URL");
    let found = discovery(Limits::default()).api_catalog(&local, &FetchPolicy::default(), &quiet()).await;
    assert_eq!((found.diagnostics[0].code.as_str(), found.steps.len()), ("location_invalid", 0));
}

/// AC-7: addresses count from where the answer came from, and bad ones cost only themselves.
#[tokio::test]
async fn relative_links_follow_redirects_and_bad_links_are_left_out() {
    let body = r#"{"linkset":[{"href":"http://[","rel":"item"},{"href":"file:///etc/passwd","rel":"item"},
        {"href":"mailto:a@b","rel":"author"},{"anchor":"one","service-desc":[{"href":"one.json"}]}]}"#;
    let origin = Origin::start([
        ("/cat", status(307, &["Location: /moved/here/cat"], "")),
        ("/moved/here/cat", linkset(body)),
    ])
    .await;
    let found = catalog(&origin, "/cat").await;
    assert_eq!(origin.services(&found), ["/moved/here/one -> /moved/here/one.json"]);
    assert_eq!(origin.codes(&found), ["warning link_invalid /cat"]);
    assert!(found.diagnostics[0].message.starts_with("2 of the links of"), "{}", found.diagnostics[0].message);
}

/// W4: slow places cost a bounded time, and nothing else.
#[tokio::test]
async fn slow_services_and_catalogs_cost_themselves_only() {
    let body = r#"{"linkset":[{"item":[{"href":"/slow1"},{"href":"/quick"},{"href":"/slow2"}],"api-catalog":[{"href":"/slow3"}]}]}"#;
    let origin = Origin::start([
        ("/cat", linkset(body)),
        ("/slow1", hang()),
        ("/slow2", hang()),
        ("/slow3", hang()),
        ("/quick", ok(&[DESC], "")),
    ])
    .await;
    let limits = Limits { request_time: Duration::from_secs(1), ..Limits::default() };
    let begin = Instant::now();
    let found = catalog_within(&origin, "/cat", limits).await;
    // The catalog, then HEAD and GET of both services at the same time.
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert_eq!(origin.services(&found), ["/quick -> /openapi.json"]);
    assert_eq!(
        origin.codes(&found),
        [
            "error api_catalog_unreadable /slow3",
            "error service_root_unreadable /slow1",
            "error service_root_unreadable /slow2"
        ]
    );
    assert!(
        origin.requests().iter().all(|request| !request.contains("openapi")),
        "an origin that is slow is not asked for guesses"
    );
    let limits = Limits { total_time: Duration::from_secs(1), ..Limits::default() };
    let found = catalog_within(&origin, "/cat", limits).await;
    assert_eq!(found.services.len(), 0);
    assert!(
        origin.steps(&found).contains(&"HEAD /quick: not asked, discovery has taken 1s (total_time)".to_owned())
    );
}

/// CACHE-3, CP-2, AC-1
#[tokio::test]
async fn answers_come_from_the_cache_under_the_contracts_keys() {
    let fresh = "Cache-Control: max-age=60";
    let origin = Origin::start([
        ("/cat", ok(&[LINKSET, fresh], r#"{"linkset":[{"item":[{"href":"/svc"}]}]}"#)),
        ("/svc", ok(&[DESC, fresh], "").get_only()),
    ])
    .await;
    let dir = tempfile::tempdir().expect("temporary directory");
    let discovery = open_cli_discovery::Discovery::new(documents(Some(dir.path())), Limits::default());
    let url = origin.url("/cat");
    let found = discovery.api_catalog(&url, &FetchPolicy::default(), &quiet()).await;
    assert_eq!(found.services.len(), 1);
    assert!(found.expires_at.is_some_and(|at| at > jiff::Timestamp::now()));
    let mut keys: Vec<String> = std::fs::read_dir(dir.path())
        .expect("listed")
        .map(|file| file.expect("file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            serde_json::from_slice::<serde_json::Value>(&std::fs::read(path).expect("read")).expect("JSON")
        })
        .map(|metadata| origin.plain(metadata["key"].as_str().expect("key")))
        .collect();
    keys.sort();
    assert_eq!(keys, ["GET:/cat:application/linkset+json", "GET:/svc"]);
    let asked = origin.count();
    let manual = FetchPolicy { manual_only: true, ..FetchPolicy::default() };
    let again = discovery.api_catalog(&url, &manual, &quiet()).await;
    assert_eq!((again.services.len(), again.expires_at), (1, None));
    assert_eq!(again.steps[0].cache_outcome, Some(CacheOutcome::FreshHit));
    // Only the refused HEAD is asked again.
    assert_eq!(origin.count(), asked + 1);
}

#[tokio::test]
async fn services_with_one_description_are_one_service() {
    let origin = Origin::start([
        ("/cat", linkset(r#"{"linkset":[{"item":[{"href":"/v1"},{"href":"/v1/"},{"href":"/v1#x"}]}]}"#)),
        ("/v1", ok(&["Link: </openapi.json>; rel=service-desc"], "")),
        ("/v1/", ok(&["Link: </openapi.json>; rel=service-desc"], "")),
    ])
    .await;
    let found = catalog(&origin, "/cat").await;
    assert_eq!(origin.services(&found), ["/v1 -> /openapi.json"]);
    assert_eq!(origin.codes(&found), ["note service_duplicate /v1/"]);
}

#[tokio::test]
async fn a_rule_keeps_links_from_being_followed() {
    let origin = Origin::start([
        ("/cat", nested(&["/private/cat", "/open/cat"], &[])),
        ("/open/cat", described(&["a"])),
        ("/private/cat", described(&["b"])),
    ])
    .await;
    let rule: open_cli_discovery::FollowRule = Arc::new(|_holder, target| {
        if target.path().starts_with("/private") { Err("the address is private".to_owned()) } else { Ok(()) }
    });
    let discovery = discovery(Limits::default()).following(rule);
    let found = discovery.api_catalog(&origin.url("/cat"), &FetchPolicy::default(), &quiet()).await;
    assert_eq!(origin.services(&found), ["/a -> /a.json"]);
    assert_eq!(origin.steps(&found)[1], "GET /private/cat: not followed: the address is private");
    assert!(origin.requests().iter().all(|request| !request.contains("private")));
}

#[tokio::test]
async fn our_own_catalog_is_found_and_read_back() {
    let api = PublishedApi {
        base: "{base}/v1/services/orders".into(),
        title: "Orders".into(),
        service_desc: vec![PublishedLink::new(
            "{base}/v1/services/orders/openapi.json",
            "application/vnd.oai.openapi+json",
        )],
        ..PublishedApi::default()
    };
    let body = publish("{base}/.well-known/api-catalog", &[api]);
    let lines = [format!("Content-Type: {API_CATALOG_MEDIA_TYPE}"), format!("Link: {API_CATALOG_LINK}")];
    let origin = Origin::start([(API_CATALOG_PATH, ok(&[&lines[0], &lines[1]], body))]).await;
    for found in [catalog(&origin, "/nowhere").await, root(&origin, "/").await] {
        assert_eq!(origin.services(&found), ["/v1/services/orders -> /v1/services/orders/openapi.json"]);
    }
}

#[tokio::test]
async fn every_stage_has_its_span() {
    let origin = Origin::start([
        ("/cat", linkset(r#"{"linkset":[{"item":[{"href":"/svc"}]}]}"#)),
        ("/svc", ok(&[DESC], "")),
    ])
    .await;
    let recorder = Arc::new(Recorder::default());
    let trace = Trace::detached(recorder.clone());
    discovery(Limits::default()).api_catalog(&origin.url("/cat"), &FetchPolicy::default(), &trace).await;
    let spans = recorder.spans();
    let names: Vec<&str> = spans.iter().map(|span| span.name).collect();
    assert_eq!(names, ["cache.fetch", "cache.fetch", "discovery.service_root", "discovery.api_catalog"]);
    assert!(spans.iter().all(|span| span.error.is_none()));
    assert_eq!(spans[1].parent_span_id, Some(spans[2].span_id));
    assert_eq!(spans[2].parent_span_id, Some(spans[3].span_id));
}
