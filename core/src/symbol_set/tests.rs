use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn ids() -> impl Strategy<Value = Vec<SymbolId>> {
    let last = u16::try_from(SYMBOLS_MAX).expect("few symbols");
    proptest::collection::vec((0..last).prop_map(SymbolId), 0..80)
}

fn listed(set: SymbolSet) -> Vec<SymbolId> {
    set.iter().collect()
}

fn ordered(model: &BTreeSet<SymbolId>) -> Vec<SymbolId> {
    model.iter().copied().collect()
}

proptest! {
    #[test]
    fn it_holds_what_an_ordered_set_holds(put in ids(), taken in ids()) {
        let (mut set, mut model) = (SymbolSet::EMPTY, BTreeSet::new());
        for symbol in put {
            set.insert(symbol);
            model.insert(symbol);
            prop_assert!(set.contains(symbol));
        }
        for symbol in taken {
            prop_assert_eq!(set.contains(symbol), model.contains(&symbol));
            set.remove(symbol);
            model.remove(&symbol);
            prop_assert!(!set.contains(symbol));
        }
        prop_assert_eq!(listed(set), ordered(&model));
        prop_assert_eq!(set.len(), model.len());
        prop_assert_eq!(set.is_empty(), model.is_empty());
        set.clear();
        prop_assert_eq!(set, SymbolSet::EMPTY);
    }

    #[test]
    fn two_of_them_meet_as_ordered_sets_do(one in ids(), other in ids()) {
        let [a, b]: [SymbolSet; 2] = [&one, &other].map(|of| of.iter().copied().collect());
        let [one, other]: [BTreeSet<SymbolId>; 2] = [one, other].map(|of| of.into_iter().collect());
        prop_assert_eq!(listed(a & b), ordered(&(&one & &other)));
        prop_assert_eq!(listed(a | b), ordered(&(&one | &other)));
        prop_assert_eq!(listed(a - b), ordered(&(&one - &other)));
        prop_assert_eq!(a.is_disjoint(b), one.is_disjoint(&other));
        let mut both = a;
        both |= b;
        prop_assert_eq!(both, a | b);
    }
}

#[test]
fn all_of_a_run_are_its_first_symbols() {
    for count in 0..=SYMBOLS_MAX {
        let set = SymbolSet::all(count);
        assert_eq!(set.len(), count);
        let indexes = (0..SYMBOLS_MAX).map(|of| SymbolId(u16::try_from(of).expect("few symbols")));
        assert!(indexes.clone().all(|symbol| set.contains(symbol) == (symbol.index() < count)));
    }
    assert_eq!(SymbolSet::all(SYMBOLS_MAX), SymbolSet::EVERY);
    assert_eq!(listed(SymbolSet::only(SymbolId(3))), [SymbolId(3)]);
}
