//! A price as a level that wanders plus noise: the local-level Kalman filter in one dimension.
//!
//! `y = level + noise(R)`, `level' = level + step(Q)`. Prediction `P = P + Q`; gain `K = P / (P + R)`;
//! `level += K (y - level)`, `P = (1 - K) P`. The first value is the first level, with variance `R`
//! (R. E. Kalman, 1960; the same as filterpy and the local level of statsmodels). Unit: that of the
//! values, variances in its square.

/// What one value said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// The level now.
    pub level: f64,
    /// Its variance.
    pub variance: f64,
    /// How far the value was from what was expected.
    pub innovation: f64,
    /// The deviation that distance was expected to have.
    pub innovation_sigma: f64,
}

/// The filter.
#[derive(Clone, Debug)]
pub struct Kalman {
    step: f64,
    noise: f64,
    state: Option<(f64, f64)>,
}

impl Kalman {
    /// With the variances of a step of the level and of the noise; the noise is above zero.
    pub fn new(step: f64, noise: f64) -> Self {
        assert!(step.is_finite() && step >= 0.0, "a variance is not negative");
        assert!(noise.is_finite() && noise > 0.0, "without noise there is nothing to filter");
        Self { step, noise, state: None }
    }

    /// Adds a value; `None` for the first, which nothing was expected of, and for what is not finite.
    pub fn push(&mut self, y: f64) -> Option<Update> {
        if !y.is_finite() {
            return None;
        }
        let Some((level, variance)) = &mut self.state else {
            self.state = Some((y, self.noise));
            return None;
        };
        let expected = *variance + self.step;
        let total = expected + self.noise;
        let gain = expected / total;
        let innovation = y - *level;
        *level += gain * innovation;
        *variance = (1.0 - gain) * expected;
        Some(Update {
            level: *level,
            variance: *variance,
            innovation,
            innovation_sigma: total.sqrt(),
        })
    }

    /// The level, once there was a value.
    pub fn level(&self) -> Option<f64> {
        self.state.map(|(level, _)| level)
    }
}

#[cfg(test)]
mod tests;
