use paperwire_core::instrument::SymbolId;
use paperwire_core::num::Px;
use paperwire_core::order::OrderSpec;
use paperwire_core::strategy::Reason;

use super::TrendRegime::{Bear, Bull, Sideways, StrongBear, StrongBull};
use super::*;

fn state(label: TrendRegime) -> RegimeState {
    let volatility = VolatilityState::Medium;
    RegimeState { label, volatility, confidence: 1.0, ..RegimeState::default() }
}

#[track_caller]
fn check(strategy: &str, label: TrendRegime, expected: (f64, f64, f64, f64, bool)) {
    let found = Router::of(strategy).adjust(Some(&state(label)));
    let (size, stop, target, entry_shift, is_enabled) = expected;
    assert_eq!(found, Adjustment { size, stop, target, entry_shift, is_enabled });
}

#[test]
fn the_table() {
    for label in [StrongBull, StrongBear] {
        check("mean_reversion", label, (0.3, 2.0, 1.0, 0.5, false));
        check("momentum_scalping", label, (1.2, 1.0, 1.5, 0.0, true));
        check("grid_rsi_reversion", label, (0.0, 1.0, 1.0, 0.0, false));
        check("whale_sentiment", label, (0.8, 1.0, 1.0, 0.2, true));
    }
    for label in [Bull, Bear] {
        check("mean_reversion", label, (0.6, 1.5, 1.0, 0.3, true));
        check("momentum_scalping", label, (1.0, 1.0, 1.0, 0.0, true));
        check("grid_rsi_reversion", label, (0.5, 1.0, 1.0, 0.0, true));
        check("whale_sentiment", label, (1.0, 1.0, 1.0, 0.0, true));
    }
    check("mean_reversion", Sideways, (1.0, 1.0, 0.8, 0.0, true));
    check("momentum_scalping", Sideways, (0.3, 1.0, 1.0, 0.0, false));
    check("grid_rsi_reversion", Sideways, (1.2, 1.0, 1.0, 0.0, true));
    check("whale_sentiment", Sideways, (1.2, 1.0, 1.0, 0.0, true));
    check("order_flow", StrongBear, (1.0, 1.0, 1.0, 0.0, true));
    assert_eq!(Router::of("mean_reversion").adjust(None), Adjustment::NEUTRAL);
}

#[test]
fn size_follows_volatility_confidence_and_restlessness() {
    let size = |volatility, confidence, changes_1h| {
        let state = RegimeState { volatility, confidence, changes_1h, ..state(Bull) };
        Router::of("other").adjust(Some(&state)).size
    };
    use VolatilityState::{Extreme, High, Low, Medium};
    for (volatility, confidence, changes, expected) in [
        (Low, 1.0, 0, 1.2),
        (Medium, 1.0, 5, 1.0),
        (Medium, 1.0, 6, 0.7),
        (High, 1.0, 0, 0.7),
        (Extreme, 1.0, 0, 0.3),
        (Medium, 0.5, 0, 1.0),
        (Medium, 0.2, 0, 0.7),
        (Low, 0.0, 9, 1.2 * 0.5 * 0.7),
    ] {
        assert!((size(volatility, confidence, changes) - expected).abs() < 1e-12, "{expected}");
    }
}

fn signal(action: Action, size: Size) -> Signal {
    Signal::new(SymbolId(0), action, size, Reason::new("test"))
        .bracket(ExitLevel::PctFromFill(2.0), ExitLevel::At(Px::new(7)))
}

#[test]
fn extreme_volatility_stops_entries_and_no_exit() {
    let wild = RegimeState { volatility: VolatilityState::Extreme, ..state(Sideways) };
    let by = Router::of("mean_reversion").adjust(Some(&wild));
    assert!(!by.is_enabled);
    let long = Some(PositionSide::Long);
    for action in Action::ALL {
        let signal = signal(*action, Size::All);
        let is_entry = matches!(action, Action::Buy | Action::Short);
        let flat = adjusted(&signal, &by, None);
        assert_eq!(flat, (!is_entry).then_some(signal), "{action:?}");
    }
    assert_eq!(adjusted(&signal(Action::Buy, Size::All), &by, long), None, "adds");
    let against = signal(Action::Short, Size::All);
    assert_eq!(adjusted(&against, &by, long), Some(against), "closes first");
    let reduce = OrderSpec { is_reduce_only: true, ..OrderSpec::MARKET };
    let reduces = signal(Action::Buy, Size::All).order(reduce);
    assert_eq!(adjusted(&reduces, &by, None), Some(reduces));
}

#[test]
fn sizes_and_distances_scale_and_prices_stay() {
    let by = Adjustment { size: 0.5, stop: 1.5, target: 2.0, ..Adjustment::NEUTRAL };
    let size = |size| adjusted(&signal(Action::Buy, size), &by, None).unwrap().size;
    assert_eq!(size(Size::Notional(Money::from_num(21))), Size::Notional(Money::from_num(10.5)));
    assert_eq!(size(Size::Base(Qty::new(21))), Size::Base(Qty::new(10)));
    assert_eq!(size(Size::All), Size::All);
    let exits = adjusted(&signal(Action::Short, Size::All), &by, None).unwrap().exits;
    assert_eq!(exits.stop, ExitLevel::PctFromFill(3.0));
    assert_eq!(exits.target, ExitLevel::At(Px::new(7)));
    let huge = Adjustment { size: 1e300, ..by };
    let same = adjusted(&signal(Action::Buy, Size::Base(Qty::new(5))), &huge, None).unwrap();
    assert_eq!(same.size, Size::Base(Qty::new(5)));
}
