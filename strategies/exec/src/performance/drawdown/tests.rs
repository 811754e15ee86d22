use super::*;

fn at(second: i64) -> ExchNs {
    ExchNs::new(second * 1_000_000_000)
}

/// Marks of (second, equity, fall now, deepest fall, longest seconds below), as fractions of 1/8,
/// which binary money holds exactly.
#[track_caller]
fn check(marks: &[(i64, i64, f64, f64, u64)]) {
    let mut drawdown = Drawdown::new(Money::from_num(64));
    for (second, equity, now, max, longest) in marks.iter().copied() {
        let equity = Money::from_num(equity);
        drawdown.mark(at(second), equity);
        assert_eq!(drawdown.now(equity), Money::from_num(now), "now at {second}");
        assert_eq!(drawdown.max(), Money::from_num(max), "max at {second}");
        assert_eq!(drawdown.longest(), DurationNs::from_secs(longest), "longest at {second}");
    }
}

#[test]
fn the_peak_begins_at_the_baseline() {
    check(&[(5, 56, 0.125, 0.125, 0), (9, 48, 0.25, 0.25, 4), (12, 56, 0.125, 0.25, 7)]);
}

#[test]
fn a_regained_peak_ends_the_time_below_it() {
    check(&[
        (1, 128, 0.0, 0.0, 0),
        (10, 96, 0.25, 0.25, 0),
        (30, 128, 0.0, 0.25, 20),
        (40, 112, 0.125, 0.25, 20),
        (45, 256, 0.0, 0.25, 20),
        (50, 128, 0.5, 0.5, 20),
        (71, 160, 0.375, 0.5, 21),
    ]);
}

#[test]
fn equity_below_zero_falls_by_more_than_the_peak() {
    check(&[(1, -32, 1.5, 1.5, 0), (2, 0, 1.0, 1.5, 1)]);
}

#[test]
fn a_mark_of_the_past_counts_at_the_latest_time() {
    check(&[(10, 32, 0.5, 0.5, 0), (4, 16, 0.75, 0.75, 0), (12, 16, 0.75, 0.75, 2)]);
}
