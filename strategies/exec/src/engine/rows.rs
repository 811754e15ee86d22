//! What is reported each second and at the end.

use paperwire_core::account::PositionSide;
use paperwire_core::market::BookStatus;
use paperwire_core::num::{Money, Px};
use paperwire_core::strategy::Skip;

use crate::report::{BracketRow, MarketRow, PositionRow, ReportKind};

use super::turn::{Io, Turn};
use super::{Engine, strat_id};

/// Position rows of one strategy each second; more take turns.
const ROWS_PER_SECOND: usize = 8;

impl Engine {
    pub(super) fn report_rows(&mut self, is_final: bool, turn: &mut Turn<'_, impl Io>) {
        let rows_max = if is_final { usize::MAX } else { ROWS_PER_SECOND };
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let strategy = strat_id(index);
            let (primary, others) = slot.worlds.split_first_mut().expect("a strategy has a world");
            let open_orders = u16::try_from(primary.orders().len()).expect("orders are bounded");
            primary.account_mut().row_mut().open_orders = open_orders;
            let row = *primary.account().row();
            turn.emit(ReportKind::Account { strategy, row, is_final });
            let standing = primary.account().standing();
            let (view, margin) = (self.market.view(), &self.rules.margin);
            primary.account_mut().changed_rows(rows_max, |symbol, row| {
                let factor = row
                    .position
                    .side()
                    .and_then(|side| margin.liquidation_factor(side, row.value, &standing));
                let mid = view.symbol(symbol).bbo().map(|bbo| bbo.mid_doubled());
                let liquidation_px = factor.zip(mid).and_then(|(f, mid)| liquidation(f, mid, &row));
                let row = PositionRow { liquidation_px, ..row };
                turn.emit(ReportKind::Position { strategy, symbol, row });
            });
            for (model, world) in (0u8..).zip(others) {
                let row = world.account().row();
                let row = BracketRow {
                    equity: row.equity,
                    profit: row.profit(),
                    fees: row.fees,
                    fills: row.fills,
                };
                turn.emit(ReportKind::Bracket { strategy, model, row, is_final });
            }
        }
        self.report_market(turn);
    }

    fn report_market(&self, turn: &mut Turn<'_, impl Io>) {
        for (symbol, state) in self.market.view().symbols() {
            let bbo = state.bbo();
            let row = MarketRow {
                trading: state.instrument().status,
                bid: bbo.map(|bbo| bbo.bid.px),
                ask: bbo.map(|bbo| bbo.ask.px),
                last: state.last(),
                updates: state.updates(),
                trades: state.tape().prints(),
                gaps: state.gaps(),
            };
            debug_assert!(state.status() != BookStatus::Live || state.book().is_some());
            turn.emit(ReportKind::Market { symbol, row });
        }
    }

    pub(super) fn report_skips(&self, turn: &mut Turn<'_, impl Io>) {
        for (index, slot) in self.slots.iter().enumerate() {
            for (why, &count) in Skip::ALL.iter().zip(&slot.skips) {
                if count > 0 {
                    let strategy = strat_id(index);
                    turn.emit(ReportKind::SkipCount { strategy, why: *why, count });
                }
            }
        }
    }
}

/// The liquidation price, rounded to where the call has come; a price beyond any quote is none.
fn liquidation(factor: Money, mid_doubled: i64, row: &PositionRow) -> Option<Px> {
    let px = factor.checked_mul(Money::from_num(mid_doubled))? / 2;
    let px = if row.position.side() == Some(PositionSide::Long) { px.floor() } else { px.ceil() };
    px.checked_to_num::<i64>().filter(|px| *px > 0).map(Px::new)
}
