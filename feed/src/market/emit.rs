//! From what the market knows to numbered events.

use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::time::ExchNs;

use super::EventSink;

/// Numbers events and cuts levels into them.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    seq: u64,
}

impl Emitter {
    pub(super) fn push(&mut self, sink: &mut impl EventSink, to: Address, kind: MarketKind) {
        self.seq += 1;
        let Address { symbol, at, stamps } = to;
        sink.push(MarketEvent { seq: Seq(self.seq), exch: at, stamps, symbol, kind });
    }

    /// A message without levels still has one event: it moves the book's time.
    pub(super) fn levels(
        &mut self,
        to: Address,
        is_reset: bool,
        levels: impl Iterator<Item = (BookSide, Level)>,
        sink: &mut impl EventSink,
    ) {
        let kind = |batch| {
            if is_reset { MarketKind::Reset(batch) } else { MarketKind::Book(batch) }
        };
        let mut batch = LevelBatch::new(true);
        for (side, level) in levels {
            if batch.is_full() {
                self.push(sink, to, kind(batch));
                batch = LevelBatch::new(false);
            }
            batch.push(side, level);
        }
        batch.is_last = true;
        self.push(sink, to, kind(batch));
    }
}

/// Symbol and times that the parts of one message share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) symbol: Option<SymbolId>,
    pub(super) at: ExchNs,
    pub(super) stamps: Stamps,
}
