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

fn template(tool: &Tool) -> RequestTemplate {
    RequestTemplate::compile(tool)
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
        template(self).fill(&Arguments { path_args: &path, flags: &flags, ..Arguments::default() })
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
        let template = template(&tool(server, "/q"));
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
            "--accept: the runtime sets this header itself; leave it out",
            "--id: is a positional argument; pass it in `pathArgs`",
            "--page-sise: unknown flag; did you mean --page-size?",
            "<id>: is required",
            "--since: is required",
            "--body: a body of type application/json is required",
            "--x-note: a header value must not contain line breaks or control characters",
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
    let starts = ["--m: must be a JSON object", "--tag: holds a list", "<ids>: must not be empty"];
    let more = ["--near: has a member with the name", "--x-ids: a header value must not"];
    assert_eq!(faults.len(), 5, "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts.iter().chain(&more)) {
        assert!(fault.starts_with(start), "{fault}");
    }
    assert!(!faults.join("\n").contains("s3cret"));
}

#[test]
fn path_values_that_make_a_dot_segment_together_are_refused() {
    let bins = tool("https://h.example/.", "/bins/{ids}").takes("path", "ids");
    let list = styled(bins.clone(), &[("simple", None, "array")]);
    assert_eq!(shown(list.filled(&[r#"[".."]"#], &[])), ["<ids>: must not be `.` or `..`"]);
    let label = |text: &str| styled(bins.clone(), &[("label", None, "string")]).filled(&[text], &[]);
    assert_eq!(shown(label(".")), ["<ids>: must not be `.` or `..`"]);
    assert_eq!(uri(label("..x")), "https://h.example/bins/...x");
    let two = tool("https://h.example", "/{a}{b}/x").takes("path", "a").takes("path", "b");
    assert_eq!(
        uri(two.filled(&["..", "x"], &[]).or_else(|_| two.filled(&[".a", "x"], &[]))),
        "https://h.example/.ax/x"
    );
    let dotted = tool("https://h.example", "/.{a}/x").takes("path", "a");
    assert_eq!(uri(dotted.filled(&["b"], &[])), "https://h.example/.b/x");
    assert_eq!(shown(dotted.filled(&["."], &[])).len(), 1);
}

#[test]
fn a_tool_without_a_body_takes_none() {
    let template = template(&tool("https://h.example", "/s"));
    let given = |body| template.fill(&Arguments { body, ..Arguments::default() });
    assert_eq!(shown(given(Some(Bytes::from_static(b"{}")))), ["--body: the tool takes no body"]);
    assert!(given(Some(Bytes::new())).is_ok(), "an empty body is none");
}

/// HX-9.
#[test]
fn a_body_is_sent_with_its_type_for_any_method() {
    let mut tool = tool("https://h.example", "/s");
    let content_types = vec![ContentType { media_type: "text/csv".into(), schema: None }];
    tool.request_body = Some(RequestBody { required: false, content_types });
    let arguments = Arguments { body: Some(Bytes::from_static(b"a,b")), ..Arguments::default() };
    let request = template(&tool).fill(&arguments).expect("filled");
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

fn raw(text: &str) -> Box<serde_json::value::RawValue> {
    serde_json::value::RawValue::from_string(text.into()).expect("json")
}

fn typed(tool: &Tool, json: &str) -> Result<FilledRequest, Vec<ArgumentFault>> {
    let json = raw(json);
    template(tool).fill(&Arguments { typed: Some(&json), ..Arguments::default() })
}

#[test]
fn typed_arguments_are_found_by_every_name_and_written_in_their_style() {
    let mut bins = tool("https://h.example", "/bins/{binId}")
        .takes("path", "binId")
        .takes("query", "pageSize")
        .takes("query", "tag")
        .takes("query", "body")
        .takes("header", "X-Ids");
    bins.request_body = Some(RequestBody { required: false, content_types: vec![] });
    let kinds = ["integer", "integer", "array", "string", "array"];
    let bins = styled(bins, &kinds.map(|kind| ("", None, kind)));
    let request = typed(
        &bins,
        r#"{"bin-id":7,"pageSize":1.0,"tag":["a b","c"],"x-ids":[1,2],"param-body":"q","body":{"k": [1.50]},"gone":null}"#,
    )
    .expect("filled");
    assert_eq!(request.headers["x-ids"], "1,2");
    assert_eq!(request.body.as_deref(), Some(&br#"{"k": [1.50]}"#[..]));
    assert_eq!(uri(Ok(request)), "https://h.example/bins/7?body=q&pageSize=1.0&tag=a+b&tag=c");
    for (json, expected) in [
        (r#"{"bin-id":"7"}"#, &["<bin-id>: expected a whole number"][..]),
        (r#"{"bin-id":7,"binId":8}"#, &["<bin-id>: is given twice"]),
        (r#"{"bin-id":7,"page-sise":8}"#, &["--page-sise: unknown flag; did you mean --page-size?"]),
        (r#"{"bin-id":7,"tag":[[1]]}"#, &["--tag: holds a list or an object inside"]),
        (r#"{"bin-id":[]}"#, &["<bin-id>: expected a whole number"]),
        ("[]", &["`arguments` must be a JSON object", "<bin-id>: is required"]),
    ] {
        let faults = shown(typed(&bins, json));
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        assert!(faults.iter().zip(expected).all(|(fault, start)| fault.starts_with(start)), "{faults:?}");
    }
    let json = raw(r#"{"pageSize":2}"#);
    let flags = BTreeMap::from([("page-size".to_owned(), "3".to_owned())]);
    let both = Arguments { typed: Some(&json), flags: &flags, path_args: &["7".into()], ..Arguments::default() };
    assert_eq!(shown(template(&bins).fill(&both)), ["--page-size: is given twice"]);
}

#[test]
fn values_are_checked_against_the_description_and_all_faults_are_named() {
    let mut bins = tool("https://h.example", "/bins/{id}")
        .takes("path", "id")
        .takes("query", "limit")
        .takes("query", "ids")
        .takes("query", "since");
    let schemas = [
        r#"{"type":"string","format":"uuid"}"#,
        r#"{"type":"integer","maximum":100}"#,
        r#"{"type":"array","items":{"type":"integer"},"maxItems":2}"#,
        r#"{"type":"string","format":"date"}"#,
    ];
    let details =
        schemas.iter().map(|schema| ParameterDetails { schema: Some(raw(schema)), ..Default::default() });
    bins.details = Some(ToolDetails { parameters: details.collect(), ..ToolDetails::default() });
    let flags = [("limit", "101"), ("ids", "1,x,3"), ("since", "s3cret")];
    assert_eq!(
        shown(bins.filled(&["s3cret"], &flags)),
        [
            "<id>: expected a UUID such as 123e4567-e89b-12d3-a456-426614174000",
            "--limit: expected at most 100",
            "--ids: expected a list of at most 2",
            "--ids /1: expected a whole number",
            "--since: expected a date such as 2026-01-31",
        ]
    );
    let path = ["x".to_owned()];
    let unchecked = Arguments { path_args: &path, validate: false, ..Arguments::default() };
    assert!(template(&bins).fill(&unchecked).is_ok());
}

#[test]
fn a_required_parameter_that_is_not_given_takes_its_default() {
    let mut search = tool("https://h.example", "/s").needs("query", "version").takes("query", "page");
    let schema = |text: &str| ParameterDetails { schema: Some(raw(text)), ..ParameterDetails::default() };
    let parameters =
        vec![schema(r#"{"type":"string","default":"v 1"}"#), schema(r#"{"type":"integer","default":1}"#)];
    search.details = Some(ToolDetails { parameters, ..ToolDetails::default() });
    assert_eq!(uri(search.filled(&[], &[])), "https://h.example/s?version=v+1", "an optional one is left out");
    assert_eq!(uri(search.filled(&[], &[("version", "2")])), "https://h.example/s?version=2");
}

/// OpenAPI 3.1 §4.8.12, `content`.
#[test]
fn parameters_with_a_media_type_are_sent_in_it() {
    let mut search = tool("https://h.example", "/s").takes("query", "filter").takes("query", "raw");
    let content = |media: &str, schema: &str| ParameterDetails {
        content_type: media.into(),
        schema: Some(raw(schema)),
        ..ParameterDetails::default()
    };
    let parameters = vec![
        content("application/json", r#"{"type":["object","string"],"required":["a"]}"#),
        content("text/csv", r#"{"type":"array"}"#),
    ];
    search.details = Some(ToolDetails { parameters, ..ToolDetails::default() });
    let flags = [("filter", r#"{"a":[1, 2]}"#), ("raw", "a,b")];
    assert_eq!(
        uri(search.filled(&[], &flags)),
        "https://h.example/s?filter=%7B%22a%22%3A%5B1%2C+2%5D%7D&raw=a%2Cb"
    );
    assert_eq!(uri(search.filled(&[], &[("filter", "plain")])), "https://h.example/s?filter=%22plain%22");
    assert_eq!(shown(search.filled(&[], &[("filter", "{}")])), ["--filter /a: is required"]);
    assert_eq!(template(&search).unchecked()[0].flag, "--raw");
}

#[test]
fn a_preview_shows_what_would_be_sent_and_no_secret() {
    use open_cli_contract::preview::Placement;
    let mut bins = tool("https://u:p@h.example", "/bins")
        .takes("query", "api_key")
        .takes("query", "q")
        .takes("header", "X-API-Key")
        .takes("cookie", "theme");
    bins.request_body = Some(RequestBody { required: false, content_types: vec![] });
    let flags = [("api-key", "s3cret"), ("q", "a b"), ("x-api-key", "s3cret"), ("theme", "dark")];
    let flags = flags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let body = Some(Bytes::from_static(b"{\"a\":1}"));
    let arguments = Arguments { flags: &flags, body, masked: true, ..Arguments::default() };
    let addition = |scheme: &str, location, name: &str, prefix| Placement {
        scheme: scheme.into(),
        location,
        name: name.into(),
        prefix,
    };
    let additions = vec![addition("key", "query", "key", ""), addition("sso", "cookie", "sid", "")];
    let filled = template(&bins).fill(&arguments).expect("filled");
    let (request, secrets) = filled.preview("depot", &additions);
    let text = serde_json::to_string(&(&request, &secrets)).expect("json");
    assert!(!text.contains("s3cret") && !text.contains("dTpw"), "{text}");
    assert_eq!(request.url, "https://h.example/bins?api_key=REDACTED&key=REDACTED&q=a+b");
    let headers: Vec<String> = request.headers.iter().map(|h| format!("{}: {}", h.name, h.value)).collect();
    assert_eq!(
        headers,
        [
            "accept: application/json, */*;q=0.8",
            "authorization: Basic REDACTED",
            "content-type: application/json",
            "cookie: theme=dark; sid=REDACTED",
            "x-api-key: REDACTED",
        ]
    );
    assert_eq!(request.body.expect("json").get(), "{\"a\":1}");
    let variables: Vec<&str> = secrets.iter().map(|secret| secret.variable.as_str()).collect();
    assert_eq!(variables, ["API_KEY", "X_API_KEY", "DEPOT_KEY", "DEPOT_SSO", "DEPOT_AUTHORIZATION"]);
}
