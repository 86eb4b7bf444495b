//! The last revisions of a catalog and what lies between them. Bounded in revisions and in definitions that are kept.

use open_cli_changes::{Delta, MAX_LISTED};
use open_cli_contract::Timestamp;
use open_cli_contract::changes::{CatalogChanges, ChangeSeverity, ChangesResponse, KnownRevision, SeverityCounts};
use std::collections::VecDeque;
use std::sync::Arc;

/// Revisions that are remembered.
const MAX_STEPS: usize = 64;
/// Definitions that all of them keep together; the oldest revisions are forgotten for it.
const MAX_DEFINITIONS: usize = 20_000;
/// The beginning of a revision is enough when it is at least this long.
const MIN_PREFIX: usize = 6;

/// Which tools somebody may know of.
pub type Reaches<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Why two revisions can't be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It never was, or was long ago.
    #[error("the revision {0} is not known any more, or never was")]
    Unknown(String),
    /// Several begin like this.
    #[error("several revisions begin with {0}; give more of it")]
    Ambiguous(String),
    /// The wrong way round.
    #[error("the revision {until} is older than {since}; change places")]
    Backwards {
        /// The one that should be older.
        since: String,
        /// The one that should be newer.
        until: String,
    },
    /// Nothing was built yet.
    #[error("there is no catalog yet")]
    Empty,
}

/// What changed since the start, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeTotals {
    /// Tools that came.
    pub added: u64,
    /// Tools that went.
    pub removed: u64,
    /// Altered ones, by severity in the order of [`ChangeSeverity::ALL`].
    pub altered: [u64; 4],
    /// When the tools last changed.
    pub last: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    /// The oldest revision that is known.
    first: Option<KnownRevision>,
    steps: VecDeque<Arc<Delta>>,
    totals: ChangeTotals,
}

impl History {
    /// The first catalog.
    pub(crate) fn begin(&mut self, revision: &str, at: Timestamp) {
        let revision = revision.to_owned();
        self.first.get_or_insert(KnownRevision { revision, at, added: 0, removed: 0, altered: 0 });
    }

    pub(crate) fn push(&mut self, delta: Arc<Delta>) {
        let (added, removed, altered) = delta.counts();
        self.totals.added += added as u64;
        self.totals.removed += removed as u64;
        for (total, severity) in self.totals.altered.iter_mut().zip(ChangeSeverity::ALL) {
            *total += SeverityCounts::of(&altered, severity) as u64;
        }
        if !delta.is_empty() {
            self.totals.last = delta.known().at.into();
        }
        self.steps.push_back(delta);
        let kept = |steps: &VecDeque<Arc<Delta>>| steps.iter().map(|step| step.kept()).sum::<usize>();
        while self.steps.len() > MAX_STEPS || (self.steps.len() > 1 && kept(&self.steps) > MAX_DEFINITIONS) {
            self.first = self.steps.pop_front().map(|step| step.known());
        }
    }

    pub(crate) fn totals(&self) -> ChangeTotals {
        self.totals
    }

    /// Oldest first. A revision that came back is there again.
    fn known(&self) -> Vec<KnownRevision> {
        self.first.iter().cloned().chain(self.steps.iter().map(|step| step.known())).collect()
    }

    /// What lies between two revisions, each by name or its beginning; by default the newest and the one before it.
    /// Only tools that pass are told of.
    pub(crate) fn between(
        &self,
        since: &str,
        until: &str,
        limit: Option<usize>,
        reaches: Option<Reaches<'_>>,
    ) -> Result<ChangesResponse, HistoryError> {
        let known = self.known();
        let newest = known.len().checked_sub(1).ok_or(HistoryError::Empty)?;
        let place = |name: &str, default: usize| match name {
            "" => Ok(default),
            name => find(&known, name),
        };
        let until_at = place(until, newest)?;
        let since_at = place(since, until_at.saturating_sub(1))?;
        if since_at > until_at {
            let (since, until) = (since.to_owned(), known[until_at].revision.clone());
            return Err(HistoryError::Backwards { since, until });
        }
        let steps = self.steps.range(since_at..until_at).map(|step| &**step);
        let delta = Delta::sum(steps).unwrap_or_else(|| {
            Delta::new(&known[since_at].revision, &known[until_at].revision, Some(known[until_at].at))
        });
        let part = |delta: &Delta| reaches.map_or_else(|| delta.clone(), |reaches| delta.only(reaches));
        let changes: CatalogChanges = part(&delta).report(limit.unwrap_or(MAX_LISTED));
        let steps =
            self.steps.iter().map(|step| if reaches.is_some() { part(step).known() } else { step.known() });
        let first =
            self.first.iter().map(|first| KnownRevision { added: 0, removed: 0, altered: 0, ..first.clone() });
        let mut revisions: Vec<KnownRevision> = first.chain(steps).collect();
        revisions.reverse();
        Ok(ChangesResponse { changes, revisions })
    }
}

/// The newest revision of that name, or that begins like it.
fn find(known: &[KnownRevision], name: &str) -> Result<usize, HistoryError> {
    let unknown = || HistoryError::Unknown(name.to_owned());
    if let Some(place) = known.iter().rposition(|one| one.revision == name) {
        return Ok(place);
    }
    if name.len() < MIN_PREFIX {
        return Err(unknown());
    }
    let place = known.iter().rposition(|one| one.revision.starts_with(name)).ok_or_else(unknown)?;
    let found = &known[place].revision;
    match known.iter().any(|one| one.revision.starts_with(name) && one.revision != *found) {
        true => Err(HistoryError::Ambiguous(name.to_owned())),
        false => Ok(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: usize) -> String {
        format!("{number:08}")
    }

    fn history(steps: usize) -> History {
        let mut history = History::default();
        history.begin(&revision(0), Timestamp::UNIX_EPOCH);
        for number in 0..steps {
            let delta = Delta::new(&revision(number), &revision(number + 1), Some(Timestamp::UNIX_EPOCH));
            history.push(Arc::new(delta));
        }
        history
    }

    #[test]
    fn the_last_revisions_are_known_and_older_ones_are_not() {
        let history = history(MAX_STEPS + 10);
        let answer = history.between("", "", None, None).expect("the last step");
        assert_eq!((answer.changes.from, answer.changes.to), (revision(MAX_STEPS + 9), revision(MAX_STEPS + 10)));
        assert_eq!(answer.revisions.len(), MAX_STEPS + 1);
        assert_eq!(answer.revisions[0].revision, revision(MAX_STEPS + 10));
        assert!(history.between(&revision(10), "", None, None).is_ok());
        assert_eq!(history.between(&revision(9), "", None, None), Err(HistoryError::Unknown(revision(9))));
    }

    #[test]
    fn a_revision_goes_by_its_beginning_when_that_is_enough() {
        let history = history(12);
        assert_eq!(history.between("000000", "", None, None), Err(HistoryError::Ambiguous("000000".into())));
        assert_eq!(history.between("0", "", None, None), Err(HistoryError::Unknown("0".into())));
        let answer = history.between("00000003", "00000005", None, None).expect("known");
        assert_eq!((answer.changes.from, answer.changes.to), (revision(3), revision(5)));
        let backwards = HistoryError::Backwards { since: revision(5), until: revision(3) };
        assert_eq!(history.between(&revision(5), &revision(3), None, None), Err(backwards));
        assert_eq!(History::default().between("", "", None, None), Err(HistoryError::Empty));
    }
}
