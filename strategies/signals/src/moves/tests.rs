use proptest::prelude::*;

use super::*;
use crate::golden::{check_bars, last, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), period in 1usize..20) {
        let mut moves = MoveCounter::new(period);
        check_bars(&bars, |bar| moves.push(bar.close), |bars| naive::strength_of_moves(&naive::closes(bars), period));
    }
}

#[test]
fn golden() {
    let mut moves = MoveCounter::new(10);
    assert_eq!(last(|bar| moves.push(bar.close)), Some(-1.0));
    assert_eq!(moves.down_share(), Some(1.0));
}

#[test]
fn a_close_that_stands_still_takes_no_place() {
    let mut moves = MoveCounter::new(4);
    for x in [1.0, 2.0, 2.0, f64::NAN, 3.0, 3.0, 2.0] {
        assert_eq!(moves.push(x), None);
    }
    assert_eq!(moves.push(4.0), Some(0.5));
    assert_eq!((moves.up_share(), moves.down_share()), (Some(0.75), Some(0.25)));
}
