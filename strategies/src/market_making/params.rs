//! Parameters of the market maker, with the defaults of each pair's role.

use std::collections::BTreeMap;

use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::session::SESSION_HOURS;
use serde::{Deserialize, Serialize};

use crate::checks::{self, DAY_S, OfPair, PCT_MAX};
pub use crate::regime::RegimeMode;
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// How it trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Rests on both sides.
    Quotes,
    /// Crosses the spread when the book leans: the predecessor's rule, kept as a baseline.
    Taker,
}

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How it trades.
    pub mode: Mode,
    /// Share of the way from the mid to the micro-price at which the fair price lies.
    pub micro_weight: f64,
    /// Seconds after which half of the mid's variance is forgotten.
    pub variance_half_life_s: f64,
    /// Seconds for which the risk of the inventory is borne.
    pub horizon_s: f64,
    /// What each side earns at least beyond its own maker fee, in percent.
    pub edge_min_pct: f64,
    /// A quote moves when it is off by this share of the half spread, and at least a tick.
    pub requote_share: f64,
    /// Milliseconds between two changes of a quote.
    pub requote_min_ms: u64,
    /// Cancels and replacements within `changes_window_s` in one pair.
    pub changes_max: usize,
    /// Length of that window, in seconds.
    pub changes_window_s: u64,
    /// Order-flow imbalance that widens the attacked side by half of its spread.
    pub ofi_widen: f64,
    /// Changes of the touch before the order-flow imbalance is believed.
    pub ofi_updates_min: u64,
    /// A VPIN above this quantile of its own history takes both quotes away.
    pub vpin_quantile: f64,
    /// Half spreads that the mid may run against fills within 5 s, on average, before both widen.
    pub markout_limit: f64,
    /// Slope of 20 closes that counts as a trend, in percent a minute.
    pub trend_slope_pct: f64,
    /// Closed minutes in a row that make it one.
    pub trend_minutes: u32,
    /// How volatility is cut into regimes.
    pub regime: RegimeMode,
    /// Cuts of the fixed mode, in percent of sigma a minute.
    pub regime_cuts_pct: [f64; 3],
    /// First UTC hours of Asia, Europe, overlap, Americas, off hours.
    pub session_hours: [u8; 5],
    /// A cross pair is not quoted once its two markets correlate less; 0 does not ask.
    pub correlation_pause: f64,
    /// It is quoted again once they correlate more.
    pub correlation_resume: f64,
    /// Age in seconds after which inventory is offered at the touch.
    pub decay_after_s: u64,
    /// Age in seconds after which it is sold across the spread.
    pub unwind_after_s: u64,
    /// Seconds between two such sales.
    pub unwind_every_s: u64,
    /// Share of the inventory in each.
    pub unwind_share: f64,
    /// Seconds without entries in a pair after its stop.
    pub stop_pause_s: u64,
    /// Smaller entries are not made.
    pub size_usd_min: f64,
    /// Largest inventory of one pair as a multiple of equity.
    pub equity_mult_max: f64,
    /// Losing positions in a row that pause entries; 0 never does.
    pub losses_max: u32,
    /// Length of that pause, in minutes.
    pub losses_pause_min: u64,
    /// Loss of the session, in percent of the starting equity, that ends entries.
    pub session_loss_max_pct: f64,
    /// No quotes on a book that did not change for longer, in milliseconds.
    pub book_age_max_ms: u64,
    /// What only the taker mode uses.
    pub taker: TakerParams,
    /// Overrides by pair.
    pub symbols: BTreeMap<String, SymbolParams>,
}

/// What only the taker mode uses.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TakerParams {
    /// What half of the spread must leave after two fees, in percent.
    pub net_min_pct: f64,
    /// Taker orders the flow is taken over.
    pub flow_orders: usize,
    /// Imbalance of the flow that confirms that of the book.
    pub flow_confirm: f64,
    /// The window's oldest order may be this old, in seconds.
    pub flow_age_max_s: u64,
    /// Imbalance of the book against a position that reduces it.
    pub reduce_imbalance: f64,
    /// Volatility in percent a minute at which thresholds begin to grow.
    pub volatility_base_pct: f64,
    /// Their largest multiple.
    pub volatility_mult_max: f64,
    /// Share of the target that is enough for an old position.
    pub decay_target_mult: f64,
    /// True: trail the best price.
    pub trails: bool,
    /// Profit that arms the trail, in percent.
    pub trail_activate_pct: f64,
    /// Distance of the trail, in percent.
    pub trail_distance_pct: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            mode: Mode::Quotes,
            micro_weight: 1.0,
            variance_half_life_s: 120.0,
            horizon_s: 60.0,
            edge_min_pct: 0.02,
            requote_share: 0.15,
            requote_min_ms: 250,
            changes_max: 15,
            changes_window_s: 10,
            ofi_widen: 1.5,
            ofi_updates_min: 200,
            vpin_quantile: 0.95,
            markout_limit: 1.5,
            trend_slope_pct: 0.05,
            trend_minutes: 3,
            regime: RegimeMode::Adaptive,
            regime_cuts_pct: [0.3, 0.8, 1.5],
            session_hours: SESSION_HOURS,
            correlation_pause: 0.5,
            correlation_resume: 0.6,
            decay_after_s: 300,
            unwind_after_s: 900,
            unwind_every_s: 60,
            unwind_share: 0.5,
            stop_pause_s: 60,
            size_usd_min: 5.0,
            equity_mult_max: 1.0,
            losses_max: 3,
            losses_pause_min: 15,
            session_loss_max_pct: 5.0,
            book_age_max_ms: 2000,
            taker: TakerParams::default(),
            symbols: BTreeMap::new(),
        }
    }
}

impl Default for TakerParams {
    fn default() -> Self {
        Self {
            net_min_pct: 0.05,
            flow_orders: 50,
            flow_confirm: 0.15,
            flow_age_max_s: 900,
            reduce_imbalance: 0.2,
            volatility_base_pct: 0.5,
            volatility_mult_max: 1.5,
            decay_target_mult: 0.5,
            trails: false,
            trail_activate_pct: 0.2,
            trail_distance_pct: 0.15,
        }
    }
}

pair_table! {
    /// Size of a quote: in dollars, or in coins of the base for a pair quoted in bitcoin.
    size: f64,
    /// Largest inventory, in the same unit.
    inventory_max: f64,
    /// How far the fair price is moved against inventory, in deviations of the horizon.
    inventory_aversion: f64,
    /// Coins of the base among the account's starting assets: a pair quoted in bitcoin sells these and
    /// what it bought, never more.
    seeded: f64,
    /// Stop, in percent of the average entry.
    stop_pct: f64,
    /// Taker mode: target, in percent of the fill.
    target_pct: f64,
    /// Taker mode: smallest spread, in percent.
    spread_min_pct: f64,
    /// Taker mode: imbalance of the book that enters.
    imbalance_threshold: f64,
    /// Taker mode: seconds between entries.
    cooldown_s: u64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        let alt = Self {
            size: 20.0,
            inventory_max: 100.0,
            inventory_aversion: 0.5,
            seeded: 0.0,
            stop_pct: 0.5,
            target_pct: 0.5,
            spread_min_pct: 0.05,
            imbalance_threshold: 0.10,
            cooldown_s: 5,
        };
        match role {
            Role::Alt => alt,
            Role::Bitcoin => Self {
                size: 50.0,
                inventory_max: 200.0,
                inventory_aversion: 0.4,
                stop_pct: 0.35,
                target_pct: 0.35,
                spread_min_pct: 0.03,
                imbalance_threshold: 0.08,
                cooldown_s: 3,
                ..alt
            },
            Role::Cross => Self {
                size: 25.0,
                inventory_max: 150.0,
                inventory_aversion: 0.6,
                stop_pct: 0.4,
                target_pct: 0.4,
                spread_min_pct: 0.03,
                imbalance_threshold: 0.15,
                cooldown_s: 10,
                ..alt
            },
        }
    }
}

/// Largest amount, in dollars or coins, that can be meant.
const AMOUNT_MAX: f64 = 1e9;

impl Validate for Params {
    reloadable!(
        micro_weight: f64,
        horizon_s: f64,
        edge_min_pct: f64,
        requote_share: f64,
        requote_min_ms: u64,
        ofi_widen: f64,
        markout_limit: f64,
        decay_after_s: u64,
        unwind_after_s: u64,
        unwind_every_s: u64,
        unwind_share: f64,
        size_usd_min: f64,
        equity_mult_max: f64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("micro_weight", self.micro_weight, 0.0, 1.0)?;
        check("variance_half_life_s", self.variance_half_life_s, 1.0, 86_400.0)?;
        check("horizon_s", self.horizon_s, 1.0, 86_400.0)?;
        check("edge_min_pct", self.edge_min_pct, 0.0, PCT_MAX)?;
        check("requote_share", self.requote_share, 0.0, 1.0)?;
        OutOfRange::check("requote_min_ms", self.requote_min_ms, 0, 60_000)?;
        OutOfRange::check("changes_max", self.changes_max, 1, 10_000)?;
        OutOfRange::check("changes_window_s", self.changes_window_s, 1, DAY_S)?;
        check("ofi_widen", self.ofi_widen, 0.01, 100.0)?;
        OutOfRange::check("ofi_updates_min", self.ofi_updates_min, 1, 1_000_000)?;
        check("vpin_quantile", self.vpin_quantile, 0.5, 0.999)?;
        check("markout_limit", self.markout_limit, 0.0, 100.0)?;
        check("trend_slope_pct", self.trend_slope_pct, 0.0, PCT_MAX)?;
        OutOfRange::check("trend_minutes", self.trend_minutes, 1, 1440)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        checks::session_hours(self.session_hours)?;
        check("correlation_pause", self.correlation_pause, 0.0, 1.0)?;
        check("correlation_resume", self.correlation_resume, self.correlation_pause, 1.0)?;
        self.validate_exits()?;
        self.taker.validate()?;
        self.symbols.iter().try_for_each(|(name, own)| own.validate(name))
    }
}

impl Params {
    fn validate_exits(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        OutOfRange::check("decay_after_s", self.decay_after_s, 1, 30 * DAY_S)?;
        let unwind = self.unwind_after_s;
        OutOfRange::check("unwind_after_s", unwind, self.decay_after_s, 30 * DAY_S)?;
        OutOfRange::check("unwind_every_s", self.unwind_every_s, 1, DAY_S)?;
        check("unwind_share", self.unwind_share, 0.01, 1.0)?;
        OutOfRange::check("stop_pause_s", self.stop_pause_s, 0, DAY_S)?;
        check("size_usd_min", self.size_usd_min, 0.01, AMOUNT_MAX)?;
        check("equity_mult_max", self.equity_mult_max, 0.01, 10.0)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_S / 60)?;
        check("session_loss_max_pct", self.session_loss_max_pct, 0.0, 100.0)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_S * 1000)
    }
}

impl TakerParams {
    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("taker.net_min_pct", self.net_min_pct, -PCT_MAX, PCT_MAX)?;
        OutOfRange::check("taker.flow_orders", self.flow_orders, 5, 1000)?;
        check("taker.flow_confirm", self.flow_confirm, 0.0, 1.0)?;
        OutOfRange::check("taker.flow_age_max_s", self.flow_age_max_s, 1, DAY_S)?;
        check("taker.reduce_imbalance", self.reduce_imbalance, 0.0, 1.0)?;
        check("taker.volatility_base_pct", self.volatility_base_pct, 0.001, 100.0)?;
        check("taker.volatility_mult_max", self.volatility_mult_max, 1.0, 100.0)?;
        check("taker.decay_target_mult", self.decay_target_mult, 0.0, 1.0)?;
        check("taker.trail_activate_pct", self.trail_activate_pct, 0.0, PCT_MAX)?;
        check("taker.trail_distance_pct", self.trail_distance_pct, 0.01, PCT_MAX)
    }
}

impl SymbolParams {
    fn validate(&self, name: &str) -> Result<(), OutOfRange> {
        let (pair, all) = (OfPair::named(name)?, Table::of_name(name, self));
        pair.check("size", all.size, 1e-8, AMOUNT_MAX)?;
        pair.check("inventory_max", all.inventory_max, 1e-8, AMOUNT_MAX)?;
        pair.check("inventory_aversion", all.inventory_aversion, 0.01, 1.0)?;
        pair.check("seeded", all.seeded, 0.0, AMOUNT_MAX)?;
        pair.check("stop_pct", all.stop_pct, 0.01, PCT_MAX)?;
        pair.check("target_pct", all.target_pct, 0.01, PCT_MAX)?;
        if let (Some(stop), Some(target)) = (self.stop_pct, self.target_pct) {
            let pays = target >= 0.5 * stop;
            pair.require("target_pct", pays, "is less than half of the stop")?;
        }
        pair.check("spread_min_pct", all.spread_min_pct, 0.0, PCT_MAX)?;
        pair.check("imbalance_threshold", all.imbalance_threshold, 0.0, 1.0)?;
        pair.check("cooldown_s", all.cooldown_s, 0, DAY_S)
    }
}

/// Minutes that must have closed for either regime mode.
pub(super) const WARMUP_MINUTES: u16 = RegimeMonitor::CLOSES_ADAPTIVE;
