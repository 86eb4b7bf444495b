//! What others count: values that a source gives when the metrics are read. Bounded like everything else.

use crate::definition::{Definition, Kind, MAX_LABELS};
use crate::key::{Key, Lookup, Word, fitted};
use indexmap::IndexMap;
use std::sync::Arc;

/// Gives values when it is asked.
pub(crate) type Source = Arc<dyn Fn(&mut Collector) + Send + Sync>;

/// Most metrics that sources may give in all.
const MAX_METRICS: usize = 500;

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// Whole.
    Int(i64),
    /// Any.
    Double(f64),
}

impl From<f64> for Amount {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}
impl From<i64> for Amount {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<usize> for Amount {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Amount {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}
impl From<bool> for Amount {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}
impl From<std::time::Duration> for Amount {
    /// Seconds.
    fn from(value: std::time::Duration) -> Self {
        Self::Double(value.as_secs_f64())
    }
}

impl Amount {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Self::Int(one.saturating_add(other)),
            (one, other) => Self::Double(one.as_f64() + other.as_f64()),
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// Takes the values of sources.
#[derive(Default)]
pub struct Collector {
    pub(crate) metrics: IndexMap<&'static str, (Definition, IndexMap<Arc<Key>, Amount>)>,
}

impl Collector {
    /// The value of a metric now, of counters since the start. `labels` are the values of the definition's labels, in
    /// their order; an empty one is absent. Given twice, counters and up-down counters add up and the last gauge wins.
    /// Histograms are filled by traces only.
    pub fn set(&mut self, metric: &Definition, labels: &[&str], value: impl Into<Amount>) {
        if metric.kind == Kind::Histogram {
            return;
        }
        let is_full = self.metrics.len() >= MAX_METRICS;
        let value = value.into();
        let mut words = [Word::None; MAX_LABELS];
        for (word, label) in words.iter_mut().zip(labels).filter(|(_, label)| !label.is_empty()) {
            *word = Word::Text(label);
        }
        let series = match self.metrics.entry(metric.name) {
            indexmap::map::Entry::Occupied(known) => &mut known.into_mut().1,
            indexmap::map::Entry::Vacant(_) if is_full => return,
            indexmap::map::Entry::Vacant(new) => &mut new.insert((*metric, IndexMap::new())).1,
        };
        let (words, count) = fitted(metric, &words, false);
        let words = &words[..count];
        if let Some(old) = series.get_mut(&Lookup(words)) {
            *old = if metric.kind == Kind::Gauge { value } else { old.plus(value) };
        } else if series.len() < metric.max_series {
            let id = u32::try_from(series.len()).unwrap_or(u32::MAX);
            series.insert(Arc::new(Key::new(metric, id, words)), value);
        }
    }
}
