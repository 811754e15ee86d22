//! The score of one minute: direction times how much of a trend it is times how volume confirms it.
//!
//! `D = (w_adx adx + w_ma ma + w_rsi rsi + w_sent sent) / (w_adx + w_ma + w_rsi + w_sent)`, in -1 to 1, over the
//! parts that are known. `T = (w_chop chop + w_adx min(ADX / 50, 1)) / (w_chop + w_adx)`, in 0 to 1, with
//! choppiness falling evenly from 1 at 38.2 to 0 at 61.8. `composite = D (0.5 + 0.5 T) V`, where volume
//! over its mean moves `V` between 0.8 and 1.2. What has no direction is never added to what has: a
//! market upside down scores the negative.

use paperwire_core::board::{Board, Indicator, NotReady};
use paperwire_core::regime::Scores;

use super::config::Weights;

/// Below this ADX there is no direction to speak of.
const ADX_MIN: f64 = 20.0;
/// At this ADX a trend is as firm as it gets.
const ADX_FULL: f64 = 50.0;
/// Choppiness of a trend and of noise: the golden ratio's shares that the index is customarily cut at.
const CHOP_TREND: f64 = 38.2;
const CHOP_NOISE: f64 = 61.8;
/// Bounds of what volume may do, whatever its weight.
const GAIN: (f64, f64) = (0.8, 1.2);
/// Closed minutes before anything is said.
pub(super) const BARS_MIN: u32 = 200;

/// The score of one board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    pub(super) parts: Scores,
    pub(super) composite: f64,
    pub(super) adx: f64,
    pub(super) atr_pct: f64,
}

/// Scores a board; `fear_greed` is `None` when unknown or too old.
///
/// An indicator that has no value for these bars, because nothing moved or traded, speaks for no
/// direction; one that is warming up is the error.
pub(super) fn score(
    board: &Board,
    weights: &Weights,
    fear_greed: Option<u8>,
) -> Result<Score, NotReady> {
    if board.bars() < BARS_MIN {
        return Err(NotReady::WarmingUp { bars: board.bars(), need: BARS_MIN });
    }
    let adx = known(board, Indicator::Adx14)?.unwrap_or(0.0);
    let plus = known(board, Indicator::PlusDi14)?.unwrap_or(0.0);
    let minus = known(board, Indicator::MinusDi14)?.unwrap_or(0.0);
    let chop = known(board, Indicator::Choppiness14)?;
    let rsi = known(board, Indicator::Rsi14)?.unwrap_or(50.0);
    let ma = known(board, Indicator::MaAlignment)?.unwrap_or(0.0);
    let volume = known(board, Indicator::VolumeRatio20)?.unwrap_or(1.0);
    let atr_pct = known(board, Indicator::AtrPct14)?.unwrap_or(0.0);

    let firmness = (adx / ADX_FULL).clamp(0.0, 1.0);
    let side = f64::from(i8::from(plus > minus) - i8::from(plus < minus));
    let adx_score = if adx < ADX_MIN { 0.0 } else { side * firmness };
    let ma = ma.clamp(-1.0, 1.0);
    let rsi = ((rsi - 50.0) / 50.0).clamp(-1.0, 1.0);
    let sentiment = fear_greed.map(|value| ((f64::from(value) - 50.0) / 50.0).clamp(-1.0, 1.0));

    let Weights { adx: w_adx, chop: w_chop, ma: w_ma, rsi: w_rsi, .. } = *weights;
    let w_sentiment = if sentiment.is_some() { weights.sentiment } else { 0.0 };
    let sum = w_adx * adx_score + w_ma * ma + w_rsi * rsi + w_sentiment * sentiment.unwrap_or(0.0);
    // Choppiness has no value when fourteen bars had one price. What the other parts still say is then
    // memory, or the rounding of averages that are equal.
    let is_still = chop.is_none();
    let directional = if is_still { 0.0 } else { sum / (w_adx + w_ma + w_rsi + w_sentiment) };
    let smoothness =
        ((CHOP_NOISE - chop.unwrap_or(CHOP_NOISE)) / (CHOP_NOISE - CHOP_TREND)).clamp(0.0, 1.0);
    let trendiness = (w_chop * smoothness + w_adx * firmness) / (w_chop + w_adx);
    let gain = 1.0 + 2.0 * weights.volume * (volume - 1.0).clamp(-1.0, 1.0);
    let volume_gain = gain.clamp(GAIN.0, GAIN.1);
    let composite = directional * (0.5 + 0.5 * trendiness) * volume_gain;
    let parts = Scores { adx: adx_score, ma, rsi, sentiment, directional, trendiness, volume_gain };
    Ok(Score { parts, composite: composite.clamp(-1.0, 1.0), adx, atr_pct })
}

fn known(board: &Board, of: Indicator) -> Result<Option<f64>, NotReady> {
    match board.get(of) {
        Ok(value) => Ok(Some(value)),
        Err(NotReady::Undefined) => Ok(None),
        Err(warming_up @ NotReady::WarmingUp { .. }) => Err(warming_up),
    }
}

#[cfg(test)]
mod tests;
