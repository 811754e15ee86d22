//! What borrowing costs, and margin calls: a call comes before everything that closes a position.

use paperwire_core::account::{PositionSide, Trigger};
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::SYMBOLS_MAX;
use paperwire_core::num::Money;
use paperwire_core::order::OrderEnd;
use paperwire_core::strategy::Reason;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::DurationNs;

use crate::margin::{Liquidation, MarginRules, ROLLOVER_HOURS};

use super::{Env, Happening, World};

impl World {
    pub(super) fn charge_rollover(&mut self, symbol: SymbolId, env: &mut Env<'_>) {
        let position = *self.account.position(symbol);
        let Some(due_at) = position.rollover_at else {
            return;
        };
        if env.rules.margin.rollover_fee <= 0 || env.at < due_at {
            return;
        }
        const PERIOD: DurationNs = DurationNs::from_secs(ROLLOVER_HOURS * 3600);
        let late = env.at.since(due_at);
        let periods = 1 + late.raw() / PERIOD.raw();
        let share = match position.side() {
            Some(PositionSide::Long) => MarginRules::borrowed_share(&self.account.standing()),
            _ => Money::ONE,
        };
        let borrowed = self.account.value(symbol) * share;
        let interest = borrowed * env.rules.margin.rollover_fee * Money::from_num(periods);
        self.account.charge_interest(interest);
        env.out.push(Happening::Interest(symbol, interest));
        let next = due_at.plus(DurationNs::new(periods * PERIOD.raw()));
        self.account.position_mut(symbol).rollover_at = Some(next);
    }

    /// Closes positions while equity does not cover the maintenance margin.
    pub(super) fn check_margin(&mut self, env: &mut Env<'_>) {
        if !env.rules.margin.is_called(&self.account.standing()) {
            self.is_called = false;
            return;
        }
        if !std::mem::replace(&mut self.is_called, true) {
            self.account.row_mut().margin_calls += 1;
            self.cancel_where(|_, _| true, OrderEnd::MarginCall, env);
        }
        let mut tried = SymbolSet::EMPTY;
        for _ in 0..SYMBOLS_MAX {
            let left = self.account.open() - tried;
            let Some(symbol) = left.iter().max_by_key(|symbol| self.account.value(*symbol)) else {
                break;
            };
            tried.insert(symbol);
            let reason = Reason::new("margin_call")
                .with("equity", self.account.row().equity.to_num())
                .with("exposure", self.account.row().exposure().to_num());
            self.close(symbol, Trigger::MarginCall, reason, env.rules.margin.liquidation_fee, env);
            let is_cured = !env.rules.margin.is_called(&self.account.standing());
            if is_cured && env.rules.margin.liquidation == Liquidation::Progressive {
                break;
            }
        }
    }
}
