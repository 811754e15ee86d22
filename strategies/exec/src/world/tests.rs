use paperwire_core::account::{Liquidity, Trigger};
use paperwire_core::num::{Px, Qty};
use paperwire_core::order::{
    Distance, ExitLevel, Exits, OrderEnd, OrderPrice, OrderSpec, OrderState, OrderTrigger,
    TimeInForce, Trail,
};
use paperwire_core::strategy::{Action, Flip, Reason, RejectReason, Signal, Size};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use crate::testkit::{BTC, Rig, Setup, amount, config, lots, worth};

const MARKET: OrderSpec = OrderSpec::MARKET;

fn rig(fill_model: &str) -> Rig {
    let mut config = config();
    fill_model.clone_into(&mut config.venue.fill_model);
    Rig::with(config, Setup::default())
}

fn limit(px: i64) -> OrderSpec {
    OrderSpec::limit(Px::new(px))
}

fn buy(count: i64, order: OrderSpec) -> Signal {
    amount(BTC, Action::Buy, count).order(order)
}

#[test]
fn a_limit_order_takes_what_is_good_enough_and_rests_with_the_remainder() {
    let mut rig = Rig::new();
    rig.levels(BTC, &[(999_995, 50_000)], &[(1_000_005, 10_000), (1_000_105, 10_000)]);
    rig.say(buy(30_000, limit(1_000_050)));
    let fill = rig.last_fill();
    assert_eq!(
        (fill.qty, fill.px, fill.liquidity),
        (lots(10_000), Px::new(1_000_005), Liquidity::Taker)
    );
    let order = rig.world().orders()[0];
    assert_eq!((order.left, order.state), (lots(20_000), OrderState::Resting));
    rig.change(BTC, &[], &[(1_000_005, 0), (1_000_040, 5_000)]); // somebody offers below our bid
    let fill = rig.last_fill();
    assert_eq!(
        (fill.qty, fill.px, fill.liquidity),
        (lots(5_000), Px::new(1_000_050), Liquidity::Maker)
    );
    rig.change(BTC, &[(999_990, 1)], &[]);
    assert_eq!(rig.fills().len(), 2, "the same five thousand are not there twice");
    rig.trade(BTC, OrderSide::Sell, 1_000_000, 8_000); // through our price
    assert_eq!(rig.last_fill().qty, lots(8_000));
    assert_eq!(rig.last_fill().evidence.print, Some((Px::new(1_000_000), lots(8_000))));
    rig.trade(BTC, OrderSide::Sell, 1_000_050, 80_000); // at our price: not through
    assert_eq!(rig.fills().len(), 3);
}

#[test]
fn in_the_queue_an_order_waits_its_turn() {
    let mut rig = rig("queue");
    rig.levels(BTC, &[(999_995, 5_000)], &[(1_000_005, 50_000)]);
    rig.say(buy(3_000, limit(999_995)));
    assert_eq!(rig.world().orders()[0].ahead, Some(lots(5_000)));
    rig.trade(BTC, OrderSide::Sell, 999_995, 4_000);
    assert!(rig.fills().is_empty());
    assert_eq!(rig.world().orders()[0].ahead, Some(lots(1_000)));
    rig.trade(BTC, OrderSide::Sell, 999_995, 2_000);
    let fill = rig.last_fill();
    assert_eq!((fill.qty, fill.liquidity), (lots(1_000), Liquidity::Maker));
    assert_eq!(fill.evidence.ahead_at_entry, Some(lots(5_000)));
    assert_eq!(fill.levels, 0);
    rig.trade(BTC, OrderSide::Sell, 999_995, 9_000);
    assert_eq!(rig.last_fill().qty, lots(2_000));
    assert_eq!(rig.ends(), [OrderEnd::Filled]);
    assert_eq!(rig.row().maker_fills, 2);
}

#[test]
fn orders_that_must_not_rest_end_at_once() {
    let mut rig = Rig::new();
    rig.levels(BTC, &[(999_995, 50_000)], &[(1_000_005, 10_000)]);
    rig.say(buy(30_000, OrderSpec { tif: TimeInForce::Fok, ..limit(1_000_005) }));
    assert_eq!((rig.fills().len(), rig.ends().len()), (0, 1));
    rig.say(buy(30_000, OrderSpec { tif: TimeInForce::Ioc, ..limit(1_000_005) }));
    assert_eq!(rig.last_fill().qty, lots(10_000));
    rig.say(buy(5_000, OrderSpec::post_only(Px::new(1_000_005))));
    assert_eq!(rig.ends(), [OrderEnd::NotImmediate, OrderEnd::NotImmediate, OrderEnd::WouldTake]);
    assert!(rig.world().orders().is_empty());
}

#[test]
fn a_good_till_date_order_expires_on_time() {
    let mut rig = Rig::new();
    let until = ExchNs::new((rig.now_ms + 1_000) * 1_000_000);
    rig.say(buy(10_000, OrderSpec { tif: TimeInForce::Gtd(until), ..limit(990_000) }));
    rig.pass_ms(900);
    assert_eq!(rig.world().orders().len(), 1);
    rig.pass_ms(200);
    assert_eq!(rig.ends(), [OrderEnd::Expired]);
}

#[test]
fn stops_and_targets_of_orders_wait_for_their_price() {
    let mut rig = Rig::new();
    let trigger = |trigger| OrderSpec { trigger: Some(trigger), ..MARKET };
    rig.say(buy(10_000, trigger(OrderTrigger::Stop(Px::new(1_010_000)))));
    assert_eq!(rig.world().orders()[0].state, OrderState::Waiting);
    rig.book(BTC, 1_009_980, 1_009_990);
    assert!(rig.fills().is_empty());
    rig.book(BTC, 1_009_995, 1_010_005);
    assert_eq!(rig.last_fill().px, Px::new(1_010_005), "at the market, not at the trigger");

    // Stop-limit: released, but not beyond its limit.
    let stop_limit =
        OrderSpec { trigger: Some(OrderTrigger::Stop(Px::new(1_020_000))), ..limit(1_020_010) };
    rig.say(buy(10_000, stop_limit));
    rig.book(BTC, 1_029_995, 1_030_005);
    assert_eq!(rig.fills().len(), 1);
    assert_eq!(rig.world().orders()[0].state, OrderState::Resting);

    rig.say(Signal::cancel(BTC, 0, Reason::new("test")));
    rig.say(buy(10_000, trigger(OrderTrigger::TakeProfit(Px::new(1_000_000)))));
    rig.book(BTC, 999_980, 999_990);
    assert_eq!(rig.last_fill().px, Px::new(999_990));
}

#[test]
fn a_trailing_order_follows_the_best_price() {
    let mut rig = Rig::new();
    rig.say(buy(50_000, MARKET));
    let trail = OrderTrigger::Trail(Distance::Percent(1.0));
    rig.say(amount(BTC, Action::Sell, 50_000).order(OrderSpec { trigger: Some(trail), ..MARKET }));
    for mid in [1_010_000, 1_030_000, 1_021_000] {
        rig.book(BTC, mid - 5, mid + 5);
    }
    assert_eq!(rig.fills().len(), 1, "fallen by less than one percent of the entry");
    rig.book(BTC, 1_019_900, 1_019_910);
    assert_eq!(rig.last_fill().px, Px::new(1_019_900));
}

#[test]
fn a_position_trails_breaks_even_and_times_out() {
    let exits = |exits: Exits| {
        let mut rig = Rig::new();
        let signal = buy(50_000, MARKET);
        rig.say(Signal { exits, ..signal });
        rig
    };
    let trail = Trail { distance: Distance::Percent(1.0), activation_pct: 2.0 };
    let mut rig = exits(Exits { trail: Some(trail), ..Exits::KEEP });
    rig.book(BTC, 985_000, 985_010); // not active yet: no stop
    rig.book(BTC, 1_030_000, 1_030_010);
    rig.book(BTC, 1_020_100, 1_020_110);
    assert_eq!(rig.fills().len(), 1);
    rig.book(BTC, 1_019_900, 1_019_910);
    assert_eq!(rig.last_fill().trigger, Trigger::TrailingStop);

    let stop = ExitLevel::PctFromFill(2.0);
    let mut rig = exits(Exits { stop, break_even_pct: Some(1.0), ..Exits::KEEP });
    rig.book(BTC, 1_010_100, 1_010_110);
    let position = *rig.world().account().position(BTC);
    assert_eq!((position.stop, position.break_even), (Some(Px::new(1_000_005)), None));
    rig.book(BTC, 1_000_000, 1_000_010);
    assert_eq!(rig.last_fill().trigger, Trigger::StopLoss);

    let mut rig = exits(Exits { hold_max: Some(DurationNs::from_secs(5)), ..Exits::KEEP });
    rig.pass_ms(4_900);
    assert_eq!(rig.fills().len(), 1);
    rig.pass_ms(200);
    assert_eq!(rig.last_fill().trigger, Trigger::TimeStop);
}

#[test]
fn a_level_can_be_moved_and_cleared() {
    let mut rig = Rig::new();
    let (stop, target) = (ExitLevel::At(Px::new(990_000)), ExitLevel::At(Px::new(1_010_000)));
    rig.say(buy(50_000, MARKET).bracket(stop, target));
    let protect = worth(BTC, Action::Protect, 1.0);
    rig.say(protect.bracket(ExitLevel::Clear, ExitLevel::At(Px::new(1_020_000))));
    let position = *rig.world().account().position(BTC);
    assert_eq!((position.stop, position.target), (None, Some(Px::new(1_020_000))));
    rig.say(protect.bracket(ExitLevel::At(Px::new(1_000_000)), ExitLevel::Keep));
    assert_eq!(rig.rejects(), [RejectReason::BadExitLevel], "above the bid it would act at once");
}

#[test]
fn an_iceberg_queues_again_with_each_part() {
    let mut rig = rig("queue");
    rig.levels(BTC, &[(999_995, 5_000)], &[(1_000_005, 50_000)]);
    rig.say(buy(6_000, OrderSpec { display: Some(lots(2_000)), ..limit(999_995) }));
    rig.trade(BTC, OrderSide::Sell, 999_995, 7_000); // five ahead, two of ours
    assert_eq!(rig.last_fill().qty, lots(2_000));
    assert_eq!(rig.world().orders()[0].ahead, Some(lots(5_000)), "behind all that is shown");
    rig.say(buy(60_000, OrderSpec { display: Some(lots(2_000)), ..limit(999_995) }));
    assert_eq!(rig.rejects(), [RejectReason::BadTerms], "less than a fifteenth is shown");
}

#[test]
fn one_of_a_pair_cancels_the_other() {
    let mut rig = Rig::new();
    rig.say(buy(50_000, MARKET));
    let sell =
        |spec: OrderSpec| amount(BTC, Action::Sell, 50_000).order(OrderSpec { oco: 1, ..spec });
    rig.say(sell(limit(1_010_000)));
    rig.say(sell(OrderSpec { trigger: Some(OrderTrigger::Stop(Px::new(990_000))), ..MARKET }));
    rig.book(BTC, 989_990, 990_010);
    assert_eq!(rig.ends()[1..], [OrderEnd::OtherFilled, OrderEnd::Filled]);
    assert_eq!(rig.position_lots(BTC), 0);
    assert!(rig.world().orders().is_empty());
}

#[test]
fn resting_exits_go_with_the_position() {
    let mut rig = Rig::new();
    rig.say(buy(50_000, MARKET));
    rig.say(amount(BTC, Action::Sell, 50_000).order(limit(1_010_000)).tag(9));
    rig.say(Signal::close(BTC, Reason::new("test")));
    assert_eq!(rig.ends(), [OrderEnd::Filled, OrderEnd::NothingToReduce, OrderEnd::Filled]);
    rig.say(buy(50_000, MARKET));
    rig.book(BTC, 1_011_000, 1_011_010);
    assert_eq!(rig.position_lots(BTC), 50_000, "it does not meet the next position");
}

#[test]
fn a_replaced_order_keeps_its_place_only_when_it_shrinks() {
    let mut rig = rig("queue");
    rig.levels(BTC, &[(999_995, 5_000)], &[(1_000_005, 50_000)]);
    rig.say(buy(3_000, limit(999_995)));
    rig.trade(BTC, OrderSide::Sell, 999_995, 4_000);
    let replace = |count: i64, px: i64| {
        Signal::new(BTC, Action::Replace, Size::Base(lots(count)), Reason::new("test"))
            .order(limit(px))
            .tag(7)
    };
    rig.say(replace(2_000, 999_995));
    assert_eq!(rig.world().orders()[0].ahead, Some(lots(1_000)));
    rig.say(replace(4_000, 999_995));
    assert_eq!(rig.world().orders()[0].ahead, Some(lots(5_000)), "as if it were new");
    rig.say(replace(4_000, 1_000_005));
    assert_eq!(rig.last_fill().qty, lots(4_000), "it takes what its new price reaches");
    rig.say(replace(4_000, 999_000));
    assert_eq!(rig.rejects(), [RejectReason::NoSuchOrder]);
}

#[test]
fn resting_quotes_on_both_sides_net() {
    let mut config = config();
    "queue".clone_into(&mut config.venue.fill_model);
    let mut rig = Rig::with(config, Setup { flip: Flip::Reverse, ..Setup::default() });
    rig.levels(BTC, &[(999_995, 1_000)], &[(1_000_005, 1_000)]);
    rig.say(buy(20_000, OrderSpec::post_only(Px::new(999_995))));
    rig.say(amount(BTC, Action::Short, 30_000).order(OrderSpec::post_only(Px::new(1_000_005))));
    rig.trade(BTC, OrderSide::Sell, 999_995, 21_000);
    assert_eq!(rig.position_lots(BTC), 20_000);
    rig.trade(BTC, OrderSide::Buy, 1_000_005, 31_000);
    assert_eq!(rig.position_lots(BTC), -10_000);
    assert!(rig.row().realized > 0, "the spread was earned");
}

#[test]
fn own_fills_eat_the_book_until_it_shows_fresh_quantity() {
    let mut rig = Rig::new();
    rig.levels(BTC, &[(999_995, 90_000)], &[(1_000_005, 30_000), (1_000_015, 30_000)]);
    rig.say(buy(30_000, MARKET));
    rig.say(buy(30_000, MARKET));
    assert_eq!(rig.last_fill().px, Px::new(1_000_015), "the first level is ours already");
    assert_eq!(rig.last_fill().evidence.consumed, lots(30_000));
    rig.change(BTC, &[], &[(1_000_005, 40_000)]); // ten thousand more
    rig.say(buy(20_000, MARKET));
    assert_eq!((rig.last_fill().qty, rig.last_fill().px), (lots(10_000), Px::new(1_000_005)));
    rig.change(BTC, &[], &[(1_000_005, 0)]);
    rig.change(BTC, &[], &[(1_000_005, 15_000)]); // gone and come back: fresh
    rig.say(buy(15_000, MARKET));
    assert_eq!((rig.last_fill().qty, rig.last_fill().px), (lots(15_000), Px::new(1_000_005)));

    let mut config = config();
    config.venue.has_overlay = false;
    let mut rig = Rig::with(config, Setup::default());
    rig.levels(BTC, &[(999_995, 90_000)], &[(1_000_005, 30_000), (1_000_015, 30_000)]);
    rig.say(buy(30_000, MARKET));
    rig.say(buy(30_000, MARKET));
    assert_eq!(rig.last_fill().px, Px::new(1_000_005));
}

#[test]
fn a_fill_below_the_tenth_level_is_flagged() {
    let mut config = config();
    config.depth = 25;
    let mut rig = Rig::with(config, Setup::default());
    let asks: Vec<(i64, i64)> = (0..15).map(|i| (1_000_005 + i, 4_000)).collect();
    rig.levels(BTC, &[(999_995, 90_000)], &asks);
    rig.say(buy(40_000, MARKET));
    assert!(!rig.last_fill().is_unverified_depth);
    rig.book(BTC, 999_995, 1_000_005);
    rig.levels(BTC, &[(999_995, 90_000)], &asks);
    rig.say(buy(44_000, MARKET));
    assert!(rig.last_fill().is_unverified_depth, "{:?}", rig.last_fill());
}

#[test]
fn the_seed_model_fills_all_at_the_touch_with_its_slippage() {
    let mut rig = rig("seed");
    rig.levels(BTC, &[(999_995, 10)], &[(1_000_005, 10)]);
    rig.say(buy(40_000, MARKET));
    assert_eq!((rig.last_fill().qty, rig.last_fill().px), (lots(40_000), Px::new(1_000_506)));
    rig.say(Signal::close(BTC, Reason::new("test")));
    assert_eq!(rig.last_fill().px, Px::new(999_495));
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let mut rig = Rig::new();
    let refused = |rig: &mut Rig, signal: Signal| {
        let before = rig.rejects().len();
        rig.say(signal);
        assert_eq!(rig.rejects().len(), before + 1, "{signal:?}");
        *rig.rejects().last().unwrap()
    };
    let ioc_post = OrderSpec { tif: TimeInForce::Ioc, ..OrderSpec::post_only(Px::new(990_000)) };
    let past = OrderSpec { tif: TimeInForce::Gtd(ExchNs::new(0)), ..limit(990_000) };
    let hidden = OrderSpec { display: Some(Qty::new(1)), ..limit(990_000) };
    let cases = [
        (buy(10_000, ioc_post), RejectReason::BadTerms),
        (buy(10_000, past), RejectReason::BadTerms),
        (buy(10_000, hidden), RejectReason::BadTerms),
        (buy(10_000, OrderSpec { is_post_only: true, ..MARKET }), RejectReason::BadTerms),
        (buy(10_000, limit(0)), RejectReason::BadPrice),
        (buy(0, MARKET), RejectReason::BadSize),
        (buy(10, MARKET), RejectReason::BelowMinimum),
        (amount(BTC, Action::Sell, 10_000), RejectReason::NoPosition),
        (buy(10_000, OrderSpec { is_reduce_only: true, ..MARKET }), RejectReason::NoPosition),
        (Signal::cancel(BTC, 3, Reason::new("test")), RejectReason::NoSuchOrder),
        (worth(BTC, Action::Protect, 1.0), RejectReason::NoPosition),
    ];
    for (signal, why) in cases {
        assert_eq!(refused(&mut rig, signal), why, "{signal:?}");
    }
    for _ in 0..64 {
        rig.say(buy(1_000, limit(900_000)));
    }
    assert_eq!(refused(&mut rig, buy(1_000, limit(900_000))), RejectReason::TooManyOrders);
    assert_eq!(rig.row().rejects, 12);
    let _ = OrderPrice::Market;
}
