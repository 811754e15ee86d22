//! The market that a run has by default, `exchange.profile = "demo"`: it is made for the first minute.

use std::collections::BTreeSet;

use paperwire_config::Config;
use paperwire_exec::report::ReportKind;
use paperwire_replay::setup;

use super::ten::Rig;

#[test]
fn in_the_first_minute_of_a_run_a_maker_and_a_taker_trade() {
    let start = toml::Value::String("2026-03-02T09:00:00Z".to_owned());
    let sets = [("exchange.start".to_owned(), start)];
    let config = Config::load(None, std::iter::empty(), &sets).unwrap();
    let profile = config.exchange.profile().unwrap();
    assert_eq!(profile.as_str(), "demo");
    assert!((profile.speed() - 10.0).abs() < 1e-9);
    let names = setup::names(&setup::choose(&config).unwrap());
    let mut rig = Rig::new(&config);
    let mut traded = BTreeSet::new();
    for _ in 0..10 {
        rig.play(60);
        for report in rig.reports.drain(..) {
            if let ReportKind::Fill(fill) = report.kind {
                traded.insert(names[fill.strategy.index()].instance.clone());
            }
        }
    }
    for name in ["market_making", "order_flow"] {
        assert!(traded.contains(name), "{traded:?}");
    }
}
