use super::*;
use serde_json::json;

fn budget() -> Budget {
    Budget::new(10_000_000)
}

fn paths(query: &str, document: &Value) -> Vec<String> {
    let path = JsonPath::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let nodes = path.select(document, &mut budget()).expect("evaluates");
    nodes.into_iter().map(|node| node.location.to_string()).collect()
}

#[test]
fn a_fault_is_named_with_its_character() {
    for (query, character, reason) in [
        ("", 1, "a query begins with `$`"),
        ("paths", 1, "a query begins with `$`"),
        ("$.", 3, "a member name, `*` or `[` is expected"),
        ("$.päths.['/a']", 9, "a member name, `*` or `[` is expected"),
        ("$.a~", 4, "`~` is not expected here"),
        ("$ ", 2, "` ` is not expected here"),
        ("$['a", 3, "the string is not closed"),
        ("$['a'", 6, "the bracket is not closed"),
        ("$[a]", 3, "a quoted name, a number, a slice, `*` or `?` is expected"),
        ("$[01]", 3, "leading zeros are not allowed"),
        ("$[?@.a=='x'", 12, "the bracket is not closed"),
        ("$[?@.a=1]", 7, "`,` or `]` is expected"),
        ("$[?(@.a==1]", 11, "`]` is not expected here"),
        ("$[?@.*==1]", 4, "a query that may select several nodes has no one value"),
        ("$[?length(@.a)]", 4, "the result of length() must be compared with something"),
        ("$[?match(@.a,'b')==true]", 4, "match() is true or false, not a value"),
        ("$[?true]", 4, "a literal must be compared with something"),
        (
            "$[?size(@)>1]",
            4,
            "there is no function size(); there are length(), count(), value(), match() and search()",
        ),
        ("$[?@.a==abc]", 9, "`abc` means nothing here; texts are quoted"),
    ] {
        let error = JsonPath::parse(query).expect_err(query);
        assert_eq!((error.character, error.reason.as_str()), (character, reason), "{query}");
    }
}

#[test]
fn deep_queries_are_refused_before_they_hurt() {
    for query in [
        format!("$[?{}@.a{}]", "(".repeat(2000), ")".repeat(2000)),
        format!("$[?{}@.a{}]", "!(".repeat(1000), ")".repeat(1000)),
        format!("${}{}", "[?@".repeat(1000), "]".repeat(1000)),
        format!("$[?{}@{}>1]", "length(".repeat(1000), ")".repeat(1000)),
        format!("$[?{}", "(".repeat(8000)),
    ] {
        assert!(JsonPath::parse(&query).expect_err("too deep").reason.contains("nests deeper"));
    }
    assert!(JsonPath::parse(&format!("${}", ".a".repeat(5000))).expect_err("long").reason.contains("longer"));
}

#[test]
fn work_matches_and_depth_are_bounded() {
    let wide = Value::Array((0..1000).map(|n| json!({ "n": n })).collect());
    let path = JsonPath::parse("$[?@.n == $[?@.n == $[?@.n]]]");
    assert!(path.is_err(), "comparisons take singular queries only");
    let path = JsonPath::parse("$[?$[?$[?@.x]]]").unwrap();
    assert_eq!(path.select(&wide, &mut Budget::new(100_000)), Err(QueryError::TooMuchWork));
    let path = JsonPath::parse(&format!("${}", "[*,*]".repeat(30))).unwrap();
    let mut nested = json!(1);
    for _ in 0..30 {
        nested = json!([nested]);
    }
    assert_eq!(path.select(&nested, &mut Budget::new(u64::MAX)), Err(QueryError::TooManyMatches));
    for _ in 0..600 {
        nested = json!([nested]);
    }
    assert_eq!(JsonPath::parse("$..*").unwrap().select(&nested, &mut budget()), Err(QueryError::TooDeep));
}

#[test]
fn evaluation_at_the_bounds_fits_a_small_stack() {
    // The deepest frames: filters in filters, each walking down to the end of a deep document.
    let mut document = json!({ "x": 1 });
    for _ in 0..120 {
        document = json!({ "a": document });
    }
    let query = format!("${}.nope{}", "..[?@".repeat(20), "]".repeat(20));
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let thread = small.spawn(move || {
        let result = JsonPath::parse(&query).unwrap().select(&document, &mut Budget::new(1_000_000)).map(|_| ());
        assert!(result.is_err(), "{result:?}");
        // Dropped here, in the small stack, too.
        drop(document);
    });
    thread.unwrap().join().expect("no overflow");
}

#[test]
fn numbers_compare_by_value() {
    let document = json!({ "a": [1, 1.0, 100, 1e2, 9_007_199_254_740_993_u64, -0.0, 0, "1"] });
    for (filter, expected) in [
        ("@ == 1", vec![0, 1]),
        ("@ == 1e2", vec![2, 3]),
        ("@ == 100.0", vec![2, 3]),
        ("@ == -0", vec![5, 6]),
        ("@ > 100", vec![4]),
        ("@ == '1'", vec![7]),
    ] {
        let expected: Vec<_> = expected.iter().map(|index| format!("$['a'][{index}]")).collect();
        assert_eq!(paths(&format!("$.a[?{filter}]"), &document), expected, "{filter}");
    }
}

#[test]
fn a_location_prints_as_normalized_path_and_as_pointer() {
    let document = json!({ "a'\\\n\u{1}é/~": [{ "": 1 }] });
    let path = JsonPath::parse("$.*[0].*").unwrap();
    let nodes = path.select(&document, &mut budget()).unwrap();
    assert_eq!(nodes[0].location.to_string(), "$['a\\'\\\\\\n\\u0001é/~'][0]['']");
    assert_eq!(nodes[0].location.to_pointer(), "/a'\\\n\u{1}é~1~0/0/");
    assert_eq!(document.pointer(&nodes[0].location.to_pointer()), Some(&json!(1)));
    assert_eq!(nodes[0].location.get(&document), Some(&json!(1)));
}

#[test]
fn a_dead_end_names_what_is_there_and_what_is_not() {
    let document = json!({ "paths": { "/a": { "get": { "tags": ["x"] } } } });
    for (query, expected) in [
        ("$.paths['/b'].get", Some(("$.paths", "['/b']"))),
        ("$.paths['/a'] .post.tags", Some(("$.paths['/a']", ".post"))),
        ("$.info", Some(("$", ".info"))),
        ("$.paths.*.get.tags[?@=='y']", Some(("$.paths.*.get.tags", "[?@=='y']"))),
        ("$..nothing.more", Some(("$", "..nothing"))),
        ("$.paths..nothing", Some(("$.paths", "..nothing"))),
    ] {
        let path = JsonPath::parse(query).unwrap();
        assert_eq!(path.dead_end(&document, &mut budget()), expected, "{query}");
    }
}

#[test]
fn patterns_that_never_match_are_remarked() {
    let path = JsonPath::parse("$[?match(@.a, '\\\\d+') || search(@.b, 7) || match(@.c, 'x')]").unwrap();
    assert_eq!(path.remarks().len(), 2);
    assert!(path.remarks()[0].contains("write a class such as [0-9]"), "{:?}", path.remarks());
}

/// catalog-and-execution §5.3
#[test]
fn loose_names_are_an_offer_of_their_own() {
    let document = json!({ "x-a": { "200": [{ "x-b-1": 1 }, {}] } });
    for (query, expected) in [
        ("$.x-a.200", "$['x-a']['200']"),
        ("$.x-a.200[?@.x-b-1==1]", "$['x-a']['200'][0]"),
        ("$..x-b-1", "$['x-a']['200'][0]['x-b-1']"),
        ("$['x-a'].*", "$['x-a']['200']"),
    ] {
        let path = JsonPath::parse_with_loose_names(query).expect(query);
        let nodes = path.select(&document, &mut budget()).unwrap();
        assert_eq!(nodes[0].location.to_string(), expected);
    }
    assert_eq!(JsonPath::parse("$.x-a").unwrap_err().character, 4);
    let strict = JsonPath::parse("$.x-a[").unwrap_err();
    assert_eq!(JsonPath::parse_with_loose_names("$.x-a[").unwrap_err(), strict);
}
