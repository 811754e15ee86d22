use super::*;
use crate::num::{Px, Qty};
use crate::trade::OrderSide;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn tick(at: i64, px: i64, qty: i64) -> TradeTick {
    TradeTick {
        at: ExchNs::new(at),
        px: Px::new(px),
        qty: Qty::new(qty),
        taker: OrderSide::Buy,
        ..Default::default()
    }
}

fn rules(gap_policy: GapPolicy) -> BarRules {
    BarRules { gap_policy, ..BarRules::default() }
}

/// Feeds trades in arrival order and closes everything a while later.
fn build(policy: GapPolicy, trades: &[TradeTick]) -> (Vec<Closed>, BarCounters) {
    let mut bars = BarSet::new(rules(policy));
    let mut closed = Vec::new();
    let mut now = ExchNs::new(0);
    for trade in trades {
        now = now.max(trade.at);
        bars.on_trade(trade, now, &mut |bar| closed.push(bar));
    }
    bars.advance(ExchNs::new(now.raw() + 2 * MINUTE_NS), &mut |bar| {
        closed.push(bar);
    });
    (closed, bars.counters())
}

fn minutes(closed: &[Closed]) -> Vec<Bar> {
    closed.iter().filter(|c| c.0 == Timeframe::M1).map(|c| c.1).collect()
}

#[test]
fn a_bar_closes_by_the_clock_and_not_by_the_next_trade() {
    let mut bars = BarSet::new(BarRules::default());
    let mut closed = Vec::new();
    bars.on_trade(&tick(SECOND, 10, 1), ExchNs::new(SECOND), &mut |bar| {
        closed.push(bar);
    });
    bars.advance(ExchNs::new(MINUTE_NS + 499_999_999), &mut |bar| {
        closed.push(bar);
    });
    assert!(closed.is_empty(), "grace is not over");
    bars.advance(ExchNs::new(MINUTE_NS + 500_000_000), &mut |bar| {
        closed.push(bar);
    });
    assert_eq!(minutes(&closed).len(), 1);
}

#[test]
fn a_late_trade_joins_its_minute_within_grace_and_is_counted_after() {
    let (closed, counters) = build(
        GapPolicy::Carry,
        &[
            tick(30 * SECOND, 10, 1),
            tick(60 * SECOND + SECOND / 10, 20, 1), // next minute
            tick(59 * SECOND, 5, 1),                // late, within grace
            tick(61 * SECOND, 21, 1),               // ends the grace
            tick(58 * SECOND, 1, 1),                // too late
        ],
    );
    let bars = minutes(&closed);
    assert_eq!((bars[0].low, bars[0].close, bars[0].trades), (Px::new(5), Px::new(5), 2));
    assert_eq!((bars[1].open, bars[1].close, bars[1].trades), (Px::new(20), Px::new(21), 2));
    assert_eq!(counters.late_trades, 1);
}

#[test]
fn empty_minutes_are_carried_and_flagged_or_skipped() {
    let trades = [tick(SECOND, 10, 1), tick(5 * MINUTE_NS + SECOND, 20, 3)];
    let (closed, counters) = build(GapPolicy::Carry, &trades);
    let bars = minutes(&closed);
    assert_eq!(
        bars.iter().map(|b| b.open_at.raw() / MINUTE_NS).collect::<Vec<_>>()[..6],
        [0, 1, 2, 3, 4, 5]
    );
    assert!(bars[1..5].iter().all(|b| b.flags.is_carried && b.close == Px::new(10)));
    assert!(!bars[5].flags.is_carried);
    assert_eq!(counters.carried, 5); // four inside, one after the last trade
    let (closed, _) = build(GapPolicy::Skip, &trades);
    assert_eq!(minutes(&closed).len(), 2);
}

#[test]
fn weeks_start_on_monday() {
    let thursday = ExchNs::parse_rfc3339(b"2026-11-19T13:00:00Z").unwrap();
    assert_eq!(Timeframe::W1.floor(thursday).to_string(), "2026-11-16T00:00:00.000000000Z");
    assert_eq!(Timeframe::D1.floor(thursday).to_string(), "2026-11-19T00:00:00.000000000Z");
}

#[test]
fn history_is_continued_and_never_repeated() {
    let mut bars = BarSet::new(BarRules::default());
    let mut closed = Vec::new();
    let history = |minute: i64| Bar {
        open_at: ExchNs::new(minute * MINUTE_NS),
        close: Px::new(5),
        ..Bar::default()
    };
    for minute in [0, 1, 2, 2, 1, 3] {
        bars.push_history((Timeframe::M1, history(minute)), &mut |bar| closed.push(bar));
    }
    bars.on_trade(&tick(3 * MINUTE_NS + 5, 9, 1), ExchNs::new(4 * MINUTE_NS), &mut |bar| {
        closed.push(bar);
    });
    bars.on_trade(&tick(4 * MINUTE_NS + 5, 9, 1), ExchNs::new(4 * MINUTE_NS + 5), &mut |bar| {
        closed.push(bar);
    });
    assert_eq!(minutes(&closed).len(), 4);
    assert_eq!(bars.counters().late_trades, 1, "its minute is already history");
    assert_eq!(bars.forming().unwrap().open_at.raw(), 4 * MINUTE_NS);
}

#[test]
fn long_history_is_continued_by_minutes() {
    let mut bars = BarSet::new(BarRules::default());
    let mut closed = Vec::new();
    let bar = |minute: i64, close: i64| Bar {
        open_at: ExchNs::new(minute * MINUTE_NS),
        close: Px::new(close),
        ..Bar::default()
    };
    // Five minutes from 5 on were had whole, of which the minutes 8 and 9 were had too.
    let history = [
        (5, 0, 1),
        (1, 8, 2),
        (5, 5, 3),
        (1, 9, 3),
        (1, 10, 4),
        (1, 11, 4),
        (1, 12, 4),
        (1, 13, 4),
        (1, 14, 5),
    ];
    for (length, minute, close) in history {
        let timeframe = if length == 5 { Timeframe::M5 } else { Timeframe::M1 };
        bars.push_history((timeframe, bar(minute, close)), &mut |bar| closed.push(bar));
    }
    let five = |closed: &[Closed]| -> Vec<(i64, i64, bool)> {
        let five = closed.iter().filter(|(timeframe, _)| *timeframe == Timeframe::M5);
        five.map(|(_, bar)| {
            (bar.open_at.raw() / MINUTE_NS, bar.close.raw(), bar.flags.is_incomplete)
        })
        .collect()
    };
    assert_eq!(five(&closed), [(0, 1, false), (5, 3, false), (10, 5, false)]);
    assert_eq!(bars.closed(Timeframe::M5).len(), 3);
    assert_eq!(bars.closed(Timeframe::M1).len(), 7);
}

proptest! {
    #[test]
    fn five_minutes_are_the_sum_of_their_minutes(
        steps in prop::collection::vec((0i64..200, 1i64..50, 1i64..9), 1..400),
        carry in any::<bool>(),
    ) {
        let mut at = 0;
        let trades: Vec<_> = steps.iter().map(|&(seconds, px, qty)| {
            at += seconds * SECOND;
            tick(at, px, qty)
        }).collect();
        let policy = if carry { GapPolicy::Carry } else { GapPolicy::Skip };
        let (closed, counters) = build(policy, &trades);
        let bars = minutes(&closed);
        prop_assert!(bars.windows(2).all(|w| w[0].open_at < w[1].open_at), "strictly increasing");
        if carry {
            prop_assert!(bars.windows(2).all(|w| w[1].open_at.raw() - w[0].open_at.raw() == MINUTE_NS));
        }
        prop_assert_eq!(counters.late_trades, 0);
        let volume: i64 = bars.iter().map(|b| b.volume.raw()).sum();
        prop_assert_eq!(volume, trades.iter().map(|t| t.qty.raw()).sum::<i64>());
        for (timeframe, long) in closed.iter().filter(|c| c.0 == Timeframe::M5 || c.0 == Timeframe::H1) {
            let inside: Vec<_> = bars.iter().filter(|b| timeframe.floor(b.open_at) == long.open_at).collect();
            prop_assert_eq!(long.open, inside[0].open);
            prop_assert_eq!(long.close, inside[inside.len() - 1].close);
            prop_assert_eq!(long.high, inside.iter().map(|b| b.high).max().unwrap());
            prop_assert_eq!(long.low, inside.iter().map(|b| b.low).min().unwrap());
            prop_assert_eq!(long.volume.raw(), inside.iter().map(|b| b.volume.raw()).sum::<i64>());
            prop_assert_eq!(long.trades, inside.iter().map(|b| b.trades).sum::<u32>());
        }
    }
}

#[test]
fn a_step_of_the_clock_carries_nothing_and_forgets_what_lies_ahead() {
    let day = 1_440 * MINUTE_NS;
    let mut bars = BarSet::new(BarRules::default());
    let mut closed = Vec::new();
    let trade = |bars: &mut BarSet, at: i64, closed: &mut Vec<Closed>| {
        bars.on_trade(&tick(at, 10, 1), ExchNs::new(at), &mut |bar| closed.push(bar));
    };
    for minute in 0..3 {
        trade(&mut bars, minute * MINUTE_NS, &mut closed);
    }
    // A day ahead for two minutes, and back into the minute that was open.
    bars.step_to(ExchNs::new(2 * MINUTE_NS + day), &mut |bar| closed.push(bar));
    for minute in 2..4 {
        trade(&mut bars, minute * MINUTE_NS + day, &mut closed);
    }
    bars.advance(ExchNs::new(4 * MINUTE_NS + day), &mut |bar| closed.push(bar));
    bars.step_to(ExchNs::new(2 * MINUTE_NS + SECOND), &mut |bar| closed.push(bar));
    for minute in 2..6 {
        trade(&mut bars, minute * MINUTE_NS + 2 * SECOND, &mut closed);
    }
    bars.advance(ExchNs::new(5 * MINUTE_NS + SECOND), &mut |bar| closed.push(bar));
    let kept: Vec<i64> =
        bars.closed(Timeframe::M1).iter().map(|bar| bar.open_at.raw() / MINUTE_NS).collect();
    assert_eq!(kept, [0, 1, 2, 3, 4], "no minute twice, none of the day ahead");
    assert_eq!(bars.counters().carried, 0);
    assert_eq!(bars.counters().late_trades, 1, "the minute that the first step closed");
    let told = minutes(&closed);
    assert!(told.iter().filter(|bar| bar.open_at.raw() < day).count() == 5, "{told:?}");
}

#[test]
fn more_than_can_be_counted_marks_its_bar() {
    let mut bars = BarSet::new(BarRules::default());
    let mut closed = Vec::new();
    let (px, qty) = (crate::limits::PX_MAX.raw(), crate::limits::QTY_MAX.raw());
    for _ in 0..1_000 {
        bars.on_trade(&tick(SECOND, px, qty), ExchNs::new(SECOND), &mut |bar| closed.push(bar));
    }
    for week in 1..=2 {
        let at = ExchNs::new(week * 7 * 1_440 * MINUTE_NS);
        bars.on_trade(&tick(at.raw(), px, i64::MAX), at, &mut |bar| closed.push(bar));
    }
    for (timeframe, bar) in &closed {
        assert!(bar.low <= bar.vwap && bar.vwap <= bar.high, "{timeframe:?} {bar:?}");
    }
    assert!(closed[0].1.flags.is_incomplete && closed[0].1.volume == Qty::new(i64::MAX));
}
