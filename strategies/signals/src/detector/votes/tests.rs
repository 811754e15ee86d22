use super::Timeframe::{H1, H4, M1, M5, M15};
use super::*;

/// A board on which a close of 10 is above, below or between the averages.
fn board(direction: Direction) -> Board {
    let mut board = Board::default();
    board.next_bar();
    let (short, long) = match direction {
        Direction::Up => (9.0, 8.0),
        Direction::Down => (11.0, 12.0),
        Direction::None => (9.0, 11.0),
    };
    board.set(Indicator::Sma20, Some(short));
    board.set(Indicator::Sma50, Some(long));
    board
}

#[track_caller]
fn check(votes: &[(Timeframe, Direction)], dominant: TrendRegime, alignment: f64, coverage: f64) {
    let mut all = Votes::default();
    for (timeframe, direction) in votes {
        all.cast(*timeframe, 10.0, &board(*direction));
    }
    let found = all.count().unwrap();
    assert_eq!(found.dominant, dominant);
    assert!((found.alignment - alignment).abs() < 1e-12, "{found:?}");
    assert!((found.coverage - coverage).abs() < 1e-12, "{found:?}");
}

#[test]
fn longer_timeframes_weigh_more_and_unknown_ones_nothing() {
    use Direction::{Down, None as Flat, Up};
    use TrendRegime::{Bear, Sideways, StrongBear, StrongBull};
    check(&[(M1, Up), (M5, Up), (M15, Up), (H1, Up), (H4, Up)], StrongBull, 1.0, 1.0);
    check(
        &[(M1, Up), (M5, Down), (M15, Down), (H1, Down), (H4, Down)],
        StrongBear,
        14.0 / 15.0,
        1.0,
    );
    check(&[(M5, Down), (M15, Flat), (H1, Down), (H4, Down)], Bear, 11.0 / 14.0, 14.0 / 15.0);
    check(&[(H1, Up), (H4, Down)], Sideways, 5.0 / 9.0, 9.0 / 15.0);
    check(&[(M1, Up), (M5, Up), (M15, Down)], Sideways, 0.5, 6.0 / 15.0);
    check(&[(H4, Flat)], Sideways, 0.5, 5.0 / 15.0);
    assert_eq!(Votes::default().count(), None);
}

#[test]
fn the_shorter_pair_votes_until_there_are_fifty_bars() {
    let mut board = Board::default();
    board.next_bar();
    assert_eq!(direction(10.0, &board), None);
    board.set(Indicator::Ema9, Some(11.0));
    board.set(Indicator::Ema21, Some(12.0));
    board.set(Indicator::Sma20, Some(9.0));
    assert_eq!(direction(10.0, &board), Some(Direction::Down));
    board.set(Indicator::Sma50, Some(8.0));
    assert_eq!(direction(10.0, &board), Some(Direction::Up));
}

#[test]
fn a_timeframe_that_has_no_weight_has_no_vote() {
    let mut votes = Votes::default();
    votes.cast(Timeframe::M30, 10.0, &board(Direction::Up));
    assert_eq!(votes.count(), None);
}
