//! What changed from one snapshot to the next. Services that are the same are not looked into, tools that are the same
//! cost a comparison of numbers; only what differs is read.

use crate::service::BuiltService;
use crate::snapshot::{Placed, Snapshot};
use open_cli_changes::{Definer, Delta, MAX_COMPARED};
use std::cmp::Ordering;
use std::sync::Arc;

/// From the older to the newer. Blocking.
pub(crate) fn between(old: &Snapshot, new: &Snapshot) -> Delta {
    let mut walk =
        Walk { delta: Delta::new(old.fingerprint(), new.fingerprint(), Some(new.generated_at)), compared: 0 };
    // Services come in the order of `<id>:`.
    let key = |placed: &Placed| format!("{}:", placed.built.service.id);
    let (mut olds, mut news) = (old.services.iter().peekable(), new.services.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return walk.delta,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => key(old).cmp(&key(new)),
        };
        let before = if order.is_le() { olds.next() } else { None };
        let after = if order.is_ge() { news.next() } else { None };
        walk.service(before.map(|placed| &*placed.built), after.map(|placed| &*placed.built));
    }
}

struct Walk {
    delta: Delta,
    compared: usize,
}

impl Walk {
    fn service(&mut self, old: Option<&BuiltService>, new: Option<&BuiltService>) {
        let mut sides = Sides { old, new, definers: (Definer::with_about(), Definer::with_about()) };
        match (old, new) {
            (Some(old), Some(new)) if is_same(old, new) => {}
            (Some(old), Some(new)) => self.tools(old, new, &mut sides),
            _ => {
                (0..old.map_or(0, |built| built.shelf.len())).for_each(|i| self.removed(i, &mut sides));
                (0..new.map_or(0, |built| built.shelf.len())).for_each(|i| self.added(i, &mut sides));
            }
        }
    }

    fn tools(&mut self, old: &BuiltService, new: &BuiltService, sides: &mut Sides<'_>) {
        let (old_marks, new_marks) = (old.shelf.marks(), new.shelf.marks());
        let (mut i, mut j) = (0, 0);
        while i < old_marks.len() || j < new_marks.len() {
            if old_marks.get(i) == new_marks.get(j) {
                (i, j) = (i + 1, j + 1);
                continue;
            }
            let order = match (i < old_marks.len(), j < new_marks.len()) {
                (true, true) => old.shelf.id(i).cmp(new.shelf.id(j)),
                (true, false) => Ordering::Less,
                _ => Ordering::Greater,
            };
            match order {
                Ordering::Less => self.removed(i, sides),
                Ordering::Greater => self.added(j, sides),
                Ordering::Equal => self.altered(i, j, sides),
            }
            i += usize::from(order.is_le());
            j += usize::from(order.is_ge());
        }
    }

    fn removed(&mut self, i: usize, sides: &mut Sides<'_>) {
        if self.delta.is_full() {
            return self.delta.add_counted(0, 1);
        }
        let Some(built) = sides.old else { return };
        let definition = built.shelf.definition(i, &mut sides.definers.0);
        self.delta.add(built.shelf.id(i), Some(definition), None);
    }

    fn added(&mut self, j: usize, sides: &mut Sides<'_>) {
        if self.delta.is_full() {
            return self.delta.add_counted(1, 0);
        }
        let Some(built) = sides.new else { return };
        let definition = built.shelf.definition(j, &mut sides.definers.1);
        self.delta.add(built.shelf.id(j), None, Some(definition));
    }

    fn altered(&mut self, i: usize, j: usize, sides: &mut Sides<'_>) {
        if self.compared >= MAX_COMPARED {
            return self.delta.add_uncompared(1);
        }
        self.compared += 1;
        let (Some(old), Some(new)) = (sides.old, sides.new) else { return };
        let before = old.shelf.definition(i, &mut sides.definers.0);
        let after = new.shelf.definition(j, &mut sides.definers.1);
        self.delta.add(new.shelf.id(j), Some(before), Some(after));
    }
}

/// A service before and after. Bodies that several tools have are read once for each side.
struct Sides<'a> {
    old: Option<&'a BuiltService>,
    new: Option<&'a BuiltService>,
    definers: (Definer, Definer),
}

/// The same tools, or tools of the same inputs under the same id.
fn is_same(old: &BuiltService, new: &BuiltService) -> bool {
    let has_same_inputs =
        old.digest == new.digest && old.guides.digest == new.guides.digest && old.service.id == new.service.id;
    Arc::ptr_eq(&old.shelf, &new.shelf) || has_same_inputs
}
