//! Laws of queries, overlays and previews, on random documents; and random mutations of queries and overlays, which
//! nothing may fall over.

use open_cli_jsonpath::{Budget, JsonPath};
use open_cli_overlay::{Overlay, preview};
use proptest::prelude::*;
use serde_json::{Value, json};

const STEPS: u64 = 100_000;
/// Rounds of random mutation; the seed is fixed, so that a failure repeats.
const ROUNDS: usize = 40_000;

/// Queries to begin with.
const QUERIES: &[&str] = &[
    "$",
    "$.a",
    "$['a']",
    "$[\"a\\u00e9\\n\"]",
    "$..*",
    "$..[*]",
    "$.a[0,-1,'b']",
    "$[1:5:2]",
    "$[::-1]",
    "$[?@.a]",
    "$[?@.a == 1 && @.b != 'x' || !(@.c < -1.5e2)]",
    "$[?length(@.a) >= 2]",
    "$[?count(@..*) > 1]",
    "$[?match(@.a, '[a-z]{2,3}\\\\.x')]",
    "$[?search(@['b'], $.a)]",
    "$[?value(@..a) == null]",
    "$.a[?@[?@ == 'x']].b",
    "$ .a ['b'] ..c",
    "$[?@.a==true||@.b==false]",
    "$['\\ud83d\\ude00']",
    "$[?search(@.a, '\\\\p{Lu}(b|[^c-e&&])*')]",
];

/// What mutations insert.
const SCRAPS: &[&str] = &[
    "$",
    "@",
    ".",
    "..",
    "[",
    "]",
    "(",
    ")",
    "?",
    "*",
    ",",
    ":",
    "'",
    "\"",
    "\\",
    "\\u",
    "\\uD800",
    "==",
    "!=",
    "<=",
    "<",
    "&&",
    "||",
    "!",
    "-",
    "0",
    "9007199254740992",
    "1e400",
    "-0",
    " ",
    "\t",
    "\n",
    "é",
    "\u{10ffff}",
    "\u{0}",
    "length(",
    "count(",
    "match(",
    "value(",
    "null",
    "true",
    "x-y",
    "[?@",
    "[*]",
    "..a",
    "{",
    "}",
    "p{L}",
];

fn document() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["a", "b", "c", "", "a/b~c", "é'\\", "\u{1}\n", "0"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        prop::sample::select(vec![-1.5, 0.0, 1.0, 1e300]).prop_map(Value::from),
        prop::sample::select(vec!["", "x", "ab.x", "é"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let step = prop::sample::select(vec![
        ".a",
        ".b",
        "['c']",
        "['']",
        "[0]",
        "[-1]",
        "[1:]",
        "[::-1]",
        ".*",
        "..*",
        "..a",
        "..[0]",
        "[?@.a]",
        "[?@ == 1]",
        "[?@.a < @.b]",
        "['a','b']",
        "[*,0]",
        "[?length(@) > 1]",
        "[?count(@.*) == 2]",
        "[?match(@, 'a.*')]",
        "[?!@.a]",
        "[?@..c]",
        "..[?@.*]",
    ]);
    prop::collection::vec(step, 0..4).prop_map(|steps| format!("${}", steps.concat()))
}

fn action() -> impl Strategy<Value = Value> {
    let text = prop_oneof![4 => query(), 1 => prop::sample::select(QUERIES).prop_map(str::to_owned), 1 => ".*"];
    (text.clone(), text, document(), 0..7_u8).prop_map(|(target, other, value, kind)| match kind {
        0 => json!({ "target": target, "remove": true }),
        1 | 2 => json!({ "target": target, "update": value }),
        3 => json!({ "target": target, "copy": other }),
        4 => json!({ "target": target, "copy": { "to": other }, "update": value, "remove": true }),
        5 => json!({ "target": target, "copy": { "to": "$.new.place" }, "remove": true }),
        _ => value,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// RFC 9535 §2.7: a normalized path selects exactly the node it was made for.
    #[test]
    fn a_normalized_path_gives_back_its_node(document in document(), query in query()) {
        let path = JsonPath::parse(&query).expect("a valid query");
        if let Ok(nodes) = path.select(&document, &mut Budget::new(STEPS)) {
            for node in nodes.iter().take(50) {
                let again = JsonPath::parse(&node.location.to_string()).expect("a normalized path is a query");
                let found = again.select(&document, &mut Budget::new(STEPS)).expect("little work");
                prop_assert_eq!(found.as_slice(), std::slice::from_ref(node));
                prop_assert!(std::ptr::eq(found[0].value, node.value));
                prop_assert_eq!(node.location.get(&document), Some(node.value));
                prop_assert_eq!(document.pointer(&node.location.to_pointer()), Some(node.value));
            }
        }
    }

    #[test]
    fn applying_never_panics_and_refused_actions_change_nothing(
        document in document(),
        actions in prop::collection::vec(action(), 1..6),
        version in prop::sample::select(vec!["1.0.0", "1.1.0", "1.2.0"]),
    ) {
        for action in &actions {
            let text = json!({ "overlay": version, "actions": [action] }).to_string();
            let overlay = Overlay::parse(text.as_bytes(), "o.yaml").expect("an overlay");
            let mut changed = document.clone();
            let applied = overlay.apply(&mut changed);
            let nested = applied.actions[0].matched > 1;
            if applied.is_incomplete() && !nested {
                prop_assert_eq!(&changed, &document, "{}", action);
            }
        }
        let text = json!({ "overlay": version, "actions": actions }).to_string();
        let overlay = Overlay::parse(text.as_bytes(), "o.yaml").expect("an overlay");
        let mut changed = document.clone();
        overlay.apply(&mut changed);
        let written = changed.to_string();
        prop_assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), changed);
    }

    #[test]
    fn removal_leaves_nothing_that_was_selected_by_name(document in document()) {
        let text = json!({ "overlay": "1.1.0", "actions": [{ "target": "$..a", "remove": true }] }).to_string();
        let overlay = Overlay::parse(text.as_bytes(), "").expect("an overlay");
        let mut changed = document;
        overlay.apply(&mut changed);
        let left = JsonPath::parse("$..a").unwrap().select(&changed, &mut Budget::new(STEPS)).unwrap().len();
        prop_assert_eq!(left, 0);
    }

    #[test]
    fn a_preview_is_empty_for_equal_documents_only(before in document(), after in document()) {
        prop_assert!(preview(&before, &before.clone()).is_empty());
        let found = preview(&before, &after);
        prop_assert_eq!(found.is_empty(), before == after);
        let text = found.to_string();
        let unsafe_line = text.lines().find(|line| line.chars().any(char::is_control));
        prop_assert_eq!(unsafe_line, None);
    }

    #[test]
    fn any_text_is_a_query_or_an_error(text in ".*") {
        if let Err(error) = JsonPath::parse(&text) {
            prop_assert!(error.character <= text.chars().count() + 1);
        }
    }
}

/// Cuts, doubles, inserts, swaps.
fn mutate(text: &str, random: &mut fastrand::Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(0..=chars.len());
        let end = (at + random.usize(0..6)).min(chars.len());
        match random.u8(0..5) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            2 if at < chars.len() => chars[at] = random.char(' '..='\u{ff}'),
            3 => {
                let other: Vec<char> = QUERIES[random.usize(0..QUERIES.len())].chars().collect();
                let cut = random.usize(0..other.len());
                chars.splice(at..at, other[cut..].iter().copied());
            }
            _ => {
                let scrap = SCRAPS[random.usize(0..SCRAPS.len())];
                chars.splice(at..end, scrap.chars());
            }
        }
    }
    chars.into_iter().collect()
}

/// Mutates queries; how many of them are valid.
fn queries(seed: u64, rounds: usize) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut corpus: Vec<String> = QUERIES.iter().map(|query| (*query).to_owned()).collect();
    let document =
        json!({ "a": [{ "a": 1, "b": ["x", { "c": null }] }, "ab.x"], "b": { "é": -1.5, "a": "[a-z]+" } });
    let mut valid = 0;
    for _ in 0..rounds {
        let text = mutate(&corpus[random.usize(0..corpus.len())], &mut random);
        let strict = JsonPath::parse(&text);
        let loose = JsonPath::parse_with_loose_names(&text);
        assert!(strict.is_err() || loose.is_ok(), "{text}");
        match strict {
            Ok(path) => {
                valid += 1;
                let _ = path.select(&document, &mut Budget::new(20_000));
                // What is valid and new is mutated further.
                if text.len() < 200 && corpus.len() < 5_000 && random.u8(0..8) == 0 {
                    corpus.push(text);
                }
            }
            Err(error) => assert!(error.character <= text.chars().count() + 1, "{text}: {error}"),
        }
    }
    valid
}

/// Mutates an overlay; how many of them are read.
fn overlays(seed: u64, rounds: usize) -> usize {
    let whole = json!({
        "overlay": "1.2.0",
        "$self": "https://h.example/o",
        "extends": "../a.yaml",
        "info": { "title": "t", "version": "1" },
        "components": { "actions": { "a~b": { "fields": { "update": { "x": [1] } } } } },
        "actions": [
            { "target": "$.a[?@.a == 1]", "update": { "b": ["y"] } },
            { "target": "$..c", "remove": true },
            { "target": "$.b", "copy": "$.a[0]" },
            { "target": "$.a", "copy": { "to": "$.new.place" }, "remove": true },
            { "$ref": "#/components/actions/a~0b", "target": "$.b" },
        ],
    })
    .to_string();
    let document = json!({ "a": [{ "a": 1, "b": ["x", { "c": null }] }], "b": { "x": [] } });
    let mut random = fastrand::Rng::with_seed(seed);
    let mut read = 0;
    for _ in 0..rounds {
        let text = mutate(&whole, &mut random);
        let Ok(overlay) = Overlay::parse(text.as_bytes(), "o.yaml") else { continue };
        read += 1;
        let mut changed = document.clone();
        let applied = overlay.apply(&mut changed);
        assert_eq!(applied.actions.len(), overlay.actions().len());
        let _ = overlay.check_extends("/srv/a.yaml", None);
        let _ = preview(&document, &changed).to_string();
    }
    read
}

#[test]
fn mutated_queries_parse_or_fail_and_never_more() {
    let valid = queries(9535, ROUNDS);
    assert!(valid > ROUNDS / 50 && valid < ROUNDS, "{valid}");
}

#[test]
fn mutated_overlays_parse_or_fail_and_never_more() {
    let read = overlays(12, ROUNDS / 4);
    assert!(read > 100, "{read}");
}

#[test]
#[ignore = "takes minutes: fuzzing with another seed each time"]
fn mutations_for_minutes() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    println!("{} queries are valid, {} overlays are read", queries(seed, 2_000_000), overlays(seed, 300_000));
}
