//! What a failed leg leaves behind: coins held or owed that no other position balances.
//!
//! Read from the positions themselves, over all pairs, so that it holds whatever happened to them: a
//! partial fill, a command, the end of an earlier basket.

use paperwire_core::account::AccountView;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::num::Qty;
use paperwire_core::strategy::{Action, Reason, Signal, Signals, Size};
use paperwire_core::time::DurationNs;
use paperwire_signals::exposure::unit_value;

use super::basket::is_taken;
use super::params::Shortfall;
use super::trio::Trio;
use super::{TAG_UNWIND, TriangularArb};
use crate::exit::RETRY;

/// Fiat pair of an asset, for what is left of it.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    /// The pair that trades it for money.
    pub(super) pair: SymbolId,
    /// Pairs whose base it is besides, and pairs that are paid in it.
    based: Vec<SymbolId>,
    quoted: Vec<SymbolId>,
}

impl Asset {
    /// Every asset of some trios, each once.
    pub(super) fn of(trios: &[Trio]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut place = |pair: SymbolId, cross: SymbolId, is_base: bool| {
            let at = all.iter().position(|asset| asset.pair == pair).unwrap_or(all.len());
            if at == all.len() {
                all.push(Self { pair, based: Vec::new(), quoted: Vec::new() });
            }
            let list = if is_base { &mut all[at].based } else { &mut all[at].quoted };
            if !list.contains(&cross) {
                list.push(cross);
            }
        };
        for trio in trios {
            place(trio.alt, trio.cross, true);
            place(trio.coin, trio.cross, false);
        }
        all
    }

    /// Coins held over all pairs, negative when owed: a long of the cross pair owns the alt and owes
    /// what it cost in coin.
    pub(super) fn held(&self, account: &AccountView<'_>, instruments: &[Instrument]) -> f64 {
        let coins = |id: SymbolId| {
            let lots = account.position(id).lots;
            let coins = instruments[id.index()].qty_f64(Qty::new(lots.saturating_abs()));
            if lots < 0 { -coins } else { coins }
        };
        let based: f64 = self.based.iter().map(|id| coins(*id)).sum();
        let owed = |id: &SymbolId| account.position(*id).cost.to_num::<f64>();
        coins(self.pair) + based - self.quoted.iter().map(owed).sum::<f64>()
    }
}

impl TriangularArb {
    /// Sells coins left behind and buys back what is owed; true while any are.
    pub(super) fn unwind(
        &mut self,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        if account.positions.iter().all(|position| position.lots == 0) {
            return false;
        }
        let mut is_left = false;
        for at in 0..self.assets.len() {
            let asset = &self.assets[at];
            let pair = asset.pair;
            let held = asset.held(account, &self.instruments);
            let (Some(unit), Some(bbo)) = (unit_value(market, pair), market.symbol(pair).bbo())
            else {
                // A basket does not end before one can tell what is left of it.
                is_left |= self.basket.is_some();
                continue;
            };
            let of = &self.instruments[pair.index()];
            let qty = of.floor_to_lot(of.qty_from_f64(held.abs()).unwrap_or(Qty::ZERO));
            if held.abs() * unit <= self.params.dust_usd || !is_taken(of, qty, bbo.bid.px) {
                continue;
            }
            is_left = true;
            let is_waiting = account.has_orders(pair) || self.now < self.unwind_retry_at;
            let age = self.basket.as_ref().map(|basket| self.now.since(basket.began));
            let is_late =
                age.is_none_or(|age| age >= DurationNs::from_millis(self.params.residual_max_ms));
            let is_held = self.params.shortfall == Shortfall::Hold && !is_late;
            if is_waiting || is_held {
                continue;
            }
            let code = if is_late { "time_exit" } else { "unwind" };
            let reason = Reason::new(code).with("coins", held).with("usd", held * unit);
            if self.is_unwind_refused {
                return self.close_all(reason, account, out);
            }
            let action = unwinding(held, account.position(pair).lots, qty);
            out.push(Signal::new(pair, action, Size::Base(qty), reason).tag(TAG_UNWIND));
        }
        if !out.as_slice().is_empty() {
            self.unwind_retry_at = self.now.plus(RETRY);
        }
        is_left
    }

    /// Closes every position: what an account may always do, also when it is halted.
    fn close_all(&mut self, reason: Reason, account: &AccountView<'_>, out: &mut Signals) -> bool {
        for trio in &self.trios {
            for symbol in trio.symbols() {
                let is_sent = out.as_slice().iter().any(|signal| signal.symbol == symbol);
                if account.position(symbol).lots != 0 && !is_sent {
                    out.push(Signal::close(symbol, reason));
                }
            }
        }
        self.is_unwind_refused = false;
        self.unwind_retry_at = self.now.plus(RETRY);
        true
    }
}

/// Sells or buys back on the pair, as an exit where the pair's own position allows it.
fn unwinding(held: f64, lots: i64, qty: Qty) -> Action {
    match (held > 0.0, lots.saturating_abs() >= qty.raw()) {
        (true, true) if lots > 0 => Action::Sell,
        (true, _) => Action::Short,
        (false, true) if lots < 0 => Action::Cover,
        (false, _) => Action::Buy,
    }
}
