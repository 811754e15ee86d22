//! Parameters of the mean-reversion strategy, with the defaults of each pair's role.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checks::{self, DAY_S, OfPair, PCT_MAX, USD_MAX};
use crate::role::Role;
use crate::{OutOfRange, Validate};

/// How an entry meets the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryOrder {
    /// Takes at once.
    Market,
    /// Rests at the edge of the band, or at the touch when that is better, until the next bar closes:
    /// where taking costs more than the targets earn.
    Limit,
}

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How entries meet the market.
    pub entry_order: EntryOrder,
    /// True: trades between two closes may enter too, against the band of the last closed bar.
    pub enters_intrabar: bool,
    /// Width of the Bollinger band over 20 closes, in deviations.
    pub band_sigmas: f64,
    /// How far inside its band a price still counts as at the edge.
    pub band_slack_pct: f64,
    /// Taker orders that the flow and the average price are taken over.
    pub flow_orders: usize,
    /// Imbalance of takers towards the mean that an entry needs.
    pub flow_min: f64,
    /// No entries when the window's oldest order is older, in seconds.
    pub flow_age_max_s: u64,
    /// Whether a price away from the takers' average is faded when the band has no offer.
    pub fades_to_vwap: bool,
    /// Distance from that average.
    pub vwap_deviation_min_pct: f64,
    /// The relative strength must lie between these for it.
    pub vwap_rsi: [f64; 2],
    /// The window must have lasted so long, in seconds: a burst has no average.
    pub vwap_span_min_s: u64,
    /// Factor on its size.
    pub vwap_size_mult: f64,
    /// Cuts of volatility in percent of sigma a minute; not set, it is cut by the pair's own history.
    pub regime_cuts_pct: Option<[f64; 3]>,
    /// True: no entries in the extreme regime.
    pub pauses_in_extreme: bool,
    /// Correlation of the two money pairs below which the cross pair is not entered.
    pub correlation_min: f64,
    /// ADX above which nothing is opened.
    pub adx_max: f64,
    /// True: for every pair; false: for bitcoin against money only.
    pub adx_everywhere: bool,
    /// Slope of 50 closes, per bar, that is a trend.
    pub slope_max_pct: f64,
    /// Bars in a row that confirm one.
    pub slope_bars: u32,
    /// Whether the half-life of the distance from the mean must be known and lie in its range.
    pub needs_half_life: bool,
    /// That range, in bars.
    pub half_life_bars: [f64; 2],
    /// A position is closed after this many half-lives.
    pub hold_half_lives: f64,
    /// And after this many minutes whatever the half-life.
    pub hold_max_min: u64,
    /// Least profit that must be likely after fees and spread.
    pub net_min_pct: f64,
    /// Ages, in seconds, from which less profit is enough.
    pub decay_after_s: [u64; 4],
    /// Factors on the target from these ages on.
    pub decay_mult: [f64; 4],
    /// Whether a stop follows the price; it cuts off what reverts late.
    pub trails: bool,
    /// Profit that arms it.
    pub trail_activate_pct: f64,
    /// Its distance.
    pub trail_distance_pct: f64,
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
    /// No entries on a book that did not change for longer, in milliseconds.
    pub book_age_max_ms: u64,
    /// Overrides by pair.
    pub symbols: BTreeMap<String, SymbolParams>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            entry_order: EntryOrder::Market,
            enters_intrabar: false,
            band_sigmas: 2.0,
            band_slack_pct: 0.5,
            flow_orders: 50,
            flow_min: 0.10,
            flow_age_max_s: 900,
            fades_to_vwap: true,
            vwap_deviation_min_pct: 0.3,
            vwap_rsi: [40.0, 60.0],
            vwap_span_min_s: 60,
            vwap_size_mult: 0.5,
            regime_cuts_pct: None,
            pauses_in_extreme: true,
            correlation_min: 0.5,
            adx_max: 25.0,
            adx_everywhere: true,
            slope_max_pct: 0.05,
            slope_bars: 3,
            needs_half_life: true,
            half_life_bars: [1.0, 12.0],
            hold_half_lives: 3.0,
            hold_max_min: 60,
            net_min_pct: 0.05,
            decay_after_s: [900, 1200, 1500, 1800],
            decay_mult: [1.0, 0.85, 0.7, 0.5],
            trails: false,
            trail_activate_pct: 0.4,
            trail_distance_pct: 0.3,
            long_usd_max: 150.0,
            short_usd_max: 150.0,
            same_side_mult: 0.75,
            size_usd_min: 5.0,
            losses_max: 3,
            losses_pause_min: 15,
            session_loss_max_pct: 5.0,
            book_age_max_ms: 2000,
            symbols: BTreeMap::new(),
        }
    }
}

pair_table! {
    /// Distance from the mean of 20 closes that is stretched.
    deviation_pct: f64,
    /// Relative strength below which to buy.
    rsi_oversold: f64,
    /// Relative strength above which to sell.
    rsi_overbought: f64,
    /// Value of an entry.
    position_usd: f64,
    /// Largest position.
    position_usd_max: f64,
    /// Target, in percent of the fill.
    target_pct: f64,
    /// Stop, in percent of the fill.
    stop_pct: f64,
    /// Seconds between entries.
    cooldown_s: u64,
}

impl Table {
    const fn of_role(role: Role) -> Self {
        match role {
            Role::Alt => Self {
                deviation_pct: 0.5,
                rsi_oversold: 35.0,
                rsi_overbought: 65.0,
                position_usd: 20.0,
                position_usd_max: 50.0,
                target_pct: 0.5,
                stop_pct: 0.5,
                cooldown_s: 10,
            },
            Role::Bitcoin => Self {
                deviation_pct: 0.3,
                rsi_oversold: 30.0,
                rsi_overbought: 70.0,
                position_usd: 25.0,
                position_usd_max: 75.0,
                target_pct: 0.4,
                stop_pct: 0.4,
                cooldown_s: 5,
            },
            Role::Cross => Self {
                deviation_pct: 1.0,
                rsi_oversold: 35.0,
                rsi_overbought: 65.0,
                position_usd: 15.0,
                position_usd_max: 40.0,
                target_pct: 0.8,
                stop_pct: 0.8,
                cooldown_s: 20,
            },
        }
    }
}

impl Validate for Params {
    reloadable!(
        enters_intrabar: bool,
        band_slack_pct: f64,
        flow_orders: usize,
        flow_min: f64,
        flow_age_max_s: u64,
        fades_to_vwap: bool,
        vwap_deviation_min_pct: f64,
        vwap_span_min_s: u64,
        vwap_size_mult: f64,
        pauses_in_extreme: bool,
        correlation_min: f64,
        adx_max: f64,
        adx_everywhere: bool,
        slope_bars: u32,
        hold_half_lives: f64,
        hold_max_min: u64,
        net_min_pct: f64,
        trails: bool,
        trail_activate_pct: f64,
        trail_distance_pct: f64,
        size_usd_min: f64,
        book_age_max_ms: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("band_sigmas", self.band_sigmas, 0.1, 10.0)?;
        check("band_slack_pct", self.band_slack_pct, 0.0, PCT_MAX)?;
        OutOfRange::check("flow_orders", self.flow_orders, 5, 500)?;
        check("flow_min", self.flow_min, 0.0, 1.0)?;
        OutOfRange::check("flow_age_max_s", self.flow_age_max_s, 1, DAY_S)?;
        check("vwap_deviation_min_pct", self.vwap_deviation_min_pct, 0.0, PCT_MAX)?;
        checks::each("vwap_rsi", &self.vwap_rsi, 0.0, 100.0)?;
        checks::ascending("vwap_rsi", &self.vwap_rsi)?;
        OutOfRange::check("vwap_span_min_s", self.vwap_span_min_s, 0, DAY_S)?;
        check("vwap_size_mult", self.vwap_size_mult, 0.0, 1.0)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        check("correlation_min", self.correlation_min, -1.0, 1.0)?;
        check("adx_max", self.adx_max, 0.0, 100.0)?;
        check("slope_max_pct", self.slope_max_pct, 0.0, PCT_MAX)?;
        OutOfRange::check("slope_bars", self.slope_bars, 1, 1000)?;
        checks::each("half_life_bars", &self.half_life_bars, 0.0, 1000.0)?;
        checks::ascending("half_life_bars", &self.half_life_bars)?;
        check("hold_half_lives", self.hold_half_lives, 0.1, 1000.0)?;
        OutOfRange::check("hold_max_min", self.hold_max_min, 1, DAY_S / 60)?;
        self.validate_money()?;
        self.symbols.iter().try_for_each(|(name, own)| own.validate(name))
    }
}

impl Params {
    fn validate_money(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        checks::ascending("decay_after_s", &self.decay_after_s)?;
        checks::each("decay_mult", &self.decay_mult, 0.0, 1.0)?;
        check("trail_activate_pct", self.trail_activate_pct, 0.0, PCT_MAX)?;
        check("trail_distance_pct", self.trail_distance_pct, 0.01, PCT_MAX)?;
        check("long_usd_max", self.long_usd_max, 0.0, USD_MAX)?;
        check("short_usd_max", self.short_usd_max, 0.0, USD_MAX)?;
        check("same_side_mult", self.same_side_mult, 0.0, 1.0)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_S / 60)?;
        check("session_loss_max_pct", self.session_loss_max_pct, 0.0, 100.0)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_S * 1000)
    }
}

impl SymbolParams {
    fn validate(&self, name: &str) -> Result<(), OutOfRange> {
        let (pair, all) = (OfPair::named(name)?, Table::of_name(name, self));
        pair.check("deviation_pct", all.deviation_pct, 0.0, PCT_MAX)?;
        pair.check("rsi_oversold", all.rsi_oversold, 0.0, 100.0)?;
        pair.check("rsi_overbought", all.rsi_overbought, 0.0, 100.0)?;
        pair.check("position_usd", all.position_usd, 0.01, USD_MAX)?;
        pair.check("position_usd_max", all.position_usd_max, 0.0, USD_MAX)?;
        pair.check("target_pct", all.target_pct, 0.01, PCT_MAX)?;
        pair.check("stop_pct", all.stop_pct, 0.01, PCT_MAX)?;
        pair.check("cooldown_s", all.cooldown_s, 0, DAY_S)
    }
}
