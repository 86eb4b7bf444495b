use super::*;
use open_cli_contract::catalog::{BodyEncoding, ContentType, RequestBody, ToolDetails};
use serde_json::json;

/// A tool whose body has these types, each with this schema.
fn tool(required: bool, types: &[&str], schema: Option<&str>) -> Tool {
    let raw = |text: &str| RawValue::from_string(text.into()).expect("json");
    let mut tool: Tool = serde_json::from_value(json!({
        "id": "s:op", "serviceId": "s", "method": "POST", "path": "/x", "group": "g", "command": "c",
        "safety": {"destructive": false, "readOnly": false, "requiresApproval": false},
    }))
    .expect("a tool");
    let content = |media: &&str| ContentType { media_type: (*media).into(), schema: schema.map(raw) };
    tool.request_body = Some(RequestBody { required, content_types: types.iter().map(content).collect() });
    tool
}

fn encoded(mut tool: Tool, media: &str, encodings: &str) -> Tool {
    let properties = serde_json::from_str(encodings).expect("encodings");
    let encoding = BodyEncoding { media_type: media.into(), properties };
    tool.details = Some(ToolDetails { body_encodings: vec![encoding], ..ToolDetails::default() });
    tool
}

fn template(tool: &Tool) -> BodyTemplate {
    BodyTemplate::compile(tool, Options::default(), &mut Vec::new())
}

fn given(text: &str) -> GivenBody<'static> {
    GivenBody { bytes: Some(Bytes::copy_from_slice(text.as_bytes())), validate: true, ..GivenBody::default() }
}

fn typed(text: &str) -> GivenBody<'_> {
    GivenBody { typed: serde_json::from_str(text).expect("json"), validate: true, ..GivenBody::default() }
}

/// The body as text and its type, or what is wrong.
fn ask(tool: &Tool, given: GivenBody<'_>) -> Result<(String, String), Vec<String>> {
    let shown = |faults: Vec<ArgumentFault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    let body = template(tool).fill(given).map_err(shown)?.expect("a body");
    let media = body.content_type.expect("a type").to_str().expect("text").to_owned();
    Ok((String::from_utf8(body.bytes.to_vec()).expect("text"), media))
}

/// HX-9, weakness 61.
#[test]
fn the_content_type_is_chosen_from_those_the_tool_lists() {
    for (listed, expected) in [
        (&[][..], "application/json"),
        (&["text/plain"][..], "text/plain"),
        (&["application/merge-patch+json"][..], "application/merge-patch+json"),
        (&["application/json; charset=utf-8"][..], "application/json; charset=utf-8"),
        (&["application/vnd.a+json", "application/json"][..], "application/json"),
        (&["application/vnd.a+json", "application/xml"][..], "application/vnd.a+json"),
        (&["application/octet-stream", "text/plain"][..], "application/octet-stream"),
        (&["*/*"][..], "application/json"),
        (&["application/*", "text/csv"][..], "text/csv"),
        (&["multipart/form-data", "text/csv"][..], "text/csv"),
        (&["application/json", "application/x-www-form-urlencoded"][..], "application/json"),
        (&["bad\ntype/x"][..], "application/json"),
    ] {
        assert_eq!(ask(&tool(false, listed, None), given("{}")).expect("sent").1, expected, "{listed:?}");
    }
}

#[test]
fn a_caller_chooses_among_the_types_that_the_tool_takes() {
    let choosing = |content_type: &'static str| GivenBody { content_type, ..given("7") };
    let both = tool(false, &["application/json", "text/*"], None);
    assert_eq!(ask(&both, choosing("text/csv; header=present")).expect("sent").1, "text/csv; header=present");
    assert_eq!(ask(&both, choosing("Application/JSON")).expect("sent").1, "Application/JSON");
    let fault = &ask(&both, choosing("image/png")).expect_err("refused")[0];
    assert_eq!(fault, "--content-type: the tool takes no body of this type, but application/json, text/*");
    for wrong in ["text", "text/*", "text/plain\r\nX: y"] {
        assert!(ask(&both, choosing(wrong)).expect_err(wrong)[0].contains("no media type"));
    }
    assert_eq!(ask(&tool(false, &[], None), choosing("image/png")).expect("sent").1, "image/png");
}

#[test]
fn a_json_body_must_be_json_and_other_bodies_are_sent_as_given() {
    for (types, bytes, ok) in [
        (&["application/json"][..], &b" {\"a\":[1,2]} "[..], true),
        (&["application/json"][..], b"{\"a\":", false),
        (&["application/json"][..], b"\"\xff\"", false),
        (&["text/plain"][..], b"{\"a\":\xff", true),
        (&["image/png"][..], b"\x89PNG\r\n\x1a\n", true),
        (&[][..], b"nope", false),
    ] {
        let given = GivenBody { bytes: Some(Bytes::from_static(bytes)), ..GivenBody::default() };
        let filled = template(&tool(false, types, None)).fill(given);
        assert_eq!(filled.is_ok(), ok, "{types:?}");
        if let Ok(Some(filled)) = filled {
            assert_eq!(filled.bytes, bytes);
        }
    }
}

#[test]
fn a_required_body_must_be_there_and_not_be_empty() {
    for bytes in [None, Some(Bytes::new())] {
        let given = GivenBody { bytes, ..GivenBody::default() };
        let faults = template(&tool(true, &["application/json"], None)).fill(given.clone()).expect_err("required");
        assert_eq!((faults[0].kind, faults[0].flag.as_str()), (FaultKind::Missing, "--body"));
        assert!(template(&tool(false, &[], None)).fill(given).expect("optional").is_none());
    }
}

#[test]
fn bodies_are_checked_against_the_schema_of_their_type() {
    let schema = r#"{"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"b":{"enum":["x"]}}}"#;
    let json = tool(false, &["application/json"], Some(schema));
    assert_eq!(ask(&json, given(r#"{"a":1}"#)).expect("fits").0, r#"{"a":1}"#);
    let faults = ask(&json, given(r#"{"b":"s3cret"}"#)).expect_err("does not fit");
    assert_eq!(faults, ["--body /a: is required", "--body /b: expected x"]);
    let unchecked = GivenBody { validate: false, ..given(r#"{"b":1}"#) };
    assert!(ask(&json, unchecked).is_ok());
    let form = tool(false, &["application/x-www-form-urlencoded"], Some(schema));
    assert_eq!(ask(&form, given(r#"{"a":"x"}"#)).expect_err("checked"), ["--body /a: expected a whole number"]);
    let text = tool(false, &["text/plain"], Some(r#"{"type":"string","maxLength":3}"#));
    assert!(ask(&text, given("abcd")).is_err() && ask(&text, given("123")).is_ok());
}

#[test]
fn typed_bodies_are_written_as_their_type_wants_it() {
    for (media, json, expected) in [
        ("application/json", r#"{"a": 1.0}"#, Ok(r#"{"a": 1.0}"#)),
        ("text/plain", r#""a \"b\"""#, Ok("a \"b\"")),
        ("text/plain", "1.50", Ok("1.50")),
        ("text/plain", "{}", Err("is a text, or bytes")),
        ("application/octet-stream", r#""x""#, Ok("x")),
        ("application/xml", r#""<a/>""#, Ok("<a/>")),
        ("application/x-www-form-urlencoded", r#"{"a":"b c"}"#, Ok("a=b+c")),
        ("application/x-www-form-urlencoded", "7", Err("made of a JSON object")),
        ("multipart/form-data", "[1]", Err("made of a JSON object")),
    ] {
        let answer = ask(&tool(false, &[media], None), typed(json)).map(|(text, _)| text);
        match expected {
            Ok(text) => assert_eq!(answer.as_deref(), Ok(text), "{media}"),
            Err(word) => assert!(answer.expect_err(media)[0].contains(word), "{media}"),
        }
    }
    let both = GivenBody { bytes: Some(Bytes::from_static(b"1")), ..typed("2") };
    assert!(ask(&tool(false, &[], None), both).expect_err("twice")[0].contains("given twice"));
}

/// WHATWG URL §5.2, OpenAPI 3.1 §4.8.15.
#[test]
fn a_form_is_written_from_an_object_or_sent_as_given() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let plain = tool(false, &[FORM], None);
    for (text, expected) in [
        (
            r#"{"a":"x y&","n":1.50,"t":true,"no":null,"l":["1",2,null],"e":[],"é":""}"#,
            Ok("a=x+y%26&n=1.50&t=true&l=1&l=2&%C3%A9="),
        ),
        (r#"{"o":{"b": 1},"l":[{"c":2},[3]]}"#, Ok("o=%7B%22b%22%3A+1%7D&l=%7B%22c%22%3A2%7D&l=%5B3%5D")),
        ("a=1&b=2", Ok("a=1&b=2")),
        ("{a", Ok("{a")),
        ("12", Ok("12")),
        ("{}", Ok("")),
        ("[1]", Err("made of a JSON object")),
    ] {
        match (ask(&plain, given(text)), expected) {
            (Ok(sent), Ok(expected)) => assert_eq!(sent, (expected.to_owned(), FORM.to_owned())),
            (Err(faults), Err(word)) => assert!(faults[0].contains(word), "{text}: {faults:?}"),
            (other, _) => panic!("{text}: {other:?}"),
        }
    }
    let styles = r#"{"d":{"style":"deepObject","explode":true},"p":{"style":"pipeDelimited","explode":false},
        "r":{"allowReserved":true},"f":{"explode":false},"x":{"style":"form"}}"#;
    let styled = encoded(plain, FORM, styles);
    let text = r#"{"d":{"k":1,"m":{"n":2}},"p":["a","b"],"r":"/x?","f":["1","2"],"e":[]}"#;
    let expected = "d%5Bk%5D=1&d%5Bm%5D%5Bn%5D=2&p=a%7Cb&r=/x?&f=1,2";
    assert_eq!(ask(&styled, given(text)).expect("sent").0, expected);
    assert_eq!(ask(&styled, given(r#"{"x":[[1]]}"#)).expect_err("nested")[0].split(':').next(), Some("--body /x"));
}

fn part(name: &str, filename: Option<&str>, media: &str, content: &'static [u8]) -> Part {
    Part {
        name: name.into(),
        filename: filename.map(str::to_owned),
        content_type: media.into(),
        headers: Vec::new(),
        content: Bytes::from_static(content),
    }
}

/// RFC 7578, OpenAPI 3.1 §4.8.15.
#[test]
fn a_multipart_message_is_made_of_members_and_of_parts() {
    const MULTIPART: &str = "multipart/form-data";
    let schema = r#"{"type":"object","required":["file"],"additionalProperties":false,"properties":{"t":{"type":"string"},
        "o":{"type":"object"},"l":{"type":"array","items":{"type":"integer"}},"file":{"type":"string","format":"binary"},
        "j":{"type":"string"},"more":{"type":"array","items":{"type":"string","format":"binary"}}}}"#;
    let encodings = r#"{"file":{"contentType":"image/png, image/jpeg","headers":{"X-Kind":"photo"}},
        "j":{"contentType":"application/json"}}"#;
    let tool = encoded(tool(true, &["application/json", MULTIPART], Some(schema)), MULTIPART, encodings);
    let parts = [
        part("file", Some("a \"b\"\r\n.png"), "image/png", b"\x89PNG"),
        part("more", Some("1.bin"), "", b"1"),
        part("more", None, "", b"2"),
    ];
    let members = r#"{"t":"x","o":{"a": 1},"l":[1,2],"j":"text","n":null}"#.replace(",\"n\":null", "");
    let given = GivenBody { parts: &parts, ..given(&members) };
    let body = template(&tool).fill(given.clone()).expect("fits").expect("a body");
    let again = template(&tool).fill(given).expect("fits").expect("a body");
    assert_eq!(body.bytes, again.bytes, "the same call, the same bytes");
    let media = body.content_type.expect("type").to_str().expect("text").to_owned();
    let boundary = media.strip_prefix("multipart/form-data; boundary=").expect(&media);
    let text = String::from_utf8_lossy(&body.bytes).replace(boundary, "B");
    let expected = "--B\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nx\r\n\
        --B\r\nContent-Disposition: form-data; name=\"o\"\r\nContent-Type: application/json\r\n\r\n{\"a\": 1}\r\n\
        --B\r\nContent-Disposition: form-data; name=\"l\"\r\n\r\n1\r\n\
        --B\r\nContent-Disposition: form-data; name=\"l\"\r\n\r\n2\r\n\
        --B\r\nContent-Disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\n\r\n\"text\"\r\n\
        --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22%0D%0A.png\"\r\n\
        Content-Type: image/png\r\nX-Kind: photo\r\n\r\n\u{fffd}PNG\r\n\
        --B\r\nContent-Disposition: form-data; name=\"more\"; filename=\"1.bin\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n1\r\n\
        --B\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\n2\r\n--B--\r\n";
    assert_eq!(text, expected);
    assert_eq!(body.parts.len(), 8);
}

#[test]
fn parts_that_would_say_more_than_they_may_are_refused() {
    const MULTIPART: &str = "multipart/form-data";
    let schema = r#"{"type":"object","required":["file","id"],"additionalProperties":false,
        "properties":{"file":{"type":"string","format":"binary","maxLength":1},"id":{"type":"integer"}}}"#;
    let tool = encoded(tool(true, &[MULTIPART], Some(schema)), MULTIPART, r#"{"file":{"contentType":"image/*"}}"#);
    let refused = |part: Part| {
        let parts = [part];
        ask(&tool, GivenBody { parts: &parts, ..given(r#"{"id":1}"#) }).err().unwrap_or_default().join("\n")
    };
    assert_eq!(refused(part("file", Some("a.png"), "image/png", b"long")), "", "what a part holds is not checked");
    assert_eq!(refused(part("file", None, "text/html", b"x")), "--body /file: expected a part of type image/*");
    assert!(refused(part("file", None, "image/png\r\nX: y", b"x")).contains("no header value"));
    assert!(refused(part("", None, "image/png", b"x")).contains("without a name"));
    assert!(refused(part("other", None, "image/png", b"x")).contains("--body /other: expected no such member"));
    for (name, value) in [("Content-Type", "x"), ("X", "a\r\nb"), ("X Y", "a"), ("content-disposition", "x")] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        assert!(
            refused(Part { headers, ..part("file", None, "image/png", b"x") }).contains("can't have"),
            "{name}"
        );
    }
    let missing = ask(&tool, given("{}")).expect_err("missing");
    assert_eq!(missing, ["--body /file: is required", "--body /id: is required"]);
    // A boundary never occurs in what it bounds.
    let first =
        template(&tool).fill(GivenBody { validate: false, ..given(r#"{"t":"x"}"#) }).expect("ok").expect("body");
    let boundary = String::from_utf8_lossy(&first.bytes).lines().next().expect("line")[2..].to_owned();
    let parts = [Part { content: Bytes::from(boundary.clone()), ..part("t", None, "", b"") }];
    let (bytes, other) = multipart::write(&parts);
    assert_eq!(bytes.windows(other.len()).filter(|window| *window == other.as_bytes()).count(), 2);
    // Ready made, with its boundary.
    let ready =
        GivenBody { content_type: "multipart/form-data; boundary=B", validate: false, ..given("--B--\r\n") };
    assert_eq!(ask(&tool, ready).expect("sent"), ("--B--\r\n".into(), "multipart/form-data; boundary=B".into()));
}

/// OpenAPI 3.1 §4.8.26.
#[test]
fn xml_is_written_by_the_keywords_of_the_schema_or_sent_as_given() {
    let xml = |schema: &str, json: &str| {
        let tool = tool(false, &["application/xml"], Some(schema));
        ask(&tool, given(json)).map(|(text, _)| text.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", ""))
    };
    let books = r#"{"type":"object","xml":{"name":"book","namespace":"urn:b","prefix":"b"},"properties":{
        "id":{"type":"integer","xml":{"attribute":true}},"title":{"type":"string","xml":{"prefix":"b"}},
        "tags":{"type":"array","xml":{"wrapped":true},"items":{"type":"string","xml":{"name":"tag"}}},
        "pages":{"type":"array","items":{"type":"integer"}},"note":{"type":"string"}}}"#;
    let json = r#"{"title":"A & <B>","id":7,"tags":["x","y"],"pages":[1,2.50],"gone":null,"o":{"k":"\"v\""}}"#;
    let json = json.replace("2.50", "2");
    assert_eq!(
        xml(books, &json).expect("written"),
        "<b:book xmlns:b=\"urn:b\" id=\"7\"><b:title>A &amp; &lt;B&gt;</b:title><tags><tag>x</tag><tag>y</tag></tags>\
         <pages>1</pages><pages>2</pages><o><k>&quot;v&quot;</k></o></b:book>"
    );
    assert_eq!(xml("{}", " <as given/>").expect("sent"), " <as given/>");
    assert_eq!(
        xml(r#"{"type":"array","items":{"xml":{"name":"i"}}}"#, "[1,2]").expect("written"),
        "<root><i>1</i><i>2</i></root>"
    );
    let with_key = r##"{"$ref":"#/components/schemas/Pet"}"##;
    assert_eq!(xml(with_key, r#"{"n":1}"#).expect("written"), "<Pet><n>1</n></Pet>");
    for (json, word) in [
        (r#"{"a><b":1}"#, "no XML name"),
        (r#"{"":1}"#, "no XML name"),
        (r#"{"a":"\u0000"}"#, "control character"),
        ("{", "neither XML nor valid JSON"),
    ] {
        assert!(xml("{}", json).expect_err(json)[0].contains(word), "{json}");
    }
}
