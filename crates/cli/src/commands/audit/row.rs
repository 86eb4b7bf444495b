//! A record as a row.

use super::text;
use serde_json::Value;

pub(super) const HEAD: [&str; 8] = ["TIME", "DECISION", "TOOL", "STATUS", "MS", "REASON", "PRINCIPAL", "REQUEST"];

pub(super) fn cells(event: &Value, time: String) -> [String; 8] {
    let number = |member: &str| event.get(member).map_or_else(String::new, Value::to_string);
    let word = |member: &str| text(event, member).to_owned();
    [
        time,
        word("decision"),
        word("toolId"),
        number("statusCode"),
        number("latencyMs"),
        word("reasonCode"),
        word("principal"),
        word("requestId"),
    ]
}
