//! Bars of the ratio turned into what its strategy decides by; advances once per closed bar.

use paperwire_core::bar::Bar;
use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::instrument::Instrument;
use paperwire_core::strategy::Skip;
use paperwire_signals::moves::MoveCounter;
use paperwire_signals::reversion::{Line, NoFit, half_life, variance_ratio};
use paperwire_signals::rolling::{RollingStats, z_score};
use paperwire_signals::rsi::RsiCutler;

use super::Params;

/// What a closed bar means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) mean: f64,
    /// Deviation of the closes; never zero.
    pub(super) sigma: f64,
    /// Distance of the close from the mean, in deviations.
    pub(super) z: f64,
    /// What follows confirms entries; exits do not wait for it.
    pub(super) rsi: Option<f64>,
    /// Shares of the newest moves that rose and that fell.
    pub(super) up_share: Option<f64>,
    pub(super) down_share: Option<f64>,
    /// Bars until half of a distance is gone, or what speaks against a mean.
    pub(super) fit: Result<f64, Skip>,
}

impl Reading {
    /// Distance of a price from the mean of the closed bars, in deviations.
    pub(super) fn z_of(&self, price: f64) -> f64 {
        (price - self.mean) / self.sigma
    }
}

/// Every indicator of the ratio.
#[derive(Debug)]
pub(super) struct Bars {
    instrument: Instrument,
    closes: RollingStats,
    rsi: RsiCutler,
    moves: MoveCounter,
    logs: FixedRing<f64>,
    half_life_bars: [f64; 2],
    variance_steps: usize,
    adf_tau_max: Option<f64>,
    count: u64,
}

impl Bars {
    pub(super) fn new(instrument: &Instrument, params: &Params) -> Self {
        Self {
            instrument: *instrument,
            closes: RollingStats::new(params.lookback_bars),
            rsi: RsiCutler::new(params.rsi_bars),
            moves: MoveCounter::new(params.trend_moves),
            logs: FixedRing::new(params.fit_bars),
            half_life_bars: params.half_life_bars,
            variance_steps: params.variance_steps,
            adf_tau_max: params.adf_tau_max,
            count: 0,
        }
    }

    /// Bars taken in.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Takes a closed bar in; `None` while mean or deviation is not known.
    pub(super) fn push(&mut self, bar: &Bar) -> Option<Reading> {
        self.count += 1;
        let close = self.instrument.px_f64(bar.close);
        if close <= 0.0 {
            return None;
        }
        self.closes.push(close);
        let rsi = self.rsi.push(close);
        self.moves.push(close);
        self.logs.push(close.ln());
        let (mean, sigma) = self.closes.mean().zip(self.closes.sigma())?;
        Some(Reading {
            mean,
            sigma,
            z: z_score(close, mean, sigma)?,
            rsi,
            up_share: self.moves.up_share(),
            down_share: self.moves.down_share(),
            fit: self.fit(),
        })
    }

    /// The half-life, when the logarithms of the ratio come back to a mean.
    fn fit(&self) -> Result<f64, Skip> {
        let none = |why| if why == NoFit::TooFew { Skip::WarmingUp } else { Skip::NotCointegrated };
        let bars = half_life(&self.logs).map_err(none)?;
        if variance_ratio(&self.logs, self.variance_steps).map_err(none)? >= 1.0 {
            return Err(Skip::NotCointegrated);
        }
        if let Some(most) = self.adf_tau_max
            && dickey_fuller(&self.logs).map_err(none)? > most
        {
            return Err(Skip::NotCointegrated);
        }
        let [least, most] = self.half_life_bars;
        if (least..=most).contains(&bars) { Ok(bars) } else { Err(Skip::HalfLifeOutOfRange) }
    }
}

/// The statistic `b / se(b)` of `y[t] - y[t-1] = a + b y[t-1]` (D. Dickey & W. Fuller, 1979), no lags.
fn dickey_fuller(values: &FixedRing<f64>) -> Result<f64, NoFit> {
    let steps = || values.iter().zip(values.iter().skip(1)).map(|(y, next)| (*y, next - y));
    let line = Line::fit(steps)?;
    let (mut n, mut sum, mut squares, mut left) = (0.0, 0.0, 0.0, 0.0);
    for (y, change) in steps() {
        let error: f64 = change - line.intercept - line.slope * y;
        n += 1.0;
        sum += y;
        squares += y * y;
        left += error * error;
    }
    let spread = squares - sum * sum / n;
    let error = (left / (n - 2.0) / spread).sqrt();
    if error > 0.0 { Ok(line.slope / error) } else { Err(NoFit::Flat) }
}
