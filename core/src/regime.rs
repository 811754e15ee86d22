//! What the market is like, as values that any room may read: trend, volatility, sentiment.
//!
//! Nothing here judges. The detector of `paperwire-signals` writes these once per closed minute, the
//! market view shows them, and a strategy or the page reads them. What is not known is `None`, never a
//! neutral number that could be mistaken for a reading.

use crate::bar::Timeframe;
use crate::time::{DurationNs, ExchNs};
use crate::words::words;

words! {
    /// Which way the market goes, and how firmly.
    #[derive(Default)]
    TrendRegime {
        /// Up, firmly.
        StrongBull => "strong_bull",
        /// Up.
        Bull => "bull",
        /// Neither.
        #[default]
        Sideways => "sideways",
        /// Down.
        Bear => "bear",
        /// Down, firmly.
        StrongBear => "strong_bear",
    }
}

impl TrendRegime {
    /// The same market upside down.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::StrongBull => Self::StrongBear,
            Self::Bull => Self::Bear,
            Self::Sideways => Self::Sideways,
            Self::Bear => Self::Bull,
            Self::StrongBear => Self::StrongBull,
        }
    }

    /// Where it points.
    pub const fn direction(self) -> Direction {
        match self {
            Self::StrongBull | Self::Bull => Direction::Up,
            Self::Sideways => Direction::None,
            Self::Bear | Self::StrongBear => Direction::Down,
        }
    }
}

words! {
    /// A direction of prices.
    Direction {
        /// Rising.
        Up => "up",
        /// Falling.
        Down => "down",
        /// Neither.
        None => "none",
    }
}

words! {
    /// How violent the market is.
    #[derive(Default, PartialOrd, Ord)]
    VolatilityState {
        /// Quiet.
        Low => "low",
        /// As usual.
        #[default]
        Medium => "medium",
        /// Lively.
        High => "high",
        /// Wild.
        Extreme => "extreme",
    }
}

impl VolatilityState {
    /// As an array index, 0 for low to 3 for extreme.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Confidence above which a label other than sideways counts as a trend.
const TREND_CONFIDENCE: f64 = 0.4;
/// Changes of the label within an hour above which it is not to be relied on.
pub const CHANGES_MAX: u8 = 5;

/// A label with what it rests on. The label has been confirmed and does not flicker; every answer below
/// is of the label, so that no two of them contradict each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegimeState {
    /// The confirmed regime.
    pub label: TrendRegime,
    /// What the newest score alone would be called.
    pub raw: TrendRegime,
    /// The smoothed score, from -1 (falling) to 1 (rising).
    pub composite: f64,
    /// Strength of the score, `min(2 |composite|, 1)`, more when the timeframes agree: near 0 in a
    /// market without direction.
    pub confidence: f64,
    /// How violent the market is; of several symbols the worst.
    pub volatility: VolatilityState,
    /// Exchange time at which the label was taken on.
    pub since: ExchNs,
    /// Exchange time of the newest reading.
    pub at: ExchNs,
    /// Changes of the label within the hour before that.
    pub changes_1h: u8,
}

impl RegimeState {
    /// True with a direction that is more than noise.
    pub fn is_trending(&self) -> bool {
        self.label != TrendRegime::Sideways && self.confidence > TREND_CONFIDENCE
    }

    /// Where the market goes.
    pub const fn direction(&self) -> Direction {
        self.label.direction()
    }

    /// How long the label has held.
    pub const fn age(&self) -> DurationNs {
        self.at.since(self.since)
    }
}

/// What a composite was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Direction by the ADX, -1 to 1.
    pub adx: f64,
    /// By the order of averages, -1 to 1.
    pub ma: f64,
    /// By relative strength, -1 to 1.
    pub rsi: f64,
    /// By fear and greed, -1 to 1; `None` when unknown or too old, and then without weight.
    pub sentiment: Option<f64>,
    /// Weighted mean of those that are known.
    pub directional: f64,
    /// How much of a trend it is, whatever its direction, 0 to 1.
    pub trendiness: f64,
    /// How much volume confirms it, 0.8 to 1.2.
    pub volume_gain: f64,
}

/// What the timeframes of one symbol say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confluence {
    /// The direction they agree on, or sideways.
    pub dominant: TrendRegime,
    /// Weight of the winning direction over that of all known timeframes; one half in a tie.
    pub alignment: f64,
    /// Weight of the known timeframes over that of all, 0 to 1.
    pub coverage: f64,
}

/// The regime of one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SymbolRegime {
    /// The label.
    pub state: RegimeState,
    /// Parts of the newest score, before smoothing.
    pub scores: Scores,
    /// Average directional index, 0 to 100.
    pub adx: f64,
    /// Average true range of the minute in percent of its close.
    pub atr_pct: f64,
    /// What longer timeframes say; `None` before the first of them is known.
    pub confluence: Option<Confluence>,
}

/// The regime of all symbols together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarketRegime {
    /// The label of the mean score; the volatility of the wildest symbol.
    pub state: RegimeState,
    /// Symbols that it is the mean of.
    pub symbols: u16,
}

/// A change of a confirmed label.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transition {
    /// Before.
    pub from: TrendRegime,
    /// After.
    pub to: TrendRegime,
    /// Exchange time.
    pub at: ExchNs,
    /// The smoothed score that confirmed it.
    pub composite: f64,
}

/// Timeframes that a regime looks at, with their weight in the confluence.
pub const CONFLUENCE: [(Timeframe, u8); 5] = [
    (Timeframe::M1, 1),
    (Timeframe::M5, 2),
    (Timeframe::M15, 3),
    (Timeframe::H1, 4),
    (Timeframe::H4, 5),
];

/// How far ahead of the exchange's time a value from outside may be dated: clocks differ.
const CLOCKS_DIFFER: DurationNs = DurationNs::from_secs(60);

/// What the crowd feels, from outside the venue. Either value may be missing; neither is ever made up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sentiment {
    /// Fear and greed, 0 (fear) to 100 (greed).
    pub fear_greed: Option<u8>,
    /// Share of bitcoin in the value of all coins, in percent.
    pub btc_dominance: Option<f64>,
    /// When the older of the two was fetched.
    pub taken_at: ExchNs,
}

impl PartialEq for Sentiment {
    /// To the bit: whether a recording reads back is the question, not how near two numbers are.
    fn eq(&self, other: &Self) -> bool {
        self.fear_greed == other.fear_greed
            && self.btc_dominance.map(f64::to_bits) == other.btc_dominance.map(f64::to_bits)
            && self.taken_at == other.taken_at
    }
}

impl Eq for Sentiment {}

impl Sentiment {
    /// True when every value is one that its source can have.
    pub fn is_plausible(&self) -> bool {
        self.fear_greed.is_none_or(|value| value <= 100)
            && self.btc_dominance.is_none_or(|share| (0.0..=100.0).contains(&share))
    }

    /// Fear and greed when it is not older than `age_max` at `now`, nor from after it: a bar of the past
    /// must not know it.
    pub fn fear_greed_at(&self, now: ExchNs, age_max: DurationNs) -> Option<u8> {
        let is_known = self.taken_at.since(now) <= CLOCKS_DIFFER;
        let is_fresh = now.since(self.taken_at) <= age_max;
        self.fear_greed.filter(|_| is_known && is_fresh)
    }
}

/// What a regime changes about a strategy's entries; exits are never touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjustment {
    /// Factor on the size of an entry and on the largest position.
    pub size: f64,
    /// Factor on the distance of stops.
    pub stop: f64,
    /// Factor on the distance of targets.
    pub target: f64,
    /// Added to the strategy's threshold of entry.
    pub entry_shift: f64,
    /// Whether entries are made at all.
    pub is_enabled: bool,
}

impl Adjustment {
    /// Changes nothing.
    pub const NEUTRAL: Self =
        Self { size: 1.0, stop: 1.0, target: 1.0, entry_shift: 0.0, is_enabled: true };
}

impl Default for Adjustment {
    fn default() -> Self {
        Self::NEUTRAL
    }
}

#[cfg(test)]
mod tests;
