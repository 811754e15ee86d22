//! The engine: every strategy with its own account at a simulated venue.
//!
//! Top down: the thread's agent; the engine, which works one market event off; a world, which is one
//! account with its orders at one venue; and the values that a world is made of, one per doubt about
//! reality.
//!
//! * what runs: [`agent`], [`engine`]
//! * from a signal to an order: [`intake`], [`risk`]
//! * an account and its orders: [`world`], [`portfolio`], [`margin`], [`performance`]
//! * doubts about reality: [`fill`], [`queue`], [`consumed`], [`latency`], [`fee`]
//! * what comes out: [`report`], [`saw`], [`digest`]

#![warn(missing_docs)]

pub mod agent;
pub mod consumed;
pub mod digest;
pub mod engine;
pub mod fee;
pub mod fill;
pub mod intake;
pub mod latency;
pub mod margin;
pub mod performance;
pub mod portfolio;
pub mod queue;
pub mod report;
pub mod risk;
pub mod saw;
#[cfg(test)]
mod testkit;
pub mod world;
