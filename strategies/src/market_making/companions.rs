//! The two markets a cross pair joins: while they do not move together, quoting the pair is quoting two.

use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::correlation::ReturnCorrelation;

/// A filter without enough to say yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotKnown;

/// One-minute returns the correlation is taken over.
const RETURNS: usize = 60;
/// Values of it that its slope would be taken over.
const TREND: usize = 10;
const MINUTE: DurationNs = DurationNs::from_secs(60);

/// Correlation of the base's and the quote's own markets.
#[derive(Debug)]
pub(super) struct Companions {
    /// Base and quote against the numeraire; `None` where the run has no such pair.
    pairs: Option<(SymbolId, SymbolId)>,
    correlation: ReturnCorrelation,
    /// Start of the last minute taken in.
    last: Option<ExchNs>,
    pause: f64,
    resume: f64,
    is_paused: bool,
}

impl Companions {
    /// For a cross pair of this run.
    pub(super) fn new(
        of: &Instrument,
        instruments: &[Instrument],
        numeraire: AssetName,
        pause: f64,
        resume: f64,
    ) -> Self {
        let find = |base: AssetName| {
            (0u16..)
                .zip(instruments)
                .find(|(_, other)| other.base == base && other.quote == numeraire)
                .map(|(index, _)| SymbolId(index))
        };
        Self {
            pairs: find(of.base).zip(find(of.quote)),
            correlation: ReturnCorrelation::new(RETURNS, TREND),
            last: None,
            pause,
            resume,
            is_paused: false,
        }
    }

    /// A minute of the cross pair closed live: takes in every minute that both markets have by now.
    pub(super) fn on_minute(&mut self, market: &MarketView<'_>, open_at: ExchNs) {
        let Some((base, quote)) = self.pairs else {
            return;
        };
        let ahead = i64::try_from(MINUTE.raw() * RETURNS as u64).unwrap_or(i64::MAX);
        let earliest = ExchNs::new(open_at.raw().saturating_sub(ahead));
        let mut at = self.last.map_or(earliest, |last| last.plus(MINUTE).max(earliest));
        while at <= open_at {
            match close_at(market, base, at).zip(close_at(market, quote, at)) {
                Some((x, y)) => self.correlation.push(x, y),
                // The other market's bar of this very minute may be about to close.
                None if at == open_at => return,
                None => self.correlation.push_gap(),
            };
            self.last = Some(at);
            at = at.plus(MINUTE);
        }
        if let Some(value) = self.correlation.value() {
            self.is_paused = value < if self.is_paused { self.resume } else { self.pause };
        }
    }

    /// Whether the pair is paused; `Err` while that cannot be known.
    pub(super) fn is_paused(&self) -> Result<bool, NotKnown> {
        if self.pause <= 0.0 {
            return Ok(false);
        }
        self.correlation.value().map(|_| self.is_paused).ok_or(NotKnown)
    }
}

/// Close of the minute that starts at `at`.
fn close_at(market: &MarketView<'_>, symbol: SymbolId, at: ExchNs) -> Option<f64> {
    let state = market.symbol(symbol);
    let bars = state.bars(Timeframe::M1);
    let mut newest = (0..=RETURNS + 1).map_while(|age| bars.newest(age));
    let bar: &Bar = newest.find(|bar| bar.open_at <= at)?;
    (bar.open_at == at).then(|| state.instrument().px_f64(bar.close))
}
