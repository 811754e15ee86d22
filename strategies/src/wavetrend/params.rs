//! Parameters of the wave-trend strategy, with the defaults of each pair's role.

use std::collections::BTreeMap;

use paperwire_signals::session::SESSION_HOURS;
use serde::{Deserialize, Serialize};

pub use crate::bar_length::BarLength;
use crate::checks::{self, DAY_S, OfPair, PCT_MAX, USD_MAX};
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Length of the bars; with an hour, turns are fewer and larger, and the first comes after fifty hours.
    pub bar: BarLength,
    /// True: only a crossing that starts in an exhausted zone counts; false: any does.
    pub requires_zone: bool,
    /// Sum of the signs below which there is no entry; 0 to 1.
    pub confidence_min: f64,
    /// Taker orders that must not lean against an entry.
    pub flow_orders: usize,
    /// Their imbalance from which they do.
    pub flow_veto: f64,
    /// Correlation of bitcoin and the other asset that forbids the same direction in both.
    pub correlation_block: f64,
    /// Size of shorts.
    pub short_size_mult: f64,
    /// What must remain of the target after fees and spread, in percent.
    pub net_min_pct: f64,
    /// True: trail the best price.
    pub trails: bool,
    /// Profit that arms the trail, in percent.
    pub trail_activate_pct: f64,
    /// Distance of the trail, in percent.
    pub trail_distance_pct: f64,
    /// Largest position in one pair.
    pub position_usd_max: f64,
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
            bar: BarLength::M5,
            requires_zone: true,
            confidence_min: 0.60,
            flow_orders: 50,
            flow_veto: 0.10,
            correlation_block: 0.85,
            short_size_mult: 0.8,
            net_min_pct: 0.10,
            trails: false,
            trail_activate_pct: 1.0,
            trail_distance_pct: 0.6,
            position_usd_max: 50.0,
            total_usd_max: 75.0,
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
    /// Wave at which the pair is exhausted, upwards and mirrored downwards.
    zone: f64,
    /// Wave at which it is extremely so.
    extreme_zone: f64,
    /// Value of an entry.
    position_usd: f64,
    /// Stop, in percent of the fill.
    stop_pct: f64,
    /// Target, in percent of the fill; never nearer than the stop.
    target_pct: f64,
    /// Seconds between entries.
    cooldown_s: u64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        match role {
            Role::Alt => Self {
                zone: 60.0,
                extreme_zone: 75.0,
                position_usd: 25.0,
                stop_pct: 1.5,
                target_pct: 3.0,
                cooldown_s: 60,
            },
            Role::Bitcoin => Self {
                zone: 65.0,
                extreme_zone: 80.0,
                position_usd: 50.0,
                stop_pct: 1.0,
                target_pct: 2.0,
                cooldown_s: 60,
            },
            Role::Cross => Self {
                zone: 55.0,
                extreme_zone: 70.0,
                position_usd: 15.0,
                stop_pct: 2.0,
                target_pct: 4.0,
                cooldown_s: 120,
            },
        }
    }
}

/// Farthest wave that can be meant.
const WAVE_MAX: f64 = 200.0;

impl Validate for Params {
    reloadable!(
        requires_zone: bool,
        confidence_min: f64,
        flow_orders: usize,
        flow_veto: f64,
        correlation_block: f64,
        short_size_mult: f64,
        net_min_pct: f64,
        trails: bool,
        trail_activate_pct: f64,
        trail_distance_pct: f64,
        position_usd_max: f64,
        total_usd_max: f64,
        size_usd_min: f64,
        book_age_max_ms: u64,
        flow_age_max_s: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("confidence_min", self.confidence_min, 0.0, 1.0)?;
        OutOfRange::check("flow_orders", self.flow_orders, 5, 1000)?;
        check("flow_veto", self.flow_veto, 0.0, 1.0)?;
        check("correlation_block", self.correlation_block, 0.0, 1.0)?;
        check("short_size_mult", self.short_size_mult, 0.0, 1.0)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        check("trail_activate_pct", self.trail_activate_pct, 0.0, PCT_MAX)?;
        check("trail_distance_pct", self.trail_distance_pct, 0.01, PCT_MAX)?;
        check("position_usd_max", self.position_usd_max, 0.0, USD_MAX)?;
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
        pair.check("zone", all.zone, 1.0, WAVE_MAX)?;
        pair.check("extreme_zone", all.extreme_zone, all.zone, WAVE_MAX)?;
        pair.check("position_usd", all.position_usd, 0.01, USD_MAX)?;
        pair.check("stop_pct", all.stop_pct, 0.01, PCT_MAX)?;
        pair.check("target_pct", all.target_pct, 0.01, PCT_MAX)?;
        // A target nearer than the stop needs to be right more often than a turning point is.
        let is_paid = all.target_pct >= all.stop_pct;
        pair.require("target_pct", is_paid, "is at least stop_pct")?;
        pair.check("cooldown_s", all.cooldown_s, 0, DAY_S)
    }
}
