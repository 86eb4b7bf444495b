//! A strict reader of OpenMetrics 1.0 text, stricter than scrapers are. Returns what it read, or what is wrong.
#![allow(dead_code, unreachable_pub)]

use std::collections::HashSet;

/// What was read.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    pub families: usize,
    pub samples: usize,
    pub exemplars: usize,
}

type Labels = Vec<(String, String)>;

struct Sample {
    name: String,
    labels: Labels,
    value: f64,
}

#[derive(Default)]
struct Family {
    name: String,
    kind: String,
    /// Without `le`: the last bound and the count below it.
    open_buckets: Vec<(Labels, f64, f64)>,
}

/// Reads it all.
pub fn read(text: &str) -> Result<Read, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("does not end with # EOF")?;
    let (mut read, mut family) = (Read::default(), Family::default());
    let (mut names, mut series) = (HashSet::new(), HashSet::new());
    for line in body.lines() {
        let fault = |what: &str| format!("{what}: {line}");
        if let Some(rest) = line.strip_prefix("# ") {
            let [word, name, value] = rest.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                return Err(fault("not metadata"));
            };
            match word {
                "TYPE" => {
                    if !names.insert(name.to_owned()) {
                        return Err(fault("family twice"));
                    }
                    if !["counter", "gauge", "histogram", "info"].contains(&value) {
                        return Err(fault("unknown type"));
                    }
                    family = Family { name: name.into(), kind: value.into(), ..Family::default() };
                    read.families += 1;
                }
                _ if name != family.name => return Err(fault("another family's")),
                "UNIT" if !name.ends_with(&format!("_{value}")) => return Err(fault("name without its unit")),
                "UNIT" | "HELP" => {}
                _ => return Err(fault("unknown word")),
            }
            continue;
        }
        let (sample, exemplar) = sample(line).ok_or_else(|| fault("no sample"))?;
        if !series.insert((sample.name.clone(), sample.labels.clone())) {
            return Err(fault("series twice"));
        }
        check(&mut family, &sample, exemplar.as_ref()).map_err(|what| fault(&what))?;
        read.samples += 1;
        read.exemplars += usize::from(exemplar.is_some());
    }
    Ok(read)
}

fn check(family: &mut Family, sample: &Sample, exemplar: Option<&Sample>) -> Result<(), String> {
    let suffix = sample.name.strip_prefix(&family.name).ok_or("of another family")?;
    let is_taken = match family.kind.as_str() {
        "counter" => suffix == "_total",
        "info" => suffix == "_info",
        "gauge" => suffix.is_empty(),
        _ => ["_bucket", "_count", "_sum"].contains(&suffix),
    };
    if !is_taken {
        return Err("wrong suffix".into());
    }
    if family.kind != "gauge" && sample.value.is_nan() || family.kind == "counter" && sample.value < 0.0 {
        return Err("wrong value".into());
    }
    let mut labels = sample.labels.clone();
    match suffix {
        "_bucket" => {
            let place = labels.iter().position(|(name, _)| name == "le").ok_or("without le")?;
            let bound = number(&labels.remove(place).1).ok_or("le is no number")?;
            let (before, below) = match family.open_buckets.last() {
                Some((same, before, below)) if *same == labels => (*before, *below),
                _ => {
                    family.open_buckets.push((labels.clone(), f64::NEG_INFINITY, 0.0));
                    (f64::NEG_INFINITY, 0.0)
                }
            };
            if bound <= before || sample.value < below {
                return Err("buckets out of order".into());
            }
            if let Some(exemplar) = exemplar
                && !(exemplar.value > before && exemplar.value <= bound)
            {
                return Err("example of another bucket".into());
            }
            *family.open_buckets.last_mut().ok_or("no bucket")? = (labels, bound, sample.value);
        }
        "_count" => match family.open_buckets.last() {
            Some((same, bound, count)) if *same == labels && *bound == f64::INFINITY && *count == sample.value => {
            }
            _ => return Err("count differs from the last bucket".into()),
        },
        _ if exemplar.is_some() => return Err("example where none may be".into()),
        _ => {}
    }
    Ok(())
}

/// `name{labels} value` and perhaps ` # {labels} value timestamp`.
fn sample(line: &str) -> Option<(Sample, Option<Sample>)> {
    let (name, rest) = line.split_at(line.find(['{', ' '])?);
    if !is_name(name) {
        return None;
    }
    let (labels, rest) = labels(rest)?;
    let rest = rest.strip_prefix(' ')?;
    let (value, exemplar) = match rest.split_once(" # ") {
        Some((value, exemplar)) => (value, Some(exemplar)),
        None => (rest, None),
    };
    let sample = Sample { name: name.into(), labels, value: number(value)? };
    let Some(exemplar) = exemplar else { return Some((sample, None)) };
    let (labels, rest) = self::labels(exemplar)?;
    let length: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    let (value, at) = rest.strip_prefix(' ')?.split_once(' ')?;
    let is_recent = number(at)? > 1.6e9;
    (length <= 128 && is_recent)
        .then_some((sample, Some(Sample { name: String::new(), labels, value: number(value)? })))
}

fn labels(text: &str) -> Option<(Labels, &str)> {
    let Some(mut rest) = text.strip_prefix('{') else { return Some((Vec::new(), text)) };
    let mut labels: Labels = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"")?;
        if !is_name(name) || labels.iter().any(|(known, _)| known == name) {
            return None;
        }
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                (_, c) => value.push(c),
            }
        };
        labels.push((name.into(), value));
        rest = &after[end + 1..];
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        rest = rest.strip_prefix(',')?;
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "NaN" => Some(f64::NAN),
        _ => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}
