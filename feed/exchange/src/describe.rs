//! Measures a market, model or capture, by the same code: what `exchange --describe` prints.
//!
//! * `observer`: a stream of levels and trades becomes numbers; `book`, `series` help it.
//! * [`facts`]: what real books show, with sources and tolerances.
//! * `frames`: captures. [`model`]: the built-in market. [`table`]: side by side.
//!
//! Pure: no clock, no file, no socket.

use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::time::DurationNs;
use serde::Serialize;

use crate::market::{EventKind, Market, MarketConfig, MarketError};

mod book;
pub mod facts;
mod frames;
pub mod key;
mod observer;
mod series;
mod table;

pub use frames::CaptureReader;
pub use observer::{Grid, Observer};
pub use table::{json, outside, table};

/// One number of a description.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// Which, a constant of [`key`].
    pub key: &'static str,
    /// Its value; `None` where the stream was too short or held nothing of the kind.
    pub value: Option<f64>,
}

/// What was measured of one pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// The pair.
    pub pair: String,
    /// Every measure, in the order of [`key::ALL`].
    pub measures: Vec<Measure>,
}

impl Described {
    /// One measure's value.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.measures.iter().find(|measure| measure.key == key).and_then(|measure| measure.value)
    }
}

/// Plays a market for `seconds` of its own time and measures every pair at a depth.
///
/// # Errors
/// [`MarketError`] when the configuration is out of range.
pub fn model(
    config: &MarketConfig,
    depth: usize,
    seconds: u64,
) -> Result<Vec<Described>, MarketError> {
    let mut market = Market::new(config)?;
    let mut pairs: Vec<Observer> = Vec::new();
    for (index, listing) in market.listings().iter().enumerate() {
        let rules = &listing.instrument;
        let tick = rules.price_increment.raw();
        let lots = 10f64.powi(i32::from(rules.qty_precision));
        let mut observer = Observer::new(Grid { tick, lots }, depth);
        let engine = market.engine(symbol(index));
        for side in [BookSide::Bid, BookSide::Ask] {
            engine.levels(side).for_each(|(px, qty)| observer.level(side, px, qty));
        }
        observer.snapshot_done(market.now());
        pairs.push(observer);
    }
    let mut events = Vec::new();
    for _ in 0..seconds {
        market.advance_to(market.now().plus(DurationNs::from_secs(1)), &mut events);
        for event in events.drain(..) {
            let observer = &mut pairs[event.symbol.index()];
            match event.kind {
                EventKind::Level { side, px, qty } => observer.level(side, px, qty),
                EventKind::Trade(trade) => observer.trade(trade.taker, trade.qty),
                EventKind::Commit => observer.commit(event.at),
            }
        }
    }
    let names = market.listings().iter().map(|listing| listing.name().to_owned());
    let described = names.zip(pairs);
    Ok(described.map(|(pair, observer)| Described { pair, measures: observer.finish() }).collect())
}

fn symbol(index: usize) -> SymbolId {
    SymbolId(u16::try_from(index).expect("symbols are numbered in 16 bits"))
}

#[cfg(test)]
mod tests;
