use std::io::BufRead;
use std::path::Path;

use paperwire_core::account::{AccountState, Evidence, HaltReason, Liquidity, Trigger};
use paperwire_core::command::{Origin, Verb};
use paperwire_core::event::Seq;
use paperwire_core::ids::{FillId, OrderId, StratId};
use paperwire_core::instrument::{AssetName, SymbolId, SymbolName, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{OpenOrder, OrderDone, OrderEnd, OrderSpec, OrderState};
use paperwire_core::strategy::{Action, Reason, Signal, Size};
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_core::trade::OrderSide;
use paperwire_exec::report::{AccountRow, BracketRow, PositionRow};
use paperwire_exec::saw::Saw;

use super::*;

fn fills_file(dir: &Path, session: &str) -> PathBuf {
    dir.join("trades").join(format!("fills_{session}.jsonl"))
}

fn report(id: u64, kind: ReportKind) -> Report {
    let (at, arrived, made) = (ExchNs::new(1), HostNs::new(1), HostNs::new(2));
    Report { seq: Seq(id), at, arrived, made, is_history: false, kind }
}

fn fill(id: u64) -> Report {
    let fill = paperwire_core::account::Fill {
        id: FillId(id),
        order: OrderId(id),
        strategy: StratId(0),
        symbol: SymbolId(0),
        at: ExchNs::new(1),
        side: OrderSide::Buy,
        qty: Qty::new(5_100),
        px: Px::new(645_250),
        worst_px: Px::new(645_251),
        levels: 2,
        liquidity: Liquidity::Maker,
        evidence: Evidence {
            bid: Px::new(645_249),
            ask: Px::new(645_252),
            ahead_at_entry: Some(Qty::new(100_000_000)),
            print: Some((Px::new(645_250), Qty::new(7))),
            ..Evidence::default()
        },
        is_unverified_depth: false,
        value: Money::from_num(3.29),
        quote_rate: Money::ONE,
        fee: Money::from_num(0.003),
        realized: Money::ZERO,
        net: Money::ZERO,
        trade_net: None,
        trigger: Trigger::Strategy,
        reason: Reason::new("test").with("nan", f64::NAN).with("x", 1.5),
        tag: 0,
        lots_after: -5_100,
        cash_after: Money::from_num(96.7),
    };
    report(id, ReportKind::Fill(fill))
}

fn instrument() -> Instrument {
    Instrument {
        name: SymbolName::from("BTC/USD").unwrap(),
        base: AssetName::from("BTC").unwrap(),
        quote: AssetName::from("USD").unwrap(),
        price_precision: 1,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("paperwire-journal-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

fn journal(dir: &Path, file_bytes_max: u64, strategy: &str) -> Journal {
    let session = "s1".to_owned();
    let config = JournalConfig { dir: dir.to_owned(), file_bytes_max, files_max: 2, session };
    let (version, sha256) = ("1.0.0".to_owned(), String::new());
    let names = [StrategyName {
        instance: strategy.to_owned(),
        version,
        sha256,
        reloadable: &["threshold"],
    }];
    Journal::start(config, &names, &[instrument()], HostClock::new()).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    let file = std::fs::File::open(path).unwrap();
    std::io::BufReader::new(file)
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

#[test]
fn every_fill_is_written_exactly_and_shares_its_correlation_id() {
    let dir = folder("fills");
    let journal = journal(&dir, 1 << 20, "../evil name");
    for id in 1..=500 {
        journal.write(Entry::Report(Box::new(fill(id))));
    }
    let end = journal.close();
    assert_eq!((end.problems.len(), end.lost), (0, Lost::default()));
    let fills = lines(&fills_file(&dir, "s1"));
    assert_eq!(fills.len(), 500);
    let first = &fills[0];
    assert_eq!(first["correlation_id"], "s1-000000000001");
    assert_eq!(first["fill"]["qty"], "0.00005100");
    assert_eq!(first["fill"]["px"], "64525.0");
    assert_eq!(first["fill"]["position_after"], "-0.00005100");
    assert_eq!(first["fill"]["liquidity"], "maker");
    let evidence = &first["fill"]["evidence"];
    assert_eq!((&evidence["bid"], &evidence["ask"]), (&json!("64524.9"), &json!("64525.2")));
    assert_eq!(evidence["queue_ahead_at_entry"], "1.00000000");
    assert_eq!(evidence["print"], json!({"px": "64525.0", "qty": "0.00000007"}));
    assert_eq!(first["fill"]["reason"]["values"]["nan"], Value::Null);
    assert_eq!(lines(&dir.join("aggregated/unified_s1.jsonl")), fills);
    assert_eq!(lines(&dir.join("strategies/___evil_name_s1.jsonl")), fills);
}

#[test]
fn a_fill_reaches_the_kernel_without_being_asked_for() {
    let dir = folder("urgent");
    let journal = journal(&dir, 1 << 20, "a");
    journal.write(Entry::Report(Box::new(fill(1))));
    // As a killed process would leave it: never closed, never flushed by us.
    let path = fills_file(&dir, "s1");
    let clock = HostClock::new();
    let deadline = clock.now().plus(DurationNs::from_secs(20));
    while std::fs::metadata(&path).map_or(0, |meta| meta.len()) == 0 {
        assert!(clock.now() < deadline, "the fill never came");
        std::thread::yield_now();
    }
    assert_eq!(lines(&path).len(), 1);
    std::mem::forget(journal);
}

#[test]
fn full_files_are_rotated_compressed_and_pruned_without_losing_a_line() {
    let dir = folder("rotate");
    let journal = journal(&dir, 20_000, "a");
    for id in 1..=200 {
        journal.write(Entry::Report(Box::new(fill(id))));
        if id % 20 == 0 {
            // Small batches, so that several rotations happen.
            (0..20).for_each(|_| paperwire_rt::runner::Wait::Doze.wait());
        }
    }
    journal.close();
    let clock = HostClock::new();
    let deadline = clock.now().plus(DurationNs::from_secs(20));
    let archived = |ending: &str| {
        let names = std::fs::read_dir(dir.join("archive")).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("fills_") && name.ends_with(ending)).count()
    };
    while archived(".zst") != 2 || archived(".jsonl") > 0 || archived(".part") > 0 {
        assert!(clock.now() < deadline, "two archives are kept, all others are gone");
        paperwire_rt::runner::Wait::Doze.wait();
    }
}

/// A stream on a device that refuses everything, or `None` where there is no such device.
fn refused(name: &str, kept_max: usize) -> Option<(Stream, PathBuf)> {
    let dir = folder(name);
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("SKIPPED: this system has no /dev/full");
        return None;
    }
    let path = dir.join("x.jsonl");
    std::fs::create_dir_all(&dir).unwrap();
    std::os::unix::fs::symlink(full, &path).unwrap();
    let archive = dir.join("archive");
    let config = StreamConfig { folder: dir, archive, size_max: 1 << 20, files_max: 2, kept_max };
    Some((Stream::create(config, "x").unwrap(), path))
}

#[test]
fn what_a_full_disk_refuses_is_kept_and_written_later() {
    let Some((mut stream, path)) = refused("full", 1 << 20) else { return };
    stream.push("two", Worth::Ordinary);
    let error = stream.flush().unwrap_err().to_string();
    assert!(error.contains("x.jsonl") && error.contains("free space"), "{error}");
    std::fs::remove_file(&path).unwrap();
    stream.push("three", Worth::Ordinary);
    stream.flush().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\nthree\n");
    assert_eq!(stream.lost(), Lost::default());
}

#[test]
fn logs_that_are_deleted_under_the_session_are_written_again_and_told() {
    let dir = folder("deleted");
    let journal = journal(&dir, 1 << 20, "a");
    journal.write(Entry::Report(Box::new(fill(1))));
    let clock = HostClock::new();
    let deadline = clock.now().plus(DurationNs::from_secs(20));
    while std::fs::metadata(fills_file(&dir, "s1")).map_or(0, |meta| meta.len()) == 0 {
        assert!(clock.now() < deadline, "the fill never came");
        std::thread::yield_now();
    }
    std::fs::remove_dir_all(&dir).unwrap();
    let problem = loop {
        if let Some(problem) = journal.take_problem() {
            break problem;
        }
        assert!(clock.now() < deadline, "it was never told");
        std::thread::yield_now();
    };
    assert!(problem.starts_with("deleted under the run: "), "{problem}");
    journal.write(Entry::Report(Box::new(fill(2))));
    let end = journal.close();
    assert_eq!(end.lost, Lost::default());
    assert_eq!(lines(&fills_file(&dir, "s1")).len(), 2);
    let system = lines(&dir.join("system/paperwire_s1.jsonl"));
    assert!(system.iter().any(|line| line["event"] == "log_file"), "{system:?}");
}

#[test]
fn lines_that_somebody_cuts_off_are_lost_and_counted() {
    let dir = folder("cut");
    let archive = dir.join("archive");
    let folder = dir.clone();
    let config =
        StreamConfig { folder, archive, size_max: 1 << 20, files_max: 2, kept_max: 1 << 20 };
    let mut stream = Stream::create(config, "x").unwrap();
    for n in 0..3 {
        stream.push(&format!("{{\"event\":\"fill\",\"n\":{n}}}"), Worth::Fill);
    }
    stream.flush().unwrap();
    let path = dir.join("x.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(30).unwrap();
    let mended = stream.look().unwrap().unwrap();
    assert_eq!((mended.how, mended.lines), (Mend::Cut, Lost { lines: 2, fills: 2 }));
    stream.push("next", Worth::Ordinary);
    stream.finish().unwrap();
    assert_eq!(stream.lost(), Lost { lines: 2, fills: 2 });
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{}next\n", &whole[..whole.find('\n').unwrap() + 1]));
}

#[test]
fn two_sessions_never_share_a_file() {
    let dir = folder("two");
    let first = journal(&dir, 1 << 20, "a");
    let config = JournalConfig {
        dir: dir.clone(),
        file_bytes_max: 1,
        files_max: 1,
        session: "s1".to_owned(),
    };
    let error = Journal::start(config, &[], &[instrument()], HostClock::new()).unwrap_err();
    assert!(error.to_string().contains("another session has it"), "{error}");
    first.close();
}

#[test]
fn too_much_for_the_memory_costs_whole_lines_the_oldest_first_and_fills_last() {
    let Some((mut stream, path)) = refused("overflow", 1000) else { return };
    // 100 lines of 20 bytes, each fourth a fill: half of them must go, and no fill.
    for n in 0..100 {
        let worth = if n % 4 == 0 { Worth::Fill } else { Worth::Ordinary };
        stream.push(&format!("line {n:03} {}", "x".repeat(10)), worth);
        assert!(stream.flush().is_err());
    }
    let lost = stream.lost();
    assert!(lost.lines > 50 && lost.fills == 0, "{lost:?}");
    std::fs::remove_file(&path).unwrap();
    stream.flush().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<u64> = text.lines().map(|line| line[5..8].parse().unwrap()).collect();
    assert_eq!(kept.len() as u64 + lost.lines, 100);
    assert!(kept.is_sorted() && text.lines().all(|line| line.len() == 19), "{text}");
    assert_eq!(kept.iter().filter(|n| *n % 4 == 0).count(), 25);
    let ordinary: Vec<u64> = kept.into_iter().filter(|n| n % 4 != 0).collect();
    assert_eq!(ordinary.last(), Some(&99));
    assert!(ordinary[0] > 50, "the oldest went first: {ordinary:?}");
}

#[test]
fn fills_alone_give_way_to_later_fills_and_never_to_other_lines() {
    let Some((mut stream, path)) = refused("fills-only", 100) else { return };
    for n in 0..5 {
        stream.push(&format!("{n}{}", "f".repeat(18)), Worth::Fill);
    }
    stream.push(&"o".repeat(19), Worth::Ordinary);
    assert_eq!(stream.lost(), Lost { lines: 1, fills: 0 });
    stream.push(&format!("5{}", "f".repeat(18)), Worth::Fill);
    assert_eq!(stream.lost(), Lost { lines: 2, fills: 1 });
    std::fs::remove_file(&path).unwrap();
    assert!(stream.flush().is_err(), "the device is still open");
    stream.flush().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let first: String = text.lines().map(|line| &line[..1]).collect();
    assert_eq!(first, "12345");
}

#[test]
fn a_disk_that_stays_full_is_told_at_once_and_what_it_cost_at_the_end() {
    if !Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: this system has no /dev/full");
        return;
    }
    let dir = folder("told");
    for sub in ["system", "trades", "aggregated", "strategies"] {
        std::fs::create_dir_all(dir.join(sub)).unwrap();
    }
    std::os::unix::fs::symlink("/dev/full", fills_file(&dir, "s1")).unwrap();
    let journal = journal(&dir, 1 << 20, "a");
    journal.write(Entry::Report(Box::new(fill(1))));
    let clock = HostClock::new();
    let deadline = clock.now().plus(DurationNs::from_secs(20));
    let problem = loop {
        if let Some(problem) = journal.take_problem() {
            break problem;
        }
        assert!(clock.now() < deadline, "it was never told");
        std::thread::yield_now();
    };
    assert!(problem.contains("fills_s1.jsonl") && problem.contains("free space"), "{problem}");
    let end = journal.close();
    assert_eq!(end.lost, Lost { lines: 1, fills: 1 });
    assert_eq!(end.problems, Vec::<String>::new());
}

#[test]
fn every_kind_of_record_is_json_under_its_own_name() {
    let dir = folder("kinds");
    let journal = journal(&dir, 1 << 20, "a");
    let (strategy, symbol) = (StratId(0), SymbolId(0));
    let spec = OrderSpec::post_only(Px::new(10));
    let order = OpenOrder {
        id: OrderId(7),
        tag: 3,
        symbol,
        side: OrderSide::Sell,
        qty: Qty::new(5),
        left: Qty::new(5),
        spec,
        state: OrderState::InFlight,
        is_changing: false,
        placed_at: ExchNs::new(1),
        ahead: None,
    };
    let latency = DurationNs::from_millis(25);
    let reason = Reason::new("because");
    let signal = Signal::new(symbol, Action::Buy, Size::All, reason).order(spec);
    let end = OrderEnd::WouldTake;
    let done = OrderDone { id: OrderId(7), tag: 3, symbol, left: Qty::new(5), end };
    let state = AccountState::Halted(HaltReason::Drawdown);
    let row = AccountRow::new(Money::from_num(100));
    let (position, bracket) = (PositionRow::default(), BracketRow::default());
    let saw = Saw { book: Some(0x00ab_cdef), took: DurationNs::new(1_234) };
    let amount = Money::from_bits(1 << 63 | 1);
    let kinds = [
        ReportKind::Signal { strategy, signal, saw },
        ReportKind::Order { strategy, order, trigger: Trigger::Strategy, latency },
        ReportKind::Done { strategy, done },
        ReportKind::Command { strategy, verb: Verb::Pause, origin: Origin::Terminal },
        ReportKind::State { strategy, state },
        ReportKind::Account { strategy, row, is_final: true },
        ReportKind::Position { strategy, symbol, row: position },
        ReportKind::Bracket { strategy, model: 2, row: bracket, is_final: true },
        ReportKind::Changed { strategy, order, reason: Reason::new("moved") },
        ReportKind::Interest { strategy, symbol, amount },
    ];
    for (id, kind) in (1..).zip(kinds) {
        journal.write(Entry::Report(Box::new(report(id, kind))));
    }
    journal.close();
    let all = lines(&dir.join("strategies/a_s1.jsonl"));
    let events: Vec<&str> = all.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let expected = [
        "signal",
        "order",
        "order_done",
        "command",
        "state",
        "account_final",
        "position",
        "bracket",
        "order_changed",
        "interest",
    ];
    assert_eq!(events, expected);
    assert!(
        all.iter().all(
            |line| line["strategy"] == "a" && line[line["event"].as_str().unwrap()].is_object()
        )
    );
    assert_eq!(all[0]["signal"]["saw"], json!({"seq": 1, "book": "00abcdef"}));
    assert_eq!(all[0]["signal"]["latency_ns"]["call"], 1_234);
    assert_eq!(all[1]["order"]["terms"]["limit"], "1.0");
    assert_eq!(all[1]["order"]["terms"]["post_only"], true);
    assert_eq!(all[1]["order"]["latency_ns"], 25_000_000);
    assert_eq!(all[2]["order_done"]["end"], "would_take");
    assert_eq!(all[3]["command"], json!({"verb": "pause", "origin": "terminal"}));
    assert_eq!(all[4]["state"], json!({"state": "halted", "why": "drawdown"}));
    assert_eq!(all[7]["bracket"]["fill_model"], "optimistic");
    assert_eq!(all[8]["order_changed"]["reason"]["code"], "moved");
    let logged = all[9]["interest"]["amount"].as_str().unwrap();
    assert_eq!(logged.parse::<Money>(), Ok(amount), "to the last bit");
    let system = lines(&dir.join("system/paperwire_s1.jsonl"));
    assert_eq!(system.len(), 2, "the command and the state");
}
