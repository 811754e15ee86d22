//! The signs of taking orders: who buys and who sells, with the long memory of real order flow.
//!
//! Large orders are cut into many small ones, so the sign of an order resembles that of orders long before
//! it: the autocorrelation falls as a power of the lag (Lillo and Farmer 2004; Bouchaud, Bonart, Donier,
//! Gould, "Trades, Quotes and Prices", 2018, ch. 10). Here each order repeats, with probability
//! [`REPEAT`], the sign of an earlier one, `k` orders back, with `k` drawn from a power law; else it is
//! fresh. So the chance of a buyer, given all earlier signs, is a weighted sum of them and known
//! exactly: what an order surprises by is the difference. Makers move the price by the surprise alone,
//! which is why a predictable flow does not make a predictable price.

use paperwire_core::random::{Rng, exp, ln};

/// Orders that are remembered.
const MEMORY: usize = 256;
/// How often an order repeats an earlier one.
const REPEAT: f64 = 0.9;
/// Power with which the weight of an earlier order falls.
const DECAY: f64 = 1.3;

/// The recent signs of a pair, and the odds of the next one.
#[derive(Debug)]
pub(crate) struct Flow {
    /// Newest last, as +1 and -1.
    signs: [f64; MEMORY],
    /// Where the next sign goes: the oldest one's place.
    at: usize,
    /// Sum of the weights up to each lag; the last is 1.
    cumulative: Box<[f64; MEMORY]>,
}

/// A taking order before its size is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sign {
    pub(crate) is_buy: bool,
    /// Its sign less what was expected of it: -2 to 2, 0 on average.
    pub(crate) surprise: f64,
}

impl Flow {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut cumulative = Box::new([0.0; MEMORY]);
        let (mut sum, mut lag) = (0.0, 0.0);
        for place in cumulative.iter_mut() {
            lag += 1.0;
            sum += exp(-DECAY * ln(lag));
            *place = sum;
        }
        cumulative.iter_mut().for_each(|place| *place /= sum);
        let mut flow = Self { signs: [1.0; MEMORY], at: 0, cumulative };
        flow.signs.iter_mut().for_each(|sign| *sign = if rng.chance(0.5) { 1.0 } else { -1.0 });
        for _ in 0..4 * MEMORY {
            flow.next(0.5, rng);
        }
        flow
    }

    /// What the next sign is on average, when a fresh order buys with chance `buys`.
    pub(crate) fn expected(&self, buys: f64) -> f64 {
        let mut before = 0.0;
        let mut sum = 0.0;
        for (lag, &up_to) in self.cumulative.iter().enumerate() {
            sum += (up_to - before) * self.back(lag + 1);
            before = up_to;
        }
        REPEAT * sum + (1.0 - REPEAT) * (2.0 * buys - 1.0)
    }

    /// The next order.
    pub(crate) fn next(&mut self, buys: f64, rng: &mut Rng) -> Sign {
        let expected = self.expected(buys);
        let is_buy = if rng.chance(REPEAT) {
            let draw = rng.unit();
            let lag = self.cumulative.partition_point(|up_to| *up_to <= draw) + 1;
            self.back(lag.min(MEMORY)) > 0.0
        } else {
            rng.chance(buys)
        };
        let sign = if is_buy { 1.0 } else { -1.0 };
        self.signs[self.at] = sign;
        self.at = (self.at + 1) % MEMORY;
        Sign { is_buy, surprise: sign - expected }
    }

    /// The sign `lag` orders back, 1 being the newest.
    const fn back(&self, lag: usize) -> f64 {
        self.signs[(self.at + MEMORY - lag) % MEMORY]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_surprises_by_nothing_on_average_whatever_came_before() {
        let mut rng = Rng::new(1);
        let mut flow = Flow::new(&mut rng);
        // Sums by what was expected: in fifths from -1 to 1.
        let mut groups = [(0.0, 0.0); 5];
        for _ in 0..200_000 {
            let expected = flow.expected(0.5);
            let surprise = flow.next(0.5, &mut rng).surprise;
            #[expect(clippy::cast_possible_truncation, reason = "0 to 4")]
            #[expect(clippy::cast_sign_loss, reason = "0 to 4")]
            let group = ((expected + 1.0) * 2.5).clamp(0.0, 4.9) as usize;
            groups[group].0 += surprise;
            groups[group].1 += 1.0;
        }
        for (sum, n) in groups {
            assert!(n > 500.0, "{n}");
            assert!((sum / n).abs() < 4.0 / f64::sqrt(n), "{} of {n}", sum / n);
        }
    }

    #[test]
    fn scripted_buyers_are_as_many_as_the_script_says() {
        let mut rng = Rng::new(2);
        let mut flow = Flow::new(&mut rng);
        let buys = (0..20_000).filter(|_| flow.next(0.8, &mut rng).is_buy).count();
        assert!((15_000..17_000).contains(&buys), "{buys}");
    }
}
