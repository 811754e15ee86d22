//! Bars turned into fear, greed and the direction of large volume; advances once per closed bar.

use paperwire_core::account::PositionSide;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::Instrument;
use paperwire_core::num::Px;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::extremes::RollingExtreme;
use paperwire_signals::volume::VolumeRatio;

use super::params::{Params, Table};

/// Length of the bars.
pub(super) const BAR: Timeframe = Timeframe::M5;
/// Bars whose volume is the usual one: a day.
const VOLUME_BARS: usize = 288;
/// Bars whose highest and lowest price make fear and greed: four hours.
const RANGE_BARS: usize = 48;

/// What the crowd feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Fear,
    Neutral,
    Greed,
}

/// A mood and whether it is extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) mood: Mood,
    pub(super) is_extreme: bool,
}

impl Zone {
    /// By the distances from the highest and lowest price, both positive percentages. When the range is so
    /// wide that both are met, the one that is met by more holds.
    fn of(below_high: f64, above_low: f64, table: &Table) -> Self {
        let is_fear = below_high >= above_low;
        let distance = below_high.max(above_low);
        let mood = match (distance >= table.zone_pct, is_fear) {
            (false, _) => Mood::Neutral,
            (true, true) => Mood::Fear,
            (true, false) => Mood::Greed,
        };
        Self { mood, is_extreme: distance >= table.extreme_pct }
    }

    /// The direction to trade; `None` when neutral.
    pub(super) const fn wants(self, is_contrarian: bool) -> Option<PositionSide> {
        match (self.mood, is_contrarian) {
            (Mood::Neutral, _) => None,
            (Mood::Fear, true) | (Mood::Greed, false) => Some(PositionSide::Long),
            (Mood::Greed, true) | (Mood::Fear, false) => Some(PositionSide::Short),
        }
    }
}

/// What a closed bar means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) zone: Zone,
    /// How long the same extreme has lasted; zero outside of one.
    pub(super) extreme_for: DurationNs,
    /// Percent below the highest price.
    pub(super) below_high: f64,
    /// Percent above the lowest price.
    pub(super) above_low: f64,
    /// Volume over its usual; `None` when there was none in a day.
    pub(super) volume_ratio: Option<f64>,
    /// Change of the close, in percent.
    pub(super) change_pct: f64,
    /// Prints in the bar.
    pub(super) prints: u32,
    /// Part of the bar was not heard.
    is_incomplete: bool,
}

impl Reading {
    /// The ratio, when it is large.
    pub(super) fn spike(&self, table: &Table) -> Option<f64> {
        self.volume_ratio.filter(|ratio| *ratio >= table.volume_mult && !self.is_incomplete)
    }

    /// The direction in which large volume was traded: accumulation is long, distribution short.
    pub(super) fn whale(&self, table: &Table, params: &Params) -> Option<PositionSide> {
        self.spike(table)?;
        if self.change_pct.abs() < params.whale_move_pct {
            None
        } else if self.change_pct > 0.0 {
            Some(PositionSide::Long)
        } else {
            Some(PositionSide::Short)
        }
    }
}

/// Every indicator of one pair's bars.
#[derive(Debug)]
pub(super) struct Bars {
    volume: VolumeRatio,
    high: RollingExtreme<Px>,
    low: RollingExtreme<Px>,
    last: Option<f64>,
    count: usize,
    /// The extreme that lasts, and since when.
    extreme: Option<(Mood, ExchNs)>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self {
            volume: VolumeRatio::new(VOLUME_BARS),
            high: RollingExtreme::highest(RANGE_BARS),
            low: RollingExtreme::lowest(RANGE_BARS),
            last: None,
            count: 0,
            extreme: None,
        }
    }

    /// Takes a closed bar in; `None` until a day and this bar are known.
    pub(super) fn push(&mut self, bar: &Bar, of: &Instrument, table: &Table) -> Option<Reading> {
        self.count = self.count.saturating_add(1);
        let close = of.px_f64(bar.close);
        let volume_ratio = self.volume.push(bar.volume);
        self.high.push(bar.high);
        self.low.push(bar.low);
        let last = self.last.replace(close)?;
        let (high, low) = (of.px_f64(self.high.value()?), of.px_f64(self.low.value()?));
        if last <= 0.0 || low <= 0.0 {
            return None;
        }
        let below_high = 100.0 * (1.0 - close / high);
        let above_low = 100.0 * (close / low - 1.0);
        let zone = Zone::of(below_high, above_low, table);
        let since = match self.extreme {
            Some((mood, since)) if zone.is_extreme && mood == zone.mood => since,
            _ => bar.open_at,
        };
        self.extreme = zone.is_extreme.then_some((zone.mood, since));
        (self.count > VOLUME_BARS).then_some(Reading {
            zone,
            extreme_for: bar.open_at.since(since),
            below_high,
            above_low,
            volume_ratio,
            change_pct: 100.0 * (close / last - 1.0),
            prints: bar.trades,
            is_incomplete: bar.flags.is_incomplete,
        })
    }
}
