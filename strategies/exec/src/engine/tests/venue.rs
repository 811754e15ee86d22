//! What an order may meet at the venue: closed doors, thin books, prices that are missing, its own kind.

use super::*;

#[test]
fn resting_exit_in_a_pair_whose_quote_currency_has_no_price() {
    let mut rig = Rig::new();
    rig.book(XRP_BTC, 1_999, 2_000);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0));
    rig.say(Signal::new(XRP_BTC, Action::Sell, Size::All, why()).order(limit(2_100)).tag(8));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    rig.trade(XRP_BTC, OrderSide::Buy, 2_200, 1_000_000_000);
    assert_eq!(rig.fills().len(), 1, "not fillable now, and no reason to die");
}

#[test]
fn market_exit_in_flight_when_the_quote_currency_loses_its_price() {
    let mut rig = with_latency([0, 50, 0, 0]);
    rig.book(XRP_BTC, 1_999, 2_000);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0));
    rig.pass_ms(100);
    rig.say(Signal::close(XRP_BTC, why()));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    rig.pass_ms(100);
    assert_eq!(rig.fills().len(), 1);
}

#[test]
fn resting_entry_survives_a_quote_gap() {
    let mut rig = Rig::new();
    rig.book(XRP_BTC, 1_999, 2_000);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0).order(limit(1_900)));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    rig.trade(XRP_BTC, OrderSide::Sell, 1_800, 1_000_000_000);
    assert_eq!(rig.ends(), [], "NoFunds is not why");
}

#[test]
fn resting_exit_reached_by_a_one_sided_book() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 50.0));
    rig.say(Signal::new(BTC, Action::Cover, Size::All, why()).order(limit(990_000)).tag(8));
    // All bids pulled, the best ask falls to the order's price.
    rig.change(BTC, &[(999_995, 0)], &[(990_000, 1_000_000)]);
    assert!(rig.fills().len() <= 2);
}

#[test]
fn a_bracket_world_holds_more_orders_than_the_strategy_has() {
    let mut config = config();
    "seed".clone_into(&mut config.venue.fill_model);
    let mut rig = Rig::with(config, Setup::default());
    rig.levels(BTC, &[(999_995, 1_000_000_000)], &[(1_000_005, 1_000)]);
    for _ in 0..140 {
        rig.say(amount(BTC, Action::Buy, 4_000).order(limit(1_000_005)));
        rig.say(Signal::close(BTC, why()));
    }
    assert!(rig.world().orders().is_empty());
}

#[test]
fn queue_maker_with_touch_fills_overflows_the_pessimistic_world() {
    let mut config = config();
    "queue".clone_into(&mut config.venue.fill_model);
    let mut rig = Rig::with(config, Setup::default());
    for _ in 0..140 {
        rig.levels(BTC, &[(999_994, 1_000_000)], &[(1_000_005, 1_000_000)]);
        rig.say(amount(BTC, Action::Buy, 2_000).order(OrderSpec::post_only(Px::new(999_995))));
        rig.trade(BTC, OrderSide::Sell, 999_995, 2_000);
        rig.say(Signal::close(BTC, why()));
    }
    assert!(rig.world().orders().is_empty());
}

#[test]
fn replace_to_a_huge_price_and_quantity() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Short, 10_000).order(limit(1_100_000)));
    rig.say(replace(i64::MAX, i64::MAX));
    rig.say(amount(BTC, Action::Short, 10_000).order(limit(1_100_000)));
}

#[test]
fn a_zero_price_level() {
    let mut rig = Rig::new();
    rig.levels(BTC, &[(0, 1_000_000)], &[(1_000_005, 1_000_000)]);
    rig.say(amount(BTC, Action::Buy, 10_000));
}

#[test]
fn split_of_a_large_walk() {
    let mut config = config();
    config.capital = Money::from_num(1_000_000);
    let mut rig =
        Rig::of(&[instrument("BTC/USD", 1), instrument("SHIB/USD", 8)], config, Setup::default());
    let shib = XRP_BTC;
    rig.levels(shib, &[(1_999, i64::MAX / 4)], &[(2_000, i64::MAX / 4)]);
    rig.say(amount(shib, Action::Buy, 1_000_000_000_000_000_000));
    assert_eq!(rig.rejects(), []);
    assert!(rig.position_lots(shib) > 0);
    rig.say(Signal::close(shib, why()));
    assert_eq!(rig.position_lots(shib), 0);
}

#[test]
fn a_cancel_repeated_while_it_is_on_its_way_still_arrives() {
    let mut rig = with_latency([0, 0, 50, 0]);
    rig.say(amount(BTC, Action::Buy, 50_000).order(limit(990_000)));
    for _ in 0..200 {
        rig.say(Signal::cancel(BTC, 7, why())); // one millisecond apart
    }
    assert_eq!(rig.ends().last(), Some(&OrderEnd::Cancelled), "200 ms after the first cancel");
}

#[test]
fn a_replace_after_a_cancel_does_not_undo_it() {
    let mut rig = with_latency([0, 0, 50, 0]);
    rig.say(amount(BTC, Action::Buy, 50_000).order(limit(990_000)));
    rig.say(Signal::cancel(BTC, 7, why()));
    rig.say(replace(980_000, 50_000));
    rig.pass_ms(200);
    assert_eq!(rig.ends().last(), Some(&OrderEnd::Cancelled));
}

#[test]
fn a_cancel_cannot_overtake_its_order() {
    // Both legs take the same time, both sent in the same call.
    for legs in [[0, 50, 50, 0], [0, 50, 0, 0]] {
        let mut rig = with_latency(legs);
        rig.desks[0].lock().unwrap().next.push(worth(BTC, Action::Buy, 50.0));
        rig.say(Signal::cancel(BTC, 7, why()));
        rig.pass_ms(200);
        assert_eq!(rig.ends(), [OrderEnd::Filled], "{legs:?}: sent first, arrives first");
    }
}

#[test]
fn a_whole_exit_that_arrives_flat_does_not_rest() {
    let mut rig = with_latency([0, 50, 0, 0]);
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.pass_ms(100);
    rig.say(Signal::new(BTC, Action::Sell, Size::All, why()).order(limit(1_100_000)).tag(9));
    rig.book(BTC, 980_000, 980_010); // the stop closes it while the limit is on its way
    assert_eq!(rig.position_lots(BTC), 0);
    rig.pass_ms(100);
    assert!(rig.world().orders().is_empty(), "{:?}", rig.world().orders());
}

#[test]
fn a_partial_exit_that_arrives_flat_does_not_meet_a_later_position() {
    let mut rig = with_latency([0, 50, 0, 0]);
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.pass_ms(100);
    rig.say(amount(BTC, Action::Sell, 20_000).order(limit(1_100_000)));
    rig.book(BTC, 980_000, 980_010);
    rig.pass_ms(100);
    assert!(rig.world().orders().is_empty(), "{:?}", rig.world().orders());
}

#[test]
fn an_exit_of_nothing_is_refused() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.say(worth(BTC, Action::Sell, 1e-9).order(limit(1_100_000)));
    assert!(rig.world().orders().is_empty(), "left {:?}", rig.world().orders()[0].left);
}

#[test]
fn an_exit_below_the_minimum_is_refused() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.say(amount(BTC, Action::Sell, 1)); // the venue's minimum is 1,000
    assert_eq!(rig.rejects(), [RejectReason::BelowMinimum]);
}

#[test]
fn an_order_that_arrives_after_its_time_is_not_executed() {
    let mut rig = with_latency([0, 50, 0, 0]);
    let until = ExchNs::new((rig.now_ms + 20) * 1_000_000);
    let spec = OrderSpec { tif: TimeInForce::Gtd(until), ..limit(1_000_005) };
    rig.say(amount(BTC, Action::Buy, 20_000).order(spec));
    rig.pass_ms(100);
    assert_eq!((rig.fills().len(), rig.ends()), (0, vec![OrderEnd::Expired]));
}

#[test]
fn a_replace_touches_the_one_order_it_names() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.say(amount(BTC, Action::Sell, 20_000).order(limit(1_100_000)));
    rig.say(amount(BTC, Action::Buy, 10_000).order(limit(990_000)));
    rig.say(replace(995_000, 20_000)); // meant for one of them
    assert_eq!(rig.rejects(), [RejectReason::AmbiguousTag]);
    assert_eq!(rig.fills().len(), 1, "the exit was sold at {:?}", rig.last_fill().px);
}

#[test]
fn a_flip_ends_the_exits_of_the_old_position() {
    let mut rig = Rig::with(config(), flips());
    rig.say(amount(BTC, Action::Buy, 50_000));
    rig.say(Signal::new(BTC, Action::Sell, Size::All, why()).order(limit(1_010_000)).tag(9));
    rig.say(amount(BTC, Action::Short, 80_000));
    assert_eq!(rig.position_lots(BTC), -30_000);
    assert!(rig.world().orders().is_empty(), "{:?}", rig.world().orders());
}

#[test]
fn a_trailing_trigger_without_a_distance_is_refused() {
    let mut rig = Rig::new();
    let spec = OrderSpec {
        trigger: Some(OrderTrigger::Trail(Distance::Percent(f64::NAN))),
        ..OrderSpec::MARKET
    };
    rig.say(worth(BTC, Action::Buy, 50.0).order(spec));
    assert_eq!((rig.rejects().len(), rig.ends()), (1, vec![]));
}

#[test]
fn an_exit_iceberg_shows_its_part_too() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 100_000));
    let spec = OrderSpec { display: Some(Qty::new(1_000)), ..limit(1_100_000) };
    rig.say(Signal::new(BTC, Action::Sell, Size::All, why()).order(spec));
    assert_eq!(rig.rejects(), [RejectReason::BadTerms]);
}

#[test]
fn a_waiting_stop_does_not_execute_while_the_venue_is_closed() {
    let mut rig = Rig::new();
    let spec =
        OrderSpec { trigger: Some(OrderTrigger::Stop(Px::new(1_010_000))), ..OrderSpec::MARKET };
    rig.say(worth(BTC, Action::Buy, 50.0).order(spec));
    rig.event(BTC, MarketKind::Trading(TradingStatus::CancelOnly));
    rig.book(BTC, 1_019_995, 1_020_005);
    assert_eq!(rig.fills().len(), 0);
}

#[test]
fn a_resting_order_is_not_reached_while_the_venue_is_closed() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 50_000).order(limit(990_000)));
    rig.event(BTC, MarketKind::Trading(TradingStatus::Closed));
    rig.book(BTC, 979_995, 980_005);
    assert_eq!(rig.fills().len(), 0);
}

#[test]
fn a_market_order_in_flight_meets_a_post_only_venue() {
    for status in [TradingStatus::PostOnly, TradingStatus::ReduceOnly, TradingStatus::LimitOnly] {
        let mut rig = with_latency([0, 50, 0, 0]);
        rig.say(worth(BTC, Action::Buy, 50.0));
        rig.event(BTC, MarketKind::Trading(status));
        rig.pass_ms(100);
        assert_eq!((rig.fills().len(), rig.ends()), (0, vec![OrderEnd::VenueClosed]), "{status:?}");
    }
}

#[test]
fn a_stop_does_not_take_on_a_post_only_venue() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.event(BTC, MarketKind::Trading(TradingStatus::PostOnly));
    rig.book(BTC, 979_995, 980_005);
    assert_eq!(rig.fills().len(), 1);
}

#[test]
fn numbers_of_orders_are_unique_in_a_bracket_world() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 10_000).order(limit(900_000))); // order 1 rests
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.book(BTC, 979_995, 980_005); // the stop; the first close of a bracket world is its order 1
    assert_eq!(rig.position_lots(BTC), 0);
    let shadow = rig.engine.world(StratId(0), 1);
    assert_eq!(shadow.account().position(BTC).lots, 0, "{:?}", shadow.orders());
}

#[test]
fn no_order_of_a_bracket_world_is_ended_for_another() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 10_000).order(limit(900_000))); // good till cancelled
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.book(BTC, 979_995, 980_005);
    rig.timer();
    let shadow = rig.engine.world(StratId(0), 1);
    assert_eq!(shadow.orders().len(), 1, "a GTC order expired");
}

#[test]
fn the_pessimistic_world_uses_displayed_quantity_once() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 100_000).order(limit(990_000)));
    rig.levels(BTC, &[(980_000, 1_000)], &[(990_000, 10_000)]);
    let lots_of = |rig: &Rig| rig.engine.world(StratId(0), 1).account().position(BTC).lots;
    let first = lots_of(&rig);
    for _ in 0..5 {
        rig.change(BTC, &[(980_000, 1_000)], &[]); // nothing new on the ask side
    }
    assert_eq!(lots_of(&rig), first, "of 10,000 shown");
    assert!(lots_of(&rig) <= 10_000);
}

#[test]
fn a_cancelled_strategy_order_leaves_no_orphans_in_a_bracket_world() {
    let mut config = config();
    "queue".clone_into(&mut config.venue.fill_model);
    let mut rig = Rig::with(config, Setup::default());
    rig.levels(BTC, &[(999_994, 1_000_000)], &[(1_000_005, 1_000_000)]);
    rig.say(amount(BTC, Action::Buy, 2_000).order(limit(999_995)));
    rig.trade(BTC, OrderSide::Sell, 999_995, 2_000);
    rig.say(Signal::close(BTC, why()));
    assert!(rig.world().orders().is_empty());
    rig.say(Signal::cancel(BTC, 0, why())); // refused: nothing to cancel as far as it knows
    assert_eq!(rig.engine.world(StratId(0), 1).orders().len(), 0);
}

#[test]
fn only_the_chosen_price_triggers() {
    let mut config = config();
    config.venue.trigger_price = crate::world::TriggerPrice::Mid;
    let mut rig = Rig::with(config, Setup::default());
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.trade(BTC, OrderSide::Sell, 900_000, 1);
    assert_eq!(rig.fills().len(), 1, "the middle has not moved");
}

#[test]
fn a_refused_market_order_says_why() {
    // Ioc at the market: the documented end is not_immediate.
    let mut rig = Rig::new();
    rig.levels(BTC, &[(999_995, 10_000)], &[(1_000_005, 10_000)]);
    let spec = OrderSpec { tif: TimeInForce::Ioc, ..OrderSpec::MARKET };
    rig.say(amount(BTC, Action::Buy, 20_000).order(spec));
    assert_eq!(rig.ends(), [OrderEnd::NotImmediate]);
}

#[test]
fn a_level_that_left_the_visible_depth_is_not_fresh() {
    let mut rig = Rig::new();
    rig.levels(BTC, &[(999_995, 1_000_000)], &[(1_000_105, 10_000)]);
    rig.say(amount(BTC, Action::Buy, 10_000));
    let better: Vec<(i64, i64)> = (0..10).map(|i| (1_000_005 + i, 1_000)).collect();
    rig.change(BTC, &[], &better);
    let gone: Vec<(i64, i64)> = better.iter().map(|(px, _)| (*px, 0)).collect();
    let mut back = gone;
    back.push((1_000_105, 10_000)); // the venue sends the level again, unchanged
    rig.change(BTC, &[], &back);
    rig.say(amount(BTC, Action::Buy, 10_000));
    assert_eq!(rig.position_lots(BTC), 10_000, "of 10,000 ever shown there");
}

#[test]
fn a_replace_respects_the_minimum_value() {
    let mut of = instrument("BTC/USD", 1);
    of.cost_min = usd(5.0);
    let mut rig = Rig::of(
        &[of, instrument("XRP/BTC", 8), instrument("XRP/USD", 5)],
        config(),
        Setup::default(),
    );
    rig.say(amount(BTC, Action::Buy, 50_000).order(limit(990_000)));
    rig.say(replace(990_000, 1_000)); // one dollar
    assert_eq!(rig.rejects(), [RejectReason::BelowMinimum]);
}

#[test]
fn a_replace_of_an_iceberg_respects_its_part() {
    let mut rig = Rig::new();
    let spec = OrderSpec { display: Some(Qty::new(1_000)), ..limit(990_000) };
    rig.say(amount(BTC, Action::Buy, 15_000).order(spec));
    rig.say(replace(990_000, 100_000));
    assert_eq!(rig.rejects(), [RejectReason::BadTerms]);
}

#[test]
fn a_gap_of_the_quote_currency_while_a_strategy_stop_waits() {
    let mut rig = Rig::new();
    rig.book(XRP_BTC, 1_999, 2_000);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0));
    let spec = OrderSpec { trigger: Some(OrderTrigger::Stop(Px::new(1_900))), ..OrderSpec::MARKET };
    rig.say(Signal::new(XRP_BTC, Action::Sell, Size::All, why()).order(spec));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Stale));
    rig.book(XRP_BTC, 1_799, 1_800);
    assert_eq!(rig.fills().len(), 1);
}

#[test]
fn a_replace_repeated_while_it_is_on_its_way_still_arrives() {
    let mut rig = with_latency([0, 0, 50, 0]);
    let legs = [0, 50, 50, 0].map(DurationNs::from_millis);
    let mut config = config();
    config.venue.latency = Box::new(Constant::new(legs, Surge::OFF));
    rig = {
        drop(rig);
        Rig::with(config, Setup::default())
    };
    rig.say(amount(BTC, Action::Buy, 50_000).order(limit(990_000)));
    rig.pass_ms(100);
    for step in 0..200 {
        rig.say(replace(990_000 + step, 50_000)); // one millisecond apart
    }
    assert_ne!(rig.world().orders()[0].spec, limit(990_000), "200 ms after the first replace");
}

#[test]
fn a_fill_of_a_replaced_order_carries_the_reason_of_the_order_as_it_is_now() {
    let mut rig = with_latency([0, 50, 0, 0]);
    rig.say(amount(BTC, Action::Buy, 30_000).order(limit(990_000)));
    rig.pass_ms(100);
    let replace = replace(991_000, 40_000);
    rig.say(Signal { reason: Reason::new("closer"), ..replace });
    rig.trade(BTC, OrderSide::Sell, 989_000, 10_000); // before the change has come
    rig.pass_ms(100);
    rig.trade(BTC, OrderSide::Sell, 989_000, 30_000);
    let codes: Vec<&str> = rig.fills().iter().map(|fill| fill.reason.code()).collect();
    assert_eq!(codes, ["test", "closer"]);
}

#[test]
fn a_signal_says_which_book_it_saw() {
    let mut rig = Rig::new();
    rig.levels(BTC, &[(98, 8), (97, 7)], &[(101, 5)]);
    rig.say(amount(BTC, Action::Buy, 30_000));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Stale));
    rig.say(amount(BTC, Action::Buy, 30_000));
    let saw = |report: &Report| match report.kind {
        ReportKind::Signal { saw, .. } => Some(saw.book),
        _ => None,
    };
    let mut book = paperwire_core::book::DepthBook::new(10);
    for (side, px, qty) in [(BookSide::Bid, 98, 8), (BookSide::Bid, 97, 7), (BookSide::Ask, 101, 5)]
    {
        book.set(side, Level { px: Px::new(px), qty: Qty::new(qty) });
    }
    let seen: Vec<Option<u32>> = rig.reports.iter().filter_map(saw).collect();
    assert_eq!(seen, [Some(crate::saw::book_digest(&book)), None]);
}
