//! Parameters of the grid strategy, with the defaults of each pair's role.

use std::collections::BTreeMap;

use paperwire_signals::session::SESSION_HOURS;
use serde::{Deserialize, Serialize};

use crate::checks::{self, DAY_S, OfPair, PCT_MAX};
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// Levels that fit, those of earlier grids that still hold something included.
pub(super) const SLOTS: usize = 40;

/// How the levels of a grid lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GridKind {
    /// Each a share below the one above.
    Geometric,
    /// All the same distance apart.
    Arithmetic,
}

/// How a level is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderMode {
    /// By an order that rests at the level.
    Resting,
    /// At the market once the price is near the level, one at a time.
    Market,
}

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How a level is bought.
    pub order_mode: OrderMode,
    /// How far above a level still counts as at it, in the market mode.
    pub level_slack_pct: f64,
    /// Levels lie at least this many average true ranges of an hour apart.
    pub spacing_atr: f64,
    /// Hours of that range; 0 asks for none.
    pub atr_hours: u32,
    /// Cuts of volatility in percent of sigma a minute; not set, it is cut by the pair's own history.
    pub regime_cuts_pct: Option<[f64; 3]>,
    /// True: no buys in the extreme regime.
    pub pauses_in_extreme: bool,
    /// First UTC hours of Asia, Europe, overlap, Americas, off hours.
    pub session_hours: [u8; 5],
    /// ADX above which nothing is bought and no grid is laid.
    pub adx_max: f64,
    /// Factors on a level's value: oversold, nearly so, overbought.
    pub rsi_size_mult: [f64; 3],
    /// How near to oversold is nearly so.
    pub rsi_near: f64,
    /// Volume of the last bar over its usual below which nothing is bought.
    pub volume_ratio_min: f64,
    /// Taker orders of the flow.
    pub flow_orders: usize,
    /// An imbalance of sales beyond this forbids a buy.
    pub flow_veto: f64,
    /// No buys when the window's oldest order is older, in seconds.
    pub flow_age_max_s: u64,
    /// Correlation with the other money pair, when that is held, above which nothing is bought.
    pub correlation_max: f64,
    /// Factor on a level's value for each other pair that is held.
    pub held_size_mult: f64,
    /// Loss of the open position, in percent of its cost, at which all is sold; as much of the equity
    /// lost from its peak ends buys.
    pub drawdown_max_pct: f64,
    /// Loss of the session, in percent of the starting equity, that ends buys.
    pub session_loss_max_pct: f64,
    /// Losing positions in a row that pause buys; 0 never does.
    pub losses_max: u32,
    /// Length of that pause, in minutes.
    pub losses_pause_min: u64,
    /// Completed cycles after which the grid is laid again.
    pub recentre_cycles: u32,
    /// But not sooner than this, in seconds.
    pub recentre_min_s: u64,
    /// Seconds without a completed cycle after which buys are taken back.
    pub stale_s: u64,
    /// Least profit of a cycle after both fees.
    pub net_min_pct: f64,
    /// Largest sum of positions and resting buys of all pairs, in percent of the equity.
    pub gross_max_pct: f64,
    /// Smaller levels are not bought.
    pub size_usd_min: f64,
    /// No buys on a book that did not change for longer, in milliseconds.
    pub book_age_max_ms: u64,
    /// Overrides by pair.
    pub symbols: BTreeMap<String, SymbolParams>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            order_mode: OrderMode::Resting,
            level_slack_pct: 0.5,
            spacing_atr: 0.3,
            atr_hours: 10,
            regime_cuts_pct: None,
            pauses_in_extreme: true,
            session_hours: SESSION_HOURS,
            adx_max: 30.0,
            rsi_size_mult: [1.3, 1.15, 0.7],
            rsi_near: 10.0,
            volume_ratio_min: 0.8,
            flow_orders: 50,
            flow_veto: 0.2,
            flow_age_max_s: 900,
            correlation_max: 0.85,
            held_size_mult: 0.75,
            drawdown_max_pct: 10.0,
            session_loss_max_pct: 5.0,
            losses_max: 3,
            losses_pause_min: 15,
            recentre_cycles: 5,
            recentre_min_s: 3600,
            stale_s: 7200,
            net_min_pct: 0.05,
            gross_max_pct: 100.0,
            size_usd_min: 5.0,
            book_age_max_ms: 2000,
            symbols: BTreeMap::new(),
        }
    }
}

pair_table! {
    /// How the levels lie.
    kind: GridKind,
    /// Levels below the centre.
    levels: usize,
    /// Distance between them.
    spacing_pct: f64,
    /// Levels farther from the centre are left out.
    range_pct: f64,
    /// Value of a level.
    level_usd: f64,
    /// Largest position, resting buys included.
    position_usd_max: f64,
    /// Most levels held or about to be bought.
    held_max: usize,
    /// Relative strength that is oversold.
    rsi_oversold: f64,
    /// Relative strength that is overbought.
    rsi_overbought: f64,
    /// All is sold this far below the lowest level.
    stop_pct: f64,
    /// Seconds without new buys after one was filled.
    cooldown_s: u64,
    /// Least value traded within a day.
    volume_24h_min_usd: f64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        let base = Self {
            kind: GridKind::Geometric,
            levels: 15,
            spacing_pct: 1.5,
            range_pct: 7.5,
            level_usd: 25.0,
            position_usd_max: 100.0,
            held_max: 5,
            rsi_oversold: 30.0,
            rsi_overbought: 70.0,
            stop_pct: 5.0,
            cooldown_s: 60,
            volume_24h_min_usd: 0.0,
        };
        match role {
            Role::Alt => base,
            Role::Bitcoin => Self {
                kind: GridKind::Arithmetic,
                levels: 20,
                range_pct: 10.0,
                level_usd: 50.0,
                position_usd_max: 150.0,
                held_max: 4,
                rsi_oversold: 35.0,
                rsi_overbought: 65.0,
                stop_pct: 10.0,
                ..base
            },
            // A hundred millions a day would exclude the pair: no venue trades that much of it.
            Role::Cross => Self {
                levels: 10,
                spacing_pct: 2.5,
                range_pct: 10.0,
                level_usd: 10.0,
                position_usd_max: 60.0,
                held_max: 2,
                rsi_oversold: 25.0,
                rsi_overbought: 75.0,
                stop_pct: 8.0,
                cooldown_s: 180,
                volume_24h_min_usd: 1e6,
                ..base
            },
        }
    }
}

/// Largest amounts, what a day trades among them, and multiples that can be meant.
const USD_MAX: f64 = 1e12;
const MULT_MAX: f64 = 20.0;

impl Validate for Params {
    reloadable!(
        level_slack_pct: f64,
        spacing_atr: f64,
        pauses_in_extreme: bool,
        adx_max: f64,
        rsi_near: f64,
        volume_ratio_min: f64,
        flow_orders: usize,
        flow_veto: f64,
        flow_age_max_s: u64,
        correlation_max: f64,
        held_size_mult: f64,
        drawdown_max_pct: f64,
        recentre_cycles: u32,
        recentre_min_s: u64,
        stale_s: u64,
        net_min_pct: f64,
        gross_max_pct: f64,
        size_usd_min: f64,
        book_age_max_ms: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("level_slack_pct", self.level_slack_pct, 0.0, PCT_MAX)?;
        check("spacing_atr", self.spacing_atr, 0.0, MULT_MAX)?;
        OutOfRange::check("atr_hours", self.atr_hours, 0, 200)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        checks::session_hours(self.session_hours)?;
        check("adx_max", self.adx_max, 0.0, 100.0)?;
        checks::each("rsi_size_mult", &self.rsi_size_mult, 0.0, MULT_MAX)?;
        check("rsi_near", self.rsi_near, 0.0, 100.0)?;
        check("volume_ratio_min", self.volume_ratio_min, 0.0, MULT_MAX)?;
        OutOfRange::check("flow_orders", self.flow_orders, 5, 500)?;
        check("flow_veto", self.flow_veto, 0.0, 1.0)?;
        OutOfRange::check("flow_age_max_s", self.flow_age_max_s, 1, DAY_S)?;
        check("correlation_max", self.correlation_max, 0.0, 2.0)?;
        check("held_size_mult", self.held_size_mult, 0.0, 1.0)?;
        check("drawdown_max_pct", self.drawdown_max_pct, 0.1, 100.0)?;
        check("session_loss_max_pct", self.session_loss_max_pct, 0.0, 100.0)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_S / 60)?;
        OutOfRange::check("recentre_cycles", self.recentre_cycles, 1, 1_000_000)?;
        OutOfRange::check("recentre_min_s", self.recentre_min_s, 0, 30 * DAY_S)?;
        OutOfRange::check("stale_s", self.stale_s, 1, 30 * DAY_S)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        check("gross_max_pct", self.gross_max_pct, 0.0, 1000.0)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_S * 1000)?;
        self.symbols.iter().try_for_each(|(name, own)| own.validate(name))
    }
}

impl SymbolParams {
    fn validate(&self, name: &str) -> Result<(), OutOfRange> {
        let (pair, all) = (OfPair::named(name)?, Table::of_name(name, self));
        pair.check("levels", all.levels, 1, SLOTS)?;
        pair.check("held_max", all.held_max, 1, SLOTS)?;
        pair.check("spacing_pct", all.spacing_pct, 0.01, PCT_MAX)?;
        pair.check("range_pct", all.range_pct, 0.01, 99.0)?;
        pair.check("level_usd", all.level_usd, 0.01, USD_MAX)?;
        pair.check("position_usd_max", all.position_usd_max, 0.0, USD_MAX)?;
        pair.check("rsi_oversold", all.rsi_oversold, 0.0, 100.0)?;
        pair.check("rsi_overbought", all.rsi_overbought, 0.0, 100.0)?;
        pair.check("stop_pct", all.stop_pct, 0.01, 99.0)?;
        pair.check("volume_24h_min_usd", all.volume_24h_min_usd, 0.0, USD_MAX)?;
        pair.check("cooldown_s", all.cooldown_s, 0, DAY_S)
    }
}
