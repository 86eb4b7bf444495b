//! How long a body of 2 KB takes: `cargo run --release -p open-cli-schema --example speed`.
#![allow(clippy::print_stdout, reason = "a figure for people")]

use open_cli_schema::{Json, Options, Schema};
use std::hint::black_box;
use std::time::Instant;

const SCHEMA: &str = r##"{"type":"object","required":["id","customer","items"],"additionalProperties":false,
"properties":{"id":{"type":"string","format":"uuid"},"customer":{"$ref":"#/$defs/C"},
"items":{"type":"array","minItems":1,"maxItems":100,"items":{"$ref":"#/$defs/I"}},
"note":{"type":["string","null"],"maxLength":500},"createdAt":{"type":"string","format":"date-time"}},
"$defs":{"C":{"type":"object","required":["name","email"],"properties":{"name":{"type":"string","minLength":1},
"email":{"type":"string","pattern":"^[^@]+@[^@]+$"},"zip":{"type":"string","pattern":"^[0-9]{5}$"}}},
"I":{"type":"object","required":["sku","quantity"],"properties":{"sku":{"type":"string"},
"quantity":{"type":"integer","minimum":1,"maximum":1000},"price":{"type":"number","minimum":0},
"kind":{"enum":["a","b","c"]},"tags":{"type":"array","items":{"type":"string"},"uniqueItems":true}}}}}"##;

fn main() {
    let items: Vec<String> = (0..26)
        .map(|i| format!(r#"{{"sku":"sku-{i}","quantity":{},"price":12.5,"kind":"b","tags":["x","y"]}}"#, i + 1))
        .collect();
    let body = format!(
        r#"{{"id":"0190b6a0-7c7c-7000-8000-000000000000","createdAt":"2026-01-01T00:00:00Z","note":null,
        "customer":{{"name":"Ada","email":"ada@example.com","zip":"12345"}},"items":[{}]}}"#,
        items.join(",")
    );
    let started = Instant::now();
    let schema = Schema::compile(SCHEMA, Options::default()).expect("a schema");
    println!("compiled in {:?}; a body of {} bytes:", started.elapsed(), body.len());
    let rounds = 20_000;
    let time = |what: &str, work: &dyn Fn() -> bool| {
        let best = (0..5)
            .map(|_| {
                let started = Instant::now();
                assert!((0..rounds).all(|_| black_box(work())));
                started.elapsed() / rounds
            })
            .min();
        println!("{what}: {:?}", best.unwrap_or_default());
    };
    let read = Json::parse(&body).expect("json");
    time("read", &|| Json::parse(&body).is_ok());
    time("check", &|| schema.fits(&read));
    time("read and check", &|| schema.fits(&Json::parse(&body).expect("json")));
}
