//! One strategy's account: cash in the numeraire, one net position per symbol, nothing shared.
//!
//! Cash changes only by realised profit and fees, each rounded once when it is booked and never again, so
//! that at every moment, to the last bit:
//!
//! `equity = baseline + realized - fees + unrealized`

use paperwire_core::account::{Position, PositionSide};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{Money, Notional, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use crate::report::AccountRow;

/// An execution to be booked.
#[derive(Clone, Copy, Debug)]
pub struct Execution {
    /// In what.
    pub symbol: SymbolId,
    /// Direction.
    pub side: OrderSide,
    /// Quantity; positive.
    pub qty: Qty,
    /// Price times quantity, in the quote currency.
    pub value: Money,
    /// Value of one unit of the quote currency in the numeraire.
    pub quote_rate: Money,
    /// Fee, in the numeraire.
    pub fee: Money,
    /// When.
    pub at: ExchNs,
    /// Tag of the signal.
    pub tag: u32,
}

/// What booking an execution did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Booked {
    /// Profit realised before fees, in the numeraire.
    pub realized: Money,
    /// The same less all fees of what was closed; zero for an entry.
    pub net: Money,
}

/// The account.
#[derive(Clone, Debug)]
pub struct Portfolio {
    positions: Vec<Position>,
    /// Unrealised gross profit per symbol at its last mark.
    marks: Vec<Money>,
    row: AccountRow,
    peak: Money,
    /// Bit = symbol with an open position.
    open: u64,
}

impl Portfolio {
    /// An account of `capital` with room for `symbols` positions.
    pub fn new(capital: Money, symbols: usize) -> Self {
        assert!(capital > 0, "configuration asks for positive capital");
        let row = AccountRow {
            baseline: capital,
            cash: capital,
            equity: capital,
            ..AccountRow::default()
        };
        let positions = vec![Position::default(); symbols];
        Self { positions, marks: vec![Money::ZERO; symbols], row, peak: capital, open: 0 }
    }

    /// Its figures at the last mark.
    pub const fn row(&self) -> &AccountRow {
        &self.row
    }

    /// Its figures, for the counters that the engine keeps there.
    pub const fn row_mut(&mut self) -> &mut AccountRow {
        &mut self.row
    }

    /// Positions by symbol index.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// One position, to set its protection.
    pub fn position_mut(&mut self, symbol: SymbolId) -> &mut Position {
        &mut self.positions[symbol.index()]
    }

    /// Bits of the symbols with an open position.
    pub const fn open(&self) -> u64 {
        self.open
    }

    /// Books an execution.
    ///
    /// # Panics
    /// When it would turn a position around; the venue closes first, then opens.
    pub fn book(&mut self, execution: &Execution) -> Booked {
        assert!(execution.qty.raw() > 0, "an execution has a quantity");
        assert!(execution.value > 0, "an execution has a value");
        assert!(execution.fee >= 0, "a taker pays");
        let position = &mut self.positions[execution.symbol.index()];
        let lots = match execution.side {
            OrderSide::Buy => execution.qty.raw(),
            OrderSide::Sell => -execution.qty.raw(),
        };
        let value = match execution.side {
            OrderSide::Buy => execution.value,
            OrderSide::Sell => -execution.value,
        };
        let is_exit = position.lots != 0 && (position.lots > 0) != (lots > 0);
        self.row.fills += 1;
        self.row.fees += execution.fee;
        self.row.cash -= execution.fee;
        if !is_exit {
            if position.lots == 0 {
                *position = Position { entered_at: execution.at, ..Position::default() };
                position.tag = execution.tag;
                self.open |= 1 << execution.symbol.0;
            }
            position.lots += lots;
            position.cost += value;
            position.entry_fee += execution.fee;
            return Booked::default();
        }
        assert!(lots.abs() <= position.lots.abs(), "an exit is at most the position");
        let cost = share(position.cost, lots.abs(), position.lots.abs());
        let entry_fee = share(position.entry_fee, lots.abs(), position.lots.abs());
        position.lots += lots;
        position.cost -= cost;
        position.entry_fee -= entry_fee;
        // A long sells for `-value` what cost `cost`; a short buys back for `value` what brought
        // `-cost`. In signs both are the same sum.
        let realized = (-value - cost) * execution.quote_rate;
        self.row.realized += realized;
        self.row.cash += realized;
        if position.lots == 0 {
            assert!(position.cost == 0, "a closed position has no cost left");
            *position = Position::default();
            self.open &= !(1 << execution.symbol.0);
            self.marks[execution.symbol.index()] = Money::ZERO;
        }
        let net = realized - execution.fee - entry_fee;
        self.count_trade(net);
        Booked { realized, net }
    }

    fn count_trade(&mut self, net: Money) {
        self.row.closed_trades += 1;
        if net > 0 {
            self.row.wins += 1;
            self.row.gross_profit += net;
        } else if net < 0 {
            self.row.losses += 1;
            self.row.gross_loss -= net;
        }
    }

    /// Marks one symbol: `mid_doubled` is twice the mid price in price units.
    pub fn mark(&mut self, symbol: SymbolId, of: &Instrument, mid_doubled: i64, quote_rate: Money) {
        let position = &self.positions[symbol.index()];
        let doubled = i128::from(position.lots) * i128::from(mid_doubled);
        let value = of.money(Notional::new(doubled)) / 2;
        self.marks[symbol.index()] = (value - position.cost) * quote_rate;
    }

    /// Sums the marks into equity, and follows the drawdown. `exposure` is the marked value of all
    /// positions without sign.
    pub fn remark(&mut self, exposure: Money) {
        self.row.unrealized = self.marks.iter().copied().sum();
        self.row.equity = self.row.cash + self.row.unrealized;
        self.row.exposure = exposure;
        self.row.open_positions =
            u16::try_from(self.open.count_ones()).expect("at most 64 symbols");
        self.peak = self.peak.max(self.row.equity);
        let fall = (self.peak - self.row.equity) / self.peak;
        self.row.drawdown_max = self.row.drawdown_max.max(fall);
        debug_assert!(
            self.row.equity
                == self.row.baseline + self.row.realized - self.row.fees + self.row.unrealized,
            "the equity identity holds to the last bit"
        );
    }

    /// The direction of the position in `symbol`, if any.
    pub fn side(&self, symbol: SymbolId) -> Option<PositionSide> {
        self.positions[symbol.index()].side()
    }
}

/// `amount * part / whole` for `0 < part <= whole`, rounded toward zero at the last bit; the whole of
/// it when `part == whole`.
fn share(amount: Money, part: i64, whole: i64) -> Money {
    assert!(part > 0, "a share is positive");
    assert!(part <= whole, "a share is at most the whole");
    let (part, whole) = (i128::from(part), i128::from(whole));
    let bits = amount.to_bits();
    // Both products stay below the amount itself or below 2^126.
    Money::from_bits(bits / whole * part + bits % whole * part / whole)
}

#[cfg(test)]
mod tests;
