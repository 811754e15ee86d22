//! History: every bar, print, gap and fill kept, found again and repaired.
//!
//! * [`model`]: what is stored, without I/O; [`store`]: the one trait, [`sqlite`] and [`postgres`] behind it
//! * [`import`]: bulk files; [`names`]: what their pairs are called; [`export`]: the way back
//! * [`provider`]: reading any timeframe, [`aggregate`]: longer bars out of minutes, `turns`: long ranges by two readers
//! * [`writer`]: the live writer, a thread with a bounded queue and a [`spill`] on the disk
//! * [`repair`]: what can be saved of a damaged file
//! * [`filler`]: finds what is missing and fetches it by [`rest`], within [`limiter`]'s rate
//!
//! No thread of this room is one that trades: everything here may wait for a disk or a network.

pub mod aggregate;
pub mod export;
pub mod filler;
pub mod import;
pub mod limiter;
pub mod model;
pub mod names;
mod open;
pub mod postgres;
pub mod provider;
pub mod repair;
pub mod rest;
mod schema;
pub mod spill;
pub mod sqlite;
pub mod store;
mod turns;
pub mod writer;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
