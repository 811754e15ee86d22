//! What has traded: every recent trade, and minute bars made from them and from nothing else.
//!
//! Longer intervals, day statistics and all REST answers are computed from these two lists, so they
//! agree with each other. Before the market starts a past is made up: fair prices in the moods of
//! the live market, moved to end at the start price, with some trades sampled inside each minute. Both
//! lists are bounded; the oldest entries go first.

use std::collections::VecDeque;

use paperwire_core::instrument::Instrument;
use paperwire_core::num::{Px, Qty};
use paperwire_core::random::{Rng, exp};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use crate::market::MarketConfig;
use crate::market::fair::Fair;
use crate::market::listing::Listing;
use crate::market::scenes::Play;
use crate::matching::{OrdType, Trade};

/// Intervals of bars that Kraken offers, in minutes.
pub const INTERVALS: [u32; 9] = [1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600];

/// Trades kept per pair: about 4 MB, and more than a hundred REST pages.
pub const TRADES_MAX: usize = 120_000;

/// Minute bars kept per pair: four weeks.
pub const MINUTES_MAX: usize = 28 * 1440;

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_NS: i64 = 1440 * MINUTE_NS;

/// One interval of trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Start of the interval.
    pub begin: ExchNs,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Sum of quantities.
    pub volume: Qty,
    /// Sum of price times quantity, raw.
    pub notional: i128,
    /// Number of trades.
    pub trades: u64,
}

impl Bar {
    /// An interval that starts with this trade.
    pub const fn first(begin: ExchNs, trade: &Trade) -> Self {
        Self {
            begin,
            open: trade.px,
            high: trade.px,
            low: trade.px,
            close: trade.px,
            volume: trade.qty,
            notional: trade.px.notional(trade.qty).raw(),
            trades: 1,
        }
    }

    /// An interval without trades after this price.
    pub const fn flat(begin: ExchNs, px: Px) -> Self {
        let (volume, notional, trades) = (Qty::ZERO, 0, 0);
        Self { begin, open: px, high: px, low: px, close: px, volume, notional, trades }
    }

    /// Takes in what came after.
    pub fn extend(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume += later.volume;
        self.notional += later.notional;
        self.trades += later.trades;
    }

    /// Volume-weighted average price, rounded to the nearest unit; zero without volume.
    pub fn vwap(&self) -> Px {
        if self.volume.is_zero() {
            return Px::ZERO;
        }
        let volume = i128::from(self.volume.raw());
        let rounded = (self.notional + volume / 2).div_euclid(volume);
        Px::new(i64::try_from(rounded).expect("an average lies between its prices"))
    }
}

/// The start of the interval that holds `at`.
pub const fn interval_begin(at: ExchNs, minutes: u32) -> ExchNs {
    let length = minutes as i64 * MINUTE_NS;
    ExchNs::new(at.raw().div_euclid(length) * length)
}

/// Trades and bars of one pair.
#[derive(Debug, Default)]
pub struct History {
    trades: VecDeque<Trade>,
    minutes: VecDeque<Bar>,
    open_day: OpenDay,
}

/// The sum of the closed minutes of the last 24 hours, renewed when a minute closes.
#[derive(Debug, Default)]
struct OpenDay {
    closed: Option<Bar>,
}

impl History {
    /// Takes in the newest trade.
    pub fn record(&mut self, trade: &Trade) {
        if let Some(last) = self.trades.back() {
            assert!(trade.trade_id == last.trade_id + 1, "trade numbers have no gap");
            assert!(trade.at >= last.at, "trades come in time order");
        }
        if self.trades.len() == TRADES_MAX {
            self.trades.pop_front();
        }
        self.trades.push_back(*trade);
        let begin = interval_begin(trade.at, 1);
        let bar = Bar::first(begin, trade);
        match self.minutes.back_mut() {
            Some(open) if open.begin == begin => open.extend(&bar),
            _ => {
                self.open_day.closed = merge(self.since(begin.raw() - DAY_NS));
                if self.minutes.len() == MINUTES_MAX {
                    self.minutes.pop_front();
                }
                self.minutes.push_back(bar);
            }
        }
    }

    /// The newest trade.
    pub fn last(&self) -> Option<&Trade> {
        self.trades.back()
    }

    /// All trades kept, oldest first.
    pub fn trades(&self) -> impl DoubleEndedIterator<Item = &Trade> + ExactSizeIterator {
        self.trades.iter()
    }

    /// Trades strictly after `since`, oldest first.
    pub fn trades_after(&self, since: ExchNs) -> impl Iterator<Item = &Trade> {
        let from = self.trades.partition_point(|t| t.at <= since);
        self.trades.range(from..)
    }

    /// Minutes that traded, oldest first; the last one is still open.
    pub fn minutes(&self) -> impl DoubleEndedIterator<Item = &Bar> {
        self.minutes.iter()
    }

    /// The newest `count` intervals that traded, oldest first.
    pub fn traded_bars(&self, minutes: u32, count: usize) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for minute in self.minutes.iter().rev() {
            let begin = interval_begin(minute.begin, minutes);
            let Some(bar) = bars.last_mut().filter(|bar| bar.begin == begin) else {
                if bars.len() == count {
                    break;
                }
                bars.push(Bar { begin, ..*minute });
                continue;
            };
            let later = std::mem::replace(bar, Bar { begin, ..*minute });
            bar.extend(&later);
        }
        bars.reverse();
        bars
    }

    /// The newest `count` intervals up to `now`, oldest first, empty ones carried flat.
    pub fn bars(&self, minutes: u32, count: usize, now: ExchNs) -> Vec<Bar> {
        let length = i64::from(minutes) * MINUTE_NS;
        let newest = interval_begin(now, minutes).raw();
        let mut filled: Vec<Bar> = Vec::new();
        for bar in self.traded_bars(minutes, count) {
            while let Some(last) =
                filled.last().filter(|l| l.begin.raw() + length < bar.begin.raw())
            {
                filled.push(Bar::flat(ExchNs::new(last.begin.raw() + length), last.close));
            }
            filled.push(bar);
        }
        while let Some(last) = filled.last().filter(|l| l.begin.raw() < newest) {
            filled.push(Bar::flat(ExchNs::new(last.begin.raw() + length), last.close));
        }
        filled.drain(..filled.len().saturating_sub(count));
        filled
    }

    /// The last 24 hours (to the minute) as one bar; `None` before the first trade.
    pub fn day(&self) -> Option<Bar> {
        let open = self.minutes.back()?;
        let Some(mut day) = self.open_day.closed else {
            return Some(*open);
        };
        day.extend(open);
        Some(day)
    }

    /// Everything since midnight UTC before `now` as one bar, flat when nothing traded yet.
    pub fn today(&self, now: ExchNs) -> Option<Bar> {
        let midnight = interval_begin(now, 1440);
        let before = self.minutes.back()?.close;
        Some(merge(self.since(midnight.raw())).unwrap_or_else(|| Bar::flat(midnight, before)))
    }

    fn since(&self, begin: i64) -> impl Iterator<Item = &Bar> {
        let from = self.minutes.partition_point(|b| b.begin.raw() < begin);
        self.minutes.range(from..)
    }
}

fn merge<'a>(mut bars: impl Iterator<Item = &'a Bar>) -> Option<Bar> {
    let mut sum = *bars.next()?;
    for bar in bars {
        sum.extend(bar);
    }
    Some(sum)
}

/// Fair prices of the past are moved so many times a minute.
const PAST_STEPS: u32 = 6;

/// Taker orders of the past in a minute, for each cluster per second of the live market: each cluster
/// has two, and one in thirty comes as several trades.
const PAST_TRADES: f64 = 135.0;

/// A past for each listing: as many whole minutes as configured, that end, at `end`, at the start prices.
pub(crate) fn pasts(
    listings: &[Listing],
    end: ExchNs,
    config: &MarketConfig,
    play: Play,
    rng: &mut Rng,
) -> Vec<History> {
    let paths = paths(listings, config, play, rng);
    let mut rng = rng.fork(1);
    let mut histories = Vec::with_capacity(listings.len());
    for (index, (listing, path)) in listings.iter().zip(&paths).enumerate() {
        let number = u64::try_from(index).expect("few listings");
        let first_id = 100_000_001 + number * 1_000_000 + rng.next_u64() % 900_000;
        histories.push(past(listing, path, end, first_id, &mut rng.fork(number)));
    }
    histories
}

/// The past of one pair: log prices at every minute boundary, oldest first, and how busy each minute was.
#[derive(Debug, Default)]
struct Path {
    log_px: Vec<f64>,
    activity: Vec<f64>,
}

/// Paths in the moods of the live market, moved so that they end at the start prices.
fn paths(listings: &[Listing], config: &MarketConfig, play: Play, rng: &mut Rng) -> Vec<Path> {
    let mut fair = Fair::new(listings, rng.fork(0), play, config.volatility);
    let mut paths: Vec<Path> = listings.iter().map(|_| Path::default()).collect();
    let ends: Vec<f64> = (0..listings.len()).map(|index| fair.log_price(index)).collect();
    for _ in 0..=config.history_minutes {
        for (index, path) in paths.iter_mut().enumerate() {
            path.log_px.push(fair.log_price(index));
            path.activity.push(fair.activity(index));
        }
        for _ in 0..PAST_STEPS {
            fair.step_past(60.0 / f64::from(PAST_STEPS));
        }
    }
    for (path, end) in paths.iter_mut().zip(ends) {
        let shift = end - path.log_px.last().copied().unwrap_or(end);
        path.log_px.iter_mut().for_each(|log_px| *log_px += shift);
    }
    paths
}

fn past(listing: &Listing, path: &Path, end: ExchNs, first_id: u64, rng: &mut Rng) -> History {
    let rules = &listing.instrument;
    let behaviour = &listing.behaviour;
    let mut history = History::default();
    let mut trade_id = first_id;
    let begin = end.raw() - MINUTE_NS * i64::try_from(path.log_px.len() - 1).expect("a short past");
    let mut minute_begin = begin;
    for (ends, activity) in path.log_px.windows(2).zip(&path.activity) {
        let wanted = behaviour.takers_hz * PAST_TRADES * activity * rng.log_normal(0.85, 0.55);
        let count = whole(wanted + rng.unit());
        let mut offsets: Vec<f64> = (0..count).map(|_| rng.unit()).collect();
        offsets.sort_by(f64::total_cmp);
        for offset in offsets {
            let noise = 0.6e-4 * rng.gaussian() * (offset * (1.0 - offset)).sqrt();
            let log_px = ends[0] + (ends[1] - ends[0]) * offset + noise;
            let rising = if ends[1] > ends[0] { 0.58 } else { 0.42 };
            let taker = if rng.chance(rising) { OrderSide::Buy } else { OrderSide::Sell };
            let ord_type = if rng.chance(0.4) { OrdType::Market } else { OrdType::Limit };
            let trade = Trade {
                trade_id,
                at: ExchNs::new(minute_begin + i64::from(whole(offset * 6e7)) * 1_000),
                px: price(rules, exp(log_px)),
                qty: size(rules, behaviour, rng),
                taker,
                ord_type,
            };
            history.record(&trade);
            trade_id += 1;
        }
        minute_begin += MINUTE_NS;
    }
    history
}

fn price(rules: &Instrument, value: f64) -> Px {
    let px = rules.px_from_f64(value).unwrap_or(rules.price_increment);
    let tick = rules.price_increment.raw();
    Px::new((px.raw() / tick * tick).max(tick))
}

fn size(rules: &Instrument, behaviour: &crate::market::listing::Behaviour, rng: &mut Rng) -> Qty {
    let value = behaviour.taker.draw(rng);
    rules.qty_from_f64(value).map_or(rules.qty_min, |q| rules.floor_to_lot(q)).max(rules.qty_min)
}

#[expect(clippy::cast_possible_truncation, reason = "callers pass 0 to 6e7")]
fn whole(value: f64) -> i32 {
    value as i32
}

#[cfg(test)]
mod tests;
