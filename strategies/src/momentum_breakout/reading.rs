//! Bars turned into what the breakout strategy decides by; advances once per closed bar.

use paperwire_core::account::PositionSide;
use paperwire_core::bar::Bar;
use paperwire_core::instrument::Instrument;
use paperwire_core::num::Px;
use paperwire_signals::adx::Adx;
use paperwire_signals::atr::Atr;
use paperwire_signals::average::Ema;
use paperwire_signals::bands::{Band, Bollinger};
use paperwire_signals::extremes::RollingExtreme;
use paperwire_signals::rolling::RollingStats;
use paperwire_signals::volume::VolumeRatio;

/// Lengths of the entry channel: for a wild, a usual and a quiet market.
const CHANNEL_BARS: [usize; 3] = [15, 20, 30];
/// Length of the exit channel.
const EXIT_BARS: usize = 10;
/// ATR multiple of the Keltner channel that a squeeze lies in.
const SQUEEZE_ATR: f64 = 1.5;
/// Bars before the newest in which a squeeze is looked for.
const SQUEEZE_MASK: u32 = (1 << 20) - 1;

/// Highest high and lowest low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) high: Px,
    pub(super) low: Px,
}

impl Levels {
    /// The level a position of this direction breaks.
    pub(super) const fn broken_by(&self, side: PositionSide) -> Px {
        match side {
            PositionSide::Long => self.high,
            PositionSide::Short => self.low,
        }
    }
}

/// A Donchian channel over the bars before the newest.
#[derive(Debug)]
struct Channel {
    high: RollingExtreme<Px>,
    low: RollingExtreme<Px>,
}

impl Channel {
    fn new(bars: usize) -> Self {
        Self { high: RollingExtreme::highest(bars), low: RollingExtreme::lowest(bars) }
    }

    fn push(&mut self, bar: &Bar) -> Option<Levels> {
        let (high, low) = (self.high.push(bar.high), self.low.push(bar.low));
        Some(Levels { high: high?, low: low? })
    }
}

/// What a closed bar means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) close: Px,
    /// The close as a float.
    pub(super) price: f64,
    /// The channel before this bar.
    pub(super) channel: Levels,
    /// The channel before the last bar, and where that bar closed.
    before: (Levels, Px),
    /// The channel that ends a position.
    pub(super) exit: Levels,
    pub(super) keltner: Band,
    pub(super) atr: f64,
    pub(super) atr_pct: f64,
    /// ATR over its mean of the 20 bars before.
    pub(super) atr_ratio: f64,
    pub(super) adx: f64,
    /// Volume over its mean of the 20 bars before; `None` when those had none.
    pub(super) volume_ratio: Option<f64>,
    /// Where the close lies between low (0) and high (1).
    location: f64,
    /// Bars of the 20 before in which volatility was squeezed.
    pub(super) squeeze_bars: u32,
    /// Part of the bar was not heard.
    pub(super) is_incomplete: bool,
}

impl Reading {
    /// The direction in which this bar, and not already the last one, closed beyond the channel.
    pub(super) fn broken_side(&self) -> Option<PositionSide> {
        let (before, close_before) = self.before;
        if self.close > self.channel.high && close_before <= before.high {
            Some(PositionSide::Long)
        } else if self.close < self.channel.low && close_before >= before.low {
            Some(PositionSide::Short)
        } else {
            None
        }
    }

    /// Where the close lies in its bar, 1 being the end that `side` wants.
    pub(super) fn location_for(&self, side: PositionSide) -> f64 {
        match side {
            PositionSide::Long => self.location,
            PositionSide::Short => 1.0 - self.location,
        }
    }
}

/// Every indicator of one pair.
#[derive(Debug)]
pub(super) struct Bars {
    instrument: Instrument,
    channels: [Channel; 3],
    exit: Channel,
    ema: Ema,
    atr: Atr,
    atr_mean: RollingStats,
    adx: Adx,
    volume: VolumeRatio,
    bollinger: Bollinger,
    /// Bit 0: the newest bar was squeezed.
    squeezes: u32,
    /// Channels before the last bar, by length, and where that bar closed.
    before: ([Option<Levels>; 3], Px),
    count: u64,
    keltner_atr: f64,
    /// ATR in percent that parts quiet, usual and wild.
    cuts: (f64, f64),
}

impl Bars {
    pub(super) fn new(instrument: &Instrument, keltner_atr: f64, cuts: (f64, f64)) -> Self {
        Self {
            instrument: *instrument,
            channels: CHANNEL_BARS.map(Channel::new),
            exit: Channel::new(EXIT_BARS),
            ema: Ema::new(20),
            atr: Atr::new(14),
            atr_mean: RollingStats::new(20),
            adx: Adx::new(14),
            volume: VolumeRatio::new(20),
            bollinger: Bollinger::new(20, 2.0),
            squeezes: 0,
            before: ([None; 3], Px::ZERO),
            count: 0,
            keltner_atr,
            cuts,
        }
    }

    /// Bars taken in.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The newest ATR.
    pub(super) const fn atr(&self) -> Option<f64> {
        self.atr.value()
    }

    /// Takes a closed bar in; `None` while anything is not ready.
    pub(super) fn push(&mut self, bar: &Bar) -> Option<Reading> {
        self.count += 1;
        let price = |px| self.instrument.px_f64(px);
        let (high, low, close) = (price(bar.high), price(bar.low), price(bar.close));
        // The length of the channel is chosen before the bar that may break it.
        let length = self.atr.value().map(|atr| self.length(100.0 * atr / price(self.before.1)));
        let levels = self.channels.each_mut().map(|channel| channel.push(bar));
        let before = std::mem::replace(&mut self.before, (levels, bar.close));
        let exit = self.exit.push(bar);
        let usual_atr = self.atr_mean.mean();
        let atr = self.atr.push(high, low, close);
        if let Some(atr) = atr {
            self.atr_mean.push(atr);
        }
        let adx = self.adx.push(high, low, close);
        let volume_ratio = self.volume.push(bar.volume);
        let squeeze_bars = (self.squeezes & SQUEEZE_MASK).count_ones();
        let ema = self.ema.push(close);
        let bollinger = self.bollinger.push(close);
        let (ema, atr) = ema.zip(atr)?;
        let is_squeezed = bollinger?.is_inside(&Band::around(ema, SQUEEZE_ATR * atr));
        self.squeezes = self.squeezes << 1 | u32::from(is_squeezed);
        let (length, usual_atr) = length.zip(usual_atr)?;
        if usual_atr <= 0.0 || close <= 0.0 {
            return None;
        }
        let range = high - low;
        Some(Reading {
            close: bar.close,
            price: close,
            channel: levels[length]?,
            before: (before.0[length]?, before.1),
            exit: exit?,
            keltner: Band::around(ema, self.keltner_atr * atr),
            atr,
            atr_pct: 100.0 * atr / close,
            atr_ratio: atr / usual_atr,
            adx: adx?,
            volume_ratio,
            location: if range > 0.0 { (close - low) / range } else { 0.5 },
            squeeze_bars,
            is_incomplete: bar.flags.is_incomplete,
        })
    }

    /// Index of the channel: quiet markets need a longer one.
    fn length(&self, atr_pct: f64) -> usize {
        let (low, high) = self.cuts;
        if atr_pct > high {
            0
        } else if atr_pct < low {
            2
        } else {
            1
        }
    }
}
