//! A made-up walk of bars, trades and touches, the same in every run.

use paperwire_core::bar::Bar;
use paperwire_core::book::{Bbo, Level};
use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};

/// One step of the walk: a bar, and a trade with the touch before it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(crate) bar: Bar,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    /// The close of another market.
    pub(crate) other: f64,
    pub(crate) trade: TradeTick,
    pub(crate) bbo: Bbo,
}

/// The walk of one market, with the closes of another.
#[derive(Debug)]
pub struct Series {
    pub(crate) of: Instrument,
    pub(crate) rows: Vec<Row>,
}

impl Series {
    /// Of `count` rows.
    ///
    /// # Panics
    /// Never: its names are short enough.
    pub fn new(count: usize) -> Self {
        let of = Instrument {
            name: "BTC/USD".try_into().expect("a short name"),
            base: "BTC".try_into().expect("a short name"),
            quote: "USD".try_into().expect("a short name"),
            price_precision: 1,
            qty_precision: 8,
            price_increment: Px::new(1),
            qty_increment: Qty::new(1),
            qty_min: Qty::new(1),
            cost_min: Money::ZERO,
            status: TradingStatus::Online,
        };
        let mut state = 1u64;
        let mut draw = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from((state >> 33) % below).expect("below is small")
        };
        let (mut px, mut other) = (600_000, 250_000);
        let rows = (0..count).map(|i| {
            px += draw(401) - 200;
            other += draw(201) - 100;
            row(&of, i, px, other, &mut draw)
        });
        let rows = rows.collect();
        Self { of, rows }
    }

    /// Rows in it.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without rows.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn row(of: &Instrument, i: usize, px: i64, other: i64, draw: &mut impl FnMut(u64) -> i64) -> Row {
    let (high, low) = (Px::new(px + draw(100)), Px::new(px - draw(100)));
    let (close, volume) = (Px::new(px), Qty::new(1 + draw(1_000_000)));
    let at = ExchNs::new(i64::try_from(i).expect("a short series") * 1_000_000_000);
    let taker = if draw(2) == 0 { OrderSide::Buy } else { OrderSide::Sell };
    let mut level = |px| Level { px: Px::new(px), qty: Qty::new(1 + draw(1_000_000)) };
    let bbo = Bbo { bid: level(px - 1), ask: level(px + 1) };
    Row {
        bar: Bar { open: close, high, low, close, volume, vwap: close, ..Bar::default() },
        high: of.px_f64(high),
        low: of.px_f64(low),
        close: of.px_f64(close),
        other: of.px_f64(Px::new(other)),
        trade: TradeTick {
            at,
            px: Px::new(px + draw(20)),
            qty: volume,
            taker,
            ..TradeTick::default()
        },
        bbo,
    }
}
