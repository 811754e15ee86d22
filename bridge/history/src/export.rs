//! The way back: bars and prints as the files that [`crate::import`] reads, or as [`parquet`]; streamed.

pub mod parquet;

use std::io::{self, Write};
use std::ops::ControlFlow;

use paperwire_core::bar::Timeframe;
use paperwire_core::num::Decimal;

use crate::model::{SECOND_NS, Span};
use crate::provider;
use crate::store::{Store, StoreError};

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such folder, or it may not be written to.
    #[error("{0}; make the folder, or choose one that may be written to")]
    Create(io::Error),
    /// The file took no more.
    #[error("writing: {0}; make room and export again")]
    Io(#[from] io::Error),
}

/// A number as people write it: without trailing zeros, with one digit after the point.
fn short(raw: i64, precision: u8) -> String {
    let text = Decimal::new(raw, precision).to_string();
    if !text.contains('.') {
        return format!("{text}.0");
    }
    let text = text.trim_end_matches('0');
    if text.ends_with('.') { format!("{text}0") } else { text.to_owned() }
}

/// Bars as `unix_s,open,high,low,close,volume,trades`; minutes without trades are left out, as in Kraken's
/// files. Returns the lines written.
///
/// # Errors
/// [`ExportError`].
pub fn candles(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let scale = store.scale(symbol)?;
    let (mut lines, mut failed) = (0, None);
    provider::each(store, symbol, timeframe, span, &mut |of| {
        if of.trades == 0 {
            return ControlFlow::Continue(());
        }
        let px = |px: paperwire_core::num::Px| short(px.raw(), scale.price);
        let written = writeln!(
            out,
            "{},{},{},{},{},{},{}",
            of.open_at.raw() / SECOND_NS,
            px(of.open),
            px(of.high),
            px(of.low),
            px(of.close),
            short(of.volume.raw(), scale.qty),
            of.trades
        );
        lines += 1;
        go_on(written, &mut failed)
    })?;
    failed.map_or(Ok(lines), |error| Err(error.into()))
}

/// Prints as `unix_s,price,volume`, in whole seconds as in Kraken's files. Returns the lines written.
///
/// # Errors
/// [`ExportError`].
pub fn prints(
    store: &mut dyn Store,
    symbol: &str,
    span: Span,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let scale = store.scale(symbol)?;
    let (mut lines, mut failed) = (0, None);
    store.prints(symbol, span, usize::MAX, &mut |of| {
        let (px, qty) =
            (Decimal::new(of.px.raw(), scale.price), Decimal::new(of.qty.raw(), scale.qty));
        lines += 1;
        go_on(writeln!(out, "{},{px},{qty}", of.at.raw() / SECOND_NS), &mut failed)
    })?;
    failed.map_or(Ok(lines), |error| Err(error.into()))
}

fn go_on(written: io::Result<()>, failed: &mut Option<io::Error>) -> ControlFlow<()> {
    match written {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *failed = Some(error);
            ControlFlow::Break(())
        }
    }
}
