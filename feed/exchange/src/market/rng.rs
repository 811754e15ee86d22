//! The market's randomness: xoshiro256++ (Blackman and Vigna, public domain) seeded by SplitMix64.
//!
//! Logarithm and exponential are computed here from additions, multiplications and divisions only,
//! which IEEE 754 fixes to the last bit; the platform's own are free to differ between processors.
//! So a seed makes the same market on every machine.

use std::f64::consts::{LN_2, SQRT_2};

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The stream of a seed; every seed is good, zero too.
    pub fn new(seed: u64) -> Self {
        let mut x = seed;
        let state = std::array::from_fn(|_| {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = x;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self { state }
    }

    /// A stream of its own for part `index`, so that parts do not disturb each other.
    pub fn fork(&mut self, index: u64) -> Self {
        Self::new(self.next_u64() ^ index.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)`, 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
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

    /// Normally distributed, mean 0 and deviation 1 (polar method).
    pub fn gaussian(&mut self) -> f64 {
        loop {
            let (x, y) = (self.range(-1.0, 1.0), self.range(-1.0, 1.0));
            let r = x * x + y * y;
            if r > 0.0 && r < 1.0 {
                return x * (-2.0 * ln(r) / r).sqrt();
            }
        }
    }

    /// Log-normal around a median.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.gaussian())
    }
}

/// e to the `x`, to about one unit in the last place for |x| < 700.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let k = (x / LN_2).round();
    let r = x - k * LN_2;
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..=14u32 {
        term *= r / f64::from(n);
        sum += term;
    }
    #[expect(clippy::cast_possible_truncation, reason = "|k| <= 1010 after the clamp")]
    let k = k as i64;
    let exponent = u64::try_from(k + 1023).expect("the clamp keeps the exponent normal");
    sum * f64::from_bits(exponent << 52)
}

/// Natural logarithm of a positive normal number.
pub fn ln(x: f64) -> f64 {
    debug_assert!(x > 0.0, "a logarithm needs a positive number");
    let bits = x.to_bits();
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    let exponent = u32::try_from(bits >> 52 & 0x7ff).expect("eleven bits");
    let mut k = f64::from(exponent) - 1023.0;
    if m > SQRT_2 {
        m *= 0.5;
        k += 1.0;
    }
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut sum = 0.0;
    for n in (0..11u32).rev() {
        sum = sum * square + 1.0 / f64::from(2 * n + 1);
    }
    k * LN_2 + 2.0 * s * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_exponential_agree_with_the_platform() {
        let mut rng = Rng::new(7);
        for _ in 0..10_000 {
            let x = rng.range(-30.0, 30.0);
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp {x}");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 1e-12, "ln {y}");
        }
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut rng = Rng::new(1);
        let n = 100_000;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        assert!((mean(&mut || rng.unit()) - 0.5).abs() < 0.01);
        assert!((mean(&mut || rng.exponential(3.0)) - 3.0).abs() < 0.1);
        assert!(mean(&mut || rng.gaussian()).abs() < 0.02);
        assert!((mean(&mut || rng.gaussian().powi(2)) - 1.0).abs() < 0.02);
    }
}
