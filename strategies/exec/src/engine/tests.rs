use paperwire_core::account::{AccountState, HaltReason, Trigger};
use paperwire_core::bar::Timeframe;
use paperwire_core::book::Level;
use paperwire_core::command::Verb;
use paperwire_core::event::{GapReason, MarketKind, SymbolStatus};
use paperwire_core::ids::StratId;
use paperwire_core::instrument::TradingStatus;
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{
    Distance, ExitLevel, Exits, OrderEnd, OrderSpec, OrderTrigger, TimeInForce, Trail,
};
use paperwire_core::strategy::{Action, Flip, Reason, RejectReason, Signal, Size};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::{OrderSide, TradeTick};

use crate::latency::{Constant, Surge};
use crate::report::{Report, ReportKind};
use crate::risk::RiskLimits;
use crate::testkit::{
    BTC, Heard, Rig, Setup, XRP, XRP_BTC, amount, config, instrument, lots, usd, worth,
};

mod account;
mod defects;
mod latency;
mod regime;
mod truth;
mod venue;

const KEEP: ExitLevel = ExitLevel::Keep;

#[test]
fn a_stop_on_a_short_is_one_fill_a_flat_position_and_told_to_the_strategy() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 50.0).bracket(ExitLevel::PctFromFill(0.5), KEEP));
    rig.book(BTC, 1_004_980, 1_004_985); // ask below the stop of 100,499.4
    assert_eq!(rig.fills().len(), 1);
    for _ in 0..60 {
        rig.book(BTC, 1_006_990, 1_007_000); // far beyond it: filled at the market, not at the stop
    }
    let fills = rig.fills();
    assert_eq!(fills.len(), 2);
    assert_eq!(
        (fills[1].trigger, fills[1].px, fills[1].lots_after),
        (Trigger::StopLoss, Px::new(1_007_000), 0)
    );
    assert_eq!(fills[1].qty, fills[0].qty);
    assert!(fills[1].net < fills[1].realized);
    assert!(fills[1].realized < 0);
    let heard: Vec<Trigger> = (rig.desks[0].lock().unwrap().heard.iter())
        .filter_map(|heard| if let Heard::Fill(fill) = heard { Some(fill.trigger) } else { None })
        .collect();
    assert_eq!(heard, [Trigger::Strategy, Trigger::StopLoss]);
}

#[test]
fn a_target_is_taken_on_the_executable_side_and_a_stop_wins_over_it() {
    let mut rig = Rig::new();
    let exits = (ExitLevel::PctFromFill(0.5), ExitLevel::PctFromFill(1.0));
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(exits.0, exits.1)); // at 100,000.5
    rig.book(BTC, 1_009_990, 1_010_010); // the ask is there, the bid is not
    assert_eq!(rig.fills().len(), 1);
    rig.book(BTC, 1_010_006, 1_010_010);
    assert_eq!(rig.last_fill().trigger, Trigger::TakeProfit);
    assert_eq!(rig.last_fill().px, Px::new(1_010_006));

    // Both at once: the stop was set above the target's price.
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(exits.0, exits.1));
    rig.trade(BTC, OrderSide::Sell, 900_000, 1); // a print through the stop
    assert_eq!(rig.last_fill().trigger, Trigger::StopLoss);
}

#[test]
fn nothing_is_filled_from_a_book_that_is_not_believed() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(0.5), KEEP));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    rig.trade(BTC, OrderSide::Sell, 900_000, 1);
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.fills().len(), 1, "the price is far below the stop, and the book is void");
    assert_eq!(rig.rejects(), [RejectReason::BookNotLive]);
    let at = ExchNs::new(1);
    let gap = SymbolStatus::Gap { from: at, to: at, reason: GapReason::Checksum };
    rig.event(BTC, MarketKind::Status(gap));
    rig.book(BTC, 899_990, 900_000); // the first verified book: the stop fills at its gapped price
    assert_eq!(rig.last_fill().px, Px::new(899_990));
}

#[test]
fn a_bitcoin_quoted_fill_is_accounted_in_dollars_and_needs_a_live_leg() {
    let mut rig = Rig::new();
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    rig.book(XRP_BTC, 1_999, 2_000);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0));
    assert_eq!(rig.rejects(), [RejectReason::NoQuoteRate]);
    rig.book(BTC, 999_990, 1_000_010);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0));
    let fill = rig.last_fill();
    assert_eq!((fill.symbol, fill.qty, fill.px), (XRP_BTC, lots(750_000_000), Px::new(2_000)));
    assert!((fill.fee - usd(0.015)).abs() < usd(1e-9));
    rig.book(XRP_BTC, 2_199, 2_201); // mid up 10 %: 1.50 dollars
    assert!((rig.row().unrealized - usd(1.5)).abs() < usd(1e-9), "{}", rig.row().unrealized);
    rig.book(BTC, 1_999_990, 2_000_010); // and the currency it is paid in doubles
    assert!((rig.row().unrealized - usd(3.0)).abs() < usd(1e-9), "{}", rig.row().unrealized);
    assert!(rig.world().account().identity_holds());
}

#[test]
fn signals_before_the_declared_bars_are_refused() {
    let setup = Setup { warmup: &[(Timeframe::M5, 1)], ..Setup::default() };
    let mut rig = Rig::with(config(), setup);
    rig.say(worth(BTC, Action::Buy, 20.0));
    assert_eq!(rig.rejects(), [RejectReason::WarmingUp]);
    assert!(rig.fills().is_empty());
}

#[test]
fn a_level_on_the_wrong_side_refuses_the_whole_signal() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 20.0).bracket(ExitLevel::At(Px::new(1_000_500)), KEEP));
    assert_eq!(rig.rejects(), [RejectReason::BadExitLevel]);
    let heard = rig.desks[0].lock().unwrap().heard.clone();
    assert!(matches!(heard[..], [Heard::Reject(RejectReason::BadExitLevel)]), "{heard:?}");
    assert!(rig.fills().is_empty());
}

fn why() -> Reason {
    Reason::new("test")
}
fn limit(px: i64) -> OrderSpec {
    OrderSpec::limit(Px::new(px))
}
fn with_latency(legs: [u64; 4]) -> Rig {
    let legs = legs.map(DurationNs::from_millis);
    let mut config = config();
    config.venue.latency = Box::new(Constant::new(legs, Surge::OFF));
    Rig::with(config, Setup::default())
}
fn replace(px: i64, qty: i64) -> Signal {
    Signal::new(BTC, Action::Replace, Size::Base(lots(qty)), why()).order(limit(px)).tag(7)
}
fn flips() -> Setup {
    Setup { flip: Flip::Reverse, ..Setup::default() }
}
fn risk(risk: RiskLimits) -> Setup {
    Setup { risk, ..Setup::default() }
}

fn small_pair(capital: i64, setup: Setup) -> Rig {
    let mut config = config();
    config.capital = Money::from_num(capital);
    let mut rig = Rig::of(&[instrument("BTC/USD", 1), instrument("SHIB/USD", 8)], config, setup);
    rig.levels(XRP_BTC, &[(1_999, i64::MAX / 4)], &[(2_000, i64::MAX / 4)]);
    rig
}

#[test]
fn an_order_meets_the_book_of_the_time_when_it_arrives() {
    let mut rig = with_latency([20, 30, 0, 0]);
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.now_ms += 40;
    rig.book(BTC, 1_001_995, 1_002_005);
    assert!(rig.fills().is_empty(), "it is still on its way");
    rig.now_ms += 20;
    // It arrives before this event and so meets the book of the one before.
    rig.book(BTC, 1_009_995, 1_010_005);
    let fill = rig.last_fill();
    assert_eq!(fill.px, Px::new(1_002_005));
    assert_eq!(fill.evidence.latency, DurationNs::from_millis(50));
    assert_eq!(fill.evidence.book_age, DurationNs::from_millis(9));
}

#[test]
fn a_strategy_learns_of_its_fill_when_the_message_has_come_back() {
    let mut rig = with_latency([0, 10, 0, 30]);
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.pass_ms(20);
    assert_eq!(rig.fills().len(), 1);
    assert!(rig.desks[0].lock().unwrap().heard.is_empty());
    assert_eq!(rig.desks[0].lock().unwrap().lots_seen.last(), Some(&0), "nor does it see it");
    rig.pass_ms(30);
    let heard = rig.desks[0].lock().unwrap().heard.clone();
    assert!(matches!(heard[..], [Heard::Fill(_), Heard::Done(OrderEnd::Filled)]), "{heard:?}");
    assert!(*rig.desks[0].lock().unwrap().lots_seen.last().unwrap() > 0);
}

#[test]
fn a_cancel_on_its_way_does_not_save_an_order() {
    let mut rig = with_latency([0, 0, 50, 0]);
    rig.say(amount(BTC, Action::Buy, 50_000).order(OrderSpec::limit(Px::new(999_000))));
    rig.say(Signal::cancel(BTC, 7, Reason::new("test")));
    rig.book(BTC, 998_000, 998_500); // through the price, within the fifty milliseconds
    assert_eq!(rig.last_fill().px, Px::new(999_000));
    rig.say(amount(BTC, Action::Buy, 50_000).order(OrderSpec::limit(Px::new(990_000))));
    rig.say(Signal::cancel(BTC, 7, Reason::new("test")));
    rig.pass_ms(100);
    rig.book(BTC, 980_000, 980_500);
    assert_eq!(rig.fills().len(), 1);
    assert_eq!(rig.ends(), [OrderEnd::Filled, OrderEnd::Cancelled]);
}

#[test]
fn commands_block_entries_and_never_exits() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.say(amount(BTC, Action::Buy, 10_000).order(OrderSpec::limit(Px::new(990_000))));
    rig.command(Verb::Pause);
    assert_eq!(rig.row().state, AccountState::Paused);
    assert_eq!(rig.ends().last(), Some(&OrderEnd::Operator), "a resting entry is cancelled");
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.rejects(), [RejectReason::Paused]);
    rig.book(BTC, 980_000, 980_010);
    assert_eq!(rig.last_fill().trigger, Trigger::StopLoss);

    rig.command(Verb::Resume);
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.position_lots(BTC), rig.last_fill().qty.raw());
    rig.command(Verb::Flatten);
    assert_eq!((rig.position_lots(BTC), rig.last_fill().trigger), (0, Trigger::Operator));

    rig.say(worth(BTC, Action::Short, 10.0));
    rig.command(Verb::Kill);
    assert_eq!(rig.position_lots(BTC), 0);
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::Killed));
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.rejects().last(), Some(&RejectReason::Halted));

    rig.command(Verb::Reset);
    let row = rig.row();
    assert_eq!((row.equity, row.fees, row.fills), (usd(100.0), usd(0.0), 0));
    assert_eq!(row.state, AccountState::Active);
    let told = rig.reports.iter().rev().find_map(|report| match report.kind {
        ReportKind::State { state, .. } => Some(state),
        _ => None,
    });
    assert_eq!(told, Some(AccountState::Active), "a reset lifts a halt, and says so");
}

#[test]
fn a_strategy_that_panics_is_out_alone_and_keeps_its_stop() {
    let setup = Setup { strategies: 2, ..Setup::default() };
    let mut rig = Rig::with(config(), setup);
    rig.say_as(0, worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.desks[0].lock().unwrap().panics = true;
    rig.timer();
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::Benched));
    rig.say_as(1, worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.fills().len(), 2, "the other one trades on");
    rig.book(BTC, 980_000, 980_010);
    assert_eq!(rig.position_lots(BTC), 0);
}

#[test]
fn a_strategy_can_be_benched_and_keeps_its_stop() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.command(Verb::Bench);
    let calls = rig.desks[0].lock().unwrap().lots_seen.len();
    rig.timer();
    assert_eq!(rig.desks[0].lock().unwrap().lots_seen.len(), calls, "it is not called any more");
    rig.command(Verb::Resume);
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::Benched));
    rig.book(BTC, 980_000, 980_010);
    assert_eq!(rig.last_fill().trigger, Trigger::StopLoss);
}

#[test]
fn the_bracket_prices_the_same_orders_three_ways() {
    let mut rig = Rig::new();
    let levels = [(1_000_005, 20_000), (1_000_105, 20_000), (1_000_205, 1_000_000)];
    rig.levels(BTC, &[(999_995, 1_000_000)], &levels);
    rig.say(amount(BTC, Action::Buy, 40_000));
    let [low, queue, high] = rig.brackets().try_into().unwrap();
    assert!(low.profit < queue.profit, "half of each level: {low:?} {queue:?}");
    assert!(queue.profit < high.profit, "all at the touch: {queue:?} {high:?}");
    assert_eq!(rig.row().profit(), queue.profit, "takers of book_walk and queue do the same");
    rig.say(amount(BTC, Action::Buy, 10_000).order(OrderSpec::limit(Px::new(999_995))));
    rig.trade(BTC, OrderSide::Sell, 999_995, 10_000); // at the price, behind a million lots
    rig.timer();
    let fills: Vec<u64> = rig.brackets().iter().map(|row| row.fills).collect();
    assert_eq!(fills, [1, 1, 2]);
    assert_eq!(rig.position_lots(BTC), 40_000);
}

#[test]
fn the_end_cancels_orders_and_flattens_when_asked() {
    for flatten in [false, true] {
        let mut rig = Rig::new();
        rig.say(worth(BTC, Action::Buy, 50.0));
        rig.say(amount(BTC, Action::Buy, 10_000).order(OrderSpec::limit(Px::new(990_000))));
        rig.finish(flatten);
        assert_eq!(
            rig.ends(),
            if flatten {
                vec![OrderEnd::Filled, OrderEnd::SessionEnd, OrderEnd::Filled]
            } else {
                vec![OrderEnd::Filled, OrderEnd::SessionEnd]
            }
        );
        assert_eq!(rig.position_lots(BTC) == 0, flatten);
    }
}

#[test]
fn a_round_trip_at_unchanged_prices_costs_spread_slippage_and_fees_to_the_last_bit() {
    let table = [(BTC, 999_995, 1_000_005, 20_000), (XRP_BTC, 2_249, 2_251, 700_000_000)];
    for model in ["seed", "book_walk", "queue"] {
        for (symbol, bid, ask, count) in table {
            for action in [Action::Buy, Action::Short] {
                let mut config = config();
                model.clone_into(&mut config.venue.fill_model);
                let mut rig = Rig::with(config, Setup::default());
                rig.book(symbol, bid, ask);
                rig.say(amount(symbol, action, count));
                rig.say(Signal::close(symbol, Reason::new("test")));
                let [open, close] = rig.fills().try_into().unwrap();
                let slip = |px: i64| if model == "seed" { (px + 1_999) / 2_000 } else { 0 };
                let (bought, sold) = (ask + slip(ask), bid - slip(bid));
                assert_eq!(open.px.raw() + close.px.raw(), bought + sold, "{model} {action:?}");
                let of = *rig.engine.market().view().symbol(symbol).instrument();
                let value = |px: i64| of.money(Px::new(px).notional(lots(count)));
                let lost = (value(bought) - value(sold)) * open.quote_rate;
                let row = rig.row();
                assert_eq!(row.realized, -lost, "{model} {action:?}");
                assert_eq!(row.fees, open.fee + close.fee);
                assert_eq!(open.fee, open.value * open.quote_rate * (usd(1.0) / 1000));
                assert_eq!(row.equity, usd(100.0) - lost - open.fee - close.fee);
            }
        }
    }
}
