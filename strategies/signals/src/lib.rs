//! The instruments strategies look at the market with: incremental, in memory that is taken once.
//!
//! A room of pure functions: values and time go in, a number comes out. Nothing here reads a clock
//! or a file, and nothing allocates after its constructor. A number that is not known yet is `None`,
//! never a neutral value that a rule could mistake for a measurement. Prices reach an indicator as
//! `f64` or as exact [`paperwire_core::num::Px`]; values that are not finite are ignored.
//!
//! * windows: [`window`] (sums, plain mean), [`rolling`] (mean and deviation), [`extremes`] (highest,
//!   lowest), [`average`] (EMA, Wilder), [`slope`], [`quantile`]
//! * momentum of bars: [`rsi`], [`macd`], [`stochastic`], [`wavetrend`], [`moves`], [`alignment`]
//! * ranges of bars: [`atr`], [`adx`], [`choppiness`], [`bands`] (Bollinger), [`channel`] (Donchian,
//!   Keltner, squeeze), [`supertrend`], [`ichimoku`]
//! * volume: [`volume`], [`vwap`], [`profile`], [`cumulative`] (on-balance, delta)
//! * models: [`volatility`] (realised, GARCH), [`kalman`], [`correlation`], [`reversion`] (half-life,
//!   variance ratio), [`pairs`] (hedge, Engle-Granger)
//! * trades and books: [`flow`], [`book`], [`ofi`], [`vpin`], [`sizes`], [`intensity`], [`mid_variance`]
//! * the state of the market: [`regime`] (volatility), [`detector`] (trend), [`session`]; what it changes
//!   about entries: [`router`]; all of a board's indicators: [`board`]
//! * of one's own trading: [`costs`], [`exposure`], [`breaker`], [`trail`]

#![warn(missing_docs)]

pub mod adx;
pub mod alignment;
pub mod atr;
pub mod average;
pub mod bands;
pub mod board;
pub mod book;
pub mod breaker;
pub mod channel;
pub mod choppiness;
pub mod correlation;
pub mod costs;
pub mod cumulative;
pub mod detector;
pub mod exposure;
pub mod extremes;
pub mod flow;
pub mod ichimoku;
pub mod intensity;
pub mod kalman;
pub mod macd;
pub mod mid_variance;
pub mod moves;
pub mod ofi;
pub mod pairs;
pub mod profile;
pub mod quantile;
pub mod regime;
pub mod reversion;
pub mod rolling;
pub mod router;
pub mod rsi;
pub mod session;
pub mod sizes;
pub mod slope;
pub mod stochastic;
pub mod supertrend;
pub mod trail;
pub mod volatility;
pub mod volume;
pub mod vpin;
pub mod vwap;
pub mod wavetrend;
pub mod window;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod naive;
