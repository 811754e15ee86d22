//! Bars turned into what the momentum-scalping strategy decides by; advances once per closed bar.

use paperwire_core::account::PositionSide;
use paperwire_core::bar::Bar;
use paperwire_core::instrument::Instrument;
use paperwire_signals::adx::Adx;
use paperwire_signals::atr::Atr;
use paperwire_signals::average::Ema;
use paperwire_signals::costs::sign;
use paperwire_signals::macd::{Cross, Macd};
use paperwire_signals::rsi::Rsi;
use paperwire_signals::volume::VolumeRatio;

/// RSI in which a drift is no exhaustion yet.
const MIDDLE: (f64, f64) = (40.0, 60.0);
/// A rise of the RSI below this is rounding: a close that stands still leaves it where it was.
const ROUNDING: f64 = 1e-9;
/// What the RSI's return from exhaustion counts.
const RETURN: f64 = 0.50;
/// What its drift through the middle counts.
const DRIFT: f64 = 0.25;
/// What a crossing of the MACD counts alone, and beside one of the others.
const CROSS_ALONE: f64 = 0.40;
const CROSS_BESIDE: f64 = 0.25;

/// What a closed minute means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) close: f64,
    pub(super) ema8: f64,
    pub(super) ema21: f64,
    pub(super) ema50: f64,
    pub(super) rsi: f64,
    /// At the bar before.
    rsi_before: f64,
    macd_cross: Option<Cross>,
    pub(super) adx: f64,
    /// Volume over its mean of the 20 bars before; `None` when those had none.
    pub(super) volume_ratio: Option<f64>,
    /// Close less the fast average, at this bar and at the one before.
    lead: (f64, f64),
}

impl Reading {
    /// How strongly this bar triggers in a direction; `oversold` is where a return upwards comes from.
    pub(super) fn strength(&self, side: PositionSide, oversold: f64) -> f64 {
        let (now, before, cross) = match side {
            PositionSide::Long => (self.rsi, self.rsi_before, Cross::Up),
            PositionSide::Short => (100.0 - self.rsi, 100.0 - self.rsi_before, Cross::Down),
        };
        let mut strength = 0.0;
        if before < oversold && now >= oversold {
            strength += RETURN;
        } else if now > MIDDLE.0 && now < MIDDLE.1 && now - before > ROUNDING {
            strength += DRIFT;
        }
        if self.macd_cross == Some(cross) {
            strength += if strength > 0.0 { CROSS_BESIDE } else { CROSS_ALONE };
        }
        strength
    }

    /// True when the averages of the minutes point along.
    pub(super) fn is_trend(&self, side: PositionSide) -> bool {
        sign(side) * (self.close - self.ema50) > 0.0 && sign(side) * (self.ema8 - self.ema21) > 0.0
    }

    /// True when the close has just crossed the fast average against a position.
    pub(super) fn crosses_against(&self, side: PositionSide) -> bool {
        let (now, before) = self.lead;
        sign(side) * now < 0.0 && sign(side) * before >= 0.0
    }
}

/// Every indicator of one pair's minutes.
#[derive(Debug)]
pub(super) struct Bars {
    ema8: Ema,
    ema21: Ema,
    ema50: Ema,
    rsi: Rsi,
    macd: Macd,
    atr: Atr,
    adx: Adx,
    volume: VolumeRatio,
    rsi_before: Option<f64>,
    lead_before: Option<f64>,
}

impl Bars {
    pub(super) fn new(rsi_period: u32) -> Self {
        Self {
            ema8: Ema::new(8),
            ema21: Ema::new(21),
            ema50: Ema::new(50),
            rsi: Rsi::new(rsi_period),
            macd: Macd::new(6, 13, 5),
            atr: Atr::new(14),
            adx: Adx::new(14),
            volume: VolumeRatio::new(20),
            rsi_before: None,
            lead_before: None,
        }
    }

    /// The newest ATR.
    pub(super) const fn atr(&self) -> Option<f64> {
        self.atr.value()
    }

    /// Takes a closed minute in; `None` while anything is not ready.
    pub(super) fn push(&mut self, bar: &Bar, of: &Instrument) -> Option<Reading> {
        let (high, low) = (of.px_f64(bar.high), of.px_f64(bar.low));
        let close = of.px_f64(bar.close);
        let ema8 = self.ema8.push(close);
        let ema21 = self.ema21.push(close);
        let ema50 = self.ema50.push(close);
        let rsi = self.rsi.push(close);
        self.macd.push(close);
        self.atr.push(high, low, close);
        let adx = self.adx.push(high, low, close);
        let volume_ratio = self.volume.push(bar.volume).filter(|_| !bar.flags.is_incomplete);
        let rsi_before = std::mem::replace(&mut self.rsi_before, rsi);
        let lead = ema8.map(|ema| close - ema);
        let lead_before = std::mem::replace(&mut self.lead_before, lead);
        Some(Reading {
            close,
            ema8: ema8?,
            ema21: ema21?,
            ema50: ema50?,
            rsi: rsi?,
            rsi_before: rsi_before?,
            macd_cross: self.macd.cross(),
            adx: adx?,
            volume_ratio,
            lead: (lead?, lead_before?),
        })
    }
}
