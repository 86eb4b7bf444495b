//! Discovered services on their way into the catalog: catalog-and-execution §2, §3, §8 with W2, W6, W10, W27.

mod common;

use common::{Desk, Site, THINGS, ids, message, prepared};
use open_cli_catalog::Snapshot;
use open_cli_contract::catalog::DiscoveryMethod;
use serde_json::json;

/// A description of one operation.
fn description(title: &str, path: &str) -> String {
    json!({"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "servers": [{"url": "https://x.example"}],
        "paths": {path: {"get": {"operationId": "list", "responses": {}}}}})
    .to_string()
}

const OVERLAY: &str = "overlay: 1.1.0\nactions: [{target: '$.paths.*.get', update: {x-cli-name: WORD}}]";

/// Two services in a catalog that nests another one.
fn hub() -> Site {
    let site = Site::start();
    site.linkset(
        "/cat",
        r#"{"linkset":[{"anchor":"{base}/cat","item":[{"href":"{base}/svc/orders"}],
            "api-catalog":[{"href":"{base}/more"}]},
            {"anchor":"{base}/svc/orders","service-desc":[{"href":"{base}/orders.json"}]}]}"#,
    );
    site.linkset("/more", r#"{"linkset":[{"href":"/svc/stock","rel":"item"}]}"#);
    site.set("/svc/stock", 200, &["Link: </stock.json>; rel=service-desc"], "");
    site.ok("/orders.json", &description("Orders", "/orders"));
    site.ok("/stock.json", &description("Stock", "/stock"));
    site
}

fn of_catalog(desk: &Desk, site: &Site) {
    desk.config(json!({"sources": {"hub": {"type": "apiCatalog", "uri": site.url("/cat")}}}));
}

fn services(snapshot: &Snapshot) -> Vec<String> {
    snapshot.services().map(|(service, at)| format!("{} {}", service.id, at)).collect()
}

#[tokio::test]
async fn an_api_catalog_becomes_services_and_tools() {
    let (site, desk) = (hub(), Desk::new());
    of_catalog(&desk, &site);
    let snapshot = desk.build(None).await;
    assert_eq!(ids(&snapshot), ["orders:list", "stock:list"], "{:#?}", snapshot.diagnostics());
    assert_eq!(desk.codes(&snapshot), [""; 0]);
    let source = &snapshot.sources()[0];
    assert_eq!((source.kind.as_str(), source.provenance.method), ("apiCatalog", DiscoveryMethod::Rfc9727));
    // PROV-4, AC-14.
    let fetches: Vec<String> = source
        .provenance
        .fetches
        .iter()
        .map(|f| format!("{} {} {:?}", f.request_method, f.url.replace(&site.base, ""), f.method))
        .collect();
    assert_eq!(
        fetches,
        [
            "GET /cat Rfc9727",
            "GET /more Rfc9727",
            "GET /orders.json Rfc9727",
            "HEAD /svc/stock Rfc8631",
            "GET /stock.json Rfc8631",
        ]
    );
    let told = message(&snapshot, "discovery").replace(&site.base, "");
    assert!(told.starts_with("2 services were found. Found: GET /cat: 200 a catalog"), "{told}");
    // Found again without asking.
    let requests = site.requests().len();
    let again = desk.build(Some(&snapshot)).await;
    assert_eq!(again.fingerprint(), snapshot.fingerprint());
    assert_eq!(desk.spans("discovery.api_catalog"), 0);
    assert!(site.requests().len() <= requests + 2, "{:?}", site.requests());
}

/// W2, CP-2: one by one.
#[tokio::test]
async fn discovered_services_fail_one_by_one_and_keep_their_last_good_state() {
    let (site, desk) = (hub(), Desk::new());
    of_catalog(&desk, &site);
    site.set("/stock.json", 500, &[], "");
    let partial = desk.build(None).await;
    assert_eq!(ids(&partial), ["orders:list"]);
    assert_eq!(desk.codes(&partial), ["error fetch_status hub", "error source_failed hub"]);
    site.ok("/stock.json", &description("Stock", "/stock"));
    let good = desk.refresh(&partial).await;
    assert_eq!(ids(&good), ["orders:list", "stock:list"]);
    // A description, a service root, a nested catalog and the catalog itself.
    for (path, text) in [("/stock.json", "<html>"), ("/svc/stock", ""), ("/more", "<html>"), ("/cat", "<html>")] {
        let site = hub();
        of_catalog(&desk, &site);
        let good = desk.build(None).await;
        site.set(path, if text.is_empty() { 404 } else { 200 }, &["Content-Type: text/html"], text);
        let stale = desk.refresh(&good).await;
        assert_eq!(ids(&stale), ids(&good), "{path}: {:#?}", stale.diagnostics());
        assert!(desk.codes(&stale).iter().any(|code| code.starts_with("error service_stale")), "{path}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_listed_any_more_goes() {
    let (site, desk) = (hub(), Desk::new());
    of_catalog(&desk, &site);
    let good = desk.build(None).await;
    site.linkset("/more", r#"{"linkset":[{"href":"/svc/orders","rel":"item"}]}"#);
    assert_eq!(ids(&desk.refresh(&good).await), ["orders:list"]);
    // And nothing stays of a source that is not configured any more.
    desk.config(json!({}));
    assert_eq!(ids(&desk.build(Some(&good)).await), [""; 0]);
}

/// W27.
#[tokio::test]
async fn services_with_the_same_id_are_told_apart_and_stay_so() {
    let site = Site::start();
    for (name, title) in [("a", "Orders"), ("b", "Stock"), ("c", "")] {
        site.set(&format!("/{name}"), 200, &[&format!("Link: </{name}.json>; rel=service-desc")], "");
        site.ok(&format!("/{name}.json"), &description(title, "/v1/things"));
    }
    let list = |names: &[&str]| {
        let items: Vec<String> =
            names.iter().map(|name| format!(r#"{{"href":"/{name}","rel":"item"}}"#)).collect();
        format!(r#"{{"linkset":[{}]}}"#, items.join(","))
    };
    site.linkset("/cat", &list(&["c", "b", "a"]));
    let desk = Desk::new();
    of_catalog(&desk, &site);
    let first = desk.build(None).await;
    let found: Vec<String> = services(&first).iter().map(|one| one.replace(&site.base, "")).collect();
    assert_eq!(found[1..], ["v1-stock /b.json", "v1 /a.json"]);
    assert!(found[0].starts_with("v1-") && found[0].ends_with(" /c.json"), "{found:?}");
    assert_eq!(desk.codes(&first).len(), 2);
    assert!(desk.codes(&first).contains(&"note service_renamed v1-stock".to_owned()));
    site.linkset("/cat", &list(&["a", "b", "c"]));
    let again = desk.refresh(&first).await;
    assert_eq!((services(&again), ids(&again)), (services(&first), ids(&first)));
    // Without the one that had the name, the next one has it.
    site.linkset("/cat", &list(&["b"]));
    let alone = desk.refresh(&again).await;
    assert_eq!(ids(&alone), ["v1:list"]);
    // A name of the configuration is never given away.
    desk.write("things.yaml", THINGS);
    desk.config(json!({"sources": {"hub": {"type": "apiCatalog", "uri": site.url("/cat")},
        "s": {"type": "openapi", "uri": "things.yaml"}}, "services": {"v1": {"source": "s"}}}));
    let named = desk.build(Some(&alone)).await;
    assert_eq!(ids(&named), ["v1-stock:list", "v1:deleteThing", "v1:listThings"]);
}

/// W10, deviation 9: the publisher's overlays first, the operator's last.
#[tokio::test]
async fn a_service_root_has_the_publishers_overlays_and_then_the_operators() {
    let site = Site::start();
    let links = ["Link: </api.json>; rel=service-desc, </meta>; rel=service-meta"];
    site.set("/", 200, &links, "");
    let relation = "https://open-cli.dev/rel/schema-overlay";
    site.linkset("/meta", &format!(r#"{{"linkset":[{{"href":"/o.yaml","rel":"{relation}"}}]}}"#));
    site.ok("/api.json", &description("Orders", "/orders"));
    site.ok("/o.yaml", &OVERLAY.replace("WORD", "published, x-cli-group: published"));
    let desk = Desk::new();
    desk.write("o.yaml", &OVERLAY.replace("WORD", "ours"));
    let uri = site.url("/");
    desk.config(json!({"sources": {"s": {"type": "serviceRoot", "uri": uri}},
        "services": {"shop": {"source": "s", "alias": "sh", "overlays": ["o.yaml"]}}}));
    let snapshot = desk.build(None).await;
    assert_eq!(ids(&snapshot), ["shop:list"], "{:#?}", snapshot.diagnostics());
    let ready = prepared(&snapshot, "shop:list");
    let tool = ready.tool();
    assert_eq!((tool.group.as_str(), tool.command.as_str()), ("published", "ours"));
    let source = &snapshot.sources()[0];
    assert_eq!(source.provenance.method, DiscoveryMethod::Rfc8631);
    let urls: Vec<String> = source.provenance.fetches.iter().map(|f| f.url.replace(&site.base, "")).collect();
    assert_eq!(urls, ["/", "/meta", "/api.json", "/o.yaml"]);
    // What the publisher attaches protects too: without it, the last good state stays.
    for (path, status) in [("/o.yaml", 404), ("/meta", 404)] {
        site.set(path, status, &[], "");
        let stale = desk.refresh(&snapshot).await;
        assert_eq!(ids(&stale), ["shop:list"]);
        assert_eq!(desk.codes(&stale).iter().filter(|code| *code == "error service_stale shop").count(), 1);
        let fresh = desk.build(None).await;
        assert_eq!(ids(&fresh), [""; 0], "{path}: {:#?}", fresh.diagnostics());
    }
    // The root stands in for itself while it is down; when it says no more, the service stays and says so.
    site.linkset("/meta", &format!(r#"{{"linkset":[{{"href":"/o.yaml","rel":"{relation}"}}]}}"#));
    site.ok("/o.yaml", &OVERLAY.replace("WORD", "published"));
    site.set("/", 503, &[], "");
    let down = desk.refresh(&snapshot).await;
    assert_eq!((ids(&down), desk.codes(&down)), (vec!["shop:list"], vec![]));
    site.set("/", 404, &[], "");
    let stale = desk.refresh(&snapshot).await;
    assert_eq!(ids(&stale), ["shop:list"]);
    assert!(message(&stale, "service_stale").contains("was not found this time"));
}

#[tokio::test]
async fn a_configured_service_is_the_root_itself_and_never_another_one() {
    let site = Site::start();
    let others = ["Link: </a.json>; rel=service-desc; anchor=\"/a\", </b.json>; rel=service-desc; anchor=\"/b\""];
    site.set("/", 200, &others, "");
    for name in ["a", "b", "own"] {
        site.ok(&format!("/{name}.json"), &description(name, &format!("/{name}")));
    }
    let desk = Desk::new();
    let config = |services| {
        desk.config(
            json!({"sources": {"s": {"type": "serviceRoot", "uri": site.url("/")}}, "services": services}),
        );
    };
    config(json!({"shop": {"source": "s"}}));
    let none = desk.build(None).await;
    assert_eq!(ids(&none), [""; 0]);
    assert!(desk.codes(&none).contains(&"error service_ambiguous shop".to_owned()), "{:?}", desk.codes(&none));
    let own = format!("{}, </own.json>; rel=service-desc", others[0]);
    site.set("/", 200, &[&own], "");
    let one = desk.refresh(&none).await;
    assert_eq!(services(&one), [format!("shop {}/own.json", site.base)]);
    assert_eq!(desk.codes(&one), ["warning services_left_out shop"]);
    // Unreferenced, all of them are served.
    config(json!({}));
    assert_eq!(ids(&desk.build(Some(&one)).await), ["a:list", "b:list", "own:list"]);
}

/// BP-4.
#[tokio::test]
async fn an_api_catalog_is_no_service() {
    let (site, desk) = (hub(), Desk::new());
    desk.write("things.yaml", THINGS);
    desk.config(json!({"sources": {"hub": {"type": "apiCatalog", "uri": site.url("/cat")},
        "s": {"type": "openapi", "uri": "things.yaml"}},
        "services": {"shop": {"source": "hub"}, "things": {"source": "s"}}}));
    let snapshot = desk.build(None).await;
    assert_eq!(ids(&snapshot), ["things:deleteThing", "things:listThings"]);
    assert_eq!(desk.codes(&snapshot), ["error source_type_unsupported shop", "warning config config"]);
    assert_eq!(site.requests(), [""; 0]);
}
