//! Randomness that is the same everywhere: xoshiro256++ seeded by SplitMix64, and what is made of it.
//!
//! Both generators are by Blackman and Vigna and in the public domain (<https://prng.di.unimi.it/>).
//! Logarithm and exponential are made of additions, multiplications and divisions, which IEEE 754 fixes to
//! the last bit; those of a platform may differ, and with them a market or a replay's digest.

use std::f64::consts::{LN_2, SQRT_2};

/// A stream of pseudo-random numbers; not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The stream of a seed; every seed is good, zero too.
    pub fn new(mut seed: u64) -> Self {
        Self { state: std::array::from_fn(|_| split_mix(&mut seed)) }
    }

    /// A stream of its own for part `index`, so that parts do not disturb each other.
    pub fn fork(&mut self, index: u64) -> Self {
        Self::new(self.next_u64() ^ index.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    pub fn unit(&mut self) -> f64 {
        const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;
        (self.next_u64() >> 11) as f64 * UNIT
    }

    /// Uniform in `[low, high)`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..count`.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "nothing to choose from");
        let wide = u128::from(self.next_u64()) * u128::try_from(count).expect("usize fits");
        usize::try_from(wide >> 64).expect("less than count")
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Exponentially distributed with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(1.0 - self.unit())
    }

    /// Normally distributed with mean 0 and deviation 1, within about +-12.
    ///
    /// Marsaglia's polar form of the Box-Muller transform, which needs no sine. Four tries in five
    /// succeed; the second number of a pair is given up, so that a draw leaves no hidden state.
    pub fn gaussian(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// Log-normal around a median.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.gaussian())
    }
}

/// SplitMix64: spreads a seed over a whole state, which is never zero in all words.
const fn split_mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// e to the `x`, to about one unit in the last place; beyond +-700 that of the bound.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let twos = (x / LN_2).round();
    // |rest| <= ln(2) / 2, where 14 terms of the series reach the last bit.
    let rest = x - twos * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..=14u32 {
        term *= rest / f64::from(n);
        sum += term;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within +-1010")]
    let twos = twos as i64;
    let exponent = u64::try_from(twos + 1023).expect("within +-1010 the exponent is normal");
    sum * f64::from_bits(exponent << 52)
}

/// Natural logarithm of a positive normal number, to about one unit in the last place.
pub fn ln(x: f64) -> f64 {
    debug_assert!(x.is_normal(), "a subnormal has no hidden bit");
    debug_assert!(x > 0.0, "a logarithm needs a positive number");
    let bits = x.to_bits();
    let biased = u32::try_from(bits >> 52 & 0x7ff).expect("eleven bits");
    let mut twos = f64::from(biased) - 1023.0;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        twos += 1.0;
    }
    // ln(m) = 2 artanh((m - 1) / (m + 1)), whose argument is at most 0.172 here.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for n in (0..11u32).rev() {
        sum = sum * square + 1.0 / f64::from(2 * n + 1);
    }
    twos * LN_2 + 2.0 * ratio * sum
}

#[cfg(test)]
mod tests;
