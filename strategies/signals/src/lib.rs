//! The instruments strategies look at the market with: incremental, in memory that is taken once.
//!
//! A room of pure functions: values and time go in, a number comes out. Nothing here reads a clock
//! or a file, and nothing allocates after its constructor. A number that is not known yet is `None`,
//! never a neutral value that a rule could mistake for a measurement. Prices reach an indicator as
//! `f64` or as exact [`paperwire_core::num::Px`]; values that are not finite are ignored.
//!
//! * averages: [`average`] (EMA, Wilder), [`rolling`] (mean and deviation), [`extremes`] (highest, lowest)
//! * bars: [`atr`], [`adx`], [`bands`] (Bollinger, Keltner), [`volume`]
//! * trades and books: [`flow`], [`book`], [`ofi`], [`vpin`], [`sizes`], [`quantile`]
//! * the state of the market: [`regime`], [`session`]
//! * of one's own trading: [`costs`], [`exposure`], [`breaker`], [`trail`]

#![warn(missing_docs)]

pub mod adx;
pub mod atr;
pub mod average;
pub mod bands;
pub mod book;
pub mod breaker;
pub mod costs;
pub mod exposure;
pub mod extremes;
pub mod flow;
pub mod ofi;
pub mod quantile;
pub mod regime;
pub mod rolling;
pub mod session;
pub mod sizes;
pub mod trail;
pub mod volume;
pub mod vpin;

#[cfg(test)]
mod golden;
