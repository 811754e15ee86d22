use paperwire_core::command::{Command, Origin};
use paperwire_core::event::MarketKind;
use paperwire_core::ids::StratId;
use paperwire_core::strategy::Action;
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_exec::report::{Report, ReportKind};

use super::*;
use crate::stage::Stage;
use crate::testkit::{Bench, XRP};
use crate::{all, find, template};

fn params(text: &str) -> Table {
    text.parse().unwrap()
}

#[track_caller]
fn check_refused(strategy: &str, text: &str, key: &str, problem: &str) {
    let error = find(strategy).unwrap().make(&params(text)).err().expect("an error");
    assert_eq!(error.strategy, strategy);
    assert_eq!(error.key, key);
    assert!(error.problem.contains(problem), "{error}");
}

#[test]
fn every_file_is_registered_once_by_its_name() {
    let names: Vec<_> = all().iter().map(|r| r.name).collect();
    assert!(names.contains(&"order_flow") && names.contains(&"momentum_breakout"));
    assert!(names.is_sorted());
    for registration in all() {
        assert_eq!(registration.sha256.len(), 64);
        assert!(!registration.summary.is_empty());
        assert!(!registration.symbols.is_empty());
    }
}

#[test]
fn defaults_make_the_strategy_they_came_from() {
    for registration in all() {
        let defaults = registration.default_params();
        assert!(!defaults.is_empty());
        assert!(registration.make(&defaults).is_ok(), "{}", registration.name);
        assert!(registration.make(&Table::new()).is_ok(), "{}", registration.name);
    }
}

#[test]
fn a_wrong_parameter_is_named() {
    check_refused("order_flow", "lookback = 3", "lookback", "unknown field");
    check_refused("order_flow", "lookback_trades = 'many'", "lookback_trades", "invalid type");
    check_refused("order_flow", "position_usd_max = -1.0", "position_usd_max", "not within");
    let nested = "[symbols.'BTC/USD']\nposition_usd = 40.0\nposition_eur = 1.0";
    check_refused("order_flow", nested, "symbols.BTC/USD.position_eur", "unknown field");
    let nested = "[symbols.'BTC/USD']\nposition_usd = -40.0";
    check_refused("order_flow", nested, "symbols.BTC/USD.position_usd", "not within");
    check_refused("order_flow", "[symbols.BTCUSD]\nposition_usd = 40.0", "symbols.BTCUSD", "pair");
    check_refused("momentum_breakout", "risk_pct = nan", "risk_pct", "not within");
}

#[test]
fn whole_numbers_are_accepted_where_fractions_are_meant() {
    let text = "[symbols.'BTC/USD']\nposition_usd = 40";
    assert!(find("order_flow").unwrap().make(&params(text)).is_ok());
}

#[test]
fn an_unknown_name_lists_the_nearest() {
    let error = find("orderflow").unwrap_err();
    assert_eq!(error.nearest.first(), Some(&"order_flow"));
    assert!(
        error.to_string().starts_with("no strategy is called \"orderflow\"; nearest: order_flow")
    );
}

#[test]
fn a_template_takes_its_name_and_refuses_others() {
    let text = template("my_idea_2").unwrap();
    assert!(text.contains("pub struct MyIdea2") && text.contains("\"my_idea_2\""));
    assert!(!text.contains("flow_pulse") && !text.contains("FlowPulse"));
    for name in ["", "2nd", "MyIdea", "_hidden", "registry", "a-b", "lib"] {
        assert_eq!(template(name), None, "{name}");
    }
}

#[test]
fn the_template_trades_within_a_minute_and_lets_go() {
    let registration = find("flow_pulse").unwrap();
    let mut bench = Bench::of(registration.make(&Table::new()).unwrap(), 0.001);
    bench.book(XRP, (2.0, 100.0), (2.0001, 100.0));
    let mut trade = |i: u32, side| {
        bench.wait(DurationNs::from_secs(1));
        bench.trade(XRP, 2.0, 10.0 + f64::from(i), side);
    };
    for i in 0..30 {
        trade(i, if i % 5 == 0 { OrderSide::Sell } else { OrderSide::Buy });
    }
    for i in 0..30 {
        trade(i, OrderSide::Sell);
    }
    assert_eq!(bench.actions()[..2], [Action::Buy, Action::Close]);
    assert!(bench.rejects.is_empty());
    let bad = params("threshold = 2.0");
    assert_eq!(registration.make(&bad).err().map(|error| error.key).as_deref(), Some("threshold"));
}

#[test]
fn the_page_on_writing_strategies_shows_code_that_compiles() {
    let page = include_str!("../../../docs/strategies.md");
    let source = include_str!("../flow_pulse.rs");
    let mut blocks = 0;
    for block in page.split("```rust\n").skip(1) {
        let code = block.split("```").next().unwrap();
        assert!(source.contains(code), "not in flow_pulse.rs:\n{code}");
        blocks += 1;
    }
    assert_eq!(blocks, 4);
}

#[test]
fn a_parameter_changes_between_two_events() {
    let mut stage = Stage::with("flow_pulse", "threshold = 1.0", |_| ());
    stage.book(XRP, 2.0, 2.00001);
    for i in 0..30 {
        let side = if i % 5 == 0 { OrderSide::Sell } else { OrderSide::Buy };
        stage.trade(XRP, side, 2.0, 10.0);
        stage.pass(1);
    }
    assert_eq!(stage.codes(), Vec::<&str>::new());
    let threshold =
        find("flow_pulse").unwrap().reloadable.iter().position(|key| *key == "threshold");
    let key = u16::try_from(threshold.unwrap()).unwrap();
    let mut set = |target, key| {
        let (change, origin) = (ParamChange { key, value: 0.5 }, Origin::Terminal);
        let command = Command::Set { target: StratId(target), change, origin };
        stage.event(XRP, MarketKind::Command(command));
        stage.trade(XRP, OrderSide::Buy, 2.0, 10.0);
        let is_change = |report: &&Report| matches!(report.kind, ReportKind::Param { .. });
        (stage.codes(), stage.reports.iter().filter(is_change).count())
    };
    // Another strategy, and a parameter that there is not: nothing changes and nothing is said.
    assert_eq!(set(7, key), (vec![], 0));
    assert_eq!(set(0, 99), (vec![], 0));
    assert_eq!(set(0, key), (vec!["flow"], 1));
}
