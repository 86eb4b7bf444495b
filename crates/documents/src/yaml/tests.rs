use super::*;

fn json(yaml: &str) -> Result<String, String> {
    let bytes = to_json(yaml, Limits::default()).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).expect("UTF-8");
    serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Ok(text)
}

/// OA-1 to OA-5, each as the YAML specification and real documents have it.
#[test]
fn yaml_becomes_the_json_it_means() {
    for (yaml, expected) in [
        ("", "null"),
        ("# only a comment\n", "null"),
        ("---\n...\n", "null"),
        ("a: 1", r#"{"a":1}"#),
        ("\u{feff}a: 1", r#"{"a":1}"#),
        ("a: 1\n---\nb: 2", r#"{"a":1}"#),
        ("a: 1\n---\n{ broken", r#"{"a":1}"#),
        ("a:\t1", r#"{"a":1}"#),
        ("a:\nb: ~", r#"{"a":null,"b":null}"#),
        ("openapi: 3.0\nversion: 2031-04-05", r#"{"openapi":3.0,"version":"2031-04-05"}"#),
        ("200: ok\n1.0: x\ntrue: y\n010: z", r#"{"200":"ok","1.0":"x","true":"y","010":"z"}"#),
        ("'null': 1\n\"~\": 2", r#"{"null":1,"~":2}"#),
        ("!!str null : 3", r#"{"null":3}"#),
        ("a: 'it''s'\nb: \"\\ud83d\\ude00\\n\"", "{\"a\":\"it's\",\"b\":\"😀\\n\"}"),
        ("a: |\n  one\n   two\n\nb: >-\n  x\n  y\n\n  z\n", r#"{"a":"one\n two\n","b":"x y\nz"}"#),
        ("a: |\n  no line feed", r#"{"a":"no line feed"}"#),
        ("a: [1, 'two', {b: 3}, ]\nc: {}\nd: []", r#"{"a":[1,"two",{"b":3}],"c":{},"d":[]}"#),
        ("a:\n- 1\n- - 2\n  - 3\n- b: 4\n  c: 5", r#"{"a":[1,[2,3],{"b":4,"c":5}]}"#),
        ("? a\n: 1\n? b", r#"{"a":1,"b":null}"#),
        ("a: !!str 12\nb: ! 12\nc: !mine 12\nd: !!int '7'", r#"{"a":"12","b":"12","c":12,"d":7}"#),
        ("a: !!float 1\nb: !!bool 'true'\nc: !!null ''", r#"{"a":1,"b":true,"c":null}"#),
        ("a: !!binary aGk=\nb: !!timestamp 2001\nc: !mine foo", r#"{"a":"aGk=","b":"2001","c":"foo"}"#),
        ("a: !!map {}\nb: !!seq []\nc: !!omap [x: 1]", r#"{"a":{},"b":[],"c":[{"x":1}]}"#),
        ("a: &x [1, {b: 2}]\nc: *x\nd: [*x]", r#"{"a":[1,{"b":2}],"c":[1,{"b":2}],"d":[[1,{"b":2}]]}"#),
        ("&k key: &v value\n*k : *v", "line 2, column 1: the key \"key\" stands twice in one mapping"),
        ("a: &x 7\nb: {*x : 1}", r#"{"a":7,"b":{"7":1}}"#),
        ("a: &x s\nb: {*x : 1}", r#"{"a":"s","b":{"s":1}}"#),
        ("a: &x 1\nb: &x 2\nc: *x", r#"{"a":1,"b":2,"c":2}"#),
        ("a: http://h.example/#x\nb: a#b # note", r##"{"a":"http://h.example/#x","b":"a#b"}"##),
        ("{\"a\":\n\t1,\n\t\"b\": [\n\t]\n}", r#"{"a":1,"b":[]}"#),
        ("%YAML 1.2\n---\na: no", r#"{"a":"no"}"#),
        ("a: \"x\\\n  y\"", r#"{"a":"xy"}"#),
    ] {
        assert_eq!(json(yaml).unwrap_or_else(|error| error), expected, "{yaml}");
    }
}

#[test]
fn merge_keys_fill_in_what_the_mapping_does_not_say_itself() {
    for (yaml, expected) in [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", r#"{"a":{"x":1,"y":2},"b":{"y":3,"x":1}}"#),
        ("a: &a {x: 1}\nb: {y: 3, <<: *a}", r#"{"a":{"x":1},"b":{"y":3,"x":1}}"#),
        ("a: &a {x: 1}\nb:\n  <<: *a", r#"{"a":{"x":1},"b":{"x":1}}"#),
        ("a: {<<: {x: 1, y: {z: 2}}, y: 0}", r#"{"a":{"y":0,"x":1}}"#),
        (
            "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b, {z: 3}]}",
            r#"{"a":{"x":1},"b":{"x":2,"y":2},"c":{"x":1,"y":2,"z":3}}"#,
        ),
        ("a: {<<: [], x: 1}", r#"{"a":{"x":1}}"#),
        ("a: {<<: {}}", r#"{"a":{}}"#),
        (
            "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}",
            r#"{"a":{"x":1},"b":{"y":2,"x":1},"c":{"y":2,"x":1}}"#,
        ),
        // An anchor inside a merge value stays usable after the value has been merged.
        (
            "a: {<<: {x: &x {p: &p [1]}}}\nb: *x\nc: *p\nd: {<<: *x}",
            r#"{"a":{"x":{"p":[1]}},"b":{"p":[1]},"c":[1],"d":{"p":[1]}}"#,
        ),
        (
            "a: {<<: {x: &x {q: 1}, <<: {y: &y {r: 2}}}}\nb: [*x, *y]\nc: {<<: [*x, *y]}",
            r#"{"a":{"x":{"q":1},"y":{"r":2}},"b":[{"q":1},{"r":2}],"c":{"q":1,"r":2}}"#,
        ),
        ("a: {'<<': 1}", r#"{"a":{"<<":1}}"#),
        ("a: {!!merge <<: {x: 1}}", r#"{"a":{"x":1}}"#),
        ("a: {<<: {\"q\\\"}\": '}', b: [\"]\"]}}", r#"{"a":{"q\"}":"}","b":["]"]}}"#),
    ] {
        assert_eq!(json(yaml).unwrap_or_else(|error| error), expected, "{yaml}");
    }
}

#[test]
fn faults_name_line_and_column() {
    for (yaml, expected) in [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key \"a\" stands twice in one mapping"),
        ("x:\n  {a: 1, 'a': 2}", "line 2, column 10: the key \"a\" stands twice in one mapping"),
        ("a: .inf", "line 1, column 4: infinity has no form in JSON; quote it if it is text"),
        ("a: [.nan]", "line 1, column 5: not-a-number has no form in JSON; quote it if it is text"),
        ("~: 1", "line 1, column 1: null can't be a key; quote it if it is text"),
        ("a: &a\nb: {*a : 1}", "line 2, column 5: null can't be a key; quote it if it is text"),
        ("? [a]\n: 1", "line 1, column 3: a list or mapping can't be a key"),
        ("a: &a {}\nb: {*a : 1}", "line 2, column 5: a list or mapping can't be a key"),
        ("a: &a {b: *a}", "line 1, column 11: the alias stands inside the node it refers to"),
        ("a: !!int x", "line 1, column 10: the value is no `!!int`; remove the tag"),
        ("a: !!int 1.5", "line 1, column 10: the value is no `!!int`; remove the tag"),
        ("a: !!map x", "line 1, column 10: a scalar has the tag `!!map`; remove the tag"),
        ("a: !!str [x]", "line 1, column 10: a list or mapping has the tag `!!str`; remove the tag"),
        ("a: {<<: 1}", "line 1, column 9: `<<` takes a mapping or a list of mappings"),
        ("a: {<<: [{}, 1]}", "line 1, column 15: `<<` takes a mapping or a list of mappings"),
        (
            "a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a",
            "line 4, column 3: the key `<<` stands twice in one mapping; give it a list",
        ),
    ] {
        assert_eq!(json(yaml), Err(expected.to_owned()), "{yaml}");
    }
    for yaml in ["a: *nowhere", "a: 'open", "a: b: c", "a: 1\n b: 2", "[a", "a: \u{1}", "\ta: 1\n\tb: 2", "a: @x"]
    {
        let error = json(yaml).expect_err(yaml);
        assert!(error.starts_with("line "), "{yaml}: {error}");
    }
}

#[test]
fn many_keys_are_compared_by_hash_and_still_found_twice() {
    let lines: String = (0..40).map(|n| format!("k{n}: {n}\n")).collect();
    assert!(json(&lines).is_ok());
    for twice in [0, 15, 16, 17, 39] {
        let error = json(&format!("{lines}k{twice}: x")).expect_err("twice");
        assert_eq!(error, format!("line 41, column 1: the key \"k{twice}\" stands twice in one mapping"));
    }
}

#[test]
fn bombs_end_at_a_bound_and_not_in_memory() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for n in 1..12 {
        let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
        laughs.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
    }
    assert!(json(&laughs).expect_err("bomb").contains("bytes of JSON with its aliases expanded"));

    let long = format!("a: &a {}\nb:\n{}", "x".repeat(100_000), "- *a\n".repeat(100_000));
    assert!(json(&long).expect_err("bomb").contains("aliases expanded"));

    // A merge that adds nothing still costs a search.
    let big: String = (0..5_000).map(|n| format!("k{n}: 0, ")).collect();
    let merges = format!("a: &a {{{big}}}\nb: {{<<: [{}]}}", vec!["*a"; 2_000].join(", "));
    assert!(json(&merges).expect_err("bomb").contains("aliases expanded"));

    let limits = Limits { nodes: 10, ..Limits::default() };
    let error = to_json(&"- x\n".repeat(20), limits).expect_err("too many nodes");
    assert_eq!(error.to_string(), "line 10, column 3: more than 10 nodes; split the document");

    let limits = Limits { output_bytes: 100, ..Limits::default() };
    assert!(to_json(&"- xxxxxxxx\n".repeat(20), limits).is_err());
}

#[test]
fn depth_is_bounded_with_aliases_counted() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json(&nested(crate::json::MAX_DEPTH)).is_ok());
    assert!(json(&nested(crate::json::MAX_DEPTH + 1)).expect_err("deep").contains("nested deeper than 127"));
    assert!(json(&nested(100_000)).is_err());
    let blocks: String = (0..3_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(json(&blocks).is_err());
    let through_alias = format!("a: &a {}\nb: {}", nested(100), nested(50).replace("[]", "[*a]"));
    assert!(json(&through_alias).expect_err("deep").contains("nested deeper than 127"));
}

#[test]
fn long_keys_of_real_documents_are_read() {
    let key = "k".repeat(5_000);
    assert_eq!(json(&format!("{{{key}: 1}}")), Ok(format!("{{\"{key}\":1}}")));
}
