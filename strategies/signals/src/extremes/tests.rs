use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn equals_a_scan_of_the_values_before(xs in prop::collection::vec(0i64..50, 1..200), period in 1usize..35) {
        let mut high = RollingExtreme::highest(period);
        let mut low = RollingExtreme::lowest(period);
        for (i, x) in xs.iter().enumerate() {
            let window = i.checked_sub(period).map(|from| &xs[from..i]);
            prop_assert_eq!(high.push(*x), window.map(|w| *w.iter().max().unwrap()));
            prop_assert_eq!(low.push(*x), window.map(|w| *w.iter().min().unwrap()));
        }
    }
}

#[test]
fn the_new_value_is_not_part_of_what_it_is_compared_with() {
    let mut high = RollingExtreme::highest(2);
    assert_eq!([1, 2, 9].map(|x| high.push(x)), [None, None, Some(2)]);
    assert_eq!(high.value(), Some(9));
}
