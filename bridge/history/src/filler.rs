//! Finds what is missing and fetches it: by `OHLC` where its 720 rows reach, by `Trades` beyond.
//!
//! The venue's cursor says how far its trades are known; how many rows a page has says nothing. A minute is made
//! once the cursor is well past it, and an empty one only where the venue says that nothing traded.
//!
//! A range that failed stays open with its reason. Minutes are stored page by page as they become whole, so a
//! filling that was stopped begins at the first minute that still lacks; a second run does nothing.

mod building;

use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;
use paperwire_rt::clock::utc_now;

use crate::import::TooMuch;
use crate::model::{Batch, Candle, Gap, MINUTE_NS, SECOND_NS, Scale, Span, SymbolRows, Written};
use crate::provider;
use crate::rest::{Bars, Page, Rest, RestError};
use crate::store::{Store, StoreError};
use building::{Building, PushError};

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
    #[error("the venue's trades do not go on after its cursor {0}; try again later")]
    Stuck(i64),
    #[error("the venue gave less than was asked for; try again later")]
    Short,
    #[error("the venue gave trade {0} long after the others of its minute; try again later")]
    Late(i64),
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    #[error("stopped; the next run goes on here")]
    Stopped,
}

impl From<PushError> for FillError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::TooMuch(error) => Self::TooMuch(error),
            PushError::Late(trade_id) => Self::Late(trade_id),
        }
    }
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
    if !store.symbols()?.iter().any(|listed| listed.symbol == symbol) {
        return Ok(vec![span]);
    }
    let before = provider::last_before(store, symbol, minute, span.from)?;
    let from = (options.backfill || before.is_some()).then_some(span.from);
    let holes = provider::missing(store, symbol, minute, from, span)?;
    // What has no bar at all is fetched from the beginning.
    Ok(if holes.has_bars { holes.spans } else { vec![span] })
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
            // Without the venue's clock this machine's says until when.
            let span = Span::new(options.from, options.to.min(Timeframe::M1.floor(utc_now())));
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
    recent: Option<Bars>,
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
        let recent = match &mut self.recent {
            Some(recent) => recent,
            empty => empty.insert(self.rest.bars(self.symbol, Timeframe::M1, scale)?),
        };
        let of_hole = recent.candles.iter().filter(|of| hole.holds(of.open_at));
        let rows: Vec<Candle> = of_hole.copied().collect();
        let (steps, of_recent) = (hole.steps(Timeframe::M1), recent.scale);
        if i64::try_from(rows.len()).is_ok_and(|count| count == steps) {
            let rows = SymbolRows { candles: rows, ..SymbolRows::new(self.symbol, of_recent) };
            self.commit(rows)?;
            self.progress(steps)?;
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
        let mut building = Building::new(hole, before.map(|of| of.close));
        // Trades of the first instant come after a cursor just before it.
        let mut since = hole.from.raw() - 1;
        loop {
            let page = self.rest.trades(self.symbol, &since.to_string(), scale)?;
            if page.scale != scale {
                // Older prices had more decimals: what is being built begins again at that scale.
                building = building.restarted(scale, page.scale).ok_or(FillError::Short)?;
                scale = page.scale;
                since = building.next().raw() - 1;
                continue;
            }
            let is_news = building.take(&page.prints)?;
            let cursor = cursor_of(&page, since, is_news)?;
            // Where the cursor stands still, the venue has nothing more up to now.
            let is_end = cursor == since || cursor >= hole.to.raw();
            let begun = building.next();
            let mut rows = SymbolRows::new(self.symbol, scale);
            let known = if is_end { hole.to } else { ExchNs::new(cursor) };
            building.give(known, is_end, &mut rows)?;
            if building.next() > begun {
                rows.replaces = Some(Span::new(begun, building.next()));
            }
            self.commit(rows)?;
            self.progress((building.next().raw() - begun.raw()) / MINUTE_NS)?;
            if is_end {
                return Ok(());
            }
            since = cursor;
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

/// The cursor after a page that was asked for after `since`. One that goes back, or stands still beside trades
/// that are new, would be followed for ever or not far enough.
fn cursor_of(page: &Page, since: i64, is_news: bool) -> Result<i64, FillError> {
    let cursor = page.last.parse().map_err(|_| FillError::Stuck(since))?;
    if cursor < since || cursor == since && is_news {
        return Err(FillError::Stuck(since));
    }
    Ok(cursor)
}

#[cfg(test)]
mod tests;
