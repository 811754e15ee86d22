//! Latencies as somebody measured them: draws from the samples themselves.
//!
//! A fitted curve loses what matters, which is the tail and its steps; the samples keep both. A
//! draw picks a uniform rank and interpolates between the two samples beside it, in integers, so
//! every value between the smallest and the largest sample can come and none outside.

use paperwire_core::num::{DecimalError, parse_decimal};
use paperwire_core::time::DurationNs;

use super::{DRAW_MAX, LatencyModel, Leg, Rng, Surge};

/// Most samples of one text: at one a second, eleven days; 8 MB.
pub const SAMPLES_MAX: usize = 1_000_000;

/// Why a text is no list of latencies. Lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplesError {
    /// No line has a number.
    #[error("no latencies: write one per line, in microseconds")]
    Empty,
    /// More than [`SAMPLES_MAX`].
    #[error("line {line}: more than {SAMPLES_MAX} latencies; keep a random part of them")]
    TooMany {
        /// The first line that has no room.
        line: usize,
    },
    /// Not a decimal number.
    #[error("line {line}: not a number of microseconds")]
    Syntax {
        /// The line.
        line: usize,
    },
    /// More than three decimals.
    #[error("line {line}: finer than a nanosecond; round to three decimals")]
    Precision {
        /// The line.
        line: usize,
    },
    /// Negative, or above [`DRAW_MAX`].
    #[error("line {line}: not between 0 and {DRAW_MAX}")]
    Range {
        /// The line.
        line: usize,
    },
}

/// Latencies of one leg, sorted; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    sorted_ns: Box<[u64]>,
}

impl Samples {
    /// Reads one latency in microseconds per line, with up to three decimals. Empty lines and lines
    /// that begin with `#` are passed over: they tell where and when it was measured.
    ///
    /// # Errors
    /// [`SamplesError`], which names the line.
    pub fn parse(text: &str) -> Result<Self, SamplesError> {
        let mut sorted_ns = Vec::new();
        for (index, row) in text.lines().enumerate() {
            let (line, row) = (index + 1, row.trim());
            if row.is_empty() || row.starts_with('#') {
                continue;
            }
            if sorted_ns.len() == SAMPLES_MAX {
                return Err(SamplesError::TooMany { line });
            }
            sorted_ns.push(nanoseconds(row, line)?);
        }
        if sorted_ns.is_empty() {
            return Err(SamplesError::Empty);
        }
        sorted_ns.sort_unstable();
        Ok(Self { sorted_ns: sorted_ns.into_boxed_slice() })
    }

    /// How many samples there are.
    pub const fn count(&self) -> usize {
        self.sorted_ns.len()
    }

    /// The latency at rank `rank / 2^64` of the way from the smallest sample to the largest,
    /// rounded down to the nanosecond.
    pub fn quantile(&self, rank: u64) -> DurationNs {
        let gaps = u128::try_from(self.count() - 1).expect("a length fits 128 bits");
        // 64.64 fixed point: the whole part is the sample below, and `rank < 2^64` keeps it below
        // the last gap's end.
        let position = u128::from(rank) * gaps;
        let below = usize::try_from(position >> 64).expect("less than the number of gaps");
        let low = self.sorted_ns[below];
        let high = self.sorted_ns[(below + 1).min(self.count() - 1)];
        let part = position & u128::from(u64::MAX);
        let above_low = (u128::from(high - low) * part) >> 64;
        DurationNs::new(low + u64::try_from(above_low).expect("at most the gap"))
    }
}

fn nanoseconds(text: &str, line: usize) -> Result<u64, SamplesError> {
    let ns = parse_decimal(text, 3).map_err(|error| match error {
        DecimalError::Syntax => SamplesError::Syntax { line },
        DecimalError::Precision => SamplesError::Precision { line },
        DecimalError::Overflow => SamplesError::Range { line },
    })?;
    match u64::try_from(ns) {
        Ok(ns) if ns <= DRAW_MAX.raw() => Ok(ns),
        _ => Err(SamplesError::Range { line }),
    }
}

/// Each leg draws from its own samples.
#[derive(Clone, Debug)]
pub struct Measured {
    name: String,
    legs: [Samples; 4],
    surge: Surge,
}

impl Measured {
    /// Samples of each leg, one way, in the order of [`Leg::ALL`]. A measured round trip is two
    /// legs: halve it first.
    pub fn new(legs: [Samples; 4], surge: Surge) -> Self {
        let [feed, place, cancel, ack] = legs.each_ref().map(Samples::count);
        let name = format!(
            "measured, samples: feed {feed}, place {place}, cancel {cancel}, ack {ack}{surge}"
        );
        Self { name, legs, surge }
    }
}

impl LatencyModel for Measured {
    fn name(&self) -> &str {
        &self.name
    }

    fn draw(&mut self, leg: Leg, rng: &mut Rng, load: f64) -> DurationNs {
        self.surge.stretch(self.legs[leg.index()].quantile(rng.next_u64()), load)
    }
}

#[cfg(test)]
mod tests;
