use super::*;
use proptest::prelude::*;

/// One link a line, then the faults.
fn shown(set: &Linkset) -> String {
    let links = set.links.iter().map(|link| {
        let mut words = vec![link.target.clone(), format!("[{}]", link.relations.join(" "))];
        words.extend(link.anchor.iter().map(|anchor| format!("@{anchor}")));
        words.extend([link.media_type.clone(), link.hreflang.join(","), link.title.clone()]);
        words.retain(|word| !word.is_empty());
        words.join(" ")
    });
    let faults = set.faults.iter().map(|fault| format!("! {fault}"));
    links.chain(faults).collect::<Vec<_>>().join("\n")
}

fn json(text: &str) -> String {
    from_json(text.as_bytes(), 100).map_or_else(|error| format!("error: {error}"), |set| shown(&set))
}

/// RFC 9264 §4.2 (figures 3 to 6) and RFC 9727 appendix A
#[test]
fn the_examples_of_the_standards_are_read() {
    for (text, expected) in [
        (
            r#"{"linkset":[{"anchor":"https://example.net/bar","next":[{"href":"https://example.com/foo1"}]},
                {"anchor":"https://example.net/boo","https://example.com/relations/baz":[{"href":"https://example.com/foo2"}]}]}"#,
            "https://example.com/foo1 [next] @https://example.net/bar\n\
             https://example.com/foo2 [https://example.com/relations/baz] @https://example.net/boo",
        ),
        (
            r#"{"linkset":[{"anchor":"https://example.net/bar","next":[{"href":"https://example.com/foo","type":"text/html",
                "hreflang":["en","de"],"title":"Next chapter","title*":[{"value":"nächstes Kapitel","language":"de"}]}]}]}"#,
            "https://example.com/foo [next] @https://example.net/bar text/html en,de nächstes Kapitel",
        ),
        (
            r#"{"linkset":[{"anchor":"https://example.net/bar","next":[{"href":"https://example.com/foo","type":"text/html",
                "foo":["foovalue"],"bar":["barone","bartwo"],"baz*":[{"value":"bazvalue","language":"en"}]}]}]}"#,
            "https://example.com/foo [next] @https://example.net/bar text/html",
        ),
        (
            r#"{"linkset":[{"anchor":"https://developer.example.com/apis/foo_api",
                "service-desc":[{"href":"https://developer.example.com/apis/foo_api/spec","type":"application/yaml"}],
                "status":[{"href":"https://developer.example.com/apis/foo_api/status","type":"application/json"}]}]}"#,
            "https://developer.example.com/apis/foo_api/spec [service-desc] @https://developer.example.com/apis/foo_api application/yaml\n\
             https://developer.example.com/apis/foo_api/status [status] @https://developer.example.com/apis/foo_api application/json",
        ),
        (
            r#"{"linkset":[{"anchor":"https://www.example.com/.well-known/api-catalog",
                "item":[{"href":"https://developer.example.com/apis/foo_api"},{"href":"https://developer.example.com/apis/bar_api"}],
                "api-catalog":"https://www.example.net/.well-known/api-catalog"}]}"#,
            "https://developer.example.com/apis/foo_api [item] @https://www.example.com/.well-known/api-catalog\n\
             https://developer.example.com/apis/bar_api [item] @https://www.example.com/.well-known/api-catalog\n\
             https://www.example.net/.well-known/api-catalog [api-catalog] @https://www.example.com/.well-known/api-catalog",
        ),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
}

/// RFC 9264 §7.1
#[test]
fn the_text_form_may_have_line_breaks() {
    let text = "<https://authors.example.net/johndoe>\n   ; rel=\"author\"\n   ; type=\"application/rdf+xml\"\n   \
                ; anchor=\"https://example.org/resource1\",\n<https://example.org/resource1?version=1>\r\n   ; rel=\"memento\"\n   \
                ; type=\"text/html\"\n   ; datetime=\"Thu, 13 Jun 2019 09:34:33 GMT\"\n   ; anchor=\"https://example.org/resource1\",\n\
                <https://authors.example.net/alice>\n   ; rel=\"author\"\n   ; anchor=\"https://example.org/resource1#comment=1\"\n";
    assert_eq!(
        shown(&from_text(text, 100)),
        "https://authors.example.net/johndoe [author] @https://example.org/resource1 application/rdf+xml\n\
         https://example.org/resource1?version=1 [memento] @https://example.org/resource1 text/html\n\
         https://authors.example.net/alice [author] @https://example.org/resource1#comment=1"
    );
    assert!(from_text(text, 2).is_cut);
    assert!(!from_text(text, 3).is_cut);
}

/// AC-2 to AC-7, ML-2, W6
#[test]
fn the_flat_form_and_faulty_documents_are_read_as_far_as_possible() {
    for (text, expected) in [
        (
            r#"{"linkset":[{"href":"/svc/a","rel":"item"},{"href":"more","rel":"Api-Catalog x"}]}"#,
            "/svc/a [item]\nmore [api-catalog x]",
        ),
        (r#"{"links":[{"href":"svc/b","rel":"item"}]}"#, "svc/b [item]"),
        (r#"{"linkset":[],"links":[{"href":"b","rel":"item"}]}"#, "b [item]"),
        (r#"{"linkset":[{"href":"a","rel":"item"}],"links":[{"href":"b","rel":"item"}]}"#, "a [item]"),
        (
            r#"{"linkset":[{"href":"a","rel":"item"},{"anchor":"/b","service-desc":[{"href":"c"}]}]}"#,
            "a [item]\nc [service-desc] @/b",
        ),
        (
            r#"{"linkset":[{"href":"","rel":"item","anchor":"/x","title":"T","hreflang":"en"}]}"#,
            " [item] @/x en T".trim_start(),
        ),
        (
            r#"{"linkset":[{"item":["a",{"href":"b"},{"url":"c"},7]}]}"#,
            "a [item]\nb [item]\n! a target of `item` has no `href`\n! a target of `item` has no `href`",
        ),
        (r#"{"linkset":[{"anchor":"/x","title":"T","version":1,"item":{"href":"b"},"@id":"x"}]}"#, "b [item] @/x"),
        (
            r#"{"linkset":[7,{"href":"a"},{"anchor":7,"item":[{"href":"a"}]},{"anchor":null,"item":[{"href":"b"}]}]}"#,
            "b [item]\n! an entry is no object\n! a link has no `rel`\n! an `anchor` is no text",
        ),
        (r#"{"linkset":{"anchor":"x"}}"#, "! `linkset` is no list"),
        ("{\"linkset\":[]}", ""),
        ("\u{feff}{\"linkset\":[]}", ""),
        ("{}", "error: is a JSON object without `linkset`"),
        ("[]", "error: is JSON, but no object"),
        ("<html>", "error: is no valid JSON: expected value at line 1 column 1"),
        ("linkset:\n- href: a\n  rel: item", "error: is no valid JSON: expected value at line 1 column 1"),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn deep_and_long_documents_are_bounded() {
    let deep = format!("{{\"linkset\":{}", "[".repeat(100_000));
    assert!(from_json(deep.as_bytes(), 100).is_err());
    let many = format!("{{\"linkset\":[{{\"item\":[{}\"x\"]}}]}}", "\"x\",".repeat(500));
    let set = from_json(many.as_bytes(), 100).expect("linkset");
    assert_eq!((set.links.len(), set.is_cut), (100, true));
    let wrong = format!("{{\"linkset\":[{}7]}}", "7,".repeat(500));
    assert_eq!(from_json(wrong.as_bytes(), 100).expect("linkset").faults.len(), MAX_FAULTS);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_json(&body, 100);
        let _ = from_text(&String::from_utf8_lossy(&body), 100);
    }

    #[test]
    fn no_json_makes_the_reader_panic(
        text in "(\\{|\\}|\\[|\\]|,|:|\"linkset\"|\"links\"|\"href\"|\"rel\"|\"anchor\"|\"item\"|\"title\\*\"|null|7|\"x\"){0,24}"
    ) {
        let _ = from_json(format!("{{\"linkset\":[{text}]}}").as_bytes(), 100);
        let _ = from_json(text.as_bytes(), 100);
    }
}
