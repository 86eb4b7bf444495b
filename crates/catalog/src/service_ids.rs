//! Ids of services that the configuration does not name (SE-2, W27): each gets the one its description suggests; where
//! two would be the same, who keeps it and what the others are called depends on addresses only, not on order or time.

use open_cli_contract::slug::reference_slug;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A service that wants an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The id of its description.
    pub(crate) derived: String,
    pub(crate) title: String,
    pub(crate) source_id: String,
    /// Whole address of its description.
    pub(crate) address: String,
}

/// The id of each wish, in their order. Of several with the same wish, the one with the smallest source id and address
/// gets it; the others get the first free of `<id>-<title>` and `<id>-<8 hex digits of the address's SHA-256>`. Ids of
/// the configuration are never given away.
pub(crate) fn assign(configured: &BTreeSet<String>, wishes: &[Wish]) -> Vec<String> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, wish) in wishes.iter().enumerate() {
        groups.entry(&wish.derived).or_default().push(index);
    }
    // What anybody wishes for is not given to somebody else as a way out.
    let mut taken: BTreeSet<String> = configured.clone();
    taken.extend(groups.keys().map(|id| (*id).to_owned()));
    let mut ids = vec![String::new(); wishes.len()];
    for (derived, mut group) in groups {
        group.sort_by_key(|&index| (&wishes[index].source_id, &wishes[index].address));
        let losers = if configured.contains(derived) {
            group
        } else {
            ids[group[0]] = derived.to_owned();
            group.split_off(1)
        };
        for index in losers {
            ids[index] = way_out(derived, &wishes[index], &mut taken);
        }
    }
    ids
}

fn way_out(derived: &str, wish: &Wish, taken: &mut BTreeSet<String>) -> String {
    let title = reference_slug(&wish.title);
    let hash = Sha256::digest(format!("{}\u{0}{}", wish.source_id, wish.address));
    let hashed = format!("{derived}-{}", crate::snapshot::hex(&hash[..4]));
    let candidates = (!title.is_empty() && title != derived).then(|| format!("{derived}-{title}"));
    let free = candidates.into_iter().chain([hashed.clone()]).find(|candidate| taken.insert(candidate.clone()));
    // Source and address are different for each service, so this one is free but for a collision of hashes.
    free.unwrap_or(hashed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(derived: &str, title: &str, address: &str) -> Wish {
        Wish {
            derived: derived.into(),
            title: title.into(),
            source_id: "hub".into(),
            address: format!("https://h.example/{address}"),
        }
    }

    /// W27.
    #[test]
    fn services_that_wish_for_the_same_id_get_distinct_ones_whatever_their_order() {
        let wishes = [
            wish("v1", "Orders", "b"),
            wish("v1", "Stock", "a"),
            wish("v1", "Stock", "c"),
            wish("v1", "", "d"),
            wish("depot", "Depot", "e"),
            wish("v1-orders", "Orders", "f"),
        ];
        let configured = BTreeSet::from(["depot".to_owned()]);
        let ids = assign(&configured, &wishes);
        let hashed = |id: &str, address: &str| {
            let hash = Sha256::digest(format!("hub\u{0}https://h.example/{address}"));
            format!("{id}-{}", crate::snapshot::hex(&hash[..4]))
        };
        let expected = [
            hashed("v1", "b"), // `v1-orders` is another's.
            "v1".to_owned(),
            "v1-stock".to_owned(),
            hashed("v1", "d"),
            hashed("depot", "e"),
            "v1-orders".to_owned(),
        ];
        assert_eq!(ids, expected);
        let mut reversed: Vec<Wish> = wishes.to_vec();
        reversed.reverse();
        let mut again = assign(&configured, &reversed);
        again.reverse();
        assert_eq!(again, expected);
    }
}
