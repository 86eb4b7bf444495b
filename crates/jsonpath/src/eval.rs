//! Evaluation of queries over a document (RFC 9535 §2.1.2), depth first: the results of one node are complete before
//! the next node is looked at, which is the order the RFC asks for. Filters are in `functions`.

use crate::ast::{Query, Segment, Selector};
use crate::location::{Location, LocationStep};
use crate::{MAX_MATCHES, MAX_RECURSION};
use regex::Regex;
use serde_json::Value;
use std::collections::HashMap;

/// Why a query was not evaluated to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The budget of steps is spent.
    #[error("it takes too much work; select less at a time, above all after `..`")]
    TooMuchWork,
    /// More nodes than [`MAX_MATCHES`].
    #[error("it selects more than {MAX_MATCHES} nodes; select less at a time")]
    TooManyMatches,
    /// Document and filters together are deeper than [`MAX_RECURSION`].
    #[error("document and filters nest deeper than {MAX_RECURSION} levels")]
    TooDeep,
}

/// How many nodes may still be looked at. One budget may serve several queries.
#[derive(Debug, Clone)]
pub struct Budget {
    left: u64,
}

impl Budget {
    /// A budget of this many steps; a step takes some ten nanoseconds.
    pub fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Takes steps for other work on the document; what is spent once stays spent.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn spend(&mut self, steps: u64) -> Result<(), QueryError> {
        let left = self.left.checked_sub(steps);
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(QueryError::TooMuchWork)
    }

    pub(super) fn charge(&mut self, steps: u64) -> Result<(), Stop> {
        self.spend(steps).map_err(Stop::Error)
    }
}

/// A selected node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    /// Where it is.
    pub location: Location,
    /// What it is.
    pub value: &'a Value,
}

/// Why a walk ends before all nodes were seen.
pub(super) enum Stop {
    /// What was looked for is found.
    Found,
    Error(QueryError),
}

/// A step on the way to the node at hand.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

type Sink<'s, 'a> = &'s mut dyn FnMut(&[Step<'a>], &'a Value) -> Result<(), Stop>;

/// What an evaluation has at hand.
pub(super) struct Walker<'w, 'a> {
    pub(super) root: &'a Value,
    pub(super) budget: &'w mut Budget,
    steps: Vec<Step<'a>>,
    /// Nested calls of this walker.
    frames: usize,
    /// Patterns that the document gave.
    pub(super) patterns: HashMap<(String, bool), Option<Regex>>,
}

pub(crate) fn select<'a>(
    segments: &[Segment],
    root: &'a Value,
    budget: &mut Budget,
) -> Result<Vec<Node<'a>>, QueryError> {
    let mut nodes = Vec::new();
    let mut sink = |steps: &[Step<'a>], value: &'a Value| {
        if nodes.len() >= MAX_MATCHES {
            return Err(Stop::Error(QueryError::TooManyMatches));
        }
        let steps = steps.iter().map(|step| match step {
            Step::Name(name) => LocationStep::Name((*name).into()),
            Step::Index(index) => LocationStep::Index(*index),
        });
        nodes.push(Node { location: Location(steps.collect()), value });
        Ok(())
    };
    match Walker::new(root, budget).walk(segments, root, &mut sink) {
        Err(Stop::Error(error)) => Err(error),
        _ => Ok(nodes),
    }
}

pub(crate) fn exists(segments: &[Segment], root: &Value, budget: &mut Budget) -> Result<bool, QueryError> {
    match Walker::new(root, budget).walk(segments, root, &mut |_, _| Err(Stop::Found)) {
        Ok(()) => Ok(false),
        Err(Stop::Found) => Ok(true),
        Err(Stop::Error(error)) => Err(error),
    }
}

impl<'w, 'a> Walker<'w, 'a> {
    fn new(root: &'a Value, budget: &'w mut Budget) -> Self {
        Self { root, budget, steps: Vec::new(), frames: 0, patterns: HashMap::new() }
    }

    /// Runs `inner` one call deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.frames >= MAX_RECURSION {
            return Err(Stop::Error(QueryError::TooDeep));
        }
        self.frames += 1;
        let result = inner(self);
        self.frames -= 1;
        result
    }

    fn walk(&mut self, segments: &[Segment], value: &'a Value, sink: Sink<'_, 'a>) -> Result<(), Stop> {
        let Some((segment, rest)) = segments.split_first() else { return sink(&self.steps, value) };
        if segment.descendant {
            return self.descend(&segment.selectors, rest, value, sink);
        }
        segment.selectors.iter().try_for_each(|selector| self.apply(selector, rest, value, &mut *sink))
    }

    /// The selectors on this node and then on all below it.
    fn descend(
        &mut self,
        selectors: &[Selector],
        rest: &[Segment],
        value: &'a Value,
        sink: Sink<'_, 'a>,
    ) -> Result<(), Stop> {
        selectors.iter().try_for_each(|selector| self.apply(selector, rest, value, &mut *sink))?;
        self.each_child(value, |walker, step, child| {
            // Nothing can be selected in a scalar.
            if !(child.is_object() || child.is_array()) {
                return Ok(());
            }
            walker.step(step, |walker| walker.descend(selectors, rest, child, &mut *sink))
        })
    }

    fn each_child(
        &mut self,
        value: &'a Value,
        mut visit: impl FnMut(&mut Self, Step<'a>, &'a Value) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match value {
            Value::Object(members) => {
                self.budget.charge(members.len() as u64)?;
                members.iter().try_for_each(|(name, child)| visit(self, Step::Name(name), child))
            }
            Value::Array(elements) => {
                self.budget.charge(elements.len() as u64)?;
                elements.iter().enumerate().try_for_each(|(index, child)| visit(self, Step::Index(index), child))
            }
            _ => Ok(()),
        }
    }

    /// Runs `inner` with the step on the path.
    fn step(&mut self, step: Step<'a>, inner: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        self.steps.push(step);
        let result = self.nested(inner);
        self.steps.pop();
        result
    }

    fn apply(
        &mut self,
        selector: &Selector,
        rest: &[Segment],
        value: &'a Value,
        sink: Sink<'_, 'a>,
    ) -> Result<(), Stop> {
        self.budget.charge(1)?;
        match (selector, value) {
            (Selector::Name(name), Value::Object(members)) => match members.get_key_value(&**name) {
                Some((name, child)) => self.step(Step::Name(name), |walker| walker.walk(rest, child, &mut *sink)),
                None => Ok(()),
            },
            (Selector::Index(index), Value::Array(elements)) => match position(*index, elements.len()) {
                Some(index) => {
                    self.step(Step::Index(index), |walker| walker.walk(rest, &elements[index], &mut *sink))
                }
                None => Ok(()),
            },
            (Selector::Slice { start, end, step }, Value::Array(elements)) => {
                for index in slice(*start, *end, *step, elements.len()) {
                    self.budget.charge(1)?;
                    self.step(Step::Index(index), |walker| walker.walk(rest, &elements[index], &mut *sink))?;
                }
                Ok(())
            }
            (Selector::Wildcard, _) => self.each_child(value, |walker, step, child| {
                walker.step(step, |walker| walker.walk(rest, child, &mut *sink))
            }),
            (Selector::Filter(expr), _) => self.each_child(value, |walker, step, child| {
                if !walker.test(expr, child)? {
                    return Ok(());
                }
                walker.step(step, |walker| walker.walk(rest, child, &mut *sink))
            }),
            _ => Ok(()),
        }
    }

    /// Gives each node of a filter's query to `visit`, until that is content.
    pub(super) fn visit(
        &mut self,
        query: &Query,
        current: &'a Value,
        visit: &mut dyn FnMut(&'a Value) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let start = if query.absolute { self.root } else { current };
        self.nested(|walker| walker.walk(&query.segments, start, &mut |_, value| visit(value)))
    }

    /// The node of a singular query.
    pub(super) fn single(&mut self, query: &Query, current: &'a Value) -> Result<Option<&'a Value>, Stop> {
        self.budget.charge(1 + query.segments.len() as u64)?;
        let start = if query.absolute { self.root } else { current };
        let mut selectors = query.segments.iter().flat_map(|segment| &segment.selectors);
        Ok(selectors.try_fold(start, |value, selector| match (selector, value) {
            (Selector::Name(name), Value::Object(members)) => members.get(&**name),
            (Selector::Index(index), Value::Array(elements)) => {
                position(*index, elements.len()).map(|index| &elements[index])
            }
            _ => None,
        }))
    }
}

/// An index counted from the front or, when negative, from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok().filter(|_| index < length)
}

/// The indexes of a slice, in order (§2.3.4.2.2).
fn slice(start: Option<i64>, end: Option<i64>, step: i64, length: usize) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let normal = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let (first, last) = if step >= 0 {
        let first = normal(start.unwrap_or(0)).clamp(0, length);
        (first, normal(end.unwrap_or(length)).clamp(0, length))
    } else {
        let first = normal(start.unwrap_or(length - 1)).clamp(-1, length - 1);
        (first, end.map_or(-1, |end| normal(end).clamp(-1, length - 1)))
    };
    let inside = move |index: &i64| match step {
        0 => false,
        step if step > 0 => *index < last,
        _ => *index > last,
    };
    std::iter::successors(Some(first), move |index| index.checked_add(step))
        .take_while(inside)
        .filter_map(|index| usize::try_from(index).ok())
}
