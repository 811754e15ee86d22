//! What the timeframes of one symbol say together, each from its own closed bars.
//!
//! A timeframe votes up when its close is above its shorter average and that above its longer one,
//! mirrored for down. The averages are those of 20 and 50 closes; with fewer than 50 bars the
//! exponential ones of 9 and 21 stand in, and with fewer than 21 it does not vote.

use paperwire_core::bar::Timeframe;
use paperwire_core::board::{Board, Indicator};
use paperwire_core::regime::{CONFLUENCE, Confluence, Direction, TrendRegime};

/// Share of the votes above which they agree, and above which they do firmly.
pub(super) const AGREED: f64 = 0.7;
const AGREED_FIRMLY: f64 = 0.85;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Votes([Option<Direction>; CONFLUENCE.len()]);

impl Votes {
    /// A bar of `timeframe` closed at `close`.
    pub(super) fn cast(&mut self, timeframe: Timeframe, close: f64, board: &Board) {
        let voters = self.0.iter_mut().zip(CONFLUENCE);
        for (vote, _) in voters.filter(|(_, (of, _))| *of == timeframe) {
            *vote = direction(close, board);
        }
    }

    pub(super) fn count(&self) -> Option<Confluence> {
        let (mut up, mut down, mut known, mut all) = (0u32, 0u32, 0u32, 0u32);
        for (vote, (_, weight)) in self.0.iter().zip(CONFLUENCE) {
            let weight = u32::from(weight);
            all += weight;
            known += vote.map_or(0, |_| weight);
            match vote {
                Some(Direction::Up) => up += weight,
                Some(Direction::Down) => down += weight,
                Some(Direction::None) | None => {}
            }
        }
        if known == 0 {
            return None;
        }
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of);
        let alignment = if up == down { 0.5 } else { share(up.max(down), known) };
        let agreed = match alignment {
            _ if up == down => TrendRegime::Sideways,
            of if of > AGREED_FIRMLY => TrendRegime::StrongBull,
            of if of > AGREED => TrendRegime::Bull,
            _ => TrendRegime::Sideways,
        };
        let dominant = if up > down { agreed } else { agreed.mirrored() };
        Some(Confluence { dominant, alignment, coverage: share(known, all) })
    }
}

fn direction(close: f64, board: &Board) -> Option<Direction> {
    use Indicator::{Ema9, Ema21, Sma20, Sma50};
    let pair = |short, long| board.get(short).ok().zip(board.get(long).ok());
    let (short, long) = pair(Sma20, Sma50).or_else(|| pair(Ema9, Ema21))?;
    Some(if close > short && short > long {
        Direction::Up
    } else if close < short && short < long {
        Direction::Down
    } else {
        Direction::None
    })
}

#[cfg(test)]
mod tests;
