//! Every kept input against its target, in time: what was found once stays mended.

use open_cli_fuzz::{Mutator, SLOWEST, TARGETS, corpus};
use std::time::Instant;

/// Mutations of each corpus under a fixed seed: few, and the same each time.
const MUTATIONS: usize = 50;

#[test]
fn every_kept_input_comes_back_in_time() {
    for target in TARGETS {
        let inputs = corpus(target.name).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        let kept: Vec<Vec<u8>> = inputs.iter().map(|(_, input)| input.clone()).collect();
        let mut mutator = Mutator::new(1, &kept, target.dictionary);
        let mutated = (0..MUTATIONS).map(|nth| (format!("mutation {nth}"), mutator.next_input()));
        for (name, input) in inputs.into_iter().chain(mutated.collect::<Vec<_>>()) {
            let begun = Instant::now();
            (target.run)(&input);
            assert!(begun.elapsed() < SLOWEST, "{}: {name} took {:?}", target.name, begun.elapsed());
        }
    }
}

#[test]
fn a_seed_gives_the_same_inputs() {
    let kept = vec![b"{\"a\": [1, 2]}".to_vec(), b"x".to_vec()];
    let inputs = |seed| {
        let mut mutator = Mutator::new(seed, &kept, &["null", "["]);
        (0..100).map(|_| mutator.next_input()).collect::<Vec<_>>()
    };
    assert_eq!(inputs(7), inputs(7));
    assert_ne!(inputs(7), inputs(8));
}

/// A corpus that its parser turns away at the door finds nothing.
#[test]
fn the_corpus_reaches_what_it_is_for() {
    use open_cli_contract::catalog::Tool;
    let input = |target: &str, name: &str| {
        let inputs = corpus(target).expect("a corpus");
        inputs.into_iter().find(|(known, _)| known == name).expect("an input").1
    };
    let text = |target: &str, name: &str| String::from_utf8(input(target, name)).expect("UTF-8");
    let json =
        |target: &str, name: &str| open_cli_documents::to_json(&input(target, name).into()).expect("a document");
    let files = [(open_cli_config::Scope::Project, "/srv/.cli.json".into(), text("config", "small.json"))];
    open_cli_config::load_text(&files).expect("a configuration");
    let location = open_cli_documents::Location::File("/srv/a.yaml".into());
    let document = open_cli_documents::Document { location, json: json("openapi", "three.yaml") };
    let api =
        open_cli_openapi::read(&open_cli_documents::DocumentSet::from_documents(vec![document])).expect("an API");
    assert!(api.operations.len() >= 2);
    open_cli_overlay::Overlay::parse(&json("overlay", "actions.yaml"), "https://h.example/o").expect("an overlay");
    open_cli_arazzo::Description::parse(&json("arazzo", "workflow.yaml")).expect("workflows");
    for name in ["filter", "slices", "functions"] {
        open_cli_jsonpath::JsonPath::parse(&text("jsonpath", name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(open_cli_discovery::parse_link_header(text("link_header", "links").lines(), 9).len() >= 2);
    assert!(!open_cli_discovery::parse_html_links(&text("html", "page.html"), 9).is_empty());
    open_cli_documents::CacheEntry::parse(&input("cache_metadata", "entry.json")).expect("an entry");
    open_cli_auditformat::Record::parse(&input("audit_line", "record.json")).expect("a record");
    let call: serde_json::Value = serde_json::from_slice(&input("request", "tool.json")).expect("JSON");
    serde_json::from_value::<Tool>(call["tool"].clone()).expect("a tool");
}
