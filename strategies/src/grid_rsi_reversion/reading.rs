//! Bars turned into what the grid strategy decides by; each indicator advances once per closed bar.

use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::Instrument;
use paperwire_signals::adx::Adx;
use paperwire_signals::atr::Atr;
use paperwire_signals::regime::{Regime, RegimeMonitor};
use paperwire_signals::rsi::Rsi;
use paperwire_signals::volume::{DailyVolume, VolumeRatio};

use super::Params;
use crate::regime;

/// Bars of relative strength, range and trend strength.
const BARS: u32 = 14;
/// Bars of the usual volume.
const VOLUME_BARS: usize = 20;

/// What the newest closed five minutes mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) rsi: f64,
    pub(super) adx: f64,
    /// Average true range of five minutes, in percent of the close.
    pub(super) atr_pct: f64,
    /// Volume over its usual; `None` when nothing traded before.
    pub(super) volume_ratio: Option<f64>,
}

/// Every indicator of one pair.
#[derive(Debug)]
pub(super) struct Bars {
    instrument: Instrument,
    regime: RegimeMonitor,
    daily: DailyVolume,
    rsi: Rsi,
    adx: Adx,
    atr: Atr,
    volume: VolumeRatio,
    reading: Option<Reading>,
    /// Range of an hour; `None` when none is asked for.
    hours: Option<Atr>,
    hour_pct: Option<f64>,
}

impl Bars {
    pub(super) fn new(instrument: &Instrument, params: &Params) -> Self {
        Self {
            instrument: *instrument,
            regime: regime::monitor(params.regime_cuts_pct),
            daily: DailyVolume::default(),
            rsi: Rsi::new(BARS),
            adx: Adx::new(BARS),
            atr: Atr::new(BARS),
            volume: VolumeRatio::new(VOLUME_BARS),
            reading: None,
            hours: (params.atr_hours > 0).then(|| Atr::new(params.atr_hours)),
            hour_pct: None,
        }
    }

    /// Takes a closed bar in.
    pub(super) fn push(&mut self, timeframe: Timeframe, bar: &Bar) {
        let price = |px| self.instrument.px_f64(px);
        let (high, low, close) = (price(bar.high), price(bar.low), price(bar.close));
        if close <= 0.0 {
            return;
        }
        match timeframe {
            Timeframe::M1 => {
                self.regime.push(close);
                self.daily.push(bar.volume);
            }
            Timeframe::M5 => {
                let (rsi, adx) = (self.rsi.push(close), self.adx.push(high, low, close));
                let (atr, volume_ratio) =
                    (self.atr.push(high, low, close), self.volume.push(bar.volume));
                self.reading = rsi.zip(adx).zip(atr).map(|((rsi, adx), atr)| {
                    let atr_pct = 100.0 * atr / close;
                    Reading { rsi, adx, atr_pct, volume_ratio }
                });
            }
            Timeframe::H1 => {
                if let Some(hours) = &mut self.hours {
                    self.hour_pct = hours.push(high, low, close).map(|atr| 100.0 * atr / close);
                }
            }
            _ => {}
        }
    }

    /// What the newest five minutes mean, once all of it is known.
    pub(super) const fn reading(&self) -> Option<Reading> {
        self.reading
    }

    /// The regime of volatility.
    pub(super) const fn regime(&self) -> Option<Regime> {
        self.regime.regime()
    }

    /// Range of an hour in percent; zero when none is asked for, `None` while it is not known.
    pub(super) fn hour_pct(&self) -> Option<f64> {
        if self.hours.is_some() { self.hour_pct } else { Some(0.0) }
    }

    /// Quantity traded within a day, estimated; `None` while too little was seen.
    pub(super) fn daily(&self) -> Option<f64> {
        Some(self.daily.value()? * self.instrument.qty_f64(paperwire_core::num::Qty::new(1)))
    }
}
