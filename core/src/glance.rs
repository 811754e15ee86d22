//! What people see of the market: once a second the engine copies it into fixed memory and hands it over.
//!
//! Two boxes go round between the engine and the bridge. When both are on the other side nothing is
//! copied: a page that nobody looks at, or a bridge that is busy, costs the engine one look at a ring.

use arrayvec::ArrayVec;

use crate::bar::{Bar, Timeframe};
use crate::board::Board;
use crate::book::Level;
use crate::instrument::TradingStatus;
use crate::market::{BookStatus, MarketView, SymbolState};
use crate::regime::{MarketRegime, Sentiment, SymbolRegime};
use crate::ring::{Consumer, Producer, ring};
use crate::time::ExchNs;
use crate::trade::TapeEntry;

/// Rows of each side that are shown: the ten that the checksum covers, and fifteen that it does not.
pub const GLANCE_LEVELS: usize = 25;
/// Taker orders that are shown.
pub const GLANCE_TRADES: usize = 40;

/// One symbol.
#[derive(Clone, Debug, Default)]
pub struct SymbolGlance {
    /// Whether its book may be traded on.
    pub status: BookStatus,
    /// What the venue lets one do with it.
    pub trading: TradingStatus,
    /// Exchange time of the last book change; `None` before the first.
    pub book_at: Option<ExchNs>,
    /// Best first; empty unless live.
    pub bids: ArrayVec<Level, GLANCE_LEVELS>,
    /// Best first; empty unless live.
    pub asks: ArrayVec<Level, GLANCE_LEVELS>,
    /// Newest first.
    pub trades: ArrayVec<TapeEntry, GLANCE_TRADES>,
    /// The minute that is not over.
    pub forming: Option<Bar>,
    /// Indicators after the last closed bar, by timeframe.
    pub boards: [Board; Timeframe::ALL.len()],
    /// What it is like.
    pub regime: Option<SymbolRegime>,
}

impl SymbolGlance {
    fn copy(&mut self, state: &SymbolState) {
        self.status = state.status();
        self.trading = state.instrument().status;
        self.book_at = state.book_at();
        self.bids.clear();
        self.asks.clear();
        if let Some(book) = state.book() {
            self.bids.extend(book.bids().iter().take(GLANCE_LEVELS).copied());
            self.asks.extend(book.asks().iter().take(GLANCE_LEVELS).copied());
        }
        self.trades.clear();
        self.trades.extend((0..GLANCE_TRADES).map_while(|age| state.tape().newest(age).copied()));
        self.forming = state.bar_set().forming();
        for (mine, timeframe) in self.boards.iter_mut().zip(Timeframe::ALL) {
            mine.clone_from(state.board(timeframe));
        }
        self.regime = state.regime().copied();
    }
}

/// The whole market at one instant.
#[derive(Clone, Debug)]
pub struct Glance {
    /// Exchange time.
    pub at: ExchNs,
    /// Events that waited in the market ring, and the most that ever did.
    pub waiting: [usize; 2],
    /// By symbol.
    pub symbols: Vec<SymbolGlance>,
    /// What all of them are like together.
    pub regime: Option<MarketRegime>,
    /// The newest word from outside.
    pub sentiment: Option<Sentiment>,
}

impl Glance {
    /// Nothing seen yet; all memory is taken here.
    pub fn new(symbols: usize) -> Self {
        let symbols = vec![SymbolGlance::default(); symbols];
        Self { at: ExchNs::default(), waiting: [0; 2], symbols, regime: None, sentiment: None }
    }

    /// Copies what there is; takes no memory.
    pub fn copy(&mut self, market: MarketView<'_>) {
        self.at = market.now();
        for (mine, (_, state)) in self.symbols.iter_mut().zip(market.symbols()) {
            mine.copy(state);
        }
        self.regime = market.market_regime().copied();
        self.sentiment = market.sentiment().copied();
    }
}

/// The engine's ends.
#[derive(Debug)]
pub struct Glances {
    full: Producer<Box<Glance>>,
    spare: Consumer<Box<Glance>>,
}

/// The bridge's ends.
#[derive(Debug)]
pub struct GlanceDrain {
    full: Consumer<Box<Glance>>,
    spare: Producer<Box<Glance>>,
}

impl Glances {
    /// Both ends, for so many symbols.
    pub fn new(symbols: usize) -> (Self, GlanceDrain) {
        const BOXES: usize = 2;
        let (full_in, full_out) = ring(BOXES);
        let (mut spare_in, spare_out) = ring(BOXES);
        for _ in 0..BOXES {
            spare_in.push(Box::new(Glance::new(symbols))).expect("a place for every box");
        }
        let drain = GlanceDrain { full: full_out, spare: spare_in };
        (Self { full: full_in, spare: spare_out }, drain)
    }

    /// Copies the market when there is a box to copy it to, and how many events waited for the engine.
    pub fn show(&mut self, market: MarketView<'_>, waiting: [usize; 2]) {
        if let Some(mut glance) = self.spare.pop() {
            glance.copy(market);
            glance.waiting = waiting;
            self.full.push(glance).expect("a place for every box");
        }
    }
}

impl GlanceDrain {
    /// Takes the newest copy, if there is one, into `latest`.
    pub fn take(&mut self, latest: &mut Glance) {
        while let Some(mut glance) = self.full.pop() {
            std::mem::swap(latest, &mut glance);
            self.spare.push(glance).expect("a place for every box");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::tests::{event, market, snapshot};
    use crate::num::Px;

    #[test]
    fn the_newest_copy_arrives_and_boxes_go_round() {
        let (mut engine, mut bridge) = Glances::new(3);
        let (mut market, mut latest) = (market(), Glance::new(3));
        for bid in 101..=105 {
            market.apply(&event(1, snapshot(bid, bid + 2)), &mut |_, _| ());
            engine.show(market.view(), [1, 2]);
            if bid % 2 == 0 {
                bridge.take(&mut latest);
                assert_eq!(latest.symbols[1].bids[0].px, Px::new(bid));
                assert_eq!(latest.symbols[1].asks[0].px, Px::new(bid + 2));
                assert!(latest.symbols[0].bids.is_empty(), "it is not live");
            }
        }
    }

    #[test]
    fn nobody_who_takes_them_costs_nothing_but_the_first_two() {
        let (mut engine, mut bridge) = Glances::new(3);
        let (mut market, mut latest) = (market(), Glance::new(3));
        for bid in 101..=109 {
            market.apply(&event(0, snapshot(bid, bid + 2)), &mut |_, _| ());
            engine.show(market.view(), [1, 2]);
        }
        bridge.take(&mut latest);
        assert_eq!(latest.symbols[0].bids[0].px, Px::new(102));
    }
}
