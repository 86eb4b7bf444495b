//! What lies between two catalogs: which tools came, went, and are not what they were. Deltas of neighbours add up to
//! the delta of what is further apart. Bounded: of a very large one the counts are right and the rest is a part.

use crate::compare::{compare, worst};
use open_cli_contract::Timestamp;
use open_cli_contract::changes::{
    AlteredTool, CatalogChanges, Change, KnownRevision, ListedAltered, ListedIds, SeverityCounts,
};
use open_cli_contract::definition::{Definition, Definitions};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Changed tools whose definitions a delta keeps.
pub const MAX_KEPT: usize = 5_000;
/// Altered tools whose definitions are made and compared for one delta; further ones are only counted.
pub const MAX_COMPARED: usize = 20_000;
/// Tools that an answer lists, unless more are asked for.
pub const MAX_LISTED: usize = 100;

/// A tool before and after.
#[derive(Debug, Clone, Default)]
pub struct Pair {
    /// What it was; `None` when it was not there.
    pub before: Option<Arc<Definition>>,
    /// What it is.
    pub after: Option<Arc<Definition>>,
}

/// A tool that is not what it was.
#[derive(Debug, Clone)]
pub struct Compared<'a> {
    /// Its id.
    pub id: &'a str,
    /// What changed, the worst first.
    pub changes: Vec<Change>,
}

/// What lies between two catalogs.
#[derive(Debug, Clone, Default)]
pub struct Delta {
    from: String,
    to: String,
    at: Option<Timestamp>,
    pairs: BTreeMap<String, Pair>,
    added: usize,
    removed: usize,
    altered: SeverityCounts,
    uncompared: usize,
    is_truncated: bool,
}

impl Delta {
    /// Nothing yet, between these.
    pub fn new(from: &str, to: &str, at: Option<Timestamp>) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), at, ..Self::default() }
    }

    /// Between two sets of definitions. Their names stand for revisions that they do not have.
    pub fn between(from: (&str, &Definitions), to: (&str, &Definitions)) -> Self {
        let named = |(name, definitions): (&str, &Definitions)| match definitions.revision.is_empty() {
            true => name.to_owned(),
            false => definitions.revision.clone(),
        };
        let mut delta = Self::new(&named(from), &named(to), to.1.generated_at);
        // What a lock file says nothing about did not change.
        let comparable = |one: &Definition, other: Option<&Definition>| match other {
            Some(other) if other.about.is_none() => Definition { about: None, ..one.clone() },
            _ => one.clone(),
        };
        for (id, before) in &from.1.tools {
            let after = to.1.tools.get(id);
            delta.add(id, Some(comparable(before, after)), after.map(|after| comparable(after, Some(before))));
        }
        for (id, after) in to.1.tools.iter().filter(|(id, _)| !from.1.tools.contains_key(*id)) {
            delta.add(id, None, Some(after.clone()));
        }
        delta
    }

    /// Notes a tool. One that is what it was is no part of the delta.
    pub fn add(&mut self, id: &str, before: Option<Definition>, after: Option<Definition>) {
        match (&before, &after) {
            (None, None) => return,
            (None, Some(_)) => self.added += 1,
            (Some(_), None) => self.removed += 1,
            (Some(before), Some(after)) => {
                let changes = compare(before, after);
                if changes.is_empty() {
                    return;
                }
                self.altered.add(worst(&changes));
            }
        }
        if self.is_full() {
            self.is_truncated = true;
            return;
        }
        self.pairs.insert(id.to_owned(), Pair { before: before.map(Arc::new), after: after.map(Arc::new) });
    }

    /// True when definitions of further tools would not be kept.
    pub fn is_full(&self) -> bool {
        self.pairs.len() >= MAX_KEPT
    }

    /// Counts tools that came and went without their definitions.
    pub fn add_counted(&mut self, added: usize, removed: usize) {
        self.added += added;
        self.removed += removed;
        self.is_truncated |= added + removed > 0;
    }

    /// Counts altered tools that nobody looked into.
    pub fn add_uncompared(&mut self, count: usize) {
        self.uncompared += count;
        self.is_truncated |= count > 0;
    }

    /// What neighbours, oldest first, add up to; a tool that came and went is no part of it.
    pub fn sum<'a>(steps: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut steps = steps.into_iter();
        let first = steps.next()?;
        let mut sum = first.clone();
        let mut is_one = true;
        for step in steps {
            is_one = false;
            sum.to.clone_from(&step.to);
            sum.at = step.at;
            sum.is_truncated |= step.is_truncated;
            for (id, pair) in &step.pairs {
                match sum.pairs.get_mut(id) {
                    Some(known) => known.after.clone_from(&pair.after),
                    None => _ = sum.pairs.insert(id.clone(), pair.clone()),
                }
            }
        }
        if is_one {
            return Some(sum);
        }
        let mut total = Self::new(&sum.from, &sum.to, sum.at);
        total.is_truncated = sum.is_truncated;
        let owned = |definition: Option<Arc<Definition>>| definition.map(|definition| (*definition).clone());
        for (id, pair) in sum.pairs {
            total.add(&id, owned(pair.before), owned(pair.after));
        }
        Some(total)
    }

    /// The part about these tools; of what is only counted nothing.
    #[must_use]
    pub fn only(&self, is_meant: impl Fn(&str) -> bool) -> Self {
        let mut part = Self::new(&self.from, &self.to, self.at);
        part.is_truncated = self.is_truncated;
        for (id, pair) in self.pairs.iter().filter(|(id, _)| is_meant(id)) {
            part.count(pair);
            part.pairs.insert(id.clone(), pair.clone());
        }
        part
    }

    fn count(&mut self, pair: &Pair) {
        match (&pair.before, &pair.after) {
            (None, None) => {}
            (None, Some(_)) => self.added += 1,
            (Some(_), None) => self.removed += 1,
            (Some(before), Some(after)) => self.altered.add(worst(&compare(before, after))),
        }
    }

    /// True when no tool changed.
    pub fn is_empty(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.altered_count() == 0
    }

    /// The older revision.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The newer revision.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Tools that came, went, and were altered.
    pub fn counts(&self) -> (usize, usize, SeverityCounts) {
        (self.added, self.removed, self.altered)
    }

    /// How many tools it holds definitions of.
    pub fn kept(&self) -> usize {
        self.pairs.len()
    }

    /// Tools that are not what they were, ascending id.
    pub fn altered(&self) -> impl Iterator<Item = Compared<'_>> {
        self.pairs.iter().filter_map(|(id, pair)| {
            let changes = compare(pair.before.as_ref()?, pair.after.as_ref()?);
            Some(Compared { id, changes })
        })
    }

    fn altered_count(&self) -> usize {
        let SeverityCounts { safety, breaking, compatible, cosmetic } = self.altered;
        safety + breaking + compatible + cosmetic + self.uncompared
    }

    /// As it is told: lists of at most so many tools.
    pub fn report(&self, limit: usize) -> CatalogChanges {
        let ids = |is_meant: fn(&Pair) -> bool, count: usize| ListedIds {
            count,
            tools: self
                .pairs
                .iter()
                .filter(|(_, pair)| is_meant(pair))
                .map(|(id, _)| id.clone())
                .take(limit)
                .collect(),
        };
        let mut altered: Vec<AlteredTool> = self
            .altered()
            .map(|Compared { id, changes }| AlteredTool { id: id.to_owned(), severity: worst(&changes), changes })
            .collect();
        altered.sort_by_key(|tool| tool.severity);
        altered.truncate(limit);
        CatalogChanges {
            from: self.from.clone(),
            to: self.to.clone(),
            at: self.at,
            added: ids(|pair| pair.before.is_none(), self.added),
            removed: ids(|pair| pair.after.is_none(), self.removed),
            altered: ListedAltered { count: self.altered_count(), by_severity: self.altered, tools: altered },
            truncated: self.is_truncated,
        }
    }

    /// The newer revision, as one of a list.
    pub fn known(&self) -> KnownRevision {
        KnownRevision {
            revision: self.to.clone(),
            at: self.at.unwrap_or(Timestamp::UNIX_EPOCH),
            added: self.added,
            removed: self.removed,
            altered: self.altered_count(),
        }
    }
}
