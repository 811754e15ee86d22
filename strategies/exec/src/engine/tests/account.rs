//! What an account may do: sizes, limits, exits, calls and commands at their edges.

use paperwire_core::command::Origin;

use super::*;
use crate::report::BenchCause;

#[test]
fn resting_orders_count_for_the_position_limit() {
    let limits = RiskLimits { position_max: usd(30.0), ..RiskLimits::default() };
    let mut rig = Rig::with(config(), risk(limits));
    for _ in 0..4 {
        rig.say(worth(BTC, Action::Buy, 30.0).order(limit(990_000)));
    }
    rig.book(BTC, 979_995, 980_005);
    assert!(rig.row().long <= usd(30.1), "{}", rig.row().long);
}

#[test]
fn a_marketable_sell_limit_is_sized_by_what_it_will_get() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 10.0).order(limit(100_000)));
    assert!(rig.row().short <= usd(10.1), "asked for 10: {}", rig.row().short);
}

#[test]
fn a_marketable_limit_is_held_to_the_position_limit() {
    let limits = RiskLimits { position_max: usd(30.0), ..RiskLimits::default() };
    let mut rig = Rig::with(config(), risk(limits));
    rig.say(worth(BTC, Action::Short, 30.0).order(limit(500_000)));
    assert!(rig.row().short <= usd(30.1), "{}", rig.row().short);
}

#[test]
fn a_stop_that_is_already_reached_is_held_to_the_position_limit() {
    let limits = RiskLimits { position_max: usd(30.0), ..RiskLimits::default() };
    let mut rig = Rig::with(config(), risk(limits));
    let spec =
        OrderSpec { trigger: Some(OrderTrigger::Stop(Px::new(100_000))), ..OrderSpec::MARKET };
    rig.say(worth(BTC, Action::Buy, 30.0).order(spec));
    assert!(rig.row().long <= usd(30.1), "{}", rig.row().long);
}

#[test]
fn a_replace_is_held_to_the_position_limit() {
    let limits = RiskLimits { position_max: usd(30.0), ..RiskLimits::default() };
    let mut rig = Rig::with(config(), risk(limits));
    rig.say(worth(BTC, Action::Buy, 30.0).order(limit(990_000)));
    rig.say(replace(990_000, 140_000));
    rig.book(BTC, 979_995, 980_005);
    assert!(rig.row().long <= usd(30.1), "{}", rig.row().long);
}

#[test]
fn orders_in_flight_count_for_the_global_limit() {
    let mut config = config();
    config.global.exposure_max = usd(30.0);
    let legs = [0, 50, 0, 0].map(DurationNs::from_millis);
    config.venue.latency = Box::new(Constant::new(legs, Surge::OFF));
    let mut rig = Rig::with(config, Setup { strategies: 2, ..Setup::default() });
    rig.say_as(0, worth(BTC, Action::Buy, 30.0));
    rig.say_as(1, worth(BTC, Action::Buy, 30.0));
    rig.pass_ms(100);
    let sum: Money =
        (0..2).map(|s| rig.engine.world(StratId(s), 0).account().row().exposure()).sum();
    assert!(sum <= usd(30.1), "{sum}");
}

#[test]
fn a_partly_filled_exit_is_one_closed_trade() {
    let limits = RiskLimits {
        losses_in_row: 2,
        cooldown: DurationNs::from_secs(60),
        ..RiskLimits::default()
    };
    let mut rig = Rig::with(config(), risk(limits));
    rig.say(amount(BTC, Action::Buy, 50_000));
    rig.levels(BTC, &[(999_995, 20_000)], &[(1_000_005, 1_000_000)]);
    rig.say(Signal::new(BTC, Action::Sell, Size::All, why()).order(limit(1_000_000)).tag(9));
    for _ in 0..5 {
        rig.trade(BTC, OrderSide::Buy, 1_000_003, 10_000);
    }
    assert_eq!(rig.position_lots(BTC), 0);
    assert_eq!(rig.row().performance.closed_trades(), 1);
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.rejects(), [], "one loss is not two in a row");
}

#[test]
fn a_second_part_of_the_entry_does_not_loosen_its_trail() {
    let mut rig = Rig::new();
    let trail = Trail { distance: Distance::Percent(5.0), activation_pct: 0.0 };
    rig.say(amount(BTC, Action::Buy, 60_000).order(limit(990_000)).trail(trail));
    rig.trade(BTC, OrderSide::Sell, 989_000, 20_000);
    let stop = |rig: &Rig| {
        let trail = rig.world().account().position(BTC).trail.unwrap();
        trail.best.unwrap().raw() - trail.distance.raw()
    };
    rig.book(BTC, 1_019_995, 1_020_005);
    let before = stop(&rig);
    rig.trade(BTC, OrderSide::Sell, 989_000, 20_000);
    assert!(stop(&rig) >= before, "{} after {before}", stop(&rig));
}

#[test]
fn a_second_part_of_the_entry_does_not_undo_break_even() {
    let mut rig = Rig::new();
    let exits =
        Exits { stop: ExitLevel::PctFromFill(5.0), break_even_pct: Some(1.0), ..Exits::KEEP };
    rig.say(Signal { exits, ..amount(BTC, Action::Buy, 60_000).order(limit(990_000)) });
    rig.trade(BTC, OrderSide::Sell, 989_000, 20_000);
    rig.book(BTC, 1_019_995, 1_020_005);
    assert_eq!(rig.world().account().position(BTC).stop, Some(Px::new(990_000)));
    rig.trade(BTC, OrderSide::Sell, 990_000 - 1, 20_000);
    let stop = rig.world().account().position(BTC).stop;
    assert!(rig.position_lots(BTC) == 0 || stop >= Some(Px::new(990_000)), "{stop:?}");
}

#[test]
fn a_second_part_of_the_entry_does_not_extend_its_time() {
    let mut rig = Rig::new();
    let exits = Exits { hold_max: Some(DurationNs::from_secs(10)), ..Exits::KEEP };
    rig.say(Signal { exits, ..amount(BTC, Action::Buy, 60_000).order(limit(990_000)) });
    for _ in 0..5 {
        rig.trade(BTC, OrderSide::Sell, 989_000, 10_000);
        rig.now_ms += 8_000;
        rig.timer();
    }
    assert!(
        rig.fills().iter().any(|fill| fill.trigger == Trigger::TimeStop),
        "40 s after a 10 s limit"
    );
}

#[test]
fn kill_is_finished_when_the_book_comes_back() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    rig.command(Verb::Kill);
    rig.book(BTC, 999_995, 1_000_005);
    rig.timer();
    assert_eq!(rig.position_lots(BTC), 0);
}

#[test]
fn kill_on_a_thin_book_is_finished_later() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 50_000));
    rig.levels(BTC, &[(999_995, 10_000)], &[(1_000_005, 10_000)]);
    rig.command(Verb::Kill);
    rig.book(BTC, 999_995, 1_000_005);
    rig.timer();
    assert_eq!(rig.position_lots(BTC), 0);
}

#[test]
fn a_close_that_ruins_halts_as_bankrupt() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 140_000));
    rig.levels(BTC, &[(999_995, 1), (1_000, 1_000_000_000)], &[(1_000_005, 1_000_000)]);
    rig.say(Signal::close(BTC, why()));
    assert_eq!(rig.position_lots(BTC), 0);
    assert!(rig.row().equity < 0, "{}", rig.row().equity);
    rig.timer();
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::Bankrupt));
}

#[test]
fn a_margin_call_that_cannot_close_is_one_call() {
    let mut rig = Rig::new();
    rig.book(XRP, 249_999, 250_001);
    rig.say(worth(XRP, Action::Short, 150.0));
    rig.say(worth(BTC, Action::Short, 40.0));
    rig.event(XRP, MarketKind::Status(SymbolStatus::Resync));
    rig.event(XRP, MarketKind::Trading(TradingStatus::CancelOnly));
    rig.levels(BTC, &[(3_000_000, 1)], &[(3_000_010, 1)]);
    for _ in 0..50 {
        rig.change(BTC, &[(3_000_000, 1)], &[]);
    }
    assert_eq!(rig.row().margin_calls, 1);
}

#[test]
fn a_reset_after_a_halt_is_reported() {
    let mut rig = Rig::new();
    rig.command(Verb::Kill);
    rig.command(Verb::Reset);
    let states: Vec<AccountState> = rig
        .reports
        .iter()
        .filter_map(|report| match report.kind {
            ReportKind::State { state, .. } => Some(state),
            _ => None,
        })
        .collect();
    assert_eq!(states.last(), Some(&AccountState::Active), "{states:?}");
}

#[test]
fn a_pause_outlives_a_reset_and_a_halt_does_not() {
    let mut rig = Rig::new();
    rig.command(Verb::Pause);
    rig.command(Verb::Reset);
    assert_eq!(rig.row().state, AccountState::Paused);
    rig.say(worth(BTC, Action::Buy, 50.0));
    assert_eq!(rig.position_lots(BTC), 0, "it makes no entries");
    rig.command(Verb::Resume);
    assert_eq!(rig.row().state, AccountState::Active);
    rig.command(Verb::Pause);
    rig.command(Verb::Kill);
    rig.command(Verb::Reset);
    assert_eq!(rig.row().state, AccountState::Active);
}

#[test]
fn a_strategy_that_is_benched_says_by_whom() {
    let cause = |rig: &Rig| {
        rig.reports.iter().find_map(|report| match report.kind {
            ReportKind::Benched { why, .. } => Some(why),
            _ => None,
        })
    };
    let mut rig = Rig::new();
    rig.command(Verb::Bench);
    let Some(BenchCause::Ordered(origin)) = cause(&rig) else { panic!("{:?}", cause(&rig)) };
    assert_ne!(origin, Origin::Budget);
    let mut rig = Rig::new();
    rig.desks[0].lock().unwrap().panics = true;
    rig.timer();
    assert_eq!(cause(&rig), Some(BenchCause::Panicked));
}

#[test]
fn a_reset_reports_the_position_rows_it_cleared() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.timer();
    rig.command(Verb::Reset);
    rig.timer();
    let (_, row) = *rig.position_rows().last().unwrap();
    assert_eq!(row.position.lots, 0);
}

#[test]
fn a_reset_tells_the_end_of_each_order() {
    let mut rig = with_latency([0, 0, 0, 50]);
    rig.say(amount(BTC, Action::Buy, 10_000).order(limit(990_000)));
    rig.command(Verb::Reset);
    rig.pass_ms(500);
    let heard = rig.desks[0].lock().unwrap().heard.clone();
    assert!(matches!(heard[..], [Heard::Done(OrderEnd::Operator)]), "{heard:?}");
}

#[test]
fn kill_and_resume_do_not_revive_a_panicked_or_bankrupt_account() {
    let mut rig = Rig::new();
    rig.desks[0].lock().unwrap().panics = true;
    rig.timer();
    rig.command(Verb::Kill);
    rig.command(Verb::Resume);
    assert!(matches!(rig.row().state, AccountState::Halted(_)), "{:?}", rig.row().state);
}

#[test]
fn a_bankrupt_account_stays_so() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 190.0));
    rig.book(BTC, 1_999_995, 2_000_005);
    rig.command(Verb::Kill);
    rig.command(Verb::Resume);
    assert!(matches!(rig.row().state, AccountState::Halted(_)), "{:?}", rig.row().state);
}

#[test]
fn a_thousand_dollars_of_a_pair_with_sixteen_decimals() {
    let mut rig = small_pair(10_000, Setup::default());
    rig.say(worth(XRP_BTC, Action::Buy, 900.0));
    assert_eq!(rig.rejects(), []);
    rig.say(worth(XRP_BTC, Action::Buy, 1_000.0));
    assert_eq!(rig.rejects(), []);
}

#[test]
fn the_position_limit_binds_with_sixteen_decimals() {
    let limits = RiskLimits { position_max: usd(1_000.0), ..RiskLimits::default() };
    let mut rig = small_pair(10_000, risk(limits));
    rig.say(amount(XRP_BTC, Action::Buy, 25_000_000_000_000_000)); // 5,000 dollars
    assert!(rig.row().long <= usd(1_001.0), "{}", rig.row().long);
}

#[test]
fn a_stop_that_fired_closes_all_of_it() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 50_000).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.levels(BTC, &[(980_000, 10_000)], &[(980_010, 10_000)]);
    assert_eq!(rig.position_lots(BTC), 40_000);
    rig.book(BTC, 999_995, 1_000_005);
    rig.timer();
    assert_eq!(rig.position_lots(BTC), 0);
}

#[test]
fn a_liquidation_or_stop_does_not_flood() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 50_000).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.levels(BTC, &[(980_000, 10_000)], &[(980_010, 10_000)]);
    let before = rig.row().orders;
    for _ in 0..100 {
        rig.trade(BTC, OrderSide::Sell, 980_000, 1);
    }
    assert!(rig.row().orders - before <= 1, "{} orders for one stop", rig.row().orders - before);
}

#[test]
fn a_resume_after_a_limit_lets_it_trade() {
    let limits = RiskLimits { loss_max: usd(5.0), ..RiskLimits::default() };
    let mut rig = Rig::with(config(), risk(limits));
    rig.say(worth(BTC, Action::Buy, 100.0));
    rig.book(BTC, 899_995, 900_005);
    rig.say(Signal::close(BTC, why()));
    assert!(matches!(rig.row().state, AccountState::Halted(HaltReason::LossLimit)));
    rig.command(Verb::Resume);
    rig.timer();
    assert_eq!(rig.row().state, AccountState::Active, "a person said so");
}

#[test]
fn a_pause_does_not_block_a_reduce_only_order() {
    let setup = Setup { flip: Flip::Reduce, ..Setup::default() };
    let mut rig = Rig::with(config(), setup);
    rig.say(amount(BTC, Action::Short, 50_000));
    rig.command(Verb::Pause);
    let spec = OrderSpec { is_reduce_only: true, ..OrderSpec::MARKET };
    rig.say(amount(BTC, Action::Buy, 50_000).order(spec));
    assert_eq!((rig.rejects(), rig.position_lots(BTC)), (vec![], 0));
}

#[test]
fn a_margin_call_comes_before_a_time_stop_at_a_timer() {
    // Silent book; interest eats the rest of the margin in the second in which the time is over too.
    let mut config = config();
    config.margin.rollover_fee = usd(0.3);
    let mut rig = Rig::with(config, Setup::default());
    let exits = Exits { hold_max: Some(DurationNs::from_secs(4 * 3600)), ..Exits::KEEP };
    rig.say(Signal { exits, ..worth(BTC, Action::Short, 190.0) });
    rig.pass_ms(4 * 3_600_000 + 1_000);
    rig.pass_ms(1_000);
    assert_eq!(
        rig.fills()[1].trigger,
        Trigger::MarginCall,
        "57 dollars of interest: equity 43 of 190"
    );
}

#[test]
fn a_trail_that_cannot_be_set_does_not_lose_the_stop() {
    // Percent distance of a cheap pair: half a tick rounds to none when the fill is lower.
    let mut rig =
        Rig::of(&[instrument("BTC/USD", 1), instrument("SHIB/USD", 8)], config(), Setup::default());
    rig.levels(XRP_BTC, &[(99, 1_000_000_000_000_000)], &[(100, 1_000_000_000_000_000)]);
    let trail = Trail { distance: Distance::Percent(0.5), activation_pct: 0.0 };
    let spec = OrderSpec {
        trigger: Some(OrderTrigger::Stop(Px::new(101))),
        ..OrderSpec::limit(Px::new(101))
    };
    rig.say(
        worth(XRP_BTC, Action::Buy, 10.0)
            .order(spec)
            .bracket(ExitLevel::At(Px::new(80)), KEEP)
            .trail(trail),
    );
    assert_eq!(rig.rejects(), []);
    rig.trade(XRP_BTC, OrderSide::Buy, 101, 1);
    assert!(rig.position_lots(XRP_BTC) > 0);
    let at = rig.fills()[0].px;
    assert_eq!(rig.world().account().position(XRP_BTC).stop, Some(Px::new(80)), "filled at {at:?}");
}

#[test]
fn what_is_cut_by_equity_is_not_below_the_minimum() {
    let mut rig = Rig::new();
    rig.say(amount(BTC, Action::Buy, 148_000));
    let long = rig.position_lots(BTC);
    rig.say(amount(BTC, Action::Buy, 2_000).order(limit(990_000)));
    rig.book(BTC, 989_995, 990_000);
    for fill in rig.fills() {
        assert!(fill.qty >= lots(1_000), "{:?} after {long}", fill.qty);
    }
}

#[test]
fn a_sized_exit_sells_its_size() {
    let mut rig = with_latency([0, 50, 0, 0]);
    rig.say(amount(BTC, Action::Buy, 50_000));
    rig.say(amount(BTC, Action::Buy, 30_000).order(limit(990_000)));
    rig.pass_ms(100);
    rig.say(amount(BTC, Action::Sell, 50_000));
    rig.book(BTC, 989_990, 990_000); // the resting entry is filled while the exit is on its way
    assert_eq!(rig.position_lots(BTC), 80_000);
    rig.pass_ms(100);
    assert_eq!((rig.last_fill().qty, rig.position_lots(BTC)), (lots(50_000), 30_000));
}

#[test]
fn ratios_are_of_the_minutes_of_the_session() {
    let mut rig = Rig::new();
    // Of this century: the grid of minutes must not reach back to the epoch.
    rig.now_ms = 1_762_160_400_000;
    for _ in 0..3 {
        rig.pass_ms(60_000);
    }
    assert_eq!(rig.row().performance.return_count(), 2, "the third minute is not over");
    rig.command(Verb::Reset);
    rig.pass_ms(60_000);
    rig.pass_ms(60_000);
    assert_eq!(rig.row().performance.return_count(), 1, "those of the new account");
}

#[test]
fn a_timer_knows_what_each_pair_costs() {
    let mut config = config();
    config.venue.fees = Box::new(crate::fee::by_name("kraken-2026-09-19").unwrap());
    let pairs = [instrument("BTC/USD", 1), instrument("USDT/USD", 5)];
    let mut rig = Rig::of(&pairs, config, Setup::default());
    rig.timer();
    let desk = rig.desks[0].lock().unwrap();
    let taker: Vec<f64> = desk.fees_seen.iter().map(|fees| fees.taker.to_num()).collect();
    assert_eq!(taker, [0.008, 0.002], "the pegged pair has a schedule of its own");
}

#[test]
fn the_fees_at_the_start_are_of_the_dearest_pair_and_not_of_the_first() {
    let fees = |names: [&str; 2]| {
        let mut config = config();
        config.venue.fees = Box::new(crate::fee::by_name("kraken-2026-09-19").unwrap());
        let rig = Rig::of(&names.map(|name| instrument(name, 1)), config, Setup::default());
        rig.desks[0].lock().unwrap().start_fees.clone()
    };
    let dearest = [0.008, 0.004];
    assert_eq!(fees(["BTC/USD", "USDT/USD"]), dearest);
    assert_eq!(fees(["USDT/USD", "BTC/USD"]), dearest);
}
