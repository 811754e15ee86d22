//! How well an account did: returns by the minute, drawdown by the mark, and its closed trades.
//!
//! Fed by the engine with marks, trades and turnover, each in constant time; a `Copy` value of
//! fixed size, so that it travels to the bridge as it is. Time comes in as exchange time. Every
//! figure that may have no answer is an `Option`: no ratio here is ever infinite or not a number.

mod drawdown;
mod returns;

use paperwire_core::num::Money;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs};

use drawdown::Drawdown;
use returns::Returns;

pub use returns::MINUTES_PER_YEAR;

const MINUTE_NS: i64 = 60_000_000_000;

/// Figures of one account since it began or was reset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Performance {
    /// Minute of exchange time that the last mark fell into; `None` before the first mark, with
    /// which the grid of minutes begins.
    minute: Option<i64>,
    /// Equity at the end of the minute before; the baseline in the first one.
    opened: Money,
    /// Equity at the last mark.
    equity: Money,
    returns: Returns,
    drawdown: Drawdown,
    trades: Trades,
    turnover: Money,
}

/// Counts and sums of what was closed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Trades {
    wins: u64,
    losses: u64,
    scratches: u64,
    gross_profit: Money,
    /// Not negative.
    gross_loss: Money,
    /// Wide: a million trades of a day each overflow 64 bits.
    held_ns: u128,
}

impl Performance {
    /// An account of `baseline` before its first mark.
    ///
    /// # Panics
    /// When the baseline is not positive: no return can be measured against it.
    pub fn new(baseline: Money) -> Self {
        assert!(baseline > 0, "an account begins with positive equity");
        Self {
            minute: None,
            opened: baseline,
            equity: baseline,
            returns: Returns::default(),
            drawdown: Drawdown::new(baseline),
            trades: Trades::default(),
            turnover: Money::ZERO,
        }
    }

    /// Forgets everything and begins again.
    ///
    /// # Panics
    /// When the baseline is not positive.
    pub fn reset(&mut self, baseline: Money) {
        *self = Self::new(baseline);
    }

    /// Notes the account's equity. The first mark begins the first minute, which opened at the
    /// baseline. A mark that is stamped before the last one counts at the last
    /// one's time: symbols are not in step with each other.
    pub fn on_mark(&mut self, at: ExchNs, equity: Money) {
        let minute = minute_of(at);
        match self.minute {
            None => self.minute = Some(minute),
            Some(last) if minute > last => self.close_minutes(last, minute),
            Some(_) => {}
        }
        self.equity = equity;
        self.drawdown.mark(at, equity);
    }

    /// The exchange's clock was set: minutes go on from where they were, and none of those between counts.
    pub fn follow_clock(&mut self, by: ClockStep) {
        let start = |minute: i64| ExchNs::new(minute.saturating_mul(MINUTE_NS));
        self.minute = self.minute.map(|minute| minute_of(start(minute).stepped(by)));
        self.drawdown.follow_clock(by);
    }

    /// Closes the minute of the last mark and the silent ones after it, which carried its equity,
    /// up to `minute`. Constant time, however many they are.
    fn close_minutes(&mut self, last: i64, minute: i64) {
        // Below zero a ratio of equities says nothing, so such minutes have no return at all.
        if self.opened > 0 {
            self.returns.add(float(self.equity - self.opened) / float(self.opened));
        }
        if self.equity > 0 {
            self.returns.add_zeros((minute - last - 1).unsigned_abs());
        }
        self.opened = self.equity;
        self.minute = Some(minute);
    }

    /// Notes a closed trade: its profit after fees, and how long it was held.
    pub fn on_trade(&mut self, net: Money, held: DurationNs) {
        let trades = &mut self.trades;
        if net > 0 {
            trades.wins += 1;
            trades.gross_profit += net;
        } else if net < 0 {
            trades.losses += 1;
            trades.gross_loss -= net;
        } else {
            trades.scratches += 1;
        }
        trades.held_ns += u128::from(held.raw());
    }

    /// Notes the value of an execution, entry or exit.
    ///
    /// # Panics
    /// When `value` is negative.
    pub fn on_turnover(&mut self, value: Money) {
        assert!(value >= 0, "a traded value has no sign");
        self.turnover += value;
    }

    /// Begin of the minute of the last mark, and the equity that it opened with; `None` before the
    /// first mark.
    pub fn minute(&self) -> Option<(ExchNs, Money)> {
        self.minute.map(|minute| (ExchNs::new(minute * MINUTE_NS), self.opened))
    }

    /// Returns of complete minutes so far, silent ones included.
    pub const fn return_count(&self) -> u64 {
        self.returns.count()
    }

    /// Sharpe ratio of the complete minutes: mean return over its sample deviation, times the
    /// square root of [`MINUTES_PER_YEAR`], with a risk-free rate of 0. `None` with fewer than two
    /// returns or without deviation.
    pub fn sharpe(&self) -> Option<f64> {
        self.returns.sharpe()
    }

    /// Sortino ratio of the complete minutes: as Sharpe, over the root mean square of the returns
    /// below zero (the others count as zero). `None` with fewer than two returns or without a loss.
    pub fn sortino(&self) -> Option<f64> {
        self.returns.sortino()
    }

    /// Deepest fall of equity from the peak before it, as a fraction of that peak; above 1 when
    /// equity fell below zero. The peak begins at the baseline.
    pub const fn drawdown_max(&self) -> Money {
        self.drawdown.max()
    }

    /// Fall of equity from its peak at the last mark, as a fraction of the peak.
    pub fn drawdown_now(&self) -> Money {
        self.drawdown.now(self.equity)
    }

    /// Longest time below a peak: from the first mark below it to the mark that regained it, or to
    /// the last mark.
    pub const fn drawdown_longest(&self) -> DurationNs {
        self.drawdown.longest()
    }

    /// Closed trades with a net profit.
    pub const fn wins(&self) -> u64 {
        self.trades.wins
    }

    /// Closed trades with a net loss.
    pub const fn losses(&self) -> u64 {
        self.trades.losses
    }

    /// Closed trades whose net is exactly zero; they are neither won nor lost.
    pub const fn scratches(&self) -> u64 {
        self.trades.scratches
    }

    /// All closed trades.
    pub const fn closed_trades(&self) -> u64 {
        self.trades.wins + self.trades.losses + self.trades.scratches
    }

    /// Wins as a fraction of wins and losses; `None` without either.
    pub fn win_rate(&self) -> Option<f64> {
        let decided = self.trades.wins + self.trades.losses;
        (decided > 0).then(|| returns::count_f64(self.trades.wins) / returns::count_f64(decided))
    }

    /// Sum of net profits.
    pub const fn gross_profit(&self) -> Money {
        self.trades.gross_profit
    }

    /// Sum of net losses, not negative.
    pub const fn gross_loss(&self) -> Money {
        self.trades.gross_loss
    }

    /// Gross profit over gross loss; `None` without a loss, where any number would be a boast.
    pub fn profit_factor(&self) -> Option<f64> {
        let Trades { gross_profit, gross_loss, .. } = self.trades;
        (gross_loss > 0).then(|| float(gross_profit) / float(gross_loss))
    }

    /// Average net of a closed trade, scratches included, rounded toward zero at the last bit.
    pub fn expectancy(&self) -> Option<Money> {
        let net = self.trades.gross_profit - self.trades.gross_loss;
        let count = self.closed_trades();
        (count > 0).then(|| net / i128::from(count))
    }

    /// Average time that a closed trade was held, rounded down.
    pub fn average_hold(&self) -> Option<DurationNs> {
        let mean_ns = self.trades.held_ns.checked_div(u128::from(self.closed_trades()))?;
        Some(DurationNs::new(u64::try_from(mean_ns).expect("an average of 64-bit numbers")))
    }

    /// Value of all executions.
    pub const fn turnover(&self) -> Money {
        self.turnover
    }
}

const fn minute_of(at: ExchNs) -> i64 {
    at.raw().div_euclid(MINUTE_NS)
}

/// The nearest float: ratios are shown, money is never computed from them.
fn float(amount: Money) -> f64 {
    amount.to_num()
}

#[cfg(test)]
mod tests;
