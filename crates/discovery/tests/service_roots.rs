//! Service roots at a real origin: catalog-and-execution §3 with weaknesses W2, W8, W9.

mod common;

use common::*;
use open_cli_contract::catalog::DiscoveryMethod;
use open_cli_discovery::Limits;
use open_cli_documents::{FetchPolicy, Location};

fn shown(origin: &Origin, links: &[Location]) -> Vec<String> {
    links.iter().map(|link| origin.plain(&link.to_string())).collect()
}

/// SR-1 to SR-4, SR-7, SR-9, SR-10, W8, W9
#[tokio::test]
async fn the_description_is_found_by_the_first_method_that_links_to_it() {
    let page = "<!doctype html><base href=/docs/><!-- <link rel=service-desc href=no> -->\
                <link rel='service-desc' type='application/json' href='api.json'><link rel=service-doc href=../>";
    let origin = Origin::start([
        ("/head", ok(&["Link: <spec.yaml>; rel=service-desc, </meta.json>; rel=\"service-meta\""], "")),
        ("/get", ok(&["Link: </spec.yaml>; rel=service-desc"], "").get_only()),
        ("/html", ok(&[HTML], page)),
        ("/both", ok(&[HTML, "Link: <header.json>; rel=\"service-desc\""], page)),
        ("/itself", ok(&["Content-Type: application/json"], DESCRIPTION)),
        ("/linked", ok(&["Link: <real.json>; rel=service-desc"], DESCRIPTION).get_only()),
        ("/yaml", ok(&["Content-Type: text/plain"], "openapi: 3.1.0\ninfo: {}\n")),
        ("/moved", status(301, &["Location: /new/place/"], "")),
        ("/new/place/", ok(&["Link: <spec.json>; rel=service-desc"], "")),
        (
            "/last",
            ok(
                &[
                    "Link: <1>; rel=service-desc",
                    "Link: <2>; rel=service-desc, <3>; rel=service-desc; type=\"text/html\"",
                ],
                "",
            ),
        ),
        ("/spaced", ok(&["Link: < s.json > ; Title=\"a;b,c\" ; REL = \"Alternate Service-Desc\"; rel=x"], "")),
        ("/two", ok(&["Link: <two.json>; rel=\"service-desc service-meta\""], "")),
        ("/own", ok(&["Link: <own.json>; rel=service-desc; anchor=\"\"; title*=UTF-8''%c3%84; hreflang=de"], "")),
        ("/empty", ok(&["Link: <>; rel=service-desc"], "")),
    ])
    .await;
    for (path, services, requests) in [
        ("/head", "/head -> /spec.yaml", "HEAD GET"),
        ("/get", "/get -> /spec.yaml", "HEAD GET"),
        ("/html", "/html -> /docs/api.json", "HEAD GET"),
        ("/both", "/both -> /header.json", "HEAD"),
        ("/itself", "/itself -> /itself", "HEAD GET"),
        ("/linked", "/linked -> /real.json", "HEAD GET"),
        ("/yaml", "/yaml -> /yaml", "HEAD GET"),
        ("/moved", "/moved -> /new/place/spec.json", "HEAD HEAD"),
        ("/last", "/last -> /2 /1 /3", "HEAD"),
        ("/spaced", "/spaced -> /s.json", "HEAD"),
        ("/two", "/two -> /two.json", "HEAD"),
        ("/own", "/own -> /own.json", "HEAD"),
        ("/empty", "/empty -> /empty", "HEAD"),
    ] {
        let before = origin.count();
        let found = root(&origin, path).await;
        assert_eq!(origin.services(&found), [services], "{path}: {:?}", origin.steps(&found));
        let methods: Vec<String> = origin.requests()[before..]
            .iter()
            .map(|r| r.split(' ').next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(methods.join(" "), requests, "{path}");
        let service = &found.services[0];
        assert_eq!(service.method, DiscoveryMethod::Rfc8631, "{path}");
        // One record for the service root; the metadata of `/head` is not there.
        assert_eq!(service.fetches.len(), 1, "{path}");
        if path == "/own" {
            assert_eq!(
                (service.service_desc[0].title.as_str(), service.service_desc[0].hreflang.join(",")),
                ("Ä", "de".into())
            );
        }
    }
    let found = root(&origin, "/html").await;
    assert_eq!(found.services[0].service_doc.len(), 1);
    assert_eq!(
        origin.steps(&found),
        [
            "HEAD /html: 200 text/html; no link to a service-desc",
            "GET /html: 200 HTML page; links to a service-desc"
        ]
    );
}

/// RFC 8288 §3.2
#[tokio::test]
async fn links_about_other_resources_are_other_services() {
    let origin = Origin::start([
        (
            "/",
            ok(
                &[
                    "Link: <root.json>; rel=service-desc",
                    "Link: <a.json>; rel=service-desc; anchor=\"/a\", <b.json>; rel=service-desc; anchor=\"/b\"",
                    "Link: <a.html>; rel=service-doc; anchor=\"/a\", <x.html>; rel=service-doc; anchor=\"/x\"",
                ],
                "",
            ),
        ),
        ("/elsewhere", ok(&["Link: <c.json>; rel=service-desc; anchor=\"/c\""], "")),
    ])
    .await;
    let found = root(&origin, "/").await;
    assert_eq!(origin.services(&found), ["/ -> /root.json", "/a -> /a.json", "/b -> /b.json"]);
    assert_eq!(found.services[1].service_doc.len(), 1);
    let found = root(&origin, "/elsewhere").await;
    assert_eq!(origin.services(&found), ["/c -> /c.json"]);
}

/// W8: other relations alone don't end the search, and the error names what is missing.
#[tokio::test]
async fn a_root_with_metadata_alone_is_searched_to_the_end() {
    let origin = Origin::start([
        (
            "/late",
            ok(&["Link: </meta>; rel=service-meta", HTML], "<link rel=service-desc href=late.json>").get_only(),
        ),
        ("/meta", linkset(r#"{"linkset":[{"href":"o.yaml","rel":"https://open-cli.dev/rel/schema-overlay"}]}"#)),
        ("/api/only", ok(&["Link: </meta>; rel=service-meta", HTML], "<html>")),
        ("/api/only/swagger.json", ok(&[HTML], "<html>")),
    ])
    .await;
    let found = root(&origin, "/late").await;
    assert_eq!(origin.services(&found), ["/late -> /late.json"]);
    assert_eq!(shown(&origin, &found.services[0].service_meta.overlays), ["/o.yaml"]);
    let found = root(&origin, "/api/only").await;
    assert_eq!(origin.services(&found), [""; 0]);
    assert_eq!(origin.codes(&found), ["error service_desc_missing /api/only"]);
    assert_eq!(
        origin.plain(&found.diagnostics[0].message),
        "service description links unavailable: /api/only has no `service-desc` link, and no description is at the usual \
         places. HEAD /api/only: 200 text/html; no link to a service-desc, only to service-meta; GET /api/only: 200 HTML \
         page; no link to a service-desc, only to service-meta; GET /.well-known/api-catalog: unexpected status 404; GET \
         /api/only/openapi.json: unexpected status 404; GET /api/only/openapi.yaml: unexpected status 404; GET \
         /api/only/openapi.yml: unexpected status 404; 11 more places likewise."
    );
    assert!(origin.steps(&found).contains(&"GET /api/only/swagger.json: 200 an HTML page".to_owned()));
    assert_eq!(found.steps.len(), 17);
}

#[tokio::test]
async fn catalogs_and_usual_places_are_tried_in_order() {
    let listed = r#"{"linkset":[{"anchor":"/api","service-desc":[{"href":"/api.json"}]},
        {"anchor":"/api/v2","service-desc":[{"href":"/v2.json"}]},{"anchor":"/other","service-desc":[{"href":"/other.json"}]}]}"#;
    let origin = Origin::start([
        ("/.well-known/api-catalog", linkset(listed)),
        ("/api", ok(&[], "")),
        ("/api/", ok(&[], "")),
        ("/linked", ok(&["Link: <cat>; rel=api-catalog"], "")),
        ("/cat", linkset(r#"{"linkset":[{"anchor":"/linked","service-desc":[{"href":"/linked.json"}]}]}"#)),
        (
            "/catalog",
            ok(&[LINKSET], r#"{"linkset":[{"anchor":"/catalog","service-desc":[{"href":"/catalog.json"}]}]}"#),
        ),
        ("/guess", ok(&[HTML], "<html>")),
        ("/guess/openapi.json", ok(&[HTML], "<html>")),
        ("/guess/swagger.yaml", ok(&[], "swagger: '2.0'\n")),
        ("/openapi.json", ok(&[], DESCRIPTION)),
    ])
    .await;
    for (path, services, method) in [
        // Itself, else what is below it, else (for `/`) everything.
        ("/api", &["/api -> /api.json"][..], DiscoveryMethod::Rfc9727),
        ("/api/", &["/api -> /api.json", "/api/v2 -> /v2.json"], DiscoveryMethod::Rfc9727),
        ("/", &["/api -> /api.json", "/api/v2 -> /v2.json", "/other -> /other.json"], DiscoveryMethod::Rfc9727),
        ("/linked", &["/linked -> /linked.json"], DiscoveryMethod::Rfc9727),
        ("/catalog", &["/catalog -> /catalog.json"], DiscoveryMethod::Rfc9727),
        ("/guess", &["/guess -> /guess/swagger.yaml"], DiscoveryMethod::Heuristic),
        ("/absent", &["/absent -> /openapi.json"], DiscoveryMethod::Heuristic),
    ] {
        let found = root(&origin, path).await;
        assert_eq!(origin.services(&found), services, "{path}: {:?}", origin.steps(&found));
        assert_eq!(found.services[0].method, method, "{path}");
    }
}

#[tokio::test]
async fn an_origin_that_is_down_is_not_asked_for_guesses() {
    let origin = Origin::start([("/", status(503, &[], "")), ("/slow", hang())]).await;
    let limits = Limits { request_time: std::time::Duration::from_secs(1), ..Limits::default() };
    for (path, detail) in [("/", "unexpected status 503"), ("/slow", "no answer within 1s (request_time)")] {
        let before = origin.count();
        let discovery = discovery(limits.clone());
        let found = discovery.service_root(&origin.url(path), &FetchPolicy::default(), &quiet()).await;
        assert_eq!(origin.codes(&found), [format!("error service_root_unreadable {path}")]);
        assert_eq!(origin.steps(&found), [format!("HEAD {path}: {detail}"), format!("GET {path}: {detail}")]);
        assert_eq!(origin.count(), before + 2);
    }
    let gone = Origin::start([]).await.url("/");
    let found = discovery(limits).service_root(&gone, &FetchPolicy::default(), &quiet()).await;
    assert!(found.diagnostics[0].message.contains("can't be fetched"), "{}", found.diagnostics[0].message);
}

/// ML-1 to ML-5, W2
#[tokio::test]
async fn metadata_attaches_overlays_skills_and_workflows() {
    let standard = r#"{"linkset":[
        {"anchor":"/svc/","https://open-cli.dev/rel/schema-overlay":[{"href":"o1.yaml"},{"href":"o1.yaml"},{"href":"/o2.yaml"}]},
        {"anchor":"/another","https://open-cli.dev/rel/schema-overlay":[{"href":"/not-ours.yaml"}]},
        {"https://open-cli.dev/rel/workflows":[{"href":"w.yaml"}],"license":[{"href":"/license"}]}]}"#;
    let flat = r#"{"links":[{"href":"s.json","rel":"https://open-cli.dev/rel/skill-manifest"},
        {"href":"file:///etc/passwd","rel":"https://open-cli.dev/rel/workflows"},
        {"href":"o3.yaml","rel":"x-SCHEMA-overlay alternate"}]}"#;
    let origin = Origin::start([
        (
            "/svc",
            ok(
                &[
                    "Link: <s.json>; rel=service-desc",
                    "Link: </meta/1>; rel=service-meta, </meta/2>; rel=service-meta, </meta/3>; rel=service-meta",
                    "Link: </meta/4>; rel=service-meta; type=\"text/xml\"",
                    "Link: </direct.yaml>; rel=\"https://open-cli.dev/rel/workflows\"",
                ],
                "",
            ),
        ),
        ("/meta/1", linkset(standard)),
        ("/meta/2", ok(&["Content-Type: application/json"], flat)),
        ("/meta/3", ok(&[HTML], "<html>")),
    ])
    .await;
    let found = root(&origin, "/svc").await;
    let meta = &found.services[0].service_meta;
    assert_eq!(shown(&origin, &meta.overlays), ["/meta/o1.yaml", "/o2.yaml", "/meta/o3.yaml"]);
    assert_eq!(shown(&origin, &meta.workflows), ["/direct.yaml", "/meta/w.yaml"]);
    assert_eq!(shown(&origin, &meta.skills), ["/meta/s.json"]);
    // /meta/3 might have attached an overlay.
    assert!(meta.is_incomplete);
    assert_eq!(origin.codes(&found), ["warning link_invalid /meta/2", "error service_meta_unreadable /meta/3"]);
    assert_eq!(
        origin.steps(&found)[1..],
        [
            "GET /meta/1: attaches 4 documents, 1 links are about other services",
            "GET /meta/2: attaches 2 documents",
            "GET /meta/3: the answer is an HTML page, not a set of links",
            "GET /meta/4: not asked, its type text/xml is no set of links",
        ]
    );
    let records: Vec<String> = found.services[0].fetches.iter().map(|record| origin.plain(&record.url)).collect();
    assert_eq!(records, ["/svc", "/meta/1", "/meta/2", "/meta/3"]);
}

/// Credentials of the configured address go to links of the same origin, and are never shown.
#[tokio::test]
async fn credentials_are_never_shown() {
    let origin = Origin::start([("/svc", ok(&["Link: <s.json>; rel=service-desc"], ""))]).await;
    let mut url = origin.url("/svc");
    url.set_username("user").expect("set");
    url.set_password(Some("s3cret")).expect("set");
    let found = discovery(Limits::default()).service_root(&url, &FetchPolicy::default(), &quiet()).await;
    assert_eq!(found.services.len(), 1);
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
    url.set_path("/absent");
    let found = discovery(Limits::default()).service_root(&url, &FetchPolicy::default(), &quiet()).await;
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
}
