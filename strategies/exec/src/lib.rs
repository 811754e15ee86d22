//! The engine: every strategy, its account, and the simulated venue it trades on.
//!
//! * [`engine`]: a pure function of (configuration, market events): state, stops, strategies, execution
//! * [`venue`]: how an order meets the visible book; the place where execution models go
//! * [`portfolio`]: one strategy's account in exact money
//! * [`agent`]: the pinned thread around the engine, [`report`]: what it tells the bridge
//! * [`digest`]: the hash by which two runs are the same
//!
//! Strategies cannot import this room; they see values of `paperwire-core` only.

#![warn(missing_docs)]

pub mod agent;
pub mod digest;
pub mod engine;
pub mod portfolio;
pub mod report;
pub mod venue;
