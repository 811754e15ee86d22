//! Fills the [`Board`] of one symbol and timeframe: every customary indicator, once per closed bar.
//!
//! Runs on the engine's thread and allocates only in [`BoardMaker::new`]. A carried bar (flat, nothing
//! traded) is a bar like any other: it moves averages and counts towards warm-up, while volume ratios
//! and shares of moves answer [`Undefined`](paperwire_core::board::NotReady) only as long as their windows
//! hold nothing to divide by.

use paperwire_core::bar::Bar;
use paperwire_core::board::{Board, Indicator};
use paperwire_core::instrument::Instrument;

use crate::adx::Adx;
use crate::alignment::ma_alignment;
use crate::atr::Atr;
use crate::average::Ema;
use crate::bands::Band;
use crate::choppiness::Choppiness;
use crate::macd::Macd;
use crate::moves::MoveCounter;
use crate::regime::ReturnVolatility;
use crate::rolling::RollingStats;
use crate::rsi::Rsi;
use crate::slope::Slope;
use crate::volume::{VolumeRatio, VolumeSpike};
use crate::window::Sma;

/// Bars each indicator needs before its first value.
pub const NEEDS: &[(Indicator, u16)] = &[
    (Indicator::Sma20, 20),
    (Indicator::Sma50, 50),
    (Indicator::Sma200, 200),
    (Indicator::Ema9, 9),
    (Indicator::Ema12, 12),
    (Indicator::Ema21, 21),
    (Indicator::Ema50, 50),
    (Indicator::Ema200, 200),
    (Indicator::Rsi7, 8),
    (Indicator::Rsi14, 15),
    (Indicator::Adx14, 28),
    (Indicator::PlusDi14, 15),
    (Indicator::MinusDi14, 15),
    (Indicator::Atr14, 15),
    (Indicator::AtrPct14, 15),
    (Indicator::BollingerUpper, 20),
    (Indicator::BollingerLower, 20),
    (Indicator::Sigma20, 20),
    (Indicator::Z20, 20),
    (Indicator::Macd, 26),
    (Indicator::MacdSignal, 34),
    (Indicator::MacdHistogram, 34),
    (Indicator::Choppiness14, 15),
    (Indicator::Volatility20, 21),
    (Indicator::VolumeRatio20, 21),
    (Indicator::VolumeSpike20, 23),
    (Indicator::TrendSlope20, 20),
    (Indicator::TrendStrength10, 11),
    (Indicator::MaAlignment, 200),
];
const _: () = assert!(NEEDS.len() == Indicator::ALL.len(), "every indicator has its need");

const EMAS: [(Indicator, u32); 5] = [
    (Indicator::Ema9, 9),
    (Indicator::Ema12, 12),
    (Indicator::Ema21, 21),
    (Indicator::Ema50, 50),
    (Indicator::Ema200, 200),
];

/// Computes the board of one symbol and timeframe.
#[derive(Debug)]
pub struct BoardMaker {
    stats20: RollingStats,
    sma50: Sma,
    sma200: Sma,
    emas: [Ema; EMAS.len()],
    rsi7: Rsi,
    rsi14: Rsi,
    adx: Adx,
    atr: Atr,
    macd: Macd,
    choppiness: Choppiness,
    volatility: ReturnVolatility,
    volume_ratio: VolumeRatio,
    volume_spike: VolumeSpike,
    slope: Slope,
    moves: MoveCounter,
}

impl BoardMaker {
    /// Takes its memory and tells the board what every indicator needs.
    pub fn new(board: &mut Board) -> Self {
        for (indicator, bars) in NEEDS {
            board.set_need(*indicator, *bars);
        }
        Self {
            stats20: RollingStats::new(20),
            sma50: Sma::new(50),
            sma200: Sma::new(200),
            emas: EMAS.map(|(_, period)| Ema::new(period)),
            rsi7: Rsi::new(7),
            rsi14: Rsi::new(14),
            adx: Adx::new(14),
            atr: Atr::new(14),
            macd: Macd::new(12, 26, 9),
            choppiness: Choppiness::new(14),
            volatility: ReturnVolatility::new(20),
            volume_ratio: VolumeRatio::new(20),
            volume_spike: VolumeSpike::new(3, 20),
            slope: Slope::new(20),
            moves: MoveCounter::new(10),
        }
    }

    /// Takes a closed bar and sets every indicator that has a value with it.
    pub fn push(&mut self, bar: &Bar, of: &Instrument, board: &mut Board) {
        board.next_bar();
        let close = of.px_f64(bar.close);
        self.averages(close, board);
        self.momentum(close, board);
        self.ranges(of.px_f64(bar.high), of.px_f64(bar.low), close, board);
        board.set(Indicator::VolumeRatio20, self.volume_ratio.push(bar.volume));
        board.set(Indicator::VolumeSpike20, self.volume_spike.push(bar.volume));
    }

    fn averages(&mut self, close: f64, board: &mut Board) {
        self.stats20.push(close);
        let sma20 = self.stats20.mean();
        let sigma = self.stats20.sigma();
        let band = sma20.zip(sigma).map(|(mean, sigma)| Band::around(mean, 2.0 * sigma));
        let (sma50, sma200) = (self.sma50.push(close), self.sma200.push(close));
        board.set(Indicator::Sma20, sma20);
        board.set(Indicator::Sma50, sma50);
        board.set(Indicator::Sma200, sma200);
        board.set(Indicator::Sigma20, sigma);
        board.set(Indicator::BollingerUpper, band.map(|band| band.upper));
        board.set(Indicator::BollingerLower, band.map(|band| band.lower));
        board.set(Indicator::Z20, self.stats20.z());
        if let (Some(s20), Some(s50), Some(s200)) = (sma20, sma50, sma200) {
            board.set(Indicator::MaAlignment, ma_alignment(close, s20, s50, s200));
        }
        for (ema, (indicator, _)) in self.emas.iter_mut().zip(EMAS) {
            board.set(indicator, ema.push(close));
        }
    }

    fn momentum(&mut self, close: f64, board: &mut Board) {
        board.set(Indicator::Rsi7, self.rsi7.push(close));
        board.set(Indicator::Rsi14, self.rsi14.push(close));
        board.set(Indicator::Macd, self.macd.push(close));
        board.set(Indicator::MacdSignal, self.macd.signal());
        board.set(Indicator::MacdHistogram, self.macd.histogram());
        board.set(Indicator::Volatility20, self.volatility.push(close));
        self.slope.push(close);
        board.set(Indicator::TrendSlope20, self.slope.pct());
        board.set(Indicator::TrendStrength10, self.moves.push(close));
    }

    fn ranges(&mut self, high: f64, low: f64, close: f64, board: &mut Board) {
        board.set(Indicator::Adx14, self.adx.push(high, low, close));
        let directions = self.adx.directions();
        board.set(Indicator::PlusDi14, directions.map(|(plus, _)| plus));
        board.set(Indicator::MinusDi14, directions.map(|(_, minus)| minus));
        let atr = self.atr.push(high, low, close);
        board.set(Indicator::Atr14, atr);
        board.set(Indicator::AtrPct14, atr.map(|atr| 100.0 * atr / close));
        board.set(Indicator::Choppiness14, self.choppiness.push(high, low, close));
    }
}

#[cfg(test)]
mod tests;
