//! What the grid strategy decides by: the board of five minutes, and what no board has.

use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::board::{Board, Indicator};
use paperwire_core::instrument::Instrument;
use paperwire_signals::atr::Atr;
use paperwire_signals::regime::{Regime, RegimeMonitor};
use paperwire_signals::volume::DailyVolume;

use super::Params;
use crate::regime;

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

impl Reading {
    /// From the board of five minutes; `None` until all of it is known.
    pub(super) fn of(board: &Board) -> Option<Self> {
        let get = |of| board.get(of).ok();
        Some(Self {
            rsi: get(Indicator::Rsi14)?,
            adx: get(Indicator::Adx14)?,
            atr_pct: get(Indicator::AtrPct14)?,
            volume_ratio: get(Indicator::VolumeRatio20),
        })
    }
}

/// What one pair's bars are followed for besides.
#[derive(Debug)]
pub(super) struct Bars {
    instrument: Instrument,
    regime: RegimeMonitor,
    daily: DailyVolume,
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
            Timeframe::H1 => {
                if let Some(hours) = &mut self.hours {
                    self.hour_pct = hours.push(high, low, close).map(|atr| 100.0 * atr / close);
                }
            }
            _ => {}
        }
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
