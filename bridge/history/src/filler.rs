//! Finds what is missing and fetches it: by `OHLC` where its 720 rows reach, by `Trades` beyond.
//!
//! A range that failed stays open with its reason. Minutes are stored page by page as they become whole, so a
//! filling that was stopped begins at the first minute that still lacks; a second run does nothing.

use std::collections::HashSet;

use paperwire_core::bar::Timeframe;
use paperwire_core::num::Px;
use paperwire_core::time::ExchNs;

use crate::import::{Minutes, TooMuch};
use crate::model::{
    Batch, Candle, Gap, MINUTE_NS, SECOND_NS, Scale, Source, Span, SymbolRows, Written,
};
use crate::provider;
use crate::rest::{PAGE_ROWS, Rest, RestError};
use crate::store::{Order, Store, StoreError};

/// A minute is asked for so long after its end, when late trades have come.
const GRACE_NS: i64 = 2 * SECOND_NS;

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub struct FillOptions {
    /// Nothing before this is missed; what is not stored at all is fetched from here on.
    pub from: ExchNs,
    /// Nothing after this is missed; the venue's clock bounds it, too.
    pub to: ExchNs,
    /// Also what lies before the first stored bar.
    pub backfill: bool,
}

/// How far a filling is.
#[derive(Clone, Debug)]
pub struct FillProgress<'a> {
    /// Of which symbol.
    pub symbol: &'a str,
    /// Minutes that are whole again.
    pub done: i64,
    /// Minutes that lacked.
    pub total: i64,
}

/// What was found and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Ranges that lacked.
    pub found: u64,
    /// Of these, repaired.
    pub filled: u64,
    /// Of these, still open, with the reason.
    pub failed: Vec<Gap>,
    /// What was new in the store.
    pub written: Written,
    /// Requests sent.
    pub requests: u64,
}

/// Why one range was not repaired.
#[derive(Debug, thiserror::Error)]
enum FillError {
    #[error(transparent)]
    Rest(#[from] RestError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the venue's pages do not go on after {0}; try again later")]
    Stuck(String),
    #[error("the venue gave less than was asked for; try again later")]
    Short,
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    #[error("stopped; the next run goes on here")]
    Stopped,
}

/// Ranges of minutes that lack or are incomplete, up to `now`.
///
/// # Errors
/// [`StoreError`].
pub fn missing(
    store: &mut dyn Store,
    symbol: &str,
    options: &FillOptions,
    now: ExchNs,
) -> Result<Vec<Span>, StoreError> {
    let minute = Timeframe::M1;
    let over = minute.floor(ExchNs::new(now.raw() - GRACE_NS));
    let span = Span::new(minute.floor(options.from), over.min(minute.floor(options.to)));
    if span.is_empty() {
        return Ok(Vec::new());
    }
    let is_known = store.symbols()?.iter().any(|listed| listed.symbol == symbol);
    let mut end = |order| -> Result<Option<Candle>, StoreError> {
        let mut found = None;
        if is_known {
            store.candles(symbol, minute, span, order, 1, &mut |candle| {
                found = Some(candle);
                std::ops::ControlFlow::Break(())
            })?;
        }
        Ok(found)
    };
    let Some((first, _)) = end(Order::Ascending)?.zip(end(Order::Descending)?) else {
        return Ok(vec![span]);
    };
    let mut holes = store.holes(symbol, minute, span)?;
    let before = provider::last_before(store, symbol, minute, span.from)?;
    if (options.backfill || before.is_some()) && first.open_at > span.from {
        holes.insert(0, Span::new(span.from, first.open_at));
    }
    let newest = provider::last_before(store, symbol, minute, span.to)?;
    let whole_until = newest.map_or(span.from, |of| ExchNs::new(of.open_at.raw() + MINUTE_NS));
    let tail = Span::new(whole_until.max(span.from), span.to);
    if !tail.is_empty() {
        holes.push(tail);
    }
    // An incomplete beginning touches what lies before it.
    holes.sort_by_key(|hole| hole.from);
    let mut joined: Vec<Span> = Vec::new();
    for hole in holes {
        match joined.last_mut() {
            Some(last) if hole.from <= last.to => last.to = last.to.max(hole.to),
            _ => joined.push(hole),
        }
    }
    Ok(joined)
}

/// Repairs everything that lacks of one symbol; `goes_on` is asked after each page.
///
/// # Errors
/// [`StoreError`] when the database fails; what the venue refuses is in the [`Outcome`].
pub fn fill(
    store: &mut dyn Store,
    rest: &mut Rest,
    symbol: &str,
    options: &FillOptions,
    goes_on: &mut dyn FnMut(FillProgress<'_>) -> bool,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let asked = rest.requests();
    let now = match rest.time() {
        Ok(now) => now,
        Err(error) => {
            let span = Span::new(options.from, options.to);
            let error = Some(error.to_string());
            let gap = Gap { attempts: 1, error, ..Gap::open(symbol, span, "missing") };
            outcome.found = 1;
            outcome.failed.push(gap);
            return Ok(outcome);
        }
    };
    let holes = missing(store, symbol, options, now)?;
    outcome.found = u64::try_from(holes.len()).unwrap_or(u64::MAX);
    let total = holes.iter().map(|hole| hole.steps(Timeframe::M1)).sum();
    let mut job = Job {
        store,
        rest,
        symbol,
        recent: None,
        scale: None,
        written: Written::default(),
        done: 0,
        total,
        goes_on,
    };
    let mut touched: Option<Span> = None;
    for hole in holes {
        let before = job.done;
        match job.repair(hole) {
            Ok(()) => {
                outcome.filled += 1;
                let all = touched.get_or_insert(hole);
                *all = Span::new(all.from.min(hole.from), all.to.max(hole.to));
            }
            Err(FillError::Store(error)) => return Err(error),
            Err(error) => {
                let gap = job.note_failure(hole, &error)?;
                outcome.failed.push(gap);
                if matches!(error, FillError::Stopped) {
                    break;
                }
            }
        }
        job.done = before + hole.steps(Timeframe::M1);
    }
    outcome.written = job.written;
    outcome.requests = job.rest.requests() - asked;
    close_repaired(store, symbol, options, now)?;
    if let Some(span) = touched {
        store.refresh(span)?;
    }
    Ok(outcome)
}

/// Known gaps in which nothing lacks any more are closed.
fn close_repaired(
    store: &mut dyn Store,
    symbol: &str,
    options: &FillOptions,
    now: ExchNs,
) -> Result<(), StoreError> {
    if !store.symbols()?.iter().any(|listed| listed.symbol == symbol) {
        return Ok(());
    }
    let mut gaps = store.gaps(symbol)?;
    gaps.retain(|gap| !gap.is_filled && gap.span.from >= options.from && gap.span.to <= options.to);
    if gaps.is_empty() {
        return Ok(());
    }
    let holes = missing(store, symbol, options, now)?;
    let lacks =
        |gap: &Gap| holes.iter().any(|hole| hole.from < gap.span.to && gap.span.from < hole.to);
    gaps.retain(|gap| !lacks(gap));
    for gap in &mut gaps {
        gap.is_filled = true;
        gap.error = None;
    }
    store.commit(&Batch { gaps, ..Batch::default() })?;
    Ok(())
}

struct Job<'a> {
    store: &'a mut dyn Store,
    rest: &'a mut Rest,
    symbol: &'a str,
    /// What `OHLC` gave, once it was asked.
    recent: Option<Vec<Candle>>,
    scale: Option<Scale>,
    written: Written,
    done: i64,
    total: i64,
    goes_on: &'a mut dyn FnMut(FillProgress<'_>) -> bool,
}

impl Job<'_> {
    fn repair(&mut self, hole: Span) -> Result<(), FillError> {
        let scale = match self.scale {
            Some(scale) => scale,
            None => {
                let of_venue = self.rest.scale(self.symbol)?;
                let stored = self.store.scale(self.symbol);
                let scale = stored.map_or(of_venue, |stored| stored.finer(of_venue));
                *self.scale.insert(scale)
            }
        };
        if self.recent.is_none() {
            self.recent = Some(self.rest.minutes(self.symbol, scale)?);
        }
        let recent = self.recent.iter().flatten();
        let rows: Vec<Candle> =
            recent.filter(|of| of.open_at >= hole.from && of.open_at < hole.to).copied().collect();
        if i64::try_from(rows.len()).is_ok_and(|count| count == hole.steps(Timeframe::M1)) {
            let rows = SymbolRows { candles: rows, ..SymbolRows::new(self.symbol, scale) };
            self.commit(rows)?;
            self.progress(hole.steps(Timeframe::M1))?;
        } else {
            self.by_trades(hole, scale)?;
        }
        let left = self.store.holes(self.symbol, Timeframe::M1, hole)?;
        if left.is_empty() { Ok(()) } else { Err(FillError::Short) }
    }

    fn commit(&mut self, rows: SymbolRows) -> Result<(), StoreError> {
        let batch = Batch { symbols: vec![rows], ..Batch::default() };
        self.written += self.store.commit(&batch)?;
        Ok(())
    }

    fn progress(&mut self, minutes: i64) -> Result<(), FillError> {
        self.done += minutes;
        let progress = FillProgress { symbol: self.symbol, done: self.done, total: self.total };
        if (self.goes_on)(progress) { Ok(()) } else { Err(FillError::Stopped) }
    }

    /// Pages of trades, made into whole minutes; empty ones carry the close before them.
    fn by_trades(&mut self, hole: Span, mut scale: Scale) -> Result<(), FillError> {
        let before = match self.store.scale(self.symbol) {
            Ok(stored) => {
                let last =
                    provider::last_before(self.store, self.symbol, Timeframe::M1, hole.from)?;
                last.and_then(|of| of.rescaled(stored, scale))
            }
            Err(StoreError::Unknown(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let mut building = Building::new(hole.from, before.map(|of| of.close));
        let mut since = (hole.from.raw() - 1).to_string();
        let mut seen: HashSet<i64> = HashSet::new();
        loop {
            let page = self.rest.trades(self.symbol, &since, scale)?;
            if page.scale != scale {
                // Older prices had more decimals: what is being built begins anew at that scale.
                building = building.restarted(scale, page.scale).ok_or(FillError::Short)?;
                scale = page.scale;
                since = (building.next.raw() - 1).to_string();
                seen.clear();
                continue;
            }
            let mut rows = SymbolRows::new(self.symbol, scale);
            let is_end =
                page.rows < PAGE_ROWS || page.prints.last().is_some_and(|of| of.at >= hole.to);
            let begun = building.next;
            for print in &page.prints {
                if print.at >= hole.from && print.at < hole.to && !seen.contains(&print.trade_id) {
                    building.push(print, &mut rows.candles)?;
                    rows.prints.push(*print);
                }
            }
            if is_end {
                building.finish(hole.to, &mut rows.candles);
            }
            if building.next > begun {
                rows.replaces = Some(Span::new(begun, building.next));
            }
            // Pages may repeat the last instant of the one before.
            seen = page.prints.iter().map(|of| of.trade_id).collect();
            self.commit(rows)?;
            self.progress((building.next.raw() - begun.raw()) / MINUTE_NS)?;
            if is_end {
                return Ok(());
            }
            if page.last == since {
                return Err(FillError::Stuck(since));
            }
            since = page.last;
        }
    }

    /// The range stays open, with the reason.
    fn note_failure(&mut self, hole: Span, error: &FillError) -> Result<Gap, StoreError> {
        let is_known = self.store.symbols()?.iter().any(|of| of.symbol == self.symbol);
        let gaps = if is_known { self.store.gaps(self.symbol)? } else { Vec::new() };
        let known = gaps.into_iter().find(|gap| gap.span == hole);
        let mut gap = known.unwrap_or_else(|| Gap::open(self.symbol, hole, "missing"));
        gap.attempts += 1;
        gap.error = Some(error.to_string());
        self.store.commit(&Batch { gaps: vec![gap.clone()], ..Batch::default() })?;
        Ok(gap)
    }
}

/// Minutes in a row, of prints and of none.
struct Building {
    minutes: Minutes,
    /// The first minute that is not given yet.
    next: ExchNs,
    close: Option<Px>,
}

impl Building {
    const fn new(from: ExchNs, close: Option<Px>) -> Self {
        Self { minutes: Minutes::whole(Source::Trades), next: from, close }
    }

    fn restarted(&self, from: Scale, to: Scale) -> Option<Self> {
        let close = match self.close {
            Some(close) => {
                Some(Px::new(crate::model::rescaled(close.raw(), from.price, to.price)?))
            }
            None => None,
        };
        Some(Self::new(self.next, close))
    }

    fn push(&mut self, print: &crate::model::Print, to: &mut Vec<Candle>) -> Result<(), TooMuch> {
        if let Some(candle) = self.minutes.push(print)? {
            self.give(candle, to);
        }
        Ok(())
    }

    fn give(&mut self, candle: Candle, to: &mut Vec<Candle>) {
        self.carry(candle.open_at, to);
        self.close = Some(candle.close);
        self.next = ExchNs::new(candle.open_at.raw() + MINUTE_NS);
        to.push(candle);
    }

    /// Minutes without trades up to `until`; before the first known price there are none.
    fn carry(&mut self, until: ExchNs, to: &mut Vec<Candle>) {
        while self.next < until {
            to.extend(self.close.map(|close| Candle::empty(self.next, close, Source::Trades)));
            self.next = ExchNs::new(self.next.raw() + MINUTE_NS);
        }
    }

    fn finish(&mut self, until: ExchNs, to: &mut Vec<Candle>) {
        if let Some(candle) = self.minutes.finish() {
            self.give(candle, to);
        }
        self.carry(until, to);
    }
}

#[cfg(test)]
mod tests;
