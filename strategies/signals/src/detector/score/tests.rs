use super::*;

/// Adx, +DI, -DI, choppiness, RSI, alignment, volume ratio.
type Values = [f64; 7];
const UP: Values = [60.0, 40.0, 5.0, 30.0, 100.0, 1.0, 1.0];
const DOWN: Values = [60.0, 5.0, 40.0, 30.0, 0.0, -1.0, 1.0];

fn board(values: Values) -> Board {
    use Indicator::{Adx14, Choppiness14, MaAlignment, MinusDi14, PlusDi14, Rsi14, VolumeRatio20};
    let mut board = Board::default();
    for of in Indicator::ALL {
        board.set_need(*of, 14);
    }
    (0..BARS_MIN).for_each(|_| board.next_bar());
    let of = [Adx14, PlusDi14, MinusDi14, Choppiness14, Rsi14, MaAlignment, VolumeRatio20];
    for (of, value) in of.into_iter().zip(values) {
        board.set(of, Some(value));
    }
    board
}

#[track_caller]
fn check(values: Values, fear_greed: Option<u8>, expected: f64) -> Score {
    let found = score(&board(values), &Weights::default(), fear_greed).unwrap();
    assert!((found.composite - expected).abs() < 1e-12, "{found:?}");
    found
}

#[test]
fn up_and_down_score_the_same_and_flat_scores_nothing() {
    check(UP, None, 1.0);
    check(DOWN, None, -1.0);
    check([0.0, 0.0, 0.0, 100.0, 50.0, 0.0, 1.0], None, 0.0);
    // The same by hand: 0.25 * 0.5 + 0.2 * 0.4 + 0.15 * 0.2 over 0.6, and (0.2 * 0.5 + 0.25 * 0.5) / 0.45.
    let up = [25.0, 30.0, 10.0, 50.0, 60.0, 0.4, 1.0];
    let down = [25.0, 10.0, 30.0, 50.0, 40.0, -0.4, 1.0];
    check(up, None, 0.235 / 0.6 * 0.75);
    check(down, None, -0.235 / 0.6 * 0.75);
}

#[test]
fn what_has_no_direction_gives_none() {
    let calm = [10.0, 20.0, 10.0, 20.0, 50.0, 0.0, 9.0];
    let found = check(calm, None, 0.0);
    assert!(found.parts.trendiness > 0.5 && found.parts.volume_gain > 1.0);
}

#[test]
fn volume_strengthens_both_sides_within_bounds() {
    let with = |mut values: Values, volume| {
        values[6] = volume;
        values[5] *= 0.1;
        score(&board(values), &Weights::default(), None).unwrap()
    };
    for (volume, gain) in [(0.0, 0.8), (0.5, 0.9), (1.0, 1.0), (1.5, 1.1), (2.0, 1.2), (50.0, 1.2)]
    {
        let (up, down) = (with(UP, volume), with(DOWN, volume));
        assert!((up.parts.volume_gain - gain).abs() < 1e-12, "{volume}");
        assert!((up.composite + down.composite).abs() < 1e-12);
    }
}

#[test]
fn choppiness_is_continuous() {
    let at = |chop| {
        let mut values = UP;
        (values[0], values[3]) = (25.0, chop);
        score(&board(values), &Weights::default(), None).unwrap().composite
    };
    for edge in [CHOP_TREND, CHOP_NOISE] {
        assert!((at(edge - 1e-9) - at(edge + 1e-9)).abs() < 1e-6);
    }
    assert!(at(30.0) > at(50.0) && at(50.0) > at(70.0));
}

#[test]
fn sentiment_counts_once_and_without_it_the_others_count_more() {
    let up = [25.0, 30.0, 10.0, 50.0, 60.0, 0.4, 1.0];
    check(up, Some(50), 0.235 / 0.7 * 0.75);
    check(up, Some(100), 0.335 / 0.7 * 0.75);
    check(up, Some(0), 0.135 / 0.7 * 0.75);
    assert_eq!(check(up, None, 0.235 / 0.6 * 0.75).parts.sentiment, None);
}

#[test]
fn warming_up_is_said_and_an_undefined_value_is_neutral() {
    let mut young = Board::default();
    (0..BARS_MIN - 1).for_each(|_| young.next_bar());
    let error = score(&young, &Weights::default(), None).unwrap_err();
    assert_eq!(error, NotReady::WarmingUp { bars: 199, need: 200 });
    let mut slow = board(UP);
    slow.set_need(Indicator::AtrPct14, 500);
    assert!(score(&slow, &Weights::default(), None).is_err());
    let nothing = [f64::NAN; 7];
    check(nothing, None, 0.0);
    let still = [30.0, 20.0, 10.0, f64::NAN, 80.0, 1.0, 1.0];
    check(still, Some(100), 0.0);
}
