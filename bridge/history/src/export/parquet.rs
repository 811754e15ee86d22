//! Bars and prints as Parquet, as notebooks and databases read it: exact decimals and times in UTC.
//!
//! One group of rows is in memory at once. The file grows under a name beside its own and takes its own when
//! it is whole, so a part of it is never taken for all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use paperwire_core::bar::Timeframe;
use paperwire_core::num::Px;
use paperwire_core::trade::OrderSide;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, Type};

use super::ExportError;
use crate::model::{Candle, Print, Scale, Span};
use crate::provider;
use crate::store::{Each, Store, StoreError};

/// Rows that are in memory at once: some 10 MB of bars, and twice that as columns.
const GROUP_ROWS: usize = 1 << 17;
/// Decimals of so many digits are stored as 64-bit integers.
const SHORT_MAX: u64 = 999_999_999_999_999_999;

/// What a column is made of; `None` only where its column is not [`Column::is_required`].
enum Values<T> {
    /// Whole numbers, with the Parquet type that says what they count.
    Numbers(&'static str, fn(&T) -> i64),
    Prices(fn(&T) -> Option<i64>),
    Quantities(fn(&T) -> Option<i64>),
    Words(fn(&T) -> Option<&'static str>),
    Flags(fn(&T) -> Option<bool>),
}

struct Column<T> {
    name: &'static str,
    is_required: bool,
    values: Values<T>,
}

impl<T> Column<T> {
    const fn new(name: &'static str, values: Values<T>) -> Self {
        Self { name, is_required: true, values }
    }

    const fn optional(name: &'static str, values: Values<T>) -> Self {
        Self { name, is_required: false, values }
    }
}

const BARS: &[Column<Candle>] = &[
    // Bars begin at whole seconds.
    Column::new(
        "open_at",
        Values::Numbers(" (TIMESTAMP(MICROS,true))", |of| of.open_at.raw() / 1000),
    ),
    Column::new("open", Values::Prices(|of| Some(of.open.raw()))),
    Column::new("high", Values::Prices(|of| Some(of.high.raw()))),
    Column::new("low", Values::Prices(|of| Some(of.low.raw()))),
    Column::new("close", Values::Prices(|of| Some(of.close.raw()))),
    Column::new("volume", Values::Quantities(|of| Some(of.volume.raw()))),
    Column::optional("vwap", Values::Prices(|of| of.vwap.map(Px::raw))),
    Column::new("trades", Values::Numbers("", |of| of.trades.into())),
    Column::new("source", Values::Words(|of| Some(of.source.as_str()))),
    Column::new("incomplete", Values::Flags(|of| Some(of.flags.is_incomplete))),
    Column::new("synthetic", Values::Flags(|of| Some(of.flags.is_carried))),
];

const PRINTS: &[Column<Print>] = &[
    Column::new("at", Values::Numbers(" (TIMESTAMP(NANOS,true))", |of| of.at.raw())),
    Column::new("price", Values::Prices(|of| Some(of.px.raw()))),
    Column::new("qty", Values::Quantities(|of| Some(of.qty.raw()))),
    Column::new("trade_id", Values::Numbers("", |of| of.trade_id)),
    Column::optional("side", Values::Words(|of| of.taker.map(OrderSide::as_str))),
    Column::optional("market", Values::Flags(|of| of.is_market)),
    Column::new("source", Values::Words(|of| Some(of.source.as_str()))),
];

/// Every bar as it is stored, empty ones too. Returns the rows written.
///
/// # Errors
/// [`ExportError`]; then there is no file, or the one that was there before.
pub fn candles(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
    path: &Path,
) -> Result<u64, ExportError> {
    let table = Table { symbol, what: timeframe.as_str(), columns: BARS, group_rows: GROUP_ROWS };
    table.write(store, path, |store, each| provider::each(store, symbol, timeframe, span, each))
}

/// Every print as it is stored, to the nanosecond. Returns the rows written.
///
/// # Errors
/// As [`candles`].
pub fn prints(
    store: &mut dyn Store,
    symbol: &str,
    span: Span,
    path: &Path,
) -> Result<u64, ExportError> {
    let table = Table { symbol, what: "trades", columns: PRINTS, group_rows: GROUP_ROWS };
    table.write(store, path, |store, each| store.prints(symbol, span, usize::MAX, each))
}

/// How decimals are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Up to 18 digits, in 64 bits: what readers take in fastest.
    Short,
    /// 19 digits, which is all that the store can hold, in nine bytes.
    Long,
}

/// A file to be written.
struct Table<'a, T: 'static> {
    symbol: &'a str,
    what: &'a str,
    columns: &'static [Column<T>],
    group_rows: usize,
}

impl<T> Table<'_, T> {
    fn write(
        &self,
        store: &mut dyn Store,
        path: &Path,
        read: impl Fn(&mut dyn Store, Each<'_, T>) -> Result<(), StoreError>,
    ) -> Result<u64, ExportError> {
        let beside = beside(path);
        let mut attempt = |width| {
            let scale = store.scale(self.symbol)?;
            let mut rows = self.begin(&beside, scale, width)?;
            read(store, &mut |row| rows.push(row))?;
            rows.finish()
        };
        // Nineteen digits are so rare that the file is begun again for them.
        let written = match attempt(Width::Short) {
            Ok(None) => attempt(Width::Long),
            other => other,
        };
        let done = written.and_then(|rows| {
            fs::rename(&beside, path)?;
            Ok(rows.expect("no number of the store has more than 19 digits"))
        });
        if done.is_err() {
            let _ = fs::remove_file(&beside);
        }
        done
    }

    fn begin(&self, file: &Path, scale: Scale, width: Width) -> Result<Rows<T>, ExportError> {
        let note = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
        let notes = vec![
            note("symbol", self.symbol),
            note("timeframe", self.what),
            note("program", concat!("paperwire ", env!("CARGO_PKG_VERSION"))),
        ];
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(notes));
        for column in self.columns.iter().filter(|column| column.is_series(width)) {
            let path = ColumnPath::from(column.name);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let schema = Arc::new(schema(self.columns, scale, width)?);
        let file = File::create(file).map_err(ExportError::Create)?;
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
        Ok(Rows {
            columns: self.columns,
            width,
            group_rows: self.group_rows,
            writer,
            rows: Vec::new(),
            written: 0,
            stopped: None,
        })
    }
}

/// The name under which a file grows.
fn beside(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn schema<T>(columns: &[Column<T>], scale: Scale, width: Width) -> Result<Type, ParquetError> {
    let decimal = |scale: u8| match width {
        Width::Short => ("INT64", format!(" (DECIMAL(18,{scale}))")),
        Width::Long => ("FIXED_LEN_BYTE_ARRAY (9)", format!(" (DECIMAL(19,{scale}))")),
    };
    let mut text = "message history {".to_owned();
    for Column { name, is_required, values } in columns {
        let (of, means) = match values {
            Values::Numbers(means, _) => ("INT64", (*means).to_owned()),
            Values::Prices(_) => decimal(scale.price),
            Values::Quantities(_) => decimal(scale.qty),
            Values::Words(_) => ("BINARY", " (STRING)".to_owned()),
            Values::Flags(_) => ("BOOLEAN", String::new()),
        };
        let needed = if *is_required { "REQUIRED" } else { "OPTIONAL" };
        text += &format!(" {needed} {of} {name}{means};");
    }
    parse_message_type(&(text + " }"))
}

/// A file that grows.
struct Rows<T: 'static> {
    columns: &'static [Column<T>],
    width: Width,
    group_rows: usize,
    writer: SerializedFileWriter<File>,
    /// Less than a group of them.
    rows: Vec<T>,
    written: u64,
    stopped: Option<Stop>,
}

/// Why no more rows are taken.
enum Stop {
    /// One has a number of 19 digits.
    Long,
    Failed(ParquetError),
}

impl<T> Rows<T> {
    fn push(&mut self, row: T) -> ControlFlow<()> {
        if self.width == Width::Short && self.columns.iter().any(|column| column.is_long(&row)) {
            self.stopped = Some(Stop::Long);
            return ControlFlow::Break(());
        }
        self.rows.push(row);
        if self.rows.len() == self.group_rows
            && let Err(error) = self.group()
        {
            self.stopped = Some(Stop::Failed(error));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in self.columns {
            let mut to = group.next_column()?.expect("the schema is made of the same columns");
            column.put(&mut to, &self.rows, self.width)?;
            to.close()?;
        }
        group.close()?;
        self.written += self.rows.len() as u64;
        self.rows.clear();
        Ok(())
    }

    /// Makes the file whole; `None` when it needs longer numbers.
    fn finish(mut self) -> Result<Option<u64>, ExportError> {
        match self.stopped.take() {
            Some(Stop::Long) => return Ok(None),
            Some(Stop::Failed(error)) => return Err(error.into()),
            None => {}
        }
        if !self.rows.is_empty() {
            self.group()?;
        }
        let written = self.written;
        // Some systems say only now that the disk is full.
        self.writer.into_inner()?.sync_all()?;
        Ok(Some(written))
    }
}

impl<T> Column<T> {
    /// True where one number says much about the next one.
    fn is_series(&self, width: Width) -> bool {
        match self.values {
            Values::Numbers(..) => true,
            Values::Prices(_) | Values::Quantities(_) => width == Width::Short,
            Values::Words(_) | Values::Flags(_) => false,
        }
    }

    fn is_long(&self, row: &T) -> bool {
        let (Values::Prices(value) | Values::Quantities(value)) = self.values else {
            return false;
        };
        value(row).is_some_and(|raw| raw.unsigned_abs() > SHORT_MAX)
    }

    fn put(
        &self,
        to: &mut SerializedColumnWriter<'_>,
        rows: &[T],
        width: Width,
    ) -> Result<(), ParquetError> {
        match (&self.values, width) {
            (Values::Numbers(_, value), _) => {
                self.put_as::<Int64Type>(to, rows, |row| Some(value(row)))
            }
            (Values::Prices(value) | Values::Quantities(value), Width::Short) => {
                self.put_as::<Int64Type>(to, rows, value)
            }
            (Values::Prices(value) | Values::Quantities(value), Width::Long) => {
                self.put_as::<FixedLenByteArrayType>(to, rows, |row| value(row).map(nine_bytes))
            }
            (Values::Words(value), _) => {
                let word =
                    |word: &'static str| ByteArray::from(Bytes::from_static(word.as_bytes()));
                self.put_as::<ByteArrayType>(to, rows, |row| value(row).map(word))
            }
            (Values::Flags(value), _) => self.put_as::<BoolType>(to, rows, value),
        }
    }

    fn put_as<D: DataType>(
        &self,
        to: &mut SerializedColumnWriter<'_>,
        rows: &[T],
        value: impl Fn(&T) -> Option<D::T>,
    ) -> Result<(), ParquetError> {
        let found: Vec<Option<D::T>> = rows.iter().map(value).collect();
        let is_there: Vec<i16> = found.iter().map(|of| i16::from(of.is_some())).collect();
        let values: Vec<D::T> = found.into_iter().flatten().collect();
        let is_there = (!self.is_required).then_some(is_there.as_slice());
        to.typed::<D>().write_batch(&values, is_there, None)?;
        Ok(())
    }
}

/// Two's complement, the highest byte first.
fn nine_bytes(raw: i64) -> FixedLenByteArray {
    i128::from(raw).to_be_bytes()[7..].to_vec().into()
}

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> Self {
        let error = match error {
            ParquetError::External(inner) => {
                inner.downcast().map_or_else(io::Error::other, |of| *of)
            }
            other => io::Error::other(other),
        };
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests;
