use super::*;

const MINUTE: DurationNs = DurationNs::from_secs(60);

fn at(s: i64) -> ExchNs {
    ExchNs::new(s * 1_000_000_000)
}

#[track_caller]
fn check(results: &[i32], is_paused: bool) {
    let mut breaker = CircuitBreaker::new(3, MINUTE);
    for net in results {
        breaker.on_closed(Money::from_num(*net), at(100));
    }
    assert_eq!(breaker.blocks(at(100)), is_paused, "{results:?}");
    assert!(!breaker.blocks(at(160)), "{results:?}");
}

#[test]
fn only_losses_in_a_row_pause() {
    check(&[], false);
    check(&[-1, -1], false);
    check(&[-1, -1, -1], true);
    check(&[-1, -1, 1, -1], false);
    check(&[-1, -1, 0, -1], true);
}

#[test]
fn the_count_starts_again_after_a_pause() {
    let mut breaker = CircuitBreaker::new(2, MINUTE);
    for s in [0, 1, 100] {
        breaker.on_closed(Money::from_num(-1), at(s));
    }
    assert!(!breaker.blocks(at(101)));
    breaker.on_closed(Money::from_num(-1), at(102));
    assert!(breaker.blocks(at(103)));
}

#[test]
fn equity_is_compared_with_the_first_one_seen() {
    let mut limit = LossLimit::new(5.0);
    let blocks = [100.0, 120.0, 95.1, 94.9].map(|e| limit.blocks(Money::from_num(e)));
    assert_eq!(blocks, [false, false, false, true]);
    assert!(LossLimit::new(5.0).blocks(Money::ZERO), "nothing to trade with");
}
