//! Memory for spans that is used again: each thread keeps some, and what threads that only read traces let go of comes
//! back in bulk, so that a request asks the allocator for nothing. Bounded; what is large is not kept.

use crate::arena::Arena;
use parking_lot::Mutex;
use std::cell::RefCell;

/// What a thread keeps.
const OWN: usize = 64;
/// Taken from or given to the common store at once.
const BULK: usize = OWN / 2;
/// What the common store keeps: as much as is in memory and in queues under load.
const COMMON: usize = 2048;
/// Larger ones are not kept.
const MAX_BYTES: usize = 16 << 10;

static STORE: Mutex<Vec<Arena>> = Mutex::new(Vec::new());

thread_local! {
    static MINE: RefCell<Vec<Arena>> = const { RefCell::new(Vec::new()) };
}

/// An empty arena.
pub(crate) fn take() -> Arena {
    let taken = MINE.try_with(|mine| {
        let mut mine = mine.try_borrow_mut().ok()?;
        if mine.is_empty() {
            let mut store = STORE.lock();
            let from = store.len().saturating_sub(BULK);
            mine.extend(store.drain(from..));
        }
        mine.pop()
    });
    // A thread that is ending has none any more.
    taken.ok().flatten().unwrap_or_default()
}

/// Gives an arena back.
pub(crate) fn give(mut arena: Arena) {
    if !(1..=MAX_BYTES).contains(&arena.capacity()) {
        return;
    }
    arena.clear();
    let _ = MINE.try_with(|mine| {
        let Ok(mut mine) = mine.try_borrow_mut() else { return };
        mine.push(arena);
        if mine.len() > OWN {
            let mut store = STORE.lock();
            let room = COMMON.saturating_sub(store.len()).min(BULK);
            store.extend(mine.drain(..room));
            drop(store);
            mine.truncate(OWN);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_empty_and_comes_again_on_any_thread() {
        let mut arena = Arena::default();
        let text = arena.text("secret");
        assert_eq!(arena.get(text), "secret");
        (0..3 * OWN).for_each(|_| give(arena.clone()));
        let taken = std::thread::spawn(take).join().expect("a thread");
        assert!(taken.capacity() > 0 && taken.get(text).is_empty());
        give(Arena::default());
    }
}
