//! How large a difference had to be to be found, and how much longer a session has to be for a smaller one.
//!
//! All in logarithms of ratios. B is called slower when the lower end of its interval is above the floor, so a
//! difference is found when it exceeds the floor and half the width of the interval; and found nearly always
//! when it exceeds them by what the ratio itself may fall short of the truth. What comes of chance shrinks with
//! the square root of the ticks. A step of the clock, and what the control differs from its twin beyond
//! chance, do not shrink.

use super::{Interval, Verdict, float};

/// Standard deviations within which the interval of one cell lies: 99.4 % of a normal distribution.
const INTERVAL_DEVIATIONS: f64 = 2.73;
/// Deviations by which a ratio falls short of the truth in 5 % of all sessions.
const SHORT_DEVIATIONS: f64 = 1.645;

/// What it takes to find a difference in one cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power {
    /// What more ticks make smaller.
    chance: f64,
    /// What they do not.
    fixed: f64,
}

impl Power {
    /// Of a cell's ratio with its interval, the control's, and the factor that a step of the clock is here.
    pub(super) fn of(ratio: f64, interval: Interval, twins: Interval, step_factor: f64) -> Self {
        let half = (ratio / interval.low).max(interval.high / ratio).ln().max(0.0);
        let (low, high) = (twins.low.ln(), twins.high.ln());
        let floor = high.max(-low).max(0.0);
        // The part of the floor that is there even at the kinder end of the control's interval.
        let steady = low.max(-high).max(0.0);
        let step = step_factor.ln().clamp(0.0, half);
        let short = (half - step) / INTERVAL_DEVIATIONS * SHORT_DEVIATIONS;
        Self { chance: half - step + floor - steady + short, fixed: step + steady }
    }

    /// The smallest difference that is found in 95 % of such sessions, as a share.
    pub(super) fn detectable(self) -> f64 {
        (self.chance + self.fixed).exp_m1()
    }

    /// What may be said of `ticks` that showed no difference, when one of `detect` is looked for.
    pub(super) fn verdict(self, detect: f64, ticks: u64) -> Verdict {
        let wanted = detect.ln_1p();
        if self.chance + self.fixed <= wanted {
            return Verdict::NoDifference;
        }
        if self.fixed >= wanted {
            return Verdict::TooCoarse;
        }
        let times = (self.chance / (wanted - self.fixed)).powi(2);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let missing = (float(ticks) * (times - 1.0)).ceil() as u64;
        Verdict::NotEnough { ticks: missing.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(interval: (f64, f64), twins: (f64, f64), step: f64, verdict: Verdict) {
        let of = |(low, high): (f64, f64)| Interval { low, high };
        let power = Power::of(1.0, of(interval), of(twins), step);
        assert_eq!(power.verdict(0.1, 1_000), verdict, "{power:?}");
    }

    #[test]
    fn a_narrow_interval_would_have_shown_it_and_a_wide_one_says_how_much_is_missing() {
        check((0.99, 1.01), (0.99, 1.01), 1.0, Verdict::NoDifference);
        // Half a width of 5 %, a floor as wide, and the shortfall: 13.6 % against the 9.5 % of a tenth.
        let wide = (1.0 / 1.05, 1.05);
        check(wide, wide, 1.0, Verdict::NotEnough { ticks: 775 });
        // Twice as wide, four times the ticks.
        let wider = (1.0 / 1.1025, 1.1025);
        check(wider, wider, 1.0, Verdict::NotEnough { ticks: 6_100 });
    }

    #[test]
    fn what_does_not_shrink_is_not_waited_for() {
        // One step of the clock is a quarter.
        check((0.8, 1.25), (1.0, 1.0), 1.25, Verdict::TooCoarse);
        // The control is a fifth slower in every second.
        check((0.99, 1.01), (1.19, 1.21), 1.0, Verdict::TooCoarse);
        // ... or faster.
        check((0.99, 1.01), (0.79, 0.81), 1.0, Verdict::TooCoarse);
    }
}
