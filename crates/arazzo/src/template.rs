//! Values with holes: constants, runtime expressions, texts with embedded expressions, selectors, and lists and objects
//! of these (Arazzo 1.1 "Parameter Object", "Request Body Object"). Not for filling them; that is `evaluate`.

use crate::diagnostic::{Report, code, quoted};
use crate::expression::{Expression, looks_like_one};
use crate::limits::MAX_TEMPLATE_VALUES;
use crate::selector::{self, Selector};
use crate::version::Version;
use serde_json::Value;

/// A value that is known when a workflow runs.
#[derive(Debug, Clone)]
pub enum Template {
    /// A constant.
    Literal(Value),
    /// What an expression refers to, its type kept.
    Expression(Expression),
    /// A text with expressions in it.
    Text(Text),
    /// What a selector finds.
    Selector(Box<Selector>),
    /// A list, at least one item of which is no constant.
    List(Vec<Template>),
    /// An object, at least one member of which is no constant.
    Object(Vec<(String, Template)>),
}

/// A text with embedded expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// In order.
    pub pieces: Vec<Piece>,
}

/// Part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Literal(String),
    /// `{$…}`
    Expression(Expression),
}

impl Text {
    /// The one expression that the text is, with braces and nothing beside it.
    pub fn only(&self) -> Option<&Expression> {
        match self.pieces.as_slice() {
            [Piece::Expression(expression)] => Some(expression),
            _ => None,
        }
    }

    /// True when it has no expression.
    pub fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }
}

/// Reads a text with `{$…}` in it. What is in braces and begins like no expression is text.
pub(crate) fn text(text: &str, pointer: &str, report: &mut Report) -> Text {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{$") {
        literal.push_str(&rest[..at]);
        let inner = &rest[at + 1..];
        let end = inner.find(['{', '}']).filter(|end| inner[*end..].starts_with('}'));
        let found = end.map(|end| &inner[..end]).filter(|inner| looks_like_one(inner));
        let Some(found) = found else {
            literal.push_str("{$");
            rest = &rest[at + 2..];
            continue;
        };
        rest = &inner[found.len() + 1..];
        match expression(found, pointer, report) {
            Some(expression) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Expression(expression));
            }
            None => literal.push_str(found),
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Text { pieces }
}

/// An expression, or an error in the report.
pub(crate) fn expression(text: &str, pointer: &str, report: &mut Report) -> Option<Expression> {
    Expression::parse(text)
        .map_err(|error| {
            let message = format!("{} is no runtime expression: {error}", quoted(text));
            report.error(
                code::EXPRESSION,
                pointer,
                message,
                "see \"Runtime Expressions\" of the Arazzo specification",
            );
        })
        .ok()
}

/// What reading values needs to know.
pub(crate) struct Values<'r> {
    pub(crate) version: Version,
    pub(crate) report: &'r mut Report,
    left: usize,
    /// The bound was met, and that was said.
    is_full: bool,
}

impl<'r> Values<'r> {
    pub(crate) fn new(version: Version, report: &'r mut Report) -> Self {
        Self { version, report, left: MAX_TEMPLATE_VALUES, is_full: false }
    }

    /// Reads an output. Examples of the specification have ones that are no expressions, and nothing is sent anywhere
    /// because of that: such an output is null.
    pub(crate) fn output(&mut self, text: &str, pointer: &str) -> Template {
        if looks_like_one(text)
            && let Err(error) = Expression::parse(text)
        {
            let message = format!("{} is no runtime expression: {error}", quoted(text));
            self.report.warning(code::EXPRESSION, pointer, message, "the output will be null; correct it");
            return Template::Literal(Value::Null);
        }
        let template = self.text(text, pointer);
        if let Template::Literal(_) = template {
            let message = format!("the output is the constant {}, not a runtime expression", quoted(text));
            self.report.warning(code::FIELD, pointer, message, "write $response.body#/…");
        }
        template
    }

    /// Reads a value.
    pub(crate) fn read(&mut self, value: &Value, pointer: &str) -> Template {
        let Some(left) = self.left.checked_sub(1) else {
            if !std::mem::replace(&mut self.is_full, true) {
                let message = format!("there are more than {MAX_TEMPLATE_VALUES} values here");
                self.report.error(code::LIMIT, pointer, message, "send less in one step");
            }
            return Template::Literal(Value::Null);
        };
        self.left = left;
        match value {
            Value::String(text) => self.text(text, pointer),
            Value::Array(items) => {
                let items: Vec<Template> =
                    items.iter().enumerate().map(|(i, item)| self.read(item, &format!("{pointer}/{i}"))).collect();
                match items.iter().all(|item| matches!(item, Template::Literal(_))) {
                    true => Template::Literal(value.clone()),
                    false => Template::List(items),
                }
            }
            Value::Object(members) if self.version >= Version::V1_1 && selector::looks_like_one(members) => {
                let selector = selector::read(members, pointer, self.report);
                selector.map_or(Template::Literal(Value::Null), |selector| Template::Selector(Box::new(selector)))
            }
            Value::Object(members) => {
                let read = |(name, value): (&String, &Value)| {
                    (name.clone(), self.read(value, &crate::reader::below(pointer, name)))
                };
                let members: Vec<(String, Template)> = members.iter().map(read).collect();
                match members.iter().all(|(_, member)| matches!(member, Template::Literal(_))) {
                    true => Template::Literal(value.clone()),
                    false => Template::Object(members),
                }
            }
            other => Template::Literal(other.clone()),
        }
    }

    fn text(&mut self, value: &str, pointer: &str) -> Template {
        if looks_like_one(value) {
            return match expression(value, pointer, self.report) {
                Some(expression) => Template::Expression(expression),
                None => Template::Literal(Value::Null),
            };
        }
        let text = text(value, pointer, self.report);
        if text.is_literal() { Template::Literal(Value::String(value.to_owned())) } else { Template::Text(text) }
    }
}

impl Template {
    /// The value as the document has it, expressions and all.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Expression(expression) => Value::String(expression.as_str().to_owned()),
            Self::Text(text) => Value::String(text.to_string()),
            Self::Selector(selector) => {
                serde_json::json!({"context": selector.context.as_str(), "selector": selector.text})
            }
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), member.to_value())).collect()
            }
        }
    }

    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all = Vec::new();
        self.collect(&mut all);
        all
    }

    fn collect<'a>(&'a self, all: &mut Vec<&'a Expression>) {
        match self {
            Self::Literal(_) => {}
            Self::Expression(expression) => all.push(expression),
            Self::Text(text) => all.extend(text.expressions()),
            Self::Selector(selector) => all.push(&selector.context),
            Self::List(items) => items.iter().for_each(|item| item.collect(all)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.collect(all)),
        }
    }
}

/// As the document has it.
impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            Piece::Expression(expression) => write!(f, "{{{expression}}}"),
        })
    }
}

impl Text {
    /// Every expression in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Expression(expression) => Some(expression),
            Piece::Literal(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(template: &Template) -> String {
        match template {
            Template::Literal(value) => value.to_string(),
            Template::Expression(expression) => format!("<{expression}>"),
            Template::Text(text) => {
                let piece = |piece: &Piece| match piece {
                    Piece::Literal(text) => text.clone(),
                    Piece::Expression(expression) => format!("<{expression}>"),
                };
                format!("'{}'", text.pieces.iter().map(piece).collect::<String>())
            }
            Template::Selector(selector) => format!("<{} of {}>", selector.text, selector.context),
            Template::List(items) => format!("{:?}", items.iter().map(shown).collect::<Vec<_>>()),
            Template::Object(members) => {
                format!("{:?}", members.iter().map(|(k, v)| format!("{k}={}", shown(v))).collect::<Vec<_>>())
            }
        }
    }

    #[test]
    fn values_are_constants_expressions_texts_and_what_is_made_of_them() {
        let selector = json!({"context": "$inputs.a", "selector": "$.id", "type": "jsonpath"});
        for (value, expected, errors) in [
            (json!(1), "1", 0),
            (json!("plain {x} $5"), "\"plain {x} $5\"", 0),
            (json!("$inputs.a"), "<$inputs.a>", 0),
            (json!("{$inputs.a}"), "'<$inputs.a>'", 0),
            (json!("a={$inputs.a}&b={$steps.x.outputs.y#/0}!"), "'a=<$inputs.a>&b=<$steps.x.outputs.y#/0>!'", 0),
            (json!("{\"a\":\"{$inputs.a}\"}"), "'{\"a\":\"<$inputs.a>\"}'", 0),
            (json!("{$inputs.a"), "\"{$inputs.a\"", 0),
            (json!("{$a{$inputs.b}}"), "'{$a<$inputs.b>}'", 0),
            (json!("{$money}"), "\"{$money}\"", 0),
            (json!("$5.00"), "\"$5.00\"", 0),
            (json!("$inputs."), "null", 1),
            (json!("x{$steps.a}"), "\"x{$steps.a}\"", 1),
            (json!([1, ["a"]]), "[1,[\"a\"]]", 0),
            (json!([1, "$inputs.a"]), "[\"1\", \"<$inputs.a>\"]", 0),
            (json!({"a": {"b": "$inputs.a"}}), "[\"a=[\\\"b=<$inputs.a>\\\"]\"]", 0),
            (selector.clone(), "<$.id of $inputs.a>", 0),
        ] {
            let mut report = Report::default();
            let template = Values::new(Version::V1_1, &mut report).read(&value, "/x");
            assert_eq!(report.errors(), errors, "{value}");
            assert_eq!(shown(&template), expected, "{value}");
        }
        let mut report = Report::default();
        let template = Values::new(Version::V1_0, &mut report).read(&selector, "/x");
        assert!(matches!(template, Template::Object(_)), "selectors are new in 1.1");
    }

    #[test]
    fn a_value_of_too_many_parts_is_one_error() {
        let mut report = Report::default();
        Values::new(Version::V1_1, &mut report).read(&json!(vec![1; MAX_TEMPLATE_VALUES + 10]), "/x");
        assert_eq!(report.errors(), 1);
    }
}
