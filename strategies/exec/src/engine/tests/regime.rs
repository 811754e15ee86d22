//! What closed bars teach every strategy, and how entries follow it.

use paperwire_core::bar::{Bar, BarFlags};
use paperwire_core::board::{Indicator, NotReady};
use paperwire_core::regime::TrendRegime;
use paperwire_signals::router::Router;

use super::*;

/// Minutes of history, each `step` dollars from the last.
fn history(rig: &mut Rig, minutes: i64, step: i64) {
    for minute in 0..minutes {
        let close = 1_000_000 + minute * step * 10;
        let px = Px::new;
        let bar = Bar {
            open_at: ExchNs::new(minute * 60_000_000_000),
            open: px(close - step * 10),
            high: px(close + 50),
            low: px(close - 50 - step.abs() * 10),
            close: px(close),
            volume: lots(1_000_000),
            vwap: px(close),
            trades: 5,
            flags: BarFlags { is_carried: false, is_incomplete: false },
        };
        rig.event(BTC, MarketKind::History((Timeframe::M1, bar)));
    }
}

#[test]
fn what_is_reported_of_history_is_marked_and_nothing_else_is() {
    let mut rig = Rig::new();
    assert!(rig.reports.iter().all(|report| !report.is_history));
    rig.reports.clear();
    rig.desks[0].lock().unwrap().panics = true;
    history(&mut rig, 1, 1);
    assert!(!rig.reports.is_empty() && rig.reports.iter().all(|report| report.is_history));
}

#[test]
fn a_market_that_moves_one_way_is_called_so() {
    for (step, labels) in [
        (20, [TrendRegime::Bull, TrendRegime::StrongBull]),
        (-20, [TrendRegime::Bear, TrendRegime::StrongBear]),
    ] {
        let mut rig = Rig::new();
        history(&mut rig, 10, step);
        let view = rig.engine.market().view();
        assert!(view.regime(BTC).is_none(), "ten minutes say nothing");
        let sma = view.symbol(BTC).board(Timeframe::M1).get(Indicator::Sma20);
        assert_eq!(sma, Err(NotReady::WarmingUp { bars: 10, need: 20 }));

        let mut rig = Rig::new();
        history(&mut rig, 260, step);
        let view = rig.engine.market().view();
        let regime = view.regime(BTC).expect("there were enough minutes");
        assert!(labels.contains(&regime.state.label), "{step}: {regime:?}");
        assert!(view.regime(XRP).is_none(), "another symbol knows nothing of it");
        let rsi = view.symbol(BTC).board(Timeframe::M1).get(Indicator::Rsi14).unwrap();
        assert_eq!(rsi > 90.0, step > 0);
        assert!(view.symbol(BTC).board(Timeframe::M5).get(Indicator::Sma20).is_ok());
    }
}

#[test]
fn entries_follow_the_regime_only_where_it_was_asked_for() {
    for (router, fills) in [(None, 1), (Some(Router::of("mean_reversion")), 0)] {
        let mut rig = Rig::with(config(), Setup { router, ..Setup::default() });
        history(&mut rig, 260, 40);
        rig.now_ms = 260 * 60_000;
        rig.book(BTC, 999_995, 1_000_005);
        rig.say(worth(BTC, Action::Buy, 20.0));
        assert_eq!(rig.fills().len(), fills);
    }
}
