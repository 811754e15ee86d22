//! `paperwire history`: import, export, fill, repair, and look at what is stored.

mod export;
mod fill;
mod import;
mod repair;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use paperwire_config::Config;
use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;
use paperwire_history::filler::FillOptions;
use paperwire_history::import::ImportOptions;
use paperwire_history::model::Span;
use paperwire_history::provider;
use paperwire_history::store::{Address, Store};
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_rt::clock::utc_now;
use paperwire_run::history::DAY_NS;
use paperwire_run::venue::KRAKEN_REST;
use serde_json::{Value, json};

use super::{Layers, Overrides, load};
use crate::terminal::Terminal;

#[derive(Clone, Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    layers: Layers,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    action: Action,
}

/// Does what the arguments ask for.
pub(crate) fn run(args: &HistoryArgs) -> Result<(), RunError> {
    let config = load(&args.layers, Overrides::new())?;
    let mut terminal = Terminal::new(args.common.json);
    act(&args.action, &args.common, &config, &mut terminal)
}

/// Which store, and how the answer looks.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Common {
    /// The store: a path, sqlite:PATH or postgres://...; without it that of the configuration.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) db: Option<String>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A time from one instant up to another.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Times {
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
pub(crate) enum Action {
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
        #[command(flatten)]
        list: import::ListArgs,
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
    /// Save what can be read of a damaged SQLite store, and write what a run could not.
    Repair,
    /// Bring the tables up to date and say what the database cannot do.
    Migrate,
}

/// Whose history is fetched.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct VenueArgs {
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
fn act(
    action: &Action,
    common: &Common,
    config: &Config,
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    let mut job = Job { common, config, terminal };
    match action {
        Action::ImportCsv { paths, symbol, timeframe, trades, skip_bad, dry_run, again, list } => {
            let minutes = if *trades { Some(0) } else { timeframe.map(Timeframe::minutes) };
            let options = ImportOptions {
                symbol: symbol.clone(),
                minutes,
                skip_bad: *skip_bad,
                dry_run: *dry_run,
                again: *again,
                ..ImportOptions::default()
            };
            job.import(paths, options, list)
        }
        Action::Export { symbol, timeframe, trades, times, out } => {
            job.export(symbol, (!trades).then_some(*timeframe), times.span(), out)
        }
        Action::Backfill { from, venue } => {
            let options = FillOptions { from: *from, to: Span::ALL.to, backfill: true };
            job.fill(&options, venue)
        }
        Action::Gaps { symbols, timeframe, times } => job.gaps(symbols, *timeframe, times),
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
        Action::Repair => job.repair(),
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
        paperwire_run::history::open(self.config, self.common.db.as_deref())
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

    /// The named pairs, or all that are stored.
    fn symbols(&self, store: &mut dyn Store, named: &[String]) -> Result<Vec<String>, RunError> {
        if !named.is_empty() {
            return Ok(named.to_vec());
        }
        // Made-up markets have no past that could be fetched.
        let all = store.symbols()?.into_iter().map(|listed| listed.symbol);
        Ok(all.filter(|symbol| !symbol.contains(':')).collect())
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
