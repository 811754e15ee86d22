use paperwire_config::Config;
use paperwire_core::account::{AccountState, HaltReason};
use paperwire_core::num::Money;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_exec::report::BracketRow;

use super::*;
use crate::tally::StrategyName;

fn tally(profits: &[f64]) -> Tally {
    let name = |index: usize| StrategyName {
        instance: format!("s{index}"),
        version: "1.0.0".to_owned(),
        sha256: String::new(),
        reloadable: &[],
    };
    let names = (0..profits.len()).map(name).collect();
    let mut tally = Tally::new(names, Vec::new(), Money::from_num(100));
    for (row, profit) in tally.accounts.iter_mut().zip(profits) {
        row.equity += Money::from_num(*profit);
    }
    tally
}

fn summary() -> Summary {
    let config = Config::load(None, std::iter::empty(), &[]).unwrap();
    Summary {
        source: "a test".to_owned(),
        session: "s".to_owned(),
        elapsed_s: 0.0,
        conditions: Conditions::of(&config),
        counters: Counters::default(),
        arrivals: paperwire_feed::arrival::ArrivalCounts::default(),
        hot_allocs: 0,
        recording_lost: 0,
        logs_lost: Lost::default(),
        probe_tax: ProbeTax {
            clock_read_ns: 15.0,
            record_ns: 5.0,
            ring_hop_ns: 7.0,
            guard_ns: 1.0,
            event_ns: 300.0,
        },
        rules: paperwire_core::rules::Rules::CURRENT,
        verification: None,
        quarantines: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn the_fields_that_others_build_on_are_there_and_what_has_no_answer_is_null() {
    let mut tally = tally(&[1.0, -1.0]);
    tally.accounts[1].state = AccountState::Halted(HaltReason::LossLimit);
    tally.accounts[0].performance.on_trade(Money::ONE, DurationNs::from_secs(1));
    tally.accounts[0].performance.on_mark(ExchNs::new(1), Money::from_num(101));
    let report = json(&tally, &summary());
    let of = &report["strategies"][0];
    for key in [
        "name",
        "version",
        "sha256",
        "equity",
        "realized_pnl",
        "unrealized_pnl",
        "fees",
        "interest",
        "closed_trades",
        "win_rate",
        "max_drawdown_pct",
        "latency_ns",
        "state",
        "maker_fills",
        "taker_fills",
        "rejects",
        "margin_calls",
    ] {
        assert!(!of[key].is_null(), "{key}");
    }
    // One win and no loss: a profit factor would be infinite.
    assert_eq!(of["win_rate"], 100.0);
    for key in ["profit_factor", "sharpe", "sortino", "bracket", "rank_robust", "halt_reason"] {
        assert!(of[key].is_null() && of.as_object().unwrap().contains_key(key), "{key}");
    }
    assert_eq!(report["strategies"][1]["halt_reason"], "loss_limit");
    assert_eq!(report["conditions"]["fees"], "flat 0.1 % / 0.1 %");
    let market = "made-up market, profile demo: time x10, volatility x4, rate x1";
    assert_eq!(report["conditions"]["market"], market);
    assert_eq!(report["frames_per_s"], 0.0);
}

#[test]
fn the_best_comes_first_and_a_rank_that_hangs_on_the_fill_model_says_so() {
    let mut tally = tally(&[-1.0, 2.0, 1.0]);
    let row = |profit: f64| {
        let profit = Money::from_num(profit);
        Some(BracketRow { equity: Money::from_num(100) + profit, profit, ..BracketRow::default() })
    };
    tally.brackets[0] = [row(-3.0), row(-1.0), row(-1.0)];
    tally.brackets[1] = [row(0.5), row(2.0), row(2.5)];
    tally.brackets[2] = [row(0.6), row(1.0), row(1.5)];
    let text = text(&tally, &summary());
    let header = "fills book_walk, overlay on;\nfees flat 0.1 % / 0.1 %; latency none;";
    assert!(text.contains(header), "{text}");
    let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("no {needle}: {text}"));
    assert!(at("s1 ") < at("s2 ") && at("s2 ") < at("s0 "));
    let line = |name: &str| text.lines().rfind(|line| line.starts_with(name)).unwrap();
    assert!(line("s0").contains("-3.0000 to -1.0000 "), "{}", line("s0"));
    assert!(line("s0").ends_with("robust"), "{}", line("s0"));
    assert!(line("s1").ends_with("1 to 2 by model"), "{}", line("s1"));
    assert_eq!(json(&tally, &summary())["strategies"][0]["rank_robust"], true);
    assert_eq!(json(&tally, &summary())["strategies"][1]["rank_robust"], false);
}

#[test]
fn the_status_leaves_out_what_says_nothing_and_keeps_to_the_best() {
    let profits: Vec<f64> = (0..20u8).map(f64::from).collect();
    let text = status(&tally(&profits), &Counters::default(), 12.0, 0);
    assert!(text.starts_with("[   12.0 s]") && text.ends_with("and 12 more"), "{text}");
    assert!(text.contains("s19") && !text.contains("s11"), "{text}");
    assert!(!text.contains("Sharpe") && !text.contains("margin calls"), "{text}");
    assert!(text.contains("equity") && text.contains("state"), "{text}");
}

#[test]
fn a_long_call_names_its_attribution() {
    use paperwire_core::event::Seq;
    use paperwire_core::outlier::Outlier;
    use paperwire_core::time::HostNs;
    use paperwire_lab::attribution::LongCall;

    let (from, to) = (HostNs::new(1), HostNs::new(50_001));
    let call = LongCall::unseen(&Outlier { strategy: 0, seq: Seq(9), from, to });
    let (reloadable, instance) = (&[][..], "one".to_owned());
    let name = StrategyName { instance, version: String::new(), sha256: String::new(), reloadable };
    let told = super::long_call_json(&call, &[name]);
    assert_eq!(told["attribution"], "unknown");
    assert!(told.get("doing").is_none());
}
