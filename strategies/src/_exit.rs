//! An exit that a strategy wants and the venue has not done yet.

use paperwire_core::account::AccountView;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Reason, Signal, Signals, Skip};
use paperwire_core::time::{DurationNs, ExchNs};

/// Time after which a refused exit is tried again: it is not repeated with every event.
pub(crate) const RETRY: DurationNs = DurationNs::from_secs(1);

/// Why a position must be closed, until it is.
#[derive(Debug, Default)]
pub(crate) struct Exit {
    due: Option<Reason>,
    /// No second signal before this instant.
    retry_at: ExchNs,
}

impl Exit {
    /// The position must be closed, at the next event already.
    pub(crate) fn demand(&mut self, why: Reason) {
        (self.due, self.retry_at) = (Some(why), ExchNs::default());
    }

    /// The signal of an exit that is due.
    pub(crate) fn signal(&self, symbol: SymbolId) -> Option<Signal> {
        self.due.map(|why| Signal::close(symbol, why))
    }

    /// True while the last signal may still be answered.
    pub(crate) fn is_waiting(&self, now: ExchNs) -> bool {
        now < self.retry_at
    }

    /// A signal was sent.
    pub(crate) fn wait(&mut self, now: ExchNs) {
        self.retry_at = now.plus(RETRY);
    }

    /// With every event: closes a position whose exit is due and not on its way. True when it signalled or
    /// must wait for an order.
    pub(crate) fn leave(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        // What is on its way to the venue must not be sent again.
        if account.has_orders(symbol) {
            out.skip(Skip::OrderUnderWay);
            return true;
        }
        let is_open = account.position(symbol).side().is_some();
        let Some(signal) = self.signal(symbol).filter(|_| is_open) else {
            return false;
        };
        if market.symbol(symbol).bbo().is_none() || self.is_waiting(market.now()) {
            return false;
        }
        self.wait(market.now());
        out.push(signal);
        true
    }
}
