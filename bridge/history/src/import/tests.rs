use std::io::Write;

use super::*;
use crate::provider;
use crate::store::{Address, Retention};
use crate::testing::{Folder, captured};

fn store(folder: &Folder) -> Box<dyn Store> {
    Address::Sqlite(folder.file("h.db")).open(Retention::KEEP).unwrap()
}

fn import(
    store: &mut dyn Store,
    path: &Path,
    options: &ImportOptions,
) -> Result<Report, ImportError> {
    file(store, &inputs(path).inputs[0], options, &mut |_| ())
}

#[test]
fn a_minute_whose_volume_is_beyond_all_markets_is_named_not_wrapped() {
    let folder = Folder::new("too-much");
    let path = folder.file("XBTUSD.csv");
    let whole = i64::MAX;
    std::fs::write(&path, format!("60,1,{whole}\n119,1,0\n120,1,{whole}\n121,1,1\n")).unwrap();
    let failed = import(&mut *store(&folder), &path, &ImportOptions::default()).unwrap_err();
    assert!(failed.to_string().contains("row 4, or the volume of its minute"), "{failed}");
}

#[test]
fn a_file_with_bad_lines_is_refused_whole_and_the_lines_are_listed() {
    let folder = Folder::new("bad-lines");
    let path = folder.file("XBTUSD_1.csv");
    let text = "time,open,high,low,close,volume,trades\n60,1.5,2,1,1.25,0.3,7\r\n\
        60,1.5,2,1,1.25,0.3,7\n61,1,1,1,1,1,1\n120,x,2,1,1,1,1\n180,1.5,2,1,1.25,0.30001,7";
    std::fs::write(&path, text).unwrap();
    let mut store = store(&folder);
    let refused = import(&mut *store, &path, &ImportOptions::default());
    let Err(ImportError::Bad(report)) = refused else { panic!("{refused:?}") };
    let lines: Vec<_> = report.bad.iter().map(|bad| (bad.number, bad.why)).collect();
    let expected = [
        (3, "the time is not after that of the line before"),
        (4, "the time is not the start of a bar"),
        (5, "a price is not a decimal number"),
    ];
    assert_eq!(lines, expected);
    assert!(store.symbols().unwrap().is_empty(), "nothing was imported");
    let options = ImportOptions { skip_bad: true, ..ImportOptions::default() };
    let report = import(&mut *store, &path, &options).unwrap();
    assert_eq!((report.rows, report.written.candles), (2, 2));
    let series = provider::latest(&mut *store, "BTC/USD", Timeframe::M1, 9).unwrap();
    assert_eq!(series.scale, Scale { price: 2, qty: 5 });
    assert_eq!(series.candles[1].volume, Qty::new(30_001));
    assert!(import(&mut *store, &path, &options).unwrap().was_done);
}

#[test]
fn an_import_that_was_stopped_goes_on_where_it_was() {
    let folder = Folder::new("resume");
    let path = folder.file("XRPUSD_1.csv");
    let rows = 120_000;
    let line = |at: i64| format!("{},0.5,0.6,0.4,0.55,{}.5,3\n", at * 60, at % 9);
    std::fs::write(&path, (0..rows).map(line).collect::<String>()).unwrap();
    let mut store = store(&folder);
    let input = &inputs(&path).inputs[0];
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        file(&mut *store, input, &ImportOptions::default(), &mut |progress| {
            assert!(progress.is_checking || progress.rows < 100_000, "stopped");
        })
    }));
    assert!(stopped.is_err());
    assert_eq!(store.extent("XRP/USD", Timeframe::M1).unwrap().unwrap().rows, 100_000);
    let report = import(&mut *store, &path, &ImportOptions::default()).unwrap();
    assert_eq!(report.written.candles, 20_000);
    assert_eq!(store.extent("XRP/USD", Timeframe::M1).unwrap().unwrap().rows, 120_000);
}

#[test]
fn folders_archives_and_trades_are_read() {
    let folder = Folder::new("kinds");
    let data = folder.file("data");
    std::fs::create_dir_all(data.join("deeper")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(
        std::fs::File::create(data.join("deeper/ETHUSD_5.csv.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    gz.write_all(b"300,1,2,1,1,1,1\n600,1,2,1,1,1,1\n").unwrap();
    gz.finish().unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(data.join("q.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("Q1/XDGUSD.csv", options).unwrap();
    zip.write_all(b"60,0.1,5\n60,0.2,5\n61,0.3,5\n120,0.4,5\n180,0.1,1\n").unwrap();
    zip.start_file("Q1/notes.txt", options).unwrap();
    zip.finish().unwrap();
    let inputs = inputs(&data).inputs;
    let names: Vec<_> = inputs.iter().map(Input::name).collect();
    assert_eq!(names, ["ETHUSD_5.csv.gz", "XDGUSD.csv"]);
    let mut store = store(&folder);
    for again in [false, true] {
        for input in &inputs {
            let options = ImportOptions { again, ..ImportOptions::default() };
            let report = file(&mut *store, input, &options, &mut |_| ()).unwrap();
            assert_eq!(report.written == Written::default(), again, "{report:?}");
        }
    }
    let (_, prints) = provider::prints(&mut *store, "DOGE/USD", Span::ALL, 99).unwrap();
    assert_eq!(prints.len(), 5);
    let minutes = provider::latest(&mut *store, "DOGE/USD", Timeframe::M1, 9).unwrap().candles;
    let got: Vec<_> = minutes
        .iter()
        .map(|of| (of.open.raw(), of.close.raw(), of.trades, of.flags.is_incomplete))
        .collect();
    // The first and the last minute may have begun before the file, or go on after it.
    assert_eq!(got, [(1, 3, 3, true), (4, 4, 1, false), (1, 1, 1, true)]);
    let hours = provider::latest(&mut *store, "ETH/USD", Timeframe::M5, 9).unwrap();
    assert_eq!(hours.candles.len(), 2);
}

fn zip_of(path: &Path, entries: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn what_cannot_be_read_is_named_and_stops_nothing_else() {
    let folder = Folder::new("refused");
    let data = folder.file("data");
    std::fs::create_dir_all(data.join("empty")).unwrap();
    std::os::unix::fs::symlink(&data, data.join("circle")).unwrap();
    std::os::unix::fs::symlink("nowhere", data.join("dangling.csv")).unwrap();
    std::os::unix::net::UnixListener::bind(data.join("socket.csv")).unwrap();
    std::fs::write(data.join("bad.zip"), "no archive").unwrap();
    std::fs::write(data.join("readme.txt"), "text").unwrap();
    std::fs::write(data.join("._XBTUSD_1.csv"), "mac").unwrap();
    std::fs::write(data.join("XBTUSD_1.CSV"), "60,1,1,1,1,1,1\n").unwrap();
    zip_of(&data.join("nothing.zip"), &[("readme.txt", b"x"), ("__MACOSX/._A.csv", b"x")]);
    zip_of(&data.join("outer.zip"), &[("inner.zip", b"x"), ("a/SOLUSD_1.CSV", b"60,1,1,1,1,1,1")]);
    let found = inputs(&data);
    let names: Vec<_> = found.inputs.iter().map(Input::name).collect();
    assert_eq!(names, ["XBTUSD_1.CSV", "SOLUSD_1.CSV"]);
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    let expected = ["bad.zip", "dangling.csv", "nothing.zip", "outer.zip:inner.zip", "socket.csv"];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, name) in problems.iter().zip(expected) {
        assert!(problem.contains(name), "{problem} names {name}");
    }
    let nothing = |path: &Path| {
        let found = inputs(path);
        (found.inputs.len(), found.problems.len())
    };
    assert_eq!(nothing(&data.join("empty")), (0, 1));
    assert_eq!(nothing(&data.join("none.csv")), (0, 1));
    let mut store = store(&folder);
    std::fs::write(data.join("FOOBAR_1.csv"), "60,1,1,1,1,1,1\n").unwrap();
    let refused = import(&mut *store, &data.join("FOOBAR_1.csv"), &ImportOptions::default());
    assert!(refused.unwrap_err().to_string().contains("FOOBAR is no pair"));
}

#[test]
fn marks_blank_lines_and_weeks_from_thursday_are_no_errors() {
    let folder = Folder::new("marks");
    let mut store = store(&folder);
    let mut check = |name: &str, text: &[u8], rows: u64| {
        let path = folder.file(name);
        std::fs::write(&path, text).unwrap();
        let report = import(&mut *store, &path, &ImportOptions::default());
        assert_eq!(report.map(|of| (of.rows, of.written.candles)).unwrap(), (rows, rows), "{name}");
    };
    check("XBTUSD_1.csv", b"\xef\xbb\xbf60,1,1,1,1,1,1\n\n120,1,1,1,1,1,1\r\n\r\n  \n\n", 2);
    // 1970-01-01 was a Thursday, 1970-01-05 a Monday.
    let week =
        |day: i64| format!("{},1,2,1,1,1,1\n{},1,2,1,1,1,1\n", day * 86_400, (day + 14) * 86_400);
    check("XRPUSD_10080.csv", week(7).as_bytes(), 2);
    check("LTCUSD_10080.csv", week(4).as_bytes(), 2);
    let refused = |name: &str, text: &str| {
        let path = folder.file(name);
        std::fs::write(&path, text).unwrap();
        let input = &inputs(&path).inputs[0];
        let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let mut other = Address::Sqlite(folder.file("o.db")).open(Retention::KEEP).unwrap();
        assert!(file(&mut *other, input, &options, &mut |_| ()).is_err(), "{name}");
    };
    refused("DOTUSD_10080.csv", &week(5));
    refused("ADAUSD_10080.csv", &(week(4) + &week(49)));
    refused("SOLUSD_1.csv", "\u{fffe}60");
    // Weeks of the file stand beside those that are made of minutes, and never overlap one.
    let weeks = provider::latest(&mut *store, "XRP/USD", Timeframe::W1, 9).unwrap().candles;
    assert_eq!(weeks.len(), 2);
    let minutes: String =
        (0..10_080).map(|at| format!("{},1,1,1,1,1,1\n", (11 * 1440 + at) * 60)).collect();
    let path = folder.file("XRPUSD_1.csv");
    std::fs::write(&path, minutes).unwrap();
    import(&mut *store, &path, &ImportOptions::default()).unwrap();
    let weeks = provider::latest(&mut *store, "XRP/USD", Timeframe::W1, 9).unwrap().candles;
    let days: Vec<i64> = weeks.iter().map(|of| of.open_at.raw() / 86_400_000_000_000).collect();
    assert_eq!(days, [11, 21], "the week from day 7 on overlaps the one from day 11 on");
}

#[test]
fn many_trades_of_one_second_cost_as_much_as_others() {
    let folder = Folder::new("one-second");
    let count = 20_000;
    let rows = |same: bool| -> String {
        (0..count).map(|at| format!("{},1,1\n", if same { 60 } else { 60 + at })).collect()
    };
    let mut store = store(&folder);
    let mut steps = |name: &str, same: bool| {
        let path = folder.file(name);
        std::fs::write(&path, rows(same)).unwrap();
        let clock = paperwire_rt::clock::HostClock::new();
        let began = clock.now();
        let report = import(&mut *store, &path, &ImportOptions::default()).unwrap();
        assert_eq!(report.written.prints, count);
        clock.now().since(began).raw()
    };
    let (apart, together) = (steps("XBTUSD.csv", false), steps("ETHUSD.csv", true));
    assert!(together < 20 * apart, "{together} ns beside {apart} ns");
}

#[test]
fn krakens_own_file_is_imported_and_its_gaps_are_found() {
    let Some(path) = captured("XBTUSD_60.csv.gz") else { return };
    let folder = Folder::new("xbtusd");
    let mut store = store(&folder);
    let report = import(&mut *store, &path, &ImportOptions::default()).unwrap();
    assert_eq!((report.rows, report.bad_lines), (70_253, 0));
    assert_eq!(report.scale, Scale { price: 5, qty: 10 });
    let hour = Timeframe::H1;
    let extent = store.extent("BTC/USD", hour).unwrap().unwrap();
    assert_eq!(extent.rows, 70_253);
    let day = |text: &[u8]| ExchNs::parse_rfc3339(text).unwrap();
    assert!(extent.oldest >= day(b"2013-10-06T00:00:00Z"));
    assert!(extent.oldest < day(b"2013-10-07T00:00:00Z"));
    assert!(extent.newest >= day(b"2023-01-07T00:00:00Z"));
    assert!(extent.newest < day(b"2023-01-08T00:00:00Z"));
    assert_eq!(store.holes("BTC/USD", hour, Span::ALL).unwrap().len(), 3254);
}
