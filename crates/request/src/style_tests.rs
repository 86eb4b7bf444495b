use super::*;
use crate::value::Given;
use open_cli_schema::{Options, Schema, Types};

fn types(kind: &str) -> Types {
    Schema::compile(&format!(r#"{{"type":{kind}}}"#), Options::default()).expect("schema").view().types()
}

fn read<'a>(text: &'a str, kind: &str) -> Result<Value<'a>, &'static str> {
    Value::read(Given::Text(text), types(kind))
}

fn pairs(pairs: Vec<(String, String)>, between: &str) -> String {
    pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(between)
}

fn written(location: &str, style: Style, value: &Value<'_>) -> String {
    style.check(value).expect("writable");
    match location {
        "path" => style.path("color", value),
        "header" => style.header(value),
        "query" => pairs(style.query("color", value), "&"),
        _ => pairs(style.cookies("color", value), "; "),
    }
}

const ARRAY: &str = r#""array""#;
const OBJECT: &str = r#""object""#;
const TEXT: &str = r#""string""#;
const COLORS: &str = r#"["blue","black","brown"]"#;
const RGB: &str = r#"{"R":100,"G":200,"B":150}"#;

/// OpenAPI 3.1.1 §4.8.12.4, "Style Examples".
#[test]
fn the_table_of_the_specification() {
    let (yes, no, default) = (Some(true), Some(false), None);
    for (location, style, explode, kind, text, expected) in [
        ("path", "matrix", no, TEXT, "", ";color"),
        ("path", "matrix", no, TEXT, "blue", ";color=blue"),
        ("path", "matrix", no, ARRAY, COLORS, ";color=blue,black,brown"),
        ("path", "matrix", no, OBJECT, RGB, ";color=R,100,G,200,B,150"),
        ("path", "matrix", yes, ARRAY, COLORS, ";color=blue;color=black;color=brown"),
        ("path", "matrix", yes, OBJECT, RGB, ";R=100;G=200;B=150"),
        ("path", "label", default, TEXT, "blue", ".blue"),
        ("path", "label", no, ARRAY, COLORS, ".blue,black,brown"),
        ("path", "label", no, OBJECT, RGB, ".R,100,G,200,B,150"),
        ("path", "label", yes, ARRAY, COLORS, ".blue.black.brown"),
        ("path", "label", yes, OBJECT, RGB, ".R=100.G=200.B=150"),
        ("path", "", default, ARRAY, COLORS, "blue,black,brown"),
        ("path", "simple", yes, ARRAY, COLORS, "blue,black,brown"),
        ("path", "simple", no, OBJECT, RGB, "R,100,G,200,B,150"),
        ("path", "simple", yes, OBJECT, RGB, "R=100,G=200,B=150"),
        ("header", "", default, ARRAY, COLORS, "blue,black,brown"),
        ("header", "", yes, OBJECT, RGB, "R=100,G=200,B=150"),
        ("query", "form", no, ARRAY, COLORS, "color=blue,black,brown"),
        ("query", "", default, ARRAY, COLORS, "color=blue&color=black&color=brown"),
        ("query", "form", no, OBJECT, RGB, "color=R,100,G,200,B,150"),
        ("query", "form", default, OBJECT, RGB, "R=100&G=200&B=150"),
        ("query", "spaceDelimited", default, ARRAY, COLORS, "color=blue%20black%20brown"),
        ("query", "spaceDelimited", no, OBJECT, RGB, "color=R%20100%20G%20200%20B%20150"),
        ("query", "spaceDelimited", yes, ARRAY, COLORS, "color=blue&color=black&color=brown"),
        ("query", "pipeDelimited", no, ARRAY, COLORS, "color=blue%7Cblack%7Cbrown"),
        ("query", "pipeDelimited", no, OBJECT, RGB, "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("query", "deepObject", default, OBJECT, RGB, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ("query", "deepObject", yes, ARRAY, "a,b", "color%5B%5D=a&color%5B%5D=b"),
        ("cookie", "", default, ARRAY, COLORS, "color=blue&color=black&color=brown"),
        ("cookie", "form", no, ARRAY, COLORS, "color=blue,black,brown"),
        ("cookie", "form", default, OBJECT, RGB, "R=100&G=200&B=150"),
        ("cookie", "cookie", default, ARRAY, "a,b;", "color=a; color=b%3B"),
        // Parts are encoded, what stands between them is not.
        ("query", "", no, ARRAY, r#"["a,b","c d","ü&"]"#, "color=a%2Cb,c+d,%C3%BC%26"),
        ("query", "", no, ARRAY, "1,2", "color=1,2"),
        ("query", "", default, ARRAY, "[a,b", "color=%5Ba&color=b"),
        ("path", "", default, ARRAY, r#"["a/b","c,d"]"#, "a%2Fb,c%2Cd"),
        ("path", "label", yes, ARRAY, r#"["a.b","/"]"#, ".a.b.%2F"),
        ("path", "matrix", yes, OBJECT, r#"{"a;b":"c=d"}"#, ";a%3Bb=c=d"),
        ("query", "", default, ARRAY, r#"[1.50,true,null,""]"#, "color=1.50&color=true&color="),
        ("query", "", default, r#"["array","null"]"#, "a,b", "color=a&color=b"),
        ("query", "", default, r#"["array","string"]"#, "a,b", "color=a%2Cb"),
        ("query", "", default, r#"["array","string"]"#, r#"["a","b"]"#, "color=a&color=b"),
        ("query", "", default, r#"["object","string"]"#, "a,b", "color=a%2Cb"),
        // Deeper than the specification goes.
        (
            "query",
            "deepObject",
            default,
            OBJECT,
            r#"{"a":{"b":[1,2],"c":[{"d":3}]}}"#,
            "color%5Ba%5D%5Bb%5D%5B%5D=1&color%5Ba%5D%5Bb%5D%5B%5D=2&color%5Ba%5D%5Bc%5D%5B0%5D%5Bd%5D=3",
        ),
    ] {
        let style = Style::of(location, style, explode, false);
        let value = read(text, kind).expect("readable");
        assert_eq!(written(location, style, &value), expected, "{location} {style:?} {text}");
    }
}

/// OpenAPI 3.1.1 §4.8.12.2, `allowReserved`.
#[test]
fn reserved_characters_pass_where_the_description_allows_them() {
    let value = read("http://h/?a=b&c=%2F#d", TEXT).expect("text");
    let query = Style::of("query", "", None, true);
    assert_eq!(written("query", query, &value), "color=http://h/?a=b%26c=%2F%23d");
    let value = read(r#"["a;b","c/d"]"#, ARRAY).expect("list");
    assert_eq!(written("path", Style::of("path", "", None, true), &value), "a;b,c%2Fd");
}

#[test]
fn what_a_style_cannot_carry_is_refused() {
    let form = Style::of("query", "", None, false);
    for (text, kind) in [("[[1]]", ARRAY), (r#"{"a":{}}"#, OBJECT)] {
        assert_eq!(form.check(&read(text, kind).expect("readable")), Err(NESTED));
    }
    for text in ["", "a", "[1]", "{", "{\"a\":1} x"] {
        assert!(read(text, OBJECT).expect_err(text).contains("JSON object"), "{text}");
    }
    assert!(read(&",".repeat(4096), ARRAY).expect_err("many").contains("4096"));
    assert!(read("", ARRAY).expect("empty").is_empty());
    let deep = Style::of("query", "deepObject", None, false);
    let text = format!("{}1{}", r#"{"a":"#.repeat(30), "}".repeat(30));
    assert!(deep.check(&read(&text, OBJECT).expect("readable")).is_err());
}
