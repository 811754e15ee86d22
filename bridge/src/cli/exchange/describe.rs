//! `paperwire exchange --describe`: what the built-in market is like, beside captures and publications.

use std::path::Path;

use paperwire_core::raw::RawKind;
use paperwire_core::time::ExchNs;
use paperwire_exchange::MarketConfig;
use paperwire_exchange::describe::{CaptureReader, Described, json, model, table};
use paperwire_replay::error::RunError;
use paperwire_tape::Source;

/// Plays the market for `minutes` of its own time at the configured depth, reads the captures or tapes,
/// and says how they compare, as text or JSON.
///
/// # Errors
/// [`RunError`] when the market is misconfigured or a file cannot be read.
pub(crate) fn describe(
    market: &MarketConfig,
    depth: u16,
    minutes: u32,
    files: &[impl AsRef<Path>],
    as_json: bool,
) -> Result<String, RunError> {
    // The past is not measured.
    let short = MarketConfig { history_minutes: 0, ..market.clone() };
    let model = model(&short, usize::from(depth), 60 * u64::from(minutes))
        .map_err(|error| RunError::Config(error.to_string()))?;
    let mut captures = Vec::new();
    for file in files {
        captures.extend(capture(file.as_ref())?);
    }
    if as_json {
        return Ok(format!("{:#}", json(&model, &captures)));
    }
    let seed = market.seed;
    let (rate, minutes) = (market.rate, f64::from(minutes));
    let head = format!("seed {seed}, rate {rate}, {minutes} minutes of the market, depth {depth}");
    Ok(format!("{head}\n\n{}", table(&model, &captures)))
}

fn capture(file: &Path) -> Result<Vec<Described>, RunError> {
    let unreadable =
        |error: &dyn std::fmt::Display| RunError::Config(format!("{}: {error}", file.display()));
    let mut source = Source::open(file).map_err(|error| unreadable(&error))?;
    let mut reader = CaptureReader::default();
    while let Some(record) = source.next().map_err(|error| unreadable(&error))? {
        if record.kind == RawKind::Frame
            && let Ok(text) = std::str::from_utf8(record.payload)
        {
            let rx = i64::try_from(record.rx.raw()).unwrap_or(i64::MAX);
            reader.frame(ExchNs::new(rx), text);
        }
    }
    let described = reader.finish();
    if described.is_empty() {
        return Err(RunError::Config(format!(
            "{}: no book in it; a capture begins with a book snapshot",
            file.display()
        )));
    }
    Ok(described)
}
