//! Parameters of the breakout strategy, with the defaults of each pair's role.

use std::collections::BTreeMap;

use paperwire_core::bar::Timeframe;
use paperwire_signals::session::SESSION_HOURS;
use serde::{Deserialize, Serialize};

use crate::checks::{self, DAY_S, OfPair, PCT_MAX, USD_MAX};
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// Length of the bars that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum BarLength {
    /// One minute.
    #[serde(rename = "1m")]
    M1,
    /// Five minutes.
    #[serde(rename = "5m")]
    M5,
    /// Fifteen minutes.
    #[serde(rename = "15m")]
    M15,
}

impl BarLength {
    pub(super) const fn timeframe(self) -> Timeframe {
        match self {
            Self::M1 => Timeframe::M1,
            Self::M5 => Timeframe::M5,
            Self::M15 => Timeframe::M15,
        }
    }
}

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Distance of the confirming Keltner band from its average, in ATR.
    pub keltner_atr: f64,
    /// Trend strength that confirms a break.
    pub adx_min: f64,
    /// ATR over its usual that confirms a break as well.
    pub atr_ratio_min: f64,
    /// Imbalance of the newest 50 taker orders that must point along.
    pub flow_min: f64,
    /// Where in its bar the close must lie, from 0 (the wrong end) to 1.
    pub location_min: f64,
    /// A close farther beyond the channel is chased too late, in ATR.
    pub extension_max_atr: f64,
    /// Widest spread, in ATR.
    pub spread_max_atr: f64,
    /// The move that is expected, in ATR; it must pay the costs.
    pub expected_move_atr: f64,
    /// What must remain of it after fees and spread, in percent.
    pub net_min_pct: f64,
    /// Bars of the last 20 with Bollinger inside Keltner that make a squeeze.
    pub squeeze_bars_min: u32,
    /// Size after a squeeze.
    pub squeeze_size_mult: f64,
    /// Size of shorts.
    pub short_size_mult: f64,
    /// Equity lost when the first stop is hit, in percent.
    pub risk_pct: f64,
    /// Distance of the first stop, in ATR; the middle of the channel may be nearer.
    pub stop_atr: f64,
    /// Smallest distance of the first stop, in percent.
    pub stop_min_pct: f64,
    /// Profit at which part is taken, in multiples of the first risk.
    pub partial_at_r: f64,
    /// The part that is taken then.
    pub partial_share: f64,
    /// Distance of the trailing stop from the best price, in ATR.
    pub chandelier_atr: f64,
    /// A close back inside the channel within this many bars ends the position.
    pub failed_within_bars: u32,
    /// A position this many bars old must have earned `time_stop_r`.
    pub time_stop_bars: u32,
    /// Multiples of the first risk that must be earned by then.
    pub time_stop_r: f64,
    /// Largest sum of long exposure by asset.
    pub long_usd_max: f64,
    /// Largest sum of short exposure by asset.
    pub short_usd_max: f64,
    /// Factor on an entry when another asset is open in the same direction.
    pub same_side_mult: f64,
    /// Smaller entries are not made.
    pub size_usd_min: f64,
    /// Losing positions in a row that pause entries; 0 never does.
    pub losses_max: u32,
    /// Length of that pause, in minutes.
    pub losses_pause_min: u64,
    /// Loss of the session, in percent of the starting equity, that ends entries.
    pub session_loss_max_pct: f64,
    /// First UTC hours of Asia, Europe, overlap, Americas, off hours.
    pub session_hours: [u8; 5],
    /// No entries on a book that did not change for longer, in milliseconds.
    pub book_age_max_ms: u64,
    /// No entries when the window's oldest order is older, in seconds.
    pub flow_age_max_s: u64,
    /// Overrides by pair.
    pub symbols: BTreeMap<String, SymbolParams>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            keltner_atr: 2.0,
            adx_min: 20.0,
            atr_ratio_min: 1.5,
            flow_min: 0.10,
            location_min: 0.6,
            extension_max_atr: 1.0,
            spread_max_atr: 0.1,
            expected_move_atr: 1.5,
            net_min_pct: 0.10,
            squeeze_bars_min: 6,
            squeeze_size_mult: 1.25,
            short_size_mult: 0.8,
            risk_pct: 0.75,
            stop_atr: 1.5,
            stop_min_pct: 0.25,
            partial_at_r: 2.0,
            partial_share: 0.5,
            chandelier_atr: 3.0,
            failed_within_bars: 3,
            time_stop_bars: 24,
            time_stop_r: 0.5,
            long_usd_max: 100.0,
            short_usd_max: 100.0,
            same_side_mult: 0.75,
            size_usd_min: 5.0,
            losses_max: 3,
            losses_pause_min: 30,
            session_loss_max_pct: 5.0,
            session_hours: SESSION_HOURS,
            book_age_max_ms: 2000,
            flow_age_max_s: 900,
            symbols: BTreeMap::new(),
        }
    }
}

pair_table! {
    /// Length of the bars that are watched.
    bar: BarLength,
    /// Volume of the breaking bar over its usual.
    volume_mult: f64,
    /// ATR in percent below which the pair is quiet.
    atr_low_pct: f64,
    /// ATR in percent above which it is wild.
    atr_high_pct: f64,
    /// Largest position.
    position_usd_max: f64,
    /// Bars between entries.
    cooldown_bars: u64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        let base = Self {
            bar: BarLength::M5,
            volume_mult: 1.5,
            atr_low_pct: 0.15,
            atr_high_pct: 0.6,
            position_usd_max: 50.0,
            cooldown_bars: 4,
        };
        match role {
            Role::Alt => base,
            Role::Bitcoin => Self { atr_low_pct: 0.10, atr_high_pct: 0.4, ..base },
            Role::Cross => Self {
                bar: BarLength::M15,
                volume_mult: 2.0,
                atr_low_pct: 0.10,
                atr_high_pct: 0.4,
                position_usd_max: 20.0,
                cooldown_bars: 6,
            },
        }
    }
}

/// Largest multiple that can be meant.
const MULT_MAX: f64 = 20.0;

impl Validate for Params {
    reloadable!(
        adx_min: f64,
        atr_ratio_min: f64,
        flow_min: f64,
        location_min: f64,
        extension_max_atr: f64,
        spread_max_atr: f64,
        expected_move_atr: f64,
        net_min_pct: f64,
        squeeze_bars_min: u32,
        squeeze_size_mult: f64,
        short_size_mult: f64,
        risk_pct: f64,
        stop_atr: f64,
        stop_min_pct: f64,
        partial_at_r: f64,
        partial_share: f64,
        chandelier_atr: f64,
        failed_within_bars: u32,
        time_stop_bars: u32,
        time_stop_r: f64,
        size_usd_min: f64,
        book_age_max_ms: u64,
        flow_age_max_s: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("keltner_atr", self.keltner_atr, 0.0, MULT_MAX)?;
        check("adx_min", self.adx_min, 0.0, 100.0)?;
        check("atr_ratio_min", self.atr_ratio_min, 0.0, MULT_MAX)?;
        check("flow_min", self.flow_min, 0.0, 1.0)?;
        check("location_min", self.location_min, 0.0, 1.0)?;
        check("extension_max_atr", self.extension_max_atr, 0.0, MULT_MAX)?;
        check("spread_max_atr", self.spread_max_atr, 0.0, MULT_MAX)?;
        check("expected_move_atr", self.expected_move_atr, 0.0, MULT_MAX)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        OutOfRange::check("squeeze_bars_min", self.squeeze_bars_min, 1, 20)?;
        check("squeeze_size_mult", self.squeeze_size_mult, 0.0, MULT_MAX)?;
        check("short_size_mult", self.short_size_mult, 0.0, MULT_MAX)?;
        check("risk_pct", self.risk_pct, 0.001, PCT_MAX)?;
        check("stop_atr", self.stop_atr, 0.1, MULT_MAX)?;
        check("stop_min_pct", self.stop_min_pct, 0.01, PCT_MAX)?;
        check("partial_at_r", self.partial_at_r, 0.1, 100.0)?;
        check("partial_share", self.partial_share, 0.0, 1.0)?;
        check("chandelier_atr", self.chandelier_atr, 0.1, MULT_MAX)?;
        check("time_stop_r", self.time_stop_r, 0.0, 100.0)?;
        check("long_usd_max", self.long_usd_max, 0.0, USD_MAX)?;
        check("short_usd_max", self.short_usd_max, 0.0, USD_MAX)?;
        check("same_side_mult", self.same_side_mult, 0.0, 1.0)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_S / 60)?;
        check("session_loss_max_pct", self.session_loss_max_pct, 0.0, 100.0)?;
        checks::session_hours(self.session_hours)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_S * 1000)?;
        OutOfRange::check("flow_age_max_s", self.flow_age_max_s, 1, DAY_S)?;
        self.symbols.iter().try_for_each(|(name, own)| own.validate(name))
    }
}

impl SymbolParams {
    fn validate(&self, name: &str) -> Result<(), OutOfRange> {
        let (pair, all) = (OfPair::named(name)?, Table::of_name(name, self));
        pair.check("volume_mult", all.volume_mult, 0.0, 100.0)?;
        pair.check("atr_low_pct", all.atr_low_pct, 0.0, PCT_MAX)?;
        pair.check("atr_high_pct", all.atr_high_pct, 0.0, PCT_MAX)?;
        pair.check("position_usd_max", all.position_usd_max, 0.0, USD_MAX)?;
        pair.check("cooldown_bars", all.cooldown_bars, 0, 100_000)
    }
}
