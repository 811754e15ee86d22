//! Two replays of one tape held against each other: which fills changed, and what that brought. Pure.
//!
//! The market is the same in both, so the difference of the two equities moves only by fills that only one of
//! them has. What it moves from one such fill to the next is that fill's effect; the effects sum to the
//! difference at the end, and their spread gives its interval.

use std::collections::HashMap;

use paperwire_core::num::Money;
use paperwire_exec::report::{Report, ReportKind};
use paperwire_lab::estimate::{Estimate, Interval};
use paperwire_lab::number::float;

/// Changed fills below which no effect can be told.
pub const CHANGED_MIN: usize = 30;
/// Error rate of an interval.
const ERROR: f64 = 0.05;

/// A fill as an account feels it: whose instant and ids differ is not another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillKey {
    symbol: u16,
    is_buy: bool,
    qty: i64,
    value: Money,
    fee: Money,
}

/// One strategy's way through a tape.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// Equity at each second of the tape.
    pub equity: Vec<Money>,
    /// Fills, each with the second that it falls into: an index into `equity`.
    pub fills: Vec<(usize, FillKey)>,
}

impl Way {
    /// Absorbs a report of the strategy at this index.
    pub fn absorb(&mut self, index: usize, report: &Report) {
        match &report.kind {
            ReportKind::Account { strategy, row, .. } if strategy.index() == index => {
                self.equity.push(row.equity);
            }
            ReportKind::Fill(fill) if fill.strategy.index() == index => {
                let key = FillKey {
                    symbol: fill.symbol.0,
                    is_buy: fill.side == paperwire_core::trade::OrderSide::Buy,
                    qty: fill.qty.raw(),
                    value: fill.value,
                    fee: fill.fee,
                };
                self.fills.push((self.equity.len(), key));
            }
            _ => {}
        }
    }
}

/// What the change from one way to another brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Fills that only one of them has.
    pub changed: usize,
    /// Difference of the equities at the end.
    pub total: f64,
    /// Where it lies; `None` while too few fills changed to tell.
    pub interval: Option<Interval>,
}

/// Holds a way against the one before the change, which lets fills come up to `slack` seconds later.
///
/// # Panics
/// When the ways are of two tapes: they have as many seconds.
pub fn effect(before: &Way, after: &Way, slack: usize) -> Effect {
    assert_eq!(before.equity.len(), after.equity.len(), "both are ways through one tape");
    let seconds = changed(before, after, slack);
    let difference = |second: usize| {
        let money = after.equity.get(second).zip(before.equity.get(second));
        money.map_or(0.0, |(after, before)| (*after - *before).to_num::<f64>())
    };
    let last = before.equity.len().saturating_sub(1);
    let mut starts = seconds.clone();
    starts.dedup();
    let at_start = |start: &usize| start.checked_sub(1).map_or(0.0, difference);
    let ends = starts.iter().skip(1).map(at_start).chain([difference(last)]);
    let effects: Vec<f64> = starts.iter().map(at_start).zip(ends).map(|(a, b)| b - a).collect();
    let interval = Estimate::of(&effects).filter(|_| effects.len() >= CHANGED_MIN).map(|of| {
        let Interval { low, high } = of.interval(ERROR);
        let count = float(effects.len() as u64);
        Interval { low: low * count, high: high * count }
    });
    Effect { changed: seconds.len(), total: difference(last), interval }
}

/// The seconds of the fills that only one of them has, rising. A fill that comes up to `slack` seconds earlier or
/// later is the same.
fn changed(before: &Way, after: &Way, slack: usize) -> Vec<usize> {
    let mut keys: HashMap<FillKey, [Vec<usize>; 2]> = HashMap::new();
    for (side, way) in [before, after].into_iter().enumerate() {
        for (second, key) in &way.fills {
            keys.entry(*key).or_default()[side].push(*second);
        }
    }
    let mut seconds = Vec::new();
    for [before, after] in keys.into_values() {
        // Those of the same second first, so that one that is missing does not shift all others.
        let (before, after) = unmatched(&before, &after, 0);
        let (before, after) = unmatched(&before, &after, slack);
        seconds.extend(before.into_iter().chain(after));
    }
    seconds.sort_unstable();
    seconds
}

/// What is left of two rising lists when neighbours that differ by at most `slack` are taken out of both.
fn unmatched(before: &[usize], after: &[usize], slack: usize) -> (Vec<usize>, Vec<usize>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let (mut a, mut b) = (before.iter().peekable(), after.iter().peekable());
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (Some(one), Some(other)) if one.abs_diff(*other) <= slack => {
                a.next();
                b.next();
            }
            (Some(one), Some(other)) if one < other => left.extend(a.next()),
            (_, Some(_)) => right.extend(b.next()),
            (Some(_), None) => left.extend(a.next()),
            (None, None) => return (left, right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buy of one lot per second at these prices, and an equity that falls by them.
    fn way(prices: &[f64]) -> Way {
        let mut equity = 100.0;
        let money = Money::from_num::<f64>;
        let mut way = Way::default();
        for (second, price) in prices.iter().enumerate() {
            equity -= price;
            way.equity.push(money(equity));
            let key =
                FillKey { symbol: 0, is_buy: true, qty: 1, value: money(*price), fee: Money::ZERO };
            way.fills.push((second, key));
        }
        way
    }

    #[test]
    fn a_single_changed_fill_is_a_number_and_no_effect() {
        let before = way(&[0.5; 50]);
        let mut prices = [0.5; 50];
        assert_eq!(effect(&before, &way(&prices), 1).changed, 0);
        prices[20] = 0.05;
        // Bought cheaper once: the account has 0.45 more, and nothing follows from it.
        let of = effect(&before, &way(&prices), 1);
        assert_eq!((of.changed, of.interval), (2, None));
        assert!((of.total - 0.45).abs() < 1e-9, "{of:?}");
    }

    #[test]
    fn from_thirty_changed_fills_on_the_effects_give_an_interval_around_their_sum() {
        let before = way(&[0.5; 100]);
        let prices: Vec<f64> = (0..100u32)
            .map(|i| if i < 60 { 0.51 + 0.001 * f64::from(i % 3) } else { 0.5 })
            .collect();
        let of = effect(&before, &way(&prices), 1);
        assert_eq!(of.changed, 120);
        let Interval { low, high } = of.interval.unwrap();
        assert!((of.total + 0.66).abs() < 1e-9, "{of:?}");
        assert!(low < of.total && of.total < high && high < -0.6, "{of:?}");
        let few: Vec<f64> = (0..100u32).map(|i| if i < 29 { 0.51 } else { 0.5 }).collect();
        assert_eq!(effect(&before, &way(&few), 1).interval, None);
    }
}
