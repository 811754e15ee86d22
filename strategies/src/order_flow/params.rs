//! Parameters of the order-flow strategy, with the defaults of each pair's role.

use std::collections::BTreeMap;

use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::session::SESSION_HOURS;
use serde::{Deserialize, Serialize};

use crate::checks::{self, DAY_S, OfPair, PCT_MAX, USD_MAX};
pub use crate::regime::RegimeMode;
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// What a high probability of informed trading does to entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VpinMode {
    /// Nothing; it is not measured. Toxic flow hurts who quotes, not necessarily who follows it.
    Off,
    /// Stops them.
    Pause,
    /// Halves them.
    SizeDown,
}

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Taker orders the imbalance is taken over, before the regime stretches or cuts the window.
    pub lookback_trades: usize,
    /// The book must agree by at least this order-flow imbalance.
    pub ofi_confirm: f64,
    /// Changes of the touch before the order-flow imbalance is believed.
    pub ofi_updates_min: u64,
    /// A side may signal again once its imbalance fell below this share of its threshold.
    pub rearm_ratio: f64,
    /// An opposite imbalance this many times its threshold closes a position.
    pub flip_ratio: f64,
    /// How volatility is cut into regimes.
    pub regime: RegimeMode,
    /// Cuts of the fixed mode, in percent of sigma a minute.
    pub regime_cuts_pct: [f64; 3],
    /// True: no entries in the extreme regime.
    pub pauses_in_extreme: bool,
    /// First UTC hours of Asia, Europe, overlap, Americas, off hours.
    pub session_hours: [u8; 5],
    /// What a high VPIN does.
    pub vpin_mode: VpinMode,
    /// A VPIN below this is never high.
    pub vpin_floor: f64,
    /// True: a tape that looks manipulated or broken stops entries.
    pub pauses_on_anomaly: bool,
    /// True: also fade deviations from the window's average price.
    pub fades_to_vwap: bool,
    /// Smallest deviation to fade, in percent; costs may demand more.
    pub vwap_deviation_min_pct: f64,
    /// Size of a fade relative to a momentum entry.
    pub vwap_size_mult: f64,
    /// What must remain of a target after fees and spread, in percent.
    pub net_min_pct: f64,
    /// Ages in seconds at which less profit is enough.
    pub decay_after_s: [u64; 4],
    /// The share of the target that is enough then; 0 is any profit after fees.
    pub decay_mult: [f64; 4],
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
    /// Seconds between entries in one pair.
    pub cooldown_s: u64,
    /// Losing positions in a row that pause entries; 0 never does.
    pub losses_max: u32,
    /// Length of that pause, in minutes.
    pub losses_pause_min: u64,
    /// Loss of the session, in percent of the starting equity, that ends entries.
    pub session_loss_max_pct: f64,
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
            lookback_trades: 50,
            ofi_confirm: 0.25,
            ofi_updates_min: 200,
            rearm_ratio: 0.6,
            flip_ratio: 1.2,
            regime: RegimeMode::Adaptive,
            regime_cuts_pct: [0.3, 0.8, 1.5],
            pauses_in_extreme: false,
            session_hours: SESSION_HOURS,
            vpin_mode: VpinMode::Off,
            vpin_floor: 0.45,
            pauses_on_anomaly: true,
            fades_to_vwap: true,
            vwap_deviation_min_pct: 0.1,
            vwap_size_mult: 0.75,
            net_min_pct: 0.05,
            decay_after_s: [300, 360, 420, 480],
            decay_mult: [0.9, 0.75, 0.5, 0.0],
            trails: false,
            trail_activate_pct: 0.3,
            trail_distance_pct: 0.2,
            position_usd_max: 75.0,
            total_usd_max: 100.0,
            long_usd_max: 150.0,
            short_usd_max: 150.0,
            same_side_mult: 0.75,
            size_usd_min: 5.0,
            cooldown_s: 5,
            losses_max: 3,
            losses_pause_min: 15,
            session_loss_max_pct: 5.0,
            book_age_max_ms: 2000,
            flow_age_max_s: 900,
            symbols: BTreeMap::new(),
        }
    }
}

pair_table! {
    /// Imbalance above which to buy.
    buy_threshold: f64,
    /// Imbalance, downwards, below which to sell.
    sell_threshold: f64,
    /// Volume of the newest five orders over their usual.
    volume_spike_mult: f64,
    /// Value of an entry.
    position_usd: f64,
    /// Target, in percent of the fill.
    target_pct: f64,
    /// Stop, in percent of the fill.
    stop_pct: f64,
    /// Taker orders between entries.
    cooldown_trades: u64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        match role {
            Role::Alt => Self {
                buy_threshold: 0.30,
                sell_threshold: 0.25,
                volume_spike_mult: 2.0,
                position_usd: 25.0,
                target_pct: 1.0,
                stop_pct: 0.5,
                cooldown_trades: 10,
            },
            Role::Bitcoin => Self {
                buy_threshold: 0.25,
                sell_threshold: 0.20,
                volume_spike_mult: 1.8,
                position_usd: 50.0,
                target_pct: 0.8,
                stop_pct: 0.4,
                cooldown_trades: 10,
            },
            Role::Cross => Self {
                buy_threshold: 0.35,
                sell_threshold: 0.30,
                volume_spike_mult: 2.2,
                position_usd: 15.0,
                target_pct: 1.5,
                stop_pct: 0.75,
                cooldown_trades: 15,
            },
        }
    }
}

impl Validate for Params {
    reloadable!(
        ofi_confirm: f64,
        rearm_ratio: f64,
        flip_ratio: f64,
        pauses_in_extreme: bool,
        vpin_floor: f64,
        pauses_on_anomaly: bool,
        fades_to_vwap: bool,
        vwap_deviation_min_pct: f64,
        vwap_size_mult: f64,
        net_min_pct: f64,
        trails: bool,
        trail_activate_pct: f64,
        trail_distance_pct: f64,
        position_usd_max: f64,
        total_usd_max: f64,
        size_usd_min: f64,
        cooldown_s: u64,
        book_age_max_ms: u64,
        flow_age_max_s: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        OutOfRange::check("lookback_trades", self.lookback_trades, 20, 500)?;
        OutOfRange::check("ofi_updates_min", self.ofi_updates_min, 1, 1_000_000)?;
        check("ofi_confirm", self.ofi_confirm, 0.0, 10.0)?;
        check("rearm_ratio", self.rearm_ratio, 0.0, 1.0)?;
        check("flip_ratio", self.flip_ratio, 1.0, 10.0)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        checks::session_hours(self.session_hours)?;
        check("vpin_floor", self.vpin_floor, 0.0, 1.0)?;
        check("vwap_deviation_min_pct", self.vwap_deviation_min_pct, 0.0, PCT_MAX)?;
        check("vwap_size_mult", self.vwap_size_mult, 0.0, 1.0)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        checks::ascending("decay_after_s", &self.decay_after_s)?;
        checks::each("decay_mult", &self.decay_mult, 0.0, 1.0)?;
        check("trail_activate_pct", self.trail_activate_pct, 0.0, PCT_MAX)?;
        check("trail_distance_pct", self.trail_distance_pct, 0.01, PCT_MAX)?;
        check("position_usd_max", self.position_usd_max, 0.0, USD_MAX)?;
        check("total_usd_max", self.total_usd_max, 0.0, USD_MAX)?;
        check("long_usd_max", self.long_usd_max, 0.0, USD_MAX)?;
        check("short_usd_max", self.short_usd_max, 0.0, USD_MAX)?;
        check("same_side_mult", self.same_side_mult, 0.0, 1.0)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        OutOfRange::check("cooldown_s", self.cooldown_s, 0, DAY_S)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_S / 60)?;
        check("session_loss_max_pct", self.session_loss_max_pct, 0.0, 100.0)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_S * 1000)?;
        OutOfRange::check("flow_age_max_s", self.flow_age_max_s, 1, DAY_S)?;
        self.symbols.iter().try_for_each(|(name, own)| own.validate(name))
    }
}

impl SymbolParams {
    fn validate(&self, name: &str) -> Result<(), OutOfRange> {
        let (pair, all) = (OfPair::named(name)?, Table::of_name(name, self));
        pair.check("buy_threshold", all.buy_threshold, 0.01, 1.0)?;
        pair.check("sell_threshold", all.sell_threshold, 0.01, 1.0)?;
        pair.check("volume_spike_mult", all.volume_spike_mult, 0.0, 100.0)?;
        pair.check("position_usd", all.position_usd, 0.01, USD_MAX)?;
        pair.check("target_pct", all.target_pct, 0.01, PCT_MAX)?;
        pair.check("stop_pct", all.stop_pct, 0.01, PCT_MAX)?;
        pair.check("cooldown_trades", all.cooldown_trades, 0, 1_000_000)
    }
}

/// Minutes that must have closed for either regime mode.
pub(super) const WARMUP_MINUTES: u16 = RegimeMonitor::CLOSES_ADAPTIVE;
