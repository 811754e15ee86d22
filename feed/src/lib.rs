//! The feed: from bytes on a socket to verified changes of the market.
#![warn(missing_docs)]
pub mod control;
pub mod infer;
pub mod market;
pub mod net;
pub mod session;
pub mod wire;
