//! The rules of request construction, seen from outside (catalog-and-execution §20.2).

use bytes::Bytes;
use open_cli_contract::catalog::{
    ContentType, Parameter, ParameterDetails, RequestBody, Safety, Tool, ToolDetails,
};
use open_cli_request::{ArgumentFault, Arguments, FaultKind, FilledRequest, RequestTemplate, URL_MAX_BYTES};
use std::collections::BTreeMap;

fn tool(server: &str, path: &str) -> Tool {
    Tool {
        id: "depot:op".into(),
        service_id: "depot".into(),
        operation_id: "op".into(),
        method: "GET".into(),
        path: path.into(),
        group: "bins".into(),
        command: "op".into(),
        aliases: vec![],
        summary: String::new(),
        description: String::new(),
        hidden: false,
        path_params: vec![],
        flags: vec![],
        request_body: None,
        auth_alternatives: vec![],
        auth: vec![],
        safety: Safety { destructive: false, read_only: true, requires_approval: false, idempotent: true },
        output: None,
        pagination: None,
        retry: None,
        guidance: None,
        quarantine: String::new(),
        servers: if server.is_empty() { vec![] } else { vec![server.into()] },
        backend: None,
        details: None,
    }
}

fn parameter(location: &str, wire: &str) -> Parameter {
    Parameter {
        name: open_cli_contract::slug::slug(wire),
        original_name: wire.into(),
        location: location.into(),
        required: location == "path",
    }
}

trait Build: Sized {
    fn takes(self, location: &str, wire: &str) -> Self;
    fn needs(self, location: &str, wire: &str) -> Self;
    fn filled(&self, path: &[&str], flags: &[(&str, &str)]) -> Result<FilledRequest, Vec<ArgumentFault>>;
}

impl Build for Tool {
    fn takes(mut self, location: &str, wire: &str) -> Self {
        let list = if location == "path" { &mut self.path_params } else { &mut self.flags };
        list.push(parameter(location, wire));
        self
    }
    fn needs(self, location: &str, wire: &str) -> Self {
        let mut tool = self.takes(location, wire);
        tool.flags.last_mut().expect("a flag").required = true;
        tool
    }
    fn filled(&self, path: &[&str], flags: &[(&str, &str)]) -> Result<FilledRequest, Vec<ArgumentFault>> {
        let path: Vec<String> = path.iter().map(|s| (*s).into()).collect();
        let flags: BTreeMap<String, String> = flags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        RequestTemplate::compile(self).fill(&Arguments { path_args: &path, flags: &flags, body: None })
    }
}

fn uri(request: Result<FilledRequest, Vec<ArgumentFault>>) -> String {
    request.expect("filled").url.to_uri().expect("fits").to_string()
}

fn shown(request: Result<FilledRequest, Vec<ArgumentFault>>) -> Vec<String> {
    request.expect_err("refused").iter().map(ToString::to_string).collect()
}

/// HX-2, weakness 59.
#[test]
fn base_and_path_are_joined_and_their_queries_merged() {
    for (server, path, expected) in [
        ("https://h.example", "/q", "https://h.example/q"),
        ("https://h.example/v1///", "/q", "https://h.example/v1/q"),
        ("https://h.example:8443/v1", "q", "https://h.example:8443/v1/q"),
        ("https://h.example:443", "/q", "https://h.example/q"),
        ("https://h.example/x?k=1", "/q", "https://h.example/x/q?k=1"),
        ("https://h.example/x?k=1", "/q?a=2", "https://h.example/x/q?a=2&k=1"),
        ("https://h.example", "/q?flag&b=x y", "https://h.example/q?b=x+y&flag="),
        ("https://h.example", "/q#section", "https://h.example/q"),
        ("https://u:p@h.example", "/q", "https://h.example/q"),
        ("http://[::1]:8080/a b", "/ü", "http://[::1]:8080/a%20b/%C3%BC"),
        ("https://h.example", "/", "https://h.example/"),
    ] {
        assert_eq!(uri(tool(server, path).filled(&[], &[])), expected);
    }
}

/// HX-1.
#[test]
fn a_base_that_cannot_be_called_is_reported_when_the_tool_is_used() {
    for (server, word) in
        [("", "missing base url"), ("/v1", "relative"), ("ftp://h/", "ftp"), ("http://", "no URL")]
    {
        let template = RequestTemplate::compile(&tool(server, "/q"));
        assert!(template.base_url().is_none());
        let faults = tool(server, "/q").filled(&[], &[]).expect_err("refused");
        assert_eq!(faults[0].kind, FaultKind::Tool);
        assert!(faults[0].to_string().contains(word), "{}", faults[0]);
    }
    let faults = shown(tool("http://u:hunter2@h:x/", "/q").filled(&[], &[]));
    assert!(!faults[0].contains("hunter2"), "{faults:?}");
}

/// HX-3, HX-4.
#[test]
fn path_values_replace_every_placeholder_of_their_parameter() {
    let bins =
        tool("https://h.example", "/x/{bin}/{shelf}/{bin}.json").takes("path", "shelf").takes("path", "bin");
    assert_eq!(uri(bins.filled(&["a/b", "ü"], &[])), "https://h.example/x/%C3%BC/a%2Fb/%C3%BC.json");
    let in_query = tool("https://h.example", "/x?id={id}").takes("path", "id");
    assert_eq!(uri(in_query.filled(&["a b&c"], &[])), "https://h.example/x?id=a+b%26c");
}

/// Weakness 60.
#[test]
fn path_values_that_would_change_the_path_are_refused() {
    let bins = tool("https://h.example", "/bins/{bin_id}/{item}").takes("path", "bin_id").takes("path", "item");
    for (values, expected) in [
        (&[][..], &["<bin-id>: is required", "<item>: is required"][..]),
        (&["", "x"][..], &["<bin-id>: must not be empty"][..]),
        (&[".", ".."][..], &["<bin-id>: must not be `.` or `..`", "<item>: must not be `.` or `..`"][..]),
        (&["a", "b", "c"][..], &["3 positional arguments were given, the tool takes <bin-id> <item>"][..]),
    ] {
        assert_eq!(shown(bins.filled(values, &[])), expected);
    }
    let undeclared = tool("https://h.example", "/bins/{id}");
    assert!(shown(undeclared.filled(&[], &[]))[0].contains("{id}"));
}

/// HX-5, HX-6 with the examples of the contract.
#[test]
fn query_flags_are_sent_in_ascending_order_under_their_wire_name() {
    let search = tool("https://h.example", "/s?fixed=1")
        .takes("query", "sortBy")
        .takes("query", "q")
        .takes("query", "fixed");
    assert_eq!(
        uri(search.filled(&[], &[("sort-by", "1,2 3&4"), ("q", "")])),
        "https://h.example/s?fixed=1&q=&sortBy=1%2C2+3%264"
    );
    assert_eq!(uri(search.filled(&[], &[("fixed", "2")])), "https://h.example/s?fixed=2");
    let paged = tool("https://h.example", "/s").takes("query", "pageSize");
    assert_eq!(uri(paged.filled(&[], &[("page-size", "5"), ("pageSize", "9")])), "https://h.example/s?pageSize=5");
    assert_eq!(uri(paged.filled(&[], &[("pageSize", "9")])), "https://h.example/s?pageSize=9");
}

/// Deviation 2: names of the reference stay usable.
#[test]
fn flags_answer_to_the_names_the_reference_gave_them() {
    let tool = tool("https://h.example", "/s").takes("query", "X-Shelf").takes("query", "sort[by]");
    assert_eq!(
        uri(tool.filled(&[], &[("x--shelf", "1"), ("sortby", "2")])),
        "https://h.example/s?X-Shelf=1&sort%5Bby%5D=2"
    );
}

#[test]
fn a_name_of_one_flag_is_never_an_alias_of_another() {
    let mut tool = tool("https://h.example", "/s").takes("query", "id").takes("header", "id");
    tool.flags[1].name = "id-2".into();
    let request = tool.filled(&[], &[("id", "7")]).expect("filled");
    assert!(!request.headers.contains_key("id"));
    let request = tool.filled(&[], &[("id-2", "7")]).expect("filled");
    assert_eq!(request.headers["id"], "7");
}

#[test]
fn all_faults_are_reported_at_once_and_no_value_appears() {
    let mut tool = tool("https://h.example", "/{id}")
        .takes("path", "id")
        .needs("query", "since")
        .takes("header", "X-Note")
        .takes("query", "pageSize")
        .takes("header", "Accept");
    tool.request_body = Some(RequestBody { required: true, content_types: vec![] });
    let flags = [("x-note", "s3cret\r\nX: y"), ("page-sise", "s3cret"), ("accept", "s3cret"), ("id", "s3cret")];
    let faults = shown(tool.filled(&[], &flags));
    assert_eq!(
        faults,
        [
            "<id>: is required",
            "--accept: the runtime sets this header itself; leave it out",
            "--id: is a positional argument; pass it in `pathArgs`",
            "--page-sise: unknown flag; did you mean --page-size?",
            "--since: is required",
            "--x-note: a header value must not contain line breaks or control characters",
            "--body: a body of type application/json is required",
        ]
    );
    assert!(!faults.join("\n").contains("s3cret"));
}

/// HX-7.
#[test]
fn headers_and_cookies_are_set() {
    let tool = tool("https://u:p@h.example", "/s")
        .takes("header", "X-Request-ID")
        .takes("header", "Content-Length")
        .takes("cookie", "sid")
        .takes("cookie", "theme");
    let flags = [("x-request-id", "r 1"), ("sid", "x y"), ("theme", "dark")];
    let mut request = tool.filled(&[], &flags).expect("filled");
    assert_eq!(request.headers["x-request-id"], "r 1");
    assert_eq!(request.headers["accept"], "application/json, */*;q=0.8");
    assert_eq!(request.headers["authorization"], "Basic dTpw");
    assert_eq!(request.cookie_header().expect("cookies"), "sid=x%20y; theme=dark");
    request.set_cookie("sid", "k;");
    assert_eq!(request.cookie_header().expect("cookies"), "theme=dark; sid=k%3B");
    assert!(request.cookie_header().expect("cookies").is_sensitive());
    assert_eq!(shown(tool.filled(&[], &[("content-length", "3")])).len(), 1);
}

/// `tool` with the style, explode and schema type of each of its parameters.
fn styled(mut tool: Tool, details: &[(&str, Option<bool>, &str)]) -> Tool {
    let parameters = details.iter().map(|(style, explode, kind)| ParameterDetails {
        style: (*style).into(),
        explode: *explode,
        schema: serde_json::value::RawValue::from_string(format!(r#"{{"type":"{kind}"}}"#)).ok(),
        ..ParameterDetails::default()
    });
    tool.details = Some(ToolDetails { parameters: parameters.collect(), ..ToolDetails::default() });
    tool
}

/// OpenAPI 3.1 §4.8.12.4.
#[test]
fn lists_and_objects_go_where_their_parameter_goes_and_names_stay_in_order() {
    let bins = tool("https://h.example", "/bins/{ids}?fixed=1")
        .takes("path", "ids")
        .takes("query", "m")
        .takes("query", "near")
        .takes("query", "tag")
        .takes("header", "X-Ids")
        .takes("cookie", "c");
    let bins = styled(
        bins,
        &[
            ("", None, "array"),
            ("deepObject", None, "object"),
            ("", None, "object"),
            ("", None, "array"),
            ("", None, "array"),
            ("", Some(false), "array"),
        ],
    );
    let flags =
        [("m", r#"{"k":1}"#), ("near", r#"{"a":"x y","z":2}"#), ("tag", "p,q"), ("x-ids", "[1, 2]"), ("c", "1,2")];
    let request = bins.filled(&["7,8"], &flags).expect("filled");
    assert_eq!(request.headers["x-ids"], "1,2");
    assert_eq!(request.cookie_header().expect("cookies"), "c=1,2");
    let uri = request.url.to_uri().expect("fits").to_string();
    assert_eq!(uri, "https://h.example/bins/7,8?a=x+y&fixed=1&m%5Bk%5D=1&tag=p&tag=q&z=2");

    let empty = [("tag", "[]"), ("near", "{}"), ("x-ids", ""), ("c", "")];
    let request = bins.filled(&["7"], &empty).expect("filled");
    assert!(!request.headers.contains_key("x-ids") && request.cookie_header().is_none());
    assert_eq!(request.url.to_uri().expect("fits"), "https://h.example/bins/7?fixed=1");

    let flags = [("m", "s3cret"), ("near", r#"{"fixed":2}"#), ("tag", "[[1]]"), ("x-ids", r#"["a\nb"]"#)];
    let faults = shown(bins.filled(&["[]"], &flags));
    let starts = ["<ids>: must not be empty", "--m: must be a JSON object", "--near: has a member with the name"];
    let more = ["--tag: holds a list", "--x-ids: a header value must not"];
    assert_eq!(faults.len(), 5, "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts.iter().chain(&more)) {
        assert!(fault.starts_with(start), "{fault}");
    }
    assert!(!faults.join("\n").contains("s3cret"));
}

#[test]
fn what_a_list_of_path_values_becomes_is_checked_and_label_styles_are_refused() {
    let bins = tool("https://h.example", "/bins/{ids}").takes("path", "ids");
    let list = styled(bins.clone(), &[("simple", None, "array")]);
    assert_eq!(shown(list.filled(&[r#"[".."]"#], &[])), ["<ids>: must not be `.` or `..`"]);
    for style in ["label", "matrix"] {
        let faults = styled(bins.clone(), &[(style, None, "string")]).filled(&["1"], &[]).expect_err("refused");
        assert_eq!(faults[0].kind, FaultKind::Tool);
        assert!(faults[0].to_string().starts_with("<ids>: style not supported"), "{}", faults[0]);
    }
}

#[test]
fn a_tool_without_a_body_takes_none() {
    let template = RequestTemplate::compile(&tool("https://h.example", "/s"));
    let given = |body| template.fill(&Arguments { path_args: &[], flags: &BTreeMap::new(), body });
    assert_eq!(shown(given(Some(Bytes::from_static(b"{}")))), ["--body: the tool takes no body"]);
    assert!(given(Some(Bytes::new())).is_ok(), "an empty body is none");
}

/// HX-9.
#[test]
fn a_body_is_sent_with_its_type_for_any_method() {
    let mut tool = tool("https://h.example", "/s");
    let content_types = vec![ContentType { media_type: "text/csv".into(), schema: None }];
    tool.request_body = Some(RequestBody { required: false, content_types });
    let arguments = Arguments { path_args: &[], flags: &BTreeMap::new(), body: Some(Bytes::from_static(b"a,b")) };
    let request = RequestTemplate::compile(&tool).fill(&arguments).expect("filled");
    assert_eq!(
        (request.headers["content-type"].as_bytes(), request.body.as_deref()),
        (&b"text/csv"[..], Some(&b"a,b"[..]))
    );
}

/// HX-11.
#[test]
fn a_query_credential_replaces_a_flag_of_the_same_name() {
    let tool = tool("https://h.example", "/s?z=1").takes("query", "key").takes("query", "a");
    let mut request = tool.filled(&[], &[("key", "mine"), ("a", "1")]).expect("filled");
    request.url.set_query("key", "the key");
    assert_eq!(request.url.to_uri().expect("fits"), "https://h.example/s?a=1&key=the+key&z=1");
}

#[test]
fn a_url_that_no_server_would_take_is_refused() {
    let tool = tool("https://h.example", "/s").takes("query", "q");
    let faults = shown(tool.filled(&[], &[("q", &"x".repeat(URL_MAX_BYTES))]));
    assert!(faults[0].starts_with("--q: the URL is longer"), "{faults:?}");
}

#[test]
fn debug_output_shows_no_values() {
    let tool = tool("https://h.example", "/s").takes("query", "q").takes("header", "X-Note");
    let request = tool.filled(&[], &[("q", "s3cret"), ("x-note", "s3cret")]).expect("filled");
    assert!(!format!("{request:?}").contains("s3cret"));
}

/// OpenAPI 3.2 §4.12.1
#[test]
fn the_whole_query_can_be_one_parameter() {
    let with = |server: &str, content_type: &str| {
        let mut tool = tool(server, "/find").takes("querystring", "q");
        let parameter = ParameterDetails { content_type: content_type.into(), ..ParameterDetails::default() };
        tool.details = Some(ToolDetails { parameters: vec![parameter], ..ToolDetails::default() });
        tool
    };
    let sent = |tool: &Tool, value: &str| match tool.filled(&[], &[("q", value)]) {
        Ok(filled) => filled.url.to_uri().expect("short").to_string(),
        Err(faults) => faults[0].problem.clone(),
    };
    let form = with("https://h.example?v=1", "application/x-www-form-urlencoded");
    assert_eq!(sent(&form, r#"{"z":"a b","list":[1,2]}"#), "https://h.example/find?list=1&list=2&v=1&z=a+b");
    assert!(sent(&form, "v=2").contains("sets"), "what the URL fixes stays");
    let json = with("https://h.example", "application/json");
    assert_eq!(sent(&json, r#"{"a":1}"#), "https://h.example/find?%7B%22a%22%3A1%7D");
    assert_eq!(sent(&json, "{"), "must be JSON");
}
