//! Texts, numbers and repetitions: the checks that need no other schema.

use crate::check::{Path, Report};
use crate::faults::shortened;
use crate::json::{Json, Number};
use crate::node::{NumberRules, TextRules, Types};

/// Tells of a fault; ends the walk when the first one is enough.
macro_rules! wrong {
    ($report:ident, $ok:ident, $at:expr, $expected:expr) => {{
        if !R::COLLECTS {
            return false;
        }
        $report.fault($at, || $expected);
        $ok = false;
    }};
}
pub(crate) use wrong;

pub(crate) fn check_text<R: Report>(rules: &TextRules, text: &str, at: &Path<'_>, report: &mut R) -> bool {
    let mut ok = true;
    // Bytes tell most of it: a code point has one to four.
    if rules.least > 0 && text.len() < rules.least * 4 && text.chars().count() < rules.least {
        let expected =
            if rules.least == 1 { "a text that is not empty".into() } else { length("least", rules.least) };
        wrong!(report, ok, at, expected);
    }
    if let Some(most) = rules.most.filter(|most| text.len() > *most && text.chars().count() > *most) {
        wrong!(report, ok, at, length("most", most));
    }
    if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.regex.is_match(text)) {
        wrong!(report, ok, at, format!("a text that matches {}", shortened(&pattern.written)));
    }
    if let Some(format) = rules.format.filter(|format| !format.fits(text)) {
        wrong!(report, ok, at, format.expected().into());
    }
    ok
}

fn length(bound: &str, characters: usize) -> String {
    format!("a text of at {bound} {characters} character{}", if characters == 1 { "" } else { "s" })
}

pub(crate) fn check_number<R: Report>(
    rules: &NumberRules,
    number: Number,
    types: Types,
    at: &Path<'_>,
    report: &mut R,
) -> bool {
    let mut ok = true;
    if let Some((least, exclusive)) = rules.least
        && (number < least || (exclusive && number == least))
    {
        wrong!(report, ok, at, format!("{} {least}", if exclusive { "more than" } else { "at least" }));
    }
    if let Some((most, exclusive)) = rules.most
        && (number > most || (exclusive && number == most))
    {
        wrong!(report, ok, at, format!("{} {most}", if exclusive { "less than" } else { "at most" }));
    }
    if let Some(factor) = rules.multiple_of.filter(|factor| !is_multiple(number, *factor)) {
        wrong!(report, ok, at, format!("a multiple of {factor}"));
    }
    // `type: number, format: int32` is an annotation for a number with a fraction.
    if let Some((word, least, most)) = rules.range.filter(|_| !types.allows(Types::FRACTION) || number.is_whole())
        && number.as_int().is_none_or(|int| int < least || int > most)
    {
        wrong!(report, ok, at, format!("a whole number of {word}: {least} to {most}"));
    }
    ok
}

/// In decimals, as people mean it: 19.99 is a multiple of 0.01, though no `f64` is.
fn is_multiple(number: Number, factor: Number) -> bool {
    if let (Some(number), Some(factor)) = (number.as_int(), factor.as_int()) {
        return number % factor == 0;
    }
    let quotient = number.as_f64() / factor.as_f64();
    quotient.is_finite() && (quotient - quotient.round()).abs() <= quotient.abs().max(1.0) * 1e-9 && {
        // A quotient beyond this has no digits left to tell.
        quotient.abs() < 1e15 || quotient.fract() == 0.0
    }
}

pub(crate) fn are_unique(items: &[Json<'_>]) -> bool {
    if items.len() < 8 {
        return items.iter().enumerate().all(|(i, item)| items[..i].iter().all(|earlier| earlier != item));
    }
    let mut sorted: Vec<&Json<'_>> = items.iter().collect();
    sorted.sort_by(|a, b| a.order(b));
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}
