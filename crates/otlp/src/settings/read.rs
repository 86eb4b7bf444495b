//! Values of variables: numbers, times, words.

use super::SettingsError;
use std::time::Duration;

/// Longest time that may be set.
const MAX_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// Where variables are looked up.
pub(super) struct Variables<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

pub(super) fn error(variable: &str, reason: impl Into<String>) -> SettingsError {
    SettingsError { variable: variable.to_owned(), reason: reason.into() }
}

impl Variables<'_> {
    /// The value, trimmed; `None` when it is empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// The signal's own variable if it is set, else the general one; with its name.
    pub(super) fn first(&self, names: &[String; 2]) -> Option<(String, String)> {
        names.iter().find_map(|name| Some((name.clone(), self.get(name)?)))
    }

    /// Milliseconds, at least one.
    pub(super) fn millis(&self, name: &str, otherwise: Duration) -> Result<Duration, SettingsError> {
        self.get(name).map_or(Ok(otherwise), |text| millis(name, &text))
    }

    /// A number from 1.
    pub(super) fn count(&self, name: &str, most: usize) -> Result<Option<usize>, SettingsError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let count = text.parse().ok().filter(|count| (1..=most).contains(count));
        count.map(Some).ok_or_else(|| error(name, format!("{text:?} is no whole number from 1 to {most}")))
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, name: &str) -> Result<bool, SettingsError> {
        self.one_of(name, &[("false", false), ("true", true)])
    }

    /// One of these words, in any case; the first when nothing is said.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, SettingsError> {
        match self.get(name) {
            Some(text) => one_of(name, &text, words),
            None => Ok(words[0].1),
        }
    }
}

pub(super) fn one_of<T: Copy>(name: &str, text: &str, words: &[(&str, T)]) -> Result<T, SettingsError> {
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        error(name, format!("{text:?} is not understood; use {}", words.join(" or ")))
    })
}

pub(super) fn millis(name: &str, text: &str) -> Result<Duration, SettingsError> {
    let millis = text.parse().ok().filter(|millis| (1..=MAX_MILLIS).contains(millis));
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| error(name, format!("{text:?} is no whole number of milliseconds from 1 to {MAX_MILLIS}")))
}
