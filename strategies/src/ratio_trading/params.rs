//! Parameters of the ratio strategy. There is one pair, so there are no tables by pair.

use serde::{Deserialize, Serialize};

pub use crate::bar_length::BarLength;
use crate::checks::{self, DAY_S, PCT_MAX, USD_MAX};
use crate::{OutOfRange, Validate};

/// Parameters. Percentages are of the price, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Length of the bars that are watched; choose it so that a deviation is worth more than the fees, as
    /// none is within a minute.
    pub bar: BarLength,
    /// Closes of mean and deviation.
    pub lookback_bars: usize,
    /// Deviations from the mean at which to enter.
    pub entry_z: f64,
    /// Deviations at which the mean counts as reached.
    pub exit_z: f64,
    /// Deviations at which the ratio is believed to have left for good.
    pub stop_z: f64,
    /// Part of the position that is sold when the mean is reached; the rest goes when it is crossed.
    pub exit_share: f64,
    /// Half-lives after which less of a way back is enough.
    pub decay_half_lives: f64,
    /// Deviations that are enough then.
    pub decay_z: f64,
    /// Cuts of volatility in percent of sigma a minute; not set, it is cut by the pair's own history.
    pub regime_cuts_pct: Option<[f64; 3]>,
    /// True: no entries in the extreme regime.
    pub pauses_in_extreme: bool,
    /// Whether the relative strength must be at its extreme.
    pub asks_rsi: bool,
    /// Changes it is taken over.
    pub rsi_bars: usize,
    /// Relative strength above which nothing is bought.
    pub rsi_oversold: f64,
    /// Relative strength below which nothing is sold.
    pub rsi_overbought: f64,
    /// Moves among which a trend is looked for.
    pub trend_moves: usize,
    /// Share of them in one direction that is one; above 1 there is none.
    pub trend_share: f64,
    /// Whether takers must trade towards the mean.
    pub asks_flow: bool,
    /// Taker orders of that flow.
    pub flow_orders: usize,
    /// Imbalance of it.
    pub flow_min: f64,
    /// No entries on a flow whose oldest order is older, in seconds.
    pub flow_age_max_s: u64,
    /// Returns of the correlation of both money pairs.
    pub correlation_bars: usize,
    /// Correlation below which nothing is entered.
    pub correlation_min: f64,
    /// Whether a declining correlation pauses as well.
    pub pauses_on_decline: bool,
    /// It declines when it falls by more than this a bar, over ten of them...
    pub decline_slope: f64,
    /// ...and is below this.
    pub decline_below: f64,
    /// Whether the ratio must be shown to come back, by half-life and variance ratio.
    pub needs_validation: bool,
    /// Closes that it is shown by.
    pub fit_bars: usize,
    /// Range of the half-life, in bars.
    pub half_life_bars: [f64; 2],
    /// Bars of the variance ratio, which must be below 1.
    pub variance_steps: usize,
    /// A Dickey-Fuller statistic above this does not pass; not set, it is not asked. -2.57 is ten percent.
    pub adf_tau_max: Option<f64>,
    /// Widest spread.
    pub spread_max_pct: f64,
    /// Least profit that must be likely after fees and spread.
    pub net_min_pct: f64,
    /// Value of an entry.
    pub position_usd: f64,
    /// Largest position.
    pub position_usd_max: f64,
    /// Smaller entries are not made, and a rest below twice of it is not kept.
    pub size_usd_min: f64,
    /// Whether the base asset is also sold before it was bought: out of starting assets, or short.
    pub sells_first: bool,
    /// Stop, in percent of the average fill; the one by deviations is usually nearer.
    pub stop_pct: f64,
    /// Whether a stop follows the price; it cuts off what reverts late.
    pub trails: bool,
    /// Profit that arms it.
    pub trail_activate_pct: f64,
    /// Its distance.
    pub trail_distance_pct: f64,
    /// Bars between entries.
    pub cooldown_bars: u64,
    /// Losing positions in a row that pause entries; 0 never does.
    pub losses_max: u32,
    /// Length of that pause, in minutes.
    pub losses_pause_min: u64,
    /// Loss of the session, in percent of the starting equity, that ends entries.
    pub session_loss_max_pct: f64,
    /// No entries on a book that did not change for longer, in milliseconds.
    pub book_age_max_ms: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            bar: BarLength::M15,
            lookback_bars: 96,
            entry_z: 2.0,
            exit_z: 0.5,
            stop_z: 3.5,
            exit_share: 0.5,
            decay_half_lives: 3.0,
            decay_z: 0.75,
            regime_cuts_pct: None,
            pauses_in_extreme: true,
            asks_rsi: true,
            rsi_bars: 14,
            rsi_oversold: 35.0,
            rsi_overbought: 65.0,
            trend_moves: 10,
            trend_share: 0.7,
            asks_flow: false,
            flow_orders: 50,
            flow_min: 0.10,
            flow_age_max_s: 900,
            correlation_bars: 96,
            correlation_min: 0.4,
            pauses_on_decline: false,
            decline_slope: 0.02,
            decline_below: 0.7,
            needs_validation: true,
            fit_bars: 200,
            half_life_bars: [4.0, 96.0],
            variance_steps: 8,
            adf_tau_max: None,
            spread_max_pct: 0.10,
            net_min_pct: 0.10,
            position_usd: 15.0,
            position_usd_max: 50.0,
            size_usd_min: 5.0,
            sells_first: true,
            stop_pct: 2.5,
            trails: false,
            trail_activate_pct: 0.3,
            trail_distance_pct: 0.2,
            cooldown_bars: 1,
            losses_max: 3,
            losses_pause_min: 15,
            session_loss_max_pct: 5.0,
            book_age_max_ms: 2000,
        }
    }
}

/// Largest deviations and windows that can be meant.
const Z_MAX: f64 = 20.0;
const BARS_MAX: usize = 2000;

impl Validate for Params {
    reloadable!(
        entry_z: f64,
        exit_z: f64,
        stop_z: f64,
        exit_share: f64,
        decay_half_lives: f64,
        decay_z: f64,
        pauses_in_extreme: bool,
        asks_rsi: bool,
        rsi_oversold: f64,
        rsi_overbought: f64,
        trend_share: f64,
        asks_flow: bool,
        flow_orders: usize,
        flow_min: f64,
        flow_age_max_s: u64,
        correlation_min: f64,
        pauses_on_decline: bool,
        decline_slope: f64,
        decline_below: f64,
        needs_validation: bool,
        spread_max_pct: f64,
        net_min_pct: f64,
        position_usd: f64,
        position_usd_max: f64,
        size_usd_min: f64,
        sells_first: bool,
        stop_pct: f64,
        trails: bool,
        trail_activate_pct: f64,
        trail_distance_pct: f64,
        cooldown_bars: u64,
        book_age_max_ms: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        OutOfRange::check("lookback_bars", self.lookback_bars, 5, BARS_MAX)?;
        check("exit_z", self.exit_z, 0.0, Z_MAX)?;
        check("entry_z", self.entry_z, self.exit_z, Z_MAX)?;
        check("stop_z", self.stop_z, self.entry_z, f64::INFINITY)?;
        check("exit_share", self.exit_share, 0.01, 1.0)?;
        check("decay_half_lives", self.decay_half_lives, 0.1, 1000.0)?;
        check("decay_z", self.decay_z, 0.0, Z_MAX)?;
        checks::regime_cuts(self.regime_cuts_pct)?;
        OutOfRange::check("rsi_bars", self.rsi_bars, 2, BARS_MAX)?;
        check("rsi_oversold", self.rsi_oversold, 0.0, 100.0)?;
        check("rsi_overbought", self.rsi_overbought, 0.0, 100.0)?;
        OutOfRange::check("trend_moves", self.trend_moves, 1, BARS_MAX)?;
        check("trend_share", self.trend_share, 0.0, 10.0)?;
        OutOfRange::check("flow_orders", self.flow_orders, 5, 500)?;
        check("flow_min", self.flow_min, 0.0, 1.0)?;
        OutOfRange::check("flow_age_max_s", self.flow_age_max_s, 1, DAY_S)?;
        OutOfRange::check("correlation_bars", self.correlation_bars, 2, BARS_MAX)?;
        check("correlation_min", self.correlation_min, -1.0, 1.0)?;
        check("decline_slope", self.decline_slope, 0.0, 1.0)?;
        check("decline_below", self.decline_below, -1.0, 1.0)?;
        OutOfRange::check("variance_steps", self.variance_steps, 2, 100)?;
        OutOfRange::check("fit_bars", self.fit_bars, 2 * self.variance_steps + 1, BARS_MAX)?;
        checks::each("half_life_bars", &self.half_life_bars, 0.0, 10_000.0)?;
        checks::ascending("half_life_bars", &self.half_life_bars)?;
        self.adf_tau_max.map_or(Ok(()), |tau| check("adf_tau_max", tau, -100.0, 0.0))?;
        self.validate_money()
    }
}

impl Params {
    fn validate_money(&self) -> Result<(), OutOfRange> {
        let check = OutOfRange::check::<f64>;
        check("spread_max_pct", self.spread_max_pct, 0.0, PCT_MAX)?;
        check("net_min_pct", self.net_min_pct, 0.0, PCT_MAX)?;
        check("position_usd", self.position_usd, 0.01, USD_MAX)?;
        check("position_usd_max", self.position_usd_max, 0.0, USD_MAX)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        check("stop_pct", self.stop_pct, 0.01, PCT_MAX)?;
        check("trail_activate_pct", self.trail_activate_pct, 0.0, PCT_MAX)?;
        check("trail_distance_pct", self.trail_distance_pct, 0.01, PCT_MAX)?;
        OutOfRange::check("cooldown_bars", self.cooldown_bars, 0, 100_000)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_S / 60)?;
        check("session_loss_max_pct", self.session_loss_max_pct, 0.0, 100.0)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_S * 1000)
    }
}
