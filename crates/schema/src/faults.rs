//! What is wrong with a value, in words for people. The value itself never appears.

use crate::Schema;
use crate::check::{Budget, Path, Report, Step};
use crate::json::Json;
use std::fmt;

/// Faults that are told of one value.
pub(crate) const MAX_FAULTS: usize = 50;
/// Choices, members and characters of a pattern that a message lists.
const MAX_LISTED: usize = 10;
const MAX_SHOWN: usize = 120;

/// One fault of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer into the value; empty for the value itself.
    pub pointer: String,
    /// What was expected: `a whole number`, `at least 1`.
    pub expected: String,
    /// Something that has to be there is not.
    pub is_missing: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        match self.is_missing {
            true => write!(f, "is required"),
            false => write!(f, "expected {}", self.expected),
        }
    }
}

impl Schema {
    /// Everything that is wrong with the value, at most `MAX_FAULTS`; nothing when it fits.
    pub fn faults(&self, value: &Json<'_>) -> Vec<Fault> {
        self.faults_at(0, value)
    }

    pub(crate) fn faults_at(&self, node: u32, value: &Json<'_>) -> Vec<Fault> {
        if self.fits_at(node, value) {
            return Vec::new();
        }
        let mut report = Collect(Vec::new());
        self.check(node, value, &Path::ROOT, &mut Budget::of(value), &mut report);
        if report.0.is_empty() {
            // The budget was spent before a fault was found.
            report.0.push(Fault {
                pointer: String::new(),
                expected: "a value that is simple enough to be checked".into(),
                is_missing: false,
            });
        }
        report.0
    }
}

/// Gathers the faults.
struct Collect(Vec<Fault>);

impl Report for Collect {
    const COLLECTS: bool = true;

    fn fault(&mut self, at: &Path<'_>, expected: impl FnOnce() -> String) {
        if self.0.len() < MAX_FAULTS {
            let fault = Fault { pointer: pointer(at), expected: expected(), is_missing: false };
            if !self.0.contains(&fault) {
                self.0.push(fault);
            }
        }
    }

    fn missing(&mut self, at: &Path<'_>, name: &str) {
        if self.0.len() < MAX_FAULTS {
            let at = Path { parent: Some(at), step: Step::Member(name) };
            let fault = Fault { pointer: pointer(&at), expected: "a value".into(), is_missing: true };
            if !self.0.contains(&fault) {
                self.0.push(fault);
            }
        }
    }
}

fn pointer(at: &Path<'_>) -> String {
    let mut steps = Vec::new();
    let mut path = Some(at);
    while let Some(Path { parent, step }) = path {
        match step {
            Step::Root => {}
            Step::Member(name) => steps.push(shortened(&name.replace('~', "~0").replace('/', "~1"))),
            Step::Item(index) => steps.push(index.to_string()),
        }
        path = *parent;
    }
    steps.iter().rev().fold(String::new(), |all, step| all + "/" + step)
}

/// `one of: a, b, c`
pub(crate) fn choices(choices: &[Json<'_>]) -> String {
    if let [only] = choices {
        return shown(only);
    }
    let listed: Vec<String> = choices.iter().take(MAX_LISTED).map(shown).collect();
    let more = if choices.len() > MAX_LISTED { ", …" } else { "" };
    format!("one of: {}{more}", listed.join(", "))
}

/// Names between commas.
pub(crate) fn names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = if names.len() > MAX_LISTED { ", …" } else { "" };
    let listed: Vec<String> = names.take(MAX_LISTED).map(|name| format!("`{}`", shortened(name))).collect();
    format!("{}{more}", listed.join(", "))
}

/// A value of the description.
fn shown(value: &Json<'_>) -> String {
    match value {
        Json::Null => "null".into(),
        Json::Bool(bool) => bool.to_string(),
        Json::Number(number) => number.to_string(),
        Json::Text(text) if text.is_empty() => "an empty text".into(),
        Json::Text(text) => shortened(text),
        Json::List(_) => "a certain list".into(),
        Json::Object(_) => "a certain object".into(),
    }
}

/// A text of the description, bounded and on one line.
pub(crate) fn shortened(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '?' } else { c };
    let mut short: String = text.chars().take(MAX_SHOWN).map(plain).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        short.push('…');
    }
    short
}
