//! Reading history: any timeframe of any stored symbol, whichever database it lies in.
//!
//! Longer bars are made of minutes, by the database where it keeps them rolled up, here otherwise. Where
//! minutes lack or are incomplete, a stored longer bar (of a file) stands in; it is never a second truth.
//! Everything is streamed or bounded by the caller's limit.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::time::ExchNs;

use crate::aggregate::Aggregator;
use crate::model::{Candle, Extent, MINUTE_NS, Print, Scale, Span};
use crate::store::{Each, Order, Store, StoreError};

/// Bars of one symbol and timeframe, oldest first, with the scale of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Scale of the numbers below.
    pub scale: Scale,
    /// The bars.
    pub candles: Vec<Candle>,
}

impl Series {
    /// The bars as the engine wants them, at the precision of an instrument: where the store is finer,
    /// rounded to the nearest unit. A number that does not fit ends the program's trust in all of them.
    pub fn bars(&self, precision: Scale) -> Option<Vec<Bar>> {
        let to = |candle: &Candle| candle.rescaled(self.scale, precision).map(|of| of.bar());
        self.candles.iter().map(to).collect()
    }
}

/// What is stored of one symbol.
#[derive(Clone, Debug)]
pub struct SymbolStats {
    /// Its name.
    pub symbol: String,
    /// Scale of its numbers.
    pub scale: Scale,
    /// By timeframe, those of which bars are stored.
    pub candles: Vec<(Timeframe, Extent)>,
    /// Prints.
    pub prints: Option<Extent>,
    /// Gaps that are known and not repaired.
    pub open_gaps: usize,
}

/// Own bars that stand beside the minutes are looked at in pieces of so many steps.
const PIECE_STEPS: i64 = 50_000;
/// How many incomplete bars are passed over in search of a complete one.
const LOOK_BACK: usize = 10_000;

/// Passes on every bar of the timeframe that begins in `span`, oldest first, until `each` has enough.
///
/// # Errors
/// [`StoreError`].
pub fn each(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
    each: Each<'_, Candle>,
) -> Result<(), StoreError> {
    if timeframe == Timeframe::M1 {
        return store.candles(symbol, timeframe, span, Order::Ascending, usize::MAX, each);
    }
    let length = timeframe.minutes() * MINUTE_NS;
    let ceil = |at: ExchNs| {
        let floor = timeframe.floor(at);
        if floor == at { at } else { ExchNs::new(floor.raw() + length) }
    };
    let minutes = ends(store, symbol, Timeframe::M1)?;
    let own = ends(store, symbol, timeframe)?;
    let rolled = store.rolled_up_ends(symbol, timeframe)?;
    let known = minutes.into_iter().chain(own).chain(rolled);
    let Some((oldest, newest)) = known.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return Ok(());
    };
    let mut from = ceil(span.from).max(timeframe.floor(oldest));
    let to = ceil(span.to).min(ExchNs::new(timeframe.floor(newest).raw() + length));
    let mut is_enough = false;
    while from < to && !is_enough {
        let piece =
            ExchNs::new(from.raw().saturating_add(length.saturating_mul(PIECE_STEPS))).min(to);
        let mut merge = Merge::new(timeframe, minutes, &mut *each);
        if own.is_some() {
            let stored = |candle| {
                merge.own.push_back(candle);
                ControlFlow::Continue(())
            };
            let span = Span::new(from, piece);
            store
                .candles(symbol, timeframe, span, Order::Ascending, usize::MAX, &mut { stored })?;
        }
        if minutes.or(rolled).is_some() {
            derive(store, symbol, timeframe, Span::new(from, piece), &mut |candle| {
                merge.derived(candle)
            })?;
        }
        merge.finish();
        is_enough = merge.is_enough;
        from = piece;
    }
    Ok(())
}

/// Start of the first and of the last stored bar.
fn ends(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
) -> Result<Option<(ExchNs, ExchNs)>, StoreError> {
    let mut end = |order| {
        let mut found = None;
        store.candles(symbol, timeframe, Span::ALL, order, 1, &mut |candle| {
            found = Some(candle.open_at);
            ControlFlow::Break(())
        })?;
        Ok(found)
    };
    Ok(end(Order::Ascending)?.zip(end(Order::Descending)?))
}

/// Longer bars out of minutes; the span lies on their grid.
fn derive(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
    each: Each<'_, Candle>,
) -> Result<(), StoreError> {
    if store.rolled_up(symbol, timeframe, span, &mut *each)? {
        return Ok(());
    }
    let mut aggregator = Aggregator::new(timeframe);
    let mut is_enough = false;
    let mut push = |minute| match aggregator.push(&minute) {
        Some(candle) => {
            let flow = each(candle);
            is_enough = flow.is_break();
            flow
        }
        None => ControlFlow::Continue(()),
    };
    store.candles(symbol, Timeframe::M1, span, Order::Ascending, usize::MAX, &mut push)?;
    if !is_enough && let Some(last) = aggregator.finish() {
        let _ = each(last);
    }
    Ok(())
}

/// Puts stored longer bars where the derived ones lack or are incomplete.
struct Merge<'a> {
    length: i64,
    minutes: Option<(ExchNs, ExchNs)>,
    own: VecDeque<Candle>,
    /// End of the last bar that was given.
    until: i64,
    each: Each<'a, Candle>,
    is_enough: bool,
}

impl<'a> Merge<'a> {
    fn new(
        timeframe: Timeframe,
        minutes: Option<(ExchNs, ExchNs)>,
        each: Each<'a, Candle>,
    ) -> Self {
        let length = timeframe.minutes() * MINUTE_NS;
        Self { length, minutes, own: VecDeque::new(), until: i64::MIN, each, is_enough: false }
    }

    fn give(&mut self, candle: Candle) {
        if !self.is_enough {
            self.until = candle.open_at.raw() + self.length;
            self.is_enough = (self.each)(candle).is_break();
        }
    }

    /// Weeks of a file may begin on another day than ours: none is given that overlaps what is.
    fn give_own(&mut self, own: Candle, before: i64) {
        if own.open_at.raw() >= self.until && own.open_at.raw() + self.length <= before {
            self.give(own);
        }
    }

    fn derived(&mut self, mut candle: Candle) -> ControlFlow<()> {
        let end = candle.open_at.raw() + self.length;
        if let Some((oldest, newest)) = self.minutes {
            // Its first minutes lie before all history, or its last ones have not happened yet.
            let is_begun = oldest > candle.open_at && oldest.raw() < end;
            candle.flags.is_incomplete |= is_begun || newest.raw() + MINUTE_NS < end;
        }
        while let Some(own) = self.own.front().copied()
            && own.open_at <= candle.open_at
            && !self.is_enough
        {
            self.own.pop_front();
            if own.open_at < candle.open_at {
                self.give_own(own, candle.open_at.raw());
            } else if candle.flags.is_incomplete && !own.flags.is_incomplete {
                candle = own;
            }
        }
        self.give(candle);
        if self.is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn finish(&mut self) {
        while let Some(own) = self.own.pop_front() {
            self.give_own(own, i64::MAX);
        }
    }
}

/// Bars that begin in `span`, oldest first, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn range(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
    limit: usize,
) -> Result<Series, StoreError> {
    let scale = store.scale(symbol)?;
    let steps = usize::try_from(span.steps(timeframe)).unwrap_or(usize::MAX);
    let mut candles = Vec::with_capacity(steps.min(limit).min(1 << 20));
    let mut push = |candle| {
        candles.push(candle);
        if candles.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    match (timeframe, limit) {
        (_, 0) => {}
        (Timeframe::M1, _) => {
            store.candles(symbol, timeframe, span, Order::Ascending, limit, &mut push)?;
        }
        _ => each(store, symbol, timeframe, span, &mut push)?,
    }
    Ok(Series { scale, candles })
}

/// The newest `count` bars, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn latest(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    count: usize,
) -> Result<Series, StoreError> {
    before(store, symbol, timeframe, Span::ALL.to, count)
}

/// The newest `count` bars that begin before `end`, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn before(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    end: ExchNs,
    count: usize,
) -> Result<Series, StoreError> {
    let scale = store.scale(symbol)?;
    let mut candles = Vec::new();
    if count == 0 {
        return Ok(Series { scale, candles });
    }
    if timeframe == Timeframe::M1 {
        let span = Span::new(Span::ALL.from, end);
        store.candles(symbol, timeframe, span, Order::Descending, count, &mut |candle| {
            candles.push(candle);
            ControlFlow::Continue(())
        })?;
        candles.reverse();
        return Ok(Series { scale, candles });
    }
    let minutes = ends(store, symbol, Timeframe::M1)?;
    let rolled = store.rolled_up_ends(symbol, timeframe)?;
    let known = minutes.into_iter().chain(ends(store, symbol, timeframe)?).chain(rolled);
    let Some((oldest, newest)) = known.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return Ok(Series { scale, candles });
    };
    let length = timeframe.minutes() * MINUTE_NS;
    let end = end.min(ExchNs::new(newest.raw() + 1));
    let mut steps = i64::try_from(count).unwrap_or(i64::MAX / length);
    loop {
        // Where bars are missing the same number of them reaches further back.
        let from = end.raw().saturating_sub(steps.saturating_mul(length));
        let from = timeframe.floor(ExchNs::new(from.max(timeframe.floor(oldest).raw())));
        let mut newest = VecDeque::new();
        each(store, symbol, timeframe, Span::new(from, end), &mut |candle| {
            if newest.len() == count {
                newest.pop_front();
            }
            newest.push_back(candle);
            ControlFlow::Continue(())
        })?;
        if newest.len() == count || from <= timeframe.floor(oldest) {
            return Ok(Series { scale, candles: newest.into() });
        }
        steps = steps.saturating_mul(2);
    }
}

/// The newest `count` bars before `end`, of each of several timeframes.
///
/// # Errors
/// [`StoreError`].
pub fn multi_timeframe(
    store: &mut dyn Store,
    symbol: &str,
    end: ExchNs,
    timeframes: &[Timeframe],
    count: usize,
) -> Result<Vec<(Timeframe, Series)>, StoreError> {
    let mut one = |of: &Timeframe| Ok((*of, before(store, symbol, *of, end, count)?));
    timeframes.iter().map(&mut one).collect()
}

/// Prints in `span`, oldest first, at most `limit`, with the scale of their numbers.
///
/// # Errors
/// [`StoreError`].
pub fn prints(
    store: &mut dyn Store,
    symbol: &str,
    span: Span,
    limit: usize,
) -> Result<(Scale, Vec<Print>), StoreError> {
    let scale = store.scale(symbol)?;
    let mut prints = Vec::new();
    store.prints(symbol, span, limit, &mut |print| {
        prints.push(print);
        ControlFlow::Continue(())
    })?;
    Ok((scale, prints))
}

/// What is stored, symbol by symbol.
///
/// # Errors
/// [`StoreError`].
pub fn stats(store: &mut dyn Store) -> Result<Vec<SymbolStats>, StoreError> {
    let mut all = Vec::new();
    for listed in store.symbols()? {
        let mut candles = Vec::new();
        for timeframe in Timeframe::ALL {
            if let Some(extent) = store.extent(&listed.symbol, timeframe)? {
                candles.push((timeframe, extent));
            }
        }
        let prints = store.extent_of_prints(&listed.symbol)?;
        let gaps = store.gaps(&listed.symbol)?;
        let open_gaps = gaps.iter().filter(|gap| !gap.is_filled).count();
        all.push(SymbolStats {
            symbol: listed.symbol,
            scale: listed.scale,
            candles,
            prints,
            open_gaps,
        });
    }
    Ok(all)
}

/// What lacks of the bars of one length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Times without bars or with incomplete ones only, oldest first; none touches another.
    pub spans: Vec<Span>,
    /// False when no bar at all is stored in the time that was looked at.
    pub has_bars: bool,
}

/// Times of `span` without complete bars, its end included. Its beginning counts from `from` on, where that is
/// given, else from the first stored bar.
///
/// # Errors
/// [`StoreError`].
pub fn missing(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    from: Option<ExchNs>,
    span: Span,
) -> Result<Missing, StoreError> {
    let mut first = None;
    store.candles(symbol, timeframe, span, Order::Ascending, 1, &mut |candle| {
        first = Some(candle.open_at);
        ControlFlow::Break(())
    })?;
    let Some(first) = first else {
        let whole = from.map(|from| Span::new(from, span.to)).filter(|span| !span.is_empty());
        return Ok(Missing { spans: whole.into_iter().collect(), has_bars: false });
    };
    let mut holes = store.holes(symbol, timeframe, span)?;
    let beginning = from.map(|from| Span::new(from, first));
    let newest = last_before(store, symbol, timeframe, span.to)?.map(|of| of.open_at);
    let length = timeframe.minutes() * MINUTE_NS;
    let whole_until = newest.filter(|newest| *newest >= span.from);
    let whole_until = whole_until.map_or(first, |newest| ExchNs::new(newest.raw() + length));
    let end = Span::new(whole_until.max(span.from), span.to);
    holes.extend(beginning.into_iter().chain([end]).filter(|hole| !hole.is_empty()));
    holes.sort_by_key(|hole| hole.from);
    // An incomplete beginning touches what lies before it.
    let mut spans: Vec<Span> = Vec::new();
    for hole in holes {
        match spans.last_mut() {
            Some(last) if hole.from <= last.to => last.to = last.to.max(hole.to),
            _ => spans.push(hole),
        }
    }
    Ok(Missing { spans, has_bars: true })
}

/// The last complete minute before `at`, if there is any: what an empty one after it carries on.
///
/// # Errors
/// [`StoreError`].
pub fn last_before(
    store: &mut dyn Store,
    symbol: &str,
    timeframe: Timeframe,
    at: ExchNs,
) -> Result<Option<Candle>, StoreError> {
    let mut found = None;
    let span = Span::new(Span::ALL.from, at);
    store.candles(symbol, timeframe, span, Order::Descending, LOOK_BACK, &mut |candle| {
        if candle.flags.is_incomplete {
            return ControlFlow::Continue(());
        }
        found = Some(candle);
        ControlFlow::Break(())
    })?;
    Ok(found)
}
