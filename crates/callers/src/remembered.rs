//! Tokens that were checked, by their hash: a call of a known caller costs one look-up. Bounded in number, and in time
//! by the token's own end and by a limit after which it is checked again.

use crate::{AuthnFault, Caller};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Good tokens that are known at once.
const MAX_GOOD: usize = 10_000;
/// Bad tokens that are known at once.
const MAX_BAD: usize = 1_000;
/// How long the authorization server is not asked again about a bad token.
const BAD_LIFETIME: Duration = Duration::from_secs(5);

/// What stands for a token: the token itself is not kept.
pub(crate) type TokenHash = [u8; 32];

pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Two tables, so that made-up tokens push out no good one.
#[derive(Default)]
pub(crate) struct Remembered {
    good: RwLock<HashMap<TokenHash, (Instant, Arc<Caller>)>>,
    bad: RwLock<HashMap<TokenHash, (Instant, AuthnFault)>>,
}

impl Remembered {
    pub(crate) fn good(&self, hash: &TokenHash, now: Instant) -> Option<Arc<Caller>> {
        self.good.read().get(hash).filter(|(until, _)| now < *until).map(|(_, caller)| Arc::clone(caller))
    }

    pub(crate) fn bad(&self, hash: &TokenHash, now: Instant) -> Option<AuthnFault> {
        self.bad.read().get(hash).filter(|(until, _)| now < *until).map(|(_, fault)| fault.clone())
    }

    pub(crate) fn keep_good(&self, hash: TokenHash, caller: Arc<Caller>, lives: Duration, now: Instant) {
        if let Some(until) = now.checked_add(lives) {
            insert(&mut self.good.write(), MAX_GOOD, hash, (until, caller), now);
        }
    }

    pub(crate) fn keep_bad(&self, hash: TokenHash, fault: AuthnFault, now: Instant) {
        insert(&mut self.bad.write(), MAX_BAD, hash, (now + BAD_LIFETIME, fault), now);
    }

    /// Good tokens that are known.
    pub(crate) fn len(&self) -> usize {
        self.good.read().len()
    }
}

/// When it is full, what is over goes; when nothing is over, everything does, and is checked again.
fn insert<T>(
    table: &mut HashMap<TokenHash, (Instant, T)>,
    most: usize,
    hash: TokenHash,
    value: (Instant, T),
    now: Instant,
) {
    if table.len() >= most {
        table.retain(|_, (until, _)| now < *until);
    }
    if table.len() >= most {
        table.clear();
    }
    table.insert(hash, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_its_time_is_over_and_the_tables_are_bounded() {
        let (remembered, now) = (Remembered::default(), Instant::now());
        let key = hash("t");
        remembered.keep_good(key, Arc::default(), Duration::from_secs(60), now);
        assert!(remembered.good(&key, now + Duration::from_secs(59)).is_some());
        assert!(remembered.good(&key, now + Duration::from_secs(60)).is_none());
        remembered.keep_bad(key, AuthnFault::Inactive, now);
        assert_eq!(remembered.bad(&key, now), Some(AuthnFault::Inactive));
        assert_eq!(remembered.bad(&key, now + BAD_LIFETIME), None);
        for i in 0..MAX_GOOD as u32 + 5 {
            let lives = Duration::from_secs(if i % 2 == 0 { 1 } else { 600 });
            remembered.keep_good(
                hash(&i.to_string()),
                Arc::default(),
                lives,
                now + Duration::from_millis(i.into()),
            );
            assert!(remembered.len() <= MAX_GOOD);
        }
    }
}
