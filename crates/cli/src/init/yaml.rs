//! YAML events -> JSON values, with the core schema. Small on purpose: `init` only looks at a document. Bounds on
//! depth and size hold for aliases too, so a document can't grow while it is read.

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// Deepest nesting.
const MAX_DEPTH: usize = 200;
/// Most nodes, those that aliases repeat included.
const MAX_NODES: usize = 4_000_000;
/// Tag prefix of the core schema.
const CORE: &str = "tag:yaml.org,2002:";

/// The first document.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(..) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
            event => return reader.node(event, 0),
        }
    }
}

struct Reader<'a, I: granit_parser::BorrowedInput<'a>> {
    parser: Parser<'a, I>,
    /// By id, with the number of nodes.
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

impl<'a, I: granit_parser::BorrowedInput<'a>> Reader<'a, I> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(Event::StreamEnd),
        }
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(format!("it has more than {MAX_NODES} nodes")) } else { Ok(()) }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        let before = self.nodes;
        self.count(1)?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())),
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                (anchor, Value::Array(items))
            }
            Event::MappingStart(_, anchor, _) => (anchor, Value::Object(self.mapping(depth)?)),
            Event::Alias(id) => {
                let (value, nodes) = self.anchors.get(&id).cloned().ok_or("an alias has no anchor")?;
                self.count(nodes)?;
                (0, value)
            }
            _ => return Err("it ends in the middle".into()),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before));
            // The copy costs as much as the node.
            self.count(self.nodes - before)?;
        }
        Ok(value)
    }

    fn mapping(&mut self, depth: usize) -> Result<Map<String, Value>, String> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) if style == ScalarStyle::Plain && text == "<<" => {
                    let event = self.next()?;
                    merged.push(self.node(event, depth + 1)?);
                    continue;
                }
                // Keys are names, also when they look like numbers: `200:`.
                Event::Scalar(text, ..) => {
                    self.count(1)?;
                    text.into_owned()
                }
                event => self.node(event, depth + 1)?.to_string(),
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            map.insert(key, value);
        }
        for source in merged {
            let sources = match source {
                Value::Array(sources) => sources,
                other => vec![other],
            };
            for (key, value) in sources
                .into_iter()
                .filter_map(|s| if let Value::Object(map) = s { Some(map) } else { None })
                .flatten()
            {
                map.entry(key).or_insert(value);
            }
        }
        Ok(map)
    }
}

/// The core schema of YAML 1.2: only plain scalars are anything but text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|tag| {
        tag.to_string() == "!" || tag.to_string().ends_with("!str") || tag.to_string() == format!("{CORE}str")
    });
    if style != ScalarStyle::Plain || is_text {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = text.parse::<i64>() {
            return Some(number.into());
        }
        if let Ok(number) = text.parse::<u64>() {
            return Some(number.into());
        }
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_become_the_json_they_mean() {
        for (text, expected) in [
            ("a: 1\nb: [x, 'y', \"z\\n\"]\n", json!({"a": 1, "b": ["x", "y", "z\n"]})),
            ("200: ok\ntrue: 1\n", json!({"200": "ok", "true": 1})),
            (
                "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  k: 2\n  l: 3\n",
                json!({"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 2, "l": 3}}),
            ),
            (
                "a: 1.0\nb: 0x1F\nc: 1e3\nd: 1.2.3\ne: ~\nf: yes\ng: -5\n",
                json!({"a": 1.0, "b": 31, "c": 1000.0, "d": "1.2.3", "e": null, "f": "yes", "g": -5}),
            ),
            ("a: !!str 1\n", json!({"a": "1"})),
            ("t: |\n  two\n  lines\nu: >-\n  one\n  line\n", json!({"t": "two\nlines\n", "u": "one line"})),
            ("# nothing\n", Value::Null),
            ("--- a\n--- b\n", json!("a")),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_document_can_neither_explode_nor_overflow() {
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).is_err());
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(",")));
        }
        assert!(parse(&bomb).unwrap_err().contains("nodes"));
        for broken in ["a: [", "a: *nope", "\t- x: y: z", "{", "a: 'x"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
