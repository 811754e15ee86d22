//! What a decision does to the market: of the session's clock, of the ring's state, of a person or of
//! the world outside, live or read from a tape.

use paperwire_core::event::{GapReason, MarketKind, Stamps, SymbolStatus};
use paperwire_core::time::HostNs;

use crate::control::Control;

use super::{BookState, EventSink, MarketFeed};

impl MarketFeed {
    /// Takes one decision that was made at `rx`, by the session's clock or as a tape has it. What it brings is
    /// stamped with `now`: where a recording is replayed, its times are of another day.
    pub fn on_control(
        &mut self,
        rx: HostNs,
        now: HostNs,
        control: &Control,
        sink: &mut impl EventSink,
    ) {
        self.stamps = Stamps { arrived: now, enqueued: now };
        match control {
            Control::Timer { at } => {
                let exch = self.venue.latest().map_or(*at, |(latest, _)| latest.max(*at));
                self.emit(sink, None, exch, MarketKind::Timer);
            }
            Control::Command { at, command } => {
                let exch = self.venue.latest().map_or(*at, |(latest, _)| latest.max(*at));
                self.emit(sink, None, exch, MarketKind::Command(*command));
            }
            Control::Sentiment { at, sentiment } => {
                let exch = self.venue.latest().map_or(*at, |(latest, _)| latest.max(*at));
                self.emit(sink, None, exch, MarketKind::Sentiment(*sentiment));
            }
            Control::Disconnected => {
                self.counters.disconnects += 1;
                self.venue.on_disconnect();
                for symbol in self.ids() {
                    self.books[symbol.index()].numbers.open();
                    self.void(symbol, GapReason::Disconnect, sink);
                }
            }
            Control::Stale(symbol) => {
                let book = &mut self.books[symbol.index()];
                if book.state == BookState::Live {
                    book.state = BookState::Stale;
                    if let Some(at) = book.good_until {
                        self.emit(sink, *symbol, at, MarketKind::Status(SymbolStatus::Stale));
                    }
                }
            }
            Control::Resync(symbol, reason) => self.void(*symbol, *reason, sink),
            Control::Pressure(level) => self.pressure = *level,
            Control::Flush(symbol) => self.flush(*symbol, rx, sink),
            Control::Wall { at } => {
                self.venue.set_wall(*at, rx);
                if !self.is_timed {
                    self.tell_untold(rx, sink);
                }
            }
            Control::History(symbol, closed) => {
                self.emit(sink, *symbol, closed.1.open_at, MarketKind::History(*closed));
            }
        }
    }
}
