//! The statistics of latencies: values in, verdicts out. No clock, no I/O, and no other room than `core`.
//!
//! * [`number`]: from counts to floats.
//! * [`packed`]: histograms as their occupied buckets.
//! * [`percentile`]: a percentile of a merged histogram, finer than its buckets.
//! * [`student`]: the quantile of Student's distribution.
//! * [`estimate`]: mean and interval over repetitions.
//! * [`verdict`]: what may be said of a cell, and how much is missing.
//! * [`judge`]: a whole table from repetitions, with the control that can withhold a cell.
//! * [`jackknife`]: a whole table from the parts of one run.
//! * [`blocks`]: from the histograms of a session to its blocks.
//! * [`attribution`]: whether a long call was the strategy, the machine, or cannot be told.

#![warn(missing_docs)]

pub mod attribution;
pub mod blocks;
pub mod estimate;
pub mod jackknife;
pub mod judge;
pub mod number;
pub mod packed;
pub mod percentile;
pub mod student;
pub mod verdict;

#[cfg(test)]
mod simulation;
