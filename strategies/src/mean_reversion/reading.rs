//! Five-minute bars turned into what the mean-reversion strategy decides by; advances once per closed bar.

use paperwire_core::account::PositionSide;
use paperwire_core::bar::Bar;
use paperwire_core::board::{Board, Indicator};
use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::instrument::Instrument;
use paperwire_signals::bands::Band;
use paperwire_signals::reversion::{NoFit, half_life};
use paperwire_signals::rsi::RsiCutler;
use paperwire_signals::slope::Slope;

use super::Params;

/// Changes of the relative strength.
const RSI_BARS: usize = 14;
/// Closes of the slope.
const SLOPE_BARS: usize = 50;
/// Distances from the mean whose half-life is taken.
const HALF_LIFE_BARS: usize = 100;

/// What a closed bar means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) band: Band,
    /// Bars in a row whose slope was beyond its limit: positive while it rises.
    pub(super) trend: i32,
    /// What an entry asks besides; exits do not wait for it.
    pub(super) signs: Option<Signs>,
}

/// What tells a stretched price from a trend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) rsi: f64,
    pub(super) adx: f64,
    /// Bars until half of a distance is gone; `None` when distances are not known to shrink.
    pub(super) half_life: Option<f64>,
}

impl Reading {
    /// The direction of a trend that lasted at least so many bars.
    pub(super) const fn trend_side(&self, bars: u32) -> Option<PositionSide> {
        match self.trend {
            trend if trend.unsigned_abs() < bars => None,
            trend if trend > 0 => Some(PositionSide::Long),
            _ => Some(PositionSide::Short),
        }
    }
}

/// What the board does not have of one pair.
#[derive(Debug)]
pub(super) struct Bars {
    instrument: Instrument,
    band_sigmas: f64,
    rsi: RsiCutler,
    slope: Slope,
    slope_max_pct: f64,
    trend: i32,
    /// Logarithms of close over mean.
    distances: FixedRing<f64>,
    needs_half_life: bool,
}

impl Bars {
    pub(super) fn new(instrument: &Instrument, params: &Params) -> Self {
        Self {
            instrument: *instrument,
            band_sigmas: params.band_sigmas,
            rsi: RsiCutler::new(RSI_BARS),
            slope: Slope::new(SLOPE_BARS),
            slope_max_pct: params.slope_max_pct,
            trend: 0,
            distances: FixedRing::new(HALF_LIFE_BARS),
            needs_half_life: params.needs_half_life,
        }
    }

    /// Takes a closed bar in, with the board that has it already; `None` while there is no band.
    pub(super) fn push(&mut self, bar: &Bar, board: &Board) -> Option<Reading> {
        let close = self.instrument.px_f64(bar.close);
        if close <= 0.0 {
            return None;
        }
        let rsi = self.rsi.push(close);
        self.slope.push(close);
        let slope_pct = self.slope.pct();
        self.trend = match slope_pct {
            Some(slope) if slope > self.slope_max_pct => self.trend.max(0).saturating_add(1),
            Some(slope) if slope < -self.slope_max_pct => self.trend.min(0).saturating_sub(1),
            _ => 0,
        };
        let get = |of| board.get(of).ok();
        let (mean, sigma) = get(Indicator::Sma20).zip(get(Indicator::Sigma20))?;
        let band = Band::around(mean, self.band_sigmas * sigma);
        self.distances.push((close / band.mid).ln());
        let signs = slope_pct.and_then(|_| {
            let half_life = match half_life(&self.distances) {
                Err(NoFit::TooFew) if self.needs_half_life => return None,
                half_life => half_life.ok(),
            };
            Some(Signs { rsi: rsi?, adx: get(Indicator::Adx14)?, half_life })
        });
        Some(Reading { band, trend: self.trend, signs })
    }
}
