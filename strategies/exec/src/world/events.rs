//! What a market event does in a world: marks and margin first, then what closes positions, then
//! triggers and resting orders.

use paperwire_core::instrument::SymbolId;
use paperwire_core::num::Px;
use paperwire_core::time::ExchNs;
use paperwire_core::trade::TradeTick;

use super::{Env, TriggerPrice, World};

impl World {
    /// A live book changed.
    pub fn on_book(&mut self, symbol: SymbolId, env: &mut Env<'_>) {
        if let Some(book) = env.view.symbol(symbol).book() {
            self.consumed.follow(symbol, book);
        }
        self.follow_queues(symbol, env);
        self.watch(symbol, None, env);
        if env.can_fill(symbol) {
            self.reach(symbol, env);
        }
        self.schedule();
    }

    /// A trade was printed.
    pub fn on_trade(&mut self, symbol: SymbolId, trade: &TradeTick, env: &mut Env<'_>) {
        if env.bbo(symbol).is_none() {
            return;
        }
        let is_told = env.rules.trigger_price == TriggerPrice::Executable;
        self.watch(symbol, is_told.then_some((trade.px, trade.at)), env);
        if env.can_fill(symbol) {
            self.hit(symbol, trade, env);
        }
        self.schedule();
    }

    /// A second passed.
    pub fn on_timer(&mut self, env: &mut Env<'_>) {
        self.account.roll(env.at);
        for symbol in self.account.open() | self.account.spot_symbols() {
            self.mark(symbol, env);
            self.charge_rollover(symbol, env);
        }
        self.account.remark(env.at);
        self.check_margin(env);
        for symbol in self.account.open() {
            self.protect(symbol, None, env);
        }
    }

    fn watch(&mut self, symbol: SymbolId, traded: Option<(Px, ExchNs)>, env: &mut Env<'_>) {
        self.mark(symbol, env);
        self.check_margin(env);
        if self.account.open().contains(symbol) {
            self.protect(symbol, traded, env);
        }
        if self.order_symbols.contains(symbol) && env.can_fill(symbol) {
            self.check_triggers(symbol, traded, env);
        }
    }

    /// Marks everything whose value depends on the price of `symbol`.
    pub(super) fn mark(&mut self, symbol: SymbolId, env: &Env<'_>) {
        let touched = env.rules.touches[symbol.index()];
        let spots = self.account.spot_symbols() & touched;
        let held = self.account.open() & touched;
        if (held | spots).is_empty() {
            return;
        }
        for id in held {
            let state = env.view.symbol(id);
            match (state.bbo(), env.view.quote_rate(id)) {
                (Some(bbo), Some(rate)) => {
                    self.account.mark(id, state.instrument(), bbo.mid_doubled(), rate);
                }
                _ => self.account.unprice(id),
            }
        }
        for id in spots {
            if let (Some(mid), Some(rate)) = (env.view.symbol(id).mid(), env.view.quote_rate(id)) {
                self.account.mark_spot(id, mid * rate);
            }
        }
        self.account.remark(env.at);
    }
}
