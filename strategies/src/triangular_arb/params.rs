//! Parameters of the triangular arbitrage.

use serde::{Deserialize, Serialize};

use crate::checks::{self, PCT_MAX, USD_MAX};
use crate::{OutOfRange, Validate};

/// How the legs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Legs {
    /// One after the other, each sized by what the one before got.
    Sequential,
    /// All at once; the account must be able to owe what it has yet to buy.
    Parallel,
}

/// What happens to a coin that a failed leg left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    /// It is sold for money, or bought back, at once.
    Unwind,
    /// The same, but only once `residual_max_ms` have passed.
    Hold,
}

/// Parameters. Percentages are of the money put in, dollars are the account's currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Trios as `[alt/money, coin/money, alt/coin]`; none names every one that the pairs make.
    pub trios: Vec<[String; 3]>,
    /// What a basket must earn after fees and depth, in percent.
    pub profit_min_pct: f64,
    /// What it must earn besides, for prices that move meanwhile, in percent.
    pub slippage_pct: f64,
    /// The same for a basket that only takes back an earlier one and so frees its margin.
    pub release_min_pct: f64,
    /// Evaluations in a row that must find it.
    pub persist_evals: u32,
    /// How the legs are sent.
    pub legs: Legs,
    /// Milliseconds between two legs that are sent one after the other.
    pub leg_delay_ms: u64,
    /// What happens to a coin that a failed leg left behind.
    pub shortfall: Shortfall,
    /// Milliseconds after which nothing may be left behind.
    pub residual_max_ms: u64,
    /// Coins worth less are left where they are.
    pub dust_usd: f64,
    /// Largest value of the baskets that are open, as a share of equity.
    pub equity_share: f64,
    /// Largest value of one.
    pub size_usd_max: f64,
    /// Smaller ones are not made.
    pub size_usd_min: f64,
    /// Milliseconds between two baskets of one trio.
    pub cooldown_ms: u64,
    /// Baskets within an hour.
    pub baskets_per_hour: u32,
    /// Losing baskets in a row that pause entries; 0 never does.
    pub losses_max: u32,
    /// Length of that pause, in minutes.
    pub losses_pause_min: u64,
    /// Shortfall of five baskets on what was expected, on average, that pauses entries as well, in percent.
    pub shortfall_max_pct: f64,
    /// No basket on a book that did not change for longer, in milliseconds.
    pub book_age_max_ms: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            trios: Vec::new(),
            profit_min_pct: 0.05,
            slippage_pct: 0.02,
            release_min_pct: 0.0,
            persist_evals: 1,
            legs: Legs::Sequential,
            leg_delay_ms: 30,
            shortfall: Shortfall::Unwind,
            residual_max_ms: 2000,
            dust_usd: 1.0,
            equity_share: 0.5,
            size_usd_max: 500.0,
            size_usd_min: 5.0,
            cooldown_ms: 1000,
            baskets_per_hour: 60,
            losses_max: 3,
            losses_pause_min: 30,
            shortfall_max_pct: 0.2,
            book_age_max_ms: 500,
        }
    }
}

/// Longest wait that can be meant.
const DAY_MS: u64 = 86_400_000;

impl Validate for Params {
    reloadable!(
        profit_min_pct: f64,
        slippage_pct: f64,
        release_min_pct: f64,
        persist_evals: u32,
        leg_delay_ms: u64,
        residual_max_ms: u64,
        dust_usd: f64,
        equity_share: f64,
        size_usd_max: f64,
        size_usd_min: f64,
        cooldown_ms: u64,
        shortfall_max_pct: f64,
        book_age_max_ms: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        for trio in &self.trios {
            trio.iter().try_for_each(|name| checks::pair_name("trios", name))?;
        }
        OutOfRange::check("trios", self.trios.len(), 0, super::TRIOS_MAX)?;
        let check = OutOfRange::check::<f64>;
        check("profit_min_pct", self.profit_min_pct, -PCT_MAX, PCT_MAX)?;
        check("slippage_pct", self.slippage_pct, 0.0, PCT_MAX)?;
        check("release_min_pct", self.release_min_pct, -PCT_MAX, PCT_MAX)?;
        OutOfRange::check("persist_evals", self.persist_evals, 1, 1_000_000)?;
        OutOfRange::check("leg_delay_ms", self.leg_delay_ms, 0, 60_000)?;
        OutOfRange::check("residual_max_ms", self.residual_max_ms, 0, DAY_MS)?;
        check("dust_usd", self.dust_usd, 0.0, USD_MAX)?;
        check("equity_share", self.equity_share, 0.001, 10.0)?;
        check("size_usd_max", self.size_usd_max, 0.01, USD_MAX)?;
        check("size_usd_min", self.size_usd_min, 0.01, USD_MAX)?;
        OutOfRange::check("cooldown_ms", self.cooldown_ms, 0, DAY_MS)?;
        OutOfRange::check("baskets_per_hour", self.baskets_per_hour, 1, 1_000_000)?;
        OutOfRange::check("losses_pause_min", self.losses_pause_min, 0, DAY_MS / 60_000)?;
        check("shortfall_max_pct", self.shortfall_max_pct, 0.0, PCT_MAX)?;
        OutOfRange::check("book_age_max_ms", self.book_age_max_ms, 1, DAY_MS)
    }
}
