//! What filters decide: logic, comparisons and functions (RFC 9535 §2.3.5.2, §2.4). Not for their syntax.

use crate::ast::{Comparison, Expr, Operand};
use crate::eval::{Stop, Walker};
use crate::regexp::{self, Pattern};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What compiling a pattern of the document costs, in steps.
const COMPILE_STEPS: u64 = 20_000;
/// Bytes of text that are searched in the time of one step.
const BYTES_PER_STEP: u64 = 8;
/// Most patterns of the document that are kept compiled.
const MAX_PATTERNS: usize = 64;

impl<'a> Walker<'_, 'a> {
    pub(super) fn test(&mut self, expr: &Expr, current: &'a Value) -> Result<bool, Stop> {
        self.nested(|walker| match expr {
            Expr::Or(parts) => {
                for part in parts {
                    if walker.test(part, current)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::And(parts) => {
                for part in parts {
                    if !walker.test(part, current)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expr::Not(inner) => Ok(!walker.test(inner, current)?),
            Expr::Exists(query) if query.is_singular() => Ok(walker.single(query, current)?.is_some()),
            Expr::Exists(query) => match walker.visit(query, current, &mut |_| Err(Stop::Found)) {
                Ok(()) => Ok(false),
                Err(Stop::Found) => Ok(true),
                Err(error) => Err(error),
            },
            Expr::Compare(left, comparison, right) => {
                let left = walker.operand(left, current)?;
                let right = walker.operand(right, current)?;
                walker.compare(left.as_deref(), *comparison, right.as_deref())
            }
            Expr::Matches { subject, pattern } => {
                let subject = walker.operand(subject, current)?;
                let Some(text) = subject.as_deref().and_then(Value::as_str) else { return Ok(false) };
                walker.matches(text, pattern, current)
            }
        })
    }

    fn operand<'v>(&mut self, operand: &'v Operand, current: &'a Value) -> Result<Option<Cow<'v, Value>>, Stop>
    where
        'a: 'v,
    {
        Ok(match operand {
            Operand::Literal(value) => Some(Cow::Borrowed(value)),
            Operand::Query(query) => self.single(query, current)?.map(Cow::Borrowed),
            Operand::Length(inner) => {
                let value = self.nested(|walker| walker.operand(inner, current))?;
                let length = match value.as_deref() {
                    Some(Value::String(text)) => {
                        self.budget.charge(text.len() as u64 / BYTES_PER_STEP)?;
                        Some(text.chars().count())
                    }
                    Some(Value::Array(elements)) => Some(elements.len()),
                    Some(Value::Object(members)) => Some(members.len()),
                    _ => None,
                };
                length.map(|length| Cow::Owned(Value::from(length)))
            }
            Operand::Count(query) => {
                let mut count = 0_u64;
                self.visit(query, current, &mut |_| {
                    count += 1;
                    Ok(())
                })?;
                Some(Cow::Owned(Value::from(count)))
            }
            Operand::ValueOf(query) => {
                let (mut found, mut several) = (None, false);
                let end = self.visit(query, current, &mut |value| {
                    several = found.is_some();
                    found = Some(value);
                    if several { Err(Stop::Found) } else { Ok(()) }
                });
                if let Err(error @ Stop::Error(_)) = end {
                    return Err(error);
                }
                found.filter(|_| !several).map(Cow::Borrowed)
            }
        })
    }

    fn matches(&mut self, text: &str, pattern: &Pattern, current: &'a Value) -> Result<bool, Stop> {
        self.budget.charge(1 + text.len() as u64 / BYTES_PER_STEP)?;
        let (operand, whole) = match pattern {
            Pattern::Fixed(regex) => return Ok(regex.as_ref().is_some_and(|regex| regex.is_match(text))),
            Pattern::Computed { operand, whole } => (operand, *whole),
        };
        let value = self.operand(operand, current)?;
        let Some(pattern) = value.as_deref().and_then(Value::as_str) else { return Ok(false) };
        let key = (pattern.to_owned(), whole);
        if !self.patterns.contains_key(&key) {
            self.budget.charge(COMPILE_STEPS)?;
            if self.patterns.len() >= MAX_PATTERNS {
                self.patterns.clear();
            }
            self.patterns.insert(key.clone(), regexp::compile(pattern, whole).ok());
        }
        Ok(self.patterns.get(&key).and_then(Option::as_ref).is_some_and(|regex| regex.is_match(text)))
    }

    /// §2.3.5.2.2; `None` is Nothing, the result of a query without nodes.
    fn compare(&mut self, left: Option<&Value>, how: Comparison, right: Option<&Value>) -> Result<bool, Stop> {
        Ok(match how {
            Comparison::Equal => self.equal(left, right)?,
            Comparison::NotEqual => !self.equal(left, right)?,
            Comparison::Less => less(left, right),
            Comparison::Greater => less(right, left),
            Comparison::LessOrEqual => less(left, right) || self.equal(left, right)?,
            Comparison::GreaterOrEqual => less(right, left) || self.equal(left, right)?,
        })
    }

    fn equal(&mut self, left: Option<&Value>, right: Option<&Value>) -> Result<bool, Stop> {
        match (left, right) {
            (None, None) => Ok(true),
            (Some(left), Some(right)) => self.same(left, right),
            _ => Ok(false),
        }
    }

    fn same(&mut self, left: &Value, right: &Value) -> Result<bool, Stop> {
        self.budget.charge(1)?;
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => Ok(order(left, right) == Some(Ordering::Equal)),
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => self.nested(|walker| {
                for (left, right) in left.iter().zip(right) {
                    if !walker.same(left, right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }),
            (Value::Object(left), Value::Object(right)) if left.len() == right.len() => self.nested(|walker| {
                for (name, left) in left {
                    match right.get(name) {
                        Some(right) if walker.same(left, right)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }),
            (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => Ok(false),
            _ => Ok(left == right),
        }
    }
}

fn less(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => order(left, right) == Some(Ordering::Less),
        // The bytes of UTF-8 sort like the characters they stand for.
        (Some(Value::String(left)), Some(Value::String(right))) => left < right,
        _ => false,
    }
}

/// By what the numbers are, not by how they are written: `1`, `1.0` and `1e0` are equal.
fn order(left: &Number, right: &Number) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}
