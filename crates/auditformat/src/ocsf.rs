//! Open Cybersecurity Schema Framework: every record is an event of the class API Activity (6003), with the profiles
//! `security_control` (what was decided) and `trace`. What the class has no attribute for is in `unmapped`.

use crate::{PRODUCT, Record, VENDOR};
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use url::{Host, Url};

/// Version of the schema that the events follow.
pub const OCSF_VERSION: &str = "1.6.0";

const CATEGORY: (u64, &str) = (6, "Application Activity");
const CLASS: (u64, &str) = (6003, "API Activity");

/// Fields of a record that have an attribute.
const MAPPED: &[&str] = &[
    "timestamp",
    "eventType",
    "principal",
    "sessionId",
    "toolId",
    "serviceId",
    "targetBaseUrl",
    "method",
    "path",
    "requestSize",
    "statusCode",
    "latencyMs",
    "requestId",
    "traceId",
    "errorCode",
    "clientAddress",
    "seq",
];

pub(crate) fn line(record: &Record<'_>, version: &str, out: &mut Vec<u8>) {
    // A tree of text and numbers can always be written.
    let _ = serde_json::to_writer(&mut *out, &event(record, version));
    out.push(b'\n');
}

fn event(record: &Record<'_>, version: &str) -> Value {
    let activity = activity(record.text("method"));
    let (status, reason) = (record.status(), record.text("reasonCode"));
    let mut event = object(json!({
        "category_uid": CATEGORY.0, "category_name": CATEGORY.1,
        "class_uid": CLASS.0, "class_name": CLASS.1,
        "activity_id": activity.0, "activity_name": activity.1,
        "type_uid": CLASS.0 * 100 + activity.0, "type_name": format!("{}: {}", CLASS.1, activity.1),
        "time": record.millis(),
        "message": record.message(),
        "metadata": metadata(record, version),
        "actor": actor(record),
        "api": api(record),
        "src_endpoint": source(record),
    }));
    let severity = severity(record);
    pair(&mut event, "severity", severity);
    pair(&mut event, "status", if record.succeeded() { (1, "Success") } else { (2, "Failure") });
    let (action, disposition) = match record.text("decision") {
        "allowed" => ((1, "Allowed"), (1, "Allowed")),
        "denied" => ((2, "Denied"), (2, "Blocked")),
        // It was allowed, and failed.
        "error" => ((1, "Allowed"), (27, "Error")),
        _ => ((0, "Unknown"), (0, "Unknown")),
    };
    pair(&mut event, "action", action);
    pair(&mut event, "disposition", disposition);
    put(&mut event, "status_code", status.map(|status| status.to_string()));
    put(&mut event, "status_detail", filled(reason));
    put(&mut event, "duration", record.number("latencyMs"));
    put(&mut event, "trace", filled(record.text("traceId")).map(|id| json!({ "uid": id })));
    put(&mut event, "dst_endpoint", destination(record));
    put(&mut event, "http_request", request(record));
    put(&mut event, "http_response", status.map(|status| response(record, status)));
    if !record.text("path").is_empty() {
        event.insert("resources".into(), json!([{ "uid": record.text("toolId"), "type": "tool" }]));
    }
    let others: Map<String, Value> =
        record.others(MAPPED).map(|(name, value)| (name.clone(), value.clone())).collect();
    put(&mut event, "unmapped", (!others.is_empty()).then_some(others));
    Value::Object(event)
}

fn activity(method: &str) -> (u64, &'static str) {
    match method {
        "POST" => (1, "Create"),
        "GET" | "HEAD" | "QUERY" => (2, "Read"),
        "PUT" | "PATCH" => (3, "Update"),
        "DELETE" => (4, "Delete"),
        "" => (0, "Unknown"),
        _ => (99, "Other"),
    }
}

fn severity(record: &Record<'_>) -> (u64, &'static str) {
    match (record.text("eventType"), record.text("decision")) {
        ("authn_failure", _) => (3, "Medium"),
        (_, "denied" | "error") => (2, "Low"),
        _ => (1, "Informational"),
    }
}

fn metadata(record: &Record<'_>, version: &str) -> Value {
    let mut metadata = object(json!({
        "version": OCSF_VERSION,
        "profiles": ["security_control", "trace"],
        "product": { "name": PRODUCT, "vendor_name": VENDOR, "version": version },
        "log_name": "audit",
        "original_time": record.text("timestamp"),
    }));
    put(&mut metadata, "event_code", filled(record.text("eventType")));
    put(&mut metadata, "correlation_uid", filled(record.text("requestId")));
    put(&mut metadata, "sequence", record.number("seq"));
    Value::Object(metadata)
}

/// The schema wants somebody; without authentication nobody is known.
fn actor(record: &Record<'_>) -> Value {
    let user = match record.text("principal") {
        "" => json!({ "name": "anonymous", "type_id": 0, "type": "Unknown" }),
        name => json!({ "name": name, "uid": name }),
    };
    let mut actor = object(json!({ "user": user }));
    put(&mut actor, "session", filled(record.text("sessionId")).map(|id| json!({ "uid": id })));
    Value::Object(actor)
}

fn api(record: &Record<'_>) -> Value {
    let operation = filled(record.text("toolId")).or(filled(record.text("eventType"))).unwrap_or("unknown");
    let mut api = object(json!({ "operation": operation }));
    put(&mut api, "service", filled(record.text("serviceId")).map(|id| json!({ "name": id, "uid": id })));
    put(&mut api, "request", filled(record.text("requestId")).map(|id| json!({ "uid": id })));
    let mut response = Map::new();
    put(&mut response, "code", record.status());
    put(&mut response, "error", filled(record.text("errorCode")));
    put(&mut api, "response", (!response.is_empty()).then_some(response));
    Value::Object(api)
}

/// The schema wants a source, too.
fn source(record: &Record<'_>) -> Value {
    match record.text("clientAddress") {
        "" => json!({ "name": "unknown" }),
        address if address.parse::<IpAddr>().is_ok() => json!({ "ip": address }),
        other => json!({ "name": other }),
    }
}

fn destination(record: &Record<'_>) -> Option<Value> {
    let url = Url::parse(record.text("targetBaseUrl")).ok()?;
    let mut endpoint = match url.host()? {
        Host::Domain(name) => object(json!({ "hostname": name })),
        Host::Ipv4(address) => object(json!({ "ip": address.to_string() })),
        Host::Ipv6(address) => object(json!({ "ip": address.to_string() })),
    };
    put(&mut endpoint, "port", url.port_or_known_default());
    put(&mut endpoint, "svc_name", filled(record.text("serviceId")));
    Some(Value::Object(endpoint))
}

fn request(record: &Record<'_>) -> Option<Value> {
    let method = filled(record.text("method"))?;
    let mut request = object(json!({ "http_method": method }));
    let (base, path) = (record.text("targetBaseUrl"), record.text("path"));
    if !path.is_empty() {
        let mut url = object(json!({ "path": path }));
        if let Ok(target) = Url::parse(base) {
            url.insert("url_string".into(), format!("{}{path}", base.trim_end_matches('/')).into());
            url.insert("scheme".into(), target.scheme().into());
            put(&mut url, "hostname", target.host_str().filter(|_| target.domain().is_some()));
            put(&mut url, "port", target.port_or_known_default());
        }
        request.insert("url".into(), Value::Object(url));
    }
    put(&mut request, "body_length", record.number("requestSize"));
    put(&mut request, "uid", filled(record.text("requestId")));
    Some(Value::Object(request))
}

fn response(record: &Record<'_>, status: u64) -> Value {
    let mut response = object(json!({ "code": status }));
    put(&mut response, "latency", record.number("latencyMs"));
    Value::Object(response)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(name.into(), value.into());
    }
}

/// `<name>_id` and its caption.
fn pair(map: &mut Map<String, Value>, name: &str, (id, caption): (u64, &str)) {
    map.insert(format!("{name}_id"), id.into());
    map.insert(name.into(), caption.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_api_activity() {
        let mut out = String::new();
        for record in crate::samples::records() {
            let event = event(&record, "1.2.3");
            out.push_str(&serde_json::to_string_pretty(&event).expect("JSON"));
            out.push('\n');
            // What the class requires.
            for name in ["activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"] {
                assert!(event[name].is_u64(), "{name}");
            }
            for pointer in ["/metadata/version", "/metadata/product/name", "/api/operation", "/actor/user/name"] {
                assert!(event.pointer(pointer).is_some_and(Value::is_string), "{pointer}");
            }
            let source = event["src_endpoint"].as_object().expect("a source");
            assert!(source.contains_key("ip") || source.contains_key("name"));
        }
        insta::assert_snapshot!(out);
    }
}
