//! Laws of differences: nothing differs from itself, the way back is the way there turned round, and steps add up.

use open_cli_changes::Delta;
use open_cli_contract::changes::CatalogChanges;
use open_cli_contract::definition::{Definition, Definitions, Input};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn input() -> impl Strategy<Value = Input> {
    let kinds = prop_oneof!["", "string", "integer", "number", "null|string"].boxed();
    ("[ab]", any::<bool>(), kinds, vec("[xy]", 0..3)).prop_map(|(name, required, kind, mut values)| {
        values.sort();
        values.dedup();
        Input { location: "query".into(), name, required, kind, values, schema: String::new() }
    })
}

fn definition() -> impl Strategy<Value = Definition> {
    (vec(input(), 0..3), "[st]", any::<bool>()).prop_map(|(mut parameters, server, destructive)| {
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        parameters.dedup_by(|a, b| a.name == b.name);
        let mut definition = Definition { server, parameters, ..Definition::default() };
        definition.safety.destructive = destructive;
        definition
    })
}

fn catalog() -> impl Strategy<Value = Definitions> {
    btree_map("[a-d]", definition(), 0..4).prop_map(|tools| Definitions { tools, ..Definitions::default() })
}

fn between(from: &Definitions, to: &Definitions) -> Delta {
    Delta::between(("from", from), ("to", to))
}

/// Without the names of the revisions.
fn plain(delta: &Delta) -> CatalogChanges {
    CatalogChanges { from: String::new(), to: String::new(), ..delta.report(usize::MAX) }
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(one in catalog()) {
        prop_assert!(between(&one, &one).is_empty());
    }

    #[test]
    fn the_way_back_adds_what_the_way_there_removes(one in catalog(), other in catalog()) {
        let (there, back) = (plain(&between(&one, &other)), plain(&between(&other, &one)));
        prop_assert_eq!(there.added, back.removed);
        prop_assert_eq!(there.removed, back.added);
        prop_assert_eq!(there.altered.count, back.altered.count);
        let ids = |changes: &CatalogChanges| {
            let mut ids: Vec<String> = changes.altered.tools.iter().map(|tool| tool.id.clone()).collect();
            ids.sort();
            ids
        };
        let (back, there) = (plain(&between(&other, &one)), plain(&between(&one, &other)));
        prop_assert_eq!(ids(&there), ids(&back));
    }

    #[test]
    fn steps_add_up(steps in vec(catalog(), 2..6)) {
        let deltas: Vec<Delta> = steps.windows(2).map(|pair| between(&pair[0], &pair[1])).collect();
        let sum = Delta::sum(&deltas).expect("at least one step");
        prop_assert_eq!(plain(&sum), plain(&between(&steps[0], &steps[steps.len() - 1])));
    }
}
