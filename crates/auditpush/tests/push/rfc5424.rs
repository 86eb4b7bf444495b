//! A strict reader of RFC 5424 §6, written from its grammar and not from what we send.

use std::collections::BTreeMap;

/// A message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) facility: u8,
    pub(crate) severity: u8,
    pub(crate) hostname: String,
    pub(crate) app_name: String,
    pub(crate) process: String,
    pub(crate) id: String,
    pub(crate) data: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) text: String,
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn literal(&mut self, text: &str) {
        self.0 = self.0.strip_prefix(text).unwrap_or_else(|| panic!("{text:?} is missing before {:?}", self.0));
    }

    fn until(&mut self, end: char) -> &'a str {
        let (found, rest) = self.0.split_once(end).unwrap_or_else(|| panic!("no {end:?} in {:?}", self.0));
        self.0 = rest;
        found
    }

    /// `NILVALUE / 1*nPRINTUSASCII`.
    fn word(&mut self, most: usize) -> String {
        let word = self.until(' ');
        assert!(!word.is_empty() && word.len() <= most, "{word:?}");
        assert!(word.bytes().all(|byte| (33..=126).contains(&byte)), "{word:?}");
        word.to_owned()
    }

    /// `SD-NAME`.
    fn name(&mut self, end: impl Fn(char) -> bool) -> String {
        let at = self.0.find(end).expect("the end of a name");
        let (name, rest) = self.0.split_at(at);
        assert!((1..=32).contains(&name.len()), "{name:?}");
        assert!(name.bytes().all(|byte| (33..=126).contains(&byte) && !b"= ]\"".contains(&byte)), "{name:?}");
        self.0 = rest;
        name.to_owned()
    }

    fn value(&mut self) -> String {
        let (mut value, mut characters) = (String::new(), self.0.char_indices());
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return value;
                }
                '\\' => {
                    let (_, escaped) = characters.next().expect("something escaped");
                    assert!("\"\\]".contains(escaped), "\\{escaped}");
                    value.push(escaped);
                }
                ']' => panic!("an unescaped ]"),
                character => value.push(character),
            }
        }
        panic!("a value without an end");
    }
}

/// Reads a message or panics.
pub(crate) fn parse(text: &str) -> Message {
    let mut reader = Reader(text);
    reader.literal("<");
    let priority = reader.until('>');
    assert!(priority == "0" || !priority.starts_with('0'), "{priority}");
    let priority: u8 = priority.parse().expect("PRIVAL");
    assert!(priority <= 191);
    reader.literal("1 ");
    let time = reader.until(' ');
    assert!(time.contains('T') && time.ends_with('Z'), "{time}");
    time.parse::<open_cli_contract::Timestamp>().expect("RFC 3339");
    let fraction = time.trim_end_matches('Z').split_once('.').map_or("", |(_, fraction)| fraction);
    assert!((1..=6).contains(&fraction.len()) && !time.contains(":60"), "{time}");
    let (hostname, app_name, process, id) = (reader.word(255), reader.word(48), reader.word(128), reader.word(32));
    let mut data = BTreeMap::new();
    if reader.0.starts_with('-') {
        reader.literal("-");
    } else {
        while reader.0.starts_with('[') {
            reader.literal("[");
            let element = reader.name(|character| character == ' ' || character == ']');
            let (_, number) = element.split_once('@').expect("a private name has an enterprise number");
            assert!(number.bytes().all(|byte| byte.is_ascii_digit()), "{element}");
            let mut parameters = BTreeMap::new();
            while reader.0.starts_with(' ') {
                reader.literal(" ");
                let name = reader.name(|character| character == '=');
                reader.literal("=\"");
                parameters.insert(name, reader.value());
            }
            reader.literal("]");
            assert!(data.insert(element, parameters).is_none(), "an element twice");
        }
    }
    if !reader.0.is_empty() {
        reader.literal(" ");
    }
    let text = reader.0.to_owned();
    Message { facility: priority / 8, severity: priority % 8, hostname, app_name, process, id, data, text }
}
