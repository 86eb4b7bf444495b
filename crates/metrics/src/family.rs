//! The series of one metric that exist in the whole program, and the bound on how many there may be. Counting happens
//! in the shards; each asks here only for series that it has not seen yet. Not for values.

use crate::definition::{Definition, MAX_LABELS};
use crate::key::{Key, Lookup, OTHER, Word, fitted};
use indexmap::{IndexMap, IndexSet};
use open_cli_observe::Value;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The series of one metric in one shard.
pub(crate) type Series<T> = IndexMap<Arc<Key>, T>;

/// All series of a metric.
pub(crate) struct Family {
    pub(crate) definition: Definition,
    admitted: Mutex<Admitted>,
    overflows: AtomicU64,
}

#[derive(Default)]
struct Admitted {
    series: IndexSet<Arc<Key>>,
    /// Values of the open labels that have series.
    open: IndexSet<Arc<Key>>,
    next_id: u32,
}

impl Family {
    pub(crate) fn new(definition: Definition) -> Self {
        Self { definition, admitted: Mutex::default(), overflows: AtomicU64::new(0) }
    }

    /// The value of the series with these labels in a shard, made when it is new.
    pub(crate) fn slot<'s, T>(
        &self,
        series: &'s mut Series<T>,
        words: &[Word<'_>],
        new: impl FnOnce(&Definition) -> T,
    ) -> &'s mut T {
        // Twice a look-up, because the borrow checker does not see that the first one is over.
        if let Some(place) = series.get_index_of(&Lookup(words)) {
            return &mut series[place];
        }
        series.entry(self.admit(words)).or_insert_with(|| new(&self.definition))
    }

    /// The series for these labels: their own, or one under `_OTHER` when there are too many.
    pub(crate) fn admit(&self, words: &[Word<'_>]) -> Arc<Key> {
        let (as_given, labels) = fitted(&self.definition, words, false);
        let mut admitted = self.admitted.lock();
        let wanted = &as_given[..labels];
        if let Some(key) = admitted.series.get(&Lookup(wanted)) {
            if wanted != words {
                self.overflows.fetch_add(1, Ordering::Relaxed);
            }
            return Arc::clone(key);
        }
        if self.takes_open(&mut admitted, wanted) && admitted.series.len() < self.definition.max_series {
            return self.insert(&mut admitted, wanted);
        }
        self.overflows.fetch_add(1, Ordering::Relaxed);
        let (collapsed, _) = fitted(&self.definition, words, true);
        let collapsed = &collapsed[..labels];
        if let Some(key) = admitted.series.get(&Lookup(collapsed)) {
            return Arc::clone(key);
        }
        // Room for what is left of the closed labels, and for the last resort.
        if admitted.series.len() < self.definition.max_series {
            return self.insert(&mut admitted, collapsed);
        }
        let last_resort = [Word::Static(OTHER); MAX_LABELS];
        match admitted.series.get(&Lookup(&last_resort[..labels])) {
            Some(key) => Arc::clone(key),
            None => self.insert(&mut admitted, &last_resort[..labels]),
        }
    }

    /// Are the values of the open labels known, or is there room for them?
    fn takes_open(&self, admitted: &mut Admitted, words: &[Word<'_>]) -> bool {
        let mut open = [Word::None; MAX_LABELS];
        let mut count = 0;
        for (label, word) in self.definition.labels.iter().zip(words) {
            if label.is_open {
                open[count] = *word;
                count += 1;
            }
        }
        let open = &open[..count];
        // `_OTHER` and absence are always there.
        if open.iter().all(|word| matches!(word, Word::None | Word::Static(OTHER))) {
            return true;
        }
        if admitted.open.contains(&Lookup(open)) {
            return true;
        }
        let has_room = admitted.open.len() < self.definition.max_open;
        if has_room {
            admitted.open.insert(Arc::new(Key::new(&NAMELESS, 0, open)));
        }
        has_room
    }

    fn insert(&self, admitted: &mut Admitted, words: &[Word<'_>]) -> Arc<Key> {
        let key = Arc::new(Key::new(&self.definition, admitted.next_id, words));
        admitted.next_id = admitted.next_id.wrapping_add(1);
        admitted.series.insert(Arc::clone(&key));
        key
    }

    /// Forgets series whose open label has a value that is gone, to make room for others.
    pub(crate) fn retain(&self, label: &str, mut is_kept: impl FnMut(&str) -> bool) {
        let open = self.definition.labels.iter().filter(|label| label.is_open);
        let Some(place) = open.clone().position(|known| known.name == label) else { return };
        let mut keeps =
            |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(|v| v == OTHER || is_kept(v));
        let mut admitted = self.admitted.lock();
        admitted.series.retain(|key| keeps(key.value(&self.definition, label)));
        admitted.open.retain(|key| keeps(key.values.get(place).and_then(Option::as_ref)));
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.admitted.lock().series.len()
    }

    /// How many measurements found no series of their own.
    pub(crate) fn overflows(&self) -> u64 {
        self.overflows.load(Ordering::Relaxed)
    }
}

/// For keys that have no text.
const NAMELESS: Definition = Definition::new("", crate::definition::Kind::Gauge, "", &[], "");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Kind, closed, open};

    const METRIC: Definition =
        Definition::new("m", Kind::Counter, "", &[open("tool.id"), closed("outcome")], "").with_limits(2, 5);

    fn count(family: &Family, series: &mut Series<u64>, tool: &str, outcome: &'static str) {
        *family.slot(series, &[Word::Text(tool), Word::Static(outcome)], |_| 0) += 1;
    }

    #[test]
    fn values_from_outside_beyond_the_limit_are_counted_under_other() {
        let family = Family::new(METRIC);
        let mut series = Series::default();
        for (tool, outcome) in
            [("a", "ok"), ("b", "ok"), ("c", "ok"), ("d", "ok"), ("a", "failed"), ("c", "failed"), ("b", "failed")]
        {
            count(&family, &mut series, tool, outcome);
        }
        let texts: Vec<(&str, u64)> = series.iter().map(|(key, count)| (&*key.text, *count)).collect();
        assert_eq!(
            texts,
            [
                (r#"tool_id="a",outcome="ok""#, 1),
                (r#"tool_id="b",outcome="ok""#, 1),
                (r#"tool_id="_OTHER",outcome="ok""#, 2),
                (r#"tool_id="a",outcome="failed""#, 1),
                (r#"tool_id="_OTHER",outcome="failed""#, 2),
            ]
        );
        count(&family, &mut series, "z", "refused");
        assert!(series.keys().any(|key| &*key.text == r#"tool_id="_OTHER",outcome="_OTHER""#));
        assert_eq!((family.len(), family.overflows()), (6, 5));
    }

    #[test]
    fn what_is_gone_makes_room() {
        let family = Family::new(METRIC);
        let mut series = Series::default();
        for tool in ["a", "b", "c"] {
            count(&family, &mut series, tool, "ok");
        }
        family.retain("tool.id", |tool| tool == "b");
        assert_eq!(family.len(), 2);
        assert_eq!(&*family.admit(&[Word::Text("c"), Word::Static("ok")]).text, r#"tool_id="c",outcome="ok""#);
    }
}
