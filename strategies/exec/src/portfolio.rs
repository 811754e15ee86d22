//! One strategy's account: cash in the numeraire, one net position per symbol, nothing shared.
//!
//! Cash changes only by realised profit, fees and margin interest, each rounded once when it is booked
//! and never again, so that at every moment, to the last bit:
//!
//! `equity = baseline + realized - fees - interest + unrealized`
//!
//! Starting assets are held apart: they are never traded, their value at the first mark is part of the
//! baseline and its change part of `unrealized`.

use paperwire_core::account::{AccountState, Liquidity, Position, PositionSide};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::limits::VALUE_MAX;
use paperwire_core::num::{Money, Notional, Qty};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use crate::fee::Volume30d;
use crate::margin::{ROLLOVER_HOURS, Standing};
use crate::performance::Performance;
use crate::report::{AccountRow, PositionRow};

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
    /// Took or was taken from.
    pub liquidity: Liquidity,
    /// Whether it counts for the tiers of the fee schedule.
    pub counts_as_volume: bool,
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
    /// Net profit of the whole trade, from flat to flat, when this ended it.
    pub trade_net: Option<Money>,
    /// True when it made a position smaller.
    pub is_exit: bool,
}

/// What the account knows of one symbol besides the position.
#[derive(Clone, Copy, Debug, Default)]
struct SymbolBook {
    /// Gross profit of the position at its last mark.
    unrealized: Money,
    /// Value of the position without sign at its last mark.
    value: Money,
    realized: Money,
    fees: Money,
    /// Net profit so far of the trade that is open.
    trade_net: Money,
    fills: u64,
    wins: u64,
    losses: u64,
    /// The last mark could not be taken: no live book or no price of the quote currency.
    is_unpriced: bool,
    /// Changed since its row was last reported.
    is_changed: bool,
}

/// A starting asset.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// The symbol whose mid prices it.
    pub priced_by: SymbolId,
    /// Amount held.
    pub amount: Money,
}

/// What an account starts with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Cash.
    pub capital: Money,
    /// Assets, one per pricing symbol.
    pub spots: Vec<Spot>,
    /// Value traded in the 30 days before the start.
    pub volume_30d: Money,
}

/// The account.
#[derive(Clone, Debug)]
pub struct Portfolio {
    opening: Opening,
    positions: Vec<Position>,
    books: Vec<SymbolBook>,
    /// Value of each starting asset at its last mark; `None` before the first.
    spot_values: Vec<Option<Money>>,
    row: AccountRow,
    volume: Volume30d,
    /// Its total when something was last added or the clock last looked at.
    volume_now: Money,
    /// Bit = symbol with an open position.
    open: SymbolSet,
    /// Next symbol whose row is looked at.
    next_row: usize,
}

impl Portfolio {
    /// An account with room for `symbols` positions.
    pub fn new(opening: Opening, symbols: usize) -> Self {
        assert!(opening.capital > 0, "configuration asks for positive capital");
        let volume = Volume30d::new(opening.volume_30d);
        Self {
            positions: vec![Position::default(); symbols],
            books: vec![SymbolBook::default(); symbols],
            spot_values: vec![None; opening.spots.len()],
            row: AccountRow::new(opening.capital),
            volume_now: opening.volume_30d,
            opening,
            volume,
            open: SymbolSet::EMPTY,
            next_row: 0,
        }
    }

    /// Starts again from the opening; takes no memory.
    pub fn reset(&mut self) {
        self.positions.fill(Position::default());
        self.books.fill(SymbolBook { is_changed: true, ..SymbolBook::default() });
        self.spot_values.fill(None);
        self.volume = Volume30d::new(self.opening.volume_30d);
        self.volume_now = self.opening.volume_30d;
        self.open.clear();
        self.row = AccountRow::new(self.opening.capital);
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

    /// One position.
    pub fn position(&self, symbol: SymbolId) -> &Position {
        &self.positions[symbol.index()]
    }

    /// One position, to set what closes it.
    pub fn position_mut(&mut self, symbol: SymbolId) -> &mut Position {
        self.books[symbol.index()].is_changed = true;
        &mut self.positions[symbol.index()]
    }

    /// The exchange's clock was set: positions are as old as before.
    pub fn follow_clock(&mut self, by: ClockStep) {
        for position in self.positions.iter_mut().filter(|position| position.lots != 0) {
            position.entered_at = position.entered_at.map(|at| at.stepped(by));
            position.rollover_at = position.rollover_at.map(|at| at.stepped(by));
            position.hold_until = position.hold_until.map(|at| at.stepped(by));
        }
        self.row.performance.follow_clock(by);
    }

    /// Symbols with an open position.
    pub const fn open(&self) -> SymbolSet {
        self.open
    }

    /// Symbols that price starting assets.
    pub fn spot_symbols(&self) -> SymbolSet {
        self.opening.spots.iter().map(|spot| spot.priced_by).collect()
    }

    /// Value of the position in `symbol` at its last mark, without sign.
    pub fn value(&self, symbol: SymbolId) -> Money {
        self.books[symbol.index()].value
    }

    /// Value traded within the last 30 days, as of the last execution or [`Self::roll`].
    pub const fn volume_30d(&self) -> Money {
        self.volume_now
    }

    /// Lets days pass for the traded value.
    pub fn roll(&mut self, at: ExchNs) {
        self.volume_now = self.volume.total(at);
    }

    /// What the margin rules look at.
    pub const fn standing(&self) -> Standing {
        Standing {
            equity: self.row.equity,
            baseline: self.row.baseline,
            long: self.row.long,
            short: self.row.short,
        }
    }

    /// True when nothing is held any more and nothing is left.
    pub fn is_ruined(&self) -> bool {
        self.open.is_empty() && self.row.equity <= 0
    }

    /// True once every starting asset has had a price, so that the baseline is known.
    pub fn is_based(&self) -> bool {
        self.spot_values.iter().all(Option::is_some)
    }

    /// Books an execution.
    ///
    /// # Panics
    /// When it would turn a position around; the venue closes first, then opens.
    pub fn book(&mut self, execution: &Execution) -> Booked {
        assert!(execution.qty.raw() > 0, "an execution has a quantity");
        assert!(execution.value > 0, "an execution has a value");
        assert!(execution.fee >= 0, "no fee of the schedule is a rebate");
        let position = &mut self.positions[execution.symbol.index()];
        let book = &mut self.books[execution.symbol.index()];
        let (lots, value) = match execution.side {
            OrderSide::Buy => (execution.qty.raw(), execution.value),
            OrderSide::Sell => (-execution.qty.raw(), -execution.value),
        };
        let is_exit = position.lots != 0 && (position.lots > 0) != (lots > 0);
        let traded = execution.value * execution.quote_rate;
        book.is_changed = true;
        book.fees += execution.fee;
        book.fills += 1;
        if execution.counts_as_volume {
            self.volume.add(execution.at, traded);
            self.volume_now = self.volume.total(execution.at);
        }
        self.row.performance.on_turnover(traded);
        self.row.fills += 1;
        self.row.maker_fills += u64::from(execution.liquidity == Liquidity::Maker);
        self.row.fees += execution.fee;
        self.row.cash -= execution.fee;
        if !is_exit {
            if position.lots == 0 {
                let rollover_at = execution.at.plus(DurationNs::from_secs(ROLLOVER_HOURS * 3600));
                *position = Position {
                    entered_at: Some(execution.at),
                    rollover_at: Some(rollover_at),
                    ..Position::default()
                };
                position.tag = execution.tag;
                self.open.insert(execution.symbol);
            }
            position.lots += lots;
            position.cost += value;
            position.entry_fee += execution.fee;
            return Booked::default();
        }
        assert!(lots.abs() <= position.lots.abs(), "an exit is at most the position");
        let cost = share(position.cost, lots.abs(), position.lots.abs());
        let entry_fee = share(position.entry_fee, lots.abs(), position.lots.abs());
        let held = position.age(execution.at).expect("what is closed was opened");
        position.lots += lots;
        position.cost -= cost;
        position.entry_fee -= entry_fee;
        // A long sells for `-value` what cost `cost`; a short buys back for `value` what brought
        // `-cost`. In signs both are the same sum.
        let realized = (-value - cost) * execution.quote_rate;
        self.row.realized += realized;
        self.row.cash += realized;
        book.realized += realized;
        let net = realized - execution.fee - entry_fee;
        book.trade_net += net;
        let mut trade_net = None;
        if position.lots == 0 {
            assert!(position.cost == 0, "a closed position has no cost left");
            *position = Position::default();
            self.open.remove(execution.symbol);
            (book.unrealized, book.value) = (Money::ZERO, Money::ZERO);
            let of_trade = std::mem::take(&mut book.trade_net);
            book.wins += u64::from(of_trade > 0);
            book.losses += u64::from(of_trade < 0);
            self.row.performance.on_trade(of_trade, held);
            trade_net = Some(of_trade);
        }
        Booked { realized, net, trade_net, is_exit: true }
    }

    /// Charges margin interest.
    pub fn charge_interest(&mut self, amount: Money) {
        assert!(amount >= 0, "nobody pays interest to a borrower");
        self.row.cash -= amount;
        self.row.interest += amount;
    }

    /// Marks one symbol: `mid_doubled` is twice the mid price in price units.
    pub fn mark(&mut self, symbol: SymbolId, of: &Instrument, mid_doubled: i64, quote_rate: Money) {
        let position = &self.positions[symbol.index()];
        let Some((unrealized, value)) = marked(position, of, mid_doubled, quote_rate) else {
            return self.unprice(symbol);
        };
        let book = &mut self.books[symbol.index()];
        (book.unrealized, book.value) = (unrealized, value);
        book.is_changed = true;
        book.is_unpriced = false;
    }

    /// Remembers that a symbol with a position has no price; the last mark stands.
    pub fn unprice(&mut self, symbol: SymbolId) {
        let book = &mut self.books[symbol.index()];
        book.is_changed |= !book.is_unpriced;
        book.is_unpriced = true;
    }

    /// Marks the starting assets that `symbol` prices; the first prices of all fix the baseline.
    pub fn mark_spot(&mut self, symbol: SymbolId, price: Money) {
        let was_based = self.is_based();
        for (spot, value) in self.opening.spots.iter().zip(&mut self.spot_values) {
            if spot.priced_by == symbol {
                // More than is counted is no price: the last one stands.
                *value = counted(spot.amount.checked_mul(price)).or(*value);
            }
        }
        if !was_based && self.is_based() {
            let spot = self.spot_value();
            self.row.spot_start = spot;
            self.row.baseline = self.opening.capital + spot;
            self.row.performance = Performance::new(self.row.baseline);
        }
    }

    fn spot_value(&self) -> Money {
        self.spot_values.iter().flatten().copied().sum()
    }

    /// Sums the marks into equity, and follows the drawdown.
    pub fn remark(&mut self, at: ExchNs) {
        let is_based = self.is_based();
        self.row.spot = if is_based { self.spot_value() } else { Money::ZERO };
        let mut unrealized = self.row.spot - self.row.spot_start;
        (self.row.long, self.row.short) = (Money::ZERO, Money::ZERO);
        for symbol in self.open {
            let book = &self.books[symbol.index()];
            unrealized += book.unrealized;
            if self.positions[symbol.index()].lots > 0 {
                self.row.long += book.value;
            } else {
                self.row.short += book.value;
            }
        }
        self.row.unrealized = unrealized;
        self.row.equity = self.row.cash + self.row.spot_start + unrealized;
        self.row.open_positions = u16::try_from(self.open.len()).expect("at most 64 symbols");
        self.row.performance.on_mark(at, self.row.equity);
        debug_assert!(self.identity_holds(), "the equity identity holds to the last bit");
    }

    /// The identity of the module's description.
    pub fn identity_holds(&self) -> bool {
        let row = &self.row;
        row.equity == row.baseline + row.realized - row.fees - row.interest + row.unrealized
    }

    /// Sets whether entries are taken.
    pub const fn set_state(&mut self, state: AccountState) {
        self.row.state = state;
    }

    /// Gives at most `rows_max` rows of symbols that changed since their last one, going round.
    pub fn changed_rows(&mut self, rows_max: usize, mut each: impl FnMut(SymbolId, PositionRow)) {
        let mut rows = 0;
        for _ in 0..self.books.len() {
            let index = self.next_row;
            self.next_row = (self.next_row + 1) % self.books.len();
            let book = &mut self.books[index];
            if !book.is_changed {
                continue;
            }
            book.is_changed = false;
            let symbol = SymbolId(u16::try_from(index).expect("at most SYMBOLS_MAX symbols"));
            each(symbol, self.position_row(symbol));
            rows += 1;
            if rows == rows_max {
                break;
            }
        }
    }

    fn position_row(&self, symbol: SymbolId) -> PositionRow {
        let book = &self.books[symbol.index()];
        PositionRow {
            position: self.positions[symbol.index()],
            value: book.value,
            unrealized: book.unrealized,
            realized: book.realized,
            fees: book.fees,
            fills: book.fills,
            wins: book.wins,
            losses: book.losses,
            liquidation_px: None,
            is_unpriced: book.is_unpriced,
        }
    }

    /// The direction of the position in `symbol`, if any.
    pub fn side(&self, symbol: SymbolId) -> Option<PositionSide> {
        self.positions[symbol.index()].side()
    }

    /// Sum over all symbols of what was realised and paid there, for checks.
    pub fn symbol_sums(&self) -> (Money, Money) {
        self.books.iter().fold((Money::ZERO, Money::ZERO), |(realized, fees), book| {
            (realized + book.realized, fees + book.fees)
        })
    }
}

/// Gross profit and value without sign of a position at a mid price; `None` when that is more than is
/// counted.
fn marked(
    position: &Position,
    of: &Instrument,
    mid_doubled: i64,
    quote_rate: Money,
) -> Option<(Money, Money)> {
    let doubled = i128::from(position.lots) * i128::from(mid_doubled);
    let value = of.try_money(Notional::new(doubled))? / 2;
    let unrealized = value.checked_sub(position.cost)?.checked_mul(quote_rate);
    let value = counted(value.checked_mul(quote_rate))?;
    Some((counted(unrealized)?, value.abs()))
}

/// An amount in the numeraire, unless it is more than is counted.
pub fn counted(amount: Option<Money>) -> Option<Money> {
    amount.filter(|amount| *amount <= VALUE_MAX && *amount >= -VALUE_MAX)
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
