//! Simple conditions (Arazzo 1.1 "Criterion Object"): literals, runtime expressions, comparisons, `!`, `&&`, `||` and
//! parentheses. Beyond the specification, because documents have it: texts in double quotes, words without quotes
//! (`$response.header.Content-Type == application/json`), and expressions in braces. Not for evaluating.

use crate::expression::{Expression, ExpressionError};
use crate::limits::{MAX_CONDITION_BYTES, MAX_CONDITION_NESTING};
use serde_json::{Number, Value};

/// What a condition says.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// One of them holds.
    Or(Vec<Condition>),
    /// All of them hold.
    And(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison.
    Compare(Operand, Comparison, Operand),
    /// A value that is neither false nor null.
    Holds(Operand),
}

/// Something that is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A constant.
    Literal(Value),
    /// What an expression refers to.
    Expression(Expression),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

const COMPARISONS: &[(&str, Comparison)] = &[
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// A condition that was read, and what is odd about it.
pub(crate) struct Parsed {
    pub(crate) condition: Condition,
    pub(crate) remarks: Vec<&'static str>,
}

/// Reads a condition.
pub(crate) fn parse(text: &str) -> Result<Parsed, String> {
    if text.len() > MAX_CONDITION_BYTES {
        return Err(format!("it is longer than {MAX_CONDITION_BYTES} bytes"));
    }
    let mut parser = Parser { rest: text, nesting: 0, remarks: Vec::new() };
    let condition = parser.or()?;
    parser.skip();
    if !parser.rest.is_empty() {
        return Err(format!("{} is not expected", parser.shown()));
    }
    Ok(Parsed { condition, remarks: parser.remarks })
}

struct Parser<'t> {
    rest: &'t str,
    nesting: usize,
    remarks: Vec<&'static str>,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn remark(&mut self, remark: &'static str) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn shown(&self) -> String {
        let text: String = self.rest.chars().take(20).collect();
        if text.is_empty() { "the end".into() } else { format!("`{text}`") }
    }

    fn or(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.and()?];
        while self.eat("||") {
            all.push(self.and()?);
        }
        Ok(single(all, Condition::Or))
    }

    fn and(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.not()?];
        while self.eat("&&") {
            all.push(self.not()?);
        }
        Ok(single(all, Condition::And))
    }

    fn not(&mut self) -> Result<Condition, String> {
        self.skip();
        if self.rest.starts_with('!') && !self.rest.starts_with("!=") {
            self.rest = &self.rest[1..];
            let inner = self.nested(Self::not)?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.rest.starts_with('(') {
            self.rest = &self.rest[1..];
            let inner = self.nested(Self::or)?;
            if !self.eat(")") {
                return Err("a parenthesis is not closed".into());
            }
            return Ok(inner);
        }
        let left = self.operand()?;
        self.skip();
        let Some((token, comparison)) = COMPARISONS.iter().find(|(token, _)| self.rest.starts_with(token)) else {
            if self.rest.starts_with('=') {
                return Err("`=` is no operator; write `==`".into());
            }
            return Ok(Condition::Holds(left));
        };
        self.rest = &self.rest[token.len()..];
        let right = self.operand()?;
        Ok(Condition::Compare(left, *comparison, right))
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Condition, String>) -> Result<Condition, String> {
        self.nesting += 1;
        if self.nesting > MAX_CONDITION_NESTING {
            return Err(format!("it nests deeper than {MAX_CONDITION_NESTING} levels"));
        }
        let result = read(self);
        self.nesting -= 1;
        result
    }

    fn operand(&mut self) -> Result<Operand, String> {
        self.skip();
        match self.rest.chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote).map(|text| Operand::Literal(Value::String(text))),
            Some('{') => self.braced(),
            Some('$') => {
                let word = self.word();
                // `$.a` is a JSONPath, and the message should say so.
                if word == "$" || word.starts_with("$.") || word.starts_with("$[") {
                    return Err(format!(
                        "`{word}` is a JSONPath; give the criterion type: jsonpath and a context"
                    ));
                }
                self.expression(&word)
            }
            Some(_) => self.bare(),
            None => Err("it ends where a value is expected".into()),
        }
    }

    fn expression(&mut self, word: &str) -> Result<Operand, String> {
        let read = Expression::parse(word);
        read.map(Operand::Expression).map_err(|ExpressionError(reason)| format!("`{word}`: {reason}"))
    }

    fn braced(&mut self) -> Result<Operand, String> {
        let Some((inner, rest)) = self.rest[1..].split_once('}') else {
            return Err("a brace is not closed".into());
        };
        self.rest = rest;
        let inner = inner.to_owned();
        self.remark("a simple condition needs no braces around its expressions");
        self.expression(&inner)
    }

    /// Texts stand in single quotes; a doubled quote is one.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        if quote == '"' {
            self.remark("texts stand in single quotes");
        }
        let mut text = String::new();
        let mut rest = self.rest[1..].chars();
        while let Some(c) = rest.next() {
            if c != quote {
                text.push(c);
            } else if rest.as_str().starts_with(quote) {
                rest.next();
                text.push(c);
            } else {
                self.rest = rest.as_str();
                return Ok(text);
            }
        }
        Err("a text is not closed".into())
    }

    /// Up to a blank, an operator or a parenthesis that was not opened.
    fn word(&mut self) -> String {
        let mut open = 0_usize;
        let mut end = self.rest.len();
        let mut quote = None;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                (Some(q), c) if c == q => quote = None,
                (Some(_), _) => continue,
                (None, '\'' | '"') if self.rest[..at].ends_with('[') => quote = Some(c),
                (None, '(') => open += 1,
                (None, ')') if open > 0 => open -= 1,
                (None, ')' | '<' | '>' | '=' | '!') => {
                    end = at;
                    break;
                }
                (None, '&' | '|') if self.rest[at + 1..].starts_with(c) => {
                    end = at;
                    break;
                }
                (None, c) if c.is_whitespace() => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let word = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        word
    }

    fn bare(&mut self) -> Result<Operand, String> {
        let word = self.word();
        if word.is_empty() {
            return Err(format!("{} stands where a value is expected", self.shown()));
        }
        let value = match word.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => match serde_json::from_str::<Number>(&word) {
                Ok(number) => Value::Number(number),
                Err(_) => {
                    self.remark("texts stand in single quotes");
                    Value::String(word)
                }
            },
        };
        Ok(Operand::Literal(value))
    }
}

fn single(mut all: Vec<Condition>, several: fn(Vec<Condition>) -> Condition) -> Condition {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        Some(last) => {
            all.push(last);
            several(all)
        }
        None => several(all),
    }
}

impl Condition {
    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Or(all) | Self::And(all) => all.iter().flat_map(Self::expressions).collect(),
            Self::Not(inner) => inner.expressions(),
            Self::Compare(left, _, right) => [left, right].into_iter().filter_map(Operand::expression).collect(),
            Self::Holds(operand) => operand.expression().into_iter().collect(),
        }
    }
}

impl Operand {
    fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Expression(expression) => Some(expression),
            Self::Literal(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(condition: &Condition) -> String {
        let operand = |operand: &Operand| match operand {
            Operand::Literal(value) => value.to_string(),
            Operand::Expression(expression) => expression.to_string(),
        };
        let joined =
            |all: &[Condition], with: &str| format!("({})", all.iter().map(shown).collect::<Vec<_>>().join(with));
        match condition {
            Condition::Or(all) => joined(all, " || "),
            Condition::And(all) => joined(all, " && "),
            Condition::Not(inner) => format!("!{}", shown(inner)),
            Condition::Compare(left, comparison, right) => {
                format!("{} {comparison:?} {}", operand(left), operand(right))
            }
            Condition::Holds(value) => operand(value),
        }
    }

    #[test]
    fn conditions_are_read_with_their_precedence() {
        for (text, expected) in [
            ("$statusCode == 200", "$statusCode Equal 200"),
            ("$statusCode==200", "$statusCode Equal 200"),
            (" $statusCode  >=  2e2 ", "$statusCode GreaterOrEqual 200.0"),
            ("$statusCode == 200 || $statusCode == 201", "($statusCode Equal 200 || $statusCode Equal 201)"),
            ("true && false || !null", "((true && false) || !null)"),
            ("true && (false || $inputs.a)", "(true && (false || $inputs.a))"),
            ("!($inputs.a != 'it''s')", "!$inputs.a NotEqual \"it's\""),
            ("$response.body#/a b == 1", "!"),
            ("$response.body#/0/id < -1.5", "$response.body#/0/id Less -1.5"),
            (
                "$response.body.items[0]['a b'].c <= $inputs.n",
                "$response.body.items[0]['a b'].c LessOrEqual $inputs.n",
            ),
            ("$response.body.status == \"success\"", "$response.body.status Equal \"success\""),
            (
                "$response.header.Content-Type == application/json",
                "$response.header.Content-Type Equal \"application/json\"",
            ),
            ("{$inputs.a} > 1", "$inputs.a Greater 1"),
            ("!!true", "!!true"),
            ("!$inputs.a", "!$inputs.a"),
            ("'' == 'a && b'", "\"\" Equal \"a && b\""),
        ] {
            match parse(text) {
                Ok(parsed) => assert_eq!(shown(&parsed.condition), expected, "{text}"),
                Err(error) => assert_eq!("!", expected, "{text}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "it ends where a value is expected"),
            ("$statusCode = 200", "`=` is no operator; write `==`"),
            ("$statusCode ==", "it ends where a value is expected"),
            ("$statusCode == == 200", "`== 200` stands where a value is expected"),
            ("($statusCode == 200", "a parenthesis is not closed"),
            ("$statusCode == 200)", "`)` is not expected"),
            ("$status == 200", "`$status`: it begins with none of"),
            ("$.a == 'b'", "`$.a` is a JSONPath; give the criterion type: jsonpath and a context"),
            ("'a", "a text is not closed"),
            ("{$inputs.a == 1", "a brace is not closed"),
            ("1 2", "`2` is not expected"),
            ("a < b < c", "`< c` is not expected"),
        ] {
            let error = parse(text).map(|parsed| shown(&parsed.condition)).expect_err(text);
            assert!(error.starts_with(reason), "{text}: {error}");
        }
        assert!(parse(&"(".repeat(5000)).is_err());
        assert!(parse(&"!".repeat(5000)).is_err());
        assert!(parse(&" ".repeat(MAX_CONDITION_BYTES + 1)).is_err());
    }

    #[test]
    fn oddities_are_remarked_on() {
        let remarks = |text: &str| parse(text).map(|parsed| parsed.remarks.len()).expect(text);
        assert_eq!(remarks("$statusCode == 200 && 'a' != null"), 0);
        assert_eq!(remarks("{$inputs.a} == b || c == \"d\""), 2);
    }
}
