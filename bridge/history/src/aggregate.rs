//! Longer bars out of one-minute bars, as the engine makes them: pure, one pass, constant memory.

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

use crate::model::Candle;

/// A bar being put together.
#[derive(Clone, Copy, Debug)]
struct Building {
    candle: Candle,
    volume: i128,
    /// Sum of average price times quantity, while every bar that traded had one.
    turnover: Option<i128>,
    trades: u64,
}

/// Collects minutes, oldest first, and gives a longer bar whenever one is over.
#[derive(Debug)]
pub struct Aggregator {
    timeframe: Timeframe,
    building: Option<Building>,
}

impl Building {
    fn first(open_at: ExchNs, minute: &Candle) -> Self {
        let mut of =
            Self { candle: Candle { open_at, ..*minute }, volume: 0, turnover: Some(0), trades: 0 };
        of.add(minute);
        of
    }

    fn add(&mut self, minute: &Candle) {
        let bar = &mut self.candle;
        bar.high = bar.high.max(minute.high);
        bar.low = bar.low.min(minute.low);
        bar.close = minute.close;
        bar.source = bar.source.min(minute.source);
        bar.flags = BarFlags {
            is_carried: bar.flags.is_carried && minute.flags.is_carried,
            is_incomplete: bar.flags.is_incomplete || minute.flags.is_incomplete,
        };
        let volume = i128::from(minute.volume.raw());
        self.volume += volume;
        self.trades += u64::from(minute.trades);
        if volume > 0 {
            let more = minute.vwap.map(|vwap| i128::from(vwap.raw()) * volume);
            self.turnover = self.turnover.zip(more).map(|(sum, more)| sum + more);
        }
    }

    fn candle(&self) -> Candle {
        let average = |turnover: i128| match self.volume {
            0 => Some(self.candle.close),
            volume => i64::try_from((turnover + volume / 2).div_euclid(volume)).ok().map(Px::new),
        };
        Candle {
            // Years of the busiest pair stay far below; a sum beyond it is shown as the largest number.
            volume: Qty::new(i64::try_from(self.volume).unwrap_or(i64::MAX)),
            vwap: self.turnover.and_then(average),
            trades: u32::try_from(self.trades).unwrap_or(u32::MAX),
            ..self.candle
        }
    }
}

impl Aggregator {
    /// Nothing collected yet.
    pub const fn new(timeframe: Timeframe) -> Self {
        Self { timeframe, building: None }
    }

    /// Takes the next minute; returns the bar that it ends.
    pub fn push(&mut self, minute: &Candle) -> Option<Candle> {
        let open_at = self.timeframe.floor(minute.open_at);
        if let Some(building) = &mut self.building
            && building.candle.open_at == open_at
        {
            building.add(minute);
            return None;
        }
        let ended = self.finish();
        self.building = Some(Building::first(open_at, minute));
        ended
    }

    /// The bar that is being put together, as far as it is.
    pub fn finish(&mut self) -> Option<Candle> {
        self.building.take().map(|building| building.candle())
    }
}
