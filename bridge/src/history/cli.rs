//! `paperwire history`: import, export, fill, and look at what is stored.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;
use paperwire_history::export::ExportError;
use paperwire_history::filler::{self, FillOptions, Outcome};
use paperwire_history::import::{self, ImportError, ImportOptions, Report};
use paperwire_history::limiter::Limiter;
use paperwire_history::model::Span;
use paperwire_history::rest::Rest;
use paperwire_history::store::{Address, Store};
use paperwire_history::{export, provider};
use paperwire_rt::clock::utc_now;
use serde_json::{Value, json};

use super::{DAY_NS, show};
use crate::config::Config;
use crate::run::RunError;
use crate::terminal::Terminal;
use crate::venue::KRAKEN_REST;

/// Which store, and how the answer looks.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The store: a path, sqlite:PATH or postgres://...; without it that of the configuration.
    #[arg(long, global = true, value_name = "URL")]
    pub db: Option<String>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// A time from one instant up to another.
#[derive(Clone, Debug, Default, Args)]
pub struct Times {
    /// 2024-01-31, 2024-01-31T12:00:00Z or unix seconds; included.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<ExchNs>,
    /// The same; not included.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    to: Option<ExchNs>,
}

impl Times {
    fn span(&self) -> Span {
        Span::new(self.from.unwrap_or(Span::ALL.from), self.to.unwrap_or(Span::ALL.to))
    }
}

/// What is done with history.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "shared arguments are documented where they are declared")]
pub enum Action {
    /// Import Kraken's downloadable files: .csv, .csv.gz, .zip, and folders of them.
    ImportCsv {
        /// Files and folders.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// The pair, instead of the one in the file's name.
        #[arg(long)]
        symbol: Option<String>,
        /// Length of the bars, instead of that in the file's name.
        #[arg(long, value_parser = timeframe, conflicts_with = "trades")]
        timeframe: Option<Timeframe>,
        /// The files hold trades, whatever their names say.
        #[arg(long)]
        trades: bool,
        /// Leave bad lines out instead of refusing their file.
        #[arg(long)]
        skip_bad: bool,
        /// Only check.
        #[arg(long)]
        dry_run: bool,
        /// Read files again that were imported before.
        #[arg(long)]
        again: bool,
    },
    /// Write bars or trades in the form that is imported, or as Parquet.
    Export {
        /// The pair.
        symbol: String,
        /// Length of the bars.
        #[arg(long, value_parser = timeframe, default_value = "1m")]
        timeframe: Timeframe,
        /// Trades instead of bars.
        #[arg(long)]
        trades: bool,
        #[command(flatten)]
        times: Times,
        /// The file; Parquet when its name ends in .parquet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Fetch everything from a day on that is not stored.
    Backfill {
        /// The first day.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        from: ExchNs,
        #[command(flatten)]
        venue: VenueArgs,
    },
    /// Say which bars lack or are incomplete, and which gaps are known.
    Gaps {
        /// Pairs, separated by commas; all that are stored without any.
        #[arg(long, value_delimiter = ',')]
        symbols: Vec<String>,
        /// Length of the bars.
        #[arg(long, value_parser = timeframe, default_value = "1m")]
        timeframe: Timeframe,
        #[command(flatten)]
        times: Times,
    },
    /// Fetch what lacks.
    FillGaps {
        #[command(flatten)]
        times: Times,
        #[command(flatten)]
        venue: VenueArgs,
    },
    /// Bars of a time.
    Query {
        /// The pair.
        symbol: String,
        /// Length of the bars.
        #[arg(long, value_parser = timeframe, default_value = "1m")]
        timeframe: Timeframe,
        #[command(flatten)]
        times: Times,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// The newest bars, of one or of several lengths.
    Latest {
        /// The pair.
        symbol: String,
        /// Lengths, separated by commas.
        #[arg(long, value_delimiter = ',', value_parser = timeframe, default_value = "1m")]
        timeframes: Vec<Timeframe>,
        /// So many of each.
        #[arg(long, default_value_t = 10)]
        count: usize,
    },
    /// Trades of a time.
    Trades {
        /// The pair.
        symbol: String,
        #[command(flatten)]
        times: Times,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// What is stored.
    Stats,
    /// Bring the tables up to date and say what the database cannot do.
    Migrate,
}

/// Whose history is fetched.
#[derive(Clone, Debug, Default, Args)]
pub struct VenueArgs {
    /// Pairs, separated by commas; all that are stored without any.
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<String>,
    /// Base of the REST interface.
    #[arg(long, value_name = "URL", default_value = KRAKEN_REST)]
    rest: String,
}

/// Reads an instant of the command line.
fn instant(text: &str) -> Result<ExchNs, String> {
    let whole = match text.len() {
        10 if text.as_bytes()[4] == b'-' => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let by_second = || {
        let second: i64 = text.parse().ok()?;
        (0..9_000_000_000).contains(&second).then(|| ExchNs::new(second * 1_000_000_000))
    };
    let found = ExchNs::parse_rfc3339(whole.as_bytes()).or_else(by_second);
    found.ok_or_else(|| "expected 2024-01-31, 2024-01-31T12:00:00Z or unix seconds".to_owned())
}

/// Reads a length of bars of the command line.
fn timeframe(text: &str) -> Result<Timeframe, String> {
    Timeframe::by_word(text)
        .ok_or_else(|| "expected 1m, 5m, 15m, 30m, 1h, 4h, 12h, 1d or 1w".to_owned())
}

/// Carries out the command.
///
/// # Errors
/// [`RunError`].
pub fn run(
    action: &Action,
    common: &Common,
    config: &Config,
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    let mut job = Job { common, config, terminal };
    match action {
        Action::ImportCsv { paths, symbol, timeframe, trades, skip_bad, dry_run, again } => {
            let minutes = if *trades { Some(0) } else { timeframe.map(Timeframe::minutes) };
            let (symbol, skip_bad) = (symbol.clone(), *skip_bad);
            let (dry_run, again) = (*dry_run, *again);
            job.import(paths, &ImportOptions { symbol, minutes, skip_bad, dry_run, again })
        }
        Action::Export { symbol, timeframe, trades, times, out } => {
            job.export(symbol, (!trades).then_some(*timeframe), times.span(), out)
        }
        Action::Backfill { from, venue } => {
            let options = FillOptions { from: *from, to: Span::ALL.to, backfill: true };
            job.fill(&options, venue)
        }
        Action::Gaps { symbols, timeframe, times } => job.gaps(symbols, *timeframe, times.span()),
        Action::FillGaps { times, venue } => {
            let month = ExchNs::new(utc_now().raw() - 30 * DAY_NS);
            let from = times.from.unwrap_or(month);
            let to = times.span().to;
            job.fill(&FillOptions { from, to, backfill: times.from.is_some() }, venue)
        }
        Action::Query { symbol, timeframe, times, limit } => {
            let mut store = job.open()?;
            let began = utc_now();
            let series = provider::range(&mut *store, symbol, *timeframe, times.span(), *limit)?;
            let read_ms = (utc_now().raw() - began.raw()).max(0) / 1_000_000;
            let read = format!("{} bars read in {read_ms} ms", series.candles.len());
            job.series(&[(*timeframe, series)], Some(read_ms));
            job.terminal.notice(&read);
            Ok(())
        }
        Action::Latest { symbol, timeframes, count } => {
            let mut store = job.open()?;
            let end = Span::ALL.to;
            let all = provider::multi_timeframe(&mut *store, symbol, end, timeframes, *count)?;
            job.series(&all, None);
            Ok(())
        }
        Action::Trades { symbol, times, limit } => {
            let mut store = job.open()?;
            let (scale, prints) = provider::prints(&mut *store, symbol, times.span(), *limit)?;
            let rows = prints.iter().map(|of| show::print_json(of, scale)).collect();
            let lines = || prints.iter().map(|of| show::print_line(of, scale)).collect();
            job.answer(&Value::Array(rows), lines);
            Ok(())
        }
        Action::Stats => job.stats(),
        Action::Migrate => job.migrate(),
    }
}

struct Job<'a> {
    common: &'a Common,
    config: &'a Config,
    terminal: &'a mut Terminal,
}

impl Job<'_> {
    fn open(&self) -> Result<Box<dyn Store>, RunError> {
        super::open(self.config, self.common.db.as_deref())
    }

    fn answer(&mut self, value: &Value, lines: impl FnOnce() -> Vec<String>) {
        let text = if self.common.json { format!("{value:#}") } else { lines().join("\n") };
        self.terminal.result(&text);
    }

    fn series(&mut self, all: &[(Timeframe, provider::Series)], read_ms: Option<i64>) {
        let rows = |(timeframe, series): &(Timeframe, provider::Series)| {
            let candles = series.candles.iter().map(|of| show::candle_json(of, series.scale));
            let candles = candles.collect::<Vec<_>>();
            let mut row = json!({"timeframe": timeframe.as_str(), "candles": candles});
            if let Some(read_ms) = read_ms {
                row["read_ms"] = read_ms.into();
            }
            row
        };
        let lines = || {
            let mut lines = Vec::new();
            for (timeframe, series) in all {
                lines.push(format!("{:<4}{}", timeframe.as_str(), show::CANDLE_HEAD));
                lines.extend(series.candles.iter().map(|of| show::candle_line(of, series.scale)));
            }
            lines
        };
        self.answer(&Value::Array(all.iter().map(rows).collect()), lines);
    }

    /// Every file by itself: a bad one does not stop the others, and is the command's failure at the end.
    fn import(&mut self, paths: &[PathBuf], options: &ImportOptions) -> Result<(), RunError> {
        let mut store = self.open()?;
        let (mut reports, mut problems): (Vec<Report>, Vec<String>) = (Vec::new(), Vec::new());
        let mut touched: Option<Span> = None;
        for path in paths {
            let inputs =
                import::inputs(path).map_err(|error| RunError::Config(error.to_string()))?;
            for input in inputs {
                let bar = bar("rows");
                bar.set_message(input.name());
                let result = import::file(&mut *store, &input, options, &mut |progress| {
                    match progress.total {
                        Some(total) => bar.set_length(total),
                        None => bar.unset_length(),
                    }
                    bar.set_position(progress.rows);
                });
                bar.finish_and_clear();
                match result {
                    Ok(report) => {
                        let news = report.span.filter(|_| report.written.candles > 0);
                        touched = news
                            .into_iter()
                            .chain(touched)
                            .reduce(|a, b| Span::new(a.from.min(b.from), a.to.max(b.to)));
                        reports.push(report);
                    }
                    Err(ImportError::Store(error)) => return Err(error.into()),
                    Err(error) => {
                        problems.push(error.to_string());
                        if let ImportError::Bad(report) = error {
                            reports.push(*report);
                        }
                    }
                }
            }
        }
        if let Some(span) = touched {
            let end = ExchNs::new(span.to.raw() + 7 * DAY_NS);
            store.refresh(Span::new(span.from, end))?;
        }
        let rows = reports.iter().map(show::report_json).collect();
        self.answer(&json!({"files": Value::Array(rows), "problems": problems}), || {
            reports.iter().flat_map(show::report_lines).collect()
        });
        match problems.first() {
            None => Ok(()),
            Some(first) => Err(RunError::Storage(format!(
                "{} of {} files were not imported; the first: {first}",
                problems.len(),
                problems.len() + reports.iter().filter(|of| of.bad_lines == 0).count()
            ))),
        }
    }

    fn export(
        &mut self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        span: Span,
        out: &Path,
    ) -> Result<(), RunError> {
        let storage =
            |why: &dyn std::fmt::Display| RunError::Storage(format!("{}: {why}", out.display()));
        let mut store = self.open()?;
        store.scale(symbol)?;
        let is_parquet = out.extension().is_some_and(|of| of.eq_ignore_ascii_case("parquet"));
        let rows = match timeframe {
            Some(timeframe) if is_parquet => {
                export::parquet::candles(&mut *store, symbol, timeframe, span, out)
            }
            None if is_parquet => export::parquet::prints(&mut *store, symbol, span, out),
            _ => lines(&mut *store, symbol, timeframe, span, out),
        };
        let rows = rows.map_err(|error| storage(&error))?;
        let shown = out.display().to_string();
        self.answer(&json!({"file": shown, "rows": rows}), || {
            vec![format!("{shown}: {rows} rows")]
        });
        Ok(())
    }

    /// The named pairs, or all that are stored.
    fn symbols(&self, store: &mut dyn Store, named: &[String]) -> Result<Vec<String>, RunError> {
        if !named.is_empty() {
            return Ok(named.to_vec());
        }
        // Made-up markets have no past that could be fetched.
        let all = store.symbols()?.into_iter().map(|listed| listed.symbol);
        Ok(all.filter(|symbol| !symbol.contains(':')).collect())
    }

    fn gaps(
        &mut self,
        symbols: &[String],
        timeframe: Timeframe,
        span: Span,
    ) -> Result<(), RunError> {
        let mut store = self.open()?;
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        for symbol in self.symbols(&mut *store, symbols)? {
            let holes = store.holes(&symbol, timeframe, span)?;
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

    fn fill(&mut self, options: &FillOptions, venue: &VenueArgs) -> Result<(), RunError> {
        let mut store = self.open()?;
        let mut rest = Rest::new(venue.rest.trim_end_matches('/'), Limiter::shared());
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

    fn stats(&mut self) -> Result<(), RunError> {
        let mut store = self.open()?;
        let all = provider::stats(&mut *store)?;
        let totals = store.totals()?;
        let value = json!({
            "place": store.place(),
            "lacks": store.lacks(),
            "symbols": all.iter().map(show::stats_json).collect::<Vec<_>>(),
            "fills": totals.fills,
            "equity": totals.equity,
            "latency": totals.latency,
        });
        let place = store.place().to_owned();
        self.answer(&value, || {
            let mut lines = vec![place];
            lines.extend(all.iter().flat_map(show::stats_lines));
            lines.push(format!(
                "{} fills, {} account marks, {} latency intervals",
                totals.fills, totals.equity, totals.latency
            ));
            lines
        });
        Ok(())
    }

    fn migrate(&mut self) -> Result<(), RunError> {
        let url = self.common.db.as_deref().unwrap_or(&self.config.history.url);
        let mut store = Address::parse(url)?.open_as_is(self.config.history.retention)?;
        let applied = store.migrate()?;
        let (place, lacks) = (store.place().to_owned(), store.lacks());
        let value = json!({"place": place, "applied": applied, "lacks": lacks});
        self.answer(&value, || {
            let mut lines = vec![match applied.len() {
                0 => format!("{place}: up to date"),
                _ => format!("{place}: applied {}", applied.join(", ")),
            }];
            lines.extend(lacks.iter().map(|lack| format!("without {lack}")));
            lines
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

/// A bar on standard error, where that is a terminal.
fn bar(unit: &str) -> ProgressBar {
    let template =
        format!("{{msg}} {{wide_bar}} {{human_pos}}/{{human_len}} {unit} {{per_sec}} {{eta}}");
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_lengths_are_read_in_the_forms_that_people_use() {
        let day = ExchNs::parse_rfc3339(b"2024-01-31T00:00:00Z");
        assert_eq!(instant("2024-01-31").ok(), day);
        assert_eq!(instant("1706659200").ok(), day);
        assert_eq!(instant("2024-01-31T00:00:00Z").ok(), day);
        assert!(instant("yesterday").is_err() && instant("2024-02-31").is_err());
        assert_eq!(timeframe("4h"), Ok(Timeframe::H4));
        assert!(timeframe("3m").is_err());
    }
}
