use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::model::{Source, Span};
use crate::store::{Address, Retention};
use crate::testing::{Cluster, Folder, SCALE, candle, print};
use crate::tests::contract::fill;
use paperwire_rt::runner::Wait;

fn start(folder: &Path, url: &str, held_rows_max: usize) -> Writer {
    let config = WriterConfig {
        batch_every: Duration::from_millis(20),
        retry: (Duration::from_millis(20), Duration::from_millis(200)),
        close_within: Duration::from_secs(20),
        held_rows_max,
        ..WriterConfig::new(folder.join("spill"))
    };
    let address = Address::parse(url).unwrap();
    let open: Open = Box::new(move || address.open(Retention::KEEP));
    Writer::start(config, open, HostClock::new()).unwrap()
}

fn push(writer: &Writer, symbol: &Arc<str>, number: i64) {
    writer.push(Item::Print(symbol.clone(), SCALE, print(number, number)));
    writer.push(Item::Fill(Box::new(fill(number))));
    if number % 10 == 0 {
        writer.push(Item::Candle(symbol.clone(), SCALE, candle(number / 10, Source::Ws)));
    }
}

/// Every print and every fill, exactly once.
fn assert_all(url: &str, count: i64) {
    let mut store = Address::parse(url).unwrap().open(Retention::KEEP).unwrap();
    let mut ids = Vec::new();
    store
        .prints("BTC/USD", Span::ALL, usize::MAX, &mut |of| {
            ids.push(of.trade_id);
            ControlFlow::Continue(())
        })
        .unwrap();
    let mut fills = Vec::new();
    store
        .fills("s", &mut |of| {
            fills.push(of.fill_id);
            ControlFlow::Continue(())
        })
        .unwrap();
    for (name, got) in [("prints", ids), ("fills", fills)] {
        let distinct: BTreeSet<i64> = got.iter().copied().collect();
        assert_eq!(got.len(), distinct.len(), "{name} twice");
        assert_eq!(distinct, (0..count).collect(), "{name} lost");
    }
    let bars = store.extent("BTC/USD", paperwire_core::bar::Timeframe::M1).unwrap().unwrap();
    assert_eq!(bars.rows, count.unsigned_abs().div_ceil(10));
}

#[test]
fn a_server_killed_twenty_times_loses_nothing() {
    let Some(cluster) = Cluster::start("pg-killed") else { return };
    let url = cluster.database("history");
    let folder = Folder::new("pg-killed-spill");
    let writer = start(&folder.0, &url, 1_000_000);
    let stop = Arc::new(AtomicBool::new(false));
    let symbol: Arc<str> = "BTC/USD".into();
    let count = std::thread::scope(|threads| {
        let killing = threads.spawn(|| {
            for _ in 0..20 {
                cluster.kill();
                cluster.up();
            }
            stop.store(true, Ordering::Relaxed);
        });
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..5 {
                push(&writer, &symbol, number);
                number += 1;
            }
            Wait::Doze.wait();
        }
        killing.join().unwrap();
        number
    });
    let stats = writer.stats();
    let told = writer.close().problems;
    assert!(stats.failures.load(Ordering::Relaxed) > 0, "{stats:?}");
    assert!(stats.spilled_rows.load(Ordering::Relaxed) > 0, "{stats:?}");
    assert_eq!(stats.dropped.load(Ordering::Relaxed), 0);
    assert_eq!(stats.spilled_bytes.load(Ordering::Relaxed), 0, "{told:?}");
    assert_all(&url, count);
}

#[test]
fn a_database_file_that_is_deleted_under_the_session_loses_nothing() {
    let folder = Folder::new("db-deleted");
    let path = folder.file("data/h.db");
    let url = path.display().to_string();
    let writer = start(&folder.0, &url, 1_000_000);
    let symbol: Arc<str> = "BTC/USD".into();
    for part in 0..3 {
        (100 * part..100 * (part + 1)).for_each(|number| push(&writer, &symbol, number));
        let stats = writer.stats();
        while stats.waiting.load(Ordering::Relaxed) > 0 {
            Wait::Doze.wait();
        }
        match part {
            0 => std::fs::remove_dir_all(path.parent().unwrap()).unwrap(),
            // Its log alone is left behind, which belongs to no file any more.
            1 => std::fs::remove_file(&path).unwrap(),
            _ => {}
        }
    }
    let told = writer.close().problems;
    assert_eq!(told.iter().filter(|what| what.contains("written again")).count(), 2, "{told:?}");
    assert_all(&url, 300);
}

#[test]
fn a_database_that_is_never_there_leaves_everything_to_the_next_run() {
    let folder = Folder::new("never-there");
    let closed = "postgres://paperwire@127.0.0.1:1/history";
    let symbol: Arc<str> = "BTC/USD".into();
    let writer = {
        let config = WriterConfig {
            close_within: Duration::from_millis(50),
            batch_every: Duration::from_millis(10),
            ..WriterConfig::new(folder.file("spill"))
        };
        let open: Open = Box::new(move || Address::parse(closed)?.open(Retention::KEEP));
        Writer::start(config, open, HostClock::new()).unwrap()
    };
    (0..500).for_each(|number| push(&writer, &symbol, number));
    let Closed { problems: told, failure } = writer.close();
    assert_eq!(failure, None, "a server that is away is no damage");
    assert!(told.last().unwrap().contains("wait in the spill"), "{told:?}");
    let url = folder.file("h.db").display().to_string();
    let writer = start(&folder.0, &url, 1_000_000);
    assert_eq!(writer.close().problems, [""; 0]);
    assert_all(&url, 500);
}

#[test]
fn a_damaged_store_fails_loudly_and_loses_nothing_that_a_command_cannot_write() {
    let folder = Folder::new("damaged");
    let path = folder.file("h.db");
    std::fs::write(&path, vec![b'x'; 20_000]).unwrap();
    let url = path.display().to_string();
    let symbol: Arc<str> = "BTC/USD".into();
    let writer = start(&folder.0, &url, 1_000_000);
    assert!(!writer.stats().is_away.load(Ordering::Relaxed), "nothing was tried yet");
    (0..500).for_each(|number| push(&writer, &symbol, number));
    let closed = writer.close();
    assert!(closed.failure.unwrap().contains("`paperwire history repair`"));
    let named = closed.problems.iter().filter(|of| of.contains("is damaged")).count();
    assert_eq!(named, 1, "{:?}", closed.problems);
    let rejected = folder.file("spill/rejected.jsonl");
    assert!(!rejected.exists(), "the rows are not at fault");
    // Rows that were set aside by whatever else are tried again, too; what is no batch stays.
    crate::repair::sqlite(&path, 1).unwrap().unwrap();
    std::fs::write(&rejected, "no batch\n").unwrap();
    let mut store = Address::parse(&url).unwrap().open(Retention::KEEP).unwrap();
    let recovered = recover(&folder.file("spill"), &mut *store).unwrap();
    assert_eq!((recovered.rows, recovered.refused.len()), (1050, 1), "{recovered:?}");
    drop(store);
    assert_all(&url, 500);
    assert_eq!(std::fs::read_to_string(rejected).unwrap(), "no batch\n");
}

/// Runs `body` in a folder on a file system of this size; skips loudly where none can be mounted.
fn on_small_disk(name: &str, size: &str, body: impl FnOnce(&Path) + std::panic::UnwindSafe) {
    let folder = Folder::new(name);
    let mount = folder.file("disk");
    std::fs::create_dir(&mount).unwrap();
    let run = |program: &str, args: &[&str]| {
        let quiet = std::process::Stdio::null;
        let mut command = Command::new(program);
        command.args(args).stdout(quiet()).stderr(quiet());
        command.status().is_ok_and(|status| status.success())
    };
    let place = mount.display().to_string();
    if !run("mount", &["-t", "tmpfs", "-o", size, "tmpfs", &place]) {
        eprintln!("SKIPPED: no small file system can be mounted here (needs root)");
        return;
    }
    let result = std::panic::catch_unwind(|| body(&mount));
    assert!(run("umount", &[&place]));
    result.unwrap();
}

/// Takes every byte that is left.
fn fill_up(mount: &Path) -> PathBuf {
    let ballast = mount.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    ballast
}

#[test]
fn a_session_whose_rows_nobody_took_does_not_end_well() {
    on_small_disk("nobody-took", "size=1m", |mount| {
        let config = WriterConfig {
            close_within: Duration::from_millis(50),
            batch_every: Duration::from_millis(10),
            ..WriterConfig::new(mount.join("spill"))
        };
        let open: Open = Box::new(|| {
            Address::parse("postgres://paperwire@127.0.0.1:1/history")?.open(Retention::KEEP)
        });
        let writer = Writer::start(config, open, HostClock::new()).unwrap();
        fill_up(mount);
        let symbol: Arc<str> = "BTC/USD".into();
        (0..500).for_each(|number| push(&writer, &symbol, number));
        let failure = writer.close().failure.unwrap();
        assert!(failure.contains("rows of history are lost"), "{failure}");
    });
}

/// Database and spill on a file system of six megabytes that someone fills up.
#[test]
fn a_full_disk_loses_nothing_once_there_is_room() {
    on_small_disk("full-disk", "size=6m", |mount| {
        let url = mount.join("h.db").display().to_string();
        let symbol: Arc<str> = "BTC/USD".into();
        let writer = start(mount, &url, 1_000_000);
        let stats = writer.stats();
        (0..2000).for_each(|number| push(&writer, &symbol, number));
        while stats.commits.load(Ordering::Relaxed) == 0 {
            Wait::Doze.wait();
        }
        let ballast = fill_up(mount);
        (2000..6000).for_each(|number| push(&writer, &symbol, number));
        while stats.failures.load(Ordering::Relaxed) < 3 {
            Wait::Doze.wait();
        }
        (6000..7000).for_each(|number| push(&writer, &symbol, number));
        std::fs::remove_file(&ballast).unwrap();
        let told = writer.close().problems;
        assert_eq!(stats.dropped.load(Ordering::Relaxed), 0, "{told:?}");
        assert_all(&url, 7000);
    });
}
