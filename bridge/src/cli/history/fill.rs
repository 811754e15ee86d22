//! `paperwire history gaps`, `fill-gaps` and `backfill`.

use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;
use paperwire_history::filler::{self, FillOptions, Outcome};
use paperwire_history::limiter::Limiter;
use paperwire_history::model::{MINUTE_NS, Span};
use paperwire_history::provider::{self, Missing};
use paperwire_history::rest::Rest;
use paperwire_history::store::Store;
use paperwire_replay::error::RunError;
use paperwire_rt::clock::utc_now;
use serde_json::{Value, json};

use super::{Job, Times, VenueArgs, bar, show};

impl Job<'_> {
    pub(super) fn gaps(
        &mut self,
        symbols: &[String],
        timeframe: Timeframe,
        times: &Times,
    ) -> Result<(), RunError> {
        let mut store = self.open()?;
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        for symbol in self.symbols(&mut *store, symbols)? {
            let holes = missing(&mut *store, &symbol, timeframe, times)?.spans;
            let known = store.gaps(&symbol)?;
            let steps: i64 = holes.iter().map(|hole| hole.steps(timeframe)).sum();
            lines.push(format!(
                "{symbol} {}: {} holes, {steps} bars",
                timeframe.as_str(),
                holes.len()
            ));
            let line = |of: &Span| {
                let (from, to) = (show::at(of.from, 0), show::at(of.to, 0));
                format!("  {from} to {to}  {} bars", of.steps(timeframe))
            };
            lines.extend(holes.iter().take(50).map(line));
            if holes.len() > 50 {
                lines.push(format!("  and {} more; --json lists all", holes.len() - 50));
            }
            lines.extend(known.iter().map(|gap| format!("  {}", show::gap_line(gap))));
            rows.push(json!({
                "symbol": symbol,
                "timeframe": timeframe.as_str(),
                "holes": holes.iter().map(|of| show::span_json(*of)).collect::<Vec<_>>(),
                "missing_bars": steps,
                "gaps": known.iter().map(show::gap_json).collect::<Vec<_>>(),
            }));
        }
        self.answer(&Value::Array(rows), || lines);
        Ok(())
    }

    pub(super) fn fill(
        &mut self,
        options: &FillOptions,
        venue: &VenueArgs,
    ) -> Result<(), RunError> {
        let mut store = self.open()?;
        let mut rest = Rest::new(&venue.rest, Limiter::shared());
        let (mut rows, mut lines, mut failed) = (Vec::new(), Vec::new(), 0);
        let symbols = self.symbols(&mut *store, &venue.symbols)?;
        if symbols.is_empty() {
            let hint = "nothing is stored; name pairs with --symbols BTC/USD,XRP/USD";
            return Err(RunError::Config(hint.to_owned()));
        }
        for symbol in symbols {
            let bar = bar("minutes");
            bar.set_message(symbol.clone());
            let outcome =
                filler::fill(&mut *store, &mut rest, &symbol, options, &mut |progress| {
                    bar.set_length(progress.total.unsigned_abs());
                    bar.set_position(progress.done.unsigned_abs());
                    true
                })?;
            bar.finish_and_clear();
            failed += outcome.failed.len();
            lines.extend(outcome_lines(&symbol, &outcome));
            rows.push(json!({
                "symbol": symbol,
                "found": outcome.found,
                "filled": outcome.filled,
                "failed": outcome.failed.iter().map(show::gap_json).collect::<Vec<_>>(),
                "new_candles": outcome.written.candles,
                "new_trades": outcome.written.prints,
                "requests": outcome.requests,
            }));
        }
        self.answer(&Value::Array(rows), || lines);
        match failed {
            0 => Ok(()),
            _ => Err(RunError::Connection(format!("{failed} ranges are still open; run it again"))),
        }
    }
}

/// What lacks between the ends that were named; an end that was not is that of what is stored.
fn missing(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    times: &Times,
) -> Result<Missing, RunError> {
    let length = timeframe.minutes() * MINUTE_NS;
    let from = times.from.map(|at| {
        let floor = timeframe.floor(at);
        if floor == at { at } else { ExchNs::new(floor.raw() + length) }
    });
    let over = timeframe.floor(utc_now());
    let newest = store.extent(symbol, timeframe)?.map(|of| ExchNs::new(of.newest.raw() + length));
    let to = match (times.to, newest) {
        // What has not happened yet does not lack.
        (Some(to), _) => timeframe.floor(to).min(over),
        (None, Some(newest)) => newest,
        (None, None) => over,
    };
    let span = Span::new(from.unwrap_or(Span::ALL.from), to);
    Ok(provider::missing(store, symbol, timeframe, from, span)?)
}

fn outcome_lines(symbol: &str, outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![format!(
        "{symbol}: {} holes, {} filled, {} bars and {} trades are new, {} requests",
        outcome.found,
        outcome.filled,
        outcome.written.candles,
        outcome.written.prints,
        outcome.requests
    )];
    lines.extend(outcome.failed.iter().map(|gap| format!("  still open: {}", show::gap_line(gap))));
    lines
}
