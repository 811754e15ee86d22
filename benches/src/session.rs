//! A made-up session of three pairs as the engine gets it: bars of history, whole books, then changes of levels
//! around a walking price, trades and timers. The same in every run, with no clock and no capture.

use paperwire_core::bar::{Bar, BarFlags, Timeframe};
use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::{Instrument, SymbolId, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::limits::EVENT_LEVELS;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};

/// Rows a side.
const LEVELS: i64 = 12;
/// 2025-11-03 09:00 UTC, a whole minute.
const START: i64 = 1_762_160_400_000_000_000;
const SECOND: i64 = 1_000_000_000;
/// Bars of each timeframe before the session.
const PAST: i64 = 300;
/// Changes of each book within a second.
const CHANGES: i64 = 4;

/// Pair, digits of its price, first price and gap between rows in ticks, quantity of a row in lots.
const PAIRS: [(&str, u8, i64, i64, i64); 3] = [
    ("BTC/USD", 1, 600_000, 1, 20_000_000),
    ("XRP/USD", 5, 50_000, 1, 40_000_000_000),
    ("XRP/BTC", 8, 833, 1, 40_000_000_000),
];

/// The pairs of the session.
///
/// # Panics
/// Never: the names are short.
pub fn instruments() -> Vec<Instrument> {
    let one = |(name, precision, ..): &(&str, u8, i64, i64, i64)| {
        let (base, quote) = name.split_once('/').expect("a pair");
        Instrument {
            name: (*name).try_into().expect("a short name"),
            base: base.try_into().expect("a short name"),
            quote: quote.try_into().expect("a short name"),
            price_precision: *precision,
            qty_precision: 8,
            price_increment: Px::new(1),
            qty_increment: Qty::new(1),
            qty_min: Qty::new(1_000),
            cost_min: Money::ZERO,
            status: TradingStatus::Online,
        }
    };
    PAIRS.iter().map(one).collect()
}

/// Everything before the session, and so many seconds of it.
#[derive(Debug)]
pub struct Session {
    /// Bars of history and the first books.
    pub past: Vec<MarketEvent>,
    /// What follows.
    pub live: Vec<MarketEvent>,
}

impl Session {
    /// Of so many seconds.
    pub fn new(seconds: usize) -> Self {
        let mut maker = Maker { state: 1, seq: 0, now: START, trades: 0, out: Vec::new() };
        maker.past();
        let mut mids = PAIRS.map(|(_, _, px, ..)| px);
        let mut books: [Book; 3] = std::array::from_fn(|_| Vec::new());
        for index in 0..PAIRS.len() {
            books[index] = maker.book(index, mids[index], 0);
            let all = books[index].clone();
            maker.levels(index, &all, true);
        }
        let past = std::mem::take(&mut maker.out);
        for _ in 0..seconds {
            for step in 0..CHANGES {
                for index in 0..PAIRS.len() {
                    maker.change(index, step, &mut mids[index], &mut books[index]);
                }
            }
            maker.now += SECOND - CHANGES * Maker::APART;
            maker.push(0, MarketKind::Timer);
        }
        Self { past, live: maker.out }
    }
}

/// Rows of both sides, the asks first.
type Book = Vec<(BookSide, Level)>;

struct Maker {
    state: u64,
    seq: u64,
    now: i64,
    trades: i64,
    out: Vec<MarketEvent>,
}

impl Maker {
    const APART: i64 = 200_000_000;

    fn draw(&mut self, below: i64) -> i64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        i64::try_from(self.state >> 33).expect("31 bits").rem_euclid(below)
    }

    fn push(&mut self, index: usize, kind: MarketKind) {
        self.seq += 1;
        let symbol = SymbolId(u16::try_from(index).expect("three pairs"));
        let symbol = kind.has_symbol().then_some(symbol);
        let (seq, exch, stamps) = (Seq(self.seq), ExchNs::new(self.now), Stamps::default());
        self.out.push(MarketEvent { seq, exch, stamps, symbol, kind });
    }

    /// Walks of each timeframe that end near the first price.
    fn past(&mut self) {
        for timeframe in [Timeframe::M1, Timeframe::M5, Timeframe::M15, Timeframe::H1] {
            let nanos = timeframe.minutes() * 60 * SECOND;
            let first = START - START.rem_euclid(nanos) - PAST * nanos;
            for at in 0..PAST {
                for (index, (_, _, px, _, lots)) in PAIRS.iter().enumerate() {
                    let wave = (at % 40 - 20).abs() - 10;
                    let unit = (px / 2_000).max(1);
                    let close = px + wave * unit + self.draw(2 * unit) - unit;
                    let (high, low) = (close + self.draw(2 * unit), close - self.draw(2 * unit));
                    let bar = Bar {
                        open_at: ExchNs::new(first + at * nanos),
                        open: Px::new(low + (high - low) / 2),
                        high: Px::new(high),
                        low: Px::new(low),
                        close: Px::new(close),
                        volume: Qty::new(lots + self.draw(*lots)),
                        vwap: Px::new(close),
                        trades: 10,
                        flags: BarFlags { is_carried: false, is_incomplete: false },
                    };
                    self.push(index, MarketKind::History((timeframe, bar)));
                }
            }
        }
    }

    /// A whole book around a price; `salt` is drawn into a few quantities.
    fn book(&mut self, index: usize, mid: i64, salt: i64) -> Book {
        let (_, _, _, gap, lots) = PAIRS[index];
        let mut rows = Vec::new();
        for (side, sign) in [(BookSide::Ask, 1), (BookSide::Bid, -1)] {
            for row in 0..LEVELS {
                let px = mid + sign * (1 + row * gap);
                // A quantity of its own for each price, and one row a change that differs.
                let mut qty = lots + px.rem_euclid(17) * lots / 17;
                if row == salt % LEVELS {
                    qty += self.draw(lots);
                }
                rows.push((side, Level { px: Px::new(px), qty: Qty::new(qty) }));
            }
        }
        rows
    }

    fn levels(&mut self, index: usize, levels: &[(BookSide, Level)], is_whole: bool) {
        let parts = levels.len().div_ceil(EVENT_LEVELS);
        for (part, rows) in levels.chunks(EVENT_LEVELS).enumerate() {
            let mut batch = LevelBatch::new(part == 0);
            for (side, level) in rows {
                batch.push(*side, *level);
            }
            batch.is_last = part + 1 == parts;
            let kind = if is_whole { MarketKind::Reset(batch) } else { MarketKind::Book(batch) };
            self.push(index, kind);
        }
    }

    /// One step of a pair: a walk of the price now and then, the levels that differ, a trade now and then.
    fn change(&mut self, index: usize, step: i64, mid: &mut i64, book: &mut Book) {
        self.now += if index == 0 { Self::APART } else { 0 };
        let unit = (PAIRS[index].2 / 10_000).max(1);
        if self.draw(4) == 0 {
            *mid += self.draw(2 * unit + 1) - unit;
        }
        let salt = self.draw(LEVELS);
        let next = self.book(index, *mid, salt);
        let is_in = |rows: &Book, of: &(BookSide, Level)| {
            rows.iter().any(|(side, level)| *side == of.0 && level.px == of.1.px)
        };
        let gone = book.iter().filter(|row| !is_in(&next, row));
        let gone = gone.map(|(side, level)| (*side, Level { px: level.px, qty: Qty::ZERO }));
        let mut changes: Book = gone.collect();
        changes.extend(next.iter().filter(|row| !book.contains(row)));
        *book = next;
        if !changes.is_empty() {
            self.levels(index, &changes, false);
        }
        if step % 2 == 0 {
            self.trade(index, *mid);
        }
    }

    fn trade(&mut self, index: usize, mid: i64) {
        self.trades += 1;
        let is_buy = self.draw(5) < 3;
        let qty = Qty::new(1_000 + self.draw(PAIRS[index].4));
        let trade = TradeTick {
            at: ExchNs::new(self.now),
            px: Px::new(if is_buy { mid + 1 } else { mid - 1 }),
            qty,
            trade_id: self.trades,
            taker: if is_buy { OrderSide::Buy } else { OrderSide::Sell },
            is_market: true,
        };
        self.push(index, MarketKind::Trade { trade, is_snapshot: false });
    }
}
