//! The sixteen ways in which the predecessor's accounts were wrong, each as the sentence that is true
//! here.

use paperwire_core::account::{AccountState, HaltReason, Trigger};
use paperwire_core::instrument::AssetName;
use paperwire_core::num::{Money, Px};
use paperwire_core::order::ExitLevel;
use paperwire_core::strategy::{Action, Flip, Reason, RejectReason, Signal};
use paperwire_core::time::DurationNs;

use crate::margin::Liquidation;
use crate::report::ReportKind;
use crate::risk::RiskLimits;
use crate::testkit::{BTC, Rig, Setup, XRP, XRP_BTC, amount, config, instrument, usd, worth};

const KEEP: ExitLevel = ExitLevel::Keep;

fn near(a: Money, b: f64, by: f64) -> bool {
    (a - usd(b)).abs() <= usd(by)
}

#[test]
fn d01_a_short_is_not_counted_as_wealth() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 150.0));
    // Fee 0.15, half the spread of one dollar on 0.0015 BTC.
    assert!(near(rig.row().equity, 99.8493, 0.001), "{}", rig.row().equity);
    assert!(near(rig.row().performance.drawdown_max(), 0.0015, 0.0001));
}

#[test]
fn d02_short_proceeds_lend_nothing() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 150.0));
    for _ in 0..3 {
        rig.say(worth(BTC, Action::Short, 1e6));
    }
    let row = rig.row();
    assert!(row.short <= row.equity * 2, "{} on {}", row.short, row.equity);
    assert!(row.short > row.equity * 19 / 10);
}

#[test]
fn d03_long_leverage_is_cumulative() {
    let mut rig = Rig::new();
    for _ in 0..4 {
        rig.say(worth(BTC, Action::Buy, 1e6));
    }
    let row = rig.row();
    assert!(row.long <= row.equity * 3 / 2, "{} on {}", row.long, row.equity);
    assert!(row.long > row.equity * 14 / 10);
    assert!(rig.rejects().contains(&RejectReason::NoFunds));
}

#[test]
fn d04_a_pair_quoted_in_bitcoin_costs_dollars() {
    let mut rig = Rig::new();
    rig.book(XRP_BTC, 2_249, 2_251);
    rig.say(worth(XRP_BTC, Action::Buy, 15.0));
    let xrp = rig.last_fill().qty.raw() as f64 / 1e8;
    assert!((xrp - 15.0 / (0.00002251 * 100_000.0)).abs() < 1e-6, "{xrp}");
    assert!(near(rig.row().equity, 99.98, 0.02), "{}", rig.row().equity);
}

#[test]
fn d05_the_price_of_an_asset_does_not_depend_on_the_order_of_symbols() {
    let pairs = [("XRP/BTC", 8), ("XRP/USD", 5), ("BTC/USD", 1)];
    for turn in 0..3 {
        let mut order = pairs;
        order.rotate_left(turn);
        let instruments = order.map(|(name, precision)| instrument(name, precision));
        let mut config = config();
        config.starting_assets = vec![(AssetName::from("XRP").unwrap(), Money::from_num(500))];
        let mut rig = Rig::of(&instruments, config, Setup::default());
        let id = |name: &str| {
            let index = order.iter().position(|(n, _)| *n == name).unwrap();
            paperwire_core::instrument::SymbolId(u16::try_from(index).unwrap())
        };
        rig.book(id("BTC/USD"), 999_990, 1_000_010);
        rig.book(id("XRP/USD"), 235_000, 235_000 + 2);
        rig.book(id("XRP/BTC"), 2_249, 2_251);
        assert!(near(rig.row().equity, 1275.0, 0.01), "turn {turn}: {}", rig.row().equity);
    }
}

#[test]
fn d06_starting_assets_are_part_of_the_baseline() {
    let mut config = config();
    config.starting_assets = vec![(AssetName::from("XRP").unwrap(), Money::from_num(500))];
    let mut rig = Rig::with(config, Setup::default());
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.rejects(), [RejectReason::NoQuoteRate], "the baseline is not known yet");
    rig.book(XRP, 234_999, 235_001); // 2.35 dollars
    assert!(near(rig.row().baseline, 1275.0, 1e-9));
    assert_eq!(rig.row().profit(), 0);
    rig.book(XRP, 244_999, 245_001); // ten cents more on each of 500
    assert!(near(rig.row().profit(), 50.0, 1e-9));
    assert_eq!(rig.row().profit(), rig.row().unrealized);
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert!(rig.world().account().identity_holds());
}

#[test]
fn d07_a_stop_closes_exactly_the_position() {
    for action in [Action::Buy, Action::Short] {
        let mut rig = Rig::new();
        rig.say(worth(BTC, action, 25.0).bracket(ExitLevel::PctFromFill(0.5), KEEP));
        let entered = rig.last_fill().qty;
        let away = if action == Action::Buy { -10_000 } else { 10_000 };
        for _ in 0..60 {
            rig.book(BTC, 999_995 + away, 1_000_005 + away);
        }
        assert_eq!(rig.fills().len(), 2, "{action:?}");
        assert_eq!((rig.last_fill().qty, rig.position_lots(BTC)), (entered, 0));
    }
}

#[test]
fn d08_an_entry_against_a_position_never_overwrites_it() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 50.0));
    rig.say(worth(BTC, Action::Buy, 20.0));
    assert_eq!(rig.rejects(), [RejectReason::OppositePosition]);

    let setup = Setup { flip: Flip::Reduce, ..Setup::default() };
    let mut rig = Rig::with(config(), setup);
    rig.say(amount(BTC, Action::Short, 50_000));
    rig.say(amount(BTC, Action::Buy, 80_000));
    assert_eq!(rig.position_lots(BTC), 0, "as much as there is, and nothing opened");
    assert_eq!(rig.row().performance.closed_trades(), 1);

    let setup = Setup { flip: Flip::Reverse, ..Setup::default() };
    let mut rig = Rig::with(config(), setup);
    rig.say(amount(BTC, Action::Short, 50_000));
    rig.book(BTC, 989_995, 990_005);
    rig.say(amount(BTC, Action::Buy, 80_000));
    assert_eq!(rig.position_lots(BTC), 30_000);
    let fills = rig.fills();
    assert_eq!((fills[1].lots_after, fills[2].lots_after), (0, 30_000));
    assert!(fills[1].realized > 0, "the profit of the short is not lost");
    assert_eq!(fills[1].order, fills[2].order);
}

#[test]
fn d09_pairs_of_one_asset_are_positions_of_their_own() {
    let mut rig = Rig::new();
    rig.book(XRP, 249_999, 250_001);
    rig.book(XRP_BTC, 2_499, 2_501);
    rig.say(worth(XRP, Action::Buy, 20.0));
    rig.say(worth(XRP_BTC, Action::Sell, 20.0));
    assert_eq!(rig.rejects(), [RejectReason::NoPosition]);
    assert!(rig.position_lots(XRP) > 0);
}

#[test]
fn d10_the_win_rate_is_of_closed_trades() {
    let mut rig = Rig::new();
    for gain in [10_000, -10_000, 10_000] {
        rig.book(BTC, 999_995, 1_000_005);
        rig.say(worth(BTC, Action::Buy, 50.0));
        rig.book(BTC, 999_995 + gain, 1_000_005 + gain);
        rig.say(Signal::close(BTC, Reason::new("test")));
    }
    let stats = rig.row().performance;
    assert_eq!((rig.row().fills, stats.closed_trades()), (6, 3));
    assert_eq!((stats.wins(), stats.losses()), (2, 1));
    assert!((stats.win_rate().unwrap() - 2.0 / 3.0).abs() < 1e-12);
    rig.timer();
    let (_, row) = *rig.position_rows().last().unwrap();
    assert_eq!((row.wins, row.losses, row.fills), (2, 1, 6));
}

#[test]
fn d11_drawdown_is_sampled_at_every_mark_on_one_price() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 100.0));
    let before = rig.row().performance.drawdown_max();
    rig.book(BTC, 899_995, 900_005); // no fill, only a mark
    rig.book(BTC, 999_995, 1_000_005);
    assert!(rig.row().performance.drawdown_max() > before + usd(0.09));
    assert_eq!(rig.fills().len(), 1);
}

#[test]
fn d12_a_profit_factor_without_losses_is_none() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.book(BTC, 1_099_995, 1_100_005);
    rig.say(Signal::close(BTC, Reason::new("test")));
    assert_eq!(rig.row().performance.wins(), 1);
    assert_eq!(rig.row().performance.profit_factor(), None);
}

#[test]
fn d13_sharpe_is_of_minute_returns_and_annualised() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 100.0));
    for minute in 0..40 {
        let step = 1_000 * i64::from(minute % 3);
        rig.now_ms += 60_000;
        rig.book(BTC, 999_995 + step, 1_000_005 + step);
    }
    let stats = rig.row().performance;
    assert!(stats.return_count() >= 39, "{}", stats.return_count());
    let sharpe = stats.sharpe().unwrap();
    assert!(sharpe.is_finite());
    // Per-minute ratios are below ten; the yearly one carries the square root of 525,600.
    assert!(sharpe.abs() > 10.0, "{sharpe}");
}

#[test]
fn d14_one_strategy_cannot_touch_anothers_account() {
    let run = |other: bool| {
        let setup = Setup { strategies: 2, ..Setup::default() };
        let mut rig = Rig::with(config(), setup);
        for step in 0..20 {
            rig.book(BTC, 999_995 + step * 50, 1_000_005 + step * 50);
            rig.say_as(0, worth(BTC, if step % 2 == 0 { Action::Buy } else { Action::Sell }, 9.0));
            if other {
                rig.say_as(1, worth(BTC, Action::Short, 40.0));
                rig.say_as(1, Signal::close(BTC, Reason::new("test")));
            }
        }
        let fills = rig.fills();
        let mine = fills.iter().filter(|fill| fill.strategy.0 == 0);
        let mine: Vec<_> = mine.map(|fill| (fill.qty, fill.px, fill.fee, fill.net)).collect();
        (mine, rig.row().equity, rig.row().cash)
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn d15_liquidation_costs_what_it_costs_and_bankruptcy_halts() {
    let mut config = config();
    config.margin.liquidation_fee = usd(0.01);
    config.margin.rollover_fee = usd(0.0002);
    let mut rig = Rig::with(config, Setup::default());
    rig.say(worth(BTC, Action::Short, 150.0));
    rig.pass_ms(4 * 3_600_000);
    assert!(near(rig.row().interest, 0.03, 0.001), "two hundredths of a percent of 150 borrowed");
    rig.pass_ms(4 * 3_600_000);
    assert!(near(rig.row().interest, 0.06, 0.001));
    let charged = rig.reports.iter().filter_map(|report| match report.kind {
        ReportKind::Interest { amount, .. } => Some(amount),
        _ => None,
    });
    assert_eq!(charged.sum::<Money>(), rig.row().interest, "every charge is reported");
    rig.book(BTC, 1_349_995, 1_350_005); // 35 % up: 52 dollars lost, 47 are below a quarter of 202
    let fill = rig.last_fill();
    assert_eq!((fill.trigger, rig.position_lots(BTC)), (Trigger::MarginCall, 0));
    assert!(near(fill.fee, 202.5 * 0.011, 0.01), "schedule and penalty: {}", fill.fee);
    assert_eq!(rig.row().state, AccountState::Active, "poor but not bankrupt");

    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Short, 190.0));
    rig.book(BTC, 1_999_995, 2_000_005); // doubled at once: no stop could have helped
    assert!(rig.row().equity < 0, "reported as it is");
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::Bankrupt));
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.rejects(), [RejectReason::Halted]);
}

#[test]
fn d15b_a_progressive_call_closes_the_largest_until_cured() {
    let mut config = config();
    config.margin.liquidation = Liquidation::Progressive;
    let mut rig = Rig::with(config, Setup::default());
    rig.book(XRP, 249_999, 250_001);
    rig.say(worth(BTC, Action::Short, 140.0));
    rig.say(worth(XRP, Action::Short, 40.0));
    rig.book(BTC, 1_429_995, 1_430_005);
    assert_eq!(rig.position_lots(BTC), 0);
    assert!(rig.position_lots(XRP) < 0, "the smaller one is covered again");
}

#[test]
fn d16_entry_fees_are_in_the_profit_and_the_leverage_base_is_chosen() {
    let mut rig = Rig::new();
    rig.say(worth(BTC, Action::Buy, 100.0));
    rig.say(Signal::close(BTC, Reason::new("test")));
    let fills = rig.fills();
    assert_eq!(fills[1].net, fills[1].realized - fills[0].fee - fills[1].fee);
    assert_eq!(rig.row().equity, usd(100.0) + fills[1].net);

    let mut config = config();
    config.margin.base = crate::margin::LeverageBase::Starting;
    let mut rig = Rig::with(config, Setup::default());
    rig.say(worth(BTC, Action::Buy, 140.0));
    rig.book(BTC, 1_499_995, 1_500_005); // equity 170: by it 255 would be allowed
    rig.say(worth(BTC, Action::Buy, 100.0));
    assert_eq!(rig.rejects(), [RejectReason::NoFunds]);
}

#[test]
fn risk_limits_block_entries_and_halt() {
    let limits = RiskLimits {
        position_max: usd(30.0),
        losses_in_row: 2,
        cooldown: DurationNs::from_secs(60),
        orders_per_min: 5,
        drawdown_max: usd(0.05),
        ..RiskLimits::default()
    };
    let mut rig = Rig::with(config(), Setup { risk: limits, ..Setup::default() });
    rig.say(worth(BTC, Action::Buy, 100.0));
    assert!(near(rig.row().long, 30.0, 0.01), "cut to the limit: {}", rig.row().long);
    rig.say(worth(BTC, Action::Buy, 10.0));
    assert_eq!(rig.rejects(), [RejectReason::PositionLimit]);
    rig.say(Signal::close(BTC, Reason::new("test")));
    rig.say(worth(BTC, Action::Buy, 20.0));
    rig.say(Signal::close(BTC, Reason::new("test"))); // the second loss in a row
    rig.say(worth(BTC, Action::Buy, 20.0));
    assert_eq!(rig.rejects().last(), Some(&RejectReason::Cooldown));
    rig.pass_ms(59_000);
    rig.say(worth(BTC, Action::Buy, 20.0));
    assert_eq!(rig.rejects().last(), Some(&RejectReason::Cooldown));
    rig.pass_ms(2_000);
    for _ in 0..6 {
        rig.say(worth(BTC, Action::Buy, 2.0));
    }
    assert_eq!(rig.rejects().last(), Some(&RejectReason::OrderRate));
    assert_eq!(rig.rejects().len(), 4);
    rig.pass_ms(60_000);
    rig.say(worth(BTC, Action::Buy, 20.0));
    rig.book(BTC, 699_995, 700_005);
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::Drawdown));
    assert!(rig.position_lots(BTC) > 0, "positions stay unless the configuration says otherwise");
    let _ = Px::ZERO;
}

#[test]
fn a_global_loss_halts_everyone_and_flattens_when_told() {
    let mut config = config();
    config.global.loss_max = usd(20.0);
    config.flatten_on_halt = true;
    let mut rig = Rig::with(config, Setup { strategies: 2, ..Setup::default() });
    for strategy in 0..2 {
        rig.say_as(strategy, worth(BTC, Action::Buy, 100.0));
    }
    rig.book(BTC, 879_995, 880_005);
    rig.timer();
    assert_eq!(rig.row().state, AccountState::Halted(HaltReason::GlobalLoss));
    assert_eq!((rig.position_lots(BTC), rig.last_fill().trigger), (0, Trigger::Risk));
}
