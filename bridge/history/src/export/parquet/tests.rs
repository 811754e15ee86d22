use std::path::PathBuf;

use paperwire_core::bar::BarFlags;
use paperwire_core::num::Qty;
use paperwire_core::time::ExchNs;
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;

use super::*;
use crate::model::{Batch, SECOND_NS, Source, SymbolRows};
use crate::store::{Address, Retention};
use crate::testing::{Folder, candle, print};

const FINEST: Scale = Scale { price: 18, qty: 0 };

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![Just(Source::Csv), Just(Source::RestOhlc), Just(Source::Ws), Just(Source::Trades)]
}

/// Numbers of all lengths, and those at which a column or an integer ends.
fn raw() -> impl Strategy<Value = i64> {
    let limit = 10i64.pow(18);
    let ends = [0, 1, -1, limit - 1, limit, 1 - limit, -limit, i64::MAX, i64::MIN];
    prop_oneof![0..5_000_000i64, any::<i64>(), proptest::sample::select(ends.to_vec())]
}

prop_compose! {
    fn any_candle()(
        px in [raw(), raw(), raw(), raw()], volume in raw(), vwap in proptest::option::of(raw()),
        trades in 0..=i32::MAX.unsigned_abs(), source in source(), is_carried: bool,
        is_incomplete: bool,
    ) -> Candle {
        let [open, high, low, close] = px.map(Px::new);
        let flags = BarFlags { is_carried, is_incomplete };
        Candle {
            open_at: ExchNs::new(0), open, high, low, close, volume: Qty::new(volume),
            vwap: vwap.map(Px::new), trades, source, flags,
        }
    }
}

prop_compose! {
    fn any_print()(
        at in 0..9_000_000_000_000_000_000i64, px in raw(), qty in raw(), is_market: Option<bool>,
        taker in proptest::option::of(prop_oneof![Just(OrderSide::Buy), Just(OrderSide::Sell)]),
        source in source(),
    ) -> Print {
        let (at, px, qty) = (ExchNs::new(at), Px::new(px), Qty::new(qty));
        Print { at, px, qty, trade_id: 0, taker, is_market, source }
    }
}

fn store(folder: &Folder, rows: SymbolRows) -> Box<dyn Store> {
    let path = folder.file("h.db");
    let _ = fs::remove_file(&path);
    let mut store = Address::Sqlite(path).open(Retention::KEEP).unwrap();
    store.commit(&Batch { symbols: vec![rows], ..Batch::default() }).unwrap();
    store
}

/// Every row of a file, field by field, and the rows of its groups.
fn read(path: &Path) -> (Vec<Vec<Field>>, Vec<i64>) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let groups = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    let fields = |row: parquet::errors::Result<parquet::record::Row>| {
        row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect()
    };
    (reader.get_row_iter(None).unwrap().map(fields).collect(), groups)
}

/// A decimal of a file as an integer; its scale must be this one.
fn decimal(field: &Field, expected: u8) -> Option<i64> {
    let Field::Decimal(decimal) = field else {
        assert_eq!(*field, Field::Null);
        return None;
    };
    assert_eq!(decimal.scale(), i32::from(expected));
    let bytes = decimal.data();
    assert_eq!(bytes.len(), if matches!(decimal, Decimal::Int64 { .. }) { 8 } else { 9 });
    let start = if bytes[0] & 0x80 == 0 { 0i128 } else { -1 };
    let wide = bytes.iter().fold(start, |sum, byte| sum << 8 | i128::from(*byte));
    Some(i64::try_from(wide).unwrap())
}

fn word(text: &str) -> Field {
    Field::Str(text.to_owned())
}

fn is_bar(fields: &[Field], of: &Candle, scale: Scale) {
    assert_eq!(fields[0], Field::TimestampMicros(of.open_at.raw() / 1000));
    for (at, px) in [(1, of.open), (2, of.high), (3, of.low), (4, of.close)] {
        assert_eq!(decimal(&fields[at], scale.price), Some(px.raw()));
    }
    assert_eq!(decimal(&fields[5], scale.qty), Some(of.volume.raw()));
    assert_eq!(decimal(&fields[6], scale.price), of.vwap.map(Px::raw));
    let rest = [
        Field::Long(of.trades.into()),
        word(of.source.as_str()),
        Field::Bool(of.flags.is_incomplete),
        Field::Bool(of.flags.is_carried),
    ];
    assert_eq!(fields[7..], rest);
}

fn is_print(fields: &[Field], of: &Print, scale: Scale) {
    assert_eq!(fields[0], Field::Long(of.at.raw()), "nanoseconds");
    assert_eq!(decimal(&fields[1], scale.price), Some(of.px.raw()));
    assert_eq!(decimal(&fields[2], scale.qty), Some(of.qty.raw()));
    let rest = [
        Field::Long(of.trade_id),
        of.taker.map_or(Field::Null, |side| word(side.as_str())),
        of.is_market.map_or(Field::Null, Field::Bool),
        word(of.source.as_str()),
    ];
    assert_eq!(fields[3..], rest);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_bars_has_what_the_store_has(
        mut candles in proptest::collection::vec(any_candle(), 0..40), group_rows in 1usize..20,
    ) {
        for (at, candle) in (0..).zip(&mut candles) {
            candle.open_at = ExchNs::new(at * 60 * SECOND_NS);
        }
        let folder = Folder::new("parquet-bars");
        let rows = SymbolRows { candles: candles.clone(), ..SymbolRows::new("BTC/USD", FINEST) };
        let (mut store, path) = (store(&folder, rows), folder.file("bars.parquet"));
        let table = Table { symbol: "BTC/USD", what: "1m", columns: BARS, group_rows };
        let written = table.write(&mut *store, &path, |store, each| {
            provider::each(store, "BTC/USD", Timeframe::M1, Span::ALL, each)
        });
        assert_eq!(written.unwrap(), candles.len() as u64);
        let (found, groups) = read(&path);
        assert_eq!(found.len(), candles.len());
        assert_eq!(groups.len(), candles.len().div_ceil(group_rows), "bounded memory");
        for (fields, candle) in found.iter().zip(&candles) {
            is_bar(fields, candle, FINEST);
        }
    }

    #[test]
    fn a_file_of_prints_has_what_the_store_has(
        mut prints in proptest::collection::vec(any_print(), 0..40), group_rows in 1usize..20,
    ) {
        prints.sort_by_key(|of| of.at);
        for (id, print) in (-20..).zip(&mut prints) {
            print.trade_id = id;
        }
        let folder = Folder::new("parquet-prints");
        let rows = SymbolRows { prints: prints.clone(), ..SymbolRows::new("BTC/USD", FINEST) };
        let (mut store, path) = (store(&folder, rows), folder.file("prints.parquet"));
        let table = Table { symbol: "BTC/USD", what: "trades", columns: PRINTS, group_rows };
        let written = table.write(&mut *store, &path, |store, each| {
            store.prints("BTC/USD", Span::ALL, usize::MAX, each)
        });
        assert_eq!(written.unwrap(), prints.len() as u64);
        let (found, _) = read(&path);
        assert_eq!(found.len(), prints.len());
        for (fields, print) in found.iter().zip(&prints) {
            is_print(fields, print, FINEST);
        }
    }
}

fn few(folder: &Folder) -> Box<dyn Store> {
    let scale = Scale { price: 1, qty: 8 };
    let rows = SymbolRows::new("BTC/USD", scale);
    let candles = (0..9).map(|at| candle(at, Source::Ws)).collect();
    store(folder, SymbolRows { candles, prints: vec![print(5, 1)], ..rows })
}

#[test]
fn a_file_says_what_its_columns_are_and_whose() {
    let folder = Folder::new("parquet-schema");
    let mut store = few(&folder);
    let described = |path: PathBuf| {
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let of = reader.metadata().file_metadata();
        let mut text = Vec::new();
        parquet::schema::printer::print_schema(&mut text, of.schema());
        let notes = of.key_value_metadata().unwrap().iter();
        let notes: Vec<_> = notes.map(|of| (of.key.clone(), of.value.clone().unwrap())).collect();
        (String::from_utf8(text).unwrap(), notes)
    };
    let path = folder.file("bars.parquet");
    candles(&mut *store, "BTC/USD", Timeframe::M5, Span::ALL, &path).unwrap();
    let (schema, notes) = described(path);
    for line in [
        "REQUIRED INT64 open_at (TIMESTAMP(MICROS,true));",
        "REQUIRED INT64 close (DECIMAL(18,1));",
        "REQUIRED INT64 volume (DECIMAL(18,8));",
        "OPTIONAL INT64 vwap (DECIMAL(18,1));",
        "REQUIRED BYTE_ARRAY source (STRING);",
    ] {
        assert!(schema.contains(line), "{line} in {schema}");
    }
    let known = [("symbol", "BTC/USD"), ("timeframe", "5m")];
    for (key, value) in known {
        assert!(notes.contains(&(key.to_owned(), value.to_owned())), "{notes:?}");
    }
    let path = folder.file("prints.parquet");
    assert_eq!(prints(&mut *store, "BTC/USD", Span::ALL, &path).unwrap(), 1);
    assert!(described(path).0.contains("REQUIRED INT64 at (TIMESTAMP(NANOS,true));"));
}

#[test]
fn a_file_is_there_when_it_is_whole_and_not_before() {
    let folder = Folder::new("parquet-whole");
    let mut store = few(&folder);
    let path = folder.file("bars.parquet");
    fs::write(&path, "the file of before").unwrap();
    let table = Table { symbol: "BTC/USD", what: "1m", columns: BARS, group_rows: 4 };
    let failed = table.write(&mut *store, &path, |store, each| {
        provider::each(store, "BTC/USD", Timeframe::M1, Span::ALL, each)?;
        Err(StoreError::Unknown("gone".to_owned()))
    });
    assert!(matches!(failed, Err(ExportError::Store(_))), "{failed:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "the file of before");
    assert!(!beside(&path).exists(), "nothing is left behind");
    candles(&mut *store, "BTC/USD", Timeframe::M1, Span::ALL, &path).unwrap();
    assert_eq!(read(&path).0.len(), 9);
    assert!(!beside(&path).exists());
    let nowhere = folder.file("missing/bars.parquet");
    let refused = prints(&mut *store, "BTC/USD", Span::ALL, &nowhere).unwrap_err();
    assert!(refused.to_string().contains("make the folder"), "{refused}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_with_its_remedy() {
    let folder = Folder::new("parquet-full");
    let mut store = few(&folder);
    let path = folder.file("bars.parquet");
    std::os::unix::fs::symlink("/dev/full", beside(&path)).unwrap();
    let error = candles(&mut *store, "BTC/USD", Timeframe::M1, Span::ALL, &path).unwrap_err();
    assert!(matches!(&error, ExportError::Io(of) if of.kind() == io::ErrorKind::StorageFull));
    assert!(error.to_string().contains("make room and export again"), "{error}");
    assert!(!path.exists());
}
