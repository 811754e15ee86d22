//! The feed thread's end of the market ring, with an account of its room.

use paperwire_core::event::MarketEvent;
use paperwire_core::limits::{MARKET_RING_RESERVE, MESSAGE_LEVELS_MAX, MESSAGE_TRADES_MAX};
use paperwire_core::ring::Producer;

use crate::control::Pressure;
use crate::market::EventSink;

/// Events of the largest book message.
const BOOK_EVENTS_MAX: usize = MESSAGE_LEVELS_MAX.div_ceil(paperwire_core::limits::EVENT_LEVELS);
/// With this much room any frame fits.
pub(super) const ROOM_FOR_ALL: usize = MARKET_RING_RESERVE + BOOK_EVENTS_MAX + MESSAGE_TRADES_MAX;
/// With this much room any trade message fits.
const ROOM_FOR_TRADES: usize = MESSAGE_TRADES_MAX + 128;

/// The market ring's writing end with a running account of its room.
#[derive(Debug)]
pub(super) struct RingSink {
    ring: Producer<MarketEvent>,
    /// Slots known to be free; at least this many really are.
    room: usize,
}

impl EventSink for RingSink {
    #[inline]
    fn push(&mut self, event: MarketEvent) {
        self.room = self.room.saturating_sub(1);
        let mut event = event;
        // `Pressure` keeps a reserve, so this loops only when the engine is dead or long stalled;
        // then waiting is all that is left, for a market event is never dropped unmarked.
        while let Err(back) = self.ring.push(event) {
            event = back;
            if self.ring.is_abandoned() {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl RingSink {
    /// A sink whose room is not known yet.
    pub(super) const fn new(ring: Producer<MarketEvent>) -> Self {
        Self { ring, room: 0 }
    }

    /// Slots known to be free.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// Asks the other core for the room only when the known room is used up.
    pub(super) fn pressure(&mut self) -> Pressure {
        if self.room < ROOM_FOR_ALL {
            self.room = self.ring.free();
        }
        match self.room {
            room if room >= ROOM_FOR_ALL => Pressure::None,
            room if room >= ROOM_FOR_TRADES => Pressure::Conflate,
            _ => Pressure::Drop,
        }
    }
}
