//! Criteria: what must hold for a step to be a success, or for an action to be taken (Arazzo 1.1 "Criterion Object").
//! A condition that can't be read is a warning and fails whenever it is asked, as the specification has it.

use crate::condition::{self, Condition};
use crate::diagnostic::{Report, code, quoted};
use crate::expression::Expression;
use crate::limits::MAX_REGEX_BYTES;
use crate::reader::Members;
use crate::selector::{self, Language};
use crate::template::{self, Text};
use open_cli_jsonpath::JsonPath;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// Largest compiled regular expression, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// One assertion.
#[derive(Debug, Clone)]
pub struct Criterion {
    /// What it is about; simple conditions need none.
    pub context: Option<Expression>,
    /// As it was written.
    pub text: String,
    /// What must hold.
    pub test: Test,
}

/// What must hold.
#[derive(Debug, Clone)]
pub enum Test {
    /// A simple condition.
    Simple(Box<Condition>),
    /// The context matches somewhere.
    Regex(Regex),
    /// The query finds something in the context.
    Path(Box<JsonPath>),
    /// The same over a list whose only item is the context: a bare filter such as `$.status == 'done'`.
    Filter(Box<JsonPath>),
    /// A condition with expressions in it, read when they are known.
    Late(Language, Text),
    /// It can't be evaluated, and so it fails; the text says why.
    Never(String),
}

/// Reads a list of criteria.
pub(crate) fn list(members: &Members<'_>, name: &str, report: &mut Report) -> Vec<Criterion> {
    let items = members.list(name, report);
    items.iter().filter_map(|(item, pointer)| criterion(item, pointer, report)).collect()
}

fn criterion(item: &Value, pointer: &str, report: &mut Report) -> Option<Criterion> {
    let members = Members::of(item, pointer, "the criterion", report)?;
    members.check_known(&["context", "condition", "type"], report);
    let text = members.required_text("condition", report)?.to_owned();
    let context = match members.text("context", report) {
        Some(context) => Some(template::expression(context, &members.below("context"), report)?),
        None => None,
    };
    let language = match members.get("type") {
        Some(kind) => {
            let allowed = ["simple", "regex", "jsonpath", "xpath"];
            selector::language(kind, &allowed, &members.below("type"), report)?
        }
        None => Language::Simple,
    };
    if context.is_none() && language != Language::Simple {
        let message = format!("the criterion {} has a type and no \"context\"", quoted(&text));
        report.error(code::FIELD, pointer, message, "name what it is about, such as context: $response.body");
        return None;
    }
    let at = members.below("condition");
    let test = match language {
        Language::Simple => match condition::parse(&text) {
            Ok(parsed) => {
                for remark in parsed.remarks {
                    report.note(code::CRITERION_ODD, &at, format!("{}: {remark}", quoted(&text)), "");
                }
                Test::Simple(Box::new(parsed.condition))
            }
            Err(reason) => Test::Never(format!("{} is no condition: {reason}", quoted(&text))),
        },
        language => {
            let with_holes = template::text(&text, &at, report);
            if with_holes.is_literal() { compiled(language, &text) } else { Test::Late(language, with_holes) }
        }
    };
    match &test {
        Test::Never(reason) => {
            report.warning(code::CRITERION, &at, reason.clone(), "the criterion always fails; correct it");
        }
        Test::Filter(_) => {
            let message = format!("{} is a filter and no JSONPath query", quoted(&text));
            report.note(code::CRITERION_ODD, &at, message, "other tools may refuse it; write $[?@.name == …]");
        }
        _ => {}
    }
    Some(Criterion { context, text, test })
}

/// A condition of another language than the simple one, its expressions filled in.
pub(crate) fn compiled(language: Language, text: &str) -> Test {
    match language {
        Language::Regex if text.len() > MAX_REGEX_BYTES => {
            Test::Never(format!("the regular expression is longer than {MAX_REGEX_BYTES} bytes"))
        }
        Language::Regex => {
            match RegexBuilder::new(text).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build() {
                Ok(regex) => Test::Regex(regex),
                Err(error) => {
                    Test::Never(format!("{} is no regular expression: {}", quoted(text), first_line(&error)))
                }
            }
        }
        Language::JsonPath => match JsonPath::parse_with_loose_names(text) {
            Ok(path) => Test::Path(Box::new(path)),
            Err(error) => match JsonPath::parse_with_loose_names(&as_filter(text)) {
                Ok(path) => Test::Filter(Box::new(path)),
                Err(_) => Test::Never(format!("{} is no JSONPath (RFC 9535): {error}", quoted(text))),
            },
        },
        Language::XPath => Test::Never(format!("{} is an XPath, which this program can't evaluate", quoted(text))),
        Language::Simple | Language::JsonPointer => Test::Never(format!("{} is no condition", quoted(text))),
    }
}

/// `$.a == 'b'` as `$[?@.a == 'b']`, to be applied to a list of the context alone.
fn as_filter(text: &str) -> String {
    let mut out = String::from("$[?");
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            _ => {}
        }
        out.push(if quote.is_none() && c == '$' { '@' } else { c });
    }
    out.push(']');
    out
}

fn first_line(error: &regex::Error) -> String {
    let text = error.to_string();
    // The message draws a picture first and explains itself in its last line.
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}

impl Criterion {
    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all: Vec<&Expression> = self.context.iter().collect();
        match &self.test {
            Test::Simple(condition) => all.extend(condition.expressions()),
            Test::Late(_, text) => all.extend(text.expressions()),
            _ => {}
        }
        all
    }
}
