//! The feed: from bytes on a socket to verified changes of the market.
#![warn(missing_docs)]
pub mod wire;
