//! How often prices disagree, by how much and for how long: what this strategy finds out even when it
//! never trades.

use paperwire_core::time::{DurationNs, ExchNs};

/// Bins of five hundredths of a percent from -1 % to 1 %, and one beyond each end.
pub const NET_BINS: usize = 42;
/// Lifetimes below 1 ms, 2 ms, 4 ms and so on; the last holds everything from 16.384 s.
pub const LIFE_BINS: usize = 16;

const NET_STEP: f64 = 0.000_5;

/// What was seen of one trio, both ways round.
#[derive(Clone, Debug)]
pub struct Measure {
    net: [[u64; NET_BINS]; 2],
    life: [u64; LIFE_BINS],
    open: [Option<ExchNs>; 2],
    opportunities: u64,
    evaluations: u64,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            net: [[0; NET_BINS]; 2],
            life: [0; LIFE_BINS],
            open: [None; 2],
            opportunities: 0,
            evaluations: 0,
        }
    }
}

impl Measure {
    /// Takes the net of both cycles at the touch, as fractions; `None` while a book is not fit.
    pub(super) fn take(&mut self, nets: Option<[f64; 2]>, now: ExchNs) {
        for cycle in 0..2 {
            let is_open = nets.is_some_and(|nets| nets[cycle] > 0.0);
            match (self.open[cycle], is_open) {
                (None, true) => {
                    self.open[cycle] = Some(now);
                    self.opportunities += 1;
                }
                (Some(since), false) => {
                    self.open[cycle] = None;
                    self.life[life_bin(now.since(since))] += 1;
                }
                _ => {}
            }
        }
        let Some(nets) = nets else {
            return;
        };
        self.evaluations += 1;
        for (cycle, net) in nets.into_iter().enumerate() {
            self.net[cycle][net_bin(net)] += 1;
        }
    }

    /// Evaluations of each cycle (the one that begins with the coin, then the other) by their net.
    pub const fn net_counts(&self) -> &[[u64; NET_BINS]; 2] {
        &self.net
    }

    /// Opportunities that have ended, by their lifetime.
    pub const fn life_counts(&self) -> &[u64; LIFE_BINS] {
        &self.life
    }

    /// Times that a cycle began to pay its fees.
    pub const fn opportunities(&self) -> u64 {
        self.opportunities
    }

    /// Evaluations on three fit books.
    pub const fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Upper end of the bin with the median lifetime, in milliseconds; 0 before the first.
    pub fn life_ms_median(&self) -> f64 {
        let ended: u64 = self.life.iter().sum();
        let mut seen = 0;
        for (count, upto) in self.life.iter().zip((0i32..).map(|bin| 2f64.powi(bin))) {
            seen += count;
            if ended > 0 && 2 * seen >= ended {
                return upto;
            }
        }
        0.0
    }
}

/// The bin of a net as a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn net_bin(net: f64) -> usize {
    let half = (NET_BINS / 2) as f64;
    let bin = (net / NET_STEP).floor() + half;
    if bin.is_nan() { 0 } else { bin.clamp(0.0, (NET_BINS - 1) as f64) as usize }
}

fn life_bin(life: DurationNs) -> usize {
    let ms = life.raw() / 1_000_000;
    let bits = usize::try_from(u64::BITS - ms.leading_zeros()).unwrap_or(LIFE_BINS);
    bits.min(LIFE_BINS - 1)
}
