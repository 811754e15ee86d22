use super::*;

const SECOND: u64 = 1_000_000_000;

/// What becomes of a time: taken, taken as a step of so many seconds, or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Taken,
    Step(i64),
    Refused,
}
use Seen::{Refused, Step as Stepped, Taken as Kept};

fn exch(second: i64) -> ExchNs {
    ExchNs::new(second * 1_000_000_000)
}

fn host(second: u64) -> HostNs {
    HostNs::new(second * SECOND)
}

fn take(clock: &mut VenueClock, at: i64, rx: u64, is_news: bool) -> Seen {
    match clock.take(exch(at), host(rx), is_news) {
        Taken::Believed => Kept,
        Taken::Refused => Refused,
        Taken::Stepped(step) => Stepped((step.to.raw() - step.from.raw()) / 1_000_000_000),
    }
}

/// Times as seconds of the exchange and of this host, all of them news.
#[track_caller]
fn check(times: &[(i64, u64, Seen)]) -> VenueClock {
    let mut clock = VenueClock::default();
    for (index, &(at, rx, expected)) in times.iter().enumerate() {
        assert_eq!(take(&mut clock, at, rx, true), expected, "time {index}");
    }
    clock
}

#[test]
fn one_damaged_time_is_refused_and_forgotten() {
    check(&[
        (10_000, 1, Kept),
        (90_000, 2, Refused),
        (10_002, 3, Kept),
        (90_000, 4, Refused),
        (90_001, 5, Refused),
        (10_005, 6, Kept),
        (90_002, 7, Refused),
    ]);
}

#[test]
fn three_in_a_row_that_agree_set_the_clock_forward_and_back() {
    check(&[
        (10_000, 1, Kept),
        (90_000, 2, Refused),
        (90_001, 3, Refused),
        (90_002, 4, Stepped(79_999)),
        (90_003, 5, Kept),
        // Another hour back: what is of the past is no reason to refuse it.
        (86_400, 6, Kept),
        (86_401, 7, Kept),
        (86_402, 8, Stepped(-3_604)),
        (86_403, 9, Kept),
    ]);
}

#[test]
fn a_first_time_of_another_age_and_three_frames_of_another_day_are_healed() {
    const YEAR: i64 = 31_536_000;
    check(&[
        (73 * YEAR, 1, Kept),
        (10_000, 2, Kept),
        (10_001, 3, Kept),
        (10_002, 4, Stepped(10_002 - 73 * YEAR - 3)),
        (10_003, 5, Kept),
        (96_400, 6, Refused),
        (96_401, 7, Refused),
        (96_402, 8, Stepped(86_396)),
        (10_007, 9, Kept),
        (10_008, 10, Kept),
        (10_009, 11, Stepped(-86_396)),
        (10_010, 12, Kept),
    ]);
}

#[test]
fn contradictions_that_disagree_are_never_believed() {
    check(&[
        (10_000, 1, Kept),
        (90_000, 2, Refused),
        (190_000, 3, Refused),
        (90_000, 4, Refused),
        (190_000, 5, Refused),
        (9_000, 6, Kept),
        (2_000, 7, Kept),
        (9_000, 8, Kept),
    ]);
}

#[test]
fn times_agree_by_what_passed_here_between_them() {
    check(&[
        (10_000, 0, Kept),
        (90_000, 1, Refused),
        // Nearly as before, although an hour has passed.
        (90_001, 3_601, Refused),
        (93_700, 7_300, Refused),
        (93_701, 7_301, Stepped(76_400)),
    ]);
}

#[test]
fn messages_that_overtake_each_other_set_no_clock() {
    check(&[(10_000, 0, Kept), (9_991, 1, Kept), (9_992, 1, Kept), (9_993, 2, Kept)]);
    assert_eq!(
        check(&[(10_000, 0, Kept), (9_991, 1, Kept)]).latest(),
        Some((exch(10_000), host(0)))
    );
}

#[test]
fn snapshots_are_no_word_against_news_and_the_first_news_ends_them() {
    let mut clock = check(&[(10_000, 1, Kept), (90_000, 2, Refused), (90_001, 2, Refused)]);
    // Trades of a snapshot are of any age.
    assert_eq!(take(&mut clock, 400, 2, false), Kept);
    assert_eq!(take(&mut clock, 90_002, 3, true), Stepped(80_000));
    let mut clock = VenueClock::default();
    for (at, rx, is_news, expected) in [
        // The last trade of a quiet pair; then the market as it is.
        (400, 1, false, Kept),
        (10_000, 2, true, Kept),
        (10_001, 3, true, Kept),
    ] {
        assert_eq!(take(&mut clock, at, rx, is_news), expected);
    }
}

#[test]
fn a_reconnect_believes_the_next_news() {
    let mut clock = check(&[(10_000, 1, Kept)]);
    clock.on_disconnect();
    assert_eq!(take(&mut clock, 9_000, 20, false), Kept);
    assert_eq!(take(&mut clock, 5_000, 21, true), Stepped(-5_020));
    assert_eq!(take(&mut clock, 90_000, 22, true), Refused);
}

#[test]
fn times_far_from_the_wall_clock_are_never_believed() {
    let mut clock = VenueClock::default();
    clock.set_wall(exch(10_000), host(0));
    assert_eq!(clock.estimate(host(5)), Some(exch(10_005)));
    for rx in 1..5 {
        assert_eq!(take(&mut clock, 90_000, rx, true), Refused);
        assert_eq!(take(&mut clock, 9_000, rx, true), Refused);
    }
    assert_eq!(take(&mut clock, 400, 5, false), Kept, "a trade of a snapshot");
    assert_eq!(take(&mut clock, 10_007, 6, true), Kept);
}
