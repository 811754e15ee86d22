use paperwire_core::event::Seq;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::time::HostNs;
use paperwire_replay::tally::StrategyName;

use super::model::{Quantiles, RateRow, StageRow};
use super::threads::{Noise, ThreadLoad};
use super::*;

fn row(rate: &str) -> RateRow {
    RateRow {
        rate: rate.to_owned(),
        asked_per_s: 1_000.0,
        achieved_per_s: 1_000.0,
        frames: 1_000,
        frames_done: 1_000,
        book_updates: 900,
        trades: 120,
        checksums_bad: 0,
        conflated: 0,
        dropped_trades: 0,
        backlog_frames: 0,
        backlog_ns: 0,
        sent_late_ns: Quantiles::default(),
        blocked_ns: 0,
        decision_ns: quantiles(10),
        probes: None,
        signals: 0,
        fills: 0,
        hot_allocs: 0,
        threads: Vec::new(),
        noise: Vec::new(),
        saturated: None,
    }
}

const fn quantiles(p50: u64) -> Quantiles {
    let (p90, p99, p999) = (2 * p50, 3 * p50, 4 * p50);
    Quantiles { p50, p90, p99, p999, p9999: 0, max: 6 * p50, count: 1_000 }
}

fn run(hash: &str, p50: u64) -> Run {
    let stage = |rate: &str| StageRow {
        rate: rate.to_owned(),
        stage: "decoded".to_owned(),
        latency_ns: quantiles(p50),
        response_ns: quantiles(p50),
    };
    Run {
        format: model::FORMAT,
        at: "2026-03-02T09:00:00.000Z".to_owned(),
        version: "0".to_owned(),
        host: Host {
            hash: hash.to_owned(),
            grade: "C".to_owned(),
            cpu: "a CPU".to_owned(),
            cores: 2,
            is_virtual: "yes".to_owned(),
            kernel: "6".to_owned(),
            feed_core: Some(0),
            engine_core: None,
            wait: "park".to_owned(),
        },
        config_sha256: String::new(),
        seconds: 1,
        tls: true,
        from_read: false,
        inline_load: false,
        symbols: Vec::new(),
        rates: vec![RateRow { decision_ns: quantiles(p50), ..row("1k") }, row("10k")],
        stages: vec![stage("1k"), stage("10k")],
        strategies: Vec::new(),
        saturation: None,
        hot_allocs_total: 0,
        dropped: 0,
        conflated: 0,
    }
}

#[test]
fn a_run_is_not_compared_with_one_of_another_host() {
    let error = store::require_same_host("aa", &run("bb", 1)).unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("--across-hosts"), "{error}");
    assert!(store::require_same_host("aa", &run("aa", 1)).is_ok());
}

#[test]
fn ratios_are_of_the_same_rate_and_a_zero_has_none() {
    let (now, mut then) = (run("aa", 30), run("aa", 10));
    then.rates.pop();
    let ratios = store::ratios(&now, &then);
    let names: Vec<_> = ratios.iter().map(|of| (of.name.as_str(), of.rate.as_str())).collect();
    assert_eq!(names, [("wire to decision", "1k"), ("decoded", "1k"), ("decoded", "10k")]);
    assert_eq!(ratios[0].all, [Some(3.0), Some(3.0), Some(3.0), Some(3.0), None, Some(3.0)]);
    let text = text::ratios(&now, &then, &ratios);
    assert!(text.contains("wire to decision    1k  3.00"), "{text}");
    assert!(!text.contains("another host"));
    let text = text::ratios(&now, &run("bb", 1), &[]);
    assert!(text.contains("another host (bb)") && text.contains("in common: that run has 1k, 10k"));
}

#[test]
fn a_percentile_of_too_few_samples_is_not_shown() {
    let text = text::report(&run("aa", 7));
    let row = text.lines().find(|line| line.starts_with("decoded")).unwrap();
    let wanted = "decoded    1k   1000  7 ns  14 ns  21 ns  28 ns       -  42 ns";
    assert_eq!(row, wanted, "{text}");
}

#[test]
fn what_the_machine_took_is_shown_where_threads_spin() {
    let mut run = run("aa", 7);
    assert!(!text::report(&run).contains("The machine"));
    let noise = |hiccups, lost_ns| Noise {
        name: "engine".to_owned(),
        hiccups,
        lost_ns,
        longest_ns: 12_000_000,
    };
    run.rates[0].noise = vec![noise(40, 21_000_000).since(&noise(10, 1_000_000))];
    let text = text::report(&run);
    let row = text.lines().skip_while(|line| !line.starts_with("The machine")).nth(2).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells, ["1k", "engine", "30", "2.00", "%", "12.0", "ms"], "{text}");
}

#[test]
fn the_newest_stored_run_is_read_back_whole() {
    let folder = std::env::temp_dir().join(format!("paperwire-bench-{}", std::process::id()));
    assert!(store::load("latest", &folder).is_err());
    let mut newer = run("aa", 7);
    newer.at = "2026-03-02T09:00:01.000Z".to_owned();
    let path = store::save(&newer, &folder).unwrap();
    store::save(&run("aa", 1), &folder).unwrap();
    assert_eq!(store::load("latest", &folder).unwrap().at, newer.at);
    let read = store::load(&path.display().to_string(), &folder).unwrap();
    assert_eq!(serde_json::json!(read), serde_json::json!(newer));
    std::fs::write(&path, "{}").unwrap();
    let error = store::load("latest", &folder).unwrap_err().to_string();
    assert!(error.contains("not a stored run"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_thread_that_is_full_is_named_with_what_fills_it() {
    let mut bank = Bank::new(&Stage::ALL, 2);
    let record = |bank: &mut Bank, stage: Stage, ns: u64| {
        for _ in 0..1_000 {
            bank.stage(stage).record(HostNs::new(0), HostNs::new(0), HostNs::new(ns));
        }
    };
    record(&mut bank, Stage::Decoded, 300);
    record(&mut bank, Stage::BookApplied, 700);
    record(&mut bank, Stage::StateApplied, 1_000);
    record(&mut bank, Stage::Decided, 9_000);
    for (index, ns) in [(0, 100), (1, 8_000)] {
        bank.call(index, Seq(1), HostNs::new(0), HostNs::new(0), HostNs::new(ns));
    }
    let name = |name: &str| StrategyName {
        instance: name.to_owned(),
        version: String::new(),
        sha256: String::new(),
        reloadable: &[],
    };
    let names = ["quick", "slow"].map(name);
    let why = |row: RateRow| model::saturation(&row, &bank, &names);
    assert_eq!(why(row("1k")), None);
    assert_eq!(why(RateRow { achieved_per_s: 991.0, conflated: 9, ..row("1k") }), None);

    let slow = RateRow { achieved_per_s: 900.0, backlog_ns: 1 << 30, ..row("1k") };
    let said = why(slow.clone()).unwrap();
    assert!(said.contains("the feed thread is full: 1.00 us of work a frame"), "{said}");
    assert!(said.contains("70 % of it in book_applied"), "{said}");
    let starved = ThreadLoad { name: "feed".to_owned(), cpu_pct: 60.0, starved_pct: 38.0 };
    let said = why(RateRow { threads: vec![starved], ..slow.clone() }).unwrap();
    assert!(said.contains("ready without a core: feed 38 % of the time"), "{said}");

    let said = why(RateRow { sent_late_ns: quantiles(1 << 29), ..slow }).unwrap();
    assert!(said.starts_with("the load could not keep its own plan"), "{said}");
    let said = why(RateRow { conflated: 11, ..row("1k") }).unwrap();
    assert!(said.contains("the engine thread is full: 10.0 us"), "{said}");
    assert!(said.contains("90 % of it in decided; most in slow, 8.00 us a call"), "{said}");
}
