//! Indicators of one symbol and timeframe: computed once when a bar closes, read by every strategy.
//!
//! A value that is not known yet is not a number: asking for it answers why. Indicators with other
//! periods are a strategy's own, made of the same instruments (`paperwire-signals`).

use crate::words::words;

words! {
    /// An indicator with its customary period. Prices are in quote currency, shares in percent only
    /// where the name says so.
    Indicator {
        /// Simple moving average of 20 closes.
        Sma20 => "sma20",
        /// Of 50.
        Sma50 => "sma50",
        /// Of 200.
        Sma200 => "sma200",
        /// Exponential moving average of 9 closes, seeded with their mean.
        Ema9 => "ema9",
        /// Of 12.
        Ema12 => "ema12",
        /// Of 21.
        Ema21 => "ema21",
        /// Of 50.
        Ema50 => "ema50",
        /// Of 200.
        Ema200 => "ema200",
        /// Relative strength (Wilder) over 7 changes.
        Rsi7 => "rsi7",
        /// Over 14.
        Rsi14 => "rsi14",
        /// Average directional index (Wilder), 14.
        Adx14 => "adx14",
        /// Its rising part.
        PlusDi14 => "plus_di14",
        /// Its falling part.
        MinusDi14 => "minus_di14",
        /// Average true range (Wilder), 14.
        Atr14 => "atr14",
        /// The same in percent of the close.
        AtrPct14 => "atr_pct14",
        /// Upper Bollinger band, 20 closes, two deviations; its middle is [`Self::Sma20`].
        BollingerUpper => "bollinger_upper",
        /// Lower Bollinger band.
        BollingerLower => "bollinger_lower",
        /// Population deviation of 20 closes.
        Sigma20 => "sigma20",
        /// Distance of the close from [`Self::Sma20`] in deviations.
        Z20 => "z20",
        /// MACD 12, 26.
        Macd => "macd",
        /// Its signal line, 9.
        MacdSignal => "macd_signal",
        /// The first less the second.
        MacdHistogram => "macd_histogram",
        /// Choppiness index, 14.
        Choppiness14 => "choppiness14",
        /// Population deviation of 20 simple returns, in percent.
        Volatility20 => "volatility20",
        /// Volume over the mean of the 20 bars before.
        VolumeRatio20 => "volume_ratio20",
        /// Mean volume of 3 bars over that of the 20 before.
        VolumeSpike20 => "volume_spike20",
        /// Least-squares slope of 20 closes, in percent of their mean per bar.
        TrendSlope20 => "trend_slope20",
        /// Share of rising less falling closes among the last 10 that moved, -1 to 1.
        TrendStrength10 => "trend_strength10",
        /// Order of close, 20, 50 and 200: from -1 perfectly falling to 1 perfectly rising.
        MaAlignment => "ma_alignment",
    }
}

/// Indicators on a board.
pub const INDICATORS: usize = Indicator::ALL.len();
const _: () = assert!(INDICATORS <= 64, "one bit each");

/// Why a value is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Too few bars have closed.
    #[error("{bars} bars have closed, {need} are needed")]
    WarmingUp {
        /// Closed so far.
        bars: u32,
        /// Needed.
        need: u32,
    },
    /// It has no value for these bars: no movement to divide by, no volume.
    #[error("no value for these bars")]
    Undefined,
}

/// The values after the last closed bar.
#[derive(Clone, Debug)]
pub struct Board {
    values: [f64; INDICATORS],
    need: [u16; INDICATORS],
    ready: u64,
    bars: u32,
}

impl Default for Board {
    fn default() -> Self {
        Self { values: [0.0; INDICATORS], need: [u16::MAX; INDICATORS], ready: 0, bars: 0 }
    }
}

impl Board {
    /// A value.
    ///
    /// # Errors
    /// [`NotReady`] with the reason.
    pub fn get(&self, of: Indicator) -> Result<f64, NotReady> {
        let at = of as usize;
        if self.ready >> at & 1 == 1 {
            return Ok(self.values[at]);
        }
        let need = u32::from(self.need[at]);
        if self.bars < need {
            return Err(NotReady::WarmingUp { bars: self.bars, need });
        }
        Err(NotReady::Undefined)
    }

    /// True when all of these have values.
    pub fn is_ready(&self, of: &[Indicator]) -> bool {
        of.iter().all(|of| self.ready >> (*of as usize) & 1 == 1)
    }

    /// Bars that have closed.
    pub const fn bars(&self) -> u32 {
        self.bars
    }

    /// Says once how many bars an indicator needs.
    pub fn set_need(&mut self, of: Indicator, bars: u16) {
        self.need[of as usize] = bars;
    }

    /// A bar has closed; its values follow by [`Self::set`].
    pub fn next_bar(&mut self) {
        self.bars = self.bars.saturating_add(1);
        self.ready = 0;
    }

    /// Sets a value; one that is not finite counts as none.
    pub fn set(&mut self, of: Indicator, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.values[of as usize] = value;
            self.ready |= 1 << (of as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_known_says_why() {
        let mut board = Board::default();
        board.set_need(Indicator::Sma20, 20);
        board.set_need(Indicator::Rsi14, 1);
        board.next_bar();
        board.set(Indicator::Rsi14, Some(f64::NAN));
        assert_eq!(board.get(Indicator::Sma20), Err(NotReady::WarmingUp { bars: 1, need: 20 }));
        assert_eq!(board.get(Indicator::Rsi14), Err(NotReady::Undefined));
        board.set(Indicator::Rsi14, Some(55.0));
        assert_eq!(board.get(Indicator::Rsi14), Ok(55.0));
        assert!(!board.is_ready(&[Indicator::Rsi14, Indicator::Sma20]));
        board.next_bar();
        assert_eq!(board.get(Indicator::Rsi14), Err(NotReady::Undefined), "not the last bar's");
    }
}
