//! Parameters of the momentum-scalping strategy, with the defaults of each pair's role.

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
    /// RSI that a burst upwards comes from; mirrored around 50 for one downwards.
    pub rsi_oversold: f64,
    /// The same in a lively market.
    pub rsi_oversold_lively: f64,
    /// Sum of the triggers below which there is no entry.
    pub strength_min: f64,
    /// Taker orders whose imbalance must point along.
    pub flow_orders: usize,
    /// Their least imbalance.
    pub flow_min: f64,
    /// How volatility is cut into regimes.
    pub regime: RegimeMode,
    /// Cuts of the fixed mode, in percent of sigma a minute.
    pub regime_cuts_pct: [f64; 3],
    /// True: no entries in the extreme regime.
    pub pauses_in_extreme: bool,
    /// RSI at which a long in profit is exhausted; mirrored around 50 for a short.
    pub exhaustion_rsi: f64,
    /// A position is closed after this many seconds.
    pub hold_max_s: u64,
    /// Profit that arms the trail, in percent.
    pub trail_activate_pct: f64,
    /// Distance of the trail from the best price, in ATR.
    pub trail_atr: f64,
    /// What must remain of the target after fees and spread, in percent.
    pub net_min_pct: f64,
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
            rsi_oversold: 30.0,
            rsi_oversold_lively: 25.0,
            strength_min: 0.5,
            flow_orders: 50,
            flow_min: 0.10,
            regime: RegimeMode::Adaptive,
            regime_cuts_pct: [0.2, 0.6, 1.2],
            pauses_in_extreme: true,
            exhaustion_rsi: 70.0,
            hold_max_s: 600,
            trail_activate_pct: 0.4,
            trail_atr: 1.5,
            net_min_pct: 0.10,
            position_usd_max: 50.0,
            total_usd_max: 75.0,
            long_usd_max: 100.0,
            short_usd_max: 100.0,
            same_side_mult: 0.75,
            size_usd_min: 5.0,
            cooldown_s: 30,
            losses_max: 3,
            losses_pause_min: 10,
            session_loss_max_pct: 5.0,
            session_hours: SESSION_HOURS,
            book_age_max_ms: 2000,
            flow_age_max_s: 900,
            symbols: BTreeMap::new(),
        }
    }
}

pair_table! {
    /// Changes that the RSI is over.
    rsi_period: u32,
    /// Value of an entry.
    position_usd: f64,
    /// Target, in percent of the fill.
    target_pct: f64,
    /// Stop, in percent of the fill.
    stop_pct: f64,
    /// Volume over its usual that confirms a burst.
    volume_mult: f64,
    /// Taker orders between entries.
    cooldown_trades: u64,
    /// Trend strength (ADX) below which there is nothing to ride; 0 for any.
    adx_min: f64,
    /// Trend strength from which it is late; above 100 for never.
    adx_max: f64,
    /// Correlation of bitcoin and the other asset below which there is no entry; 0 does not ask.
    correlation_min: f64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        let base = Self {
            rsi_period: 8,
            position_usd: 25.0,
            target_pct: 0.8,
            stop_pct: 0.4,
            volume_mult: 1.5,
            cooldown_trades: 5,
            adx_min: 0.0,
            adx_max: 101.0,
            correlation_min: 0.0,
        };
        match role {
            Role::Alt => base,
            Role::Bitcoin => Self {
                rsi_period: 9,
                position_usd: 50.0,
                target_pct: 0.6,
                stop_pct: 0.3,
                volume_mult: 1.8,
                // A burst wants a trend: it is no trend, or one that is nearly over, that is refused.
                adx_min: 15.0,
                adx_max: 45.0,
                ..base
            },
            Role::Cross => Self {
                rsi_period: 9,
                position_usd: 15.0,
                target_pct: 1.2,
                stop_pct: 0.6,
                volume_mult: 2.0,
                cooldown_trades: 15,
                correlation_min: 0.60,
                ..base
            },
        }
    }
}

/// Largest multiple that can be meant.
const MULT_MAX: f64 = 20.0;

impl Validate for Params {
    reloadable!(
        rsi_oversold: f64,
        rsi_oversold_lively: f64,
        strength_min: f64,
        flow_orders: usize,
        flow_min: f64,
        pauses_in_extreme: bool,
        exhaustion_rsi: f64,
        hold_max_s: u64,
        trail_activate_pct: f64,
        trail_atr: f64,
        net_min_pct: f64,
        position_usd_max: f64,
        total_usd_max: f64,
        size_usd_min: f64,
        cooldown_s: u64,
        book_age_max_ms: u64,
        flow_age_max_s: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("rsi_oversold", self.rsi_oversold, 1.0, 49.0)?;
        check("rsi_oversold_lively", self.rsi_oversold_lively, 1.0, 49.0)?;
        check("strength_min", self.strength_min, 0.01, 1.0)?;
        OutOfRange::check("flow_orders", self.flow_orders, 5, 1000)?;
        check("flow_min", self.flow_min, 0.0, 1.0)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        check("exhaustion_rsi", self.exhaustion_rsi, 51.0, 101.0)?;
        OutOfRange::check("hold_max_s", self.hold_max_s, 1, DAY_S)?;
        check("trail_activate_pct", self.trail_activate_pct, 0.0, PCT_MAX)?;
        check("trail_atr", self.trail_atr, 0.1, MULT_MAX)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        check("position_usd_max", self.position_usd_max, 0.0, USD_MAX)?;
        check("total_usd_max", self.total_usd_max, 0.0, USD_MAX)?;
        check("long_usd_max", self.long_usd_max, 0.0, USD_MAX)?;
        check("short_usd_max", self.short_usd_max, 0.0, USD_MAX)?;
        check("same_side_mult", self.same_side_mult, 0.0, 1.0)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        OutOfRange::check("cooldown_s", self.cooldown_s, 0, DAY_S)?;
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
        pair.check("rsi_period", all.rsi_period, 2, 50)?;
        pair.check("position_usd", all.position_usd, 0.01, USD_MAX)?;
        pair.check("target_pct", all.target_pct, 0.01, PCT_MAX)?;
        pair.check("stop_pct", all.stop_pct, 0.01, PCT_MAX)?;
        pair.check("volume_mult", all.volume_mult, 0.0, MULT_MAX)?;
        pair.check("cooldown_trades", all.cooldown_trades, 0, 1_000_000)?;
        pair.check("adx_min", all.adx_min, 0.0, 100.0)?;
        pair.check("adx_max", all.adx_max, all.adx_min, 101.0)?;
        pair.check("correlation_min", all.correlation_min, 0.0, 1.0)
    }
}
