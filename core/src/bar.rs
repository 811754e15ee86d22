//! Bars on the UTC grid, built from trades and closed by event time.
//!
//! One-minute bars come from trades; every longer timeframe is the aggregation of closed one-minute
//! bars, so that five of them equal the five-minute bar by construction. A bar for `[t, t + 1m)` closes
//! once event time reaches `t + 1m + grace`, whether or not another trade came.

use crate::fixed_ring::FixedRing;
use crate::limits::CARRY_MINUTES_MAX;
use crate::num::{Notional, Px, Qty};
use crate::time::{DurationNs, ExchNs};
use crate::trade::TradeTick;

const MINUTE_NS: i64 = 60_000_000_000;
/// 1970-01-01 was a Thursday; weeks start on Monday, four days later.
const FIRST_MONDAY_NS: i64 = 4 * 86_400_000_000_000;

/// The length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Timeframe {
    /// One minute.
    M1,
    /// Five minutes.
    M5,
    /// Fifteen minutes.
    M15,
    /// Thirty minutes.
    M30,
    /// One hour.
    H1,
    /// Four hours.
    H4,
    /// Twelve hours.
    H12,
    /// One day, from midnight UTC.
    D1,
    /// One week, from Monday UTC.
    W1,
}

impl Timeframe {
    /// Shortest first.
    pub const ALL: [Self; 9] = [
        Self::M1,
        Self::M5,
        Self::M15,
        Self::M30,
        Self::H1,
        Self::H4,
        Self::H12,
        Self::D1,
        Self::W1,
    ];

    /// Length in minutes.
    pub const fn minutes(self) -> i64 {
        match self {
            Self::M1 => 1,
            Self::M5 => 5,
            Self::M15 => 15,
            Self::M30 => 30,
            Self::H1 => 60,
            Self::H4 => 240,
            Self::H12 => 720,
            Self::D1 => 1440,
            Self::W1 => 10_080,
        }
    }

    /// The usual short name: `1m`, `4h`, `1w`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::M30 => "30m",
            Self::H1 => "1h",
            Self::H4 => "4h",
            Self::H12 => "12h",
            Self::D1 => "1d",
            Self::W1 => "1w",
        }
    }

    /// The one that a word of [`Self::as_str`] means.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.as_str() == word)
    }

    /// Closed bars kept: two trading days of intraday detail, a year of days.
    const fn capacity(self) -> usize {
        match self {
            Self::M1 | Self::M5 => 500,
            Self::M15 | Self::M30 | Self::H1 => 300,
            Self::H4 | Self::H12 => 200,
            Self::D1 => 365,
            Self::W1 => 104,
        }
    }

    /// Start of the bar that holds `at`.
    pub const fn floor(self, at: ExchNs) -> ExchNs {
        let length = self.minutes() * MINUTE_NS;
        let origin = match self {
            Self::W1 => FIRST_MONDAY_NS,
            _ => 0,
        };
        let whole = at.raw().saturating_sub(origin).div_euclid(length);
        ExchNs::new(whole.saturating_mul(length).saturating_add(origin))
    }
}

/// A bar. `vwap` is rounded to the price precision, as the venue prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Start of its interval.
    pub open_at: ExchNs,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Traded quantity.
    pub volume: Qty,
    /// Volume-weighted average price; the close when nothing traded.
    pub vwap: Px,
    /// Prints in it.
    pub trades: u32,
    /// What one must know before believing it.
    pub flags: BarFlags,
}

/// What one must know of a bar before believing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarFlags {
    /// Nothing traded; the previous close was carried.
    pub is_carried: bool,
    /// The feed was down or just starting during part of it, the exchange's clock was set, or more
    /// traded than can be counted.
    pub is_incomplete: bool,
}

/// What to do with minutes in which nothing traded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GapPolicy {
    /// A flat bar at the previous close, flagged; series have no holes.
    #[default]
    Carry,
    /// No bar; lookbacks by count then stretch in time.
    Skip,
}

/// How bars are built.
#[derive(Clone, Copy, Debug)]
pub struct BarRules {
    /// How long a minute waits for late trades after its end.
    pub grace: DurationNs,
    /// What an empty minute becomes.
    pub gap_policy: GapPolicy,
}

impl Default for BarRules {
    fn default() -> Self {
        Self { grace: DurationNs::from_millis(500), gap_policy: GapPolicy::Carry }
    }
}

/// A bar being built, with its exact turnover.
#[derive(Clone, Copy, Debug)]
pub struct OpenBar {
    bar: Bar,
    turnover: Notional,
}

impl OpenBar {
    fn from_trade(open_at: ExchNs, trade: &TradeTick) -> Self {
        let px = trade.px;
        let bar = Bar {
            open_at,
            open: px,
            high: px,
            low: px,
            close: px,
            volume: trade.qty,
            vwap: px,
            trades: 1,
            flags: BarFlags::default(),
        };
        Self { bar, turnover: px.notional(trade.qty) }
    }

    /// Begins a longer bar, from `open_at` on, with the first of its parts.
    pub fn from_bar(open_at: ExchNs, bar: &Bar) -> Self {
        Self { bar: Bar { open_at, ..*bar }, turnover: bar.vwap.notional(bar.volume) }
    }

    fn carried(open_at: ExchNs, close: Px) -> Self {
        let flags = BarFlags { is_carried: true, is_incomplete: false };
        let bar = Bar {
            open_at,
            open: close,
            high: close,
            low: close,
            close,
            vwap: close,
            flags,
            ..Bar::default()
        };
        Self { bar, turnover: Notional::ZERO }
    }

    fn add(&mut self, trade: &TradeTick) {
        if self.bar.flags.is_carried {
            // The first real trade of a minute that was only assumed to be empty.
            let incomplete = self.bar.flags.is_incomplete;
            *self = Self::from_trade(self.bar.open_at, trade);
            self.bar.flags.is_incomplete = incomplete;
            return;
        }
        self.bar.high = self.bar.high.max(trade.px);
        self.bar.low = self.bar.low.min(trade.px);
        self.bar.close = trade.px;
        self.bar.trades = self.bar.trades.saturating_add(1);
        self.add_volume(trade.qty, trade.px);
    }

    /// Adds what traded at an average price; what leaves the counters marks the bar.
    fn add_volume(&mut self, qty: Qty, px: Px) {
        let volume = self.bar.volume.raw().checked_add(qty.raw());
        let turnover = self.turnover.raw().checked_add(px.notional(qty).raw());
        self.bar.flags.is_incomplete |= volume.is_none() || turnover.is_none();
        self.bar.volume = volume.map_or(Qty::new(i64::MAX), Qty::new);
        self.turnover = turnover.map_or(Notional::new(i128::MAX), Notional::new);
    }

    /// Adds the next part.
    pub fn merge(&mut self, bar: &Bar) {
        self.bar.high = self.bar.high.max(bar.high);
        self.bar.low = self.bar.low.min(bar.low);
        self.bar.close = bar.close;
        self.bar.trades = self.bar.trades.saturating_add(bar.trades);
        self.bar.flags.is_carried &= bar.flags.is_carried;
        self.bar.flags.is_incomplete |= bar.flags.is_incomplete;
        self.add_volume(bar.volume, bar.vwap);
    }

    /// The bar as it stands.
    pub fn bar(&self) -> Bar {
        let mut bar = self.bar;
        let volume = i128::from(bar.volume.raw());
        bar.vwap = if volume == 0 {
            bar.close
        } else {
            let rounded = self.turnover.raw().saturating_add(volume / 2).div_euclid(volume);
            // An average lies between the prices it is of, also when the counters were left.
            let average = Px::new(i64::try_from(rounded).unwrap_or(i64::MAX));
            average.clamp(bar.low, bar.high.max(bar.low))
        };
        bar
    }
}

/// Counters of what the builder had to decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarCounters {
    /// One-minute bars closed.
    pub closed: u64,
    /// Empty minutes filled.
    pub carried: u64,
    /// Trades too late for their minute; they are on the tape and in no bar.
    pub late_trades: u64,
}

/// All timeframes of one symbol.
#[derive(Debug)]
pub struct BarSet {
    rules: BarRules,
    minute: Option<OpenBar>,
    /// Trades of the next minute that came while the current one waits out its grace.
    next_minute: Option<OpenBar>,
    /// Bars of longer timeframes being built from closed minutes; index = `Timeframe as usize`.
    building: [Option<OpenBar>; Timeframe::ALL.len()],
    closed: [FixedRing<Bar>; Timeframe::ALL.len()],
    counters: BarCounters,
}

/// A bar that just closed, with its timeframe; a caller handles it before the next one.
pub type Closed = (Timeframe, Bar);

impl BarSet {
    /// Empty series.
    pub fn new(rules: BarRules) -> Self {
        assert!(rules.grace.raw() < MINUTE_NS.unsigned_abs(), "grace is shorter than a minute");
        Self {
            rules,
            minute: None,
            next_minute: None,
            building: [None; Timeframe::ALL.len()],
            closed: Timeframe::ALL.map(|timeframe| FixedRing::new(timeframe.capacity())),
            counters: BarCounters::default(),
        }
    }

    /// Closed bars of one timeframe.
    pub const fn closed(&self, timeframe: Timeframe) -> &FixedRing<Bar> {
        &self.closed[timeframe as usize]
    }

    /// The minute being built.
    pub fn forming(&self) -> Option<Bar> {
        self.minute.as_ref().map(OpenBar::bar)
    }

    /// What was decided so far.
    pub const fn counters(&self) -> BarCounters {
        self.counters
    }

    /// Takes a bar of history; call in the order of their ends, the longer first, before live trades.
    ///
    /// Bars of longer timeframes are for the time before the first minute; the one that this minute lies
    /// in is taken whole and not made from the minutes that are left of it.
    pub fn push_history(&mut self, (timeframe, bar): Closed, on_closed: &mut impl FnMut(Closed)) {
        if self.is_closed(timeframe, bar.open_at) {
            return;
        }
        if timeframe == Timeframe::M1 {
            self.close_minute(bar, on_closed);
            return;
        }
        let slot = timeframe as usize;
        self.building[slot] = self.building[slot].filter(|of| of.bar.open_at != bar.open_at);
        self.closed[slot].push(bar);
        on_closed((timeframe, bar));
    }

    /// True when the bar that begins then, or a later one, was closed.
    fn is_closed(&self, timeframe: Timeframe, open_at: ExchNs) -> bool {
        self.closed(timeframe).newest(0).is_some_and(|last| open_at <= last.open_at)
    }

    /// Adds a trade; `now` is the latest event time seen, and closes what it ends.
    pub fn on_trade(&mut self, trade: &TradeTick, now: ExchNs, on_closed: &mut impl FnMut(Closed)) {
        self.advance(now, on_closed);
        let open_at = Timeframe::M1.floor(trade.at);
        let Some(minute) = &mut self.minute else {
            if self.is_closed(Timeframe::M1, open_at) {
                self.counters.late_trades += 1;
                return;
            }
            let mut bar = OpenBar::from_trade(open_at, trade);
            // The first minute after a start began before we listened.
            bar.bar.flags.is_incomplete = true;
            self.minute = Some(bar);
            return;
        };
        if open_at == minute.bar.open_at {
            minute.add(trade);
        } else if open_at < minute.bar.open_at {
            self.counters.late_trades += 1;
        } else {
            match &mut self.next_minute {
                Some(next) if next.bar.open_at == open_at => next.add(trade),
                Some(_) => self.counters.late_trades += 1,
                None => self.next_minute = Some(OpenBar::from_trade(open_at, trade)),
            }
        }
    }

    /// Closes every minute whose end and grace lie at or before `now`.
    pub fn advance(&mut self, now: ExchNs, on_closed: &mut impl FnMut(Closed)) {
        let mut carried = 0;
        while let Some(minute) = self.minute {
            let ends_at = minute_after(minute.bar.open_at);
            if now < ends_at.plus(self.rules.grace) {
                return;
            }
            let close = minute.bar.close;
            self.close_minute(minute.bar(), on_closed);
            self.minute = match self.next_minute.take() {
                Some(next) if next.bar.open_at == ends_at => Some(next),
                later => {
                    self.next_minute = later;
                    carried += 1;
                    if self.rules.gap_policy == GapPolicy::Skip || carried > CARRY_MINUTES_MAX {
                        self.next_minute.take()
                    } else {
                        Some(OpenBar::carried(ends_at, close))
                    }
                }
            };
        }
    }

    /// Flags what is being built: part of it was not heard.
    pub fn mark_incomplete(&mut self) {
        let open = [&mut self.minute, &mut self.next_minute];
        for bar in open.into_iter().chain(&mut self.building).flatten() {
            bar.bar.flags.is_incomplete = true;
        }
    }

    /// The exchange's clock was set and says `to`: minutes in between are not carried, for nothing is
    /// known of them, and bars that lie ahead of it never were.
    pub fn step_to(&mut self, to: ExchNs, on_closed: &mut impl FnMut(Closed)) {
        self.mark_incomplete();
        let now_open = Timeframe::M1.floor(to);
        let ends_before = |of: &OpenBar| of.bar.open_at < now_open;
        for minute in [self.minute.take(), self.next_minute.take()].into_iter().flatten() {
            if minute.bar.open_at == now_open {
                self.minute = Some(minute);
            } else if ends_before(&minute) && !self.is_closed(Timeframe::M1, minute.bar.open_at) {
                self.close_minute(minute.bar(), on_closed);
            }
        }
        for timeframe in Timeframe::ALL {
            let slot = timeframe as usize;
            let open_at = timeframe.floor(to);
            self.building[slot] = self.building[slot].filter(|of| of.bar.open_at <= open_at);
            let is_ahead = |bar: &Bar| bar.open_at > open_at;
            while self.closed[slot].newest(0).is_some_and(is_ahead) {
                self.closed[slot].forget_newest();
            }
        }
    }

    fn close_minute(&mut self, bar: Bar, on_closed: &mut impl FnMut(Closed)) {
        self.counters.closed += 1;
        self.counters.carried += u64::from(bar.flags.is_carried);
        self.closed[Timeframe::M1 as usize].push(bar);
        on_closed((Timeframe::M1, bar));
        let ends_at = minute_after(bar.open_at);
        for timeframe in &Timeframe::ALL[1..] {
            let slot = *timeframe as usize;
            let open_at = timeframe.floor(bar.open_at);
            if self.is_closed(*timeframe, open_at) {
                continue; // History had it whole.
            }
            // Under `Skip` the last minute of a longer bar may not exist: the first minute of the
            // next bar then closes it.
            if let Some(building) = self.building[slot]
                && building.bar.open_at != open_at
            {
                self.close_longer(*timeframe, on_closed);
            }
            match &mut self.building[slot] {
                Some(building) => building.merge(&bar),
                empty => {
                    let mut building = OpenBar::from_bar(open_at, &bar);
                    // A series that starts in the middle of a longer bar never saw its beginning.
                    building.bar.flags.is_incomplete |= open_at != bar.open_at;
                    *empty = Some(building);
                }
            }
            if timeframe.floor(ends_at) != open_at {
                self.close_longer(*timeframe, on_closed);
            }
        }
    }

    fn close_longer(&mut self, timeframe: Timeframe, on_closed: &mut impl FnMut(Closed)) {
        let slot = timeframe as usize;
        if let Some(building) = self.building[slot].take() {
            let bar = building.bar();
            self.closed[slot].push(bar);
            on_closed((timeframe, bar));
        }
    }
}

const fn minute_after(open_at: ExchNs) -> ExchNs {
    open_at.plus(DurationNs::new(MINUTE_NS.unsigned_abs()))
}

#[cfg(test)]
mod tests;
