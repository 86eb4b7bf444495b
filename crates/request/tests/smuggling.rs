//! No argument, whatever it holds, changes where a request goes, adds a segment, parameter, header, cookie or part, or
//! takes one away. Laws over strange values, seen from the side of whoever reads the request.

use bytes::Bytes;
use open_cli_contract::catalog::Tool;
use open_cli_request::{Arguments, FilledRequest, Part, RequestTemplate};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What has split messages before, and anything else.
fn strange() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "..", ".", "/", "\\", "%2e%2e", "%2F", "%5C", "%00", "?", "#", "&", "=", ";", ",", "+", " ", "\r\n", "\n",
            "\r", "\0", "\t", "@", ":", "//", "evil.example", "http://evil.example/", "X: y", "\"", "'", "<", ">", "|",
            "{id}", "[]", "[a]", "%", "%%", "%zz", "é", "\u{2028}", "\u{85}", "\u{feff}", "．．", "--B", "a", "1",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9]{1,4}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn tool(path_style: &str, explode: bool, kind: &str, reserved: bool) -> Tool {
    let detail = |name: &str, style: &str| json!({"name": name, "style": style, "explode": explode, "allowReserved": reserved, "schema": {"type": kind}});
    let parameter = |name: &str, location: &str| json!({"name": name, "originalName": name, "location": location, "required": location == "path"});
    serde_json::from_value(json!({
        "id": "s:op", "serviceId": "s", "method": "POST", "path": "/things/{a}/parts/x{b}", "group": "g", "command": "c",
        "safety": {"destructive": false, "readOnly": false, "requiresApproval": false},
        "servers": ["https://h.example:8443/base?fixed=1"],
        "pathParams": [parameter("a", "path"), parameter("b", "path")],
        "flags": [parameter("q", "query"), parameter("deep", "query"), parameter("X-H", "header"), parameter("c", "cookie"),
            parameter("d", "cookie")],
        "details": {"parameters": [detail("a", path_style), detail("b", "simple"), detail("q", "form"),
            detail("deep", "deepObject"), detail("X-H", "simple"), detail("c", "form"), detail("d", "cookie")]},
        "requestBody": {"required": false, "contentTypes": [{"mediaType": "multipart/form-data"}]},
    }))
    .expect("a tool")
}

/// A value of the kind out of strange texts.
fn value(kind: &str, texts: &[String]) -> Value {
    match kind {
        "array" => json!(texts),
        "object" => texts.iter().enumerate().map(|(i, text)| (format!("{text}{i}"), json!(text))).collect(),
        _ => json!(texts.concat()),
    }
}

fn check_place(request: &FilledRequest, path_style: &str) -> Result<Vec<(String, String)>, TestCaseError> {
    let uri = request.url.to_uri().expect("fits");
    prop_assert_eq!(uri.scheme_str(), Some("https"));
    prop_assert_eq!(uri.authority().map(|a| a.as_str()), Some("h.example:8443"));
    // Read again as anybody would.
    let text = uri.to_string();
    let url = url::Url::parse(&text).expect("a URL");
    prop_assert_eq!(url.host_str(), Some("h.example"));
    prop_assert_eq!(url.fragment(), None);
    prop_assert_eq!(url.path(), uri.path(), "nothing in it is normalised away");
    let segments: Vec<&str> = uri.path().split('/').collect();
    prop_assert_eq!(segments.len(), 6, "{}", uri.path());
    prop_assert_eq!((segments[1], segments[2], segments[4]), ("base", "things", "parts"));
    prop_assert!(segments[5].starts_with('x'));
    for segment in &segments {
        // Servers decode once; some fold backslashes.
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
        prop_assert!(decoded != "." && decoded != "..", "{path_style}: {segment}");
        prop_assert!(!segment.contains('\\') && !segment.bytes().any(|b| b <= b' ' || b == 0x7f));
    }
    Ok(url.query_pairs().into_owned().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn values_stay_where_their_parameter_puts_them(
        texts in prop::collection::vec(strange(), 1..4),
        path_style in prop::sample::select(vec!["simple", "label", "matrix"]),
        explode in any::<bool>(),
        kind in prop::sample::select(vec!["string", "array", "object"]),
        reserved in any::<bool>(),
    ) {
        let tool = tool(path_style, explode, kind, reserved);
        let value = value(kind, &texts);
        let arguments = json!({"a": value, "b": value, "q": value, "deep": value, "X-H": value, "c": value, "d": value});
        let raw = serde_json::value::to_raw_value(&arguments).expect("json");
        let template = RequestTemplate::compile(&tool);
        let typed = |raw| template.fill(&Arguments { typed: Some(raw), ..Arguments::default() });
        let request = match typed(&raw) {
            Ok(request) => request,
            // Control characters have no place in a header: once more without it.
            Err(_) => {
                let mut rest = arguments.clone();
                rest.as_object_mut().expect("object").remove("X-H");
                let raw = serde_json::value::to_raw_value(&rest).expect("json");
                match typed(&raw) {
                    Ok(request) => request,
                    Err(_) => return Ok(()),
                }
            }
        };
        let pairs = check_place(&request, path_style)?;
        let values = if kind == "string" { 1 } else { texts.len() };
        let own = |name: &str| pairs.iter().filter(|(key, _)| key == name).count();
        prop_assert_eq!(own("fixed"), 1);
        prop_assert_eq!(pairs.iter().find(|(key, _)| key == "fixed").map(|(_, v)| v.as_str()), Some("1"));
        let (of_query, of_deep) = match (kind, explode) {
            ("string", _) => (1, 1),
            (_, true) => (values, values),
            (_, false) => (1, values),
        };
        prop_assert_eq!(pairs.len(), 1 + of_query + of_deep, "{:?}", pairs);
        for name in request.headers.keys() {
            prop_assert!(["accept", "x-h"].contains(&name.as_str()), "{}", name);
        }
        let cookies = request.cookie_header().expect("cookies");
        let cookies = cookies.to_str().expect("visible characters only");
        let of_d = if explode && kind != "string" { values } else { 1 };
        prop_assert_eq!(cookies.split("; ").count(), 1 + of_d, "{}", cookies);
        prop_assert_eq!(cookies.matches(';').count(), of_d);
    }

    /// Text flags and text path arguments, as the command line sends them.
    #[test]
    fn text_stays_where_its_parameter_puts_it(a in strange(), b in strange(), q in strange(), c in strange()) {
        let tool = tool("simple", false, "string", false);
        let flags = BTreeMap::from([("q".to_owned(), q.clone()), ("c".to_owned(), c), ("X-H".to_owned(), b.clone())]);
        let path = [a.clone(), b];
        let arguments = Arguments { path_args: &path, flags: &flags, ..Arguments::default() };
        let Ok(request) = RequestTemplate::compile(&tool).fill(&arguments) else { return Ok(()) };
        let pairs = check_place(&request, "simple")?;
        prop_assert_eq!(pairs, vec![("fixed".to_owned(), "1".to_owned()), ("q".to_owned(), q)]);
        let segment = request.url.path().split('/').nth(3).expect("segment").to_owned();
        prop_assert_eq!(percent_encoding::percent_decode_str(&segment).decode_utf8().expect("text"), a);
    }

    /// A multipart message has the parts that were given, and no header that was not.
    #[test]
    fn parts_do_not_end_early(name in strange(), file in strange(), media in strange(), content in strange(), key in strange()) {
        let tool = tool("simple", false, "string", false);
        let part = Part {
            name,
            filename: Some(file),
            content_type: media,
            headers: vec![("X-Part".into(), key.clone())],
            content: Bytes::from(content.clone()),
        };
        let body = json!({"k": content, "l": key}).to_string();
        let path = ["a".to_owned(), "b".to_owned()];
        let parts = [part];
        let arguments = Arguments { path_args: &path, body: Some(body.into()), parts: &parts, ..Arguments::default() };
        let Ok(request) = RequestTemplate::compile(&tool).fill(&arguments) else { return Ok(()) };
        let media = request.headers["content-type"].to_str().expect("text").to_owned();
        let boundary = format!("--{}", media.split_once("boundary=").expect("boundary").1);
        let body = request.body.expect("body");
        let text = String::from_utf8_lossy(&body);
        let found: Vec<&str> = text.split(&boundary).collect();
        prop_assert_eq!(found.len(), 5);
        prop_assert_eq!((found[0], found[4]), ("", "--\r\n"));
        for part in &found[1..4] {
            let (head, _) = part.split_once("\r\n\r\n").expect("a head");
            let names: Vec<&str> = head.trim().split("\r\n").map(|line| line.split(':').next().expect("name")).collect();
            prop_assert!(names.len() <= 3 && names[0] == "Content-Disposition", "{names:?}");
            prop_assert!(!head.trim().replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
