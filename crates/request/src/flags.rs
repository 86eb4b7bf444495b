//! Which key of a call belongs to which parameter (HX-5), and what is given for each.
//!
//! A parameter answers to its command-line name, then to its wire name, then to the names it had under the
//! reference's slug rules. A key that is the command-line name of one parameter is never an alias of another.

use crate::fill::Arguments;
use crate::flat::Members;
use crate::input::Input;
use crate::value::Given;
use crate::{ArgumentFault, FaultKind};
use open_cli_contract::catalog::Tool;
use open_cli_contract::slug::reference_slug;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Key of the request body among typed arguments.
const BODY: &str = "body";
/// Before the name of a parameter whose own name means something else.
const PARAMETER_PREFIX: &str = "param-";

/// Longest key for which a similar name is looked for.
const SUGGEST_MAX: usize = 64;
/// Names shown when nothing similar is found.
const LISTED_MAX: usize = 12;

/// Header parameters that the runtime sets itself. OpenAPI says that the first three are ignored; the others
/// frame the message, and a value from outside could split it.
const RESERVED_HEADERS: &[&str] = &[
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// True for a header parameter that is not part of the request template.
pub(crate) fn is_reserved_header(name: &str) -> bool {
    RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// The n-th parameter, and how good the name is: lower wins.
    Parameter { rank: u8, index: usize },
    /// A header the runtime sets.
    Reserved,
    /// The n-th positional argument.
    Positional { index: usize },
}

/// What is given for each input of a tool.
#[derive(Debug, Default)]
pub(crate) struct Collected<'a> {
    pub(crate) positional: Vec<Option<Given<'a>>>,
    pub(crate) parameters: Vec<Option<Given<'a>>>,
    /// Typed request body.
    pub(crate) body: Option<&'a RawValue>,
}

/// All keys of a tool.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlagIndex {
    /// Ascending keys.
    keys: Vec<(Box<str>, Meaning)>,
    parameters: usize,
    has_body: bool,
}

const RESERVED: &str = "the runtime sets this header itself; leave it out";
const TWICE: &str = "is given twice";

impl FlagIndex {
    /// `kept` are the positions in `tool.flags` of the parameters that take part.
    pub(crate) fn compile(tool: &Tool, kept: &[usize]) -> Self {
        let mut keys: Vec<(Box<str>, Meaning)> = Vec::new();
        let details = tool.details.as_ref().map(|details| details.parameters.as_slice()).unwrap_or_default();
        for (index, &position) in kept.iter().enumerate() {
            let flag = &tool.flags[position];
            let hidden =
                details.get(tool.path_params.len() + position).map(|details| details.hidden_name.as_str());
            let reference = reference_slug(&flag.original_name);
            let names = [flag.name.as_str(), &flag.original_name, hidden.unwrap_or_default(), &reference];
            for (rank, name) in (0_u8..).zip(names) {
                if !name.is_empty() {
                    keys.push((name.into(), Meaning::Parameter { rank, index }));
                }
            }
        }
        let is_name = |meaning: &Meaning| matches!(meaning, Meaning::Parameter { rank: 0, .. });
        let owned: Vec<Box<str>> =
            keys.iter().filter(|(_, meaning)| is_name(meaning)).map(|(key, _)| key.clone()).collect();
        keys.retain(|(key, meaning)| is_name(meaning) || !owned.contains(key));
        for (position, flag) in tool.flags.iter().enumerate() {
            if !kept.contains(&position) {
                keys.extend(
                    [&flag.name, &flag.original_name].map(|name| (name.as_str().into(), Meaning::Reserved)),
                );
            }
        }
        for (index, parameter) in tool.path_params.iter().enumerate() {
            let names = [&parameter.name, &parameter.original_name];
            keys.extend(names.map(|name| (name.as_str().into(), Meaning::Positional { index })));
        }
        keys.sort();
        // A key that fills a parameter means nothing else.
        let mut fills: Vec<Box<str>> = Vec::new();
        for (key, meaning) in &keys {
            if matches!(meaning, Meaning::Parameter { .. }) {
                fills.push(key.clone());
            }
        }
        keys.retain(|(key, meaning)| matches!(meaning, Meaning::Parameter { .. }) || !fills.contains(key));
        keys.dedup();
        Self { keys, parameters: kept.len(), has_body: tool.request_body.is_some() }
    }

    /// Everything that is given; what belongs nowhere, or is given twice, becomes a fault.
    pub(crate) fn collect<'a>(
        &self,
        arguments: &Arguments<'a>,
        inputs: (&[Input], &[Input]),
        faults: &mut Vec<ArgumentFault>,
    ) -> Collected<'a> {
        let values = arguments.path_args.iter().take(inputs.0.len());
        let mut positional: Vec<Option<Given<'a>>> = values.map(|value| Some(Given::Text(value))).collect();
        positional.resize_with(inputs.0.len(), || None);
        let flags = self.assign(arguments.flags, faults);
        let parameters = flags.into_iter().map(|value| value.map(Given::Text)).collect();
        let mut collected = Collected { positional, parameters, body: None };
        if let Some(typed) = arguments.typed {
            self.collect_typed(typed, inputs, &mut collected, faults);
        }
        collected
    }

    fn collect_typed<'a>(
        &self,
        typed: &'a RawValue,
        inputs: (&[Input], &[Input]),
        collected: &mut Collected<'a>,
        faults: &mut Vec<ArgumentFault>,
    ) {
        let Some(members) = Members::parse(typed.get()) else {
            faults.push(ArgumentFault::of(
                FaultKind::Invalid,
                "arguments",
                "",
                "`arguments` must be a JSON object",
            ));
            return;
        };
        for (key, raw) in members.0.into_iter().filter(|(_, raw)| raw.get() != "null") {
            let (input, place) = match self.typed_meaning(&key) {
                _ if key == BODY && self.has_body => {
                    if collected.body.replace(raw).is_some() {
                        faults.push(ArgumentFault::body(FaultKind::Invalid, TWICE));
                    }
                    continue;
                }
                Some(Meaning::Parameter { index, .. }) => (&inputs.1[index], &mut collected.parameters[index]),
                Some(Meaning::Positional { index }) => (&inputs.0[index], &mut collected.positional[index]),
                Some(Meaning::Reserved) => {
                    faults.push(ArgumentFault::unknown(&key, RESERVED));
                    continue;
                }
                None => {
                    faults.push(ArgumentFault::unknown(&key, self.unknown(&key)));
                    continue;
                }
            };
            if place.replace(Given::Json(raw)).is_some() {
                faults.push(input.fault(FaultKind::Invalid, TWICE));
            }
        }
    }

    /// What a key of typed arguments means: the best of its meanings.
    fn typed_meaning(&self, key: &str) -> Option<Meaning> {
        let best = |key: &str| self.meanings(key).map(|(_, meaning)| *meaning).min();
        best(key).or_else(|| {
            let plain = key.strip_prefix(PARAMETER_PREFIX)?;
            self.meanings(plain).map(|(_, m)| *m).find(|m| matches!(m, Meaning::Parameter { rank: 0, .. }))
        })
    }

    fn meanings(&self, key: &str) -> impl Iterator<Item = &(Box<str>, Meaning)> {
        let start = self.keys.partition_point(|(known, _)| **known < *key);
        self.keys[start..].iter().take_while(move |(known, _)| **known == *key)
    }

    /// The text of each parameter; keys that mean none become faults.
    fn assign<'a>(
        &self,
        flags: &'a BTreeMap<String, String>,
        faults: &mut Vec<ArgumentFault>,
    ) -> Vec<Option<&'a str>> {
        let mut values: Vec<Option<&'a str>> = vec![None; self.parameters];
        if flags.is_empty() {
            return values;
        }
        let mut ranks = vec![u8::MAX; self.parameters];
        for (key, value) in flags {
            let mut known = false;
            for (_, meaning) in self.meanings(key) {
                match *meaning {
                    Meaning::Parameter { rank, index } => {
                        known = true;
                        if rank < ranks[index] {
                            ranks[index] = rank;
                            values[index] = Some(value);
                        }
                    }
                    Meaning::Reserved => {
                        faults.push(ArgumentFault::unknown(key, RESERVED));
                        known = true;
                        break;
                    }
                    Meaning::Positional { .. } => {
                        faults
                            .push(ArgumentFault::unknown(key, "is a positional argument; pass it in `pathArgs`"));
                        known = true;
                        break;
                    }
                }
            }
            if !known {
                faults.push(ArgumentFault::unknown(key, self.unknown(key)));
            }
        }
        values
    }

    fn unknown(&self, key: &str) -> String {
        let names: Vec<&str> = self
            .keys
            .iter()
            .filter(|(_, meaning)| matches!(meaning, Meaning::Parameter { rank: 0, .. }))
            .map(|(name, _)| &**name)
            .collect();
        if names.is_empty() {
            return "unknown flag; the tool takes none".into();
        }
        if let Some(similar) = nearest(key, &names) {
            return format!("unknown flag; did you mean --{similar}?");
        }
        let mut listed =
            names.iter().take(LISTED_MAX).map(|name| format!("--{name}")).collect::<Vec<_>>().join(", ");
        if names.len() > LISTED_MAX {
            listed.push_str(", …");
        }
        format!("unknown flag; the tool takes {listed}")
    }
}

/// The name with the fewest edits, when they are few.
fn nearest<'a>(key: &str, names: &[&'a str]) -> Option<&'a str> {
    if key.len() > SUGGEST_MAX {
        return None;
    }
    let key = key.to_ascii_lowercase().replace('_', "-");
    let allowed = (key.len() / 3).clamp(1, 3);
    let short = names.iter().filter(|name| name.len() <= SUGGEST_MAX);
    short.map(|name| (edits(&key, name), *name)).filter(|(edits, _)| *edits <= allowed).min().map(|(_, name)| name)
}

/// Levenshtein distance in bytes.
fn edits(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &right) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(left != right)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_suggested_and_a_strange_one_is_not() {
        let names = ["page-size", "sort-by", "q"];
        for (key, expected) in [
            ("pagesize", Some("page-size")),
            ("page_size", Some("page-size")),
            ("sort-bye", Some("sort-by")),
            ("colour", None),
        ] {
            assert_eq!(nearest(key, &names), expected, "{key}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
