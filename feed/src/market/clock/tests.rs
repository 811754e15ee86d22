use super::*;

const SECOND: u64 = 1_000_000_000;

/// A time as seconds of the exchange and of this host, and what becomes of it: taken, perhaps as a jump of so many
/// seconds, or refused for being so far ahead.
type Case = (i64, u64, Result<Option<u64>, u64>);

#[track_caller]
fn check(times: &[Case]) {
    let mut clock = VenueClock::default();
    let seconds = |span: DurationNs| span.raw() / SECOND;
    for (index, &(at, rx, expected)) in times.iter().enumerate() {
        let (at, rx) = (ExchNs::new(at * 1_000_000_000), HostNs::new(rx * SECOND));
        let found = clock.take(at, rx).map(|by| by.map(seconds)).map_err(|error| match error {
            WireError::Ahead { by } => seconds(by),
            other => panic!("{other}"),
        });
        assert_eq!(found, expected, "time {index}");
    }
}

#[test]
fn one_damaged_time_is_refused_and_forgotten() {
    check(&[
        (1_000, 1, Ok(None)),
        (9_000, 2, Err(7_999)),
        (1_002, 3, Ok(None)),
        (9_000, 4, Err(7_997)),
        (9_001, 5, Err(7_997)),
        (1_005, 6, Ok(None)),
        (9_002, 7, Err(7_996)),
    ]);
}

#[test]
fn a_jump_on_which_three_in_a_row_agree_is_believed() {
    check(&[
        (1_000, 1, Ok(None)),
        (9_000, 2, Err(7_999)),
        (9_001, 3, Err(7_999)),
        (9_002, 4, Ok(Some(7_999))),
        (9_003, 5, Ok(None)),
        // The next one is a jump of its own.
        (20_000, 6, Err(10_996)),
    ]);
}

#[test]
fn refused_times_that_disagree_are_never_believed() {
    check(&[
        (1_000, 1, Ok(None)),
        (9_000, 2, Err(7_999)),
        (19_000, 3, Err(17_998)),
        (9_000, 4, Err(7_997)),
        (19_000, 5, Err(17_996)),
    ]);
}

#[test]
fn times_agree_by_what_passed_here_between_them() {
    check(&[
        (1_000, 0, Ok(None)),
        (9_000, 1, Err(7_999)),
        // Nearly as before, although an hour has passed.
        (9_001, 3_601, Err(4_400)),
        (12_700, 7_300, Err(4_400)),
        (12_701, 7_301, Ok(Some(4_400))),
    ]);
}

#[test]
fn old_trades_are_no_word_against_a_jump() {
    check(&[
        (1_000, 1, Ok(None)),
        (9_000, 2, Err(7_999)),
        (400, 2, Ok(None)),
        (9_000, 2, Err(7_999)),
        (999, 3, Ok(None)),
        (9_001, 3, Ok(Some(7_999))),
    ]);
}
