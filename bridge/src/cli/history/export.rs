//! `paperwire history export`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use paperwire_core::bar::Timeframe;
use paperwire_history::export::{self, ExportError};
use paperwire_history::model::Span;
use paperwire_history::store::Store;
use paperwire_replay::error::RunError;
use paperwire_replay::output::{Output, Stores};
use serde_json::json;

use super::Job;

impl Job<'_> {
    pub(super) fn export(
        &mut self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        span: Span,
        out: &Path,
    ) -> Result<(), RunError> {
        let storage =
            |why: &dyn std::fmt::Display| RunError::Storage(format!("{}: {why}", out.display()));
        let output = Output::at(out, &Stores::of(self.config, self.common.db.as_deref()))?;
        let mut store = self.open()?;
        store.scale(symbol)?;
        let is_parquet = out.extension().is_some_and(|of| of.eq_ignore_ascii_case("parquet"));
        let part = output.path();
        let rows = match timeframe {
            Some(timeframe) if is_parquet => {
                export::parquet::candles(&mut *store, symbol, timeframe, span, part)
            }
            None if is_parquet => export::parquet::prints(&mut *store, symbol, span, part),
            _ => lines(&mut *store, symbol, timeframe, span, part),
        };
        let rows = rows.map_err(|error| storage(&error))?;
        output.finish().map_err(|error| storage(&error))?;
        let shown = out.display().to_string();
        self.answer(&json!({"file": shown, "rows": rows}), || {
            vec![format!("{shown}: {rows} rows")]
        });
        Ok(())
    }
}

/// Exports in the form that is imported.
fn lines(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Option<Timeframe>,
    span: Span,
    out: &Path,
) -> Result<u64, ExportError> {
    let mut file = BufWriter::new(File::create(out).map_err(ExportError::Create)?);
    let rows = match timeframe {
        Some(timeframe) => export::candles(store, symbol, timeframe, span, &mut file)?,
        None => export::prints(store, symbol, span, &mut file)?,
    };
    file.flush()?;
    Ok(rows)
}
