use std::io::BufRead;

use paperwire_core::account::{FillId, OrderId, StratId, Trigger};
use paperwire_core::event::Seq;
use paperwire_core::instrument::{AssetName, SymbolId, SymbolName, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::strategy::Reason;
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_core::trade::OrderSide;

use super::*;

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
        is_unverified_depth: false,
        value: Money::from_num(3.29),
        quote_rate: Money::ONE,
        fee: Money::from_num(0.003),
        realized: Money::ZERO,
        net: Money::ZERO,
        trigger: Trigger::Strategy,
        reason: Reason::new("test").with("nan", f64::NAN).with("x", 1.5),
        tag: 0,
        lots_after: -5_100,
        cash_after: Money::from_num(96.7),
    };
    let (at, arrived, made) = (ExchNs::new(1), HostNs::new(1), HostNs::new(2));
    Report { seq: Seq(id), at, arrived, made, kind: ReportKind::Fill(fill) }
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
    let names = [StrategyName { instance: strategy.to_owned(), version, sha256 }];
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
    assert_eq!(journal.close(), None);
    let fills = lines(&fills_file(&dir, "s1"));
    assert_eq!(fills.len(), 500);
    let first = &fills[0];
    assert_eq!(first["correlation_id"], "s1-000000000001");
    assert_eq!(first["fill"]["qty"], "0.00005100");
    assert_eq!(first["fill"]["px"], "64525.0");
    assert_eq!(first["fill"]["position_after"], "-0.00005100");
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

#[test]
fn what_a_full_disk_refuses_is_kept_and_written_later() {
    let dir = folder("full");
    let archive = dir.join("archive");
    let mut stream = Stream::create(&dir, &archive, "x", 1 << 20, 2).unwrap();
    stream.push("one");
    stream.flush().unwrap();
    // The file is replaced by a folder: every write fails until it is gone.
    let path = dir.join("x.jsonl");
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("SKIPPED: this system has no /dev/full");
        return;
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(full, &path).unwrap();
    let mut stream = Stream::create(&dir, &archive, "x", 1 << 20, 2).unwrap();
    stream.push("two");
    let error = stream.flush().unwrap_err().to_string();
    assert!(error.contains("x.jsonl") && error.contains("free space"), "{error}");
    std::fs::remove_file(&path).unwrap();
    stream.push("three");
    stream.flush().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\nthree\n");
}
