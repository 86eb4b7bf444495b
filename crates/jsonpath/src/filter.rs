//! Filters of queries: logical expressions, comparisons, function calls, and their types (RFC 9535 §2.3.5, §2.4).

use crate::ast::{Comparison, Expr, Operand, Query};
use crate::parser::{Parser, PathError};
use crate::regexp::Pattern;
use serde_json::Value;

/// What stands at one side of a comparison, alone in a test, or as an argument, before its place gives it a type.
enum Primary {
    Literal(Value),
    Query(Query),
    /// `length`, `count`, `value`: has a value, so it must be compared.
    Value(Operand, &'static str),
    /// `match`, `search`: true or false, so it can't be compared.
    Logical(Expr, &'static str),
}

impl<'t> Parser<'t> {
    pub(super) fn logical_or(&mut self) -> Result<Expr, PathError> {
        self.nested(|parser| {
            let mut parts = vec![parser.logical_and()?];
            while parser.eat_after_blanks("||") {
                parser.skip_blanks();
                parts.push(parser.logical_and()?);
            }
            Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
        })
    }

    fn logical_and(&mut self) -> Result<Expr, PathError> {
        let mut parts = vec![self.basic()?];
        while self.eat_after_blanks("&&") {
            self.skip_blanks();
            parts.push(self.basic()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn basic(&mut self) -> Result<Expr, PathError> {
        if self.eat("!") {
            self.skip_blanks();
            let start = self.at;
            let inner = if self.peek() == Some('(') {
                self.parenthesised()?
            } else {
                let primary = self.primary()?;
                self.test(primary, start)?
            };
            return Ok(Expr::Not(Box::new(inner)));
        }
        if self.peek() == Some('(') {
            return self.parenthesised();
        }
        let start = self.at;
        let left = self.primary()?;
        let Some(comparison) = self.comparison() else { return self.test(left, start) };
        let left = self.operand(left, start)?;
        self.skip_blanks();
        let start = self.at;
        let right = self.primary()?;
        Ok(Expr::Compare(left, comparison, self.operand(right, start)?))
    }

    fn parenthesised(&mut self) -> Result<Expr, PathError> {
        let start = self.at;
        self.eat("(");
        self.skip_blanks();
        let inner = self.logical_or()?;
        if self.eat_after_blanks(")") {
            return Ok(inner);
        }
        self.skip_blanks();
        Err(match self.peek() {
            Some(_) => self.unexpected(),
            None => self.error_at(start, "the parenthesis is not closed"),
        })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        const ALL: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        ALL.iter().find(|(token, _)| self.eat_after_blanks(token)).map(|(_, comparison)| *comparison)
    }

    fn test(&self, primary: Primary, start: usize) -> Result<Expr, PathError> {
        match primary {
            Primary::Query(query) => Ok(Expr::Exists(query)),
            Primary::Logical(expr, _) => Ok(expr),
            Primary::Literal(_) => Err(self.error_at(start, "a literal must be compared with something")),
            Primary::Value(_, name) => {
                Err(self.error_at(start, format!("the result of {name}() must be compared with something")))
            }
        }
    }

    /// ValueType, at a side of a comparison or as an argument.
    fn operand(&self, primary: Primary, start: usize) -> Result<Operand, PathError> {
        match primary {
            Primary::Literal(value) => Ok(Operand::Literal(value)),
            Primary::Value(operand, _) => Ok(operand),
            Primary::Query(query) if query.is_singular() => Ok(Operand::Query(query)),
            Primary::Query(_) => {
                Err(self.error_at(start, "a query that may select several nodes has no one value"))
            }
            Primary::Logical(_, name) => {
                Err(self.error_at(start, format!("{name}() is true or false, not a value")))
            }
        }
    }

    /// NodesType, as an argument.
    fn nodes(&self, primary: Primary, start: usize) -> Result<Query, PathError> {
        match primary {
            Primary::Query(query) => Ok(query),
            _ => Err(self.error_at(start, "a query is expected here")),
        }
    }

    fn primary(&mut self) -> Result<Primary, PathError> {
        match self.peek() {
            Some(root @ ('@' | '$')) => {
                self.bump();
                Ok(Primary::Query(Query { absolute: root == '$', segments: self.segments()? }))
            }
            Some('\'' | '"') => Ok(Primary::Literal(Value::String(self.string()?))),
            Some('-' | '0'..='9') => Ok(Primary::Literal(self.number()?)),
            Some('a'..='z') => self.word(),
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self) -> Result<Primary, PathError> {
        let start = self.at;
        while matches!(self.peek(), Some('a'..='z' | '0'..='9' | '_')) {
            self.bump();
        }
        let word: &'t str = &self.text[start..self.at];
        if self.peek() == Some('(') {
            return self.nested(|parser| parser.call(word, start));
        }
        match word {
            "true" => Ok(Primary::Literal(Value::Bool(true))),
            "false" => Ok(Primary::Literal(Value::Bool(false))),
            "null" => Ok(Primary::Literal(Value::Null)),
            _ => Err(self.error_at(start, format!("`{word}` means nothing here; texts are quoted"))),
        }
    }

    fn call(&mut self, name: &str, start: usize) -> Result<Primary, PathError> {
        let mut arguments = self.arguments()?.into_iter();
        let missing = self.error_at(start, format!("{name}() needs an argument more"));
        let mut next = || arguments.next().ok_or_else(|| missing.clone());
        let primary = match name {
            "length" => {
                let (argument, at) = next()?;
                Primary::Value(Operand::Length(Box::new(self.operand(argument, at)?)), "length")
            }
            "count" => {
                let (argument, at) = next()?;
                Primary::Value(Operand::Count(self.nodes(argument, at)?), "count")
            }
            "value" => {
                let (argument, at) = next()?;
                Primary::Value(Operand::ValueOf(self.nodes(argument, at)?), "value")
            }
            "match" | "search" => {
                let (subject, subject_at) = next()?;
                let (pattern, pattern_at) = next()?;
                let whole = name == "match";
                let subject = self.operand(subject, subject_at)?;
                let (pattern, remark) = Pattern::new(self.operand(pattern, pattern_at)?, whole);
                self.remarks.extend(remark);
                let name = if whole { "match" } else { "search" };
                Primary::Logical(Expr::Matches { subject, pattern }, name)
            }
            _ => {
                let known = "length(), count(), value(), match() and search()";
                return Err(self.error_at(start, format!("there is no function {name}(); there are {known}")));
            }
        };
        match arguments.next() {
            Some((_, at)) => Err(self.error_at(at, format!("this is one argument too many for {name}()"))),
            None => Ok(primary),
        }
    }

    fn arguments(&mut self) -> Result<Vec<(Primary, usize)>, PathError> {
        let start = self.at;
        self.eat("(");
        let mut arguments = Vec::new();
        self.skip_blanks();
        if self.eat(")") {
            return Ok(arguments);
        }
        loop {
            self.skip_blanks();
            let at = self.at;
            arguments.push((self.primary()?, at));
            self.skip_blanks();
            if self.eat(")") {
                return Ok(arguments);
            }
            if !self.eat(",") {
                return Err(match self.peek() {
                    Some(_) => self.error("`,` or `)` is expected"),
                    None => self.error_at(start, "the parenthesis is not closed"),
                });
            }
        }
    }
}
