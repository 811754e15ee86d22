//! What a run keeps: its bars, prints, fills, account marks, latencies and the times in which it heard nothing.
//!
//! Called by the drain thread, which never waits for a database: the writer has a thread of its own.

mod filling;

use std::sync::Arc;

use hdrhistogram::Histogram;
use paperwire_config::Config;
use paperwire_core::instrument::Instrument;
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_core::trade::OrderSide;
use paperwire_exec::report::{Report, ReportKind};
use paperwire_feed::report::{FeedReport, FeedReportKind};
use paperwire_history::model::{
    Candle, EquityRow, FillRow, Gap, LatencyRow, MINUTE_NS, Print, Scale, Source, Span,
};
use paperwire_history::store::Address;
use paperwire_history::writer::{Closed, Item, Writer, WriterConfig, WriterStats};
use paperwire_replay::error::RunError;
use paperwire_replay::record::money;
use paperwire_replay::tally::StrategyName;
use paperwire_rt::clock::{HostClock, utc_now};

use crate::history::stored_name;
use crate::sink::{Closing, Second, Sink};

/// Marks of accounts are kept once in so many, one a second comes.
const MARK_EVERY: u64 = 10;

/// A run's end of the history writer.
#[derive(Debug)]
pub struct HistorySink {
    writer: Writer,
    /// What the search for missing minutes has to say.
    filling: Option<filling::Told>,
    session: String,
    strategies: Vec<String>,
    instruments: Vec<Instrument>,
    /// By symbol: the name under which it is stored.
    names: Vec<Arc<str>>,
    /// By strategy: marks seen.
    marks: Vec<u64>,
    /// Exchange time of the latest report; `None` before the first.
    last_at: Option<ExchNs>,
    /// Since when nothing is heard, and why.
    silent: Option<(ExchNs, String)>,
    is_live_again: bool,
}

impl HistorySink {
    /// Starts the writer when the configuration wants it, and the search for missing minutes.
    ///
    /// # Errors
    /// [`RunError::Storage`] when the spill's folder cannot be had, or the store is damaged.
    pub fn start(
        config: &Config,
        session: &str,
        strategies: &[StrategyName],
        instruments: &[Instrument],
        rest: Option<&str>,
        clock: &HostClock,
    ) -> Result<Option<Self>, RunError> {
        let history = &config.history;
        if !history.enabled {
            return Ok(None);
        }
        let (address, retention) = (Address::parse(&history.url)?, history.retention);
        // A file says at once what is wrong with it; a server that is away is waited for.
        if let Address::Sqlite(_) = address
            && let Err(error) = address.open(retention)
            && !error.is_away()
        {
            return Err(error.into());
        }
        let opened = address.clone();
        let open = Box::new(move || opened.open(retention));
        let spill = &history.spill;
        let writer = Writer::start(WriterConfig::new(spill.clone()), open, clock.clone());
        let writer = writer.map_err(|error| {
            RunError::Storage(format!("history.spill {}: {error}", spill.display()))
        })?;
        let source = &config.source_name();
        // The built-in market makes up another past at each start.
        let rest = rest.filter(|_| source == "kraken" && history.fill_days > 0);
        let filling = rest.map(|rest| {
            filling::start(filling::Job {
                address,
                retention,
                rest: rest.to_owned(),
                symbols: instruments.iter().map(|of| of.name.to_string()).collect(),
                days: history.fill_days,
            })
        });
        Ok(Some(Self {
            writer,
            filling,
            session: session.to_owned(),
            strategies: strategies.iter().map(|of| of.instance.clone()).collect(),
            instruments: instruments.to_vec(),
            names: instruments.iter().map(|of| stored_name(source, &of.name).into()).collect(),
            marks: vec![0; strategies.len()],
            last_at: None,
            silent: None,
            is_live_again: false,
        }))
    }

    /// How the writer is doing.
    pub fn stats(&self) -> Arc<WriterStats> {
        self.writer.stats()
    }

    fn finish(self) -> Closed {
        self.writer.close()
    }

    /// The first bar after a silence says until when it was.
    fn end_silence(&mut self) {
        if !self.is_live_again {
            return;
        }
        let (Some((since, why)), Some(last_at)) = (self.silent.take(), self.last_at) else {
            return;
        };
        let floor = |at: ExchNs| at.raw().div_euclid(MINUTE_NS) * MINUTE_NS;
        // A bar is reported in the minute after its own.
        let until = ExchNs::new(floor(last_at));
        let span = Span::new(ExchNs::new(floor(since)), until);
        for name in &self.names {
            self.writer.push(Item::Gap(Gap::open(name, span, &why)));
        }
    }

    fn histogram(&self, stage: &str, strategy: &str, of: &Histogram<u32>, at: i64) {
        if of.is_empty() {
            return;
        }
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let quantile = |quantile: f64| whole(of.value_at_quantile(quantile));
        let ns = [0.5, 0.9, 0.99, 0.999].map(quantile);
        self.writer.push(Item::Latency(Box::new(LatencyRow {
            session: self.session.clone(),
            stage: stage.to_owned(),
            strategy: strategy.to_owned(),
            at,
            count: whole(of.len()),
            ns: [ns[0], ns[1], ns[2], ns[3], whole(of.max())],
        })));
    }
}

impl Sink for HistorySink {
    /// The next problem that the user should know.
    fn problem(&mut self) -> Option<String> {
        let of_filling = || self.filling.as_ref().and_then(filling::Told::take);
        self.writer.take_problem().or_else(of_filling)
    }

    /// Keeps what is worth keeping of a report.
    fn report(&mut self, report: &Report, _drained: HostNs) {
        self.last_at = Some(self.last_at.map_or(report.at, |last| followed(last, report.at)));
        match &report.kind {
            ReportKind::Bar { symbol, bar } => {
                self.end_silence();
                let index = symbol.index();
                let candle = Candle::from_bar(bar, Source::Ws);
                let scale = Scale::of(&self.instruments[index]);
                self.writer.push(Item::Candle(self.names[index].clone(), scale, candle));
            }
            ReportKind::Trade { symbol, trade } => {
                let index = symbol.index();
                let scale = Scale::of(&self.instruments[index]);
                let print = Print::from_tick(trade, Source::Ws);
                self.writer.push(Item::Print(self.names[index].clone(), scale, print));
            }
            ReportKind::Fill(fill) => {
                let of = &self.instruments[fill.symbol.index()];
                self.writer.push(Item::Fill(Box::new(FillRow {
                    session: self.session.clone(),
                    fill_id: i64::try_from(fill.id.0).unwrap_or(i64::MAX),
                    strategy: self.strategies[fill.strategy.index()].clone(),
                    symbol: self.names[fill.symbol.index()].to_string(),
                    at: fill.at.raw(),
                    side: if fill.side == OrderSide::Buy { 1 } else { -1 },
                    price: of.show_px(fill.px).to_string(),
                    qty: of.show_qty(fill.qty).to_string(),
                    value: money(fill.value),
                    fee: money(fill.fee),
                    realized: money(fill.realized),
                })));
            }
            ReportKind::Account { strategy, row, is_final } => {
                let index = strategy.index();
                self.marks[index] += 1;
                if self.marks[index] % MARK_EVERY != 1 && !is_final {
                    return;
                }
                self.writer.push(Item::Equity(Box::new(EquityRow {
                    session: self.session.clone(),
                    strategy: self.strategies[index].clone(),
                    at: report.at.raw(),
                    equity: money(row.equity),
                    cash: money(row.cash),
                    realized: money(row.realized),
                    unrealized: money(row.unrealized),
                    fees: money(row.fees),
                })));
            }
            _ => {}
        }
    }

    /// Notes when the connection was lost and when every book was back.
    fn feed_report(&mut self, report: &FeedReport) {
        match &report.kind {
            FeedReportKind::Disconnected { why, .. } => {
                // Before the first report there is nothing that could be missing.
                if let Some(since) = self.last_at {
                    self.is_live_again = false;
                    self.silent.get_or_insert_with(|| (since, format!("disconnected: {why}")));
                }
            }
            FeedReportKind::AllLive { .. } => self.is_live_again = true,
            _ => {}
        }
    }

    /// Writes what is queued, to the database or to the spill.
    fn close(self: Box<Self>, closing: &mut Closing<'_>) -> Option<RunError> {
        let Closed { problems, failure, .. } = self.finish();
        closing.notices.extend(problems);
        let text = failure?;
        closing.summary.notes.push(text.clone());
        Some(RunError::Storage(text))
    }

    /// One second of latencies, summed up over services.
    fn bank(&mut self, second: &Second<'_>) {
        let bank = second.bank;
        let at = utc_now().raw();
        for (stage, pair) in bank.stages() {
            self.histogram(stage.as_str(), "", &pair.response, at);
        }
        for index in 0..bank.strategies().len() {
            let name = self.strategies[index].clone();
            self.histogram("strategy", &name, &bank.strategies()[index].response, at);
        }
    }
}

/// The later of two times that follow each other; the second alone where the exchange's clock was set back.
fn followed(last: ExchNs, at: ExchNs) -> ExchNs {
    if last.since(at).raw() < MINUTE_NS.unsigned_abs() { last.max(at) } else { at }
}

#[cfg(test)]
mod tests;
