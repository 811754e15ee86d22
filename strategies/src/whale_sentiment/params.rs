//! Parameters of the whale-sentiment strategy, with the defaults of each pair's role.

use std::collections::BTreeMap;

use paperwire_signals::session::SESSION_HOURS;
use serde::{Deserialize, Serialize};

use crate::checks::{self, DAY_S, OfPair, PCT_MAX, USD_MAX};
pub use crate::regime::RegimeMode;
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// True: buys fear and sells greed; false: the reverse.
    pub is_contrarian: bool,
    /// Change of the bar, in percent, from which its volume has a direction.
    pub whale_move_pct: f64,
    /// Volume over its usual that must have moved the price, or it is not believed.
    pub still_volume_mult: f64,
    /// Prints that a bar of large volume must consist of.
    pub prints_min: u32,
    /// Spread beyond which large volume is not believed, in percent.
    pub spread_max_pct: f64,
    /// Newest taker orders that must have turned against the fall, or the rise.
    pub turn_orders: usize,
    /// Their least imbalance in the direction of the entry.
    pub turn_min: f64,
    /// Taker orders that must not lean against an entry with the crowd.
    pub flow_orders: usize,
    /// Their imbalance from which they do.
    pub flow_veto: f64,
    /// Sum of the signs below which there is no entry; less in an extreme, more in a lively market.
    pub confidence_min: f64,
    /// How volatility is cut into regimes.
    pub regime: RegimeMode,
    /// Cuts of the fixed mode, in percent of sigma a minute.
    pub regime_cuts_pct: [f64; 3],
    /// Hours in one extreme after which entries are smaller.
    pub zone_shrink_h: u64,
    /// Factor on them.
    pub zone_shrink_mult: f64,
    /// Hours in one extreme after which there are no entries.
    pub zone_pause_h: u64,
    /// Correlation of bitcoin and the other asset that forbids the same direction in both.
    pub correlation_block: f64,
    /// Size of shorts.
    pub short_size_mult: f64,
    /// What must remain of the target after fees and spread, in percent.
    pub net_min_pct: f64,
    /// True: trail the best price once half of the target is earned.
    pub trails: bool,
    /// Distance of the trail, in percent.
    pub trail_distance_pct: f64,
    /// Largest sum of positions.
    pub total_usd_max: f64,
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
            is_contrarian: true,
            whale_move_pct: 0.1,
            still_volume_mult: 3.0,
            prints_min: 20,
            spread_max_pct: 0.5,
            turn_orders: 10,
            turn_min: 0.0,
            flow_orders: 50,
            flow_veto: 0.10,
            confidence_min: 0.50,
            regime: RegimeMode::Adaptive,
            regime_cuts_pct: [0.3, 0.8, 1.5],
            zone_shrink_h: 72,
            zone_shrink_mult: 0.7,
            zone_pause_h: 168,
            correlation_block: 0.85,
            short_size_mult: 0.6,
            net_min_pct: 0.10,
            trails: false,
            trail_distance_pct: 1.0,
            total_usd_max: 150.0,
            long_usd_max: 100.0,
            short_usd_max: 75.0,
            same_side_mult: 0.75,
            size_usd_min: 5.0,
            losses_max: 2,
            losses_pause_min: 45,
            session_loss_max_pct: 5.0,
            session_hours: SESSION_HOURS,
            book_age_max_ms: 2000,
            flow_age_max_s: 900,
            symbols: BTreeMap::new(),
        }
    }
}

pair_table! {
    /// Volume over its usual that is large.
    volume_mult: f64,
    /// Distance from the highest price of four hours that is fear, and from the lowest that is greed, in
    /// percent.
    zone_pct: f64,
    /// Distance at which either is extreme.
    extreme_pct: f64,
    /// Value of an entry.
    position_usd: f64,
    /// Largest position.
    position_usd_max: f64,
    /// Stop, in percent of the fill.
    stop_pct: f64,
    /// Target, in percent of the fill.
    target_pct: f64,
    /// Seconds between entries.
    cooldown_s: u64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        match role {
            Role::Alt => Self {
                volume_mult: 2.0,
                zone_pct: 5.0,
                extreme_pct: 8.0,
                position_usd: 25.0,
                position_usd_max: 75.0,
                stop_pct: 2.5,
                target_pct: 5.0,
                cooldown_s: 120,
            },
            Role::Bitcoin => Self {
                volume_mult: 2.5,
                zone_pct: 7.0,
                extreme_pct: 10.0,
                position_usd: 50.0,
                position_usd_max: 100.0,
                stop_pct: 2.0,
                target_pct: 4.0,
                cooldown_s: 180,
            },
            Role::Cross => Self {
                volume_mult: 3.0,
                zone_pct: 8.0,
                extreme_pct: 12.0,
                position_usd: 15.0,
                position_usd_max: 40.0,
                stop_pct: 3.0,
                target_pct: 6.0,
                cooldown_s: 240,
            },
        }
    }
}

/// Largest multiple and longest wait that can be meant.
const MULT_MAX: f64 = 100.0;
const YEAR_H: u64 = 24 * 365;

impl Validate for Params {
    reloadable!(
        is_contrarian: bool,
        whale_move_pct: f64,
        still_volume_mult: f64,
        prints_min: u32,
        spread_max_pct: f64,
        turn_orders: usize,
        turn_min: f64,
        flow_orders: usize,
        flow_veto: f64,
        confidence_min: f64,
        zone_shrink_h: u64,
        zone_shrink_mult: f64,
        zone_pause_h: u64,
        correlation_block: f64,
        short_size_mult: f64,
        net_min_pct: f64,
        trails: bool,
        trail_distance_pct: f64,
        total_usd_max: f64,
        size_usd_min: f64,
        book_age_max_ms: u64,
        flow_age_max_s: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("whale_move_pct", self.whale_move_pct, 0.0, PCT_MAX)?;
        check("still_volume_mult", self.still_volume_mult, 0.0, MULT_MAX)?;
        OutOfRange::check("prints_min", self.prints_min, 0, 1_000_000)?;
        check("spread_max_pct", self.spread_max_pct, 0.0, PCT_MAX)?;
        OutOfRange::check("turn_orders", self.turn_orders, 5, 1000)?;
        check("turn_min", self.turn_min, 0.0, 1.0)?;
        OutOfRange::check("flow_orders", self.flow_orders, 5, 1000)?;
        check("flow_veto", self.flow_veto, 0.0, 1.0)?;
        check("confidence_min", self.confidence_min, 0.40, 0.60)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        OutOfRange::check("zone_shrink_h", self.zone_shrink_h, 0, YEAR_H)?;
        check("zone_shrink_mult", self.zone_shrink_mult, 0.0, 1.0)?;
        OutOfRange::check("zone_pause_h", self.zone_pause_h, 0, YEAR_H)?;
        check("correlation_block", self.correlation_block, 0.0, 1.0)?;
        check("short_size_mult", self.short_size_mult, 0.0, 1.0)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        check("trail_distance_pct", self.trail_distance_pct, 0.01, PCT_MAX)?;
        check("total_usd_max", self.total_usd_max, 0.0, USD_MAX)?;
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
        pair.check("volume_mult", all.volume_mult, 0.0, MULT_MAX)?;
        pair.check("zone_pct", all.zone_pct, 0.01, PCT_MAX)?;
        pair.check("extreme_pct", all.extreme_pct, all.zone_pct, PCT_MAX)?;
        pair.check("position_usd", all.position_usd, 0.01, USD_MAX)?;
        pair.check("position_usd_max", all.position_usd_max, 0.0, USD_MAX)?;
        // A lively market sets both half as far again.
        pair.check("stop_pct", all.stop_pct, 0.01, PCT_MAX)?;
        pair.check("target_pct", all.target_pct, 0.01, PCT_MAX)?;
        pair.check("cooldown_s", all.cooldown_s, 0, DAY_S)
    }
}
