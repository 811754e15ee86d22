use super::*;
use crate::testkit::usd;

const fn second(s: i64) -> ExchNs {
    ExchNs::new(s * 1_000_000_000)
}

#[test]
fn a_minute_of_orders_rolls() {
    let mut risk = Risk::new(RiskLimits { orders_per_min: 3, ..RiskLimits::default() });
    for (at, is_taken) in [
        (0, true),
        (10, true),
        (20, true),
        (59, false),
        (60, true),
        (61, false),
        (70, true),
        (500, true),
    ] {
        assert_eq!(risk.enter(second(at)).is_ok(), is_taken, "at {at} s");
    }
}

#[test]
fn losses_in_a_row_cool_down_and_a_gain_starts_the_count_again() {
    let limits = RiskLimits {
        losses_in_row: 2,
        cooldown: DurationNs::from_secs(30),
        ..RiskLimits::default()
    };
    let mut risk = Risk::new(limits);
    for net in [-1.0, 1.0, -1.0, 0.0] {
        risk.on_trade(usd(net), second(0));
    }
    assert_eq!(risk.enter(second(0)), Ok(()));
    risk.on_trade(usd(-1.0), second(5));
    assert_eq!(risk.enter(second(34)), Err(RejectReason::Cooldown));
    assert_eq!(risk.enter(second(35)), Ok(()));
}

#[test]
fn the_tightest_room_binds_and_zero_is_no_limit() {
    let held = usd(50.0);
    assert_eq!(Risk::new(RiskLimits::default()).room(|| usd(10.0), || held), None);
    let limits =
        RiskLimits { position_max: usd(40.0), exposure_max: usd(70.0), ..RiskLimits::default() };
    let risk = Risk::new(limits);
    assert_eq!(risk.room(|| usd(30.0), || held), Some((usd(10.0), RejectReason::PositionLimit)));
    assert_eq!(risk.room(|| usd(5.0), || held), Some((usd(20.0), RejectReason::ExposureLimit)));
    assert_eq!(GlobalLimits::default().room(|| usd(1e9)), None);
}

#[test]
fn losses_and_falls_halt() {
    let mut row = AccountRow::new(usd(100.0));
    let limits =
        RiskLimits { loss_max: usd(20.0), drawdown_max: usd(0.1), ..RiskLimits::default() };
    let mut risk = Risk::new(limits);
    assert_eq!(risk.halt(&row), None);
    row.equity = usd(110.0);
    assert_eq!(risk.halt(&row), None);
    row.equity = usd(98.0);
    assert_eq!(risk.halt(&row), Some(HaltReason::Drawdown), "from the peak, not from the start");
    row.equity = usd(80.0);
    assert_eq!(risk.halt(&row), Some(HaltReason::LossLimit));
    risk.restart(&row);
    assert_eq!(risk.halt(&row), None, "a resume counts from where it was");
    row.equity = usd(71.0);
    assert_eq!(risk.halt(&row), Some(HaltReason::Drawdown));
}
